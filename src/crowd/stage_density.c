#include "crowd/stage_density.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "crowd/handover.h"
#include "geo/polygon.h"

/* Cells of the network along a side of a cell of the published map. */
enum { MAP_CELLS = 4 };
/* One deviation of a head's place: half a cell, and a tenth of a person. */
static const double HEAD_SHARE_OF_PERSON = 0.1;

struct cell_place {
    int ground; /* index into the ground area, -1 = none */
    uint64_t zones;
};

struct stage_density {
    const struct zone *zones;
    size_t zone_count;
    struct handover *handover;

    struct count_map shape; /* what the following is for; people is not used */
    const struct ground_area *area;
    double width, height;
    size_t capacity;
    struct cell_place *places;
    double *mass;   /* per ground cell, people */
    double *errors; /* per ground cell, metres; below 0 until it is needed */
    size_t mass_count;

    struct point *heads;
    size_t head_capacity;

    struct count_reading reading; /* its map is not used once it has been taken */
    bool has_reading;
    int64_t reading_ns;
    struct handover_sum cells, *zone_cells; /* of the reading alone */
    float *map_cells;
    struct handover_sum sum, *zone_sums; /* with this picture's boxes */
    enum regime regime, *zone_regimes;
    struct count_map map;
    float *map_people;
};

struct stage_density *stage_density_create(const struct zone *zones, size_t zone_count)
{
    struct stage_density *d = calloc(1, sizeof(*d));
    if (!d) {
        return NULL;
    }
    d->zones = zones;
    d->zone_count = zone_count;
    d->handover = handover_create();
    d->zone_cells = calloc(zone_count + 1, sizeof(*d->zone_cells));
    d->zone_sums = calloc(zone_count + 1, sizeof(*d->zone_sums));
    d->zone_regimes = calloc(zone_count + 1, sizeof(*d->zone_regimes));
    if (!d->handover || !d->zone_cells || !d->zone_sums || !d->zone_regimes) {
        stage_density_destroy(&d);
    }
    return d;
}

void stage_density_destroy(struct stage_density **density)
{
    struct stage_density *d = *density;
    *density = NULL;
    if (!d) {
        return;
    }
    handover_destroy(&d->handover);
    free(d->places);
    free(d->mass);
    free(d->errors);
    free(d->heads);
    free(d->zone_cells);
    free(d->zone_sums);
    free(d->zone_regimes);
    free(d->map_cells);
    free(d->map_people);
    free(d);
}

/* --- where the cells lie -------------------------------------------------------------------------------- */

static int ground_index(const struct ground_area *area, struct point ground)
{
    const double x = floor((ground.x - area->origin_x) / area->cell_m);
    const double y = floor((ground.y - area->origin_y) / area->cell_m);
    if (!(x >= 0 && y >= 0 && x < area->columns && y < area->rows)) {
        return -1;
    }
    const int index = (int)y * area->columns + (int)x;
    return area->share[index] > 0 ? index : -1;
}

static struct cell_place place_of(const struct stage_density *d, const struct view *view,
                                  const struct ground_area *area, struct point head)
{
    struct cell_place place = {.ground = -1};
    struct point ground = {0, 0};
    const struct point feet = view_feet_below(view, head);
    const bool on_ground = view_is_calibrated(view) && view_to_ground(view, feet, &ground);
    const struct point in_picture = {fmin(feet.x / view->width, 1 - 1e-9),
                                     fmin(feet.y / view->height, 1 - 1e-9)};
    if (on_ground && area->area_m2 > 0) {
        place.ground = ground_index(area, ground);
    }
    for (size_t i = 0; i < d->zone_count; i++) {
        const struct zone *z = &d->zones[i];
        const bool by_ground = z->coordinates == COORDINATES_GROUND;
        if ((!by_ground || on_ground) &&
            polygon_contains(z->corners, z->corner_count, by_ground ? ground : in_picture)) {
            place.zones |= UINT64_C(1) << i;
        }
    }
    return place;
}

static bool is_same_shape(const struct stage_density *d, const struct stage_density_input *in)
{
    const struct count_map *m = &in->reading->map;
    return d->places && d->shape.columns == m->columns && d->shape.rows == m->rows &&
           fabs(d->shape.cell_width - m->cell_width) < 1e-9 &&
           fabs(d->shape.cell_height - m->cell_height) < 1e-9 && d->area == in->area &&
           d->mass_count == (size_t)in->area->columns * (size_t)in->area->rows &&
           !(d->width < in->view->width || d->width > in->view->width) &&
           !(d->height < in->view->height || d->height > in->view->height);
}

static size_t map_bytes(const struct stage_density *d)
{
    return (size_t)d->map.columns * (size_t)d->map.rows * sizeof(float);
}

