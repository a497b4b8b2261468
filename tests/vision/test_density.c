/*
 * Counting: a made-up network whose answer is known, whatever the size, the tiles and the region; models and
 * sizes that are refused; and, where they are, the real weights on pictures in which there is nobody.
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
#include "media/image.h"
#include "vision/density.h"

static const char *in_source(const char *name)
{
    static char path[1024];
    const char *root = getenv("SCI_SOURCE_ROOT");
    path_join(path, sizeof path, root != NULL ? root : ".", name);
    return path;
}

struct fixture {
    struct density_network *network;
    struct density_context *context;
};

static void open_models(struct fixture *f, const char *path, const char *const *more, size_t more_count)
{
    struct error error = {0};
    const struct density_options options = {
        .model_path = path, .more = more, .more_count = more_count, .threads = 1};
    if (density_open(&options, &f->network, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(density_context_create(f->network, &f->context, NULL), 0);
}

static void open_model(struct fixture *f, const char *name)
{
    open_models(f, in_source(name), NULL, 0);
}

static void close_model(struct fixture *f)
{
    density_context_destroy(&f->context);
    density_close(&f->network);
}

static struct density_result infer(struct fixture *f, struct picture *picture,
                                   const struct density_view *view)
{
    struct density_result result;
    struct error error = {0};
    if (density_infer(f->network, f->context, picture, view, &result, &error) < 0)
        fail_msg("%s", error.text);
    return result;
}

static struct picture *flat(enum pixel_format format, int width, int height, int value)
{
    struct picture *p = picture_create(format, width, height);
    assert_non_null(p);
    for (int i = 0; i < picture_plane_count(format); i++) {
        int w, h;
        picture_plane_size(format, width, height, i, &w, &h);
        for (int y = 0; y < h; y++)
            memset((uint8_t *)(uintptr_t)p->planes[i] + (size_t)y * (size_t)p->strides[i], value,
                   (size_t)w * (format == PIXEL_RGB24 ? 3 : 1));
    }
    return p;
}

static struct picture *noise(int width, int height, uint64_t seed)
{
    struct random_state random;
    random_seed(&random, seed);
    struct picture *p = flat(PIXEL_RGB24, width, height, 0);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < 3 * width; x++)
            ((uint8_t *)(uintptr_t)p->planes[0])[(size_t)y * (size_t)p->strides[0] + (size_t)x] =
                (uint8_t)random_below(&random, 256);
    return p;
}

/* tiny_density on a white picture of columns x rows whole cells: a cell with n of its nine neighbours
 * inside has n/9 of what white is above the mean. */
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
    static const struct {
        enum pixel_format format;
        int width, height, columns, rows;
        double cell;
    } cases[] = {
        {PIXEL_RGB24, 1024, 768, 160, 120, 6.4}, {PIXEL_GRAY8, 1280, 960, 160, 120, 8},
        {PIXEL_RGB24, 512, 384, 128, 96, 4},     {PIXEL_RGB24, 1280, 720, 160, 90, 8},
        {PIXEL_GRAY8, 3072, 1536, 192, 96, 16},
    };
    struct fixture f;
    open_model(&f, "tests/data/models/tiny_density.onnx");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct picture *p = flat(cases[i].format, cases[i].width, cases[i].height, 255);
        struct density_result r = infer(&f, p, &(struct density_view){0});
        assert_int_equal(r.map.columns, cases[i].columns);
        assert_int_equal(r.map.rows, cases[i].rows);
        assert_true(fabs(r.map.cell_width - cases[i].cell) < 1e-9);
        double want = white_sum(cases[i].columns, cases[i].rows);
        if (fabs(r.count - want) > 1e-3 * want)
            fail_msg("%dx%d: %.3f, not %.3f", cases[i].width, cases[i].height, r.count, want);
        assert_true(fabs(r.low - (r.count * 0.9 - 2)) < 1e-3 && fabs(r.high - (r.count * 1.25 + 2)) < 1e-3);
        assert_int_equal(r.crowd, CROWD_DENSE);
        picture_unref(&p);
    }
    close_model(&f);
}

