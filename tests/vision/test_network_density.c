/*
 * A density head on a detector: what is loaded and what is refused, boxes that do not change by it, and a map
 * whose answer is known, from the pass that has found the boxes as from one at any other size.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/random.h"
#include "base/text.h"
#include "infer/session.h"
#include "vision/density.h"
#include "vision/network.h"
#include "vision/preprocess.h"

static const char *test_model(const char *name)
{
    static char path[1024], folder[1024];
    const char *root = getenv("SCI_SOURCE_ROOT");
    path_join(folder, sizeof folder, root != NULL ? root : ".", "tests/data/models");
    text_format(path, sizeof path, "%s/%s.onnx", folder, name);
    return path;
}

struct fixture {
    struct network *network;
    struct network_context *context;
    struct view *view;
    const struct detection *boxes;
    size_t count;
};

static void open_fixture(struct fixture *f, const char *model, const struct view_options *view)
{
    struct error error = {0};
    const struct network_options options = {.model_path = test_model(model), .threads = 1};
    *f = (struct fixture){0};
    if (network_open(&options, &f->network, &error) < 0 ||
        network_context_create(f->network, &f->context, &error) < 0 ||
        view_create(view, &f->view, &error) < 0)
        fail_msg("%s", error.text);
}

static void close_fixture(struct fixture *f)
{
    view_destroy(&f->view);
    network_context_destroy(&f->context);
    network_close(&f->network);
}

static void look(struct fixture *f, const struct picture *picture)
{
    struct error error = {0};
    if (network_infer(f->network, f->context, picture, f->view, &f->boxes, &f->count, &error) < 0)
        fail_msg("%s", error.text);
}

static struct density_result density_of(struct fixture *f)
{
    struct density_result result;
    struct error error = {0};
    if (network_density(f->context, f->view, &result, &error) < 0)
        fail_msg("%s", error.text);
    return result;
}

static struct picture *flat(int width, int height, int value)
{
    struct picture *p = picture_create(PIXEL_RGB24, width, height);
    assert_non_null(p);
    memset((uint8_t *)(uintptr_t)p->planes[0], value, (size_t)p->strides[0] * (size_t)height);
    return p;
}

static struct picture *noise(int width, int height, uint64_t seed)
{
    struct random_state random;
    struct picture *p = flat(width, height, 0);
    random_seed(&random, seed);
    for (size_t i = 0; i < (size_t)p->strides[0] * (size_t)height; i++)
        ((uint8_t *)(uintptr_t)p->planes[0])[i] = (uint8_t)random_below(&random, 256);
    return p;
}

static const struct view_options plain = {.confidence_low = 0.05, .nms_iou = 0.6};

static void test_boxes_are_those_of_the_plain_detector(void **state)
{
    (void)state;
    static const char *const models[] = {"tiny_nanodet_crowd", "tiny_nanodet_crowd_first"};
    static const int sizes[][2] = {{640, 480}, {640, 360}, {333, 501}};
    struct fixture without;
    open_fixture(&without, "tiny_nanodet", &plain);
    assert_false(network_has_density(without.network));
    for (size_t m = 0; m < sizeof models / sizeof *models; m++) {
        struct fixture with;
        open_fixture(&with, models[m], &plain);
        assert_true(network_has_density(with.network));
        assert_string_equal(network_family(with.network), "nanodet");
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            struct picture *p = noise(sizes[i][0], sizes[i][1], i + 1);
            look(&without, p);
            look(&with, p);
            assert_true(with.count > 0);
            assert_int_equal(with.count, without.count);
            assert_memory_equal(with.boxes, without.boxes, with.count * sizeof *with.boxes);
            picture_unref(&p);
        }
        close_fixture(&with);
    }
    close_fixture(&without);
}

/* The model's map on a white input that it fills: a cell with n of its nine neighbours inside has n/9 of what
 * white is above the mean. */
static double white_sum(int columns, int rows)
{
    double sum = 0, mean = 103.53 / 255;
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < columns; x++) {
            int across = 3 - (x == 0) - (x == columns - 1), down = 3 - (y == 0) - (y == rows - 1);
            sum += mean + across * down / 9.0 * (1 - mean);
        }
    return sum;
}

