#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crowd/line_counter.h"
#include "crowd/zone_memory.h"
#include "crowd_test.h"

static const double ERROR_M = 0.25;
static const int64_t STEP_NS = 100000000;

static const struct line gate = {.id = "gate",
                                 .coordinates = COORDINATES_GROUND,
                                 .width_m = 2,
                                 .point_count = 2,
                                 .points = {{0, 0}, {4, 0}}};

static struct line_counter *counter(size_t slots)
{
    struct line_counter *c = NULL;
    assert_int_equal(line_counter_create(&gate, 1, &c, NULL), 0);
    assert_int_equal(line_counter_reserve(c, slots, NULL), 0);
    return c;
}

static void see(struct line_counter *c, size_t slot, bool fresh, int64_t now_ns, struct point at,
                struct random_state *random)
{
    const double noise = random ? ERROR_M / sqrt(2) : 0;
    const struct line_sight sight = {.slot = slot,
                                     .fresh = fresh,
                                     .now_ns = now_ns,
                                     .ground_valid = true,
                                     .ground = {at.x + (noise > 0 ? noise * random_normal(random) : 0),
                                                at.y + (noise > 0 ? noise * random_normal(random) : 0)},
                                     .ground_error = ERROR_M};
    line_counter_see(c, &sight);
}

static struct line_state measured(struct line_counter *c, int64_t now_ns)
{
    struct line_state s = {.line = &gate};
    line_counter_measure(c, 0, now_ns, true, &s);
    return s;
}

/* The line runs along +x: its left is +y, so that walking down is in. */
static void walkers_count_once_each_way(void **state)
{
    (void)state;
    struct random_state random;
    random_seed(&random, 1);
    struct line_counter *c = counter(100);
    (void)measured(c, 0);
    for (size_t i = 0; i < 100; i++) {
        const double way = i < 70 ? -1 : 1;
        for (int k = 0; k <= 50; k++) {
            const double y = way * (0.1 * k - 2.5);
            see(c, i, k == 0, k * STEP_NS, (struct point){0.5 + 0.03 * (double)i, y}, &random);
        }
    }
    const struct line_state s = measured(c, 60 * (int64_t)1000000000);
    assert_int_equal(s.count_in, 70);
    assert_int_equal(s.count_out, 30);
    near(s.measures.of[MEASURE_FLOW_IN].value, 70, 1e-9);
    near(s.measures.of[MEASURE_FLOW_SPECIFIC].value, 50, 1e-9);
    near(s.measures.of[MEASURE_FLOW_CAPACITY_SHARE].value, 100 * 50 / 82.0, 1e-9);
    assert_true(s.measures.of[MEASURE_FLOW_IN].low < 60 && s.measures.of[MEASURE_FLOW_IN].high > 80);
    line_counter_destroy(&c);
}

static void who_stands_on_the_line_is_not_counted_to_and_fro(void **state)
{
    (void)state;
    struct random_state random;
    random_seed(&random, 2);
    struct line_counter *c = counter(50);
    for (size_t i = 0; i < 50; i++) {
        for (int k = 0; k < 100; k++) {
            see(c, i, k == 0, k * STEP_NS, (struct point){2, 0}, &random);
        }
    }
    const struct line_state s = measured(c, 100 * STEP_NS);
    assert_true(s.count_in + s.count_out <=
                75); /* 50 people for ten seconds each: some once, hardly one twice */
    line_counter_destroy(&c);
}

static void other_ways_do_not_count(void **state)
{
    (void)state;
    struct line_counter *c = counter(3);
    /* Round the end of the line; along it; and a predicted position is not seen at all. */
    const struct point round[] = {{3, 1}, {5, 1}, {5, -1}, {3, -1}};
    for (int k = 0; k < 4; k++) {
        see(c, 0, k == 0, k, round[k], NULL);
    }
    for (int k = 0; k < 40; k++) {
        see(c, 1, k == 0, k, (struct point){0.1 * k, 0.5}, NULL);
    }
    /* The slot's next person starts anew: no way leads from the last one to them. */
    see(c, 2, true, 0, (struct point){2, 1}, NULL);
    see(c, 2, true, 1, (struct point){2, -1}, NULL);
    struct line_state s = measured(c, 1);
    assert_int_equal(s.count_in + s.count_out, 0);
    assert_string_equal(s.measures.of[MEASURE_FLOW_IN].reason, REASON_TOO_SHORT);
    line_counter_measure(c, 0, 1, false, &s);
    assert_string_equal(s.measures.of[MEASURE_FLOW_IN].reason, REASON_UNCALIBRATED);
    line_counter_destroy(&c);
}