static void check_tiles(const char *model)
{
    static const int sizes[][2] = {{1500, 1111}, {1000, 40}, {333, 1499}};
    struct fixture f;
    open_model(&f, model);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct picture *p = noise(sizes[i][0], sizes[i][1], 7 + i);
        struct density_result whole = infer(&f, p, &(struct density_view){.tile_pixels = 1 << 30});
        size_t cells = (size_t)whole.map.columns * (size_t)whole.map.rows;
        float *before = malloc(cells * sizeof *before);
        assert_non_null(before);
        memcpy(before, whole.map.people, cells * sizeof *before);
        struct density_result tiled = infer(&f, p, &(struct density_view){.tile_pixels = 1});
        assert_int_equal(tiled.map.columns, whole.map.columns);
        assert_int_equal(tiled.map.rows, whole.map.rows);
        for (size_t c = 0; c < cells; c++)
            if (fabsf(before[c] - tiled.map.people[c]) > 1e-5F)
                fail_msg("%dx%d cell %zu: %g in tiles, %g at once", sizes[i][0], sizes[i][1], c,
                         (double)tiled.map.people[c], (double)before[c]);
        assert_true(fabs(tiled.whole_count - whole.whole_count) < 0.05 * whole.whole_count);
        free(before);
        picture_unref(&p);
    }
    close_model(&f);
}

static void test_tiles_change_nothing(void **state)
{
    (void)state;
    check_tiles("tests/data/models/tiny_density.onnx");
    check_tiles("tests/data/models/tiny_nanodet_crowd.onnx");
}

static void test_region_and_masks(void **state)
{
    (void)state;
    static const struct point left_half[] = {{0, 0}, {0.5, 0}, {0.5, 1}, {0, 1}};
    static const struct point top_half[] = {{0, 0}, {1, 0}, {1, 0.5}, {0, 0.5}};
    const struct point *masks[] = {top_half};
    const size_t mask_counts[] = {4};
    struct fixture f;
    open_model(&f, "tests/data/models/tiny_density.onnx");
    struct picture *p = flat(PIXEL_RGB24, 1024, 768, 255);
    double all = infer(&f, p, &(struct density_view){0}).count;
    struct density_result half = infer(&f, p, &(struct density_view){.region = left_half, .region_count = 4});
    assert_true(fabs(half.count - all / 2) < 1e-3 * all);
    struct density_view quarter = {
        .region = left_half, .region_count = 4, .mask_count = 1, .masks = masks, .mask_counts = mask_counts};
    struct density_result r = infer(&f, p, &quarter);
    assert_true(r.count < all / 4 && r.count > all / 4 * 0.98); /* grey shines into its neighbours */
    for (size_t y = 0; y < (size_t)r.map.rows / 2; y++)
        assert_true(r.map.people[y * (size_t)r.map.columns + 5] <= 0);
    picture_unref(&p);
    close_model(&f);
}

static void test_any_size(void **state)
{
    (void)state;
    static const struct {
        int width, height, long_side, content_width, content_height;
    } cases[] = {{1, 1, 0, 2, 2},
                 {1, 4000, 0, 1, 1536},
                 {512, 100, 0, 1024, 200},
                 {1000, 500, 0, 1280, 640},
                 {1400, 700, 0, 1400, 700},
                 {7680, 4320, 0, 1536, 864},
                 {7680, 4320, 3000, 3000, 1688}};
    struct fixture f;
    open_model(&f, "tests/data/models/tiny_density.onnx");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int w, h;
        struct density_view view = {.long_side = cases[i].long_side};
        assert_int_equal(density_input_size(&view, cases[i].width, cases[i].height, &w, &h, NULL), 0);
        assert_int_equal(w, cases[i].content_width);
        assert_int_equal(h, cases[i].content_height);
        struct picture *p = flat(PIXEL_I420, cases[i].width, cases[i].height, 128);
        struct density_result r = infer(&f, p, &view);
        assert_int_equal(r.map.columns, (w + 7) / 8);
        assert_int_equal(r.map.rows, (h + 7) / 8);
        assert_true(isfinite(r.count) && r.low <= r.count && r.count <= r.high);
        picture_unref(&p);
    }
    close_model(&f);
}

