/* One suite for every implementation of the bus. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "bus/bus.h"

static const struct bus_kind *const kinds[] = {&bus_memory};

static struct bus *open_bus(const struct bus_kind *kind)
{
    struct bus *bus = NULL;
    struct error error;
    assert_int_equal(kind->open(NULL, &bus, &error), 0);
    assert_true(kind->alive(bus));
    return bus;
}

static void publish(const struct bus_kind *kind, struct bus *bus, const char *topic, int64_t number,
                    const char *text)
{
    struct bus_message *message = bus_message_create(topic, number, text, strlen(text));
    assert_non_null(message);
    assert_int_equal(kind->publish(bus, message, NULL), 0);
    bus_message_unref(&message);
    assert_null(message);
}

struct inbox {
    size_t count;
    struct bus_message *messages[8];
};

static void keep(void *user, struct bus_message *message)
{
    struct inbox *inbox = user;
    assert_true(inbox->count < 8);
    inbox->messages[inbox->count++] = bus_message_ref(message);
}

static void inbox_empty(struct inbox *inbox)
{
    for (size_t i = 0; i < inbox->count; i++)
        bus_message_unref(&inbox->messages[i]);
    inbox->count = 0;
}

static void delivers_by_prefix(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct bus *bus = open_bus(kinds[k]);
        struct inbox streams = {0}, one = {0};
        struct bus_subscription *a = NULL, *b = NULL;
        assert_int_equal(kinds[k]->subscribe(bus, "stream/", keep, &streams, &a, NULL), 0);
        assert_int_equal(kinds[k]->subscribe(bus, "stream/gate_a", keep, &one, &b, NULL), 0);
        publish(kinds[k], bus, "stream/gate_a", 7, "{\"a\":1}");
        publish(kinds[k], bus, "stream/gate_b", 8, "");
        publish(kinds[k], bus, "picture/gate_a", 7, "jpeg");
        assert_int_equal(streams.count, 2);
        assert_int_equal(one.count, 1);
        /* what was kept outlives the publisher's reference */
        assert_string_equal(one.messages[0]->bytes, "{\"a\":1}");
        assert_int_equal(one.messages[0]->size, 7);
        assert_int_equal(one.messages[0]->number, 7);
        assert_string_equal(streams.messages[1]->topic, "stream/gate_b");
        assert_ptr_equal(one.messages[0], streams.messages[0]);

        kinds[k]->unsubscribe(bus, &b);
        assert_null(b);
        publish(kinds[k], bus, "stream/gate_a", 9, "x");
        assert_int_equal(streams.count, 3);
        assert_int_equal(one.count, 1);
        inbox_empty(&streams);
        inbox_empty(&one);
        kinds[k]->unsubscribe(bus, &a);
        kinds[k]->close(&bus);
        assert_null(bus);
    }
}

static void refuses_what_is_too_long(void **state)
{
    (void)state;
    char text[BUS_TOPIC_MAX + 10];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct bus *bus = open_bus(kinds[k]);
        struct inbox inbox = {0};
        struct bus_subscription *s = NULL;
        struct error error;
        assert_int_equal(kinds[k]->subscribe(bus, text, keep, &inbox, &s, &error), ERR_INVALID);
        assert_int_equal(kinds[k]->set(bus, text, "", 0, NS_PER_S, &error), ERR_INVALID);
        kinds[k]->close(&bus);
    }
}

static void keys_live_and_expire(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct bus *bus = open_bus(kinds[k]);
        struct buffer out = {0};
        struct error error;
        assert_int_equal(kinds[k]->get(bus, "watch/gate_a", &out, &error), ERR_NOT_FOUND);
        assert_int_equal(kinds[k]->set(bus, "watch/gate_a",
                                       "1\0"
                                       "2",
                                       3, 3600 * NS_PER_S, &error),
                         0);
        assert_int_equal(kinds[k]->set(bus, "stays", "", 0, 0, &error), 0);
        assert_int_equal(kinds[k]->get(bus, "watch/gate_a", &out, &error), 0);
        assert_int_equal(out.size, 3);
        assert_memory_equal(out.data,
                            "1\0"
                            "2",
                            3);

        buffer_clear(&out);
        assert_int_equal(kinds[k]->set(bus, "watch/gate_a", "new", 3, NS_PER_MS, &error), 0);
        clock_sleep_ns(5 * NS_PER_MS);
        assert_int_equal(kinds[k]->get(bus, "watch/gate_a", &out, &error), ERR_NOT_FOUND);
        assert_int_equal(kinds[k]->get(bus, "stays", &out, &error), 0);
        assert_int_equal(out.size, 0);
        buffer_free(&out);
        kinds[k]->close(&bus);
    }
}

