/* The queues of one WebSocket client: what goes when they are full, what is said about it, what is never
 * lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/outbox.h"
#include "api/subscription.h"
#include "base/text.h"

static struct bus_message *make(const char *topic, int64_t number, const char *epoch)
{
    char text[128];
    text_format(text, sizeof text, "{\"type\":\"x\",\"epoch\":\"%s\",\"seq\":%lld}", epoch,
                (long long)number);
    struct bus_message *message = bus_message_create(topic, number, text, strlen(text));
    assert_non_null(message);
    return message;
}

static size_t put_update(struct outbox *o, const char *stream_id, const char *epoch, int64_t seq)
{
    char topic[BUS_TOPIC_MAX];
    text_format(topic, sizeof topic, "stream/%s", stream_id);
    struct bus_message *m = make(topic, seq, epoch);
    size_t dropped = outbox_put_update(o, stream_id, m);
    bus_message_unref(&m);
    return dropped;
}

static bool put_alert(struct outbox *o, int64_t seq)
{
    struct bus_message *m = make("alert/gate_a", seq, "");
    bool fits = outbox_put_alert(o, m);
    bus_message_unref(&m);
    return fits;
}

static void put_replayed(struct outbox *o, int64_t seq)
{
    struct bus_message *m = make("alert/gate_a", seq, "");
    outbox_put_replayed(o, m);
    bus_message_unref(&m);
}

static void put_picture(struct outbox *o, const char *stream_id, int64_t seq)
{
    struct bus_message *m = make("picture/x", seq, "");
    outbox_put_picture(o, stream_id, m);
    bus_message_unref(&m);
}

/* "stream/a 3" for the next message; "" when there is none. Gaps as they are. */
static const char *next(struct outbox *o)
{
    static char text[256];
    bool binary;
    struct bus_message *m = outbox_take(o, &binary);
    if (m == NULL)
        return "";
    if (text_starts_with(m->topic, "gap/"))
        text_copy(text, sizeof text, m->bytes);
    else
        text_format(text, sizeof text, "%s%s %lld", binary ? "binary " : "", m->topic, (long long)m->number);
    bus_message_unref(&m);
    return text;
}

static void oldest_measurements_go_and_are_announced(void **state)
{
    (void)state;
    struct outbox *o = outbox_create(4);
    for (int64_t seq = 1; seq <= 4; seq++)
        assert_int_equal(put_update(o, "a", "e", seq), 0);
    assert_int_equal(put_update(o, "a", "e", 5), 1);
    assert_int_equal(put_update(o, "b", "f", 9), 1);
    assert_int_equal(put_update(o, "a", "e", 6), 1);
    assert_string_equal(
        next(o), "{\"type\":\"gap\",\"schema\":1,\"stream_id\":\"a\",\"epoch\":\"e\",\"from\":1,\"to\":3}");
    assert_string_equal(next(o), "stream/a 4");
    assert_string_equal(next(o), "stream/a 5");
    assert_string_equal(next(o), "stream/b 9");
    assert_string_equal(next(o), "stream/a 6");
    assert_string_equal(next(o), "");
    outbox_destroy(o);
}

/* Numbers begin again with a new epoch: the gap is that of the new one. */
static void gap_across_epochs(void **state)
{
    (void)state;
    struct outbox *o = outbox_create(4);
    for (int64_t seq = 50; seq < 54; seq++)
        put_update(o, "a", "old", seq);
    for (int64_t seq = 1; seq <= 6; seq++)
        put_update(o, "a", "new", seq);
    assert_string_equal(
        next(o), "{\"type\":\"gap\",\"schema\":1,\"stream_id\":\"a\",\"epoch\":\"new\",\"from\":1,\"to\":2}");
    assert_string_equal(next(o), "stream/a 3");
    outbox_destroy(o);
}

