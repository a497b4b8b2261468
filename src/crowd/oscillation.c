#include "crowd/oscillation.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

enum { SAMPLES = 240, BLOCKS_MAX = 1024 }; /* two minutes, twice a second */
static const double BLOCK_M = 4;
static const int64_t STEP_NS = 500000000;
static const int64_t EVALUATE_STEPS = 4;
static const double LEAST_DENSITY = 4;
static const double LEAST_FILLED = 0.9;
/* Share of a block's motion in the line: noise spreads over some 40 lines. */
static const double LEAST_SHARE = 0.3;
enum { FIRST_LINE = 4, LAST_LINE = 24 }; /* of 1/120 Hz: 0.033 to 0.2 Hz */

struct sample {
    int64_t step;
    float vx, vy, density, n;
};

struct line_found {
    int line; /* negative: clockwise; 0: none */
    double amplitude, share, spread;
};

struct oscillation {
    int columns, rows;
    double block_m;
    struct sample *samples; /* blocks * SAMPLES */
    struct line_found *found;
    double cosine[SAMPLES], sine[SAMPLES];
    int64_t evaluated, first_step;
    bool started;
    struct measure last;
};

int oscillation_create(double width_m, double height_m, struct oscillation **oscillation, struct error *error)
{
    struct oscillation *o = calloc(1, sizeof(*o));
    *oscillation = o;
    if (!o) {
        return error_nomem(error, "the oscillation detector");
    }
    o->block_m = fmax(BLOCK_M, sqrt(width_m * height_m / BLOCKS_MAX));
    o->columns = (int)fmax(1, ceil(width_m / o->block_m));
    o->rows = (int)fmax(1, ceil(height_m / o->block_m));
    const size_t blocks = (size_t)o->columns * (size_t)o->rows;
    o->samples = calloc(blocks * SAMPLES, sizeof(*o->samples));
    o->found = calloc(blocks, sizeof(*o->found));
    if (!o->samples || !o->found) {
        oscillation_destroy(oscillation);
        return error_nomem(error, "the oscillation detector");
    }
    for (size_t i = 0; i < blocks * SAMPLES; i++) {
        o->samples[i].step = -1;
    }
    for (int i = 0; i < SAMPLES; i++) {
        o->cosine[i] = cos(2 * M_PI * i / SAMPLES);
        o->sine[i] = sin(2 * M_PI * i / SAMPLES);
    }
    o->last = measure_invalid(REASON_TOO_SHORT);
    return 0;
}

void oscillation_destroy(struct oscillation **oscillation)
{
    if (*oscillation) {
        free((*oscillation)->samples);
        free((*oscillation)->found);
        free(*oscillation);
        *oscillation = NULL;
    }
}

void oscillation_add(struct oscillation *oscillation, int64_t now_ns, struct point at, struct point velocity,
                     double density)
{
    struct oscillation *o = oscillation;
    const int c = (int)(at.x / o->block_m);
    const int r = (int)(at.y / o->block_m);
    if (at.x < 0 || at.y < 0 || c >= o->columns || r >= o->rows) {
        return;
    }
    const int64_t step = now_ns / STEP_NS;
    struct sample *s =
        &o->samples[((size_t)r * (size_t)o->columns + (size_t)c) * SAMPLES + (size_t)(step % SAMPLES)];
    if (s->step != step) {
        *s = (struct sample){.step = step};
    }
    s->vx += (float)velocity.x;
    s->vy += (float)velocity.y;
    s->density += (float)density;
    s->n += 1;
}

struct series {
    double vx[SAMPLES], vy[SAMPLES];
    double power; /* mean of |v|2 about its mean */
};

