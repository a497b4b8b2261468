/*
 * Each family's decoder against boxes that a decoder of its own wrote (tests/data/detectors), to 0.01 pixel;
 * which family fits which outputs; suppression against the plainest form of it.
 */
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

#include "base/file.h"
#include "base/json_read.h"
#include "base/random.h"
#include "vision/family.h"
#include "vision/suppression.h"

enum { CANDIDATES = 8192 };

/* The formula of make_reference.py: integers 0 to 20000. */
static float hashed(uint32_t seed, size_t index)
{
    uint32_t x = ((uint32_t)index + 1) * 2654435761U + seed * 40503U;
    x ^= x >> 15;
    x *= 2246822519U;
    x ^= x >> 13;
    return (float)(x % 20001);
}

enum role { PROBABILITY, LOGIT, PIXEL };

static float in_role(float h, enum role role)
{
    return role == PROBABILITY ? h / 20000 : role == LOGIT ? (h - 10000) / 2500 : h / 100;
}

struct outputs {
    struct tensor tensors[SESSION_TENSORS_MAX];
    struct raw_outputs raw;
};

/* A tensor 1 x a x b whose values' roles depend on their place among `values` per row (or column). */
static void add_tensor(struct outputs *o, uint32_t seed, int64_t a, int64_t b, bool columns,
                       const enum role *role_of, int known)
{
    struct tensor *t = &o->tensors[o->raw.count++];
    *t = (struct tensor){.rank = 3, .shape = {1, a, b}, .data = malloc((size_t)(a * b) * sizeof(float))};
    assert_non_null(t->data);
    for (int64_t i = 0; i < a * b; i++) {
        int64_t place = columns ? i / b : i % b;
        t->data[i] = in_role(hashed(seed, (size_t)i), role_of[place < known ? place : known]);
    }
}

static int64_t cells_of(const struct outputs *o, int strides)
{
    int64_t cells = 0;
    for (int s = 0; s < strides; s++)
        cells += (int64_t)grid_cells(&o->raw, 8 << s);
    return cells;
}

static struct outputs make_outputs(const char *family, int width, int height, int classes)
{
    static const enum role probabilities[] = {PROBABILITY, PROBABILITY}, logits[] = {LOGIT, LOGIT};
    static const enum role yolo[] = {PIXEL, PIXEL, PIXEL, PIXEL, PROBABILITY},
                           x[] = {LOGIT, LOGIT, LOGIT, LOGIT, PROBABILITY};
    struct outputs o = {.raw = {.width = width, .height = height}};
    if (strcmp(family, "nanodet") == 0) {
        for (uint32_t s = 0; s < 3; s++)
            add_tensor(&o, 100 + s, (int64_t)grid_cells(&o.raw, 8 << s), classes, false, probabilities, 1);
        for (uint32_t s = 0; s < 3; s++)
            add_tensor(&o, 103 + s, (int64_t)grid_cells(&o.raw, 8 << s), 44, false, logits, 1);
    } else if (strcmp(family, "nanodet-plus") == 0) {
        enum role roles[100];
        for (int i = 0; i < 100; i++)
            roles[i] = i < classes ? PROBABILITY : LOGIT;
        add_tensor(&o, 200, cells_of(&o, 4), classes + 32, false, roles, 99);
    } else if (strcmp(family, "yolov5") == 0) {
        add_tensor(&o, 300, 3 * cells_of(&o, 3), 5 + classes, false, yolo, 4);
    } else if (strcmp(family, "yolov8") == 0) {
        add_tensor(&o, 400, 4 + classes, cells_of(&o, 3), true, yolo, 4);
    } else {
        add_tensor(&o, 500, cells_of(&o, 3), 5 + classes, false, x, 4);
    }
    return o;
}

static void free_outputs(struct outputs *o)
{
    for (size_t i = 0; i < o->raw.count; i++)
        free(o->tensors[i].data);
}

static struct json *read_reference(void)
{
    char path[1024];
    const char *root = getenv("SCI_SOURCE_ROOT");
    path_join(path, sizeof path, root != NULL ? root : ".", "tests/data/detectors/reference.json");
    struct buffer text = {0};
    struct error error = {0};
    struct json *json = NULL;
    if (file_read(path, 1 << 20, &text, &error) < 0 || json_parse(text.data, text.size, &json, &error) < 0)
        fail_msg("%s", error.text);
    buffer_free(&text);
    return json;
}

static const struct family *family_named(const char *name)
{
    for (size_t i = 0; families[i] != NULL; i++)
        if (strcmp(families[i]->name, name) == 0)
            return families[i];
    fail_msg("no family %s", name);
    return NULL;
}

static void compare_boxes(const struct json *boxes, const struct candidate_list *list, const char *what)
{
    if (json_size(boxes) != list->count)
        fail_msg("%s: %zu boxes, expected %zu", what, list->count, json_size(boxes));
    for (size_t i = 0; i < list->count; i++) {
        const struct candidate *c = &list->items[i];
        const float found[5] = {c->left, c->top, c->right, c->bottom, c->score};
        for (size_t k = 0; k < 5; k++) {
            double expected = json_as_number(json_at(json_at(boxes, i), k), NAN);
            if (!(fabs((double)found[k] - expected) <= (k == 4 ? 1e-5 : 0.01)))
                fail_msg("%s, box %zu, value %zu: %f, expected %f", what, i, k, (double)found[k], expected);
        }
    }
}

