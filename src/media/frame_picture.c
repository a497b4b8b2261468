#include "media/frame_picture.h"

#include <stdlib.h>

#include <libavutil/frame.h>

struct wrapped {
    struct picture picture;
    AVFrame *frame;
    struct slots *slots;
    struct motion_sum *motion;
};

static void free_wrapped(struct picture *picture)
{
    struct wrapped *wrapped = picture->owner;
    struct slots *slots = wrapped->slots;

    av_frame_free(&wrapped->frame);
    free(wrapped->motion);
    free(wrapped);
    if (slots)
        slots_give_back(slots);
}

static enum pixel_format format_of(const AVFrame *frame)
{
    switch (frame->format) {
    case AV_PIX_FMT_NV12:
        return PIXEL_NV12;
    case AV_PIX_FMT_YUV422P:
        return PIXEL_I422;
    case AV_PIX_FMT_YUV444P:
        return PIXEL_I444;
    case AV_PIX_FMT_GRAY8:
        return PIXEL_GRAY8;
    case AV_PIX_FMT_RGB24:
        return PIXEL_RGB24;
    case AV_PIX_FMT_BGR24:
        return PIXEL_BGR24;
    default:
        return PIXEL_I420;
    }
}

/*
 * The matrix where the stream does not say: high definition is BT.709, the rest BT.601, as players have it.
 * BT.2020 is nearer to BT.709 (largest difference of a luma coefficient .05) than to BT.601 (.09).
 */
static enum picture_colour colour_of(const AVFrame *frame)
{
    switch (frame->colorspace) {
    case AVCOL_SPC_BT709:
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL:
        return COLOUR_BT709;
    case AVCOL_SPC_UNSPECIFIED:
    case AVCOL_SPC_RESERVED:
        return frame->width >= 1280 || frame->height > 576 ? COLOUR_BT709 : COLOUR_BT601;
    default:
        return COLOUR_BT601;
    }
}

/* Grey pictures come from still images, which use the whole range unless they say otherwise. */
static int is_full_range(const AVFrame *frame, enum pixel_format format)
{
    if (format == PIXEL_RGB24 || format == PIXEL_BGR24)
        return 1;
    if (format == PIXEL_GRAY8)
        return frame->color_range != AVCOL_RANGE_MPEG;
    return frame->color_range == AVCOL_RANGE_JPEG;
}

struct picture *frame_picture_wrap(AVFrame *frame, struct slots *slots, struct motion_sum *motion)
{
    struct wrapped *wrapped = calloc(1, sizeof *wrapped);
    struct picture *picture;

    if (!wrapped)
        return NULL;
    wrapped->frame = av_frame_alloc();
    if (!wrapped->frame) {
        free(wrapped);
        return NULL;
    }
    av_frame_move_ref(wrapped->frame, frame);
    frame = wrapped->frame;
    wrapped->slots = slots;
    wrapped->motion = motion;
    picture = &wrapped->picture;
    picture->motion = motion;
    atomic_init(&picture->references, 1);
    picture->free_picture = free_wrapped;
    picture->owner = wrapped;
    picture->format = format_of(frame);
    picture->colour = colour_of(frame);
    picture->full_range = is_full_range(frame, picture->format);
    picture->width = frame->width;
    picture->height = frame->height;
    for (int p = 0; p < picture_plane_count(picture->format); p++) {
        picture->planes[p] = frame->data[p];
        picture->strides[p] = frame->linesize[p];
    }
    return picture;
}