static int reserve(struct stage_density *d, const struct stage_density_input *in, struct error *error)
{
    const struct count_map *m = &in->reading->map;
    const size_t cells = (size_t)m->columns * (size_t)m->rows;
    const size_t ground = (size_t)in->area->columns * (size_t)in->area->rows;
    free(d->places);
    free(d->mass);
    free(d->errors);
    free(d->map_cells);
    free(d->map_people);
    d->map.columns = (m->columns + MAP_CELLS - 1) / MAP_CELLS;
    d->map.rows = (m->rows + MAP_CELLS - 1) / MAP_CELLS;
    d->places = malloc(cells * sizeof(*d->places));
    d->mass = malloc((ground + 1) * sizeof(*d->mass));
    d->errors = malloc((ground + 1) * sizeof(*d->errors));
    d->map_cells = malloc(map_bytes(d));
    d->map_people = malloc(map_bytes(d));
    if (!d->places || !d->mass || !d->errors || !d->map_cells || !d->map_people) {
        return error_nomem(error, "the density network's part");
    }
    d->mass_count = ground;
    for (size_t i = 0; i < ground; i++) {
        d->errors[i] = -1;
    }
    d->map.cell_width = m->cell_width * MAP_CELLS;
    d->map.cell_height = m->cell_height * MAP_CELLS;
    d->map.people = d->map_people;
    return 0;
}

static int build(struct stage_density *d, const struct stage_density_input *in, struct error *error)
{
    const struct count_map *m = &in->reading->map;
    d->shape = (struct count_map){0};
    const int rc = reserve(d, in, error);
    if (rc) {
        return rc;
    }
    for (int y = 0; y < m->rows; y++) {
        for (int x = 0; x < m->columns; x++) {
            const struct point head = {fmin((x + 0.5) * m->cell_width, in->view->width),
                                       fmin((y + 0.5) * m->cell_height, in->view->height)};
            d->places[(size_t)y * (size_t)m->columns + (size_t)x] = place_of(d, in->view, in->area, head);
        }
    }
    d->shape = *m;
    d->area = in->area;
    d->width = in->view->width;
    d->height = in->view->height;
    return 0;
}

/* --- weighing ------------------------------------------------------------------------------------------- */

static int weigh(struct stage_density *d, const struct stage_density_input *in, struct error *error)
{
    if (in->track_count > d->head_capacity) {
        const size_t capacity = in->track_count + in->track_count / 2 + 16;
        struct point *heads = realloc(d->heads, capacity * sizeof(*heads));
        if (!heads) {
            return error_nomem(error, "heads");
        }
        d->heads = heads;
        d->head_capacity = capacity;
    }
    for (size_t i = 0; i < in->track_count; i++) {
        d->heads[i] = box_head(in->tracks[i].box);
    }
    return handover_weigh(d->handover, in->reading, d->heads, in->track_count, in->mode, error);
}

static void add_to_map(const struct stage_density *d, float *map, struct point head, double people)
{
    const int x = (int)fmin(fmax(head.x / d->map.cell_width, 0), d->map.columns - 1);
    const int y = (int)fmin(fmax(head.y / d->map.cell_height, 0), d->map.rows - 1);
    map[(size_t)y * (size_t)d->map.columns + (size_t)x] += (float)people;
}

static void add_cell(struct stage_density *d, size_t index, struct point at, double people)
{
    const double weight = handover_weight(d->handover, at);
    handover_add_cell(&d->cells, weight, people);
    add_to_map(d, d->map_cells, at, (1 - weight) * people);
    const struct cell_place place = d->places[index];
    if (place.ground >= 0) {
        d->mass[place.ground] += (1 - weight) * people;
    }
    for (uint64_t zones = place.zones; zones; zones &= zones - 1) {
        handover_add_cell(&d->zone_cells[__builtin_ctzll(zones)], weight, people);
    }
}

static void add_cells(struct stage_density *d, const struct count_map *m)
{
    d->cells = (struct handover_sum){0};
    memset(d->zone_cells, 0, d->zone_count * sizeof(*d->zone_cells));
    memset(d->mass, 0, d->mass_count * sizeof(*d->mass));
    memset(d->map_cells, 0, map_bytes(d));
    for (int y = 0; y < m->rows; y++) {
        for (int x = 0; x < m->columns; x++) {
            const size_t index = (size_t)y * (size_t)m->columns + (size_t)x;
            if (m->people[index] > 0) {
                const struct point at = {(x + 0.5) * m->cell_width, (y + 0.5) * m->cell_height};
                add_cell(d, index, at, (double)m->people[index]);
            }
        }
    }
}