static void test_known_answer(void **state)
{
    (void)state;
    static const struct point left_half[] = {{0, 0}, {0.5, 0}, {0.5, 1}, {0, 1}};
    static const struct point top_half[] = {{0, 0}, {1, 0}, {1, 0.5}, {0, 0.5}};
    const struct point *masks[] = {top_half};
    const size_t mask_counts[] = {4};
    struct view_options options = plain;
    options.input_width = 320;
    options.input_height = 256;
    struct fixture f, half;
    open_fixture(&f, "tiny_nanodet_crowd", &options);
    options.region = left_half;
    options.region_count = 4;
    options.mask_count = 1;
    options.masks = masks;
    options.mask_counts = mask_counts;
    open_fixture(&half, "tiny_nanodet_crowd", &options);
    struct picture *p = flat(640, 512, 255);
    look(&f, p);
    look(&half, p);
    struct density_result r = density_of(&f), quarter = density_of(&half);
    double want = white_sum(40, 32);
    assert_int_equal(r.map.columns, 40);
    assert_int_equal(r.map.rows, 32);
    assert_true(fabs(r.map.cell_width - 16) < 1e-9 && fabs(r.map.cell_height - 16) < 1e-9);
    assert_true(fabs(r.count - want) < 1e-3 * want);
    assert_true(fabs(r.low - (r.count * 0.9 - 2)) < 1e-3 && fabs(r.high - (r.count * 1.25 + 2)) < 1e-3);
    assert_true(fabs(r.whole_count - want) < 1e-3 * want && r.crowd == CROWD_DENSE);
    assert_true(quarter.count < want / 4 &&
                quarter.count > want / 4 * 0.95); /* grey shines into its neighbours */
    for (size_t x = 0; x < 40 * 16; x++)
        assert_true(quarter.map.people[x] <= 0);
    picture_unref(&p);
    close_fixture(&half);
    close_fixture(&f);
}

/* The network's own cells of a picture, prepared here. */
static struct session_outputs *run_by_hand(struct session *session, const struct picture *picture,
                                           const struct placement *placement, struct tensor *density)
{
    const struct input_format format = {
        .bgr = true,
        .scale = {1 / 57.375F, 1 / 57.12F, 1 / 58.395F},
        .offset = {-103.53F / 57.375F, -116.28F / 57.12F, -123.675F / 58.395F},
        .grey = 114,
    };
    struct error error = {0};
    struct preprocess *preprocess = preprocess_create(PREPROCESS_AUTO);
    float *input =
        calloc(3 * (size_t)placement->input_width * (size_t)placement->input_height, sizeof *input);
    struct tensor in = {.rank = 4,
                        .shape = {1, 3, placement->input_height, placement->input_width},
                        .data = input},
                  out[SESSION_TENSORS_MAX];
    struct session_outputs *hold = NULL;
    assert_true(preprocess != NULL && input != NULL);
    if (preprocess_run(preprocess, picture, &format, placement, &(struct mask_set){0}, input, &error) < 0 ||
        session_run(session, &in, out, &hold, &error) < 0)
        fail_msg("%s", error.text);
    *density = out[6]; /* behind the boxes' */
    preprocess_destroy(&preprocess);
    free(input);
    return hold;
}

/* What lies across two cells of the picture is shared between them; what touches the picture at all counts.
 */
static double expected_cell(const struct tensor *density, const struct placement *p, int column, int row,
                            const struct density_result *r)
{
    double sum = 0;
    for (int y = 0; y < density->shape[2]; y++) {
        for (int x = 0; x < density->shape[3]; x++) {
            double share = 1;
            for (int axis = 0; axis < 2; axis++) {
                int at = 8 * (axis == 0 ? x : y) - (axis == 0 ? p->x : p->y), cell = axis == 0 ? column : row,
                    last = (axis == 0 ? r->map.columns : r->map.rows) - 1,
                    end = axis == 0 ? p->width : p->height;
                bool touches = at + 8 > 0 && at < end;
                int begin = 8 * cell, overlap = 8 - abs(at - begin);
                if (at < 0 && cell == 0)
                    overlap = 8;
                if (at >= 8 * last && cell == last)
                    overlap = 8;
                share *= touches && overlap > 0 ? overlap / 8.0 : 0;
            }
            sum += share * (double)density->data[y * density->shape[3] + x];
        }
    }
    return sum;
}

