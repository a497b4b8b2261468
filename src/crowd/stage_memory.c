#include "crowd/stage_memory.h"

#include <math.h>
#include <stdlib.h>

#include "crowd/hotspots.h"
#include "crowd/line_counter.h"
#include "crowd/physics.h"
#include "crowd/trend.h"
#include "crowd/zone_memory.h"

/* Red of docs/measures.md: what a trend is measured against. */
static const double LIMIT_MOVING = 3.5;
static const double LIMIT_STANDING = 4.7;

struct stage_memory {
    const struct zone *zones;
    const struct line *lines;
    size_t zone_count, line_count;
    struct trend stream_trend;
    struct trend *zone_trends;
    struct zone_memory *memory;
    struct line_counter *counter;
    const struct ground_area *area;
    struct hotspots *hotspots; /* NULL while nothing is measured on the ground */
    struct physics *physics;
    struct walker *walkers;
    size_t capacity;
};

int stage_memory_create(const struct zone *zones, size_t zone_count, const struct line *lines,
                        size_t line_count, struct stage_memory **memory, struct error *error)
{
    struct stage_memory *l = calloc(1, sizeof(*l));
    *memory = l;
    if (!l) {
        return error_nomem(error, "the measures' memory");
    }
    l->zones = zones;
    l->zone_count = zone_count;
    l->lines = lines;
    l->line_count = line_count;
    l->zone_trends = calloc(zone_count + 1, sizeof(*l->zone_trends));
    int rc =
        l->zone_trends ? zone_memory_create(zone_count, &l->memory, error) : error_nomem(error, "the trends");
    rc = rc ? rc : line_counter_create(lines, line_count, &l->counter, error);
    if (rc) {
        stage_memory_destroy(memory);
    }
    return rc;
}

static void forget_area(struct stage_memory *l)
{
    hotspots_destroy(&l->hotspots);
    physics_destroy(&l->physics);
    l->area = NULL;
}

void stage_memory_destroy(struct stage_memory **memory)
{
    struct stage_memory *l = *memory;
    if (!l) {
        return;
    }
    forget_area(l);
    zone_memory_destroy(&l->memory);
    line_counter_destroy(&l->counter);
    free(l->zone_trends);
    free(l->walkers);
    free(l);
    *memory = NULL;
}

int stage_memory_set_area(struct stage_memory *memory, const struct ground_area *area, struct error *error)
{
    forget_area(memory);
    if (!(area->area_m2 > 0)) {
        return 0;
    }
    memory->area = area;
    int rc = hotspots_create(area, &memory->hotspots, error);
    rc = rc ? rc : physics_create(area, &memory->physics, error);
    if (rc) {
        forget_area(memory);
    }
    return rc;
}

static double limit_of(const struct zone *zone, double area_m2)
{
    const double limit = zone->kind == ZONE_STANDING ? LIMIT_STANDING : LIMIT_MOVING;
    return zone->capacity > 0 && area_m2 > 0 ? fmin(limit, zone->capacity / area_m2) : limit;
}

static void add_trend(struct trend *trend, int64_t now_ns, double area_m2, double limit,
                      struct measure_set *set)
{
    const struct measure density = set->of[MEASURE_DENSITY_MEAN];
    trend_add(trend, now_ns, &density);
    const struct measure none = density.valid ? measure_invalid(REASON_NOT_MEASURED) : density;
    struct trend_result r = {none, none, none};
    if (density.valid && area_m2 > 0) {
        r = trend_measure(trend, now_ns, 1 / area_m2, limit);
    }
    set->of[MEASURE_DENSITY_TREND] = r.change_per_min;
    set->of[MEASURE_DENSITY_FORECAST] = r.forecast;
    set->of[MEASURE_TIME_TO_LIMIT] = r.time_to_limit;
}

static struct measure worst_measure(const struct stage_memory *l, const struct scene *scene, int cell)
{
    if (cell < 0) {
        return measure_invalid(REASON_NOT_VISIBLE);
    }
    if (!hotspots_ready(l->hotspots)) {
        return measure_invalid(REASON_TOO_SHORT);
    }
    const double value = (double)hotspots_lasting(l->hotspots)[cell];
    const double spread =
        1.6449 * density_map_deviation(scene->map, cell, scene->placed, scene->placed_count);
    return measure_between(value, fmax(0, value - spread), value + spread);
}

