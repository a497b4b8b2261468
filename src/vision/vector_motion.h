/*
 * The motion between pictures from what their video's coder said (core/motion_sum.h), as the field that
 * optical flow gives (flow.h). A coder looks for what is cheap to code, not for what moved, so vectors are
 * not taken at their word:
 *
 * - A cell is known only where the picture has structure in both directions (the lesser eigenvalue of the
 * mean product of its slopes): flat ground and edges are coded as cheaply with any vector along them.
 * - It is the median of itself and its neighbours that are known, per axis, and not known where it is far
 * from them: single vectors are often nonsense.
 * - Nor where the coder was silent in half of the pictures or more (coded anew).
 *
 * What it is worth beside optical flow is in docs/figures.md. One thread at a time. No allocation except when
 * the sums' shape changes.
 */
#ifndef SCI_VISION_VECTOR_MOTION_H
#define SCI_VISION_VECTOR_MOTION_H

#include "base/error.h"
#include "core/motion_field.h"
#include "core/picture.h"

struct vector_motion; /* opaque; keeps the last picture's sums */

struct vector_motion *vector_motion_create(void);          /* NULL without memory */
void vector_motion_destroy(struct vector_motion **motion); /* clears the pointer; NULL is fine */

/*
 * The motion from the last call's picture to this one. `*field` is NULL for a first picture, for one without
 * sums or with those of another run, and when the stream's time went back; else it lives until the next call.
 */
int vector_motion_update(struct vector_motion *motion, const struct picture *picture,
                         const struct motion_field **field, struct error *error);
void vector_motion_forget(struct vector_motion *motion); /* the next picture is a first one */

#endif
