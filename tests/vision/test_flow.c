/* Optical flow of pictures that were moved by known motions, and the fast kernels against the plain ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "base/random.h"
#include "vision/flow.h"
#include "vision/flow_kernels.h"

/* A surface that is known everywhere: waves of many lengths and directions. */
enum { WAVES = 40 };
struct surface {
    struct wave {
        double x, y, phase, height;
    } waves[WAVES];
};

static struct surface make_surface(uint64_t seed)
{
    struct surface s;
    struct random_state random;
    random_seed(&random, seed);
    for (int i = 0; i < WAVES; i++) {
        double length = 8 * pow(16, random_unit(&random)), angle = 6.2831853 * random_unit(&random);
        s.waves[i] = (struct wave){6.2831853 / length * cos(angle), 6.2831853 / length * sin(angle),
                                   6.2831853 * random_unit(&random), 9};
    }
    return s;
}

static double surface_at(const struct surface *s, double x, double y)
{
    double sum = 128;
    for (int i = 0; i < WAVES; i++)
        sum += s->waves[i].height * sin(s->waves[i].x * x + s->waves[i].y * y + s->waves[i].phase);
    return sum;
}

/* What moves by (ax x + bx y + cx, ay x + by y + cy), x and y from the picture's middle. */
struct affine {
    double ax, bx, cx, ay, by, cy;
};

struct scene {
    enum pixel_format format;
    int width, height;
    struct affine motion;
    double noise, gain, offset; /* of the later picture */
};

static uint8_t *bytes_of(const struct picture *p)
{
    return (uint8_t *)(uintptr_t)p->planes[0];
}

static uint8_t grey(double value)
{
    return (uint8_t)fmin(255, fmax(0, floor(value + 0.5)));
}

static void put(struct picture *p, int x, int y, uint8_t value)
{
    uint8_t *row = bytes_of(p) + (size_t)y * (size_t)p->strides[0];
    if (p->format != PIXEL_RGB24 && p->format != PIXEL_BGR24)
        row[x] = value;
    else
        memset(row + 3 * (size_t)x, value, 3);
}

/* The earlier picture has at (x, y) what the later one has at (x, y) + motion: the later one is the surface.
 */
static void make_pair(const struct scene *s, uint64_t seed, struct picture *pair[2])
{
    const struct surface surface = make_surface(seed);
    struct random_state random;
    random_seed(&random, seed + 1);
    for (int k = 0; k < 2; k++) {
        pair[k] = picture_create(s->format, s->width, s->height);
        assert_non_null(pair[k]);
        pair[k]->stream_ns = (k + 1) * (int64_t)40000000;
        for (int y = 0; y < s->height; y++) {
            for (int x = 0; x < s->width; x++) {
                double dx = x + 0.5 - s->width / 2.0, dy = y + 0.5 - s->height / 2.0;
                double mx = k ? 0 : s->motion.ax * dx + s->motion.bx * dy + s->motion.cx;
                double my = k ? 0 : s->motion.ay * dx + s->motion.by * dy + s->motion.cy;
                double value = surface_at(&surface, x + mx, y + my) + s->noise * random_normal(&random);
                put(pair[k], x, y, grey(k && s->gain > 0 ? value * s->gain + s->offset : value));
            }
        }
    }
}

static void free_pair(struct picture *pair[2])
{
    picture_unref(&pair[0]);
    picture_unref(&pair[1]);
}

static const struct motion_field *flow_of(struct flow *flow, struct picture *const pair[2])
{
    const struct motion_field *field;
    struct error error;
    flow_forget(flow);
    assert_int_equal(flow_update(flow, pair[0], &field, &error), 0);
    assert_null(field);
    assert_int_equal(flow_update(flow, pair[1], &field, &error), 0);
    assert_non_null(field);
    assert_int_equal(field->span_ns, 40000000);
    return field;
}

struct score {
    double known, mean, worst; /* share of cells that are known; their error, pixels */
};

