/*
 * deinterlace: takes the combs out of a picture that was made of two fields of different moments. Pure, in
 * place.
 *
 * Where a pixel of an odd row differs from both its neighbours above and below in the same direction, the two
 * fields show different things: it becomes their mean, so that one moment is left. Elsewhere the picture
 * keeps its full detail, so one that is marked as interlaced and is not (most of them) is not blurred.
 */
#ifndef SCI_MEDIA_DEINTERLACE_H
#define SCI_MEDIA_DEINTERLACE_H

#include <stddef.h>
#include <stdint.h>

/* One plane of 8-bit samples; rows are `stride` bytes apart (may be negative). */
void deinterlace_plane(uint8_t *plane, ptrdiff_t stride, int width, int height);

#endif