static void test_a_picture_in_the_middle_of_the_input(void **state)
{
    (void)state;
    static const struct {
        int width, height, input_width, input_height, x, y;
    } cases[] = {{608, 342, 608, 352, 0, 5},   {300, 256, 320, 256, 10, 0}, {200, 251, 256, 256, 26, 0},
                 {1216, 644, 608, 352, 0, 15}, {37, 64, 64, 64, 13, 0},     {320, 256, 320, 256, 0, 0}};
    struct session *session = NULL;
    struct error error = {0};
    const struct session_options one = {.path = test_model("tiny_nanodet_crowd"), .threads = 1};
    assert_int_equal(session_open(&one, &session, &error), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct view_options options = plain;
        options.input_width = cases[i].input_width;
        options.input_height = cases[i].input_height;
        struct fixture f;
        open_fixture(&f, "tiny_nanodet_crowd", &options);
        struct picture *p = noise(cases[i].width, cases[i].height, 20 + i);
        struct placement placement =
            placement_fit(p->width, p->height, cases[i].input_width, cases[i].input_height, false);
        assert_int_equal(placement.x, cases[i].x);
        assert_int_equal(placement.y, cases[i].y);
        look(&f, p);
        struct density_result r = density_of(&f);
        struct tensor density;
        struct session_outputs *hold = run_by_hand(session, p, &placement, &density);
        assert_int_equal(r.map.columns, (placement.width + 7) / 8);
        assert_int_equal(r.map.rows, (placement.height + 7) / 8);
        double sum = 0;
        for (int y = 0; y < r.map.rows; y++)
            for (int x = 0; x < r.map.columns; x++) {
                double want = expected_cell(&density, &placement, x, y, &r),
                       got = (double)r.map.people[y * r.map.columns + x];
                sum += want;
                if (fabs(got - want) > 1e-4)
                    fail_msg("case %zu, cell %d, %d: %g, not %g", i, x, y, got, want);
            }
        assert_true(fabs(sum - r.count) < 1e-3 * sum);
        session_outputs_release(&hold);
        picture_unref(&p);
        close_fixture(&f);
    }
    session_close(&session);
}

/* The same file as a density network of its own, and the detector that is open already. */
static void test_a_run_at_the_size_that_crowds_are_counted_at(void **state)
{
    (void)state;
    struct fixture f;
    struct error error = {0};
    open_fixture(&f, "tiny_nanodet_crowd", &plain);
    const struct density_options options[] = {{.detector = f.network},
                                              {.model_path = test_model("tiny_nanodet_crowd"), .threads = 1}};
    struct picture *p = noise(500, 300, 3);
    double counts[2];
    int64_t runs;
    double seconds;
    for (size_t i = 0; i < 2; i++) {
        struct density_network *density = NULL;
        struct density_context *context = NULL;
        struct density_result r;
        if (density_open(&options[i], &density, &error) < 0 ||
            density_context_create(density, &context, &error) < 0 ||
            density_infer(density, context, p, &(struct density_view){0}, &r, &error) < 0)
            fail_msg("%s", error.text);
        assert_int_equal(density_is_head(density), i == 0);
        assert_int_equal(r.map.columns, 125);
        counts[i] = r.count;
        look(&f, p);
        (void)density_of(&f);
        density_figures(density, &runs, &seconds);
        assert_int_equal(runs, i == 0 ? 2 : 1); /* a head counts with the detector's passes as well */
        density_context_destroy(&context);
        density_close(&density);
    }
    assert_true(fabs(counts[0] - counts[1]) < 1e-9 && counts[0] > 1);
    picture_unref(&p);
    close_fixture(&f);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        int code;
        const char *says;
    } cases[] = {{"crowd_no_rate", ERR_FORMAT, "no output \"rate\""},
                 {"crowd_stride_16", ERR_FORMAT, "1x1x4x6 where 1x1x8x12"},
                 {"crowd_no_bar", ERR_FORMAT, "no error bar"},
                 {"crowd_yolov8", ERR_UNSUPPORTED, "family yolov8"},
                 {"crowd_fixed", ERR_UNSUPPORTED, "128x96 only"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct network *network = NULL;
        struct error error = {0};
        const struct network_options options = {.model_path = test_model(cases[i].model), .threads = 1};
        int code = network_open(&options, &network, &error);
        if (code != cases[i].code || strstr(error.text, cases[i].says) == NULL)
            fail_msg("%s: %d: %s", cases[i].model, code, error.text);
        assert_null(network);
    }
}

static void test_without_a_head(void **state)
{
    (void)state;
    struct fixture with, without;
    struct error error = {0};
    struct density_result result;
    struct density_network *density = NULL;
    open_fixture(&with, "tiny_nanodet_crowd", &plain);
    open_fixture(&without, "tiny_nanodet", &plain);
    assert_int_equal(network_density(with.context, with.view, &result, &error), ERR_NOT_FOUND);
    assert_int_equal(network_density(without.context, without.view, &result, &error), ERR_UNSUPPORTED);
    struct density_options options = {.detector = without.network};
    assert_int_equal(density_open(&options, &density, &error), ERR_INVALID);
    assert_non_null(strstr(error.text, "tiny_nanodet.onnx has no density head"));
    const char *more[] = {"more.onnx"};
    options = (struct density_options){.detector = with.network, .more = more, .more_count = 1};
    assert_int_equal(density_open(&options, &density, &error), ERR_INVALID);
    assert_null(density);
    close_fixture(&without);
    close_fixture(&with);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_boxes_are_those_of_the_plain_detector),
        cmocka_unit_test(test_known_answer),
        cmocka_unit_test(test_a_picture_in_the_middle_of_the_input),
        cmocka_unit_test(test_a_run_at_the_size_that_crowds_are_counted_at),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_without_a_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