/* Cells whose content stays in the picture. */
static struct score score_of(const struct motion_field *f, const struct scene *s)
{
    struct score score = {0};
    double cells = 0, known = 0;
    for (int r = 0; r < f->rows; r++) {
        for (int c = 0; c < f->columns; c++) {
            double px = (c + 0.5) * f->cell_px, py = (r + 0.5) * f->cell_px;
            double dx = px - s->width / 2.0, dy = py - s->height / 2.0;
            double mx = s->motion.ax * dx + s->motion.bx * dy + s->motion.cx;
            double my = s->motion.ay * dx + s->motion.by * dy + s->motion.cy, m = 1.5 * f->cell_px;
            if (px + mx < m || py + my < m || px + mx > s->width - m || py + my > s->height - m || px < m ||
                py < m || px > s->width - m || py > s->height - m)
                continue;
            const struct motion_cell *cell = &f->cells[r * f->columns + c];
            double e = hypot((double)cell->dx - mx, (double)cell->dy - my);
            cells++;
            if (!isfinite(cell->error))
                continue;
            known++;
            score.mean += e;
            score.worst = fmax(score.worst, e);
        }
    }
    score.known = known / cells;
    score.mean /= fmax(1, known);
    return score;
}

static void test_known_motions(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct scene scene;
        double known, mean, worst;
    } cases[] = {
        {"whole pixels", {PIXEL_GRAY8, 320, 240, {.cx = 3, .cy = -2}, 0, 0, 0}, .95, .02, .15},
        {"a tenth of a pixel", {PIXEL_GRAY8, 320, 240, {.cx = .1, .cy = .07}, 0, 0, 0}, .95, .02, .1},
        {"half pixels", {PIXEL_GRAY8, 320, 240, {.cx = -1.5, .cy = 2.5}, 0, 0, 0}, .95, .04, .25},
        {"far", {PIXEL_GRAY8, 640, 480, {.cx = 33.3, .cy = -21.7}, 0, 0, 0}, .9, .05, .5},
        {"rotation", {PIXEL_GRAY8, 640, 480, {.bx = -.03, .ay = .03}, 0, 0, 0}, .9, .06, .6},
        {"zoom", {PIXEL_GRAY8, 640, 480, {.ax = .03, .by = .03}, 0, 0, 0}, .9, .06, .6},
        {"shear", {PIXEL_GRAY8, 640, 480, {.bx = .04, .cx = 5}, 0, 0, 0}, .9, .06, .6},
        {"noise", {PIXEL_GRAY8, 640, 480, {.cx = 4.3, .cy = 1.6}, 5, 0, 0}, .8, .12, 1.2},
        {"light", {PIXEL_GRAY8, 320, 240, {.cx = 2.2, .cy = 1.1}, 0, 1, 25}, .9, .03, .4},
        {"contrast", {PIXEL_GRAY8, 320, 240, {.cx = 2.2, .cy = 1.1}, 0, .9, 12}, .9, .1, .6},
        {"odd size", {PIXEL_GRAY8, 333, 217, {.cx = 2.4, .cy = -3.3}, 0, 0, 0}, .9, .03, .3},
        {"odd size, halved", {PIXEL_GRAY8, 701, 505, {.cx = 2.4, .cy = -3.3}, 0, 0, 0}, .9, .06, .5},
        {"long and low", {PIXEL_GRAY8, 900, 33, {.cx = 2.4, .cy = 1.3}, 0, 0, 0}, .8, .1, 1},
        {"smallest", {PIXEL_GRAY8, 16, 16, {.cx = .6, .cy = -.4}, 0, 0, 0}, .5, .1, .3},
        {"luma of a video", {PIXEL_I420, 640, 480, {.cx = 2.4, .cy = -3.3}, 0, 0, 0}, .9, .05, .5},
        {"green of a picture", {PIXEL_RGB24, 701, 480, {.cx = 2.4, .cy = -3.3}, 0, 0, 0}, .9, .05, .5},
        {"green, small", {PIXEL_BGR24, 200, 160, {.cx = 2.4, .cy = -3.3}, 0, 0, 0}, .9, .05, .5},
    };
    struct flow *flow = flow_create(FLOW_AUTO);
    assert_non_null(flow);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct picture *pair[2];
        make_pair(&cases[i].scene, i + 1, pair);
        struct score s = score_of(flow_of(flow, pair), &cases[i].scene);
        free_pair(pair);
        if (s.known < cases[i].known || s.mean > cases[i].mean || s.worst > cases[i].worst)
            fail_msg("%s: known %.3f, off by %.3f, at most %.3f pixels", cases[i].name, s.known, s.mean,
                     s.worst);
    }
    flow_destroy(&flow);
    assert_null(flow);
}

