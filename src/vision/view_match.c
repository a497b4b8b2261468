#include "vision/view_match.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    TILE_CELLS = THUMB_TILE * THUMB_TILE,
    NOISE = 4,           /* levels of gradient that say nothing */
    LEAST_DEVIATION = 7, /* of the detail in a tile that can be recognised */
    HALF_COLUMNS = THUMB_COLUMNS / 2,
    HALF_ROWS = THUMB_ROWS / 2,
    COARSE_X = 26,
    COARSE_Y = 16
};

void detail_make(const uint8_t thumb[THUMB_CELLS], uint8_t detail[THUMB_CELLS])
{
    memset(detail, 0, THUMB_CELLS);
    for (int r = 1; r + 1 < THUMB_ROWS; r++) {
        const uint8_t *row = thumb + (size_t)r * THUMB_COLUMNS;
        for (int c = 1; c + 1 < THUMB_COLUMNS; c++) {
            int g =
                abs(row[c + 1] - row[c - 1]) + abs(row[c + THUMB_COLUMNS] - row[c - THUMB_COLUMNS]) - NOISE;
            float root = g > 0 ? 8 * sqrtf((float)g) : 0;
            detail[(size_t)r * THUMB_COLUMNS + (size_t)c] = (uint8_t)(root < 255 ? root : 255);
        }
    }
}

struct sums {
    int a, b, aa, bb, ab;
};

static void add_sums(const uint8_t *restrict a, const uint8_t *restrict b, int count, struct sums *s)
{
    int sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;
    for (int i = 0; i < count; i++) {
        sa += a[i];
        sb += b[i];
        saa += a[i] * a[i];
        sbb += b[i] * b[i];
        sab += a[i] * b[i];
    }
    s->a += sa;
    s->b += sb;
    s->aa += saa;
    s->bb += sbb;
    s->ab += sab;
}

/* 0 where one of the two has no detail. */
static float correlation(const struct sums *s, int count, double least_deviation)
{
    double n = count, a = s->a / n, b = s->b / n;
    double va = s->aa / n - a * a, vb = s->bb / n - b * b, cover = s->ab / n - a * b;
    double least = least_deviation * least_deviation;
    return va < least || vb < least / 4 ? 0 : (float)(cover / sqrt(va * vb));
}

static bool tile_fits(int column, int row)
{
    return column >= 0 && row >= 0 && column + THUMB_TILE <= THUMB_COLUMNS && row + THUMB_TILE <= THUMB_ROWS;
}

static float tile_score(const uint8_t *reference, const uint8_t *now, int column, int row, int dx, int dy)
{
    struct sums s = {0};
    if (!tile_fits(column + dx, row + dy))
        return -1;
    for (int r = 0; r < THUMB_TILE; r++)
        add_sums(reference + (row + r) * THUMB_COLUMNS + column,
                 now + (row + dy + r) * THUMB_COLUMNS + column + dx, THUMB_TILE, &s);
    return correlation(&s, TILE_CELLS, LEAST_DEVIATION);
}

static bool has_detail(const uint8_t *reference, int column, int row)
{
    int sum = 0, squares = 0;
    for (int r = 0; r < THUMB_TILE; r++)
        for (int c = 0; c < THUMB_TILE; c++) {
            int v = reference[(row + r) * THUMB_COLUMNS + column + c];
            sum += v;
            squares += v * v;
        }
    return squares - sum * sum / TILE_CELLS >= LEAST_DEVIATION * LEAST_DEVIATION * TILE_CELLS;
}

/* The top of the parabola through three scores, and its curvature; no weight where the top is at the end. */
static void refine(float before, float top, float after, float *offset, float *weight)
{
    float curvature = 2 * top - before - after;
    *offset = 0;
    *weight = 0;
    if (before > -1 && after > -1 && curvature > 1e-4F) {
        *offset = 0.5F * (after - before) / curvature;
        *weight = curvature;
    }
}

