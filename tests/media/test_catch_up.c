#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "media/catch_up.h"

#define MS INT64_C(1000000)

/* A camera at 25 packets a second. */
struct camera {
    struct catch_up catch_up;
    int64_t stamp_ms;
    int key_every; /* packets */
    int count;
    int skipped, resumed;
};

static enum catch_up_advice packet(struct camera *c, int64_t arrival_ms)
{
    bool key = c->count++ % c->key_every == 0;
    struct catch_up_packet p = {.stamp_ns = c->stamp_ms * MS, .arrival_ns = arrival_ms * MS, .key = key};
    enum catch_up_advice advice = catch_up_look(&c->catch_up, &p);

    c->stamp_ms += 40;
    c->skipped += advice == CATCH_UP_SKIP;
    c->resumed += advice == CATCH_UP_RESUME;
    if (advice == CATCH_UP_RESUME)
        assert_true(key);
    return advice;
}

/* `count` packets that come `late_ms` after their time; before them the clocks are 5 s apart. */
static void in_time(struct camera *c, int count, int64_t late_ms)
{
    for (int i = 0; i < count; i++)
        packet(c, 5000 + c->stamp_ms + late_ms);
}

/* What waits in a queue from now on is read at once, until nothing does. */
static void drain(struct camera *c, int64_t behind_ms)
{
    int64_t now = 5000 + c->stamp_ms + behind_ms;

    while (5000 + c->stamp_ms < now)
        packet(c, now++);
}

static void a_queue_is_skipped(void **state)
{
    struct camera c = {.key_every = 50};

    (void)state;
    in_time(&c, 120, 0);
    assert_int_equal(c.skipped, 0);
    drain(&c, 6000);
    in_time(&c, 60, 0);
    assert_int_equal(c.resumed, 1);
    assert_true(c.skipped > 120 && c.skipped < 220); /* the queue, and at most two seconds to the key frame */
    in_time(&c, 500, 0);
    assert_int_equal(c.resumed, 1);
    drain(&c, 2000);
    in_time(&c, 60, 0);
    assert_int_equal(c.resumed, 2);
    assert_int_equal(c.catch_up.skipped, c.skipped);
}

static void less_than_a_second_is_decoded(void **state)
{
    struct camera c = {.key_every = 25};

    (void)state;
    in_time(&c, 100, 0);
    for (int i = 0; i < 10; i++) {
        drain(&c, 900);
        in_time(&c, 100, 0);
    }
    assert_int_equal(c.skipped, 0);
}

/* The first pictures of a camera often come at once: they are from before, and no queue. */
static void a_burst_at_the_start_is_decoded(void **state)
{
    struct camera c = {.key_every = 50};

    (void)state;
    for (int64_t i = 0; i < 50; i++)
        packet(&c, 7000 + i);
    in_time(&c, 200, 0);
    assert_int_equal(c.skipped, 0);
}

static void rare_key_frames_are_waited_for_by_nobody(void **state)
{
    struct camera c = {.key_every = 250};

    (void)state;
    drain(&c, 3000); /* and before the distance is known neither */
    in_time(&c, 600, 0);
    drain(&c, 6000);
    in_time(&c, 600, 0);
    assert_int_equal(c.skipped, 0);
}

/* A network that is too slow: reading does not help, so it is tried less and less often. */
static void a_slow_network_is_no_queue(void **state)
{
    struct camera c = {.key_every = 25};
    int64_t late = 0;

    (void)state;
    in_time(&c, 100, 0);
    for (int i = 0; i < 25 * 300; i++)
        packet(&c, 5000 + c.stamp_ms + (late += 10)); /* a quarter slower than it should be */
    assert_true(c.resumed >= 2 && c.resumed <= 5);
    assert_true(c.skipped < 5 * (13 + 25));
}

static void a_clock_that_is_set_is_no_queue(void **state)
{
    struct camera c = {.key_every = 25};

    (void)state;
    in_time(&c, 100, 0);
    c.stamp_ms -= 3000;
    for (int i = 0; i < 100; i++)
        packet(&c, 5000 + c.stamp_ms + 3000);
    c.stamp_ms += 3600000;
    for (int i = 0; i < 100; i++)
        packet(&c, 5000 + c.stamp_ms - 3597000);
    assert_int_equal(c.skipped, 0);
}

/* While packets are skipped the clock is set: what follows a gap still begins with a key frame. */
static void a_gap_ends_with_a_key_frame_whatever_happens(void **state)
{
    struct camera c = {.key_every = 25};

    (void)state;
    in_time(&c, 110, 0);
    for (int i = 0; i < 5; i++)
        packet(&c, 5000 + c.stamp_ms + 3000);
    assert_true(c.catch_up.skipping);
    c.stamp_ms -= 60000;
    for (int i = 0; i < 30; i++)
        packet(&c, 5000 + c.stamp_ms + 63000);
    assert_int_equal(c.resumed, 1);
    assert_false(c.catch_up.skipping);
}

static void drift_is_no_queue(void **state)
{
    struct camera c = {.key_every = 25};

    (void)state;
    for (int i = 0; i < 25 * 3600; i++)
        packet(&c, 5000 + c.stamp_ms + c.stamp_ms / 1000);
    assert_int_equal(c.skipped, 0);
}

/* MJPEG over HTTP. */
static void of_pictures_without_stamps_the_last_counts(void **state)
{
    struct catch_up c = {0};
    struct catch_up_packet p = {.stamp_ns = CATCH_UP_NONE, .key = true};
    int decoded = 0;

    (void)state;
    for (int i = 0; i < 100; i++) {
        p.waited_ns = 40 * MS;
        assert_int_equal(catch_up_look(&c, &p), CATCH_UP_DECODE);
    }
    p.waited_ns = MS / 100;
    for (int i = 0; i < 100; i++)
        decoded += catch_up_look(&c, &p) == CATCH_UP_DECODE;
    assert_int_equal(decoded, 10);
    assert_int_equal(c.skipped, 90);
    p.waited_ns = 40 * MS;
    assert_int_equal(catch_up_look(&c, &p), CATCH_UP_DECODE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_queue_is_skipped),
                                       cmocka_unit_test(less_than_a_second_is_decoded),
                                       cmocka_unit_test(a_burst_at_the_start_is_decoded),
                                       cmocka_unit_test(rare_key_frames_are_waited_for_by_nobody),
                                       cmocka_unit_test(a_slow_network_is_no_queue),
                                       cmocka_unit_test(a_clock_that_is_set_is_no_queue),
                                       cmocka_unit_test(a_gap_ends_with_a_key_frame_whatever_happens),
                                       cmocka_unit_test(drift_is_no_queue),
                                       cmocka_unit_test(of_pictures_without_stamps_the_last_counts)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
