/* What the files of the measuring stage share. Nobody else includes it. */
#ifndef SCI_CROWD_STAGE_INTERNAL_H
#define SCI_CROWD_STAGE_INTERNAL_H

#include <stdbool.h>

#include "core/zone.h"
#include "crowd/counts.h"
#include "crowd/ground_area.h"
#include "crowd/stage.h"
#include "crowd/view.h"

struct crowd_stage {
    struct camera_model camera;
    struct point region[ZONE_CORNERS_MAX];
    size_t region_count;
    const struct zone *zones;
    const struct line *lines;
    size_t zone_count, line_count;
    double cell_m, sigma_m;

    int width, height; /* what the following is for; 0 = not built */
    bool ground_is_given;
    struct view view;
    struct ground_area area;
    struct density_map *map;
    struct zone_area *zone_areas;
    struct ground_motion *motion;      /* NULL until a field of motion came */
    uint64_t *zone_tiles, *line_tiles; /* where in the picture they are (doubt.h) */

    struct people *people;
    struct stage_memory *memory;
    struct stage_density *density;
    struct placed *placed; /* one per track with a ground position, in the order of the tracks, then what the
                              density network has counted */
    struct foot *feet;     /* one per track */
    double *inside;        /* per zone and track */
    size_t capacity;
    struct zone_state *zone_states;
    struct line_state *line_states;
    struct density_grid grid;
    bool has_measured;
    bool has_motion;             /* fields of motion come */
    struct measure_set measures; /* of the stream, as published last: which ones there are */
};

/* stage_ground.c: what the view shows of the ground, for the size of the picture. */
int stage_build_ground(struct crowd_stage *stage, const struct crowd_input *input, struct error *error);
void stage_clear_ground(struct crowd_stage *stage);

/* stage_place.c: feet to the ground, positions to velocities. */
int stage_reserve(struct crowd_stage *stage, size_t count, struct error *error);
/* `placed`: how many of the tracks stand on the ground. */
int stage_place_all(struct crowd_stage *stage, const struct crowd_input *input, size_t *placed,
                    struct error *error);

/* stage_doubt.c: what is wrong with the picture makes measures invalid. */
void stage_invalidate(struct crowd_stage *stage, const char *reason, struct snapshot *snapshot);
void stage_doubt(struct crowd_stage *stage, const struct crowd_input *input, struct snapshot *snapshot);
/* How much of the view, and of each zone, cannot be seen. A picture that shows nothing is no picture at all.
 */
void stage_add_view_lost(struct crowd_stage *stage, const struct crowd_input *input,
                         struct snapshot *snapshot);

#endif