void view_match_tile(const uint8_t reference[THUMB_CELLS], const uint8_t now[THUMB_CELLS], int tile,
                     int guess_x, int guess_y, struct tile_match *match)
{
    enum { SIDE = 2 * VIEW_REACH + 1, FRAME = SIDE + 2 };
    float scores[FRAME][FRAME];
    int column = tile % HEALTH_TILE_COLUMNS * THUMB_TILE, row = tile / HEALTH_TILE_COLUMNS * THUMB_TILE;
    int best_x = -1, best_y = -1;
    *match = (struct tile_match){.score = -1};
    if (!has_detail(reference, column, row))
        return;
    for (int y = 0; y < FRAME; y++)
        for (int x = 0; x < FRAME; x++) {
            bool rim = x == 0 || y == 0 || x == FRAME - 1 || y == FRAME - 1;
            scores[y][x] = rim ? -1
                               : tile_score(reference, now, column, row, guess_x + x - VIEW_REACH - 1,
                                            guess_y + y - VIEW_REACH - 1);
            if (scores[y][x] > match->score) {
                match->score = scores[y][x];
                best_x = x;
                best_y = y;
            }
        }
    if (best_x < 0)
        return;
    match->known = true;
    float sub_x, sub_y;
    refine(scores[best_y][best_x - 1], match->score, scores[best_y][best_x + 1], &sub_x, &match->weight_x);
    refine(scores[best_y - 1][best_x], match->score, scores[best_y + 1][best_x], &sub_y, &match->weight_y);
    match->dx = (float)(guess_x + best_x - VIEW_REACH - 1) + sub_x;
    match->dy = (float)(guess_y + best_y - VIEW_REACH - 1) + sub_y;
}

static void halve(const uint8_t full[THUMB_CELLS], uint8_t half[HALF_ROWS * HALF_COLUMNS])
{
    for (int r = 0; r < HALF_ROWS; r++)
        for (int c = 0; c < HALF_COLUMNS; c++) {
            const uint8_t *p = full + (size_t)2 * (size_t)r * THUMB_COLUMNS + (size_t)2 * (size_t)c;
            *half++ = (uint8_t)((p[0] + p[1] + p[THUMB_COLUMNS] + p[THUMB_COLUMNS + 1] + 2) / 4);
        }
}

double view_match_coarse(const uint8_t reference[THUMB_CELLS], const uint8_t now[THUMB_CELLS], int *shift_x,
                         int *shift_y)
{
    uint8_t a[HALF_ROWS * HALF_COLUMNS], b[HALF_ROWS * HALF_COLUMNS];
    double best = -1;
    halve(reference, a);
    halve(now, b);
    *shift_x = 0;
    *shift_y = 0;
    for (int dy = -COARSE_Y; dy <= COARSE_Y; dy++)
        for (int dx = -COARSE_X; dx <= COARSE_X; dx++) {
            struct sums s = {0};
            int width = HALF_COLUMNS - abs(dx), rows = HALF_ROWS - abs(dy);
            int left = dx < 0 ? -dx : 0, top = dy < 0 ? -dy : 0;
            for (int r = top; r < top + rows; r++)
                add_sums(a + r * HALF_COLUMNS + left, b + (r + dy) * HALF_COLUMNS + left + dx, width, &s);
            double score = (double)correlation(&s, width * rows, 1);
            if (score > best) {
                best = score;
                *shift_x = 2 * dx;
                *shift_y = 2 * dy;
            }
        }
    return best;
}

/* ---- the movement that most tiles agree on ---- */

/* Solves the 3 x 3 system a x = b in place; false where it has no one solution. */
static bool solve(double a[3][3], double b[3], double x[3])
{
    for (int i = 0; i < 3; i++) {
        int pivot = i;
        for (int r = i + 1; r < 3; r++)
            if (fabs(a[r][i]) > fabs(a[pivot][i]))
                pivot = r;
        if (fabs(a[pivot][i]) < 1e-9)
            return false;
        for (int c = 0; c < 3; c++) {
            double t = a[i][c];
            a[i][c] = a[pivot][c];
            a[pivot][c] = t;
        }
        double t = b[i];
        b[i] = b[pivot];
        b[pivot] = t;
        for (int r = i + 1; r < 3; r++) {
            double f = a[r][i] / a[i][i];
            for (int c = i; c < 3; c++)
                a[r][c] -= f * a[i][c];
            b[r] -= f * b[i];
        }
    }
    for (int i = 2; i >= 0; i--) {
        x[i] = b[i];
        for (int c = i + 1; c < 3; c++)
            x[i] -= a[i][c] * x[c];
        x[i] /= a[i][i];
    }
    return true;
}