static void there_and_back_counts_both_ways(void **state)
{
    (void)state;
    struct line_counter *c = counter(1);
    for (int k = 0; k < 5; k++) {
        see(c, 0, k == 0, k, (struct point){2, k % 2 ? -1 : 1}, NULL);
    }
    const struct line_state s = measured(c, 5);
    assert_int_equal(s.count_in, 2);
    assert_int_equal(s.count_out, 2);
    line_counter_destroy(&c);
}

/* Counting misses one in ten, looking is wrong by three people: the balance is nearer the truth than either.
 */
static void the_balance_does_not_drift(void **state)
{
    (void)state;
    struct random_state random;
    random_seed(&random, 3);
    struct balance b = {0};
    double truth = 20;
    double counted = 20;
    double off_balance = 0;
    double off_look = 0;
    double off_count = 0;
    for (int k = 0; k < 2000; k++) {
        const double in = random_below(&random, 3);
        const double out = fmin(truth, random_below(&random, 3));
        truth += in - out;
        const double seen_in = in > 0 && random_unit(&random) < 0.1 ? in - 1 : in;
        counted += seen_in - out;
        const double look = truth + 3 * random_normal(&random);
        balance_update(&b, seen_in, out, 1, fmax(0, look), 9);
        off_balance += fabs(b.people - truth) / 2000;
        off_look += fabs(look - truth) / 2000;
        off_count += fabs(counted - truth) / 2000;
    }
    assert_true(off_balance < 0.8 * off_look);
    assert_true(off_balance < 0.1 * off_count);
}

/* Ten people walk through 5 m at 1 m/s, one a second: Edie's density, flow and speed, and the dwell. */
static void a_steady_stream_has_edies_numbers(void **state)
{
    (void)state;
    struct zone_memory *m = NULL;
    assert_int_equal(zone_memory_create(1, &m, NULL), 0);
    assert_int_equal(zone_memory_reserve(m, 64, NULL), 0);
    const struct zone zone = {.id = "z", .kind = ZONE_EXIT};
    struct measure_set set;
    for (int k = 0; k <= 600; k++) {
        zone_memory_begin(m, 0, k * STEP_NS);
        double inside = 0;
        for (int person = 0; person < 60; person++) {
            const double x = 0.1 * k - person; /* enters at 0, leaves at 5 */
            const bool in = x >= 0 && x < 5;
            inside += in;
            const struct zone_sight sight = {
                .slot = (size_t)person, .fresh = k == 0, .inside = in, .speed_valid = true, .speed = 1};
            zone_memory_see(m, 0, &sight);
        }
        measure_set_clear(&set);
        set.of[MEASURE_OCCUPANCY] = measure_exact(inside);
        set.of[MEASURE_SPEED_MEAN] = measure_exact(1);
        set.of[MEASURE_DENSITY_MEAN] = measure_exact(inside / 10);
        zone_memory_end(m, 0, &zone, 10, &set);
    }
    near(set.of[MEASURE_EDIE_DENSITY].value, 0.5, 0.03);
    near(set.of[MEASURE_EDIE_FLOW].value, 30, 2);
    near(set.of[MEASURE_EDIE_SPEED].value, 1, 1e-9);
    near(set.of[MEASURE_DWELL_MEAN].value, 2.5, 0.1);
    near(set.of[MEASURE_QUEUE_LENGTH].value, 0, 0);
    near(set.of[MEASURE_QUEUE_WAIT].value, 0, 0);
    near(set.of[MEASURE_STANDING_SHARE].value, 0, 0);
    assert_string_equal(set.of[MEASURE_STOP_AND_GO].reason, REASON_NOT_MEASURABLE); /* not dense */
    zone_memory_destroy(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walkers_count_once_each_way),
        cmocka_unit_test(who_stands_on_the_line_is_not_counted_to_and_fro),
        cmocka_unit_test(other_ways_do_not_count),
        cmocka_unit_test(there_and_back_counts_both_ways),
        cmocka_unit_test(the_balance_does_not_drift),
        cmocka_unit_test(a_steady_stream_has_edies_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
