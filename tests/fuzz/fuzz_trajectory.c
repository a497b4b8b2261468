/* Trajectory files: every accepted row is finite, the order is as promised. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/trajectory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct trajectories t;
    struct error error = {0};
    if (trajectories_parse((const char *)data, size, NULL, &t, &error)) {
        return 0;
    }
    if (t.count == 0 || t.frame_start[t.frame_count] != t.count) {
        abort();
    }
    for (size_t i = 0; i < t.count; i++) {
        if (!isfinite(t.position[i].x) || !isfinite(t.position[i].y) || t.by_person[i] >= t.count ||
            (i &&
             (t.frame[i] < t.frame[i - 1] || (t.frame[i] == t.frame[i - 1] && t.id[i] <= t.id[i - 1])))) {
            abort();
        }
    }
    trajectories_free(&t);
    return 0;
}
