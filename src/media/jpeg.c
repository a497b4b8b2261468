#include "media/jpeg.h"

#include <stdbool.h>
#include <stdlib.h>

#include <turbojpeg.h>

#include "media/convert.h"

struct jpeg_encoder {
    tjhandle handle;
    struct converter *converter;
    struct picture *scratch; /* the picture as JPEG wants it */
    unsigned char *file;     /* room for the largest file of that size */
    unsigned long capacity;
};

int jpeg_encoder_create(struct jpeg_encoder **encoder, struct error *error)
{
    struct jpeg_encoder *e = calloc(1, sizeof *e);

    *encoder = NULL;
    if (!e)
        return error_nomem(error, "a JPEG encoder");
    e->handle = tjInitCompress();
    e->converter = converter_create();
    if (!e->handle || !e->converter) {
        jpeg_encoder_destroy(&e);
        return error_nomem(error, "a JPEG encoder");
    }
    *encoder = e;
    return 0;
}

void jpeg_encoder_destroy(struct jpeg_encoder **encoder)
{
    struct jpeg_encoder *e = *encoder;

    *encoder = NULL;
    if (!e)
        return;
    if (e->handle)
        tjDestroy(e->handle);
    converter_destroy(&e->converter);
    picture_unref(&e->scratch);
    free(e->file);
    free(e);
}

static int even(int64_t side)
{
    return side < 2 ? 2 : (int)(side & ~INT64_C(1));
}

void jpeg_size(int width, int height, int most_width, int *out_width, int *out_height)
{
    *out_width = even(width);
    *out_height = even(height);
    if (most_width > 0 && most_width < width) {
        *out_width = even(most_width);
        *out_height = even(((int64_t)height * *out_width + width / 2) / width);
    }
}

static int ensure_room(struct jpeg_encoder *e, int width, int height, int sampling, struct error *error)
{
    unsigned long need = tjBufSize(width, height, sampling);

    if (need <= e->capacity)
        return 0;
    free(e->file);
    e->file = malloc(need);
    e->capacity = e->file ? need : 0;
    return e->file ? 0 : error_nomem(error, "a JPEG");
}

/* The picture in the encoder's scratch, of the given even size. */
static int convert_to_scratch(struct jpeg_encoder *e, const struct picture *picture, int width, int height,
                              struct error *error)
{
    struct picture view = picture_view(picture); /* without the last column or row of an odd side */

    if (picture->width == width + 1 && width > 0)
        view.width = width;
    if (picture->height == height + 1 && height > 0)
        view.height = height;
    if (!e->scratch || e->scratch->width != width || e->scratch->height != height) {
        picture_unref(&e->scratch);
        e->scratch = picture_create(PIXEL_I420, width, height);
        if (!e->scratch)
            return error_nomem(error, "a JPEG");
        e->scratch->colour = COLOUR_BT601;
        e->scratch->full_range = 1;
    }
    return converter_run(e->converter, &view, e->scratch, error);
}

/* The sampling of a picture that can be compressed as it is, or -1. */
static int direct_sampling(const struct picture *p, int width, int height)
{
    if (p->width != width || p->height != height || !p->full_range)
        return -1;
    if (p->format == PIXEL_GRAY8)
        return TJSAMP_GRAY;
    if (p->colour != COLOUR_BT601)
        return -1;
    return p->format == PIXEL_I420   ? TJSAMP_420
           : p->format == PIXEL_I422 ? TJSAMP_422
           : p->format == PIXEL_I444 ? TJSAMP_444
                                     : -1;
}

int jpeg_encode(struct jpeg_encoder *e, const struct picture *picture, int most_width, int quality,
                struct buffer *out, struct error *error)
{
    const struct picture *from = picture;
    unsigned long size;
    int width, height, sampling, result;
    unsigned char *file;

