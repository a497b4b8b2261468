/* Pre-processing against the same steps in real numbers, and the fast kernels against the plain ones, byte
 * for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "base/random.h"
#include "vision/preprocess.h"

static const struct input_format rgb_levels = {.scale = {1, 1, 1}, .grey = 114};
static const struct input_format bgr_normalised = {
    .bgr = true, .scale = {0.02F, 0.03F, 0.04F}, .offset = {-1, -2, -3}, .grey = 50, .top_left = true};

static uint8_t *plane_of(const struct picture *picture, int plane)
{
    return (uint8_t *)(uintptr_t)picture->planes[plane];
}

static size_t row_bytes(const struct picture *picture, int plane, int *rows)
{
    int width;
    picture_plane_size(picture->format, picture->width, picture->height, plane, &width, rows);
    bool rgb = picture->format == PIXEL_RGB24 || picture->format == PIXEL_BGR24;
    bool pairs = picture->format == PIXEL_NV12 && plane == 1;
    return (size_t)width * (rgb ? 3 : pairs ? 2 : 1);
}

/* Noise of all levels, so that clipping happens too, over slow waves. */
static struct picture *random_picture(struct random_state *random, enum pixel_format format, int width,
                                      int height)
{
    struct picture *picture = picture_create(format, width, height);
    assert_non_null(picture);
    for (int p = 0; p < picture_plane_count(format); p++) {
        int rows;
        size_t bytes = row_bytes(picture, p, &rows);
        for (int y = 0; y < rows; y++)
            for (size_t x = 0; x < bytes; x++)
                plane_of(picture, p)[(size_t)y * (size_t)picture->strides[p] + x] =
                    (uint8_t)random_below(random, 256);
    }
    return picture;
}

/* --- the reference, in real numbers
 * ------------------------------------------------------------------------------ */

struct channel {
    const uint8_t *first;
    int step, stride, samples_x, samples_y;
    double extent_x, extent_y;
};

static struct channel channel_of(const struct picture *p, int index)
{
    struct channel c = {p->planes[0], 1, p->strides[0], p->width, p->height, p->width, p->height};
    if (p->format == PIXEL_RGB24 || p->format == PIXEL_BGR24) {
        c.first += p->format == PIXEL_RGB24 ? index : 2 - index;
        c.step = 3;
    } else if (p->format != PIXEL_GRAY8 && index > 0) {
        int plane = p->format == PIXEL_NV12 ? 1 : index;
        c.first = p->planes[plane] + (p->format == PIXEL_NV12 ? index - 1 : 0);
        c.step = p->format == PIXEL_NV12 ? 2 : 1;
        c.stride = p->strides[plane];
        picture_plane_size(p->format, p->width, p->height, plane, &c.samples_x, &c.samples_y);
        c.extent_x = p->format == PIXEL_I444 ? p->width : p->width / 2.0;
        c.extent_y = p->format == PIXEL_I420 || p->format == PIXEL_NV12 ? p->height / 2.0 : p->height;
    }
    return c;
}

/* Share of input sample `i` in output sample `o`. */
static double share(int i, int samples, double extent, int o, int out)
{
    double factor = extent / out;
    if (factor >= 1) {
        double common = fmin((o + 1) * factor, i + 1) - fmax(o * factor, i);
        return common > 0 ? common / factor : 0;
    }
    double at = (o + 0.5) * factor - 0.5;
    int low = (int)floor(at);
    double fraction = at - low, sum = 0;
    int clamped_low = low < 0 ? 0 : low, clamped_high = low + 1 > samples - 1 ? samples - 1 : low + 1;
    if (clamped_low == i)
        sum += 1 - fraction;
    if (clamped_high == i)
        sum += fraction;
    return sum;
}

static double sample_at(const struct channel *c, int ox, int oy, int width, int height)
{
    double sum = 0;
    for (int y = 0; y < c->samples_y; y++) {
        double down = share(y, c->samples_y, c->extent_y, oy, height);
        if (down == 0)
            continue;
        for (int x = 0; x < c->samples_x; x++)
            sum +=
                down * share(x, c->samples_x, c->extent_x, ox, width) * c->first[y * c->stride + x * c->step];
    }
    return sum;
}

static double level(double v)
{
    return fmin(255, fmax(0, v));
}

