/*
 * Order of work for one picture: feet to the ground, positions to velocities, people to the density map, then
 * the measures of the stream and of every zone. Grids are rebuilt only when the size of the displayed picture
 * changes.
 */
#include "crowd/stage.h"

#include <stdlib.h>

#include "crowd/density_map.h"
#include "crowd/ground_motion.h"
#include "crowd/people.h"
#include "crowd/stage_density.h"
#include "crowd/stage_internal.h"
#include "crowd/stage_memory.h"
#include "crowd/stage_zones.h"

static int allocate(struct crowd_stage *s, struct error *error)
{
    s->people = people_create();
    s->zone_states = calloc(s->zone_count + 1, sizeof(*s->zone_states));
    s->zone_areas = calloc(s->zone_count + 1, sizeof(*s->zone_areas));
    s->line_states = calloc(s->line_count + 1, sizeof(*s->line_states));
    s->zone_tiles = calloc(s->zone_count + 1, sizeof(*s->zone_tiles));
    s->line_tiles = calloc(s->line_count + 1, sizeof(*s->line_tiles));
    if (!s->people || !s->zone_states || !s->zone_areas || !s->line_states || !s->zone_tiles ||
        !s->line_tiles) {
        return error_nomem(error, "the measuring stage");
    }
    s->density = stage_density_create(s->zones, s->zone_count);
    if (!s->density) {
        return error_nomem(error, "the measuring stage");
    }
    const int rc = stage_memory_create(s->zones, s->zone_count, s->lines, s->line_count, &s->memory, error);
    if (rc) {
        return rc;
    }
    for (size_t i = 0; i < s->zone_count; i++) {
        s->zone_states[i].zone = &s->zones[i];
    }
    for (size_t i = 0; i < s->line_count; i++) {
        s->line_states[i].line = &s->lines[i];
    }
    return 0;
}

static int check_options(const struct crowd_options *o, struct error *error)
{
    if (!(o->cell_m > 0) || !(o->sigma_m > 0)) {
        return error_set(error, ERR_INVALID, "density: cell %g m and sigma %g m must be greater than 0",
                         o->cell_m, o->sigma_m);
    }
    if (o->region_count > ZONE_CORNERS_MAX) {
        return error_set(error, ERR_INVALID, "the region of interest has more than %d corners",
                         ZONE_CORNERS_MAX);
    }
    return 0;
}

int crowd_stage_create(const struct crowd_options *options, struct crowd_stage **stage, struct error *error)
{
    *stage = NULL;
    int rc = check_options(options, error);
    if (rc) {
        return rc;
    }
    struct crowd_stage *s = calloc(1, sizeof(*s));
    if (!s) {
        return error_nomem(error, "the measuring stage");
    }
    if (options->camera) {
        s->camera = *options->camera;
    }
    s->region_count = options->region ? options->region_count : 0;
    for (size_t i = 0; i < s->region_count; i++) {
        s->region[i] = options->region[i];
    }
    s->zones = options->zones;
    s->zone_count = options->zone_count;
    s->lines = options->lines;
    s->line_count = options->line_count;
    s->cell_m = options->cell_m;
    s->sigma_m = options->sigma_m;
    rc = allocate(s, error);
    if (rc) {
        crowd_stage_destroy(&s);
        return rc;
    }
    *stage = s;
    return 0;
}

void crowd_stage_destroy(struct crowd_stage **stage)
{
    struct crowd_stage *s = *stage;
    if (!s) {
        return;
    }
    stage_memory_destroy(&s->memory);
    stage_density_destroy(&s->density);
    stage_clear_ground(s);
    people_destroy(&s->people);
    free(s->placed);
    free(s->feet);
    free(s->inside);
    free(s->zone_states);
    free(s->zone_areas);
    free(s->line_states);
    free(s->zone_tiles);
    free(s->line_tiles);
    free(s);
    *stage = NULL;
}

