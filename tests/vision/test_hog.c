/*
 * The detector without a model: its features against the plainest form of their definition, fast and plain
 * kernels against each other, grouping, the weights' bound, and people found on a real picture.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "vision/hog.h"
#include "vision/hog_features.h"
#include "vision/hog_group.h"
#include "vision/hog_model.h"

static uint8_t *random_grey(struct random_state *random, int width, int height)
{
    size_t count = (size_t)width * (size_t)height;
    uint8_t *grey = malloc(count);
    assert_non_null(grey);
    for (size_t i = 0; i < count; i++)
        grey[i] = (uint8_t)random_below(random, 256);
    /* Flat and smooth parts too. */
    for (size_t i = 0; i < count / 3; i++)
        grey[i] = (uint8_t)(i / 7 % 200);
    return grey;
}

/* `grey` as it is, or brought to another size. */
static void compute(struct hog_features *f, const uint8_t *grey, int width, int height, int to_width,
                    int to_height)
{
    struct axis_cache cache = {0};
    const struct axis *across = axis_cache_get(&cache, width, width, to_width);
    const struct axis *down = axis_cache_get(&cache, height, height, to_height);
    assert_int_equal(hog_features_compute(f, grey, (size_t)width, across, down), 0);
    axis_cache_clear(&cache);
}

/* --- features by their definition, in double precision --- */

struct plain {
    int width, height, cells_x, cells_y;
    const uint8_t *grey;
    double *cells; /* [cells_y][cells_x][HOG_BINS] */
};

static double pixel(const struct plain *p, int x, int y)
{
    x = x < 0 ? 0 : x >= p->width ? p->width - 1 : x;
    y = y < 0 ? 0 : y >= p->height ? p->height - 1 : y;
    return p->grey[y * p->width + x];
}

/* Share of a pixel's vote that a cell gets: a triangle as wide as two cells. */
static double share(int cell, int at)
{
    double distance = fabs(at + 0.5 - (cell + 0.5) * HOG_CELL) / HOG_CELL;
    return distance < 1 ? 1 - distance : 0;
}

static double *histogram(const struct plain *p, int cx, int cy)
{
    return p->cells + ((size_t)cy * (size_t)p->cells_x + (size_t)cx) * HOG_BINS;
}

static void vote(const struct plain *p, int x, int y)
{
    double gx = pixel(p, x + 1, y) - pixel(p, x - 1, y), gy = pixel(p, x, y + 1) - pixel(p, x, y - 1);
    for (int k = 0; k < HOG_BINS; k++) {
        double angle = k * acos(-1) / HOG_BINS, narrow = cos(acos(-1) / HOG_BINS);
        double value = (fabs(gx * cos(angle) + gy * sin(angle)) - hypot(gx, gy) * narrow) / (1 - narrow);
        for (int cy = 0; value > 0 && cy < p->cells_y; cy++)
            for (int cx = x / HOG_CELL - 1; cx <= x / HOG_CELL + 1; cx++)
                if (cx >= 0 && cx < p->cells_x)
                    histogram(p, cx, cy)[k] += value * share(cx, x) * share(cy, y);
    }
}

static double energy(const struct plain *p, int cx, int cy)
{
    cx = cx < 0 ? 0 : cx >= p->cells_x ? p->cells_x - 1 : cx;
    cy = cy < 0 ? 0 : cy >= p->cells_y ? p->cells_y - 1 : cy;
    double sum = 0;
    for (int k = 0; k < HOG_BINS; k++)
        sum += histogram(p, cx, cy)[k] * histogram(p, cx, cy)[k];
    return sum;
}

static void expected_features(const struct plain *p, int cx, int cy, double out[HOG_FEATURES])
{
    memset(out, 0, HOG_FEATURES * sizeof *out);
    for (int b = 0; b < 4; b++) {
        int x = cx - 1 + b % 2, y = cy - 1 + b / 2;
        double block = energy(p, x, y) + energy(p, x + 1, y) + energy(p, x, y + 1) + energy(p, x + 1, y + 1);
        for (int k = 0; k < HOG_BINS; k++) {
            double value = fmin(histogram(p, cx, cy)[k] / sqrt(block + (double)HOG_NOISE), 0.2);
            out[k] += value * 0.5 * (double)HOG_FEATURE_ONE;
            out[HOG_BINS + b] += value * (double)HOG_ENERGY_WEIGHT * (double)HOG_FEATURE_ONE;
        }
    }
}