static void reference_rgb(const struct picture *p, int x, int y, int width, int height, double rgb[3])
{
    double v[3];
    for (int i = 0; i < 3; i++) {
        struct channel c = channel_of(p, i);
        v[i] = p->format == PIXEL_GRAY8 && i > 0 ? v[0] : sample_at(&c, x, y, width, height);
    }
    if (p->format >= PIXEL_GRAY8) {
        memcpy(rgb, v, sizeof v);
        return;
    }
    double luma = p->full_range ? v[0] : (v[0] - 16) * 255 / 219;
    double cb = (v[1] - 128) * (p->full_range ? 1 : 255.0 / 224),
           cr = (v[2] - 128) * (p->full_range ? 1 : 255.0 / 224);
    bool hd = p->colour == COLOUR_BT709;
    rgb[0] = level(luma + cr * (hd ? 1.5748 : 1.402));
    rgb[1] = level(luma - cb * (hd ? 0.187324 : 0.344136) - cr * (hd ? 0.468124 : 0.714136));
    rgb[2] = level(luma + cb * (hd ? 1.8556 : 1.772));
}

static void compare_with_reference(const struct picture *p, const struct input_format *f,
                                   const struct placement *pl, const float *out)
{
    for (int y = 0; y < pl->input_height; y++) {
        for (int x = 0; x < pl->input_width; x++) {
            double rgb[3] = {f->grey, f->grey, f->grey};
            bool inside = x >= pl->x && x < pl->x + pl->width && y >= pl->y && y < pl->y + pl->height;
            if (inside)
                reference_rgb(p, x - pl->x, y - pl->y, pl->width, pl->height, rgb);
            for (int c = 0; c < 3; c++) {
                double level_out =
                    (out[(c * pl->input_height + y) * pl->input_width + x] - f->offset[c]) / f->scale[c];
                if (fabs(level_out - rgb[f->bgr ? 2 - c : c]) > 0.05)
                    fail_msg("format %d %dx%d to %dx%d, channel %d at %d,%d: %f, expected %f", (int)p->format,
                             p->width, p->height, pl->width, pl->height, c, x, y, level_out,
                             rgb[f->bgr ? 2 - c : c]);
            }
        }
    }
}

/* --- tests
 * ------------------------------------------------------------------------------------------------------- */

static float *run(enum preprocess_path path, const struct picture *picture, const struct input_format *format,
                  const struct placement *placement, const struct mask_set *masks)
{
    size_t count = 3 * (size_t)placement->input_width * (size_t)placement->input_height;
    float *out = malloc(count * sizeof *out);
    assert_non_null(out);
    memset(out, 0xff, count * sizeof *out);
    struct preprocess *p = preprocess_create(path);
    assert_non_null(p);
    struct error error = {0};
    if (preprocess_run(p, picture, format, placement, masks, out, &error) < 0)
        fail_msg("%s", error.text);
    preprocess_destroy(&p);
    return out;
}

static void test_agrees_with_real_numbers(void **state)
{
    (void)state;
    static const struct {
        int width, height, input_width, input_height;
    } sizes[] = {{40, 30, 32, 32}, {37, 23, 64, 32}, {33, 65, 32, 64}, {64, 48, 64, 48}, {5, 3, 32, 32},
                 {1, 1, 32, 32},   {200, 7, 64, 32}, {96, 96, 32, 32}, {63, 63, 96, 64}, {31, 31, 32, 32}};
    struct random_state random;
    random_seed(&random, 1);
    for (enum pixel_format format = PIXEL_I420; format <= PIXEL_BGR24; format++) {
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            struct picture *p = random_picture(&random, format, sizes[i].width, sizes[i].height);
            p->colour = i % 2 == 0 ? COLOUR_BT601 : COLOUR_BT709;
            p->full_range = i % 4 < 2;
            const struct input_format *f = i % 3 == 0 ? &bgr_normalised : &rgb_levels;
            struct placement pl =
                placement_fit(p->width, p->height, sizes[i].input_width, sizes[i].input_height, f->top_left);
            float *out = run(PREPROCESS_SCALAR, p, f, &pl, NULL);
            compare_with_reference(p, f, &pl, out);
            free(out);
            picture_unref(&p);
        }
    }
}

