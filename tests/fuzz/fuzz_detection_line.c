/* A line of detections: what is accepted is finite, bounded and a box. The first byte chooses who counts. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "media/detection_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct object_uri uri;
    struct detection_line line;
    struct error error;
    if (size == 0)
        return 0;
    if (object_uri_parse(data[0] % 2 ? "detections:///x" : "detections:///x?class=a", &uri, &error) < 0)
        abort();
    if (detection_line_parse((const char *)data + 1, size - 1, &uri, &line, &error) < 0) {
        if (line.detections || line.count || error.text[0] == '\0')
            abort();
        return 0;
    }
    for (size_t i = 0; i < line.count; i++) {
        struct box b = line.detections[i].box;
        if (!isfinite(b.x) || !isfinite(b.y) || !(b.w >= 1) || !(b.h >= 1) ||
            !(line.detections[i].score >= 0) || line.detections[i].score > 1)
            abort();
    }
    if (line.count > DETECTIONS_MAX || (line.width == 0) != (line.height == 0))
        abort();
    free(line.detections);
    return 0;
}
