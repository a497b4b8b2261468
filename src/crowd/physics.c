/*
 * Walkers are sorted into cells of one metre over the measured ground.
 *
 * Pressure (Helbing, Johansson and Al-Abideen, Phys. Rev. E 75, 046109, 2007): P = rho Var(v) with the kernel
 * exp(-d2 / R2) / (pi R2), R = 1 m. Velocities over a second and only neighbours who walk the same way,
 * because opposite streams and tracking noise look like turbulence otherwise; the variance that the
 * velocities' own errors make is the noise floor and taken off.
 *
 * Congestion (Feliciani and Nishinari, arXiv 2004.01883): on the grid, rot = (v_y[i+1] - v_y[i-1] - v_x[j+1]
 * + v_x[j-1]) / 2 where all four neighbours have people; CL = (largest rot - smallest rot) / mean speed
 * within 2.1 m and 2.5 s; CN = CL / 6; danger = CL rho.
 */
#include "crowd/physics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "crowd/counts.h"
#include "crowd/oscillation.h"

static const double CELL_M = 1.0;
static const double KERNEL_R_M = 1.0;
enum { REACH_CELLS = 2, BUCKETS = 5 };
/* The kernel ends at two R, where it is 0.018 of its top, and comes from a table: 500 people have some 16,000
 * pairs. */
enum { KERNEL_STEPS = 1024, KERNEL_REACH2 = 4 };
static const int64_t BUCKET_NS = NS_PER_S / 2;
static const double PRESSURE_DENSITY = 4.0; /* below, people choose their own speed: no pressure */
static const double LEAST_NEIGHBOURS = 4;
static const double BASELINE_S = 600;
static const double BASELINE_READY_S = 120;
static const double ROT_REACH_CELLS = 2.1;
static const double LEAST_SPEED = 0.1;
static const double LEAST_ROTS = 4;
static const double FIELD_S = 1.25; /* time constant of the velocity field: about 2.5 s */
static const float LEAST_WEIGHT = 0.5F;

struct physics {
    int columns, rows;
    double x, y;
    size_t *start, *order;
    int *cell_of;
    size_t capacity;
    double *density; /* per walker */
    double kernel[KERNEL_STEPS + 2];
    float *weight, *vx, *vy; /* per cell: decaying sums */
    float *rot_max[BUCKETS], *rot_min[BUCKETS];
    int64_t bucket;
    int64_t last_ns;
    bool started;
    double baseline, baseline_s;
    struct oscillation *oscillation;
};

static size_t cells_of(const struct physics *p)
{
    return (size_t)p->columns * (size_t)p->rows;
}

int physics_create(const struct ground_area *area, struct physics **physics, struct error *error)
{
    struct physics *p = calloc(1, sizeof(*p));
    *physics = p;
    if (!p) {
        return error_nomem(error, "the crowd physics");
    }
    p->x = area->origin_x;
    p->y = area->origin_y;
    p->columns = (int)fmax(1, ceil(area->columns * area->cell_m / CELL_M));
    p->rows = (int)fmax(1, ceil(area->rows * area->cell_m / CELL_M));
    for (int i = 0; i < KERNEL_STEPS + 2; i++) {
        const double d2 = (double)i * KERNEL_REACH2 / KERNEL_STEPS;
        p->kernel[i] = exp(-d2) / (M_PI * KERNEL_R_M * KERNEL_R_M * (1 - exp(-KERNEL_REACH2)));
    }
    const size_t n = cells_of(p);
    p->start = calloc(n + 1, sizeof(*p->start));
    p->weight = calloc(n, sizeof(*p->weight));
    p->vx = calloc(n, sizeof(*p->vx));
    p->vy = calloc(n, sizeof(*p->vy));
    bool all = p->start && p->weight && p->vx && p->vy;
    for (int b = 0; b < BUCKETS; b++) {
        p->rot_max[b] = calloc(n, sizeof(float));
        p->rot_min[b] = calloc(n, sizeof(float));
        all = all && p->rot_max[b] && p->rot_min[b];
    }
    int rc = all ? oscillation_create(p->columns * CELL_M, p->rows * CELL_M, &p->oscillation, error)
                 : error_nomem(error, "the crowd physics");
    if (rc) {
        physics_destroy(physics);
    }
    return rc;
}

