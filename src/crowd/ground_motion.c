#include "crowd/ground_motion.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const double Z90 = 1.6449;
static const double BLOCK_M = 1;
static const double BODY_HEIGHT_M = 0.9;
static const double FADE_S = 1;
static const int64_t OLD_NS = INT64_C(2000000000);
static const double MOVES_ERRORS = 3;   /* errors of a cell that it must move by */
static const double GREATEST_SPEED = 8; /* m/s: no person */
/* Cells that moved within the last second, faded, for a block to have a velocity. */
static const float CELLS_LEAST = 4;
/* Neighbouring cells share pixels. */
static const double CORRELATION = 4;
/* Which part of a body a cell shows is not known: relative error of a speed (docs/measures.md, "Motion"). */
static const double SPEED_ERROR_SHARE = 0.15;
static const double ORDER_LEAST = 0.3; /* below, a mean direction says nothing */

struct place {
    int block;     /* -1 = not on measured ground */
    float to_m[4]; /* metres per pixel there, row-major */
    float noise_m; /* one sigma per axis, metres per pixel of error */
};

struct block {
    float known, moving; /* faded numbers of cells */
    float speed;         /* faded sum over those that move, m/s */
    float x, y, square;  /* and weighted by it: velocities, speeds */
    float variance;      /* of their errors */
};

struct ground_motion {
    const struct view *view;
    const struct ground_area *area;
    int factor; /* cells of the area across a block */
    struct block *blocks;
    struct velocity_cell *cells;
    struct velocity_grid grid;
    bool has_added;
    int64_t added_ns;
    int columns, rows; /* of the field that `places` is for */
    double cell_px;
    struct place *places;
};

int ground_motion_create(const struct view *view, const struct ground_area *area,
                         struct ground_motion **motion, struct error *error)
{
    struct ground_motion *m = calloc(1, sizeof(*m));
    *motion = m;
    if (!m) {
        return error_nomem(error, "motion on the ground");
    }
    m->view = view;
    m->area = area;
    m->factor = (int)fmax(1, floor(BLOCK_M / area->cell_m + 0.5));
    m->grid = (struct velocity_grid){
        .origin_x = area->origin_x,
        .origin_y = area->origin_y,
        .cell_m = area->cell_m * m->factor,
        .columns = (area->columns + m->factor - 1) / m->factor,
        .rows = (area->rows + m->factor - 1) / m->factor,
    };
    const size_t count = (size_t)m->grid.columns * (size_t)m->grid.rows;
    m->blocks = calloc(count + 1, sizeof(*m->blocks));
    m->cells = calloc(count + 1, sizeof(*m->cells));
    if (!m->blocks || !m->cells) {
        ground_motion_destroy(motion);
        return error_nomem(error, "motion on the ground");
    }
    m->grid.cells = m->cells;
    return 0;
}

void ground_motion_destroy(struct ground_motion **motion)
{
    struct ground_motion *m = *motion;
    *motion = NULL;
    if (!m) {
        return;
    }
    free(m->blocks);
    free(m->cells);
    free(m->places);
    free(m);
}

static int block_of(const struct ground_motion *m, int cell)
{
    const int column = cell % m->area->columns / m->factor;
    const int row = cell / m->area->columns / m->factor;
    return row * m->grid.columns + column;
}

/* The block under a ground point; -1 where nothing is measured. */
static int block_at(const struct ground_motion *m, struct point ground)
{
    const struct ground_area *a = m->area;
    const double c = floor((ground.x - a->origin_x) / a->cell_m);
    const double r = floor((ground.y - a->origin_y) / a->cell_m);
    if (!(c >= 0 && c < a->columns && r >= 0 && r < a->rows)) {
        return -1;
    }
    const int cell = (int)r * a->columns + (int)c;
    return a->share[cell] > 0 ? block_of(m, cell) : -1;
}

