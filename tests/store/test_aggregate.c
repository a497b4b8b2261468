// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include <math.h>
#include <string.h>

#include "store/aggregate.h"
#include "store_fixture.h"

struct emitted {
    size_t count;
    struct analytics_row rows[64];
};

static void keep(void *user, const struct analytics_row *row)
{
    struct emitted *emitted = user;
    assert_true(emitted->count < 64);
    emitted->rows[emitted->count++] = *row;
    struct error error;
    assert_int_equal(analytics_row_check(row, &error), 0);
}

static const struct analytics_row *find(const struct emitted *emitted, const char *stream, const char *zone,
                                        enum measure_id measure)
{
    for (size_t i = 0; i < emitted->count; i++)
        if (strcmp(emitted->rows[i].stream_id, stream) == 0 && strcmp(emitted->rows[i].zone_id, zone) == 0 &&
            emitted->rows[i].measure == measure)
            return &emitted->rows[i];
    fail_msg("no row of %s %s", stream, zone);
    return NULL;
}

#define MS(n) ((n)*NS_PER_MS)

static void add(struct aggregator *aggregator, const char *stream, int64_t at_ms, double people)
{
    struct snapshot snapshot = fixture_snapshot(stream, DAY_START + MS(at_ms), people);
    assert_int_equal(aggregator_add(aggregator, &snapshot, MS(at_ms)), 0);
}

static void second_summed(void **state)
{
    (void)state;
    struct emitted emitted = {0};
    struct aggregator *aggregator = aggregator_create(keep, &emitted);
    add(aggregator, "gate_a", 0, 4);
    add(aggregator, "gate_a", 300, 8);
    add(aggregator, "gate_a", 999, 3);
    assert_int_equal(emitted.count, 0);
    add(aggregator, "gate_a", 1000, 100);
    /* people, density (uncalibrated), occupancy, flow_in: what a place does not have makes no row */
    assert_int_equal(emitted.count, 4);
    const struct analytics_row *people = find(&emitted, "gate_a", "", MEASURE_PEOPLE);
    assert_int_equal(people->start_ns, DAY_START);
    assert_int_equal(people->step, STEP_1S);
    assert_int_equal(people->samples, 3);
    assert_true(people->mean == 5 && people->min == 3 && people->max == 8 && people->valid_share == 1);
    const struct analytics_row *density = find(&emitted, "gate_a", "", MEASURE_DENSITY_PEAK);
    assert_true(isnan(density->mean) && isnan(density->min) && isnan(density->max));
    assert_true(density->valid_share == 0);
    assert_int_equal(density->samples, 3);
    assert_true(find(&emitted, "gate_a", "north", MEASURE_OCCUPANCY)->mean == 2.5);
    assert_true(find(&emitted, "gate_a", "door", MEASURE_FLOW_IN)->mean == 60);
    aggregator_destroy(aggregator);
}

static void partly_valid(void **state)
{
    (void)state;
    struct emitted emitted = {0};
    struct aggregator *aggregator = aggregator_create(keep, &emitted);
    for (int i = 0; i < 4; i++) {
        struct snapshot snapshot = fixture_snapshot("gate_a", DAY_START + MS(i), 6);
        if (i != 2)
            snapshot.measures.of[MEASURE_PEOPLE] = measure_invalid(REASON_NO_PICTURE);
        assert_int_equal(aggregator_add(aggregator, &snapshot, 0), 0);
    }
    aggregator_close_all(aggregator);
    const struct analytics_row *people = find(&emitted, "gate_a", "", MEASURE_PEOPLE);
    assert_true(people->mean == 6 && people->valid_share == 0.25 && people->samples == 4);
    aggregator_destroy(aggregator);
}

static void silence_closes(void **state)
{
    (void)state;
    struct emitted emitted = {0};
    struct aggregator *aggregator = aggregator_create(keep, &emitted);
    add(aggregator, "gate_a", 500, 1);
    add(aggregator, "gate_b", 1200, 1);
    aggregator_tick(aggregator, MS(2499));
    assert_int_equal(emitted.count, 0);
    aggregator_tick(aggregator, MS(2500));
    assert_int_equal(emitted.count, 4);
    aggregator_tick(aggregator, MS(3200));
    assert_int_equal(emitted.count, 8);
    /* Too late for its second: the row that is there is worth more. */
    add(aggregator, "gate_a", 900, 50);
    aggregator_close_all(aggregator);
    assert_int_equal(emitted.count, 8);
    aggregator_destroy(aggregator);
}

/* The wall clock jumps back: the next second is another one, and nothing is lost or mixed. */
static void clock_jumps(void **state)
{
    (void)state;
    struct emitted emitted = {0};
    struct aggregator *aggregator = aggregator_create(keep, &emitted);
    add(aggregator, "gate_a", 3600000, 1);
    add(aggregator, "gate_a", 3600500, 3);
    add(aggregator, "gate_a", 20, 10);
    assert_int_equal(emitted.count, 4);
    assert_true(find(&emitted, "gate_a", "", MEASURE_PEOPLE)->mean == 2);
    emitted.count = 0;
    aggregator_close_all(aggregator);
    assert_true(find(&emitted, "gate_a", "", MEASURE_PEOPLE)->mean == 10);
    assert_int_equal(find(&emitted, "gate_a", "", MEASURE_PEOPLE)->start_ns, DAY_START);
    aggregator_destroy(aggregator);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(second_summed),
        cmocka_unit_test(partly_valid),
        cmocka_unit_test(silence_closes),
        cmocka_unit_test(clock_jumps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
