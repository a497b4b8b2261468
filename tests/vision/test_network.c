/*
 * A network as a whole: families recognised and refused, what a view drops, the same answer from any worker;
 * and, where they are, the default model and the families' real networks on a frame whose people are known.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/random.h"
#include "base/text.h"
#include "geo/polygon.h"
#include "media/source.h"
#include "vision/network.h"

static const char *in_source(const char *name)
{
    static char path[1024];
    const char *root = getenv("SCI_SOURCE_ROOT");
    path_join(path, sizeof path, root != NULL ? root : ".", name);
    return path;
}

static const char *test_model(const char *name)
{
    static char path[1024];
    text_format(path, sizeof path, "%s/%s.onnx", in_source("tests/data/models"), name);
    return path;
}

static struct network *open_network(const char *path, const char *family)
{
    struct network *network = NULL;
    struct error error = {0};
    if (network_open(&(struct network_options){.model_path = path, .family = family, .threads = 1}, &network,
                     &error) < 0)
        fail_msg("%s", error.text);
    return network;
}

static struct network_context *open_context(struct network *network)
{
    struct network_context *context = NULL;
    assert_int_equal(network_context_create(network, &context, NULL), 0);
    return context;
}

static struct view *open_view(const struct view_options *options)
{
    struct view *view = NULL;
    struct error error = {0};
    if (view_create(options, &view, &error) < 0)
        fail_msg("%s", error.text);
    return view;
}

/* Patches of different colours, some as large as the coarsest cells: the made-up networks have something to
 * see. */
static struct picture *patchwork(int width, int height, uint64_t seed)
{
    struct random_state random;
    random_seed(&random, seed);
    struct picture *p = picture_create(PIXEL_RGB24, width, height);
    assert_non_null(p);
    uint8_t *bytes = (uint8_t *)(uintptr_t)p->planes[0];
    memset(bytes, 90, (size_t)p->strides[0] * (size_t)height);
    for (int i = 0; i < 60; i++) {
        int w = 4 + (int)random_below(&random, 40), h = 4 + (int)random_below(&random, 40);
        int x0 = (int)random_below(&random, (uint32_t)width),
            y0 = (int)random_below(&random, (uint32_t)height);
        uint8_t colour[3] = {(uint8_t)random_below(&random, 256), (uint8_t)random_below(&random, 256),
                             (uint8_t)random_below(&random, 256)};
        for (int y = y0; y < y0 + h && y < height; y++)
            for (int x = x0; x < x0 + w && x < width; x++)
                memcpy(bytes + (size_t)y * (size_t)p->strides[0] + 3 * (size_t)x, colour, 3);
    }
    return p;
}

static size_t infer(struct network *n, struct network_context *c, const struct picture *p,
                    const struct view *v, const struct detection **d)
{
    size_t count = 0;
    struct error error = {0};
    if (network_infer(n, c, p, v, d, &count, &error) < 0)
        fail_msg("%s", error.text);
    return count;
}

static const struct view_options plain = {.confidence_low = 0.05, .nms_iou = 0.6};

static void test_families_are_recognised(void **state)
{
    (void)state;
    static const struct {
        const char *model, *family;
        double low;
    } cases[] = {{"tiny_nanodet", "nanodet", 0.05},
                 {"tiny_nanodet_plus", "nanodet-plus", 0.05},
                 {"tiny_yolov5", "yolov5", 0.01},
                 {"tiny_yolov8", "yolov8", 0.01},
                 {"tiny_yolox", "yolox", 0.01}};
    struct picture *p = patchwork(320, 240, 1);
    struct view_options options = plain;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        options.confidence_low = cases[i].low;
        struct view *v = open_view(&options);
        struct network *n = open_network(test_model(cases[i].model), i % 2 == 0 ? "auto" : NULL);
        assert_string_equal(network_family(n), cases[i].family);
        struct network_context *c = open_context(n);
        const struct detection *d;
        size_t count = infer(n, c, p, v, &d);
        if (count == 0 && strncmp(cases[i].family, "nanodet", 7) == 0)
            fail_msg("%s found nothing", cases[i].model);
        for (size_t k = 0; k < count; k++) {
            assert_true(d[k].box.x >= 0 && d[k].box.y >= 0 && d[k].box.w > 0 && d[k].box.h > 0);
            assert_true(d[k].box.x + d[k].box.w <= 320.01F && d[k].box.y + d[k].box.h <= 240.01F);
            assert_true(k == 0 || d[k - 1].score >= d[k].score);
            assert_true(d[k].score >= (float)cases[i].low && d[k].score <= 1);
        }
        network_context_destroy(&c);
        network_close(&n);
        view_destroy(&v);
    }
    picture_unref(&p);
}