static void compare_with_plain(const struct hog_features *f, const struct plain *p)
{
    assert_int_equal(f->cells_x, p->cells_x + 2 * HOG_PAD);
    assert_int_equal(f->cells_y, p->cells_y + 2 * HOG_PAD);
    for (int y = 0; y < f->cells_y; y++) {
        for (int x = 0; x < f->cells_x; x++) {
            int cx = x - HOG_PAD, cy = y - HOG_PAD;
            double expected[HOG_FEATURES] = {0};
            if (cx >= 0 && cy >= 0 && cx < p->cells_x && cy < p->cells_y)
                expected_features(p, cx, cy, expected);
            for (int k = 0; k < HOG_FEATURES; k++) {
                int found =
                    f->features[((size_t)y * (size_t)f->cells_x + (size_t)x) * HOG_FEATURES + (size_t)k];
                if (fabs(found - expected[k]) > 1)
                    fail_msg("%dx%d, cell %d %d, value %d: %d, expected %f", p->width, p->height, cx, cy, k,
                             found, expected[k]);
            }
        }
    }
}

static void test_features_are_what_they_are_defined_to_be(void **state)
{
    (void)state;
    static const int sizes[][2] = {{64, 48}, {37, 29}, {8, 8}, {4, 4}, {23, 4}, {5, 30}, {102, 18}, {50, 31}};
    struct random_state random;
    random_seed(&random, 11);
    struct hog_features f;
    assert_true(hog_features_init(&f, true));
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int w = sizes[i][0], h = sizes[i][1];
        uint8_t *grey = random_grey(&random, w, h);
        struct plain p = {w, h, w / HOG_CELL, h / HOG_CELL, grey, NULL};
        p.cells = calloc((size_t)p.cells_x * (size_t)p.cells_y * HOG_BINS, sizeof *p.cells);
        assert_non_null(p.cells);
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++)
                vote(&p, x, y);
        compute(&f, grey, w, h, w, h);
        compare_with_plain(&f, &p);
        free(p.cells);
        free(grey);
    }
    hog_features_free(&f);
}

/* --- plain and fast --- */

static void test_fast_and_plain_features_are_the_same_bytes(void **state)
{
    (void)state;
    struct random_state random;
    random_seed(&random, 12);
    struct hog_features fast, plain;
    assert_true(hog_features_init(&fast, true) && hog_features_init(&plain, false));
    if (fast.kernels == plain.kernels)
        print_message("no AVX2 here: plain against plain\n");
    for (int round = 0; round < 60; round++) {
        int w = 1 + (int)random_below(&random, 200), h = 1 + (int)random_below(&random, 120);
        int to_w = 1 + (int)random_below(&random, 200), to_h = 1 + (int)random_below(&random, 120);
        uint8_t *grey = random_grey(&random, w, h);
        compute(&fast, grey, w, h, to_w, to_h);
        compute(&plain, grey, w, h, to_w, to_h);
        assert_true(fast.cells_x == plain.cells_x && fast.cells_y == plain.cells_y);
        assert_memory_equal(fast.features, plain.features,
                            (size_t)fast.cells_x * (size_t)fast.cells_y * HOG_FEATURES * sizeof(int16_t));
        free(grey);
    }
    hog_features_free(&fast);
    hog_features_free(&plain);
}

static void test_fast_and_plain_products_are_the_same(void **state)
{
    (void)state;
    const struct hog_kernels *fast = hog_avx2();
    if (fast == NULL)
        skip();
    struct random_state random;
    random_seed(&random, 13);
    int16_t a[512], b[512];
    for (int round = 0; round < 500; round++) {
        size_t count = 16 * (1 + random_below(&random, 32));
        for (size_t i = 0; i < count; i++) {
            a[i] = (int16_t)random_below(&random, 870);
            b[i] = (int16_t)((int)random_below(&random, 8001) - 4000);
        }
        assert_int_equal(fast->dot(a, b, count), hog_scalar.dot(a, b, count));
    }
}

/* --- the model --- */

static void test_sums_fit_32_bits(void **state)
{
    (void)state;
    /* A direction's value is at most 4 * 0.2 / 2, an energy's 9 * 0.2 * 0.2357. */
    double most = ceil(9 * 0.2 * (double)HOG_ENERGY_WEIGHT * (double)HOG_FEATURE_ONE), sum = 0;
    bool seen[HOG_WINDOW_ROWS] = {false};
    for (int row = 0; row < HOG_WINDOW_ROWS; row++) {
        for (int i = 0; i < HOG_ROW_VALUES; i++) {
            sum += fabs((double)hog_model.weights[row][i]) * most;
            if (i % HOG_FEATURES >= HOG_BINS + 4)
                assert_int_equal(hog_model.weights[row][i], 0);
        }
        assert_true(hog_model.order[row] >= 0 && hog_model.order[row] < HOG_WINDOW_ROWS);
        assert_false(seen[hog_model.order[row]]);
        seen[hog_model.order[row]] = true;
    }
    assert_true(sum < 2147483648.0);
    assert_true(hog_model.scale > 0 && hog_model.person_height > hog_model.person_width);
    assert_true(hog_model.person_height <= HOG_WINDOW_ROWS * HOG_CELL);
}

/* --- grouping --- */