/* The surface is drawn at a fraction of the size. */
static void check_large(int factor, int columns, int rows)
{
    const struct scene scene = {PIXEL_GRAY8, 960, 540, {.cx = 2.5, .cy = -1.25}, 0, 0, 0};
    const struct scene expected = {
        PIXEL_GRAY8, 960 * factor, 540 * factor, {.cx = 2.5 * factor, .cy = -1.25 * factor}, 0, 0, 0};
    struct picture *small[2], *large[2];
    make_pair(&scene, 99, small);
    for (int k = 0; k < 2; k++) {
        large[k] = picture_create(PIXEL_GRAY8, expected.width, expected.height);
        assert_non_null(large[k]);
        large[k]->stream_ns = small[k]->stream_ns;
        for (int y = 0; y < expected.height; y++)
            for (int x = 0; x < expected.width; x++)
                put(large[k], x, y, bytes_of(small[k])[y / factor * small[k]->strides[0] + x / factor]);
    }
    struct flow *flow = flow_create(FLOW_AUTO);
    const struct motion_field *field = flow_of(flow, large);
    assert_int_equal(field->columns, columns);
    assert_int_equal(field->rows, rows);
    struct score s = score_of(field, &expected);
    if (s.known < 0.9 || s.mean > 0.3 || s.worst > 1)
        fail_msg("known %.3f, off by %.3f, at most %.3f pixels", s.known, s.mean, s.worst);
    flow_destroy(&flow);
    free_pair(small);
    free_pair(large);
}

static void test_large_pictures(void **state)
{
    (void)state;
    check_large(2, 120, 68); /* 1080p */
    check_large(4, 120, 68); /* 4K */
}

static void test_nothing_moves(void **state)
{
    (void)state;
    const struct scene scene = {PIXEL_GRAY8, 320, 240, {.cx = 0}, 3, 0, 0};
    struct flow *flow = flow_create(FLOW_AUTO);
    struct picture *pair[2];
    make_pair(&scene, 5, pair);
    const struct motion_field *f = flow_of(flow, (struct picture *[2]){pair[0], pair[1]});
    double sum = 0;
    for (int i = 0; i < f->columns * f->rows; i++)
        sum += hypot((double)f->cells[i].dx, (double)f->cells[i].dy);
    if (sum / (f->columns * f->rows) > 0.1) /* two takes of one scene, with noise */
        fail_msg("moves by %.3f pixels", sum / (f->columns * f->rows));
    memcpy(bytes_of(pair[1]), bytes_of(pair[0]), (size_t)pair[0]->strides[0] * 240);
    f = flow_of(flow, (struct picture *[2]){pair[0], pair[1]});
    for (int i = 0; i < f->columns * f->rows; i++) {
        assert_true(f->cells[i].dx == 0);
        assert_true(f->cells[i].dy == 0);
    }
    flow_destroy(&flow);
    free_pair(pair);
}

/* Flat, flat with noise, or stripes: no motion can be told, and none is. */
static void test_nothing_to_see(void **state)
{
    (void)state;
    struct flow *flow = flow_create(FLOW_AUTO);
    struct random_state random;
    random_seed(&random, 8);
    for (int kind = 0; kind < 4; kind++) {
        struct picture *pair[2];
        for (int k = 0; k < 2; k++) {
            pair[k] = picture_create(PIXEL_GRAY8, 320, 240);
            pair[k]->stream_ns = (k + 1) * (int64_t)40000000;
            for (int y = 0; y < 240; y++)
                for (int x = 0; x < 320; x++)
                    put(pair[k], x, y,
                        grey(kind == 3 ? 128 + 60 * sin(0.4 * (x + k))
                                       : 100 + 4.0 * kind * random_normal(&random)));
        }
        const struct motion_field *f = flow_of(flow, pair);
        int known = 0;
        for (int i = 0; i < f->columns * f->rows; i++)
            known += isfinite(f->cells[i].error) != 0;
        if (known > f->columns * f->rows / 100)
            fail_msg("kind %d: %d of %d cells are known", kind, known, f->columns * f->rows);
        free_pair(pair);
    }
    flow_destroy(&flow);
}

