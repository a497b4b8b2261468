/*
 * The motion of a picture on the ground: a velocity per block of about a metre, for crowds too dense to
 * follow anybody, and what it says of a zone. From fields of motion (core/motion_field.h), whoever made them;
 * the camera stands still.
 *
 * A cell of the field shows some part of a body: it is taken to be at BODY_HEIGHT_M above the ground, where
 * the camera's ray is (position + ray); a plane map does not know where the camera is, and takes it to be on
 * the ground, which makes everything too fast by that height over the camera's. A block keeps exponentially
 * fading sums (one second) of the velocities of its cells that move: by more than three times their error.
 * The mean is weighted by speed: at a body's border a cell shows half of it and half of the ground, and slow
 * ones say little of the body. Cells at rest say that something is known there, and nothing of velocity:
 * ground at rest and somebody who stands look alike.
 *
 * One thread at a time. Allocates when a field of another shape comes.
 */
#ifndef SCI_CROWD_GROUND_MOTION_H
#define SCI_CROWD_GROUND_MOTION_H

#include "base/error.h"
#include "core/motion_field.h"
#include "core/snapshot.h"
#include "crowd/ground_area.h"
#include "crowd/view.h"

struct ground_motion; /* opaque */

/* Borrows both. */
int ground_motion_create(const struct view *view, const struct ground_area *area,
                         struct ground_motion **motion, struct error *error);
void ground_motion_destroy(struct ground_motion **motion); /* clears the pointer; NULL is fine */

int ground_motion_add(struct ground_motion *motion, const struct motion_field *field, int64_t now_ns,
                      struct error *error);

/* The blocks; lives until the next call of ground_motion_add. NULL when no field came for two seconds. */
const struct velocity_grid *ground_motion_grid(const struct ground_motion *motion, int64_t now_ns);

/* Fills in MEASURE_MOTION_*. `zone` NULL: all of the area. */
void ground_motion_measure(const struct ground_motion *motion, int64_t now_ns, const struct zone_area *zone,
                           struct measure_set *set);
/* Where nothing is measured on the ground. */
void ground_motion_invalid(struct measure_set *set, const char *reason);

#endif
