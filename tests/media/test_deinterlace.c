#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "media/deinterlace.h"

enum { WIDTH = 61, HEIGHT = 33, STRIDE = 64 };

static uint8_t plane[HEIGHT][STRIDE], before[HEIGHT][STRIDE];

static void mend(void)
{
    memcpy(before, plane, sizeof plane);
    deinterlace_plane(&plane[0][0], STRIDE, WIDTH, HEIGHT);
}

/* A bright bar that has moved on by the time of the second field. */
static void combs_go(void **state)
{
    (void)state;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < STRIDE; x++)
            plane[y][x] = x >= 20 + 6 * (y % 2) && x < 40 + 6 * (y % 2) ? 200 : 50;
    mend();
    for (int y = 0; y + 1 < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            assert_int_equal(plane[y][x], before[0][x]); /* one moment, without a comb */
}

/* Slopes, edges and flat parts, as a picture has that is not interlaced at all. */
static void detail_stays(void **state)
{
    (void)state;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < STRIDE; x++)
            plane[y][x] = (uint8_t)(y < 12 ? 3 * y + x : y < 20 ? 200 : 20 + y % 2 * 8);
    mend();
    assert_memory_equal(plane, before, sizeof plane);
}

static void stays_within_its_plane(void **state)
{
    (void)state;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < STRIDE; x++)
            plane[y][x] = (uint8_t)rand();
    mend();
    for (int y = 0; y < HEIGHT; y++) {
        assert_memory_equal(&plane[y][WIDTH], &before[y][WIDTH], STRIDE - WIDTH);
        if (y % 2 == 0)
            assert_memory_equal(plane[y], before[y], WIDTH);
    }
    deinterlace_plane(&plane[0][0], STRIDE, WIDTH, 1);
    deinterlace_plane(&plane[0][0], STRIDE, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(combs_go), cmocka_unit_test(detail_stays),
                                       cmocka_unit_test(stays_within_its_plane)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