/* Two things on a ground at rest: neither takes the ground with it. */
static void test_motion_borders(void **state)
{
    (void)state;
    const struct scene ground = {PIXEL_GRAY8, 640, 480, {.cx = 0}, 1, 0, 0},
                       thing = {PIXEL_GRAY8, 640, 480, {.cx = 6, .cy = 2}, 1, 0, 0};
    struct picture *pair[2], *moved[2];
    make_pair(&ground, 21, pair);
    make_pair(&thing, 22, moved);
    for (int k = 0; k < 2; k++)
        for (int y = 0; y < 160; y++)
            memcpy(bytes_of(pair[k]) + (size_t)(160 + 2 * k + y) * (size_t)pair[k]->strides[0] + 240 + 6 * k,
                   bytes_of(moved[k]) + (size_t)(160 + 2 * k + y) * (size_t)pair[k]->strides[0] + 240 + 6 * k,
                   160);
    struct flow *flow = flow_create(FLOW_AUTO);
    const struct motion_field *f = flow_of(flow, pair);
    int known = 0, wrong = 0;
    for (int r = 1; r + 1 < f->rows; r++) {
        for (int c = 1; c + 1 < f->columns; c++) {
            double x = (c + 0.5) * f->cell_px, y = (r + 0.5) * f->cell_px;
            int inside = x > 240 && x < 400 && y > 160 && y < 320;
            const struct motion_cell *cell = &f->cells[r * f->columns + c];
            known += isfinite(cell->error) != 0;
            wrong += isfinite(cell->error) &&
                     hypot((double)cell->dx - 6 * inside, (double)cell->dy - 2 * inside) > 1;
        }
    }
    if (known < 0.9 * f->columns * f->rows || wrong > 0.015 * known)
        fail_msg("%d of %d known cells are wrong, of %d", wrong, known, f->columns * f->rows);
    flow_destroy(&flow);
    free_pair(pair);
    free_pair(moved);
}

static void test_spread(void **state)
{
    (void)state;
    const struct motion_cell cells[] = {{0, 8, 1}, {4, 8, 1}, {8, 8, 1}, {0, 0, 1}, {4, 0, 1}, {8, 0, 1}};
    const struct motion_field field = {3, 2, 4, 1, cells, false};
    float out[2 * 13 * 9];
    motion_field_spread(&field, 13, 9, out);
    for (int y = 0; y < 9; y++) {
        for (int x = 0; x < 13; x++) {
            double u = fmin(8, fmax(0, x + 0.5 - 2)), v = 8 - 2 * fmin(4, fmax(0, y + 0.5 - 2));
            assert_float_equal(out[2 * (13 * y + x)], u, 1e-5);
            assert_float_equal(out[2 * (13 * y + x) + 1], v, 1e-5);
        }
    }
}

/* ---- the kernels ---- */

enum { PLANE = 64 };

static void compare_patches(const struct flow_patch *a, const struct flow_patch *b)
{
    assert_memory_equal(a->grey, b->grey, sizeof a->grey);
    assert_memory_equal(a->slope_x, b->slope_x, sizeof a->slope_x);
    assert_memory_equal(a->slope_y, b->slope_y, sizeof a->slope_y);
    assert_memory_equal(a->difference, b->difference, sizeof a->difference);
}

static void test_fast_patches(void **state)
{
    (void)state;
    const struct flow_kernels *fast = flow_avx2(), *plain = &flow_scalar;
    if (!fast)
        skip();
    static uint8_t first[PLANE * PLANE], second[PLANE * PLANE];
    struct random_state random;
    random_seed(&random, 3);
    for (int round = 0; round < 4000; round++) {
        /* Black and white only, now and then: the largest numbers there are. */
        for (size_t i = 0; i < sizeof first; i++) {
            first[i] = (uint8_t)(round % 3 ? random_below(&random, 256) : 255 * random_below(&random, 2));
            second[i] = (uint8_t)(round % 3 ? random_below(&random, 256) : 255 * random_below(&random, 2));
        }
        struct flow_patch a = {0}, b = {0};
        struct patch_sums sa, sb;
        struct comparison_sums ca, cb;
        size_t at = (1 + random_below(&random, 40)) * PLANE + 1 + random_below(&random, 40);
        int fx = (int)random_below(&random, FLOW_POSITIONS), fy = (int)random_below(&random, FLOW_POSITIONS);
        plain->take(first + at, PLANE, &a, &sa);
        fast->take(first + at, PLANE, &b, &sb);
        plain->compare(second + at, PLANE, fx, fy, &a, &ca);
        fast->compare(second + at, PLANE, fx, fy, &b, &cb);
        compare_patches(&a, &b);
        assert_memory_equal(&sa, &sb, sizeof sa);
        assert_memory_equal(&ca, &cb, sizeof ca);
        int32_t qa[4], qb[4];
        int16_t mean = (int16_t)(ca.difference / PATCH_PIXELS);
        plain->residual(&a, mean, qa);
        fast->residual(&b, mean, qb);
        assert_memory_equal(qa, qb, sizeof qa);
    }
}