static void test_wrong_models_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *model, *family;
        int code;
        const char *says[3];
    } cases[] = {
        {"tiny_yolox", "yolov8", ERR_FORMAT, {"1x252x7", "family yolov8 needs", "1x(4+CLASSES)xN"}},
        {"tiny_nanodet", "nanodet-plus", ERR_FORMAT, {"1x96x3", "1x96x44", "strides 8, 16, 32, 64"}},
        {"affine", "auto", ERR_FORMAT, {"1x3x64x96", "no known family", "nanodet, nanodet-plus, yolov5"}},
        {"tiny_nanodet", "abacus", ERR_INVALID, {"\"abacus\"", "auto, nanodet", "yolox"}},
        {"one_channel", "auto", ERR_FORMAT, {"1x1x32x32", "1x3xHEIGHTxWIDTH", "one_channel.onnx"}},
        {"two_inputs", "auto", ERR_FORMAT, {"2 inputs", "one", "two_inputs.onnx"}},
        {"half_free", "auto", ERR_UNSUPPORTED, {"1x3x32x?", "both", "half_free.onnx"}},
        {"integers", "auto", ERR_UNSUPPORTED, {"float32", "integers.onnx", "\"x\""}},
        {"nowhere", "auto", ERR_NOT_FOUND, {"nowhere.onnx", "No such file", ""}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct network *network = (struct network *)1;
        struct error error = {0};
        struct network_options options = {
            .model_path = test_model(cases[i].model), .family = cases[i].family, .threads = 1};
        int code = network_open(&options, &network, &error);
        if (code != cases[i].code)
            fail_msg("%s: code %d, expected %d: %s", cases[i].model, code, cases[i].code, error.text);
        assert_null(network);
        for (size_t k = 0; k < 3; k++)
            if (strstr(error.text, cases[i].says[k]) == NULL)
                fail_msg("\"%s\" does not say \"%s\"", error.text, cases[i].says[k]);
    }
}

/* Only where nobody named a family, only where that was allowed, and never without saying so. */
static void test_hog_stands_in_for_a_model_that_is_not_there(void **state)
{
    (void)state;
    struct network *n = NULL;
    struct error error = {0};
    struct network_options options = {
        .model_path = test_model("nowhere"), .threads = 1, .may_fall_back = true};
    assert_int_equal(network_open(&options, &n, &error), 0);
    assert_string_equal(network_family(n), "hog");
    assert_non_null(strstr(network_degraded(n), "nowhere.onnx"));
    assert_non_null(strstr(network_degraded(n), "HOG"));
    network_close(&n);
    options.family = "nanodet";
    assert_int_equal(network_open(&options, &n, &error), ERR_NOT_FOUND);
    options.family = "auto";
    options.may_fall_back = false;
    assert_int_equal(network_open(&options, &n, &error), ERR_NOT_FOUND);
    options.model_path = test_model("affine"); /* a file that is no detector is an error, always */
    options.may_fall_back = true;
    assert_int_equal(network_open(&options, &n, &error), ERR_FORMAT);
    options.model_path = "hog";
    assert_int_equal(network_open(&options, &n, &error), 0);
    assert_null(network_degraded(n));
    network_close(&n);
}

static void expect_size(struct network *n, int w, int h, int picture_w, int picture_h, int expected_w,
                        int expected_h)
{
    struct view_options options = plain;
    options.input_width = w;
    options.input_height = h;
    struct view *v = open_view(&options);
    struct error error = {0};
    int width, height;
    int result = network_input_size(n, v, picture_w, picture_h, &width, &height, &error);
    if (expected_w == 0) {
        assert_int_equal(result, ERR_INVALID);
        assert_non_null(strstr(error.text, "network input"));
    } else {
        assert_int_equal(result, 0);
        assert_true(width == expected_w && height == expected_h);
    }
    view_destroy(&v);
}