void physics_destroy(struct physics **physics)
{
    struct physics *p = *physics;
    if (!p) {
        return;
    }
    for (int b = 0; b < BUCKETS; b++) {
        free(p->rot_max[b]);
        free(p->rot_min[b]);
    }
    void *all[] = {p->start, p->order, p->cell_of, p->density, p->weight, p->vx, p->vy};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        free(all[i]);
    }
    oscillation_destroy(&p->oscillation);
    free(p);
    *physics = NULL;
}

static int reserve(struct physics *p, size_t count, struct error *error)
{
    if (count <= p->capacity) {
        return 0;
    }
    const size_t capacity = 2 * count;
    free(p->order);
    free(p->cell_of);
    free(p->density);
    p->capacity = 0;
    p->order = calloc(capacity, sizeof(*p->order));
    p->cell_of = calloc(capacity, sizeof(*p->cell_of));
    p->density = calloc(capacity, sizeof(*p->density));
    if (!p->order || !p->cell_of || !p->density) {
        return error_nomem(error, "the crowd physics");
    }
    p->capacity = capacity;
    return 0;
}

/* -1 off the grid */
static int cell_at(const struct physics *p, struct point at)
{
    const double c = floor((at.x - p->x) / CELL_M);
    const double r = floor((at.y - p->y) / CELL_M);
    return c >= 0 && r >= 0 && c < p->columns && r < p->rows ? (int)r * p->columns + (int)c : -1;
}

static void sort_walkers(struct physics *p, const struct walker *w, size_t count)
{
    memset(p->start, 0, (cells_of(p) + 1) * sizeof(*p->start));
    for (size_t i = 0; i < count; i++) {
        p->cell_of[i] = cell_at(p, w[i].position);
        if (p->cell_of[i] >= 0) {
            p->start[p->cell_of[i]]++;
        }
    }
    size_t sum = 0;
    for (size_t c = 0; c <= cells_of(p); c++) {
        const size_t n = p->start[c];
        sum += n;
        p->start[c] = sum;
    }
    for (size_t i = count; i-- > 0;) {
        if (p->cell_of[i] >= 0) {
            p->order[--p->start[p->cell_of[i]]] = i;
        }
    }
}

/* Sums over the neighbours of one walker. */
struct surroundings {
    double density, weight, vx, vy, squares, noise, n;
};

static void add_neighbour(const struct physics *p, struct surroundings *s, const struct walker *me,
                          const struct walker *other)
{
    const double dx = other->position.x - me->position.x;
    const double dy = other->position.y - me->position.y;
    const double at = (dx * dx + dy * dy) / (KERNEL_R_M * KERNEL_R_M) * (KERNEL_STEPS / KERNEL_REACH2);
    if (at >= KERNEL_STEPS) {
        return;
    }
    const int k = (int)at;
    const double w = p->kernel[k] + (at - k) * (p->kernel[k + 1] - p->kernel[k]);
    s->density += w;
    const double along = me->velocity.x * other->velocity.x + me->velocity.y * other->velocity.y;
    if (!me->moves_known || !other->moves_known || (other != me && along <= 0)) {
        return;
    }
    s->weight += w;
    s->vx += w * other->velocity.x;
    s->vy += w * other->velocity.y;
    s->squares += w * (other->velocity.x * other->velocity.x + other->velocity.y * other->velocity.y);
    s->noise += w * 2 * other->velocity_error * other->velocity_error;
    s->n += other != me;
}

static struct surroundings look_around(const struct physics *p, const struct walker *w, size_t i)
{
    struct surroundings s = {0};
    const int column = p->cell_of[i] % p->columns;
    const int row = p->cell_of[i] / p->columns;
    const int c0 = column > REACH_CELLS ? column - REACH_CELLS : 0;
    const int c1 = column + REACH_CELLS < p->columns ? column + REACH_CELLS : p->columns - 1;
    for (int r = row - REACH_CELLS; r <= row + REACH_CELLS; r++) {
        if (r < 0 || r >= p->rows) {
            continue;
        }
        const size_t from = p->start[(size_t)r * (size_t)p->columns + (size_t)c0];
        const size_t to = p->start[(size_t)r * (size_t)p->columns + (size_t)c1 + 1];
        for (size_t k = from; k < to; k++) {
            add_neighbour(p, &s, &w[i], &w[p->order[k]]);
        }
    }
    return s;
}

