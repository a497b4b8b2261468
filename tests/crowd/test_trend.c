#include "crowd/trend.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const int64_t SECOND = 1000000000;

/* A minute of means, value(t) = start + per_s * t. */
static struct trend_result after_a_minute(double start, double per_s, double one_person, double limit)
{
    struct trend trend = {0};
    for (int s = 0; s <= 60; s++) {
        const struct measure m = measure_exact(start + per_s * s);
        trend_add(&trend, s * SECOND, &m);
    }
    return trend_measure(&trend, 60 * SECOND, one_person, limit);
}

static void test_a_steady_rise(void **state)
{
    (void)state;
    /* 100 m2 that fill with one person a second, now 2 people/m2, limit 4. */
    const struct trend_result r = after_a_minute(1.4, 0.01, 0.01, 4);
    assert_true(r.change_per_min.valid && fabs(r.change_per_min.value - 0.6) < 1e-9);
    assert_true(r.forecast.valid && fabs(r.forecast.value - 2.6) < 0.02);
    assert_true(r.time_to_limit.valid && fabs(r.time_to_limit.value - 200) < 2);
    assert_true(r.time_to_limit.low < 175 && r.time_to_limit.low > 120);
    assert_true(r.time_to_limit.high > 230 && r.time_to_limit.high < 300);
}

static void test_two_people_are_no_rise(void **state)
{
    (void)state;
    /* Two more on 50 m2 in a minute: chance, whatever the line says. */
    const struct trend_result r = after_a_minute(0, 2.0 / 50 / 60, 1.0 / 50, 0.2);
    assert_false(r.time_to_limit.valid);
    assert_string_equal(r.time_to_limit.reason, REASON_NOT_RISING);
    assert_true(r.change_per_min.low < 0 && r.change_per_min.high > 0);
}

static void test_falling_and_beyond(void **state)
{
    (void)state;
    assert_string_equal(after_a_minute(3, -0.01, 0.001, 4).time_to_limit.reason, REASON_NOT_RISING);
    const struct trend_result beyond = after_a_minute(3, 0.05, 0.001, 4);
    assert_true(beyond.time_to_limit.valid && beyond.time_to_limit.value == 0);
}

static void test_too_short_and_gaps(void **state)
{
    (void)state;
    struct trend trend = {0};
    const struct measure one = measure_exact(1), none = measure_invalid(REASON_NO_PICTURE);
    for (int s = 0; s < 60; s++) {
        trend_add(&trend, s * SECOND, s < 15 ? &one : &none);
    }
    const struct trend_result r = trend_measure(&trend, 60 * SECOND, 0.01, 4);
    assert_false(r.change_per_min.valid);
    assert_string_equal(r.forecast.reason, REASON_TOO_SHORT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_steady_rise),
        cmocka_unit_test(test_two_people_are_no_rise),
        cmocka_unit_test(test_falling_and_beyond),
        cmocka_unit_test(test_too_short_and_gaps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
