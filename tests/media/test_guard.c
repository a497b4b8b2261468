/* The guard of FFmpeg's calls: what interrupts, and what it says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "media/guard.h"

static void nothing_interrupts_without_a_limit(void **state)
{
    struct guard guard = {0};
    struct error error = {0};

    (void)state;
    guard_arm(&guard, 0);
    assert_int_equal(guard_interrupted(&guard), 0);
    assert_int_equal(guard_error(&guard, "gate", "no picture in time", &error), 0);
}

static void a_deadline_interrupts_until_it_is_armed_again(void **state)
{
    struct guard guard = {0};
    struct error error = {0};

    (void)state;
    guard_arm(&guard, 1);
    clock_sleep_ns(NS_PER_MS);
    assert_true(guard_interrupted(&guard));
    assert_int_equal(guard_error(&guard, "gate", "no picture in time", &error), ERR_TIMEOUT);
    assert_string_equal(error.text, "gate: no picture in time");
    guard_arm(&guard, 3600 * NS_PER_S);
    assert_int_equal(guard_interrupted(&guard), 0);
    assert_int_equal(guard_error(&guard, "gate", "no picture in time", &error), 0);
}

/* Who cancels is heard before the clock, and for good. */
static void cancel_interrupts_for_good(void **state)
{
    atomic_bool cancel = false;
    struct guard guard = {.cancel = &cancel};
    struct error error = {0};

    (void)state;
    guard_arm(&guard, 1);
    clock_sleep_ns(NS_PER_MS);
    atomic_store(&cancel, true);
    assert_true(guard_interrupted(&guard));
    assert_int_equal(guard_error(&guard, "gate", "no picture in time", &error), ERR_CANCELED);
    guard_arm(&guard, 0);
    assert_true(guard_interrupted(&guard));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_interrupts_without_a_limit),
                                       cmocka_unit_test(a_deadline_interrupts_until_it_is_armed_again),
                                       cmocka_unit_test(cancel_interrupts_for_good)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
