/* Any bytes as a camera calibration in XML. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "config/calibration_xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct camera_model camera = {.kind = CAMERA_TSAI};
    struct error error = {0};
    if (calibration_xml_parse((const char *)data, size, "f", &camera.u.tsai, &error) != 0) {
        if (error.text[0] == '\0') {
            abort();
        }
        return 0;
    }
    camera.width = camera.u.tsai.width;
    camera.height = camera.u.tsai.height;
    struct point ground = {0, 0};
    if (camera_prepare(&camera, &error) == 0 &&
        camera_to_ground(&camera, (struct point){100, 100}, &ground) &&
        (!isfinite(ground.x) || !isfinite(ground.y))) {
        abort();
    }
    return 0;
}
