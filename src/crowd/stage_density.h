/*
 * What a density network adds to the measures of one camera: boxes and network are weighed by the hand-over,
 * the network's part is put on the ground and into the zones. Used by the stage only, which owns it.
 *
 * The network sees heads; zones and ground are where people stand. With a calibration a cell's people stand a
 * person's height below it in the picture (view_feet_below); without one they are taken to stand where
 * their heads are. Boxes are weighed against a reading when it is new, and by where they are until the next
 * one comes: people who walk on are not counted where they were and where they are. What lies where is worked
 * out once per size of picture and map.
 */
#ifndef SCI_CROWD_STAGE_DENSITY_H
#define SCI_CROWD_STAGE_DENSITY_H

#include "base/error.h"
#include "core/count_map.h"
#include "core/snapshot.h"
#include "crowd/density_map.h"
#include "crowd/ground_area.h"
#include "crowd/stage_zones.h"
#include "crowd/view.h"

struct stage_density; /* opaque */

/* Borrows the zones. NULL without memory. */
struct stage_density *stage_density_create(const struct zone *zones, size_t zone_count);
void stage_density_destroy(struct stage_density **density);

struct stage_density_input {
    const struct view *view;
    const struct ground_area *area;
    const struct count_reading *reading; /* NULL: boxes count */
    int64_t reading_ns;                  /* of its picture */
    enum counting_mode mode;
    const struct track *tracks;
    struct foot *feet; /* their weights are filled in */
    size_t track_count;
};

/* Weighs; gives the people of `placed` (one per track with a ground position) their weights and appends what
 * the network has counted: at most GROUND_CELLS_MAX more. */
int stage_density_look(struct stage_density *density, const struct stage_density_input *input,
                       struct placed *placed, size_t *placed_count, struct error *error);

struct measure stage_density_people(const struct stage_density *density, struct measure boxes);
/* A zone's boxes one by one, then its count. */
void stage_density_add_box(struct stage_density *density, size_t zone, double weight);
struct measure stage_density_occupancy(struct stage_density *density, size_t zone, struct measure boxes);

enum regime stage_density_regime(const struct stage_density *density);
/* After stage_density_occupancy. */
enum regime stage_density_zone_regime(const struct stage_density *density, size_t zone);
/* What share of the people the network has counted, 0-1. */
double stage_density_share(const struct stage_density *density);
/* One-sided shares of its 90 % interval in a count of the view, weighed by that. */
void stage_density_shares(const struct stage_density *density, double *low, double *high);
/* People as they are counted, boxes where their heads are; coarse, for a heat map. NULL without a reading. */
const struct count_map *stage_density_map(const struct stage_density *density);

#endif
