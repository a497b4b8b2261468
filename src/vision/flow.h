/*
 * Dense optical flow between successive pictures of one camera, on their luma: dense inverse search (Kroeger,
 * Timofte, Dai, Van Gool: Fast Optical Flow using Dense Inverse Search, ECCV 2016), where what is known of a
 * patch's motion is a matrix instead of a weight.
 *
 * 1. Both pictures are halved until they have about 150 000 pixels (the finest level), and from there on
 *    until they have some 12 rows (flow_pyramid.h).
 * 2. On each level, coarse to fine, patches of 8 x 8 pixels, one every 4, start from the best of what the
 *    coarser level, the patches before them and a world at rest suggest, and are aligned (flow_align.h). With
 *    the motion comes its information matrix: slopes squared over noise. A flat patch has none, an edge only
 *    across itself.
 * 3. Patches settle with their neighbours, each as far as it knows something itself: that carries motion
 * along edges and into flat ground, but not over a motion's border (flow_settle.h).
 * 4. A cell of 4 x 4 pixels is covered by four patches: their mean, by how well each explains that very cell.
 *
 * A change of brightness moves nothing: differences are taken less their mean. Pictures that are the same
 * have no motion, exactly. A cell's `error` is INFINITY where the picture is flat or has slopes in one
 * direction only, as far as noise goes, and where the patches do not explain it.
 *
 * One thread at a time. No allocation except when the pictures' size changes. The same bytes on every
 * processor.
 */
#ifndef SCI_VISION_FLOW_H
#define SCI_VISION_FLOW_H

#include "base/error.h"
#include "core/motion_field.h"
#include "core/picture.h"

enum { FLOW_SIDE_MIN = 16 };

enum flow_path { FLOW_AUTO, FLOW_SCALAR, FLOW_AVX2 };

struct flow; /* opaque; keeps the last picture, reduced */

struct flow *flow_create(enum flow_path path); /* NULL without memory, or if this processor has no AVX2 */
void flow_destroy(struct flow **flow);         /* clears the pointer; NULL is fine */

/*
 * The motion from the last call's picture to this one. `*field` is NULL for a first picture, after a change
 * of size and when the stream's time went back; else it lives until the next call. ERR_INVALID for a picture
 * with a side below FLOW_SIDE_MIN.
 */
int flow_update(struct flow *flow, const struct picture *picture, const struct motion_field **field,
                struct error *error);
void flow_forget(struct flow *flow); /* the next picture is a first one */

#endif
