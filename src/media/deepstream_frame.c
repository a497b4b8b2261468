#include "media/deepstream_frame.h"

#include <string.h>

bool deepstream_frame_takes(const struct deepstream_frame *frame, const struct deepstream_message *message)
{
    int64_t apart = message->time_ns - frame->time_ns;
    if (!frame->open || frame->whole || !message->full || frame->messages == DEEPSTREAM_OBJECTS_MAX ||
        apart > DEEPSTREAM_TOGETHER_NS || apart < -DEEPSTREAM_TOGETHER_NS)
        return false;
    for (size_t i = 0; message->object_id && apart != 0 && i < frame->messages; i++)
        if (frame->ids[i] == message->object_id)
            return false;
    return true;
}

void deepstream_frame_add(struct deepstream_frame *frame, const struct deepstream_message *message,
                          struct instant arrival, int64_t now_ns)
{
    if (!frame->open) {
        frame->open = true;
        frame->whole = !message->full;
        frame->time_ns = frame->latest_ns = message->time_ns;
        frame->arrival = arrival;
    }
    if (message->time_ns > frame->latest_ns)
        frame->latest_ns = message->time_ns;
    size_t room = DEEPSTREAM_OBJECTS_MAX - frame->count;
    size_t count = message->count < room ? message->count : room;
    if (count > 0)
        memcpy(frame->detections + frame->count, message->detections, count * sizeof *message->detections);
    frame->count += count;
    if (frame->messages < DEEPSTREAM_OBJECTS_MAX)
        frame->ids[frame->messages++] = message->object_id;
    frame->last_ns = now_ns;
}

void deepstream_frame_clear(struct deepstream_frame *frame)
{
    frame->open = frame->whole = false;
    frame->count = frame->messages = 0;
}