    if (picture->width < 2 || picture->height < 2 || quality < 1 || quality > 100)
        return error_set(error, ERR_INVALID, "a JPEG of %dx%d with quality %d cannot be made", picture->width,
                         picture->height, quality);
    jpeg_size(picture->width, picture->height, most_width, &width, &height);
    sampling = direct_sampling(picture, width, height);
    if (sampling < 0) {
        result = convert_to_scratch(e, picture, width, height, error);
        if (result)
            return result;
        from = e->scratch;
        sampling = TJSAMP_420;
    }
    result = ensure_room(e, width, height, sampling, error);
    if (result)
        return result;
    file = e->file;
    size = e->capacity;
    if (tjCompressFromYUVPlanes(e->handle, (const unsigned char **)(uintptr_t)from->planes, width,
                                from->strides, height, sampling, &file, &size, quality,
                                TJFLAG_NOREALLOC | TJFLAG_FASTDCT) != 0)
        return error_set(error, ERR_INTERNAL, "a JPEG of %dx%d: %s", width, height,
                         tjGetErrorStr2(e->handle));
    if (!buffer_reserve(out, size))
        return error_nomem(error, "a JPEG");
    buffer_append(out, file, size);
    return 0;
}

static int format_for(int sampling)
{
    switch (sampling) {
    case TJSAMP_420:
        return PIXEL_I420;
    case TJSAMP_422:
        return PIXEL_I422;
    case TJSAMP_444:
        return PIXEL_I444;
    case TJSAMP_GRAY:
        return PIXEL_GRAY8;
    default:
        return PIXEL_RGB24;
    }
}

/* With room for the padding to even sides that the library writes; then its true size. */
static struct picture *create_for(int format, int width, int height)
{
    struct picture *p = picture_create((enum pixel_format)format, width + width % 2, height + height % 2);

    if (!p)
        return NULL;
    p->width = width, p->height = height;
    p->colour = COLOUR_BT601;
    p->full_range = 1;
    return p;
}

static int decode_with(tjhandle handle, const void *bytes, size_t size, struct picture **picture,
                       struct error *error)
{
    const int flags = TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS;
    int width = 0, height = 0, sampling = 0, colours = 0, failed;
    struct picture *p;
    uint8_t *planes[3];

    if (tjDecompressHeader3(handle, bytes, (unsigned long)size, &width, &height, &sampling, &colours) != 0)
        return error_set(error, ERR_FORMAT, "not a JPEG that can be read: %s", tjGetErrorStr2(handle));
    if (width < 1 || height < 1)
        return error_set(error, ERR_FORMAT, "a JPEG that ends before it says its size");
    if (colours == TJCS_CMYK || colours == TJCS_YCCK)
        return error_set(error, ERR_UNSUPPORTED, "a JPEG in CMYK is not supported");
    if (width >= PICTURE_SIDE_MAX || height >= PICTURE_SIDE_MAX || (int64_t)width * height > JPEG_PIXELS_MAX)
        return error_set(error, ERR_UNSUPPORTED, "a JPEG of %dx%d is too large", width, height);
    if (colours == TJCS_RGB)
        sampling = -1;
    p = create_for(format_for(sampling), width, height);
    if (!p)
        return error_nomem(error, "a JPEG");
    for (int i = 0; i < 3; i++)
        planes[i] = (uint8_t *)(uintptr_t)p->planes[i];
    if (p->format == PIXEL_RGB24)
        failed = tjDecompress2(handle, bytes, (unsigned long)size, planes[0], width, p->strides[0], height,
                               TJPF_RGB, flags);
    else
        failed = tjDecompressToYUVPlanes(handle, bytes, (unsigned long)size, planes, width, p->strides,
                                         height, flags);
    if (failed) {
        picture_unref(&p);
        return error_set(error, ERR_FORMAT, "a damaged JPEG: %s", tjGetErrorStr2(handle));
    }
    *picture = p;
    return 0;
}

int jpeg_decode(const void *bytes, size_t size, struct picture **picture, struct error *error)
{
    tjhandle handle;
    int result;

    *picture = NULL;
    if (size == 0)
        return error_set(error, ERR_FORMAT, "not a JPEG: it is empty");
    handle = tjInitDecompress();
    if (!handle)
        return error_nomem(error, "a JPEG decoder");
    result = decode_with(handle, bytes, size, picture, error);
    tjDestroy(handle);
    return result;
}