static void test_a_person_is_one_box(void **state)
{
    (void)state;
    struct detection windows[] = {{{100, 50, 20, 52}, 0.6F}, {{102, 50, 20, 52}, 0.9F},
                                  {{104, 50, 20, 52}, 0.6F}, {{300, 50, 20, 52}, 0.7F},
                                  {{102, 90, 20, 52}, 0.8F}, {{98, 40, 24, 62}, 0.55F},
                                  {{107, 57, 20, 52}, 0.89F}};
    struct detection people[7];
    assert_int_equal(hog_group(windows, 7, people), 3);
    assert_true(people[0].score == 0.9F && people[1].score == 0.8F && people[2].score == 0.7F);
    /* The two to the left and right have the same say; what overlaps less has none. */
    assert_true(fabsf(people[0].box.x - 102) < 1 && people[0].box.w < 21.5F);
    assert_true(people[2].box.x == 300 && people[2].box.h == 52);
    assert_int_equal(hog_group(windows, 0, people), 0);
}

static void test_groups_do_not_depend_on_the_order(void **state)
{
    (void)state;
    enum { COUNT = 120 };
    struct random_state random;
    random_seed(&random, 14);
    for (int round = 0; round < 50; round++) {
        struct detection a[COUNT], b[COUNT], people[COUNT], others[COUNT];
        for (size_t i = 0; i < COUNT; i++) {
            float h = 40 + (float)random_below(&random, 60);
            a[i] = (struct detection){
                {(float)random_below(&random, 300), (float)random_below(&random, 200), h * 0.4F, h},
                (float)(1 + random_below(&random, 99)) / 100};
            b[COUNT - 1 - i] = a[i];
        }
        size_t count = hog_group(a, COUNT, people);
        assert_int_equal(hog_group(b, COUNT, others), count);
        assert_memory_equal(people, others, count * sizeof *people);
        for (size_t i = 1; i < count; i++)
            assert_true(people[i - 1].score >= people[i].score);
    }
}

/* --- pictures --- */

static size_t look(struct hog *hog, const struct picture *p, int width, int height, float threshold,
                   struct detection **people)
{
    struct placement placement = placement_fit(p->width, p->height, width, height, false);
    struct error error = {0};
    size_t count = 0;
    if (hog_run(hog, p, &placement, NULL, threshold, people, &count, &error) < 0)
        fail_msg("%s", error.text);
    return count;
}

static void test_any_picture_is_looked_at(void **state)
{
    (void)state;
    static const int sizes[][2] = {{1, 1}, {2, 2000}, {2000, 2}, {37, 61}, {640, 480}, {64, 64}};
    struct random_state random;
    random_seed(&random, 15);
    struct hog *fast = hog_create(true), *plain = hog_create(false);
    assert_true(fast != NULL && plain != NULL);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (int format = PIXEL_I420; format <= PIXEL_BGR24; format++) {
            struct picture *p = picture_create((enum pixel_format)format, sizes[i][0], sizes[i][1]);
            assert_non_null(p);
            for (int k = 0; k < picture_plane_count(p->format); k++) {
                int w, h;
                picture_plane_size(p->format, p->width, p->height, k, &w, &h);
                for (int at = 0; at < p->strides[k] * h; at++)
                    ((uint8_t *)(uintptr_t)p->planes[k])[at] = (uint8_t)random_below(&random, 256);
            }
            struct detection *a, *b;
            size_t count = look(fast, p, 320, 240, 0.05F, &a);
            assert_int_equal(look(plain, p, 320, 240, 0.05F, &b), count);
            if (count > 0)
                assert_memory_equal(a, b, count * sizeof *a);
            look(fast, p, 8, 8, 0.05F, &a);
            picture_unref(&p);
        }
    }
    hog_destroy(&fast);
    hog_destroy(&plain);
}

static void test_a_flat_picture_shows_nobody(void **state)
{
    (void)state;
    struct hog *hog = hog_create(true);
    struct picture *p = picture_create(PIXEL_GRAY8, 768, 576);
    assert_true(hog != NULL && p != NULL);
    struct detection *people;
    for (int level = 0; level < 256; level += 51) {
        memset((uint8_t *)(uintptr_t)p->planes[0], level, (size_t)p->strides[0] * 576);
        assert_int_equal(look(hog, p, 768, 576, 0.2F, &people), 0);
    }
    picture_unref(&p);
    hog_destroy(&hog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_features_are_what_they_are_defined_to_be),
        cmocka_unit_test(test_fast_and_plain_features_are_the_same_bytes),
        cmocka_unit_test(test_fast_and_plain_products_are_the_same),
        cmocka_unit_test(test_sums_fit_32_bits),
        cmocka_unit_test(test_a_person_is_one_box),
        cmocka_unit_test(test_groups_do_not_depend_on_the_order),
        cmocka_unit_test(test_any_picture_is_looked_at),
        cmocka_unit_test(test_a_flat_picture_shows_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