static int take_reading(struct stage_density *d, const struct stage_density_input *in, struct error *error)
{
    const bool same = is_same_shape(d, in);
    if (d->has_reading && same && d->reading_ns == in->reading_ns) {
        return 0;
    }
    d->has_reading = false;
    int rc = weigh(d, in, error);
    if (rc == 0 && !same) {
        rc = build(d, in, error);
    }
    if (rc) {
        return rc;
    }
    add_cells(d, &in->reading->map);
    d->reading = *in->reading;
    d->reading_ns = in->reading_ns;
    d->has_reading = true;
    return 0;
}

static int drop_reading(struct stage_density *d, struct error *error)
{
    d->has_reading = false;
    d->cells = (struct handover_sum){0};
    memset(d->zone_cells, 0, d->zone_count * sizeof(*d->zone_cells));
    return handover_weigh(d->handover, NULL, NULL, 0, COUNTING_BOXES, error);
}

static void add_tracks(struct stage_density *d, const struct stage_density_input *in, struct placed *placed)
{
    for (size_t i = 0; i < in->track_count; i++) {
        const struct point head = box_head(in->tracks[i].box);
        const double weight = handover_weight(d->handover, head);
        in->feet[i].weight = weight;
        handover_add_box(&d->sum, weight);
        if (d->has_reading) {
            add_to_map(d, d->map_people, head, weight);
        }
        if (in->tracks[i].ground.valid) {
            placed[in->feet[i].placed].people = weight;
        }
    }
}

static double place_error(const struct stage_density_input *in, struct point ground)
{
    struct point feet;
    if (!view_to_image(in->view, ground, &feet)) {
        return in->area->cell_m;
    }
    const double noise =
        fmax(in->reading->map.cell_height / 2, HEAD_SHARE_OF_PERSON * view_person_height(in->view, feet));
    const double error = view_ground_error(in->view, feet, (struct foot_noise){noise, noise});
    return isfinite(error) ? error : in->area->cell_m;
}

static void append_ground(struct stage_density *d, const struct stage_density_input *in,
                          struct placed *placed, size_t *count)
{
    const struct ground_area *a = in->area;
    for (size_t i = 0; i < d->mass_count; i++) {
        if (d->mass[i] <= 0) {
            continue;
        }
        const int column = (int)i % a->columns;
        const int row = (int)i / a->columns;
        const struct point at = {a->origin_x + (column + 0.5) * a->cell_m,
                                 a->origin_y + (row + 0.5) * a->cell_m};
        if (d->errors[i] < 0) {
            d->errors[i] = place_error(in, at);
        }
        placed[(*count)++] = (struct placed){at, d->errors[i], 1, 0, d->mass[i]};
    }
}

int stage_density_look(struct stage_density *density, const struct stage_density_input *input,
                       struct placed *placed, size_t *placed_count, struct error *error)
{
    struct stage_density *d = density;
    const bool counts = input->reading && input->mode != COUNTING_BOXES;
    const int rc = counts ? take_reading(d, input, error) : drop_reading(d, error);
    if (rc) {
        return rc;
    }
    d->sum = d->cells;
    memcpy(d->zone_sums, d->zone_cells, d->zone_count * sizeof(*d->zone_sums));
    if (d->has_reading) {
        memcpy(d->map_people, d->map_cells, map_bytes(d));
    }
    add_tracks(d, input, placed);
    if (d->has_reading) {
        append_ground(d, input, placed, placed_count);
    }
    d->regime = handover_regime(d->handover, &d->sum, d->regime);
    return 0;
}

/* --- measures ------------------------------------------------------------------------------------------- */

struct measure stage_density_people(const struct stage_density *density, struct measure boxes)
{
    return handover_measure(density->handover, &density->sum, &boxes, &density->reading);
}

void stage_density_add_box(struct stage_density *density, size_t zone, double weight)
{
    handover_add_box(&density->zone_sums[zone], weight);
}

struct measure stage_density_occupancy(struct stage_density *density, size_t zone, struct measure boxes)
{
    const struct handover_sum *sum = &density->zone_sums[zone];
    density->zone_regimes[zone] = handover_regime(density->handover, sum, density->zone_regimes[zone]);
    return handover_measure(density->handover, sum, &boxes, &density->reading);
}

enum regime stage_density_regime(const struct stage_density *density)
{
    return density->regime;
}

enum regime stage_density_zone_regime(const struct stage_density *density, size_t zone)
{
    return density->zone_regimes[zone];
}

double stage_density_share(const struct stage_density *density)
{
    const double all = density->sum.boxes_kept + density->sum.density_kept;
    return density->has_reading && all > 0 ? density->sum.density_kept / all : 0;
}

void stage_density_shares(const struct stage_density *density, double *low, double *high)
{
    const double share = stage_density_share(density);
    *low = share * density->reading.share_low;
    *high = share * density->reading.share_high;
}

const struct count_map *stage_density_map(const struct stage_density *density)
{
    return density->has_reading ? &density->map : NULL;
}