static void test_boxes_agree_with_the_reference(void **state)
{
    (void)state;
    static struct candidate items[CANDIDATES];
    struct json *reference = read_reference();
    const struct json *cases = json_get(reference, "cases");
    float threshold = (float)json_as_number(json_get(reference, "threshold"), 0);
    size_t boxes = 0;
    for (size_t i = 0; i < json_size(cases); i++) {
        const struct json *c = json_at(cases, i);
        const char *name = json_as_string(json_get(c, "family"), "");
        struct outputs o = make_outputs(name, (int)json_as_int(json_get(c, "width"), 0),
                                        (int)json_as_int(json_get(c, "height"), 0),
                                        (int)json_as_int(json_get(c, "classes"), 0));
        o.raw.tensors = o.tensors;
        const struct family *family = family_named(name);
        assert_true(family->fits(&o.raw));
        struct candidate_list list = {items, 0};
        family->decode(&o.raw, threshold, &list);
        compare_boxes(json_get(c, "boxes"), &list, name);
        boxes += list.count;
        free_outputs(&o);
    }
    assert_true(boxes > 300);
    json_free(reference);
}

/* "auto" takes the first that fits: nobody else's outputs may fit a family that is tried before. (64x64 would
 * not do: its 84 cells are YOLOv8's 4 + 80 values.) */
static void test_each_output_fits_one_family(void **state)
{
    (void)state;
    static const int sizes[][2] = {{32, 32},   {96, 96},   {96, 64},  {160, 224},
                                   {416, 416}, {640, 640}, {608, 352}};
    static const int classes[] = {1, 2, 3, 20, 80};
    for (size_t f = 0; families[f] != NULL; f++) {
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            for (size_t c = 0; c < sizeof classes / sizeof *classes; c++) {
                struct outputs o = make_outputs(families[f]->name, sizes[s][0], sizes[s][1], classes[c]);
                o.raw.tensors = o.tensors;
                for (size_t other = 0; families[other] != NULL; other++)
                    if (families[other]->fits(&o.raw) != (other == f))
                        fail_msg("outputs of %s with %d classes for %dx%d: %s", families[f]->name, classes[c],
                                 sizes[s][0], sizes[s][1], families[other]->name);
                free_outputs(&o);
            }
        }
    }
}

/* What is not a number is nobody, and nothing goes past the list's end. */
/* YOLOv5's heads as its two kinds of raw export give them: the same numbers in another order, the same boxes.
 */
static void test_yolov5_heads_in_either_order(void **state)
{
    (void)state;
    enum { WIDTH = 96, HEIGHT = 64, VALUES = 8 };
    static struct candidate items[2][CANDIDATES];
    struct tensor rows[3], planes[3];
    for (uint32_t s = 0; s < 3; s++) {
        int64_t w = WIDTH / (8 << s), h = HEIGHT / (8 << s), cells = w * h;
        float *a = malloc((size_t)(3 * VALUES * cells) * sizeof *a),
              *b = malloc((size_t)(3 * VALUES * cells) * sizeof *b);
        assert_true(a != NULL && b != NULL);
        for (int64_t i = 0; i < 3 * VALUES * cells; i++) {
            int64_t anchor = i / (VALUES * cells), cell = i / VALUES % cells, value = i % VALUES;
            a[i] = in_role(hashed(600 + s, (size_t)i), LOGIT);
            b[(anchor * VALUES + value) * cells + cell] = a[i];
        }
        rows[s] = (struct tensor){.rank = 5, .shape = {1, 3, h, w, VALUES}, .data = a};
        planes[s] = (struct tensor){.rank = 4, .shape = {1, 3 * VALUES, h, w}, .data = b};
    }
    struct raw_outputs five = {rows, 3, WIDTH, HEIGHT}, four = {planes, 3, WIDTH, HEIGHT};
    struct candidate_list first = {items[0], 0}, second = {items[1], 0};
    assert_true(family_yolov5.fits(&five) && family_yolov5.fits(&four));
    family_yolov5.decode(&five, 0.5F, &first);
    family_yolov5.decode(&four, 0.5F, &second);
    assert_true(first.count > 5 && first.count == second.count);
    assert_memory_equal(items[0], items[1], first.count * sizeof items[0][0]);
    for (size_t i = 0; i < first.count; i++)
        assert_true(items[0][i].score >= 0.5F && items[0][i].right > items[0][i].left);
    planes[1].shape[1] = 3 * (VALUES + 1); /* other classes than the first head */
    assert_false(family_yolov5.fits(&four));
    rows[2].shape[3]++;
    assert_false(family_yolov5.fits(&five));
    five.count = 2;
    assert_false(family_yolov5.fits(&five));
    for (size_t s = 0; s < 3; s++) {
        free(rows[s].data);
        free(planes[s].data);
    }
}

