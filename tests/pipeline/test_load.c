/* What gives way under overload, and how a camera's rate follows its scene: arithmetic on figures and times.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "pipeline/load.h"
#include "pipeline/rate.h"
#include "pipeline/schedule.h"
#include "vision/network.h"

static void assert_near(double found, double expected, double tolerance)
{
    if (fabs(found - expected) > tolerance)
        fail_msg("found %.9g, expected %.9g", found, expected);
}

/* ---- load: a machine that analyses `capacity` pictures per second at full size ---- */

struct machine {
    struct load load;
    int64_t now_ns;
    double capacity, cameras, target;
    int last_equal;
    int changes, steps; /* of anything, of the rung */
};

static struct machine machine_of(double capacity, double cameras, double target)
{
    return (struct machine){.load = load_start(2),
                            .now_ns = 1000 * NS_PER_S,
                            .capacity = capacity,
                            .cameras = cameras,
                            .target = target};
}

static void run(struct machine *m, double seconds)
{
    for (double t = 0; t < seconds; t++) {
        double cheaper = (double)network_rung_pixels(0) / network_rung_pixels(m->load.rung);
        double wanted = m->cameras * m->target, can = m->capacity * cheaper;
        double analysed = fmin(wanted, can);
        struct load_sample s = {.seconds = 1,
                                .wanted = wanted,
                                .analysed = analysed,
                                .busy = 2 * analysed / can,
                                .floor = load_floor_share(5, m->target),
                                .has_ladder = true,
                                .last_equal = m->last_equal};
        int rung = m->load.rung;
        m->now_ns += NS_PER_S;
        m->changes += load_update(&m->load, &s, m->now_ns);
        m->steps += m->load.rung != rung;
    }
}

static void test_nothing_gives_way_without_need(void **state)
{
    (void)state;
    struct machine m = machine_of(70, 8, 8);
    run(&m, 3600);
    assert_int_equal(load_level(&m.load), LOAD_NORMAL);
    assert_int_equal(m.changes, 0);
    assert_true(m.load.share == 1);
}

static void test_the_rate_gives_way_first(void **state)
{
    (void)state;
    struct machine m = machine_of(60, 8, 10);
    run(&m, 600);
    assert_int_equal(load_level(&m.load), LOAD_RATE);
    assert_int_equal(m.changes, 1);
    assert_near(m.load.share, 0.75, 1e-3);
}

static void test_then_the_resolution_and_only_as_far_as_needed(void **state)
{
    (void)state;
    struct machine m = machine_of(56, 16, 8); /* 3.5 each; the floor is 5 */
    run(&m, 600);
    assert_int_equal(load_level(&m.load), LOAD_RESOLUTION);
    assert_int_equal(m.load.rung, 1); /* 5.05 each */
    assert_true(m.load.share * 8 >= 5);
    m.capacity = 10; /* nothing would be enough: the last rung, and there it stays */
    run(&m, 600);
    assert_int_equal(m.load.rung, NETWORK_RUNGS - 1);
}

static double time_share(const struct machine *m)
{
    double cheaper = (double)network_rung_pixels(0) / network_rung_pixels(m->load.rung);
    return m->cameras * m->target / (m->capacity * cheaper);
}

