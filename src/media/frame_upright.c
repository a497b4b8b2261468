#include "media/frame_upright.h"

#include <stdlib.h>
#include <string.h>

#include <libavutil/buffer.h>
#include <libavutil/frame.h>
#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

#include "core/picture.h"
#include "media/deinterlace.h"

enum { ALIGNMENT = 32, ASPECT_MAX = 8 };

/* Frames of one shape out of recycled memory. */
struct frame_pool {
    AVBufferPool *buffers;
    int format, width, height;
};

struct frame_upright {
    struct SwsContext *scaler;
    struct frame_pool mended, converted, turned;
};

struct orientation orientation_from_matrix(const int32_t *matrix)
{
    struct orientation o = {false, false, false};
    int64_t xx, xy, yx, yy;

    if (!matrix)
        return o;
    /* x' = xx * x + xy * y, y' = yx * x + yy * y */
    xx = matrix[0], yx = matrix[1], xy = matrix[3], yy = matrix[4];
    o.transpose = llabs(xx) + llabs(yy) < llabs(xy) + llabs(yx);
    o.flip_x = o.transpose ? xy < 0 : xx < 0;
    o.flip_y = o.transpose ? yx < 0 : yy < 0;
    return o;
}

static int stretched(int side, int num, int den)
{
    int64_t longer = ((int64_t)side * num + den / 2) / den;

    return longer > PICTURE_SIDE_MAX ? PICTURE_SIDE_MAX : (int)longer;
}

/* Stored size made square. */
static void square_size(int *width, int *height, int num, int den)
{
    if (num <= 0 || den <= 0 || num / den >= ASPECT_MAX || den / num >= ASPECT_MAX)
        return;
    if (llabs((int64_t)num - den) * 50 <= den)
        return;
    if (num > den)
        *width = stretched(*width, num, den);
    else
        *height = stretched(*height, den, num);
}

void displayed_size(int width, int height, int aspect_num, int aspect_den, struct orientation orientation,
                    int *out_width, int *out_height)
{
    square_size(&width, &height, aspect_num, aspect_den);
    *out_width = orientation.transpose ? height : width;
    *out_height = orientation.transpose ? width : height;
}

struct frame_upright *frame_upright_create(void)
{
    return calloc(1, sizeof(struct frame_upright));
}

void frame_upright_destroy(struct frame_upright **upright)
{
    struct frame_upright *held = *upright;

    *upright = NULL;
    if (!held)
        return;
    sws_freeContext(held->scaler);
    av_buffer_pool_uninit(&held->mended.buffers);
    av_buffer_pool_uninit(&held->converted.buffers);
    av_buffer_pool_uninit(&held->turned.buffers);
    free(held);
}

/* An empty frame of that shape with the properties of `like`; NULL without memory. */
static AVFrame *pool_take(struct frame_pool *pool, int format, int width, int height, const AVFrame *like)
{
    AVFrame *frame;

    if (!pool->buffers || pool->format != format || pool->width != width || pool->height != height) {
        int size = av_image_get_buffer_size(format, width, height, ALIGNMENT);

        av_buffer_pool_uninit(&pool->buffers);
        /* Some kernels of swscale write a little beyond the last row. */
        pool->buffers = size < 0 ? NULL : av_buffer_pool_init((size_t)size + 64, NULL);
        pool->format = format, pool->width = width, pool->height = height;
    }
    frame = av_frame_alloc();
    if (!frame || !pool->buffers || av_frame_copy_props(frame, like) < 0)
        goto fail;
    frame->buf[0] = av_buffer_pool_get(pool->buffers);
    if (!frame->buf[0])
        goto fail;
    frame->format = format, frame->width = width, frame->height = height;
    if (av_image_fill_arrays(frame->data, frame->linesize, frame->buf[0]->data, format, width, height,
                             ALIGNMENT) < 0)
        goto fail;
    return frame;
fail:
    av_frame_free(&frame);
    return NULL;
}

static void replace(AVFrame *frame, AVFrame **with)
{
    av_frame_unref(frame);
    av_frame_move_ref(frame, *with);
    av_frame_free(with);
}