static double seconds_since(const struct physics *p, int64_t now_ns)
{
    return p->started ? (double)(now_ns - p->last_ns) / 1e9 : 0;
}

/* The largest pressure; *known false where nobody stands dense enough or the noise hides it. */
static void measure_pressure(struct physics *p, int64_t now_ns, const struct walker *w, size_t count,
                             struct physics_result *out)
{
    double best = -1;
    double noise = 0;
    for (size_t i = 0; i < count; i++) {
        if (p->cell_of[i] < 0) {
            continue;
        }
        const struct surroundings s = look_around(p, w, i);
        p->density[i] = s.density;
        if (s.density < PRESSURE_DENSITY || s.n < LEAST_NEIGHBOURS) {
            continue;
        }
        const double vx = s.vx / s.weight;
        const double vy = s.vy / s.weight;
        const double variance = s.squares / s.weight - vx * vx - vy * vy - s.noise / s.weight;
        if (s.density * variance > best) {
            best = s.density * variance;
            noise = s.density * s.noise / s.weight;
        }
    }
    const double dt = seconds_since(p, now_ns);
    out->pressure = measure_invalid(REASON_NOT_MEASURABLE);
    out->pressure_ratio = measure_invalid(REASON_NOT_MEASURABLE);
    if (best <= noise) { /* nobody dense enough, or below the noise floor */
        return;
    }
    out->pressure = measure_between(best, best - 0.9 * noise, best + 0.9 * noise);
    if (p->baseline_s >= BASELINE_READY_S && p->baseline > 0) {
        out->pressure_ratio = measure_scaled(out->pressure, 1 / p->baseline);
    } else {
        out->pressure_ratio = measure_invalid(REASON_TOO_SHORT);
    }
    p->baseline_s += dt;
    p->baseline += (best - p->baseline) * fmin(1, dt / fmin(BASELINE_S, fmax(p->baseline_s, 1e-9)));
}

static void add_to_field(struct physics *p, int64_t now_ns, const struct walker *w, size_t count)
{
    const float keep = (float)exp(-seconds_since(p, now_ns) / FIELD_S);
    for (size_t c = 0; c < cells_of(p); c++) {
        p->weight[c] *= keep;
        p->vx[c] *= keep;
        p->vy[c] *= keep;
    }
    const float gain = 1 - keep;
    for (size_t i = 0; i < count; i++) {
        if (p->cell_of[i] >= 0 && w[i].moves_known) {
            p->weight[p->cell_of[i]] += gain;
            p->vx[p->cell_of[i]] += gain * (float)w[i].velocity.x;
            p->vy[p->cell_of[i]] += gain * (float)w[i].velocity.y;
        }
    }
}

static bool is_known(const struct physics *p, size_t c)
{
    return p->weight[c] >= LEAST_WEIGHT;
}

static void turn_bucket(struct physics *p, int64_t now_ns)
{
    const int64_t bucket = now_ns / BUCKET_NS;
    const int64_t passed = bucket - p->bucket;
    for (int64_t k = 0; k < (passed < BUCKETS ? passed : BUCKETS); k++) {
        const size_t b = (size_t)(((bucket - k) % BUCKETS + BUCKETS) % BUCKETS);
        for (size_t c = 0; c < cells_of(p); c++) {
            p->rot_max[b][c] = -INFINITY;
            p->rot_min[b][c] = INFINITY;
        }
    }
    p->bucket = bucket;
}

static void add_rot(struct physics *p)
{
    const size_t b = (size_t)((p->bucket % BUCKETS + BUCKETS) % BUCKETS);
    const size_t columns = (size_t)p->columns;
    for (int r = 1; r + 1 < p->rows; r++) {
        for (int c = 1; c + 1 < p->columns; c++) {
            const size_t i = (size_t)r * columns + (size_t)c;
            if (!is_known(p, i - 1) || !is_known(p, i + 1) || !is_known(p, i - columns) ||
                !is_known(p, i + columns)) {
                continue;
            }
            const float rot =
                (p->vy[i + 1] / p->weight[i + 1] - p->vy[i - 1] / p->weight[i - 1] -
                 p->vx[i + columns] / p->weight[i + columns] + p->vx[i - columns] / p->weight[i - columns]) /
                2;
            p->rot_max[b][i] = fmaxf(p->rot_max[b][i], rot);
            p->rot_min[b][i] = fminf(p->rot_min[b][i], rot);
        }
    }
}