static void add_worst_of_stream(const struct stage_memory *l, const struct scene *scene,
                                struct measure_set *set)
{
    int best = -1;
    const float *lasting = hotspots_lasting(l->hotspots);
    for (int i = 0; i < l->area->columns * l->area->rows; i++) {
        if (l->area->share[i] >= 0.5F && (best < 0 || lasting[i] > lasting[best])) {
            best = i;
        }
    }
    set->of[MEASURE_DENSITY_WORST] = worst_measure(l, scene, best);
}

static void add_worst_of_zone(const struct stage_memory *l, const struct scene *scene,
                              const struct zone_area *area, struct measure_set *set)
{
    int best = -1;
    const float *lasting = hotspots_lasting(l->hotspots);
    const double half = 0.5 * l->area->cell_m * l->area->cell_m;
    for (size_t i = 0; i < area->count; i++) {
        const int cell = area->cells[i].cell;
        if ((double)area->cells[i].m2 >= half && (best < 0 || lasting[cell] > lasting[best])) {
            best = cell;
        }
    }
    set->of[MEASURE_DENSITY_WORST] = worst_measure(l, scene, best);
}

/* J. J. Fruin, Pedestrian Planning and Design, 1971: upper bounds of A to E, people per m2. */
static double fruin(enum zone_kind kind, double density)
{
    static const double walking[5] = {0.31, 0.43, 0.72, 1.08, 2.17};
    static const double queuing[5] = {0.83, 1.11, 1.43, 3.33, 5.0};
    const double *bounds = kind == ZONE_STANDING ? queuing : walking;
    int level = 1;
    while (level < 6 && density > bounds[level - 1]) {
        level++;
    }
    return level;
}

static void add_level(const struct zone *zone, struct measure_set *set)
{
    const struct measure d = set->of[MEASURE_DENSITY_MEAN];
    set->of[MEASURE_LEVEL_OF_SERVICE] =
        d.valid
            ? measure_between(fruin(zone->kind, d.value), fruin(zone->kind, d.low), fruin(zone->kind, d.high))
            : d;
}

static void see_zone(struct stage_memory *l, const struct stage_memory_input *in, size_t zone)
{
    const struct scene *scene = in->scene;
    for (size_t i = 0; i < scene->track_count; i++) {
        const struct track *t = &scene->tracks[i];
        const struct zone_sight sight = {
            .slot = scene->feet[i].slot,
            .fresh = people_at(in->people, scene->feet[i].slot)->fresh,
            .inside = scene->inside[zone * scene->track_count + i],
            .speed_valid = t->ground.velocity_valid,
            .speed = hypot(t->ground.velocity.x, t->ground.velocity.y),
        };
        zone_memory_see(l->memory, zone, &sight);
    }
}

static void update_zone(struct stage_memory *l, const struct stage_memory_input *in, size_t zone)
{
    struct measure_set *set = &in->zones[zone].measures;
    const struct zone_area *area = &in->zone_areas[zone];
    zone_memory_begin(l->memory, zone, in->now_ns);
    see_zone(l, in, zone);
    add_level(&l->zones[zone], set);
    zone_memory_end(l->memory, zone, &l->zones[zone], area->area_m2, set);
    add_trend(&l->zone_trends[zone], in->now_ns, area->area_m2, limit_of(&l->zones[zone], area->area_m2),
              set);
    if (set->of[MEASURE_DENSITY_MEAN].valid && l->hotspots) {
        add_worst_of_zone(l, in->scene, area, set);
    } else {
        set->of[MEASURE_DENSITY_WORST] = set->of[MEASURE_DENSITY_MEAN];
    }
}

static void update_lines(struct stage_memory *l, const struct stage_memory_input *in)
{
    const struct scene *scene = in->scene;
    for (size_t i = 0; i < scene->track_count && l->line_count; i++) {
        const struct track *t = &scene->tracks[i];
        const struct foot *f = &scene->feet[i];
        if (t->coasted) {
            continue;
        }
        const struct line_sight sight = {
            .slot = f->slot,
            .fresh = people_at(in->people, f->slot)->fresh,
            .now_ns = in->now_ns,
            .pixel = {f->pixel.x / scene->view->width, f->pixel.y / scene->view->height},
            .pixel_error = hypot(f->noise.x / scene->view->width, f->noise.y / scene->view->height),
            .ground_valid = t->ground.valid,
            .ground = t->ground.position,
            .ground_error = t->ground.error_m,
        };
        line_counter_see(l->counter, &sight);
    }
    for (size_t i = 0; i < l->line_count; i++) {
        line_counter_measure(l->counter, i, in->now_ns, scene->calibrated, &in->lines[i]);
    }
}