static void test_fast_path_gives_the_same_bytes(void **state)
{
    (void)state;
    struct preprocess *fast = preprocess_create(PREPROCESS_AVX2);
    if (fast == NULL)
        skip();
    preprocess_destroy(&fast);
    struct random_state random;
    random_seed(&random, 2);
    for (int round = 0; round < 400; round++) {
        enum pixel_format format = (enum pixel_format)random_below(&random, PIXEL_BGR24 + 1);
        int width = 1 + (int)random_below(&random, round < 300 ? 200 : 1500),
            height = 1 + (int)random_below(&random, 150);
        struct picture *p = random_picture(&random, format, width, height);
        p->colour = random_below(&random, 2) ? COLOUR_BT601 : COLOUR_BT709;
        p->full_range = (int)random_below(&random, 2);
        const struct input_format *f = random_below(&random, 2) ? &bgr_normalised : &rgb_levels;
        struct placement pl = placement_fit(width, height, 32 * (1 + (int)random_below(&random, 8)),
                                            32 * (1 + (int)random_below(&random, 4)), f->top_left);
        float *a = run(PREPROCESS_SCALAR, p, f, &pl, NULL), *b = run(PREPROCESS_AVX2, p, f, &pl, NULL);
        assert_memory_equal(a, b, 3 * (size_t)pl.input_width * (size_t)pl.input_height * sizeof *a);
        free(a);
        free(b);
        picture_unref(&p);
    }
}

static void test_same_size_changes_nothing(void **state)
{
    (void)state;
    struct random_state random;
    random_seed(&random, 3);
    struct picture *p = random_picture(&random, PIXEL_RGB24, 64, 32);
    struct placement pl = placement_fit(64, 32, 64, 32, false);
    float *out = run(PREPROCESS_AUTO, p, &rgb_levels, &pl, NULL);
    for (size_t c = 0; c < 3; c++)
        for (size_t y = 0; y < 32; y++)
            for (size_t x = 0; x < 64; x++)
                assert_true(out[(c * 32 + y) * 64 + x] ==
                            p->planes[0][y * (size_t)p->strides[0] + 3 * x + c]);
    free(out);
    picture_unref(&p);
}

static void test_flat_pictures_stay_flat(void **state)
{
    (void)state;
    static const int levels[] = {0, 1, 127, 128, 254, 255};
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        struct picture *p = picture_create(PIXEL_GRAY8, 333, 211);
        assert_non_null(p);
        memset(plane_of(p, 0), levels[i], (size_t)p->strides[0] * 211);
        for (int side = 32; side <= 480; side += 64) {
            struct placement pl = placement_fit(333, 211, side, side, false);
            float *out = run(PREPROCESS_AUTO, p, &rgb_levels, &pl, NULL);
            for (int x = 0; x < side; x++)
                assert_true(out[side / 2 * side + x] == (float)levels[i]);
            free(out);
        }
        picture_unref(&p);
    }
}