static void holds_a_bounded_number_of_keys(void **state)
{
    (void)state;
    struct bus *bus = open_bus(&bus_memory);
    struct error error;
    char key[32];
    int rc = 0;
    size_t held = 0;
    for (size_t i = 0; i < 100000 && rc == 0; i++) {
        snprintf(key, sizeof key, "short/%zu", i);
        rc = bus_memory.set(bus, key, "x", 1, 2 * NS_PER_S, &error);
        held += rc == 0;
    }
    assert_int_equal(rc, ERR_FULL);
    assert_true(held > 1000);
    clock_sleep_ns(2 * NS_PER_S + NS_PER_MS);
    assert_int_equal(bus_memory.set(bus, "after the sweep", "x", 1, 0, &error), 0);
    bus_memory.close(&bus);
}

struct contest {
    const struct bus_kind *kind;
    struct bus *bus;
    atomic_bool stop;
    atomic_size_t published;
};

static void *publish_until_told(void *user)
{
    struct contest *contest = user;
    while (!atomic_load(&contest->stop)) {
        publish(contest->kind, contest->bus, "stream/gate_a", 1, "{}");
        contest->kind->set(contest->bus, "watch/gate_a", "1", 1, NS_PER_S, NULL);
        atomic_fetch_add(&contest->published, 1);
    }
    return NULL;
}

struct flagged {
    atomic_bool gone;
    atomic_size_t deliveries, late;
};

static void count(void *user, struct bus_message *message)
{
    struct flagged *flagged = user;
    (void)message;
    atomic_fetch_add(&flagged->deliveries, 1);
    if (atomic_load(&flagged->gone))
        atomic_fetch_add(&flagged->late, 1);
}

/* Subscribers come and go while two threads publish: nothing is delivered once unsubscribe has returned. */
static void no_delivery_after_unsubscribe(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct contest contest = {.kind = kinds[k], .bus = open_bus(kinds[k])};
        pthread_t publishers[2];
        for (size_t i = 0; i < 2; i++)
            assert_int_equal(pthread_create(&publishers[i], NULL, publish_until_told, &contest), 0);
        static struct flagged flagged[200];
        memset(flagged, 0, sizeof flagged);
        struct buffer out = {0};
        for (size_t i = 0; i < 200; i++) {
            struct bus_subscription *s = NULL;
            assert_int_equal(kinds[k]->subscribe(contest.bus, "stream/", count, &flagged[i], &s, NULL), 0);
            size_t target = atomic_load(&contest.published) + 3;
            while (atomic_load(&contest.published) < target)
                sched_yield();
            kinds[k]->get(contest.bus, "watch/gate_a", &out, NULL);
            buffer_clear(&out);
            kinds[k]->unsubscribe(contest.bus, &s);
            atomic_store(&flagged[i].gone, true);
        }
        atomic_store(&contest.stop, true);
        for (size_t i = 0; i < 2; i++)
            pthread_join(publishers[i], NULL);
        for (size_t i = 0; i < 200; i++) {
            assert_true(atomic_load(&flagged[i].deliveries) > 0);
            assert_int_equal(atomic_load(&flagged[i].late), 0);
        }
        buffer_free(&out);
        kinds[k]->close(&contest.bus);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delivers_by_prefix),
        cmocka_unit_test(refuses_what_is_too_long),
        cmocka_unit_test(keys_live_and_expire),
        cmocka_unit_test(holds_a_bounded_number_of_keys),
        cmocka_unit_test(no_delivery_after_unsubscribe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
