#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/queue.h"

static int freed;

static void count_free(void *item)
{
    free(item);
    freed++;
}

static int *number(int value)
{
    int *n = malloc(sizeof *n);
    assert_non_null(n);
    *n = value;
    return n;
}

static void test_full_closed_and_dropped(void **state)
{
    (void)state;
    freed = 0;
    struct queue *q = queue_create(2, count_free);
    assert_int_equal(queue_try_put(q, number(1)), 0);
    assert_int_equal(queue_try_put(q, number(2)), 0);
    int *third = number(3);
    assert_int_equal(queue_try_put(q, third), ERR_FULL);
    assert_int_equal(queue_put_wait(q, third, 1000000), ERR_TIMEOUT);
    assert_int_equal(queue_put_newest(q, third), 1);
    assert_int_equal(freed, 1);
    int *got = queue_take(q, 0);
    assert_int_equal(*got, 2);
    free(got);
    queue_close(q);
    int *late = number(4);
    assert_int_equal(queue_try_put(q, late), ERR_CLOSED);
    free(late);
    got = queue_take(q, -1);
    assert_int_equal(*got, 3);
    free(got);
    assert_null(queue_take(q, -1));
    assert_true(queue_is_closed(q));
    queue_destroy(q);
    assert_int_equal(freed, 1);
}

enum { ITEMS = 20000 };

static void *produce(void *user)
{
    for (int i = 0; i < ITEMS; i++)
        if (queue_put_wait(user, number(i), -1) != 0)
            abort();
    return NULL;
}

static void test_nothing_is_lost_between_threads(void **state)
{
    (void)state;
    struct queue *q = queue_create(16, count_free);
    pthread_t producers[2];
    int64_t sum = 0;
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&producers[i], NULL, produce, q), 0);
    for (int i = 0; i < 2 * ITEMS; i++) {
        int *got = queue_take(q, -1);
        sum += *got;
        free(got);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(producers[i], NULL);
    assert_int_equal(sum, (int64_t)ITEMS * (ITEMS - 1));
    assert_int_equal(queue_size(q), 0);
    queue_destroy(q);
}

static void *close_later(void *user)
{
    clock_sleep_ns(20 * NS_PER_MS);
    queue_close(user);
    return NULL;
}

static void test_close_wakes_the_taker(void **state)
{
    (void)state;
    struct queue *q = queue_create(1, NULL);
    pthread_t closer;
    assert_int_equal(pthread_create(&closer, NULL, close_later, q), 0);
    assert_null(queue_take(q, -1));
    pthread_join(closer, NULL);
    queue_destroy(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full_closed_and_dropped),
        cmocka_unit_test(test_nothing_is_lost_between_threads),
        cmocka_unit_test(test_close_wakes_the_taker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