static void test_fast_halving(void **state)
{
    (void)state;
    const struct flow_kernels *fast = flow_avx2();
    if (!fast)
        skip();
    struct random_state random;
    random_seed(&random, 4);
    for (size_t count = 0; count < 80; count++) {
        uint8_t rows[2][160], a[81], b[81];
        for (size_t i = 0; i < 160; i++) {
            rows[0][i] = (uint8_t)random_below(&random, 256);
            rows[1][i] = (uint8_t)random_below(&random, 256);
        }
        memset(a, 7, sizeof a);
        memset(b, 7, sizeof b);
        flow_scalar.halve(rows[0], rows[1], a, count);
        fast->halve(rows[0], rows[1], b, count);
        assert_memory_equal(a, b, sizeof a);
    }
}

static void test_same_field_on_every_processor(void **state)
{
    (void)state;
    struct flow *fast = flow_create(FLOW_AVX2), *plain = flow_create(FLOW_SCALAR);
    assert_non_null(plain);
    const struct scene scenes[] = {{PIXEL_GRAY8, 333, 251, {.bx = .05, .cx = 4, .cy = 2}, 4, 0, 0},
                                   {PIXEL_RGB24, 801, 400, {.bx = .05, .cx = 4, .cy = 2}, 4, 0, 0}};
    for (size_t i = 0; fast && i < sizeof scenes / sizeof *scenes; i++) {
        struct picture *pair[2];
        make_pair(&scenes[i], 31 + i, pair);
        const struct motion_field *a = flow_of(fast, pair), *b = flow_of(plain, pair);
        assert_int_equal(a->columns, b->columns);
        assert_int_equal(a->rows, b->rows);
        assert_memory_equal(a->cells, b->cells, (size_t)a->columns * (size_t)a->rows * sizeof *a->cells);
        free_pair(pair);
    }
    flow_destroy(&fast);
    flow_destroy(&plain);
}

static void test_what_cannot_be(void **state)
{
    (void)state;
    struct flow *flow = flow_create(FLOW_AUTO);
    const struct motion_field *field;
    struct error error;
    struct picture *tiny = picture_create(PIXEL_GRAY8, 15, 100), *a = picture_create(PIXEL_GRAY8, 64, 48),
                   *b = picture_create(PIXEL_GRAY8, 48, 64);
    memset(bytes_of(a), 9, (size_t)a->strides[0] * 48);
    memset(bytes_of(b), 9, (size_t)b->strides[0] * 64);
    a->stream_ns = 5;
    b->stream_ns = 6;
    assert_int_equal(flow_update(flow, tiny, &field, &error), ERR_INVALID);
    assert_int_equal(flow_update(flow, a, &field, &error), 0);
    assert_null(field);
    assert_int_equal(flow_update(flow, b, &field, &error), 0); /* another size */
    assert_null(field);
    assert_int_equal(flow_update(flow, b, &field, &error), 0); /* time stands still */
    assert_null(field);
    b->stream_ns = 4;
    assert_int_equal(flow_update(flow, b, &field, &error), 0); /* goes back */
    assert_null(field);
    b->stream_ns = 7;
    assert_int_equal(flow_update(flow, b, &field, &error), 0);
    assert_non_null(field);
    assert_int_equal(field->span_ns, 3);
    picture_unref(&tiny);
    picture_unref(&a);
    picture_unref(&b);
    flow_destroy(&flow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_motions),
        cmocka_unit_test(test_large_pictures),
        cmocka_unit_test(test_nothing_moves),
        cmocka_unit_test(test_nothing_to_see),
        cmocka_unit_test(test_motion_borders),
        cmocka_unit_test(test_spread),
        cmocka_unit_test(test_fast_patches),
        cmocka_unit_test(test_fast_halving),
        cmocka_unit_test(test_same_field_on_every_processor),
        cmocka_unit_test(test_what_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
