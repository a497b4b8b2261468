/*
 * Scaling, formats and ranges are libswscale's. Between two YUV forms it does not change the matrix (or only
 * by way of RGB), so that is done here, on the result: with R' = Y + 2(1-Kr) Cr, B' = Y + 2(1-Kb) Cb (ITU-R
 * BT.601 and BT.709, section "signal format"), the way from one (Kr, Kb) to another is linear and leaves grey
 * alone:
 *
 *     Y2 = Y + a Cb + b Cr,   Cb2 = c Cb + d Cr,   Cr2 = e Cb + f Cr
 */
#include "media/convert.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include <libavutil/opt.h>
#include <libswscale/swscale.h>

struct shape {
    int in_width, in_height, in_format, in_range, in_colour;
    int out_width, out_height, out_format, out_range, out_colour;
};

struct converter {
    struct SwsContext *scaler;
    struct shape shape;
};

struct converter *converter_create(void)
{
    return calloc(1, sizeof(struct converter));
}

void converter_destroy(struct converter **converter)
{
    struct converter *held = *converter;

    *converter = NULL;
    if (!held)
        return;
    sws_freeContext(held->scaler);
    free(held);
}

static int format_of(enum pixel_format format)
{
    switch (format) {
    case PIXEL_I420:
        return AV_PIX_FMT_YUV420P;
    case PIXEL_NV12:
        return AV_PIX_FMT_NV12;
    case PIXEL_I422:
        return AV_PIX_FMT_YUV422P;
    case PIXEL_I444:
        return AV_PIX_FMT_YUV444P;
    case PIXEL_GRAY8:
        return AV_PIX_FMT_GRAY8;
    case PIXEL_RGB24:
        return AV_PIX_FMT_RGB24;
    case PIXEL_BGR24:
        return AV_PIX_FMT_BGR24;
    }
    return AV_PIX_FMT_NONE;
}

static bool is_rgb(int format)
{
    return format == AV_PIX_FMT_RGB24 || format == AV_PIX_FMT_BGR24;
}

static bool same_shape(const struct shape *a, const struct shape *b)
{
    return a->in_width == b->in_width && a->in_height == b->in_height && a->in_format == b->in_format &&
           a->in_range == b->in_range && a->in_colour == b->in_colour && a->out_width == b->out_width &&
           a->out_height == b->out_height && a->out_format == b->out_format && a->out_range == b->out_range &&
           a->out_colour == b->out_colour;
}

static const int *coefficients(int colour)
{
    return sws_getCoefficients(colour == COLOUR_BT709 ? SWS_CS_ITU709 : SWS_CS_ITU601);
}

/* The ranges must be known before the context is made: afterwards it may already have chosen a plain copy. */
static struct SwsContext *make_scaler(const struct shape *s)
{
    struct SwsContext *c = sws_alloc_context();
    const int *in_matrix;

    if (!c)
        return NULL;
    av_opt_set_int(c, "srcw", s->in_width, 0);
    av_opt_set_int(c, "srch", s->in_height, 0);
    av_opt_set_int(c, "src_format", s->in_format, 0);
    av_opt_set_int(c, "src_range", s->in_range, 0);
    av_opt_set_int(c, "dstw", s->out_width, 0);
    av_opt_set_int(c, "dsth", s->out_height, 0);
    av_opt_set_int(c, "dst_format", s->out_format, 0);
    av_opt_set_int(c, "dst_range", s->out_range, 0);
    av_opt_set_int(c, "sws_flags", SWS_BILINEAR, 0);
    if (sws_init_context(c, NULL, NULL) < 0) {
        sws_freeContext(c);
        return NULL;
    }
    /* Told of two matrices for two YUV forms, it would go by way of RGB. */
    in_matrix = coefficients(is_rgb(s->in_format) || is_rgb(s->out_format) ? s->in_colour : s->out_colour);
    sws_setColorspaceDetails(c, in_matrix, s->in_range, coefficients(s->out_colour), s->out_range, 0, 1 << 16,
                             1 << 16);
    return c;
}

static int prepare(struct converter *converter, const struct picture *in, const struct picture *out,
                   struct error *error)
{
    struct shape s = {
        in->width,  in->height,  format_of(in->format),  in->full_range != 0,  (int)in->colour,
        out->width, out->height, format_of(out->format), out->full_range != 0, (int)out->colour};

    /* Grey is always full range to swscale: copied, and stretched here afterwards. */
    if (in->format == PIXEL_GRAY8 && !in->full_range)
        s.in_range = s.out_range = 1;
    if (converter->scaler && same_shape(&s, &converter->shape))
        return 0;
    sws_freeContext(converter->scaler);
    converter->scaler = make_scaler(&s);
    if (!converter->scaler)
        return error_set(error, ERR_UNSUPPORTED, "a picture of %dx%d cannot be made %dx%d", in->width,
                         in->height, out->width, out->height);
    converter->shape = s;
    return 0;
}