static int reserve(struct stage_memory *l, const struct stage_memory_input *in, struct error *error)
{
    const size_t slots = people_slots(in->people);
    int rc = zone_memory_reserve(l->memory, slots, error);
    rc = rc ? rc : line_counter_reserve(l->counter, slots, error);
    if (rc || in->scene->track_count <= l->capacity) {
        return rc;
    }
    const size_t capacity = 2 * in->scene->track_count;
    struct walker *walkers = realloc(l->walkers, capacity * sizeof(*walkers));
    if (!walkers) {
        return error_nomem(error, "the walkers");
    }
    l->walkers = walkers;
    l->capacity = capacity;
    return 0;
}

static int update_physics(struct stage_memory *l, const struct stage_memory_input *in, struct error *error)
{
    const struct scene *scene = in->scene;
    size_t n = 0;
    for (size_t i = 0; i < scene->track_count; i++) {
        const struct track *t = &scene->tracks[i];
        if (t->ground.valid) {
            l->walkers[n++] = (struct walker){t->ground.position, t->ground.velocity_valid,
                                              t->ground.velocity, scene->feet[i].speed_error};
        }
    }
    struct physics_result r;
    const int rc = physics_update(l->physics, in->now_ns, l->walkers, n, &r, error);
    if (rc == 0) {
        in->stream->of[MEASURE_PRESSURE] = r.pressure;
        in->stream->of[MEASURE_PRESSURE_RATIO] = r.pressure_ratio;
        in->stream->of[MEASURE_CONGESTION_NUMBER] = r.congestion_number;
        in->stream->of[MEASURE_CROWD_DANGER] = r.crowd_danger;
        in->stream->of[MEASURE_OSCILLATION] = r.oscillation;
    }
    return rc;
}

static void without_ground(struct measure_set *set, const char *reason)
{
    static const enum measure_id all[] = {
        MEASURE_DENSITY_WORST, MEASURE_PRESSURE,    MEASURE_PRESSURE_RATIO, MEASURE_CONGESTION_NUMBER,
        MEASURE_CROWD_DANGER,  MEASURE_OSCILLATION, MEASURE_HOTSPOTS};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        set->of[all[i]] = measure_invalid(reason);
    }
}

static int update_stream(struct stage_memory *l, const struct stage_memory_input *in, struct error *error)
{
    add_trend(&l->stream_trend, in->now_ns, l->area ? l->area->area_m2 : 0, LIMIT_MOVING, in->stream);
    if (!l->hotspots) {
        without_ground(in->stream, in->scene->calibrated ? REASON_NOT_VISIBLE : REASON_UNCALIBRATED);
        return 0;
    }
    hotspots_update(l->hotspots, in->now_ns, density_map_values(in->scene->map));
    add_worst_of_stream(l, in->scene, in->stream);
    size_t count;
    hotspots_list(l->hotspots, &count);
    in->stream->of[MEASURE_HOTSPOTS] =
        hotspots_ready(l->hotspots) ? measure_exact((double)count) : measure_invalid(REASON_TOO_SHORT);
    return update_physics(l, in, error);
}

int stage_memory_update(struct stage_memory *memory, const struct stage_memory_input *input,
                        struct error *error)
{
    int rc = reserve(memory, input, error);
    rc = rc ? rc : update_stream(memory, input, error);
    for (size_t i = 0; rc == 0 && i < memory->zone_count; i++) {
        update_zone(memory, input, i);
    }
    if (rc == 0) {
        update_lines(memory, input);
    }
    return rc;
}

const struct hotspot *stage_memory_hotspots(const struct stage_memory *memory, size_t *count)
{
    *count = 0;
    return memory->hotspots ? hotspots_list(memory->hotspots, count) : NULL;
}
