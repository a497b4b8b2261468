/*
 * In the steady state our own code allocates nothing per picture. The linker puts these functions in the
 * place of malloc and its kin for everything that is linked in statically, which is our code and not the
 * runtime's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "vision/density.h"
#include "vision/flow.h"
#include "vision/network.h"
#include "vision/picture_health.h"

static atomic_size_t allocations;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

void *__wrap_malloc(size_t size)
{
    allocations++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    allocations++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    allocations++;
    return __real_realloc(memory, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    allocations++;
    return __real_aligned_alloc(alignment, size);
}

/* Cameras of four sizes and pixel formats take turns, as they do at one worker. */
static void look_at_many(const char *model, size_t least)
{
    static const struct {
        enum pixel_format format;
        int width, height;
    } cameras[] = {
        {PIXEL_I420, 1280, 720}, {PIXEL_NV12, 640, 480}, {PIXEL_BGR24, 333, 501}, {PIXEL_I422, 704, 576}};
    enum { CAMERAS = sizeof cameras / sizeof *cameras };
    const struct point corner[] = {{0, 0}, {0.2, 0}, {0.2, 0.3}}, *masks[] = {corner};
    const size_t mask_counts[] = {3};
    const struct view_options options = {
        .confidence_low = 0.05, .nms_iou = 0.5, .mask_count = 1, .masks = masks, .mask_counts = mask_counts};
    struct network *network = NULL;
    struct network_context *context = NULL;
    struct view *view = NULL;
    struct error error = {0};
    if (network_open(&(struct network_options){.model_path = model, .threads = 1}, &network, &error) < 0 ||
        network_context_create(network, &context, &error) < 0 || view_create(&options, &view, &error) < 0)
        fail_msg("%s", error.text);
    struct picture *pictures[CAMERAS];
    for (size_t i = 0; i < CAMERAS; i++) {
        pictures[i] = picture_create(cameras[i].format, cameras[i].width, cameras[i].height);
        assert_non_null(pictures[i]);
        uint8_t *bytes = (uint8_t *)(uintptr_t)pictures[i]->planes[0];
        for (int y = 0; y < cameras[i].height; y++)
            memset(bytes + (size_t)y * (size_t)pictures[i]->strides[0], 16 + y % 199,
                   (size_t)cameras[i].width);
    }
    size_t before = 0, found = 0;
    assert_true(allocations > 0);
    for (size_t round = 0; round < 6; round++) {
        if (round == 1)
            before = allocations;
        for (size_t i = 0; i < CAMERAS; i++) {
            const struct detection *d;
            size_t count;
            assert_int_equal(network_infer(network, context, pictures[i], view, &d, &count, &error), 0);
            found += count;
            struct density_result density;
            if (network_has_density(network))
                assert_int_equal(network_density(context, view, &density, &error), 0);
        }
    }
    assert_int_equal(allocations, before);
    assert_true(found >= least);
    for (size_t i = 0; i < CAMERAS; i++)
        picture_unref(&pictures[i]);
    view_destroy(&view);
    network_context_destroy(&context);
    network_close(&network);
}

static void test_no_allocation_per_picture(void **state)
{
    (void)state;
    static const char *const models[] = {"tiny_nanodet", "tiny_nanodet_crowd"};
    const char *root = getenv("SCI_SOURCE_ROOT");
    for (size_t i = 0; i < 2; i++) {
        char model[1024];
        text_format(model, sizeof model, "%s/tests/data/models/%s.onnx", root != NULL ? root : ".",
                    models[i]);
        look_at_many(model, 1);
    }
}

static void test_no_allocation_per_picture_by_hog(void **state)
{
    (void)state;
    look_at_many("hog", 0); /* nobody is there */
}

static void test_no_allocation_per_picture_for_motion(void **state)
{
    (void)state;
    struct flow *flow = flow_create(FLOW_AUTO);
    struct picture *picture = picture_create(PIXEL_GRAY8, 700, 500);
    const struct motion_field *field;
    assert_non_null(flow);
    assert_non_null(picture);
    uint8_t *bytes = (uint8_t *)(uintptr_t)picture->planes[0];
    size_t before = 0;
    for (int round = 0; round < 4; round++) {
        if (round == 1)
            before = allocations;
        picture->stream_ns = round;
        for (int i = 0; i < 500 * picture->strides[0]; i++)
            bytes[i] = (uint8_t)(i * (7 + round));
        assert_int_equal(flow_update(flow, picture, &field, NULL), 0);
    }
    assert_int_equal(allocations, before);
    assert_non_null(field);
    picture_unref(&picture);
    flow_destroy(&flow);
}

static void test_no_allocation_per_picture_for_health(void **state)
{
    (void)state;
    struct picture_health *health = calloc(1, sizeof *health);
    struct picture *picture = picture_create(PIXEL_I420, 640, 384);
    struct picture_finding finding;
    assert_non_null(health);
    assert_non_null(picture);
    uint8_t *bytes = (uint8_t *)(uintptr_t)picture->planes[0];
    size_t before = allocations;
    for (int second = 0; second < 40; second++) { /* learnt, compared, and another view */
        int step = second < 30 ? 5 : 9;
        picture->stream_ns = second * INT64_C(1000000000);
        for (int i = 0; i < 384 * picture->strides[0]; i++)
            bytes[i] = (uint8_t)(i / 13 * step + second % 3);
        picture_health_look(health, &picture_health_defaults, picture, &finding);
    }
    assert_int_equal(allocations, before);
    picture_unref(&picture);
    free(health);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_allocation_per_picture),
                                       cmocka_unit_test(test_no_allocation_per_picture_by_hog),
                                       cmocka_unit_test(test_no_allocation_per_picture_for_motion),
                                       cmocka_unit_test(test_no_allocation_per_picture_for_health)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