/* The format of core/picture.h that holds `format` best; the same format if it is one of them. */
static int nearest_format(int format)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(format);

    switch (format) {
    case AV_PIX_FMT_YUV420P:
    case AV_PIX_FMT_NV12:
    case AV_PIX_FMT_YUV422P:
    case AV_PIX_FMT_YUV444P:
    case AV_PIX_FMT_GRAY8:
    case AV_PIX_FMT_RGB24:
    case AV_PIX_FMT_BGR24:
        return format;
    case AV_PIX_FMT_YUVJ420P:
        return AV_PIX_FMT_YUV420P;
    case AV_PIX_FMT_YUVJ422P:
        return AV_PIX_FMT_YUV422P;
    case AV_PIX_FMT_YUVJ444P:
        return AV_PIX_FMT_YUV444P;
    default:
        break;
    }
    if (!d || !sws_isSupportedInput(format))
        return AV_PIX_FMT_NONE;
    if (d->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BAYER))
        return AV_PIX_FMT_RGB24;
    if (d->nb_components <= 2)
        return AV_PIX_FMT_GRAY8;
    if (d->log2_chroma_w == 0 && d->log2_chroma_h == 0)
        return AV_PIX_FMT_YUV444P;
    return d->log2_chroma_w == 1 && d->log2_chroma_h == 0 ? AV_PIX_FMT_YUV422P : AV_PIX_FMT_YUV420P;
}

/* "J" formats are the plain ones with full range, in every respect but the name. */
static int plain_format(AVFrame *frame)
{
    int format = frame->format;

    if (format == AV_PIX_FMT_YUVJ420P || format == AV_PIX_FMT_YUVJ422P || format == AV_PIX_FMT_YUVJ444P) {
        frame->color_range = AVCOL_RANGE_JPEG;
        format = nearest_format(format);
    }
    return format;
}

static int scale(struct frame_upright *upright, AVFrame *frame, int format, int width, int height,
                 struct error *error)
{
    const int *matrix =
        sws_getCoefficients(frame->colorspace == AVCOL_SPC_BT709 ? SWS_CS_ITU709 : SWS_CS_ITU601);
    int full = frame->color_range == AVCOL_RANGE_JPEG;
    AVFrame *out;

    /* Bit exact, so that the same file gives the same pictures on every processor. */
    upright->scaler =
        sws_getCachedContext(upright->scaler, frame->width, frame->height, frame->format, width, height,
                             format, SWS_BILINEAR | SWS_BITEXACT | SWS_ACCURATE_RND, NULL, NULL, NULL);
    if (!upright->scaler)
        return error_set(error, ERR_UNSUPPORTED, "a picture of %dx%d cannot be converted", frame->width,
                         frame->height);
    /* Fails harmlessly where neither side is YUV. */
    sws_setColorspaceDetails(upright->scaler, matrix, full, matrix, full, 0, 1 << 16, 1 << 16);
    out = pool_take(&upright->converted, format, width, height, frame);
    if (!out)
        return error_nomem(error, "a picture");
    if (sws_scale(upright->scaler, (const uint8_t *const *)frame->data, frame->linesize, 0, frame->height,
                  out->data, out->linesize) < 0) {
        av_frame_free(&out);
        return error_set(error, ERR_INTERNAL, "a picture of %dx%d cannot be scaled", frame->width,
                         frame->height);
    }
    replace(frame, &out);
    return 0;
}

static bool is_interlaced(const AVFrame *frame)
{
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(58, 29, 100)
    return frame->flags & AV_FRAME_FLAG_INTERLACED;
#else
    return frame->interlaced_frame;
#endif
}

/* The decoder may still need its frame: a copy is mended. */
static int deinterlace(struct frame_upright *upright, AVFrame *frame, struct error *error)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(frame->format);
    AVFrame *out;

    if (!(d->flags & AV_PIX_FMT_FLAG_PLANAR) || d->comp[0].depth > 8)
        return 0;
    out = pool_take(&upright->mended, frame->format, frame->width, frame->height, frame);
    if (!out)
        return error_nomem(error, "a picture");
    av_image_copy(out->data, out->linesize, (const uint8_t **)frame->data, frame->linesize, frame->format,
                  frame->width, frame->height);
    for (int p = 0; p < av_pix_fmt_count_planes(frame->format); p++)
        deinterlace_plane(out->data[p], out->linesize[p],
                          p ? AV_CEIL_RSHIFT(frame->width, d->log2_chroma_w) * d->comp[p].step : frame->width,
                          p ? AV_CEIL_RSHIFT(frame->height, d->log2_chroma_h) : frame->height);
    replace(frame, &out);
    return 0;
}

