/* A DeepStream message: what is accepted is bounded and a box; gathered frames stay bounded too. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "media/deepstream_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct deepstream_message *m)
{
    if (m->count > DEEPSTREAM_OBJECTS_MAX || m->sensor[0] == '\0' || (m->full && m->count > 1))
        abort();
    for (size_t i = 0; i < m->count; i++) {
        struct box b = m->detections[i].box;
        if (!isfinite(b.x) || !isfinite(b.y) || !(b.w >= 1) || !(b.h >= 1) || !(m->detections[i].score > 0) ||
            m->detections[i].score > 1)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct deepstream_frame frame;
    struct object_uri uri;
    struct deepstream_message message;
    struct error error = {0};
    struct instant now = {0, 0};
    if (object_uri_parse("deepstream://h/s?size=1920x1080", &uri, &error) < 0)
        abort();
    if (deepstream_message_parse((const char *)data, size, &uri, &message, &error) != 0) {
        if (message.detections || error.text[0] == '\0')
            abort();
        return 0;
    }
    check(&message);
    deepstream_frame_clear(&frame);
    for (int i = 0; i < 3; i++) {
        if (!frame.open || deepstream_frame_takes(&frame, &message))
            deepstream_frame_add(&frame, &message, now, i);
        message.time_ns += NS_PER_MS;
    }
    if (frame.count > DEEPSTREAM_OBJECTS_MAX)
        abort();
    free(message.detections);
    return 0;
}