/* Where a body's part that is seen at `pixel` is, and how it moves per pixel. */
static struct place place_of(const struct ground_motion *m, struct point pixel)
{
    struct place p = {.block = -1};
    struct point ground;
    double j[4];
    const struct view *v = m->view;
    const struct point model = {pixel.x * v->scale_x, pixel.y * v->scale_y};
    if (!camera_to_ground(v->camera, model, &ground) || !camera_ground_jacobian(v->camera, model, j)) {
        return p;
    }
    double position[3];
    double share = 1; /* of the way from the camera to the ground point */
    if (camera_position(v->camera, position) && position[2] > 2 * BODY_HEIGHT_M) {
        share = (position[2] - BODY_HEIGHT_M) / position[2];
        ground.x = position[0] + (ground.x - position[0]) * share;
        ground.y = position[1] + (ground.y - position[1]) * share;
    }
    p.block = block_at(m, ground);
    double square = 0;
    for (int i = 0; i < 4; i++) {
        const double per_pixel = j[i] * share * (i % 2 == 0 ? v->scale_x : v->scale_y);
        p.to_m[i] = (float)per_pixel;
        square += per_pixel * per_pixel;
    }
    p.noise_m = (float)sqrt(square / 2);
    return p;
}

static int find_places(struct ground_motion *m, const struct motion_field *f, struct error *error)
{
    if (m->places && f->columns == m->columns && f->rows == m->rows && f->cell_px == m->cell_px) {
        return 0;
    }
    const size_t count = (size_t)f->columns * (size_t)f->rows;
    free(m->places);
    m->places = malloc((count + 1) * sizeof(*m->places));
    if (!m->places) {
        return error_nomem(error, "motion on the ground");
    }
    for (size_t i = 0; i < count; i++) {
        const double column = (double)(i % (size_t)f->columns);
        const double row = (double)(i / (size_t)f->columns);
        const struct point pixel = {fmin((column + 0.5) * f->cell_px, m->view->width),
                                    fmin((row + 0.5) * f->cell_px, m->view->height)};
        m->places[i] = place_of(m, pixel);
    }
    m->columns = f->columns;
    m->rows = f->rows;
    m->cell_px = f->cell_px;
    return 0;
}

static void add_cell(struct ground_motion *m, const struct place *p, const struct motion_cell *c, float per_s)
{
    struct block *b = &m->blocks[p->block];
    struct velocity_cell *out = &m->cells[p->block];
    const float x = (p->to_m[0] * c->dx + p->to_m[1] * c->dy) * per_s;
    const float y = (p->to_m[2] * c->dx + p->to_m[3] * c->dy) * per_s;
    const float speed = hypotf(x, y);
    b->known += 1;
    out->known += 1;
    if (hypotf(c->dx, c->dy) <= (float)MOVES_ERRORS * c->error || speed > (float)GREATEST_SPEED) {
        return;
    }
    const float error = p->noise_m * c->error * per_s;
    b->moving += 1;
    b->speed += speed;
    b->x += speed * x;
    b->y += speed * y;
    b->square += speed * speed;
    b->variance += error * error;
    out->moving += 1;
}

static void fade(struct ground_motion *m, int64_t now_ns)
{
    const float keep = m->has_added ? (float)exp(-(double)(now_ns - m->added_ns) / 1e9 / FADE_S) : 0;
    for (int i = 0; i < m->grid.columns * m->grid.rows; i++) {
        struct block *b = &m->blocks[i];
        *b = (struct block){b->known * keep, b->moving * keep, b->speed * keep,   b->x * keep,
                            b->y * keep,     b->square * keep, b->variance * keep};
        m->cells[i] = (struct velocity_cell){0};
    }
}

static void finish_cells(struct ground_motion *m)
{
    for (int i = 0; i < m->grid.columns * m->grid.rows; i++) {
        const struct block *b = &m->blocks[i];
        struct velocity_cell *c = &m->cells[i];
        c->valid = b->moving >= CELLS_LEAST && b->speed > 0;
        if (c->valid) {
            c->vx = b->x / b->speed;
            c->vy = b->y / b->speed;
            c->error = sqrtf((float)CORRELATION * b->variance) / b->moving;
        }
    }
}

int ground_motion_add(struct ground_motion *motion, const struct motion_field *field, int64_t now_ns,
                      struct error *error)
{
    struct ground_motion *m = motion;
    const int rc = find_places(m, field, error);
    if (rc || field->span_ns <= 0) {
        return rc;
    }
    fade(m, now_ns);
    const float per_s = (float)(1e9 / (double)field->span_ns);
    for (size_t i = 0; i < (size_t)field->columns * (size_t)field->rows; i++) {
        if (m->places[i].block >= 0 && isfinite(field->cells[i].error)) {
            add_cell(m, &m->places[i], &field->cells[i], per_s);
        }
    }
    finish_cells(m);
    m->grid.by_coder = field->by_coder;
    m->has_added = true;
    m->added_ns = now_ns;
    return 0;
}