/* The block's two minutes with the mean taken off; false where it was not dense and filled throughout. */
static bool gather(const struct oscillation *o, size_t block, int64_t now, struct series *s)
{
    double n = 0;
    double density = 0;
    double mx = 0;
    double my = 0;
    for (int k = 0; k < SAMPLES; k++) {
        const int64_t step = now - SAMPLES + k;
        const struct sample *a = &o->samples[block * SAMPLES + (size_t)(step % SAMPLES)];
        const bool filled = a->step == step && a->n > 0;
        s->vx[k] = filled ? (double)(a->vx / a->n) : NAN;
        s->vy[k] = filled ? (double)(a->vy / a->n) : NAN;
        n += filled;
        density += filled ? (double)(a->density / a->n) : 0;
        mx += filled ? s->vx[k] : 0;
        my += filled ? s->vy[k] : 0;
    }
    if (n < LEAST_FILLED * SAMPLES || density / n < LEAST_DENSITY) {
        return false;
    }
    s->power = 0;
    for (int k = 0; k < SAMPLES; k++) {
        s->vx[k] = isfinite(s->vx[k]) ? s->vx[k] - mx / n : 0;
        s->vy[k] = isfinite(s->vy[k]) ? s->vy[k] - my / n : 0;
        s->power += (s->vx[k] * s->vx[k] + s->vy[k] * s->vy[k]) / SAMPLES;
    }
    return s->power > 0;
}

/* Power of the line that turns `line` times in the two minutes, counter-clockwise when positive. */
static double line_power(const struct oscillation *o, const struct series *s, int line)
{
    double re = 0;
    double im = 0;
    for (int k = 0; k < SAMPLES; k++) {
        const int i = ((line * k) % SAMPLES + SAMPLES) % SAMPLES;
        re += s->vx[k] * o->cosine[i] + s->vy[k] * o->sine[i];
        im += s->vy[k] * o->cosine[i] - s->vx[k] * o->sine[i];
    }
    return (re * re + im * im) / ((double)SAMPLES * SAMPLES);
}

static struct line_found find_line(const struct oscillation *o, const struct series *s)
{
    struct line_found f = {0};
    double best = 0;
    for (int line = FIRST_LINE; line <= LAST_LINE; line++) {
        for (int way = -1; way <= 1; way += 2) {
            const double power = line_power(o, s, way * line);
            if (power > best) {
                best = power;
                f.line = way * line;
            }
        }
    }
    f.share = best / s->power;
    f.amplitude = sqrt(best);
    f.spread = sqrt(fmax(0, s->power - best) / SAMPLES);
    if (f.share < LEAST_SHARE) {
        f.line = 0;
    }
    return f;
}

static bool neighbours_agree(const struct oscillation *o, int column, int row)
{
    const struct line_found *me = &o->found[(size_t)row * (size_t)o->columns + (size_t)column];
    for (int k = 0; k < 4; k++) {
        const int c = column + (k == 0) - (k == 1);
        const int r = row + (k == 2) - (k == 3);
        if (c >= 0 && r >= 0 && c < o->columns && r < o->rows) {
            const struct line_found *other = &o->found[(size_t)r * (size_t)o->columns + (size_t)c];
            if (other->line && abs(other->line - me->line) <= 1) {
                return true;
            }
        }
    }
    return false;
}

static struct measure evaluate(struct oscillation *o, int64_t now)
{
    bool dense = false;
    const size_t blocks = (size_t)o->columns * (size_t)o->rows;
    for (size_t b = 0; b < blocks; b++) {
        struct series s;
        const bool known = gather(o, b, now, &s);
        o->found[b] = known ? find_line(o, &s) : (struct line_found){0};
        dense = dense || known;
    }
    if (!dense) {
        return measure_invalid(REASON_NOT_MEASURABLE);
    }
    const struct line_found *best = NULL;
    for (int r = 0; r < o->rows; r++) {
        for (int c = 0; c < o->columns; c++) {
            const struct line_found *f = &o->found[(size_t)r * (size_t)o->columns + (size_t)c];
            if (f->line && (!best || f->amplitude > best->amplitude) && neighbours_agree(o, c, r)) {
                best = f;
            }
        }
    }
    return best ? measure_between(best->amplitude, fmax(0, best->amplitude - 1.6449 * best->spread),
                                  best->amplitude + 1.6449 * best->spread)
                : measure_exact(0);
}

struct measure oscillation_measure(struct oscillation *oscillation, int64_t now_ns)
{
    struct oscillation *o = oscillation;
    const int64_t step = now_ns / STEP_NS;
    if (!o->started) {
        o->started = true;
        o->first_step = step;
    }
    if (step - o->first_step >= SAMPLES && step - o->evaluated >= EVALUATE_STEPS) {
        o->evaluated = step;
        o->last = evaluate(o, step);
    }
    return o->last;
}
