/*
 * image: a still image in memory (JPEG, PNG, BMP, WebP, TIFF, PNM) as
 * a picture, upright: turned as its EXIF says. Any thread.
 */
#ifndef SCI_MEDIA_IMAGE_H
#define SCI_MEDIA_IMAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "core/picture.h"
#include "media/slots.h"

enum { IMAGE_BYTES_MAX = 256 * 1024 * 1024 };

/* Whether a file of this name is taken for an image: .jpg .jpeg .png .bmp .webp .tif .tiff .ppm .pgm, in any
 * case. */
bool image_has_name(const char *path);

/*
 * One reference in `*picture`; its times and number are 0. The kind is seen in the bytes, not in a name.
 * ERR_FORMAT for what is no image, or a damaged or truncated one; ERR_UNSUPPORTED for too large a one (64 Mi
 * pixels, PICTURE_SIDE_MAX).
 */
int image_decode(const void *bytes, size_t size, struct picture **picture, struct error *error);
/* The same; the picture takes over the slot that the caller took (on failure it is still the caller's). */
int image_decode_in_slot(const void *bytes, size_t size, struct slots *slots, struct picture **picture,
                         struct error *error);

#endif
