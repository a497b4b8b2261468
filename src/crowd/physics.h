/*
 * The crowd as a moving medium: pressure, congestion number, crowd danger, collective oscillation. Each is
 * "not measurable" outside the range in which it means something; then the answer is the reason. Ground
 * metres, m/s, stream time. No allocation once the largest crowd has been seen.
 */
#ifndef SCI_CROWD_PHYSICS_H
#define SCI_CROWD_PHYSICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "core/measure.h"
#include "crowd/ground_area.h"
#include "geo/point.h"

struct walker {
    struct point position;
    bool moves_known;
    struct point velocity; /* over about a second */
    double velocity_error; /* one sigma per axis */
};

struct physics_result {
    struct measure pressure, pressure_ratio, congestion_number, crowd_danger, oscillation;
};

struct physics; /* opaque */

int physics_create(const struct ground_area *area, struct physics **physics, struct error *error);
void physics_destroy(struct physics **physics);
int physics_update(struct physics *physics, int64_t now_ns, const struct walker *walkers, size_t count,
                   struct physics_result *result, struct error *error);

#endif