static bool is_fresh(const struct ground_motion *m, int64_t now_ns)
{
    return m->has_added && now_ns - m->added_ns <= OLD_NS;
}

const struct velocity_grid *ground_motion_grid(const struct ground_motion *motion, int64_t now_ns)
{
    return is_fresh(motion, now_ns) ? &motion->grid : NULL;
}

/* Sums over a place's ground, each square metre by the share of its cells that move. */
struct sums {
    double known_m2, moving_m2; /* ground with cells that are known; that move */
    double x, y, speed, variance;
    double blocks; /* with a velocity, by the square metre */
};

static void add_ground(const struct ground_motion *m, int cell, double m2, struct sums *s)
{
    const struct block *b = &m->blocks[block_of(m, cell)];
    if (b->known < CELLS_LEAST) {
        return;
    }
    s->known_m2 += m2;
    if (b->moving < CELLS_LEAST) {
        return;
    }
    const double weight = m2 * (double)(b->moving / b->known);
    s->moving_m2 += weight;
    s->blocks += m2 / (m->grid.cell_m * m->grid.cell_m);
    s->x += weight * (double)(b->x / b->speed);
    s->y += weight * (double)(b->y / b->speed);
    s->speed += weight * (double)(b->square / b->speed);
    s->variance += weight * (double)(b->variance / b->moving);
}

void ground_motion_invalid(struct measure_set *set, const char *reason)
{
    set->of[MEASURE_MOTION_SPEED] = measure_invalid(reason);
    set->of[MEASURE_MOTION_HEADING] = measure_invalid(reason);
    set->of[MEASURE_MOTION_ORDER] = measure_invalid(reason);
    set->of[MEASURE_MOTION_SHARE] = measure_invalid(reason);
}

/* Of blocks that walk each on its own; a block's velocity is a mean over a second already. */
static struct measure heading_measure(const struct sums *s, double order)
{
    if (order < ORDER_LEAST) {
        return measure_invalid(REASON_NOT_MEASURABLE);
    }
    const double heading = atan2(s->y, s->x);
    const double spread = Z90 * sqrt(2 * (1 - order) / fmax(1, s->blocks)) + 0.05;
    return measure_between(heading, heading - spread, heading + spread);
}

static void put_measures(const struct sums *s, struct measure_set *set)
{
    const double share = fmin(100, 100 * s->moving_m2 / s->known_m2);
    set->of[MEASURE_MOTION_SHARE] = measure_exact(share);
    if (!(s->moving_m2 > 0)) {
        set->of[MEASURE_MOTION_SPEED] = measure_invalid(REASON_NOTHING_MOVES);
        set->of[MEASURE_MOTION_HEADING] = measure_invalid(REASON_NOTHING_MOVES);
        set->of[MEASURE_MOTION_ORDER] = measure_invalid(REASON_NOTHING_MOVES);
        return;
    }
    const double speed = s->speed / s->moving_m2;
    const double noise = sqrt(CORRELATION * s->variance / s->moving_m2 / fmax(1, s->blocks));
    const double spread = Z90 * hypot(noise, SPEED_ERROR_SHARE * speed);
    const double order = speed > 0 ? fmin(1, hypot(s->x, s->y) / s->moving_m2 / speed) : 0;
    set->of[MEASURE_MOTION_SPEED] = measure_between(speed, fmax(0, speed - spread), speed + spread);
    set->of[MEASURE_MOTION_ORDER] = measure_exact(order);
    set->of[MEASURE_MOTION_HEADING] = heading_measure(s, order);
}

void ground_motion_measure(const struct ground_motion *motion, int64_t now_ns, const struct zone_area *zone,
                           struct measure_set *set)
{
    const struct ground_motion *m = motion;
    if (!is_fresh(m, now_ns)) {
        ground_motion_invalid(set, REASON_TOO_SHORT);
        return;
    }
    struct sums s = {0};
    if (zone) {
        for (size_t i = 0; i < zone->count; i++) {
            add_ground(m, zone->cells[i].cell, (double)zone->cells[i].m2, &s);
        }
    } else {
        const double m2 = m->area->cell_m * m->area->cell_m;
        for (int i = 0; i < m->area->columns * m->area->rows; i++) {
            if (m->area->share[i] > 0) {
                add_ground(m, i, m2 * (double)m->area->share[i], &s);
            }
        }
    }
    if (!(s.known_m2 > 0)) {
        ground_motion_invalid(set, REASON_NOT_MEASURABLE);
        return;
    }
    put_measures(&s, set);
}