/* Congestion level around a cell; negative where it is not measurable. */
static double level_at(const struct physics *p, int cell)
{
    double high = -INFINITY;
    double low = INFINITY;
    double n = 0;
    double weight = 0;
    double speed = 0;
    for (int dr = -REACH_CELLS; dr <= REACH_CELLS; dr++) {
        for (int dc = -REACH_CELLS; dc <= REACH_CELLS; dc++) {
            const int r = cell / p->columns + dr;
            const int c = cell % p->columns + dc;
            if (dr * dr + dc * dc > ROT_REACH_CELLS * ROT_REACH_CELLS || r < 0 || c < 0 || r >= p->rows ||
                c >= p->columns) {
                continue;
            }
            const size_t i = (size_t)r * (size_t)p->columns + (size_t)c;
            weight += (double)p->weight[i];
            speed += sqrt((double)(p->vx[i] * p->vx[i] + p->vy[i] * p->vy[i]));
            double most = -INFINITY;
            for (int b = 0; b < BUCKETS; b++) {
                most = fmax(most, (double)p->rot_max[b][i]);
                low = fmin(low, (double)p->rot_min[b][i]);
            }
            high = fmax(high, most);
            n += isfinite(most);
        }
    }
    return n >= LEAST_ROTS && weight > 0 && speed / weight >= LEAST_SPEED ? (high - low) / (speed / weight)
                                                                          : -1;
}

static void measure_congestion(struct physics *p, int64_t now_ns, const struct walker *w, size_t count,
                               struct physics_result *out)
{
    add_to_field(p, now_ns, w, count);
    turn_bucket(p, now_ns);
    add_rot(p);
    double level = -1;
    double danger = -1;
    double doubt = 0;
    for (size_t i = 0; i < count; i++) {
        /* One look per cell: by the first walker in it. */
        if (p->cell_of[i] < 0 || p->order[p->start[p->cell_of[i]]] != i) {
            continue;
        }
        const double l = level_at(p, p->cell_of[i]);
        if (l > level) {
            level = l;
            doubt = w[i].moves_known ? w[i].velocity_error : 0;
        }
        danger = l > 0 ? fmax(danger, l * p->density[i]) : danger;
    }
    out->congestion_number = measure_invalid(REASON_NOT_MEASURABLE);
    out->crowd_danger = measure_invalid(REASON_NOT_MEASURABLE);
    if (level >= 0) {
        /* Both extremes carry the error of four velocities, halved. */
        const double spread = 1.6449 * 2 * doubt;
        out->congestion_number =
            measure_between(level / 6, fmax(0, level - spread) / 6, (level + spread) / 6);
        const double share = level > 0 ? spread / level : 0;
        danger = fmax(0, danger);
        out->crowd_danger = measure_between(danger, danger * fmax(0, 1 - share), danger * (1 + share));
    }
}

int physics_update(struct physics *physics, int64_t now_ns, const struct walker *walkers, size_t count,
                   struct physics_result *result, struct error *error)
{
    struct physics *p = physics;
    const int rc = reserve(p, count, error);
    if (rc) {
        return rc;
    }
    sort_walkers(p, walkers, count);
    if (!p->started) {
        p->bucket = now_ns / BUCKET_NS - BUCKETS;
    }
    measure_pressure(p, now_ns, walkers, count, result);
    measure_congestion(p, now_ns, walkers, count, result);
    for (size_t i = 0; i < count; i++) {
        if (p->cell_of[i] >= 0 && walkers[i].moves_known) {
            const struct point at = {walkers[i].position.x - p->x, walkers[i].position.y - p->y};
            oscillation_add(p->oscillation, now_ns, at, walkers[i].velocity, p->density[i]);
        }
    }
    result->oscillation = oscillation_measure(p->oscillation, now_ns);
    p->started = true;
    p->last_ns = now_ns;
    return 0;
}