static void test_among_equal_sizes_cost_decides(void **state)
{
    (void)state;
    static const struct {
        double cameras, target;
        int rung;
    } cases[] = {{1, 8, 0}, {4, 8, 0}, {8, 8, 1}, {8, 12.5, 2}, {16, 8, 2}, {60, 8, 3}, {8, 4, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct machine m = machine_of(120, cases[i].cameras, cases[i].target);
        m.last_equal = 2;
        run(&m, 600);
        assert_int_equal(m.load.rung, cases[i].rung);
        assert_int_equal(m.steps, cases[i].rung); /* and there it stays */
        assert_int_equal(load_level(&m.load), cases[i].rung > 2 ? LOAD_RESOLUTION : LOAD_NORMAL);
        if (m.load.rung < 2)
            assert_true(time_share(&m) <= LOAD_THRIFT);
        m.cameras = 1; /* the others have gone: full size again */
        run(&m, 120);
        assert_int_equal(m.load.rung, 0);
    }
}

static void test_it_recovers_in_the_reverse_order(void **state)
{
    (void)state;
    struct machine m = machine_of(30, 16, 8);
    run(&m, 60);
    assert_int_equal(m.load.rung, NETWORK_RUNGS - 1);
    m.cameras = 4;
    run(&m, 60);
    assert_int_equal(m.load.rung, 0);
    assert_int_equal(load_level(&m.load), LOAD_NORMAL); /* 7.5 of 8: hardly less */
}

static void test_a_load_that_comes_and_goes_does_not_make_it_flutter(void **state)
{
    (void)state;
    struct machine m = machine_of(60, 8, 8);
    run(&m, 30);
    for (int minute = 0; minute < 60; minute++) { /* every minute twelve cameras more for 20 s */
        m.cameras = 20;
        run(&m, 20);
        m.cameras = 8;
        run(&m, 40);
    }
    assert_true(m.steps < 30); /* 240, were it to follow each time */
}

static void test_without_a_ladder_only_the_rate_gives_way(void **state)
{
    (void)state;
    struct load load = load_start(2);
    struct load_sample s = {.seconds = 1, .wanted = 100, .analysed = 10, .busy = 2, .floor = 0.5};
    for (int64_t t = 1; t < 100; t++)
        load_update(&load, &s, t * NS_PER_S);
    assert_int_equal(load_level(&load), LOAD_RATE);
    assert_int_equal(load.rung, 0);
}

static void test_no_camera_no_overload(void **state)
{
    (void)state;
    struct machine m = machine_of(20, 16, 8);
    run(&m, 60);
    assert_true(m.load.rung > 0);
    struct load_sample nothing = {.seconds = 1};
    for (int t = 0; t < 60; t++)
        load_update(&m.load, &nothing, m.now_ns += NS_PER_S);
    assert_int_equal(load_level(&m.load), LOAD_NORMAL);
}

static void test_floors(void **state)
{
    (void)state;
    assert_near(load_floor_share(5, 12.5), 0.4, 1e-12);
    assert_near(load_floor_share(5, 8), 0.625, 1e-12);
    assert_near(load_floor_share(5, 2), 2.0 / 3, 1e-12);
    assert_near(load_floor_share(5, 0), 2.0 / 3, 1e-12);
}

/* ---- schedule: cameras with pictures at 25/s and a worker that needs `service_ns` for one ---- */

enum { CAMERAS = 16 };

static void simulate(struct schedule *s, int64_t service_ns, double seconds, double rates[CAMERAS])
{
    int served[CAMERAS] = {0};
    int64_t now = 1000 * NS_PER_S, end = now + (int64_t)(seconds * 1e9);
    while (now < end) {
        int best = -1;
        for (int i = 0; i < CAMERAS; i++)
            if (schedule_overdue(&s[i], now) >= 0 &&
                (best < 0 || schedule_overdue(&s[i], now) > schedule_overdue(&s[best], now)))
                best = i;
        if (best < 0) {
            now += NS_PER_MS;
            continue;
        }
        schedule_advance(&s[best], now);
        served[best]++;
        now += service_ns;
    }
    for (int i = 0; i < CAMERAS; i++)
        rates[i] = served[i] / seconds;
}

static void start_schedules(struct schedule *s, double slow, double fast)
{
    for (int i = 0; i < CAMERAS; i++) {
        s[i] = (struct schedule){0};
        schedule_set_rate(&s[i], i % 2 ? fast : slow, 0);
    }
}

static void test_every_target_is_met_when_there_is_time(void **state)
{
    (void)state;
    struct schedule s[CAMERAS];
    double rates[CAMERAS];
    start_schedules(s, 3, 8);
    simulate(s, 5 * NS_PER_MS, 60, rates);
    for (int i = 0; i < CAMERAS; i++)
        assert_near(rates[i], i % 2 ? 8 : 3, 0.1);
}

static void test_overload_is_shared_by_target(void **state)
{
    (void)state;
    struct schedule s[CAMERAS];
    double rates[CAMERAS];
    start_schedules(s, 4, 12);
    simulate(s, 20 * NS_PER_MS, 60, rates); /* 50 of 128 per second */
    for (int i = 0; i < CAMERAS; i++) {
        double share = rates[i] / (i % 2 ? 12 : 4);
        assert_true(share > 0.39 / 1.15 && share < 0.39 * 1.15);
    }
}

static void test_a_camera_that_was_away_does_not_burst(void **state)
{
    (void)state;
    struct schedule s = {0};
    schedule_set_rate(&s, 10, 0);
    int64_t now = 5000 * NS_PER_S;
    int at_once = 0;
    while (schedule_overdue(&s, now) >= 0) {
        schedule_advance(&s, now);
        at_once++;
    }
    assert_true(at_once <= 2);
    schedule_set_rate(&s, 1, now); /* slower: not yet; faster again: soon */
    assert_true(schedule_overdue(&s, now + 500 * NS_PER_MS) < 0);
    schedule_set_rate(&s, 20, now);
    assert_true(schedule_overdue(&s, now + 60 * NS_PER_MS) >= 0);
}

/* ---- rate ---- */

static struct track track_at(float width, double speed)
{
    return (struct track){
        .box = {.w = width, .h = 3 * width}, .velocity_px_valid = true, .velocity_px = {speed, 0}};
}

static void test_rates(void **state)
{
    (void)state;
    struct track slow[10], fast = track_at(20, 40);
    for (int i = 0; i < 10; i++)
        slow[i] = track_at(20, 1);
    static const struct {
        int people;
        bool fast, newcomers;
        double rate;
    } cases[] = {{0, false, false, 2},
                 {5, false, false, 6},
                 {10, false, false, 10},
                 {1, true, false, 8}, /* two widths a second, four pictures each */
                 {0, false, true, 10}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rate rate = rate_between(2, 10);
        struct rate_scene scene = {.tracks = cases[i].fast ? &fast : slow,
                                   .track_count = (size_t)cases[i].people,
                                   .newcomers = cases[i].newcomers};
        rate_update(&rate, &scene, NS_PER_S);
        double last = rate_update(&rate, &scene, 100 * NS_PER_S);
        assert_near(last, cases[i].rate, 1e-6);
    }
}

static void test_a_rate_rises_at_once_and_falls_slowly(void **state)
{
    (void)state;
    struct rate rate = rate_between(2, 10);
    struct rate_scene empty = {0}, somebody = {.newcomers = true};
    assert_near(rate_update(&rate, &empty, 100 * NS_PER_S), 10, 1e-9);
    double after = rate_update(&rate, &empty, 100 * NS_PER_S + RATE_FALL_NS);
    assert_near(after, 2 + 8 * exp(-1), 1e-9);
    assert_near(rate_update(&rate, &empty, 200 * NS_PER_S), 2, 1e-6);
    assert_near(rate_update(&rate, &somebody, 200 * NS_PER_S), 10, 1e-9);
}

static void test_fixed_rates(void **state)
{
    (void)state;
    struct rate_scene empty = {0};
    for (int i = 0; i < 2; i++) {
        struct rate rate = rate_between(i == 0 ? 0 : 12, 8);
        rate_update(&rate, &empty, NS_PER_S);
        assert_near(rate_update(&rate, &empty, 1000 * NS_PER_S), 8, 1e-9);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_gives_way_without_need),
        cmocka_unit_test(test_the_rate_gives_way_first),
        cmocka_unit_test(test_then_the_resolution_and_only_as_far_as_needed),
        cmocka_unit_test(test_among_equal_sizes_cost_decides),
        cmocka_unit_test(test_it_recovers_in_the_reverse_order),
        cmocka_unit_test(test_a_load_that_comes_and_goes_does_not_make_it_flutter),
        cmocka_unit_test(test_without_a_ladder_only_the_rate_gives_way),
        cmocka_unit_test(test_no_camera_no_overload),
        cmocka_unit_test(test_floors),
        cmocka_unit_test(test_every_target_is_met_when_there_is_time),
        cmocka_unit_test(test_overload_is_shared_by_target),
        cmocka_unit_test(test_a_camera_that_was_away_does_not_burst),
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_a_rate_rises_at_once_and_falls_slowly),
        cmocka_unit_test(test_fixed_rates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