/* A black camera in limited range is black, white is white, and what lies beyond is clipped. */
static void test_known_colours(void **state)
{
    (void)state;
    static const struct {
        uint8_t y, u, v;
        int full;
        enum picture_colour colour;
        float rgb[3];
    } cases[] = {
        {16, 128, 128, 0, COLOUR_BT601, {0, 0, 0}},     {235, 128, 128, 0, COLOUR_BT709, {255, 255, 255}},
        {0, 128, 128, 1, COLOUR_BT601, {0, 0, 0}},      {255, 128, 128, 1, COLOUR_BT709, {255, 255, 255}},
        {1, 128, 128, 0, COLOUR_BT601, {0, 0, 0}},      {255, 128, 128, 0, COLOUR_BT601, {255, 255, 255}},
        {81, 90, 240, 0, COLOUR_BT601, {254.4F, 0, 0}}, {63, 102, 240, 0, COLOUR_BT709, {255, 0.8F, 0}},
        {145, 54, 34, 0, COLOUR_BT601, {0, 255, 0.9F}}, {32, 240, 118, 0, COLOUR_BT709, {0.7F, 0, 255}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct picture *p = picture_create(PIXEL_I420, 64, 64);
        assert_non_null(p);
        p->colour = cases[i].colour;
        p->full_range = cases[i].full;
        memset(plane_of(p, 0), cases[i].y, (size_t)p->strides[0] * 64);
        memset(plane_of(p, 1), cases[i].u, (size_t)p->strides[1] * 32);
        memset(plane_of(p, 2), cases[i].v, (size_t)p->strides[2] * 32);
        struct placement pl = placement_fit(64, 64, 32, 32, false);
        float *out = run(PREPROCESS_AUTO, p, &rgb_levels, &pl, NULL);
        for (int c = 0; c < 3; c++)
            if (fabsf(out[c * 1024 + 500] - cases[i].rgb[c]) > 1.1F)
                fail_msg("case %zu channel %d: %f, expected %f", i, c, (double)out[c * 1024 + 500],
                         (double)cases[i].rgb[c]);
        free(out);
        picture_unref(&p);
    }
}

static void test_masks_become_grey(void **state)
{
    (void)state;
    struct picture *p = picture_create(PIXEL_GRAY8, 128, 64);
    assert_non_null(p);
    memset(plane_of(p, 0), 200, (size_t)p->strides[0] * 64);
    /* The left quarter, reaching out of the picture; and a triangle at the right. */
    const struct point quarter[] = {{-1, -1}, {0.25, -1}, {0.25, 2}, {-1, 2}},
                       triangle[] = {{1, 0}, {1, 1}, {0.5, 0.5}};
    const struct point *polygons[] = {quarter, triangle};
    const size_t corners[] = {4, 3};
    struct mask_set masks = {2, polygons, corners};
    struct placement pl = placement_fit(128, 64, 64, 64, false);
    float *out = run(PREPROCESS_AUTO, p, &rgb_levels, &pl, &masks);
    assert_int_equal(pl.y, 16);
    for (int y = 0; y < 32; y++) {
        for (int x = 0; x < 64; x++) {
            double px = (x + 0.5) / 64, py = (y + 0.5) / 32;
            bool masked = px < 0.25 || (px > 0.5 && fabs(py - 0.5) < px - 0.5);
            for (int c = 0; c < 3; c++)
                assert_true(out[(c * 64 + 16 + y) * 64 + x] == (masked ? 114.0F : 200.0F));
        }
    }
    free(out);
    picture_unref(&p);
}

static void test_placement(void **state)
{
    (void)state;
    struct placement p = placement_fit(1920, 1080, 640, 640, false);
    assert_true(p.x == 0 && p.y == 140 && p.width == 640 && p.height == 360);
    p = placement_fit(1080, 1920, 416, 416, true);
    assert_true(p.x == 0 && p.y == 0 && p.width == 234 && p.height == 416);
    p = placement_fit(16384, 1, 32, 32, false);
    assert_true(p.width == 32 && p.height == 1 && p.y == 15);
    static const struct {
        int picture[2], input[2];
    } cases[] = {{{768, 576}, {512, 384}},   {{1920, 1080}, {608, 352}}, {{1080, 1920}, {352, 608}},
                 {{640, 480}, {512, 384}},   {{3840, 2160}, {608, 352}}, {{704, 576}, {512, 416}},
                 {{1000, 1000}, {448, 448}}, {{16384, 1}, {6752, 32}},   {{1, 1}, {448, 448}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int w = 0, h = 0;
        placement_choose_size(cases[i].picture[0], cases[i].picture[1], 216268, 32, &w, &h);
        if (w != cases[i].input[0] || h != cases[i].input[1])
            fail_msg("%dx%d: %dx%d", cases[i].picture[0], cases[i].picture[1], w, h);
    }
}

static void test_refuses_pictures_that_make_no_sense(void **state)
{
    (void)state;
    struct picture *p = picture_create(PIXEL_I420, 64, 64);
    struct preprocess *scratch = preprocess_create(PREPROCESS_AUTO);
    assert_true(p != NULL && scratch != NULL);
    struct placement pl = placement_fit(64, 64, 32, 32, false);
    float out[3 * 32 * 32];
    struct error error;
    struct picture bad = *p;
    bad.strides[1] = 31;
    assert_int_equal(preprocess_run(scratch, &bad, &rgb_levels, &pl, NULL, out, &error), ERR_INVALID);
    assert_non_null(strstr(error.text, "plane 1"));
    bad = *p;
    bad.planes[2] = NULL;
    assert_int_equal(preprocess_run(scratch, &bad, &rgb_levels, &pl, NULL, out, &error), ERR_INVALID);
    bad = *p;
    bad.height = 0;
    assert_int_equal(preprocess_run(scratch, &bad, &rgb_levels, &pl, NULL, out, &error), ERR_INVALID);
    bad = *p;
    bad.format = (enum pixel_format)77;
    assert_int_equal(preprocess_run(scratch, &bad, &rgb_levels, &pl, NULL, out, &error), ERR_INVALID);
    preprocess_destroy(&scratch);
    picture_unref(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agrees_with_real_numbers),
        cmocka_unit_test(test_fast_path_gives_the_same_bytes),
        cmocka_unit_test(test_same_size_changes_nothing),
        cmocka_unit_test(test_flat_pictures_stay_flat),
        cmocka_unit_test(test_known_colours),
        cmocka_unit_test(test_masks_become_grey),
        cmocka_unit_test(test_placement),
        cmocka_unit_test(test_refuses_pictures_that_make_no_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