enum { SHIFT = 14 };

struct mix {
    int a, b, c, d, e, f; /* times 2^SHIFT */
};

static struct mix make_mix(enum picture_colour from, bool full_range)
{
    static const double kr[] = {[COLOUR_BT601] = 0.299, [COLOUR_BT709] = 0.2126};
    static const double kb[] = {[COLOUR_BT601] = 0.114, [COLOUR_BT709] = 0.0722};
    enum picture_colour to = from == COLOUR_BT709 ? COLOUR_BT601 : COLOUR_BT709;
    double r1 = kr[from], b1 = kb[from], g1 = 1 - r1 - b1, r2 = kr[to], b2 = kb[to], g2 = 1 - r2 - b2;
    /* R, G, B less Y, per Cb and Cr */
    double r_cr = 2 * (1 - r1), b_cb = 2 * (1 - b1), g_cr = -r_cr * r1 / g1, g_cb = -b_cb * b1 / g1;
    double y_cb = g2 * g_cb + b2 * b_cb, y_cr = r2 * r_cr + g2 * g_cr;
    double luma = full_range ? 1.0 : 219.0 / 224.0, one = 1 << SHIFT;

    return (struct mix){.a = (int)lround(one * luma * y_cb),
                        .b = (int)lround(one * luma * y_cr),
                        .c = (int)lround(one * (b_cb - y_cb) / (2 * (1 - b2))),
                        .d = (int)lround(one * -y_cr / (2 * (1 - b2))),
                        .e = (int)lround(one * -y_cb / (2 * (1 - r2))),
                        .f = (int)lround(one * (r_cr - y_cr) / (2 * (1 - r2)))};
}

static uint8_t clamp(int value)
{
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* One row of chroma and its two rows of luma. */
static void mix_rows(uint8_t *y0, uint8_t *y1, uint8_t *u, uint8_t *v, int pairs, struct mix m)
{
    const int half = 1 << (SHIFT - 1);

    for (int x = 0; x < pairs; x++) {
        int cb = u[x] - 128, cr = v[x] - 128, add = (m.a * cb + m.b * cr + half) >> SHIFT;

        y0[2 * x] = clamp(y0[2 * x] + add);
        y0[2 * x + 1] = clamp(y0[2 * x + 1] + add);
        y1[2 * x] = clamp(y1[2 * x] + add);
        y1[2 * x + 1] = clamp(y1[2 * x + 1] + add);
        u[x] = clamp(((m.c * cb + m.d * cr + half) >> SHIFT) + 128);
        v[x] = clamp(((m.e * cb + m.f * cr + half) >> SHIFT) + 128);
    }
}

static void change_matrix(struct picture *out, uint8_t *const planes[3], enum picture_colour from)
{
    struct mix m = make_mix(from, out->full_range != 0);

    for (int y = 0; y < out->height / 2; y++) {
        uint8_t *luma = planes[0] + (ptrdiff_t)2 * y * out->strides[0];

        mix_rows(luma, luma + out->strides[0], planes[1] + (ptrdiff_t)y * out->strides[1],
                 planes[2] + (ptrdiff_t)y * out->strides[2], out->width / 2, m);
    }
}

/* 16-235 to 0-255, in place. */
static void stretch(struct picture *out, uint8_t *pixels)
{
    size_t row = (size_t)out->width * (out->format == PIXEL_RGB24 ? 3 : 1);

    for (int y = 0; y < out->height; y++, pixels += out->strides[0])
        for (size_t x = 0; x < row; x++)
            pixels[x] = clamp(((pixels[x] - 16) * 255 + 109) / 219);
}

int converter_run(struct converter *converter, const struct picture *in, struct picture *out,
                  struct error *error)
{
    uint8_t *planes[3];
    int result;

    if (out->format != PIXEL_RGB24 && (out->format != PIXEL_I420 || out->width % 2 || out->height % 2))
        return error_set(error, ERR_UNSUPPORTED, "pictures are converted to RGB, or to I420 with even sides");
    result = prepare(converter, in, out, error);
    if (result)
        return result;
    /* Ours alone, so the pixels may be written. */
    for (int p = 0; p < 3; p++)
        planes[p] = (uint8_t *)(uintptr_t)out->planes[p];
    if (sws_scale(converter->scaler, in->planes, in->strides, 0, in->height, planes, out->strides) < 0)
        return error_set(error, ERR_INTERNAL, "a picture of %dx%d cannot be converted", in->width,
                         in->height);
    if (in->format == PIXEL_GRAY8 && !in->full_range && (out->format == PIXEL_RGB24 || out->full_range))
        stretch(out, planes[0]);
    if (out->format == PIXEL_I420 && !is_rgb(format_of(in->format)) && in->format != PIXEL_GRAY8 &&
        in->colour != out->colour)
        change_matrix(out, planes, in->colour);
    return 0;
}
