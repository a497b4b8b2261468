#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "pipeline/retry.h"

#define MS NS_PER_MS
#define NEVER_LIVE (-1)

static void grows_to_three_seconds(void **state)
{
    static const int64_t expected_ms[] = {200, 400, 800, 1600, 3000, 3000, 3000};
    struct retry retry = {0};
    int64_t now = 1000 * NS_PER_S;
    (void)state;
    for (size_t i = 0; i < sizeof expected_ms / sizeof *expected_ms; i++, now += 4 * NS_PER_S)
        assert_int_equal(retry_after(&retry, CAUSE_NETWORK, NEVER_LIVE, now, 0), expected_ms[i] * MS);
}

static void chance_only_shortens(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        struct retry retry = {.failures = i % 6};
        int64_t wait = retry_after(&retry, CAUSE_TIMEOUT, NEVER_LIVE, NS_PER_S, i / 100.0);
        assert_true(wait >= 120 * MS && wait <= 3000 * MS);
    }
}

static void slower_after_a_long_outage_and_never_ends(void **state)
{
    struct retry retry = {0};
    int64_t now = NS_PER_S, wait = 0;
    (void)state;
    for (int i = 0; i < 100000; i++) {
        wait = retry_after(&retry, CAUSE_NETWORK, NEVER_LIVE, now, 0);
        assert_true(wait > 0 && wait <= (now > 602 * NS_PER_S ? 10000 : 3000) * MS);
        now += wait;
    }
    assert_int_equal(wait, 10000 * MS);
    assert_int_equal(retry_after(&retry, CAUSE_NETWORK, 60 * NS_PER_S, now, 0), 200 * MS); /* it was back */
    assert_int_equal(retry_after(&retry, CAUSE_NETWORK, NEVER_LIVE, now, 0), 400 * MS);
}

static void a_few_pictures_are_no_recovery(void **state)
{
    struct retry retry = {0};
    (void)state;
    for (int i = 0; i < 5; i++)
        retry_after(&retry, CAUSE_NETWORK, NS_PER_S, NS_PER_S, 0);
    assert_int_equal(retry_after(&retry, CAUSE_NETWORK, NS_PER_S, NS_PER_S, 0), 3000 * MS);
    assert_int_equal(retry_after(&retry, CAUSE_NETWORK, 6 * NS_PER_S, NS_PER_S, 0), 200 * MS);
}

static void a_wrong_password_is_not_repeated_often(void **state)
{
    struct retry new = {0}, known = {0};
    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(retry_after(&new, CAUSE_AUTHENTICATION, NEVER_LIVE, NS_PER_S, 0), 30000 * MS);
    assert_int_equal(retry_after(&known, CAUSE_NETWORK, 60 * NS_PER_S, NS_PER_S, 0), 200 * MS);
    for (int i = 0; i < 3; i++)
        assert_true(retry_after(&known, CAUSE_AUTHENTICATION, NEVER_LIVE, NS_PER_S, 0) <= 3000 * MS);
    assert_int_equal(retry_after(&known, CAUSE_AUTHENTICATION, NEVER_LIVE, NS_PER_S, 0), 30000 * MS);
    assert_true(retry_after(&known, CAUSE_NETWORK, NEVER_LIVE, NS_PER_S, 0) <= 3000 * MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(grows_to_three_seconds),
                                       cmocka_unit_test(chance_only_shortens),
                                       cmocka_unit_test(slower_after_a_long_outage_and_never_ends),
                                       cmocka_unit_test(a_few_pictures_are_no_recovery),
                                       cmocka_unit_test(a_wrong_password_is_not_repeated_often)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
