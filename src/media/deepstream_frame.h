/*
 * A frame that is gathered from DeepStream's messages. In the full schema each object has a message of its
 * own, and each its own time of writing: those of one sensor that are at most a few milliseconds apart and
 * are about different objects belong to one frame. A message of the minimal schema is a frame already. Pure;
 * one thread.
 */
#ifndef SCI_MEDIA_DEEPSTREAM_FRAME_H
#define SCI_MEDIA_DEEPSTREAM_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "media/deepstream_message.h"

/* The converter stamps each message of a frame when it writes it; at 60 frames/s the next frame is 16 ms
 * away. */
#define DEEPSTREAM_TOGETHER_NS (10 * NS_PER_MS)

struct deepstream_frame {
    bool open;              /* there is at least one message in it */
    bool whole;             /* of the minimal schema: nothing can be added */
    int64_t time_ns;        /* of its first message */
    int64_t latest_ns;      /* the latest time of its messages */
    struct instant arrival; /* of its first message */
    int64_t last_ns;        /* monotonic: when the last message was added */
    size_t count, messages;
    struct detection detections[DEEPSTREAM_OBJECTS_MAX];
    uint64_t ids[DEEPSTREAM_OBJECTS_MAX]; /* of the messages */
};

/* Whether the message belongs to the open frame. */
bool deepstream_frame_takes(const struct deepstream_frame *frame, const struct deepstream_message *message);
/* Opens the frame, or adds to it. Copies the message's detections. */
void deepstream_frame_add(struct deepstream_frame *frame, const struct deepstream_message *message,
                          struct instant arrival, int64_t now_ns);
void deepstream_frame_clear(struct deepstream_frame *frame);

#endif
