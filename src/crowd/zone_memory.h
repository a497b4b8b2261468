/*
 * What a zone remembers: who came when (dwell), who left (service rate of a queue), the people balance
 * (occupancy with drift correction), Edie's sums and the swing of the speed. One record per zone; memory per
 * person's slot. Not thread-safe.
 */
#ifndef SCI_CROWD_ZONE_MEMORY_H
#define SCI_CROWD_ZONE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "core/snapshot.h"

struct zone_memory; /* opaque */

int zone_memory_create(size_t zones, struct zone_memory **memory, struct error *error);
void zone_memory_destroy(struct zone_memory **memory);
int zone_memory_reserve(struct zone_memory *memory, size_t slots, struct error *error);

struct zone_sight {
    size_t slot;
    bool fresh;
    double inside; /* probability, 0-1 */
    bool speed_valid;
    double speed; /* m/s */
};

/* For each zone and picture: begin, see everybody, end. */
void zone_memory_begin(struct zone_memory *memory, size_t zone, int64_t now_ns);
void zone_memory_see(struct zone_memory *memory, size_t zone, const struct zone_sight *sight);
/* Adds the measures; `set` holds occupancy and density already. area_m2 0 = not known. */
void zone_memory_end(struct zone_memory *memory, size_t zone, const struct zone *kind, double area_m2,
                     struct measure_set *set);

/*
 * A number of people that is counted in and out and, each time, seen directly with an error: a Kalman filter
 * of one number. Counting alone drifts by every missed crossing; looking alone jumps with every hidden
 * person.
 */
struct balance {
    bool started;
    double people, variance;
};
/* `seen` < 0: nothing was seen directly. */
void balance_update(struct balance *balance, double in, double out, double seconds, double seen,
                    double seen_variance);

#endif