/* A calibrated camera's people have a size that was learned, as far as the picture has pixels for it. */
static void test_people_of_a_learned_size(void **state)
{
    (void)state;
    static const struct {
        int width, height, long_side;
        double far_share, near_share;
        int content_width;
    } cases[] = {
        {1920, 1080, 0, 0, 0, 1536},
        {1920, 1080, 0, 0.05, 0.2, 1536}, /* 43 and 173 pixels: as it is */
        {3840, 2160, 0, 0.02, 0.1, 2667},
        {3840, 2160, 0, 0.005, 0.1, 3072}, /* twofold at most */
        {640, 480, 0, 0.02, 0.1, 1280},    /* grown twofold already by pixels */
        {1920, 1080, 0, 0.1, 0.5, 1067},
        {1920, 1080, 0, 0.1, 0.9, 768},
        {3840, 2160, 1000, 0.02, 0.1, 1000}, /* what is set counts */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int w, h;
        struct density_view view = {.long_side = cases[i].long_side,
                                    .person_far = cases[i].far_share,
                                    .person_near = cases[i].near_share};
        assert_int_equal(density_input_size(&view, cases[i].width, cases[i].height, &w, &h, NULL), 0);
        if (abs(w - cases[i].content_width) > 1)
            fail_msg("case %zu: %d pixels wide, not %d", i, w, cases[i].content_width);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        int code;
        const char *word;
    } cases[] = {{"tests/data/models/none.onnx", ERR_NOT_FOUND, "no density model installed"},
                 {"tests/data/models/tiny_nanodet.onnx", ERR_FORMAT, "no output \"density\""},
                 {"tests/data/models/half_free.onnx", ERR_FORMAT, "1x3x32x?"},
                 {"tests/vision/test_density.c", ERR_FORMAT, "test_density.c"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct density_network *network = NULL;
        struct error error = {0};
        int rc =
            density_open(&(struct density_options){.model_path = in_source(cases[i].model), .threads = 1},
                         &network, &error);
        assert_null(network);
        if (rc != cases[i].code || strstr(error.text, cases[i].word) == NULL)
            fail_msg("%s: %d, %s", cases[i].model, rc, error.text);
    }
    struct error error = {0};
    int w, h;
    assert_int_equal(density_input_size(&(struct density_view){.long_side = 9000}, 10, 10, &w, &h, &error),
                     ERR_INVALID);
}

/* The weights that are part of the project. */
static void test_real_weights(void **state)
{
    (void)state;
    if (!file_exists(in_source("models/crowdnet_int8.onnx")))
        skip();
    struct fixture f;
    open_model(&f, "models/crowdnet_int8.onnx");
    struct picture *nobody[] = {flat(PIXEL_RGB24, 640, 480, 0), flat(PIXEL_GRAY8, 1024, 768, 128),
                                flat(PIXEL_RGB24, 800, 600, 255), noise(640, 480, 3),
                                flat(PIXEL_RGB24, 1, 1, 90)};
    for (size_t i = 0; i < sizeof nobody / sizeof *nobody; i++) {
        struct density_result r = infer(&f, nobody[i], &(struct density_view){0});
        if (r.count >= 1 || r.low > 0)
            fail_msg("picture %zu without anybody: %.2f people, at least %.2f", i, r.count, r.low);
        picture_unref(&nobody[i]);
    }
    close_model(&f);
}

static struct picture *crowd(void)
{
    const char *shared = getenv("SCI_SHARED");
    char path[1024];
    struct buffer bytes = {0};
    struct picture *picture = NULL;
    path_join(path, sizeof path, shared != NULL ? shared : in_source("../shared"),
              "data/counting/shanghaitech/part_A/train/IMG_6.jpg");
    if (file_exists(path) && file_read(path, IMAGE_BYTES_MAX, &bytes, NULL) == 0)
        assert_int_equal(image_decode(bytes.data, bytes.size, &picture, NULL), 0);
    buffer_free(&bytes);
    return picture;
}

/* On a crowd of 554 people the real weights' map, too, hardly feels the tiles, and integers cost little. */
static void test_real_crowd(void **state)
{
    (void)state;
    if (!file_exists(in_source("models/crowdnet_int8.onnx")))
        skip();
    struct picture *picture = crowd();
    if (picture == NULL)
        skip();
    struct fixture whole, exact;
    open_model(&whole, "models/crowdnet_int8.onnx");
    struct density_view large = {.long_side = 1536, .tile_pixels = 1 << 30};
    double at_once = infer(&whole, picture, &large).count;
    large.tile_pixels = 1;
    double tiled = infer(&whole, picture, &large).count;
    if (fabs(tiled - at_once) > 0.01 * at_once)
        fail_msg("%.2f people in tiles, %.2f at once", tiled, at_once);
    if (file_exists(in_source("models/crowdnet.onnx"))) {
        open_model(&exact, "models/crowdnet.onnx");
        double integers = infer(&whole, picture, &(struct density_view){0}).count;
        double floats = infer(&exact, picture, &(struct density_view){0}).count;
        if (fabs(integers - floats) > 0.06 * floats)
            fail_msg("%.2f people in integers, %.2f in float", integers, floats);
        close_model(&exact);
    }
    picture_unref(&picture);
    close_model(&whole);
}

/* Two that say n and n / 2: the mean, and an interval by how far they are apart; one twice: as alone. */
static void test_several_models(void **state)
{
    (void)state;
    char half[1024], tiny[1024];
    text_copy(half, sizeof half, in_source("tests/data/models/half_density.onnx"));
    text_copy(tiny, sizeof tiny, in_source("tests/data/models/tiny_density.onnx"));
    const struct point region[] = {{0, 0}, {0.5, 0}, {0.5, 1}, {0, 1}};
    struct picture *p = flat(PIXEL_GRAY8, 1024, 768, 255);
    struct density_view views[] = {
        {0}, {.tile_pixels = 1, .long_side = 1024}, {.region = region, .region_count = 4}};
    for (size_t i = 0; i < 3; i++) {
        const char *more[] = {half};
        struct fixture one, two, same;
        open_model(&one, "tests/data/models/tiny_density.onnx");
        double alone = infer(&one, p, &views[i]).count;
        close_model(&one);
        open_models(&two, tiny, more, 1);
        struct density_result r = infer(&two, p, &views[i]);
        assert_true(fabs(r.count - 0.75 * alone) < 1e-3 * alone);
        /* n and n / 2: deviation n / sqrt(8) of a mean of 3 n / 4 */
        double spread = 4 / (3 * sqrt(8)), low = hypot(0.1, 1.6449 * spread),
               high = hypot(0.25, 1.6449 * spread);
        assert_true(fabs(r.spread - spread) < 1e-3);
        assert_true(fabs(r.share_low - low) < 1e-3 && fabs(r.share_high - high) < 1e-3);
        assert_true(fabs(r.high - (r.count * (1 + r.share_high) + 2)) < 1e-3);
        assert_true(fabs(density_reading(&r).share_low - r.share_low) < 1e-12);
        close_model(&two);
        more[0] = tiny;
        open_models(&same, tiny, more, 1);
        r = infer(&same, p, &views[i]);
        assert_true(fabs(r.count - alone) < 1e-3 && r.spread < 1e-6 && fabs(r.share_low - 0.1) < 1e-5);
        close_model(&same);
    }
    picture_unref(&p);
}

static void test_models_that_are_missing(void **state)
{
    (void)state;
    struct density_network *network;
    struct error error = {0};
    char tiny[1024];
    text_copy(tiny, sizeof tiny, in_source("tests/data/models/tiny_density.onnx"));
    const char *more[] = {"none.onnx", tiny, tiny, tiny};
    struct density_options options = {.model_path = tiny, .more = more, .more_count = 1, .threads = 1};
    assert_int_equal(density_open(&options, &network, &error), ERR_INVALID);
    assert_non_null(strstr(error.text, "none.onnx"));
    assert_null(network);
    options.more_count = 4;
    assert_int_equal(density_open(&options, &network, &error), ERR_INVALID);
    assert_non_null(strstr(error.text, "5 density models"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_several_models),
        cmocka_unit_test(test_models_that_are_missing),
        cmocka_unit_test(test_known_answer),
        cmocka_unit_test(test_tiles_change_nothing),
        cmocka_unit_test(test_region_and_masks),
        cmocka_unit_test(test_any_size),
        cmocka_unit_test(test_people_of_a_learned_size),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_real_weights),
        cmocka_unit_test(test_real_crowd),
    };
    return cmocka_run_group_tests_name("density", tests, NULL, NULL);
}
