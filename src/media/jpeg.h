/*
 * jpeg: stills in and out. The wrapper of libturbojpeg. An encoder keeps its scratch memory: no allocation
 * while the shapes stay the same. One thread at a time per encoder; `jpeg_decode` from any thread.
 */
#ifndef SCI_MEDIA_JPEG_H
#define SCI_MEDIA_JPEG_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "core/picture.h"

struct jpeg_encoder;

int jpeg_encoder_create(struct jpeg_encoder **encoder, struct error *error);
void jpeg_encoder_destroy(struct jpeg_encoder **encoder); /* clears the pointer; NULL is fine */

/*
 * The size of the still of a `width` x `height` picture that is to be at most `most_width` wide (0 = as it
 * is; never enlarged): the picture's shape, even sides, at least 2 (a picture with an odd side loses its last
 * column or row).
 */
void jpeg_size(int width, int height, int most_width, int *out_width, int *out_height);

/*
 * Appends the picture as a JPEG file of that size; `quality` 1-100. JPEG is BT.601 with full range, so YUV
 * pictures of another range or matrix are changed on the way, never by way of RGB. ERR_INVALID for a picture
 * with a side under 2 or a quality outside its range; ERR_NOMEM. On failure `out` is as before.
 */
int jpeg_encode(struct jpeg_encoder *encoder, const struct picture *picture, int most_width, int quality,
                struct buffer *out, struct error *error);

/*
 * A JPEG file as a picture (one reference; I420, I422, I444, GRAY8, or RGB24 for rarer samplings), not turned
 * by what its EXIF says (image.h does that). ERR_FORMAT for damaged or truncated bytes; ERR_UNSUPPORTED for
 * CMYK and for a side over PICTURE_SIDE_MAX or more than JPEG_PIXELS_MAX pixels.
 */
enum { JPEG_PIXELS_MAX = 64 * 1024 * 1024 };
int jpeg_decode(const void *bytes, size_t size, struct picture **picture, struct error *error);

#endif
