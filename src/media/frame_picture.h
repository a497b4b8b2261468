/*
 * frame_picture: an AVFrame as a `struct picture`, without a copy: the picture keeps the frame's buffers and
 * gives them back to the decoder when the last reference goes. Thread-safe.
 */
#ifndef SCI_MEDIA_FRAME_PICTURE_H
#define SCI_MEDIA_FRAME_PICTURE_H

#include "core/picture.h"
#include "media/slots.h"

struct AVFrame;
struct motion_sum;

/*
 * Takes over the content of `frame` (upright, see frame_upright.h) and the slot that the caller took from
 * `slots` (NULL = none), and `motion` (malloc'd, or NULL); the frame is empty afterwards. NULL without
 * memory: then all three are still the caller's. Times and number are 0.
 */
struct picture *frame_picture_wrap(struct AVFrame *frame, struct slots *slots, struct motion_sum *motion);

#endif