static void test_input_size(void **state)
{
    (void)state;
    struct network *n = open_network(test_model("tiny_nanodet"), "nanodet");
    expect_size(n, 0, 0, 768, 576, 512, 384);
    expect_size(n, 0, 0, 1920, 1080, 608, 352);
    expect_size(n, 640, 352, 768, 576, 640, 352);
    expect_size(n, 640, 360, 768, 576, 0, 0);
    network_close(&n);
    n = open_network("hog", "auto");
    expect_size(n, 0, 0, 768, 576, 768, 576);
    expect_size(n, 0, 0, 320, 240, 768, 576);
    expect_size(n, 640, 360, 1920, 1080, 640, 360);
    expect_size(n, 644, 360, 1920, 1080, 0, 0);
    network_close(&n);
    n = open_network(test_model("tiny_yolox"), "auto"); /* takes 128x96 only */
    expect_size(n, 0, 0, 1920, 1080, 128, 96);
    expect_size(n, 128, 96, 1920, 1080, 128, 96);
    expect_size(n, 416, 416, 1920, 1080, 0, 0);
    network_close(&n);
}

/* What comes out with limits is what comes out without them and passes: nothing is moved or found anew. (A
 * mask is left out here: it changes what the network sees.) */
static void test_a_view_drops_small_boxes_and_those_that_stand_outside(void **state)
{
    (void)state;
    const struct point region[] = {{0.1, 0.2}, {0.9, 0.1}, {0.7, 0.95}, {0.3, 1}};
    struct network *n = open_network(test_model("tiny_nanodet"), "auto");
    struct network_context *all_context = open_context(n), *some_context = open_context(n);
    struct view_options limits = plain;
    limits.region = region;
    limits.region_count = 4;
    limits.min_width_px = 40;
    limits.min_height_px = 60;
    struct view *everything = open_view(&plain), *limited = open_view(&limits);
    struct picture *p = patchwork(400, 300, 2);
    const struct detection *all, *some;
    size_t all_count = infer(n, all_context, p, everything, &all),
           some_count = infer(n, some_context, p, limited, &some);
    size_t kept = 0;
    for (size_t i = 0; i < all_count; i++) {
        struct box b = all[i].box;
        double bottom = b.y + b.h > 299.5F ? 299.5 : (double)b.y + b.h;
        struct point feet = {((double)b.x + b.w / 2) / 400, bottom / 300};
        if (b.w < 40 || b.h < 60 || !polygon_contains(region, 4, feet))
            continue;
        assert_true(kept < some_count);
        assert_memory_equal(&some[kept], &all[i], sizeof all[i]);
        kept++;
    }
    assert_int_equal(kept, some_count);
    assert_true(kept > 0 && kept < all_count);
    picture_unref(&p);
    view_destroy(&everything);
    view_destroy(&limited);
    network_context_destroy(&all_context);
    network_context_destroy(&some_context);
    network_close(&n);
}

static void test_a_mask_hides_what_is_behind_it(void **state)
{
    (void)state;
    const struct point half[] = {{-0.1, -0.1}, {0.5, -0.1}, {0.5, 1.1}, {-0.1, 1.1}};
    const struct point *masks[] = {half};
    const size_t counts[] = {4};
    struct network *n = open_network(test_model("tiny_nanodet"), "auto");
    struct network_context *c = open_context(n);
    struct view_options options = plain;
    options.mask_count = 1;
    options.masks = masks;
    options.mask_counts = counts;
    struct view *v = open_view(&options);
    /* Two pictures that differ behind the mask only are the same picture. */
    struct picture *p = patchwork(384, 384, 3), *q = patchwork(384, 384, 3);
    for (int y = 0; y < 384; y++)
        memset((uint8_t *)(uintptr_t)q->planes[0] + (size_t)y * (size_t)q->strides[0], y, 3 * 191);
    const struct detection *d;
    struct detection first[500];
    size_t count = infer(n, c, p, v, &d);
    assert_true(count > 0 && count < 500);
    memcpy(first, d, count * sizeof *d);
    for (size_t i = 0; i < count; i++)
        assert_true(d[i].box.x + d[i].box.w / 2 >= 192);
    assert_int_equal(infer(n, c, q, v, &d), count);
    assert_memory_equal(first, d, count * sizeof *d);
    picture_unref(&p);
    picture_unref(&q);
    view_destroy(&v);
    network_context_destroy(&c);
    network_close(&n);
}

