/*
 * The measures that need memory of earlier pictures: hotspots, trends, zones' visits, lines, crowd physics.
 * Used by the stage only, which owns it.
 */
#ifndef SCI_CROWD_STAGE_MEMORY_H
#define SCI_CROWD_STAGE_MEMORY_H

#include <stdint.h>

#include "base/error.h"
#include "core/snapshot.h"
#include "crowd/people.h"
#include "crowd/stage_zones.h"

struct stage_memory; /* opaque */

/* Borrows zones and lines. */
int stage_memory_create(const struct zone *zones, size_t zone_count, const struct line *lines,
                        size_t line_count, struct stage_memory **memory, struct error *error);
void stage_memory_destroy(struct stage_memory **memory);
/* The ground that is measured has changed: what was remembered of places is forgotten, counts are kept.
 * Borrows the area. */
int stage_memory_set_area(struct stage_memory *memory, const struct ground_area *area, struct error *error);

struct stage_memory_input {
    const struct scene *scene;
    struct people *people;
    int64_t now_ns;
    const struct zone_area *zone_areas;
    struct measure_set *stream; /* hold the picture's own measures; the others are added */
    struct zone_state *zones;
    struct line_state *lines;
};

int stage_memory_update(struct stage_memory *memory, const struct stage_memory_input *input,
                        struct error *error);
const struct hotspot *stage_memory_hotspots(const struct stage_memory *memory, size_t *count);

#endif
