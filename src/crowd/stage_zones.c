#include "crowd/stage_zones.h"

#include <math.h>

#include "crowd/counts.h"
#include "crowd/stage_density.h"
#include "geo/polygon.h"

static const double Z90 = 1.6449;
/* A zone of which the camera sees less is not measured: what it shows would pass for the whole. */
static const double LEAST_VISIBLE_SHARE = 0.5;

/* The zone's corners in pixels or metres. */
struct border {
    bool ground;
    size_t count;
    struct point corners[ZONE_CORNERS_MAX];
};

static struct border border_of(const struct scene *scene, const struct zone *zone)
{
    struct border b = {.ground = zone->coordinates == COORDINATES_GROUND, .count = zone->corner_count};
    const double w = b.ground ? 1 : scene->view->width;
    const double h = b.ground ? 1 : scene->view->height;
    for (size_t i = 0; i < zone->corner_count; i++) {
        b.corners[i] = (struct point){zone->corners[i].x * w, zone->corners[i].y * h};
    }
    return b;
}

/* Probability that the track is in the zone; *is_inside: where the best estimate puts it. */
static double membership(const struct scene *scene, const struct border *b, size_t track, int *is_inside)
{
    const struct track *t = &scene->tracks[track];
    const struct foot *f = &scene->feet[track];
    *is_inside = 0;
    if (b->ground && !t->ground.valid) {
        return 0;
    }
    struct point at = t->ground.position;
    double sigma = t->ground.error_m / sqrt(2);
    if (!b->ground) {
        /* Feet below the picture's edge belong to the zone that reaches the edge. */
        at = (struct point){f->pixel.x, fmin(f->pixel.y, scene->view->height - 1e-6)};
        sigma = sqrt((f->noise.x * f->noise.x + f->noise.y * f->noise.y) / 2);
    }
    *is_inside = polygon_contains(b->corners, b->count, at);
    const double d = polygon_distance(b->corners, b->count, at);
    return inside_probability(*is_inside ? d : -d, sigma);
}

struct speeds {
    double n, sum, least, variance;
};

/* Noise makes a standing person walk: the squared speed is too large by the variance of both axes, so `least`
 * takes it off. */
static void add_speed(struct speeds *s, const struct track *t, const struct foot *f)
{
    if (!t->ground.velocity_valid) {
        return;
    }
    const double v = hypot(t->ground.velocity.x, t->ground.velocity.y);
    s->n += 1;
    s->sum += v;
    s->least += sqrt(fmax(0, v * v - 2 * f->speed_error * f->speed_error));
    s->variance += f->speed_error * f->speed_error;
}

static struct measure speed_measure(const struct scene *scene, const struct speeds *s, double people)
{
    if (!scene->calibrated) {
        return measure_invalid(REASON_UNCALIBRATED);
    }
    if (s->n < 1) {
        return measure_invalid(people > 0 ? REASON_TOO_SHORT : REASON_NO_PEOPLE);
    }
    const double spread = Z90 * sqrt(s->variance) / s->n;
    return measure_between(s->sum / s->n, fmax(0, s->least / s->n - spread), s->sum / s->n + spread);
}

static struct measure peak_measure(const struct scene *scene, int cell)
{
    if (cell < 0) {
        return measure_invalid(REASON_NOT_VISIBLE);
    }
    const double value = (double)density_map_values(scene->map)[cell];
    const double spread = Z90 * density_map_deviation(scene->map, cell, scene->placed, scene->placed_count);
    double share_low;
    double share_high;
    stage_density_shares(scene->density, &share_low, &share_high);
    return measure_between(value, fmax(0, value - hypot(spread, share_low * value)),
                           value + hypot(spread, share_high * value));
}

/* A sliver of a cell is no place to look for the worst one, unless there is nothing else. */
static int better_cell(const struct scene *scene, int best, int cell, bool whole, bool *best_whole)
{
    const float *values = density_map_values(scene->map);
    if (best < 0 || (whole && !*best_whole) || (whole == *best_whole && values[cell] > values[best])) {
        *best_whole = whole;
        return cell;
    }
    return best;
}

static void measure_view_density(const struct scene *scene, const struct measure *people,
                                 struct measure_set *set)
{
    const struct ground_area *a = scene->area;
    if (!scene->calibrated) {
        set->of[MEASURE_DENSITY_MEAN] = measure_invalid(REASON_UNCALIBRATED);
        set->of[MEASURE_DENSITY_PEAK] = measure_invalid(REASON_UNCALIBRATED);
        return;
    }
    if (!(a->area_m2 > 0)) {
        set->of[MEASURE_DENSITY_MEAN] = measure_invalid(REASON_NOT_VISIBLE);
        set->of[MEASURE_DENSITY_PEAK] = measure_invalid(REASON_NOT_VISIBLE);
        return;
    }
    double n = 0;
    for (size_t i = 0; i < scene->placed_count; i++) {
        n += scene->placed[i].norm > 0 ? scene->placed[i].people : 0;
    }
    const double off = people->value - n; /* people on ground that is not measured */
    set->of[MEASURE_DENSITY_MEAN] = measure_scaled(
        measure_between(n, fmin(n, fmax(0, people->low - off)), fmax(n, people->high - off)), 1 / a->area_m2);
    int best = -1;
    bool whole = false;
    for (int i = 0; i < a->columns * a->rows; i++) {
        if (a->share[i] > 0) {
            best = better_cell(scene, best, i, a->share[i] >= 0.5F, &whole);
        }
    }
    set->of[MEASURE_DENSITY_PEAK] = peak_measure(scene, best);
}