static void resumption_announces_what_was_missed(void **state)
{
    (void)state;
    static const struct {
        const char *epoch;
        int64_t seen, first;
        const char *gap;
    } cases[] = {
        {"e", 41, 42, NULL},
        {"e", 41, 50,
         "{\"type\":\"gap\",\"schema\":1,\"stream_id\":\"a\",\"epoch\":\"e\",\"from\":42,\"to\":49}"},
        {"before", 41, 3,
         "{\"type\":\"gap\",\"schema\":1,\"stream_id\":\"a\",\"epoch\":\"before\",\"from\":42,\"to\":null}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct outbox *o = outbox_create(8);
        assert_int_equal(outbox_seen(o, "a", cases[i].epoch, cases[i].seen, NULL), 0);
        put_update(o, "a", "e", cases[i].first);
        put_update(o, "a", "e", cases[i].first + 1);
        if (cases[i].gap != NULL)
            assert_string_equal(next(o), cases[i].gap);
        assert_true(text_starts_with(next(o), "stream/a"));
        assert_true(text_starts_with(next(o), "stream/a"));
        assert_string_equal(next(o), "");
        outbox_destroy(o);
    }
}

static void newest_picture_replaces_older(void **state)
{
    (void)state;
    struct outbox *o = outbox_create(4);
    put_picture(o, "a", 1);
    put_picture(o, "b", 7);
    put_picture(o, "a", 2);
    put_update(o, "a", "e", 2);
    size_t pictures = 0, updates = 0;
    for (const char *text = next(o); text[0] != '\0'; text = next(o)) {
        assert_string_not_equal(text, "binary picture/x 1");
        pictures += text_starts_with(text, "binary ");
        updates += text_starts_with(text, "stream/");
    }
    assert_int_equal(pictures, 2);
    assert_int_equal(updates, 1);
    outbox_destroy(o);
}

static void alerts_are_first_and_never_dropped(void **state)
{
    (void)state;
    struct outbox *o = outbox_create(4);
    put_update(o, "a", "e", 1);
    put_picture(o, "a", 1);
    for (int64_t seq = 1; seq <= 4; seq++)
        assert_true(put_alert(o, seq));
    assert_false(put_alert(o, 5));
    for (int64_t seq = 1; seq <= 4; seq++) {
        char wanted[32];
        text_format(wanted, sizeof wanted, "alert/gate_a %lld", (long long)seq);
        assert_string_equal(next(o), wanted);
    }
    assert_false(text_starts_with(next(o), "alert"));
    outbox_destroy(o);
}

/* Replay and live meet: every number once, in order; those without a number are kept. */
static void replay_meets_live(void **state)
{
    (void)state;
    struct outbox *o = outbox_create(8);
    outbox_hold(o);
    assert_true(put_alert(o, 4)); /* live while the replay reads: will be replayed as well */
    assert_true(put_alert(o, 0)); /* not numbered yet */
    assert_true(put_alert(o, 6));
    assert_string_equal(next(o), "");
    for (int64_t seq = 1; seq <= 5; seq++)
        put_replayed(o, seq);
    assert_int_equal(outbox_room(o), 3);
    outbox_release(o, 5);
    assert_true(put_alert(o, 5)); /* replayed already: the news of it was late */
    assert_true(put_alert(o, 7)); /* behind those that were held */
    static const int64_t wanted[] = {1, 2, 3, 4, 5, 0, 6, 7};
    for (size_t i = 0; i < 8; i++) {
        char text[32];
        text_format(text, sizeof text, "alert/gate_a %lld", (long long)wanted[i]);
        assert_string_equal(next(o), text);
    }
    assert_string_equal(next(o), "");
    outbox_destroy(o);
}

static void unsubscribing_forgets(void **state)
{
    (void)state;
    struct outbox *o = outbox_create(4);
    for (int64_t seq = 1; seq <= 6; seq++)
        put_update(o, seq % 2 == 0 ? "a" : "b", "e", seq);
    put_picture(o, "a", 9);
    assert_true(put_alert(o, 1));
    outbox_forget(o, "a");
    assert_string_equal(next(o), "alert/gate_a 1");
    assert_true(text_starts_with(next(o), "{\"type\":\"gap\",\"schema\":1,\"stream_id\":\"b\""));
    assert_string_equal(next(o), "stream/b 3");
    assert_string_equal(next(o), "stream/b 5");
    assert_string_equal(next(o), "");
    outbox_destroy(o);
}

static void commands(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int rc;
    } cases[] = {
        {"{\"type\":\"ping\"}", 0},
        {"{\"type\":\"ping\",\"id\":7}", 0},
        {"{\"type\":\"ping\",\"id\":[]}", ERR_INVALID},
        {"{\"type\":\"subscribe\",\"streams\":\"*\"}", 0},
        {"{\"type\":\"subscribe\",\"streams\":[]}", 0},
        {"{\"type\":\"subscribe\",\"streams\":[\"a\",\"b\"],\"pictures\":true,\"alerts_after\":0}", 0},
        {"{\"type\":\"subscribe\",\"streams\":[\"a\"],\"seen\":{\"a\":{\"epoch\":\"e\",\"seq\":3}}}", 0},
        {"{\"type\":\"subscribe\",\"streams\":\"*\",\"alerts_after\":null}", 0},
        {"{\"type\":\"unsubscribe\"}", 0},
        {"{\"type\":\"subscribe\"}", ERR_INVALID},
        {"{\"type\":\"subscribe\",\"streams\":\"a\"}", ERR_INVALID},
        {"{\"type\":\"subscribe\",\"streams\":[7]}", ERR_INVALID},
        {"{\"type\":\"subscribe\",\"streams\":[\"../x\"]}", ERR_INVALID},
        {"{\"type\":\"subscribe\",\"streams\":\"*\",\"alerts_after\":-1}", ERR_INVALID},
        {"{\"type\":\"subscribe\",\"streams\":\"*\",\"alerts_after\":1.5}", ERR_INVALID},
        {"{\"type\":\"subscribe\",\"streams\":\"*\",\"pictures\":1}", ERR_INVALID},
        {"{\"type\":\"subscribe\",\"streams\":\"*\",\"seen\":{\"a\":3}}", ERR_INVALID},
        {"{\"type\":\"dance\"}", ERR_INVALID},
        {"[]", ERR_INVALID},
        {"{", ERR_FORMAT},
        {"", ERR_FORMAT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct command command;
        struct error error;
        int rc = command_parse(cases[i].text, strlen(cases[i].text), &command, &error);
        if (rc != cases[i].rc)
            fail_msg("%s: %d", cases[i].text, rc);
        command_release(&command);
    }
}

static void apply(struct subscription *s, const char *text)
{
    struct command command;
    assert_int_equal(command_parse(text, strlen(text), &command, NULL), 0);
    assert_int_equal(subscription_apply(s, &command, NULL), 0);
    command_release(&command);
}

static void subscriptions(void **state)
{
    (void)state;
    struct subscription s = {0};
    assert_false(subscription_wants_alerts(&s, ""));
    apply(&s, "{\"type\":\"subscribe\",\"streams\":[\"a\",\"b\"],\"pictures\":true}");
    apply(&s, "{\"type\":\"subscribe\",\"streams\":[\"b\",\"c\"]}");
    assert_true(subscription_wants(&s, "c"));
    assert_false(subscription_wants(&s, "d"));
    assert_true(subscription_wants_pictures(&s, "a"));
    assert_false(subscription_wants_pictures(&s, "b"));
    assert_true(subscription_wants_alerts(&s, ""));
    assert_false(subscription_wants_alerts(&s, "d"));
    apply(&s, "{\"type\":\"unsubscribe\",\"streams\":[\"a\"]}");
    assert_false(subscription_wants(&s, "a"));
    apply(&s, "{\"type\":\"subscribe\",\"streams\":\"*\",\"pictures\":true}");
    assert_true(subscription_wants_pictures(&s, "d"));
    apply(&s, "{\"type\":\"unsubscribe\"}");
    assert_false(subscription_wants(&s, "c"));
    assert_false(subscription_wants_alerts(&s, ""));
    subscription_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(oldest_measurements_go_and_are_announced),
        cmocka_unit_test(gap_across_epochs),
        cmocka_unit_test(resumption_announces_what_was_missed),
        cmocka_unit_test(newest_picture_replaces_older),
        cmocka_unit_test(alerts_are_first_and_never_dropped),
        cmocka_unit_test(replay_meets_live),
        cmocka_unit_test(unsubscribing_forgets),
        cmocka_unit_test(commands),
        cmocka_unit_test(subscriptions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
