/*
 * frame_upright: turns what a decoder gives into what a person sees: rotation and mirroring of the metadata
 * applied, square pixels, one of the formats of core/picture.h. Most frames need nothing and are passed on
 * untouched, without a copy.
 *
 * Interlaced pictures lose their combs (deinterlace.h).
 *
 * Pixels that are not square: the short side of the pixel is stretched, so that no detail is lost (a 720x576
 * picture with pixels of 16:15 becomes 768x576, one with 8:9 and 720x480 becomes 720x540). Ratios beyond 8:1
 * are taken for nonsense and ignored. YUV formats keep their matrix and range; deeper than 8 bits becomes 8
 * bits; transparency is dropped.
 *
 * One thread at a time. What it makes outlives it.
 */
#ifndef SCI_MEDIA_FRAME_UPRIGHT_H
#define SCI_MEDIA_FRAME_UPRIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct AVFrame;
struct frame_upright;

/* How stored pixels become displayed ones: rows and columns exchanged first, then mirrored. */
struct orientation {
    bool transpose, flip_x, flip_y;
};

/* From the nine 16.16 numbers of FFmpeg's display matrix; angles are rounded to quarter turns. NULL =
 * upright. */
struct orientation orientation_from_matrix(const int32_t *matrix);

/* The displayed size of `width` x `height` stored pixels with the aspect ratio num:den (0:1 = unknown =
 * square). */
void displayed_size(int width, int height, int aspect_num, int aspect_den, struct orientation orientation,
                    int *out_width, int *out_height);

struct frame_upright *frame_upright_create(void); /* NULL without memory */
void frame_upright_destroy(struct frame_upright **upright);

/*
 * Replaces `frame` by its upright form. `matrix` (may be NULL) is the container's; without it the frame's own
 * is used. `aspect` is the pixel's aspect ratio. ERR_NOMEM; ERR_UNSUPPORTED for a size or format that cannot
 * be shown.
 */
int frame_upright_apply(struct frame_upright *upright, struct AVFrame *frame, const int32_t *matrix,
                        int aspect_num, int aspect_den, struct error *error);

/* Whether it is displayed as it was coded: not turned, stretched or interlaced. Before frame_upright_apply.
 */
bool frame_is_upright(const struct AVFrame *frame, const int32_t *matrix, int aspect_num, int aspect_den);

#endif