void measure_stream(const struct scene *scene, struct measure_set *set)
{
    measure_set_clear(set);
    struct count_sum sum = {0};
    struct speeds speeds = {0};
    for (size_t i = 0; i < scene->track_count; i++) {
        count_add(&sum, scene->feet[i].presence, 1, 1);
        add_speed(&speeds, &scene->tracks[i], &scene->feet[i]);
    }
    set->of[MEASURE_PEOPLE] = stage_density_people(scene->density, count_measure(&sum));
    set->of[MEASURE_SPEED_MEAN] = speed_measure(scene, &speeds, sum.counted);
    measure_view_density(scene, &set->of[MEASURE_PEOPLE], set);
}

/* NULL, or why the zone cannot be measured at all. */
static const char *zone_problem(const struct scene *scene, const struct zone *zone,
                                const struct zone_area *area)
{
    if (zone->coordinates != COORDINATES_GROUND) {
        return NULL;
    }
    if (!scene->calibrated) {
        return REASON_UNCALIBRATED;
    }
    const double whole = polygon_area(zone->corners, zone->corner_count);
    return area->area_m2 < LEAST_VISIBLE_SHARE * whole ? REASON_NOT_VISIBLE : NULL;
}

static void measure_zone_density(const struct scene *scene, const struct zone_area *area,
                                 struct measure_set *set)
{
    const char *problem = !scene->calibrated  ? REASON_UNCALIBRATED
                          : area->area_m2 > 0 ? NULL
                                              : REASON_NOT_VISIBLE;
    if (problem) {
        set->of[MEASURE_DENSITY_MEAN] = measure_invalid(problem);
        set->of[MEASURE_DENSITY_PEAK] = measure_invalid(problem);
        return;
    }
    const float *values = density_map_values(scene->map);
    const double half = 0.5 * scene->area->cell_m * scene->area->cell_m;
    double people = 0;
    int best = -1;
    bool whole = false;
    for (size_t i = 0; i < area->count; i++) {
        const struct zone_cell *c = &area->cells[i];
        people += (double)values[c->cell] * (double)c->m2;
        best = better_cell(scene, best, c->cell, (double)c->m2 >= half, &whole);
    }
    const struct measure *n = &set->of[MEASURE_OCCUPANCY];
    set->of[MEASURE_DENSITY_MEAN] =
        measure_scaled(measure_between(people, fmin(people, fmax(0, people - (n->value - n->low))),
                                       people + (n->high - n->value)),
                       1 / area->area_m2);
    set->of[MEASURE_DENSITY_PEAK] = peak_measure(scene, best);
}

static void invalidate_zone(struct measure_set *set, const char *reason)
{
    static const enum measure_id all[] = {MEASURE_OCCUPANCY, MEASURE_DENSITY_MEAN, MEASURE_DENSITY_PEAK,
                                          MEASURE_SPEED_MEAN};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        set->of[all[i]] = measure_invalid(reason);
    }
}

void measure_zone(const struct scene *scene, const struct zone *zone, size_t index,
                  const struct zone_area *area, struct measure_set *set)
{
    measure_set_clear(set);
    const char *problem = zone_problem(scene, zone, area);
    if (problem) {
        invalidate_zone(set, problem);
        for (size_t i = 0; i < scene->track_count; i++) {
            scene->inside[index * scene->track_count + i] = 0;
        }
        if (zone->capacity > 0) {
            set->of[MEASURE_OCCUPANCY_SHARE] = measure_invalid(problem);
        }
        return;
    }
    struct count_sum sum = {0};
    struct speeds speeds = {0};
    const struct border border = border_of(scene, zone);
    for (size_t i = 0; i < scene->track_count; i++) {
        int inside = 0;
        const double p = membership(scene, &border, i, &inside);
        scene->inside[index * scene->track_count + i] = p;
        count_add(&sum, scene->feet[i].presence, p, inside);
        if (inside) {
            stage_density_add_box(scene->density, index, scene->feet[i].weight);
        }
        if (inside) {
            add_speed(&speeds, &scene->tracks[i], &scene->feet[i]);
        }
    }
    set->of[MEASURE_OCCUPANCY] = stage_density_occupancy(scene->density, index, count_measure(&sum));
    if (zone->capacity > 0) {
        set->of[MEASURE_OCCUPANCY_SHARE] = measure_scaled(set->of[MEASURE_OCCUPANCY], 100 / zone->capacity);
    }
    set->of[MEASURE_SPEED_MEAN] = speed_measure(scene, &speeds, sum.counted);
    measure_zone_density(scene, area, set);
}
