#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "media/stream_time.h"

#define MS INT64_C(1000000)
#define NONE STREAM_TIME_NONE

enum { STEPS_MAX = 6 };

/* Stamps, arrivals and what has to come out, in milliseconds (NONE stays NONE). One picture lasts 40 ms. */
static const struct {
    const char *what;
    double rate;
    bool live;
    int count;
    int64_t stamps[STEPS_MAX], arrivals[STEPS_MAX], expected[STEPS_MAX];
} cases[] = {
    {"begins at 0", 0, false, 3, {700, 740, 780}, {0}, {0, 40, 80}},
    {"variable rate is kept", 0, false, 4, {0, 40, 1000, 1040}, {0}, {0, 40, 1000, 1040}},
    {"configured rate", 8, false, 3, {0, 40, 80}, {0}, {0, 125, 250}},
    {"repeated stamp", 0, false, 4, {0, 40, 40, 80}, {0}, {0, 40, 60, 80}},
    {"stamp a little back", 0, false, 4, {0, 80, 40, 120}, {0}, {0, 80, 100, 120}},
    {"far back is a cut", 0, false, 4, {5000, 5040, 0, 40}, {0}, {0, 40, 80, 120}},
    {"far ahead is a cut", 0, false, 4, {0, 40, 99000, 99040}, {0}, {0, 40, 80, 120}},
    {"no stamps in a file", 0, false, 3, {NONE, NONE, NONE}, {0}, {0, 40, 80}},
    {"first stamp missing", 0, false, 3, {NONE, 900, 940}, {0}, {0, 40, 80}},
    {"one stamp missing", 0, false, 4, {0, 40, NONE, 120}, {0}, {0, 40, 80, 120}},
    {"no stamps from a camera", 0, true, 3, {NONE, NONE, NONE}, {100, 170, 270}, {0, 70, 170}},
    {"camera's pause is believed", 0, true, 3, {0, 40, 15040}, {0, 40, 15040}, {0, 40, 15040}},
    {"camera's clock jumps ahead", 0, true, 4, {0, 40, 90000, 90040}, {0, 40, 85, 125}, {0, 40, 85, 125}},
    {"camera's clock begins anew", 0, true, 4, {7000, 7040, 0, 40}, {0, 40, 80, 120}, {0, 40, 80, 120}},
};

static void stamps_become_stream_time(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stream_time t = {.rate = cases[i].rate, .live = cases[i].live, .duration_ns = 40 * MS};

        for (int k = 0; k < cases[i].count; k++) {
            int64_t stamp = cases[i].stamps[k] == NONE ? NONE : cases[i].stamps[k] * MS;
            int64_t now = stream_time_next(&t, stamp, cases[i].arrivals[k] * MS);

            if (now != cases[i].expected[k] * MS)
                fail_msg("%s: picture %d is at %g ms, not %g", cases[i].what, k, (double)now / 1e6,
                         (double)cases[i].expected[k]);
        }
    }
}

static void goes_on_over_a_loop(void **state)
{
    struct stream_time t = {.duration_ns = 40 * MS};
    struct stream_time rated = {.duration_ns = 40 * MS, .rate = 10};

    (void)state;
    for (int64_t i = 0; i < 9; i++) {
        assert_int_equal(stream_time_next(&t, (500 + i % 3 * 40) * MS, 0), i * 40 * MS);
        assert_int_equal(stream_time_next(&rated, (500 + i % 3 * 40) * MS, 0), i * 100 * MS);
        if (i % 3 == 2) {
            stream_time_restart(&t);
            stream_time_restart(&rated);
        }
    }
}

/* Whatever comes in, what comes out grows. */
static void always_grows(void **state)
{
    uint64_t random = 88172645463325252u;
    struct stream_time t = {.duration_ns = 1};
    int64_t last = -1;

    (void)state;
    for (int i = 0; i < 100000; i++) {
        int64_t stamp, now;

        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        stamp = (int64_t)random >> (random & 31);
        t.live = random & 64;
        now = stream_time_next(&t, stamp, (int64_t)(random >> 20));
        assert_true(now > last);
        last = now;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(stamps_become_stream_time),
                                       cmocka_unit_test(goes_on_over_a_loop), cmocka_unit_test(always_grows)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