/* Nothing is published of motion until a first field came. */
static int measure_motion(struct crowd_stage *s, const struct crowd_input *in, struct snapshot *snapshot,
                          struct error *error)
{
    const bool possible = view_is_calibrated(&s->view) && s->area.area_m2 > 0;
    s->has_motion |= in->motion != NULL;
    if (!s->has_motion) {
        return 0;
    }
    if (!possible) {
        const char *reason = view_is_calibrated(&s->view) ? REASON_NOT_VISIBLE : REASON_UNCALIBRATED;
        ground_motion_invalid(&snapshot->measures, reason);
        for (size_t i = 0; i < s->zone_count; i++) {
            ground_motion_invalid(&s->zone_states[i].measures, reason);
        }
        return 0;
    }
    int rc = s->motion ? 0 : ground_motion_create(&s->view, &s->area, &s->motion, error);
    if (rc == 0 && in->motion) {
        rc = ground_motion_add(s->motion, in->motion, in->stream_ns, error);
    }
    if (rc) {
        return rc;
    }
    ground_motion_measure(s->motion, in->stream_ns, NULL, &snapshot->measures);
    for (size_t i = 0; i < s->zone_count; i++) {
        ground_motion_measure(s->motion, in->stream_ns, &s->zone_areas[i], &s->zone_states[i].measures);
    }
    snapshot->motion = ground_motion_grid(s->motion, in->stream_ns);
    return 0;
}

/* Everything of a picture that shows something. */
static int measure(struct crowd_stage *s, const struct crowd_input *input, struct snapshot *snapshot,
                   struct error *error)
{
    size_t placed = 0;
    int rc = stage_place_all(s, input, &placed, error);
    if (rc) {
        return rc;
    }
    const struct stage_density_input counted = {&s->view,          &s->area,          input->reading,
                                                input->reading_ns, input->counting,   input->tracks,
                                                s->feet,           input->track_count};
    rc = stage_density_look(s->density, &counted, s->placed, &placed, error);
    if (rc) {
        return rc;
    }
    density_map_update(s->map, s->placed, placed);

    const struct scene scene = {
        .view = &s->view,
        .area = &s->area,
        .map = s->map,
        .tracks = input->tracks,
        .feet = s->feet,
        .track_count = input->track_count,
        .placed = s->placed,
        .placed_count = placed,
        .inside = s->inside,
        .density = s->density,
        .calibrated = view_is_calibrated(&s->view) || input->ground_is_given,
    };
    measure_stream(&scene, &snapshot->measures);
    for (size_t i = 0; i < s->zone_count; i++) {
        measure_zone(&scene, &s->zones[i], i, &s->zone_areas[i], &s->zone_states[i].measures);
        s->zone_states[i].regime = stage_density_zone_regime(s->density, i);
    }
    snapshot->regime = stage_density_regime(s->density);
    snapshot->map = stage_density_map(s->density);
    const struct stage_memory_input remembered = {&scene,        s->people,           input->stream_ns,
                                                  s->zone_areas, &snapshot->measures, s->zone_states,
                                                  s->line_states};
    rc = stage_memory_update(s->memory, &remembered, error);
    rc = rc ? rc : measure_motion(s, input, snapshot, error);
    if (rc) {
        return rc;
    }
    s->measures = snapshot->measures;
    s->has_measured = true;
    snapshot->hotspots = stage_memory_hotspots(s->memory, &snapshot->hotspot_count);
    snapshot->tracks = input->tracks;
    snapshot->track_count = input->track_count;
    snapshot->grid = s->area.area_m2 > 0 ? &s->grid : NULL;
    return 0;
}

double crowd_stage_density_share(const struct crowd_stage *stage)
{
    return stage_density_share(stage->density);
}

int crowd_stage_update(struct crowd_stage *stage, const struct crowd_input *input, struct snapshot *snapshot,
                       struct error *error)
{
    struct crowd_stage *s = stage;
    if (input->width <= 0 || input->height <= 0) {
        return error_set(error, ERR_INVALID, "the picture's size is %dx%d", input->width, input->height);
    }
    int rc = stage_reserve(s, input->track_count, error);
    if (rc == 0 && (input->width != s->width || input->height != s->height ||
                    (input->ground_is_given != 0) != s->ground_is_given)) {
        rc = stage_build_ground(s, input, error);
    }
    /* The first picture is measured in any case: that says which measures there are. */
    if (rc == 0 && (!input->blind || !s->has_measured)) {
        rc = measure(s, input, snapshot, error);
    }
    if (rc) {
        return rc;
    }
    if (input->blind) {
        stage_invalidate(s, input->blind, snapshot);
    }
    if (!input->blind && input->health && input->health->flags) {
        stage_doubt(s, input, snapshot);
    }
    stage_add_view_lost(s, input, snapshot);
    snapshot->zones = s->zone_states;
    snapshot->zone_count = s->zone_count;
    snapshot->lines = s->line_states;
    snapshot->line_count = s->line_count;
    return 0;
}