static void test_outputs_that_are_no_numbers(void **state)
{
    (void)state;
    static struct candidate items[CANDIDATES];
    for (size_t f = 0; families[f] != NULL; f++) {
        struct outputs o = make_outputs(families[f]->name, 96, 64, 3);
        o.raw.tensors = o.tensors;
        for (size_t t = 0; t < o.raw.count; t++)
            for (int64_t i = 0; i < o.tensors[t].shape[1] * o.tensors[t].shape[2]; i++)
                o.tensors[t].data[i] = NAN;
        struct candidate_list list = {items, 0};
        families[f]->decode(&o.raw, 0.01F, &list);
        assert_int_equal(list.count, 0);
        free_outputs(&o);
    }
}

/* --- suppression
 * ------------------------------------------------------------------------------------------------- */

static void random_detections(struct random_state *random, struct detection *d, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        d[i].box = (struct box){(float)random_below(random, 60), (float)random_below(random, 60),
                                (float)random_below(random, 30), (float)random_below(random, 30)};
        d[i].score = (float)random_below(random, 20) / 20; /* many ties */
    }
}

static bool overlaps(struct box a, struct box b, double limit)
{
    double w = fmin(a.x + a.w, b.x + b.w) - fmax(a.x, b.x), h = fmin(a.y + a.h, b.y + b.h) - fmax(a.y, b.y);
    if (w <= 0 || h <= 0)
        return false;
    return w * h > limit * ((double)a.w * a.h + (double)b.w * b.h - w * h);
}

static void test_suppression_keeps_the_surest(void **state)
{
    (void)state;
    struct random_state random;
    random_seed(&random, 4);
    for (int round = 0; round < 300; round++) {
        struct detection all[200], kept[200];
        size_t count = random_below(&random, 200);
        random_detections(&random, all, count);
        memcpy(kept, all, sizeof all);
        double limit = 0.25 + 0.5 * random_unit(&random);
        size_t n = detections_suppress(kept, count, (float)limit);
        for (size_t i = 0; i < n; i++) {
            assert_true(i == 0 || kept[i - 1].score >= kept[i].score);
            assert_true(kept[i].box.w > 0 && kept[i].box.h > 0);
            for (size_t j = 0; j < i; j++)
                assert_false(overlaps(kept[i].box, kept[j].box, limit + 1e-6));
        }
        /* Who is missing has no area, or overlaps one of those that stayed and is no surer. */
        for (size_t i = 0; i < count; i++) {
            bool found = all[i].box.w <= 0 || all[i].box.h <= 0;
            for (size_t j = 0; j < n && !found; j++)
                found = memcmp(&kept[j], &all[i], sizeof all[i]) == 0 ||
                        (kept[j].score >= all[i].score && overlaps(kept[j].box, all[i].box, limit - 1e-6));
            assert_true(found);
        }
    }
}

static void test_suppression_does_not_depend_on_the_order(void **state)
{
    (void)state;
    struct random_state random;
    random_seed(&random, 5);
    for (int round = 0; round < 200; round++) {
        struct detection a[150], b[150];
        random_detections(&random, a, 150);
        memcpy(b, a, sizeof a);
        for (uint32_t i = 149; i > 0; i--) {
            uint32_t j = random_below(&random, i + 1);
            struct detection t = b[i];
            b[i] = b[j];
            b[j] = t;
        }
        size_t n = detections_suppress(a, 150, 0.5F);
        assert_int_equal(detections_suppress(b, 150, 0.5F), n);
        assert_memory_equal(a, b, n * sizeof *a);
    }
}

static void test_suppression_of_few(void **state)
{
    (void)state;
    struct detection d[2] = {{{0, 0, 10, 10}, 0.5F}, {{0, 0, 10, 10}, 0.5F}};
    assert_int_equal(detections_suppress(d, 0, 0.5F), 0);
    assert_int_equal(detections_suppress(d, 1, 0.5F), 1);
    assert_int_equal(detections_suppress(d, 2, 0.5F), 1);
}

static void test_suppression_is_bounded(void **state)
{
    (void)state;
    static struct detection d[SUPPRESSION_MAX + 10];
    for (size_t i = 0; i < SUPPRESSION_MAX + 10; i++)
        d[i] =
            (struct detection){{(float)(i % 100) * 10, (float)(i / 100) * 10, 5, 5}, (float)(i + 1) / 10000};
    assert_int_equal(detections_suppress(d, SUPPRESSION_MAX + 10, 0.5F), SUPPRESSION_MAX);
    assert_true(d[0].score > d[SUPPRESSION_MAX - 1].score);
    assert_true(d[SUPPRESSION_MAX - 1].score == 11.0F / 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_boxes_agree_with_the_reference),
        cmocka_unit_test(test_each_output_fits_one_family),
        cmocka_unit_test(test_yolov5_heads_in_either_order),
        cmocka_unit_test(test_outputs_that_are_no_numbers),
        cmocka_unit_test(test_suppression_keeps_the_surest),
        cmocka_unit_test(test_suppression_does_not_depend_on_the_order),
        cmocka_unit_test(test_suppression_of_few),
        cmocka_unit_test(test_suppression_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
