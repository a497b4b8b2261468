/*
 * Order of work for one picture: feet to the ground, positions to velocities, people to the density map, then
 * the measures of the stream and of every zone. Grids are rebuilt only when the size of the displayed picture
 * changes.
 */
#include "crowd/stage.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "crowd/counts.h"
#include "crowd/density_map.h"
#include "crowd/doubt.h"
#include "crowd/ground_area.h"
#include "crowd/ground_motion.h"
#include "crowd/people.h"
#include "crowd/stage_density.h"
#include "crowd/stage_memory.h"
#include "crowd/stage_zones.h"
#include "crowd/view.h"

/* A person who was away for longer comes back as somebody new. */
static const int64_t FORGET_NS = 5 * NS_PER_S;

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

static void clear_ground(struct crowd_stage *s)
{
    for (size_t i = 0; s->zone_areas && i < s->zone_count; i++) {
        zone_area_free(&s->zone_areas[i]);
    }
    ground_motion_destroy(&s->motion);
    density_map_destroy(&s->map);
    ground_area_free(&s->area);
    s->width = 0;
    s->height = 0;
}

void crowd_stage_destroy(struct crowd_stage **stage)
{
    struct crowd_stage *s = *stage;
    if (!s) {
        return;
    }
    stage_memory_destroy(&s->memory);
    stage_density_destroy(&s->density);
    clear_ground(s);
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

static int build_ground(struct crowd_stage *s, const struct crowd_input *in, struct error *error)
{
    clear_ground(s);
    const bool given = in->ground_is_given != 0;
    if (given && s->camera.kind == CAMERA_NONE) {
        view_init_zones(&s->view, s->zones, s->zone_count);
    } else {
        view_init(&s->view, &s->camera, in->width, in->height, s->region, s->region_count);
    }
    int rc = ground_area_build(&s->view, s->cell_m, &s->area, error);
    if (rc == 0) {
        rc = density_map_create(&s->area, s->sigma_m, &s->map, error);
    }
    for (size_t i = 0; rc == 0 && i < s->zone_count; i++) {
        rc = zone_area_build(&s->view, &s->area, &s->zones[i], &s->zone_areas[i], error);
    }
    rc = rc ? rc : stage_memory_set_area(s->memory, &s->area, error);
    if (rc) {
        clear_ground(s);
        return rc;
    }
    for (size_t i = 0; i < s->zone_count; i++) {
        s->zone_tiles[i] = doubt_zone_tiles(&s->view, &s->zones[i]);
    }
    for (size_t i = 0; i < s->line_count; i++) {
        s->line_tiles[i] = doubt_line_tiles(&s->view, &s->lines[i]);
    }
    s->width = in->width;
    s->height = in->height;
    s->ground_is_given = given;
    s->grid = (struct density_grid){s->area.origin_x, s->area.origin_y, s->area.cell_m,
                                    s->area.columns,  s->area.rows,     density_map_values(s->map)};
    return 0;
}

static int reserve(struct crowd_stage *s, size_t count, struct error *error)
{
    if (count <= s->capacity && s->placed) {
        return 0;
    }
    size_t capacity = s->capacity ? s->capacity : 64;
    while (capacity < count) {
        capacity *= 2;
    }
    struct placed *placed = realloc(s->placed, (capacity + GROUND_CELLS_MAX) * sizeof(*placed));
    s->placed = placed ? placed : s->placed;
    struct foot *feet = realloc(s->feet, capacity * sizeof(*feet));
    s->feet = feet ? feet : s->feet;
    double *inside = realloc(s->inside, capacity * (s->zone_count + 1) * sizeof(*inside));
    s->inside = inside ? inside : s->inside;
    if (!placed || !feet || !inside) {
        return error_nomem(error, "the people of a picture");
    }
    s->capacity = capacity;
    return 0;
}

/* The track's foot on the ground, unless somebody else has measured it. */
static void place_track(struct crowd_stage *s, const struct crowd_input *in, struct track *t,
                        struct foot *foot)
{
    foot->pixel = box_foot(t->box);
    foot->noise = box_foot_noise(t->box, in->height, t->coasted);
    foot->presence = track_presence(t);
    if (in->ground_is_given) {
        foot->presence = 1;
        return;
    }
    t->ground = (struct track_ground){0};
    t->ground.valid =
        view_is_calibrated(&s->view) && view_to_ground(&s->view, foot->pixel, &t->ground.position);
    t->ground.error_m = t->ground.valid ? view_ground_error(&s->view, foot->pixel, foot->noise) : 0;
}

static int follow_track(struct crowd_stage *s, const struct crowd_input *in, struct track *t,
                        struct foot *foot, struct error *error)
{
    struct person *person = people_touch(s->people, t->track_id, in->stream_ns, &foot->slot);
    if (!person) {
        return error_nomem(error, "a person's record");
    }
    if (t->ground.valid && !t->coasted) {
        person_add_position(person, in->stream_ns, t->ground.position);
    }
    person_age(person, in->stream_ns);
    t->ground.velocity_valid = t->ground.valid && person->velocity_valid;
    t->ground.velocity = t->ground.velocity_valid ? person->velocity : (struct point){0, 0};
    foot->speed_error = person->velocity_error;
    return 0;
}

static int place_all(struct crowd_stage *s, const struct crowd_input *in, size_t *placed, struct error *error)
{
    *placed = 0;
    people_forget(s->people, in->stream_ns - FORGET_NS);
    for (size_t i = 0; i < in->track_count; i++) {
        struct track *t = &in->tracks[i];
        place_track(s, in, t, &s->feet[i]);
        const int rc = follow_track(s, in, t, &s->feet[i], error);
        if (rc) {
            return rc;
        }
        if (t->ground.valid) {
            s->placed[*placed] =
                (struct placed){t->ground.position, t->ground.error_m, s->feet[i].presence, 0, 1};
            s->feet[i].placed = (*placed)++;
        }
    }
    return 0;
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
    int rc = place_all(s, input, &placed, error);
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

static void invalidate(struct crowd_stage *s, const char *reason, struct snapshot *snapshot)
{
    doubt_all(&s->measures, reason);
    for (size_t i = 0; i < s->zone_count; i++) {
        doubt_all(&s->zone_states[i].measures, reason);
    }
    for (size_t i = 0; i < s->line_count; i++) {
        doubt_all(&s->line_states[i].measures, reason);
    }
    snapshot->measures = s->measures;
    snapshot->hotspot_count = 0;
    snapshot->tracks = NULL;
    snapshot->track_count = 0;
    snapshot->grid = NULL;
    snapshot->map = NULL;
    snapshot->motion = NULL;
    snapshot->regime = REGIME_BOXES;
}

double crowd_stage_density_share(const struct crowd_stage *stage)
{
    return stage_density_share(stage->density);
}

static void doubt(struct crowd_stage *s, const struct crowd_input *in, struct snapshot *snapshot)
{
    const struct health *health = in->health;
    doubt_stream(health, &snapshot->measures);
    for (size_t i = 0; i < s->zone_count; i++) {
        doubt_place(health, s->zone_tiles[i], &s->zone_states[i].measures);
    }
    for (size_t i = 0; i < s->line_count; i++) {
        doubt_place(health, s->line_tiles[i], &s->line_states[i].measures);
    }
    if (health_has(health, HEALTH_MOVED) || health_has(health, HEALTH_COVERED)) {
        snapshot->grid = NULL; /* a map with people missing or in wrong places is none */
        snapshot->hotspot_count = 0;
    }
    for (size_t i = 0; health_has(health, HEALTH_MOVED) && i < in->track_count; i++) {
        in->tracks[i].ground = (struct track_ground){0};
    }
}

/* How much of the view, and of each zone, cannot be seen. A picture that shows nothing is no picture at all.
 */
static void add_view_lost(struct crowd_stage *s, const struct crowd_input *in, struct snapshot *snapshot)
{
    if (!in->health) {
        return;
    }
    snapshot->measures.of[MEASURE_VIEW_LOST] = doubt_view_lost(in->health, in->blind, ~UINT64_C(0));
    for (size_t i = 0; i < s->zone_count; i++) {
        s->zone_states[i].measures.of[MEASURE_VIEW_LOST] =
            doubt_view_lost(in->health, in->blind, s->zone_tiles[i]);
    }
}

int crowd_stage_update(struct crowd_stage *stage, const struct crowd_input *input, struct snapshot *snapshot,
                       struct error *error)
{
    struct crowd_stage *s = stage;
    if (input->width <= 0 || input->height <= 0) {
        return error_set(error, ERR_INVALID, "the picture's size is %dx%d", input->width, input->height);
    }
    int rc = reserve(s, input->track_count, error);
    if (rc == 0 && (input->width != s->width || input->height != s->height ||
                    (input->ground_is_given != 0) != s->ground_is_given)) {
        rc = build_ground(s, input, error);
    }
    /* The first picture is measured in any case: that says which measures there are. */
    if (rc == 0 && (!input->blind || !s->has_measured)) {
        rc = measure(s, input, snapshot, error);
    }
    if (rc) {
        return rc;
    }
    if (input->blind) {
        invalidate(s, input->blind, snapshot);
    }
    if (!input->blind && input->health && input->health->flags) {
        doubt(s, input, snapshot);
    }
    add_view_lost(s, input, snapshot);
    snapshot->zones = s->zone_states;
    snapshot->zone_count = s->zone_count;
    snapshot->lines = s->line_states;
    snapshot->line_count = s->line_count;
    return 0;
}