static void test_views_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    const struct point line[] = {{0, 0}, {1, 1}}, bow[] = {{0, 0}, {1, 1}, {1, 0}, {0, 1}};
    const struct point *masks[] = {bow};
    const size_t counts[] = {4};
    const struct {
        struct view_options options;
        const char *says;
    } cases[] = {
        {{.confidence_low = -0.1, .nms_iou = 0.5}, "least score"},
        {{.confidence_low = 1.5, .nms_iou = 0.5}, "least score"},
        {{.confidence_low = 0.5, .nms_iou = -0.1}, "overlap limit"},
        {{.confidence_low = 0.5, .nms_iou = 0.5, .min_width_px = -1}, "least size"},
        {{.confidence_low = 0.5, .nms_iou = 0.5, .input_width = 512}, "network input 512x0"},
        {{.confidence_low = 0.5, .nms_iou = 0.5, .region = line, .region_count = 2}, "region of interest"},
        {{.confidence_low = 0.5, .nms_iou = 0.5, .mask_count = 1, .masks = masks, .mask_counts = counts},
         "mask 1"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct view *view = (struct view *)1;
        struct error error = {0};
        assert_int_equal(view_create(&cases[i].options, &view, &error), ERR_INVALID);
        assert_null(view);
        if (strstr(error.text, cases[i].says) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", error.text, cases[i].says);
    }
}

/* --- several workers
 * --------------------------------------------------------------------------------------------- */

enum { WORKERS = 3, ROUNDS = 12, PICTURES = 4, FOUND_MAX = 4000 };

struct worker {
    struct network *network;
    const struct view *view;
    struct picture *const *pictures;
    struct detection found[PICTURES][FOUND_MAX];
    size_t counts[PICTURES];
};

static void *work(void *argument)
{
    struct worker *w = argument;
    struct network_context *c = open_context(w->network);
    for (size_t i = 0; i < ROUNDS; i++) {
        const struct detection *d;
        size_t count = infer(w->network, c, w->pictures[i % PICTURES], w->view, &d);
        assert_true(count <= FOUND_MAX);
        w->counts[i % PICTURES] = count;
        memcpy(w->found[i % PICTURES], d, count * sizeof *d);
    }
    network_context_destroy(&c);
    return NULL;
}

static void test_every_worker_finds_the_same(void **state)
{
    (void)state;
    static struct worker workers[WORKERS];
    struct network *n = open_network(test_model("tiny_nanodet"), "auto");
    struct view *v = open_view(&plain);
    struct picture *pictures[PICTURES];
    for (size_t i = 0; i < PICTURES; i++)
        pictures[i] = patchwork(200 + 40 * (int)i, 300, i);
    pthread_t threads[WORKERS];
    for (size_t i = 0; i < WORKERS; i++) {
        workers[i] = (struct worker){.network = n, .view = v, .pictures = pictures};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (size_t i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 1; i < WORKERS; i++) {
        for (size_t k = 0; k < PICTURES; k++) {
            assert_int_equal(workers[i].counts[k], workers[0].counts[k]);
            assert_memory_equal(workers[i].found[k], workers[0].found[k],
                                workers[0].counts[k] * sizeof(struct detection));
        }
    }
    for (size_t i = 0; i < PICTURES; i++)
        picture_unref(&pictures[i]);
    view_destroy(&v);
    network_close(&n);
}

/* --- damaged files
 * --------------------------------------------------------------------------------------------------- */

static void write_bytes(const char *path, const char *bytes, size_t size)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

/* Refused with the file's name, or still a network that looks at a picture: no third way. */
static bool is_survived(const char *path, const struct picture *p, const struct view *v)
{
    struct network *n = NULL;
    struct network_context *c = NULL;
    const struct detection *d;
    size_t count;
    struct error error = {0};
    int code = network_open(&(struct network_options){.model_path = path, .threads = 1}, &n, &error);
    if (code < 0) {
        assert_null(n);
        if (strstr(error.text, "damaged.onnx") == NULL)
            fail_msg("\"%s\" does not name the file", error.text);
        return false;
    }
    c = open_context(n);
    code = network_infer(n, c, p, v, &d, &count, &error);
    assert_true(code == 0 || error.text[0] != '\0');
    network_context_destroy(&c);
    network_close(&n);
    return true;
}

static void damage(struct random_state *random, struct buffer *bytes)
{
    size_t at = random_below(random, (uint32_t)bytes->size), length = 1 + random_below(random, 8);
    switch (random_below(random, 3)) {
    case 0:
        bytes->size = at; /* cut off */
        break;
    case 1:
        bytes->data[at] = (char)(bytes->data[at] ^ (1 << random_below(random, 8)));
        break;
    default:
        for (size_t i = at; i < at + length && i < bytes->size; i++)
            bytes->data[i] = (char)random_below(random, 256);
    }
}

static void test_damaged_models_are_refused_or_harmless(void **state)
{
    (void)state;
    static const char *const models[] = {"tiny_nanodet", "tiny_nanodet_plus", "tiny_yolov5", "tiny_yolov8",
                                         "tiny_yolox"};
    char folder[] = "/tmp/sci-damaged-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    text_format(path, sizeof path, "%s/damaged.onnx", folder);
    struct random_state random;
    random_seed(&random, 7);
    struct picture *p = patchwork(160, 120, 5);
    struct view *v = open_view(&plain);
    size_t refused = 0;
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        for (int round = 0; round < 40; round++) {
            struct buffer bytes = {0};
            assert_int_equal(file_read(test_model(models[i]), 1 << 24, &bytes, NULL), 0);
            damage(&random, &bytes);
            write_bytes(path, bytes.data, bytes.size);
            refused += !is_survived(path, p, v);
            buffer_free(&bytes);
        }
    }
    assert_true(refused > 40);
    assert_int_equal(remove(path), 0);
    assert_int_equal(remove(folder), 0);
    picture_unref(&p);
    view_destroy(&v);
}

/* --- real networks
 * ----------------------------------------------------------------------------------------------- */

/* Frame 300 of vtest.avi and the people in it, read off the picture (pixels). */
static const struct box people[] = {{185, 159, 27, 73}, {248, 160, 25, 61}, {294, 162, 25, 69},
                                    {319, 210, 29, 85}, {583, 159, 28, 74}, {617, 165, 24, 67}};
enum { FRAME = 300, PEOPLE = sizeof people / sizeof *people };

static struct picture *read_frame(void)
{
    const char *path = in_source("var/sample/vtest.avi");
    if (!file_exists(path))
        return NULL;
    struct source *source = NULL;
    struct error error = {0};
    const struct source_kind *kind = source_kind_for(path, &error);
    if (kind == NULL || kind->open(&(struct source_options){.uri = path}, &source, &error) < 0)
        fail_msg("%s", error.text);
    struct picture *picture = NULL;
    while (picture == NULL) {
        struct observation o;
        if (kind->read(source, &o, &error) < 0)
            fail_msg("%s", error.text);
        if (o.number == FRAME)
            picture = picture_ref(o.picture);
        observation_release(&o);
    }
    kind->close(&source);
    return picture;
}

struct found {
    size_t people, others;
    float greatest;
};

static struct found look(const char *model, double threshold, const struct picture *p)
{
    struct network *n = open_network(model, "auto");
    struct network_context *c = open_context(n);
    struct view *v = open_view(&(struct view_options){.confidence_low = threshold, .nms_iou = 0.5});
    const struct detection *d;
    size_t count = infer(n, c, p, v, &d);
    bool matched[PEOPLE] = {false};
    struct found f = {.greatest = count > 0 ? d[0].score : 0};
    for (size_t i = 0; i < count; i++) {
        size_t k = 0;
        while (k < PEOPLE && (matched[k] || box_iou(people[k], d[i].box) < 0.5F))
            k++;
        if (k < PEOPLE) {
            matched[k] = true;
            f.people++;
        } else {
            f.others++;
        }
    }
    view_destroy(&v);
    network_context_destroy(&c);
    network_close(&n);
    return f;
}

static void test_hog_finds_people_without_a_model(void **state)
{
    (void)state;
    struct picture *p = read_frame();
    if (p == NULL)
        skip();
    struct found f = look("hog", 0.5, p);
    if (f.people < 5 || f.others > 2)
        fail_msg("%zu people, %zu others", f.people, f.others);
    picture_unref(&p);
}

/* Two frames that differ behind the mask only are the same picture, and nobody is found there. */
static void test_hog_does_not_look_behind_a_mask(void **state)
{
    (void)state;
    const struct point half[] = {{-0.1, -0.1}, {0.5, -0.1}, {0.5, 1.1}, {-0.1, 1.1}};
    const struct point *masks[] = {half};
    const size_t counts[] = {4};
    struct picture *p = read_frame();
    if (p == NULL)
        skip();
    struct picture *q = picture_create(PIXEL_GRAY8, p->width, p->height);
    assert_non_null(q);
    for (int y = 0; y < p->height; y++) {
        uint8_t *row = (uint8_t *)(uintptr_t)q->planes[0] + (size_t)y * (size_t)q->strides[0];
        memset(row, y, (size_t)p->width / 2);
        memcpy(row + p->width / 2, p->planes[0] + (size_t)y * (size_t)p->strides[0] + p->width / 2,
               (size_t)p->width / 2);
    }
    struct network *n = open_network("hog", "auto");
    struct network_context *c = open_context(n);
    struct view *v = open_view(&(struct view_options){
        .confidence_low = 0.2, .nms_iou = 0.6, .mask_count = 1, .masks = masks, .mask_counts = counts});
    const struct detection *d;
    static struct detection first[1000];
    size_t count = infer(n, c, p, v, &d);
    assert_true(count >= 2 && count <= 1000); /* two people stand to the right */
    memcpy(first, d, count * sizeof *d);
    for (size_t i = 0; i < count; i++)
        assert_true(d[i].box.x + d[i].box.w / 2 >= 384);
    assert_int_equal(infer(n, c, q, v, &d), count);
    assert_memory_equal(first, d, count * sizeof *d);
    picture_unref(&p);
    picture_unref(&q);
    view_destroy(&v);
    network_context_destroy(&c);
    network_close(&n);
}

static void test_the_default_model_finds_the_people(void **state)
{
    (void)state;
    char model[1024];
    struct picture *p = read_frame();
    text_format(model, sizeof model, "%s", in_source("var/models/nanodet_g_int8.onnx"));
    if (p == NULL || !file_exists(model)) {
        picture_unref(&p);
        skip();
    }
    struct found f = look(model, 0.45, p);
    assert_int_equal(f.people, PEOPLE);
    assert_int_equal(f.others, 0);
    /* A quantisation on pictures without people caps every score at .64, on photographs of them at .80. */
    assert_true(f.greatest > 0.85F);
    picture_unref(&p);
}

static void test_the_families_real_networks_find_the_people(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        double threshold;
        size_t least;
    } cases[] = {{"nanodet_g_416_dyn_int8", 0.45, 6}, {"nanodet_plus_m_416", 0.35, 6},
                 {"nanodet_plus_m_416_int8", 0.4, 6}, {"yolov5n_640", 0.45, 5},
                 {"yolov5n_640_int8", 0.45, 5},       {"yolov8n_640_int8", 0.5, 6},
                 {"yolo11n_640_int8", 0.2, 6},        {"yolox_nano_416", 0.6, 5}};
    const char *shared = getenv("SCI_SHARED");
    char folder[512];
    text_format(folder, sizeof folder, "%s/models", shared != NULL ? shared : in_source("../shared"));
    struct picture *p = read_frame();
    if (p == NULL || !file_exists(folder)) {
        picture_unref(&p);
        skip();
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char model[1024];
        text_format(model, sizeof model, "%s/%s.onnx", folder, cases[i].model);
        struct found f = look(model, cases[i].threshold, p);
        if (f.people < cases[i].least || f.others > 1)
            fail_msg("%s: %zu people, %zu others", cases[i].model, f.people, f.others);
    }
    picture_unref(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_families_are_recognised),
        cmocka_unit_test(test_wrong_models_are_refused),
        cmocka_unit_test(test_hog_stands_in_for_a_model_that_is_not_there),
        cmocka_unit_test(test_input_size),
        cmocka_unit_test(test_a_view_drops_small_boxes_and_those_that_stand_outside),
        cmocka_unit_test(test_a_mask_hides_what_is_behind_it),
        cmocka_unit_test(test_views_that_make_no_sense_are_refused),
        cmocka_unit_test(test_every_worker_finds_the_same),
        cmocka_unit_test(test_damaged_models_are_refused_or_harmless),
        cmocka_unit_test(test_hog_finds_people_without_a_model),
        cmocka_unit_test(test_hog_does_not_look_behind_a_mask),
        cmocka_unit_test(test_the_default_model_finds_the_people),
        cmocka_unit_test(test_the_families_real_networks_find_the_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