/* Middle of a tile, -1 to 1. */
static void place_of(int tile, double *u, double *v)
{
    *u = (tile % HEALTH_TILE_COLUMNS + 0.5) * 2 / HEALTH_TILE_COLUMNS - 1;
    *v = (tile / HEALTH_TILE_COLUMNS + 0.5) * 2 / HEALTH_TILE_ROWS - 1;
}

static double median(float *values, int count)
{
    for (int i = 1; i < count; i++) {
        float v = values[i];
        int k = i;
        for (; k > 0 && values[k - 1] > v; k--)
            values[k] = values[k - 1];
        values[k] = v;
    }
    return count ? (double)values[count / 2] : 0;
}

/* One axis: value = m[0] + m[1] u + m[2] v, from its median on. A little weight on m[1] and m[2] being 0
 * keeps a few tiles in one corner from turning the whole view. */
static void fit_axis(const float value[HEALTH_TILES], const float weight[HEALTH_TILES], double m[3])
{
    float sorted[HEALTH_TILES];
    int count = 0;
    for (int t = 0; t < HEALTH_TILES; t++)
        if (weight[t] > 0)
            sorted[count++] = value[t];
    m[0] = median(sorted, count);
    m[1] = m[2] = 0;
    for (int round = 0; round < 5; round++) {
        double a[3][3] = {{1e-6, 0, 0}, {0, 0.3, 0}, {0, 0, 0.3}}, b[3] = {0}, next[3];
        for (int t = 0; t < HEALTH_TILES; t++) {
            double u, v;
            place_of(t, &u, &v);
            double off = (double)value[t] - m[0] - m[1] * u - m[2] * v;
            double w = (double)weight[t] / (1 + off * off / 0.16), p[3] = {1, u, v};
            for (int i = 0; i < 3; i++) {
                for (int k = 0; k < 3; k++)
                    a[i][k] += w * p[i] * p[k];
                b[i] += w * p[i] * (double)value[t];
            }
        }
        if (!solve(a, b, next))
            return;
        memcpy(m, next, sizeof next);
    }
}

static double mean_length(const double mx[3], const double my[3], double aspect)
{
    double sum = 0;
    for (int t = 0; t < HEALTH_TILES; t++) {
        double u, v;
        place_of(t, &u, &v);
        sum += hypot(mx[0] + mx[1] * u + mx[2] * v, aspect * (my[0] + my[1] * u + my[2] * v));
    }
    return sum / HEALTH_TILES / THUMB_COLUMNS;
}

void view_fit(const struct tile_match matches[HEALTH_TILES], float least_score, double aspect,
              struct view_fit *fit)
{
    float dx[HEALTH_TILES], dy[HEALTH_TILES], wx[HEALTH_TILES], wy[HEALTH_TILES];
    double mx[3], my[3];
    *fit = (struct view_fit){0};
    for (int t = 0; t < HEALTH_TILES; t++) {
        bool used = matches[t].known && matches[t].score >= least_score;
        fit->used += used;
        dx[t] = matches[t].dx;
        dy[t] = matches[t].dy;
        wx[t] = used ? fminf(matches[t].weight_x, 1) : 0;
        wy[t] = used ? fminf(matches[t].weight_y, 1) : 0;
    }
    fit_axis(dx, wx, mx);
    fit_axis(dy, wy, my);
    for (int t = 0; t < HEALTH_TILES; t++) {
        double u, v;
        place_of(t, &u, &v);
        /* An axis that cannot be told agrees with everything. */
        bool x = wx[t] < 0.05F || fabs((double)dx[t] - mx[0] - mx[1] * u - mx[2] * v) < 0.75;
        bool y = wy[t] < 0.05F || fabs((double)dy[t] - my[0] - my[1] * u - my[2] * v) < 0.75;
        fit->agreeing += matches[t].known && matches[t].score >= least_score && x && y;
    }
    fit->shift = mean_length(mx, my, aspect);
}
