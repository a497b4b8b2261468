#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/picture.h"

static void test_planes(void **state)
{
    (void)state;
    static const struct {
        enum pixel_format format;
        int planes, chroma_width, chroma_height;
    } cases[] = {{PIXEL_I420, 3, 4, 3},
                 {PIXEL_NV12, 2, 4, 3},
                 {PIXEL_I422, 3, 4, 5},
                 {PIXEL_I444, 3, 7, 5},
                 {PIXEL_GRAY8, 1, 0, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct picture *p = picture_create(cases[i].format, 7, 5);
        assert_int_equal(picture_plane_count(p->format), cases[i].planes);
        for (int k = 0; k < cases[i].planes; k++) {
            int w, h;
            picture_plane_size(p->format, 7, 5, k, &w, &h);
            assert_int_equal(w, k ? cases[i].chroma_width : 7);
            assert_int_equal(h, k ? cases[i].chroma_height : 5);
            memset((uint8_t *)(uintptr_t)p->planes[k], 1,
                   (size_t)p->strides[k] * (size_t)h); /* all of it is ours */
        }
        picture_unref(&p);
        assert_null(p);
    }
    assert_null(picture_create(PIXEL_I420, 0, 5));
    assert_null(picture_create(PIXEL_I420, 5, PICTURE_SIDE_MAX + 1));
}

static void test_pool_is_bounded_and_outlived(void **state)
{
    (void)state;
    struct picture_pool *pool = picture_pool_create(2);
    struct picture *a = picture_pool_take(pool, PIXEL_RGB24, 64, 48);
    struct picture *b = picture_pool_take(pool, PIXEL_RGB24, 64, 48);
    assert_non_null(a);
    assert_non_null(b);
    assert_null(picture_pool_take(pool, PIXEL_RGB24, 64, 48));
    const uint8_t *pixels = b->planes[0];
    struct picture *second = picture_ref(b);
    picture_unref(&b);
    assert_null(picture_pool_take(pool, PIXEL_RGB24, 64, 48)); /* one reference is still out */
    picture_unref(&second);
    b = picture_pool_take(pool, PIXEL_I420, 64, 48);
    assert_ptr_equal(b->planes[0], pixels); /* smaller: the memory is used again */
    picture_pool_destroy(pool);
    picture_unref(&a);
    picture_unref(&b);
}

static void *take_and_give(void *user)
{
    for (int i = 0; i < 5000; i++) {
        struct picture *p = picture_pool_take(user, PIXEL_GRAY8, 16, 16);
        picture_unref(&p);
    }
    return NULL;
}

static void test_pool_threads(void **state)
{
    (void)state;
    struct picture_pool *pool = picture_pool_create(3);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, pool), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    picture_pool_destroy(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_planes),
        cmocka_unit_test(test_pool_is_bounded_and_outlived),
        cmocka_unit_test(test_pool_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
