/*
 * The measures of one picture that need no memory of earlier ones: of the whole view, and of each zone. Used
 * by the stage only.
 */
#ifndef SCI_CROWD_STAGE_ZONES_H
#define SCI_CROWD_STAGE_ZONES_H

#include <stdbool.h>
#include <stddef.h>

#include "core/snapshot.h"
#include "crowd/density_map.h"
#include "crowd/ground_area.h"
#include "crowd/view.h"

/* What the stage knows of a track besides the track. */
struct foot {
    struct point pixel;
    struct foot_noise noise;
    double presence;
    double speed_error; /* one sigma per axis, m/s */
    size_t slot;        /* in people */
    size_t placed;      /* in placed, when the track's ground is valid */
    double weight;      /* of the box beside the density network, 0-1 */
};

struct stage_density;

struct scene {
    const struct view *view;
    const struct ground_area *area;
    const struct density_map *map;
    const struct track *tracks;
    const struct foot *feet;
    size_t track_count;
    const struct placed *placed;
    size_t placed_count;
    bool calibrated;               /* ground positions are known */
    struct stage_density *density; /* what the density network adds */
    double *inside; /* per zone and track: probability of being in the zone, filled in by measure_zone */
};

/* Clears the set first. */
void measure_stream(const struct scene *scene, struct measure_set *set);
/* `index`: the zone's number, for scene->inside. */
void measure_zone(const struct scene *scene, const struct zone *zone, size_t index,
                  const struct zone_area *area, struct measure_set *set);

#endif