/* One plane of samples of `size` bytes; out is width x height of the turned plane. */
static void turn_plane(uint8_t *out, int out_stride, const uint8_t *in, int in_stride, int width, int height,
                       int size, struct orientation o)
{
    /* Steps in the source for one sample right and one row down in the result. */
    ptrdiff_t right = o.transpose ? in_stride : size, down = o.transpose ? size : in_stride;

    if (o.flip_x)
        in += right * (width - 1), right = -right;
    if (o.flip_y)
        in += down * (height - 1), down = -down;
    for (int y = 0; y < height; y++) {
        const uint8_t *from = in + down * y;
        uint8_t *to = out + (ptrdiff_t)out_stride * y;

        if (right == size) {
            memcpy(to, from, (size_t)width * (size_t)size);
            continue;
        }
        for (int x = 0; x < width; x++, from += right, to += size)
            for (int k = 0; k < size; k++)
                to[k] = from[k];
    }
}

static int turn(struct frame_upright *upright, AVFrame *frame, struct orientation o, struct error *error)
{
    int width = o.transpose ? frame->height : frame->width,
        height = o.transpose ? frame->width : frame->height;
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(frame->format);
    AVFrame *out = pool_take(&upright->turned, frame->format, width, height, frame);

    if (!out)
        return error_nomem(error, "a picture");
    for (int p = 0; p < av_pix_fmt_count_planes(frame->format); p++) {
        bool chroma = p > 0;
        int w = chroma ? AV_CEIL_RSHIFT(width, d->log2_chroma_w) : width;
        int h = chroma ? AV_CEIL_RSHIFT(height, d->log2_chroma_h) : height;

        turn_plane(out->data[p], out->linesize[p], frame->data[p], frame->linesize[p], w, h, d->comp[p].step,
                   o);
    }
    replace(frame, &out);
    return 0;
}

static const int32_t *frame_matrix(const AVFrame *frame)
{
    const AVFrameSideData *side = av_frame_get_side_data(frame, AV_FRAME_DATA_DISPLAYMATRIX);

    return side && side->size >= 9 * sizeof(int32_t) ? (const int32_t *)(const void *)side->data : NULL;
}

static bool has_negative_stride(const AVFrame *frame)
{
    for (int p = 0; p < 4 && frame->data[p]; p++)
        if (frame->linesize[p] < 0)
            return true;
    return false;
}

bool frame_is_upright(const AVFrame *frame, const int32_t *matrix, int aspect_num, int aspect_den)
{
    struct orientation o = orientation_from_matrix(matrix ? matrix : frame_matrix(frame));
    int width = frame->width, height = frame->height;

    square_size(&width, &height, aspect_num, aspect_den);
    return !o.transpose && !o.flip_x && !o.flip_y && width == frame->width && height == frame->height &&
           !is_interlaced(frame);
}

int frame_upright_apply(struct frame_upright *upright, AVFrame *frame, const int32_t *matrix, int aspect_num,
                        int aspect_den, struct error *error)
{
    struct orientation o = orientation_from_matrix(matrix ? matrix : frame_matrix(frame));
    int width = frame->width, height = frame->height, result = 0, format;

    if (width < 1 || height < 1 || width > PICTURE_SIDE_MAX || height > PICTURE_SIDE_MAX)
        return error_set(error, ERR_UNSUPPORTED, "pictures of %dx%d are not supported", width, height);
    frame->format = plain_format(frame);
    format = nearest_format(frame->format);
    if (format == AV_PIX_FMT_NONE)
        return error_set(error, ERR_UNSUPPORTED, "pixel format %d is not supported", frame->format);
    /* Halved horizontally and turned it would be halved vertically, which is no format of ours. */
    if (o.transpose && format == AV_PIX_FMT_YUV422P)
        format = AV_PIX_FMT_YUV444P;
    square_size(&width, &height, aspect_num, aspect_den);
    if (is_interlaced(frame))
        result = deinterlace(upright, frame, error);
    if (!result && (format != frame->format || width != frame->width || height != frame->height ||
                    has_negative_stride(frame)))
        result = scale(upright, frame, format, width, height, error);
    if (!result && (o.transpose || o.flip_x || o.flip_y))
        result = turn(upright, frame, o, error);
    return result;
}
