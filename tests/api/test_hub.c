/* The WebSocket hub behind a real server: subscriptions, replay, slow clients, rude clients, many clients,
 * the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "api/server.h"
#include "base/clock.h"
#include "base/json_read.h"
#include "base/text.h"
#include "client.h"
#include "double.h"

enum { QUEUE = 32, CLIENTS = 110 };

static struct double_service service;
static struct api_server *server;
static int port;

static int set_up(void **state)
{
    (void)state;
    struct error error = {.text = ""};
    double_open(&service,
                "server: {port: 0, threads: 2, client_queue: 32, max_clients: 110, rate_limit: 0}\n");
    struct api_server_options options = {
        .config = service.config, .control = service.control, .store = service.store, .bus = service.bus};
    if (api_server_start(&options, &server, &error) != 0)
        fail_msg("%s", error.text);
    port = api_server_port(server);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    api_server_stop(&server);
    double_close(&service);
    return 0;
}

static void open_client(struct client *c)
{
    assert_int_equal(client_upgrade(c, port, service.viewer, 0), 101);
}

static void subscribe(struct client *c, const char *text)
{
    client_say(c, text);
    client_expect(c, "subscribed");
}

static int64_t seq_of(const char *text)
{
    struct json *root = NULL;
    assert_int_equal(json_parse(text, strlen(text), &root, NULL), 0);
    assert_int_equal(json_as_int(json_get(root, "schema"), 0), 1);
    int64_t seq = json_as_int(json_get(root, "seq"), 0);
    json_free(root);
    return seq;
}

/* Numbered by the store, as the writer does it. */
static int64_t store_alert(const char *id, const char *stream_id)
{
    struct alert_event event = {
        .kind = ALERT_RAISED, .version = 1, .alert = double_alert(id, stream_id, clock_wall_ns())};
    struct error error = {.text = ""};
    int64_t seq = 0;
    if (service.store.kind->write_alert_event(service.store.store, &event, &seq, &error) != 0)
        fail_msg("%s", error.text);
    return seq;
}

static void a_key_is_needed(void **state)
{
    (void)state;
    struct client c;
    assert_int_equal(client_upgrade(&c, port, "sci_wrong", 0), 401);
    client_close(&c);
}

static void gets_what_it_subscribed(void **state)
{
    (void)state;
    struct client c;
    open_client(&c);
    client_expect(&c, "system_status");
    double_publish_update(&service, "gate_a", "e", 1); /* before: not for this client */
    subscribe(&c, "{\"type\":\"subscribe\",\"streams\":[\"gate_a\"]}");
    double_publish_update(&service, "gate_b", "e", 5);
    double_publish_picture(&service, "gate_a", 2, 100);
    double_publish_update(&service, "gate_a", "e", 2);
    assert_int_equal(seq_of(client_expect(&c, "stream_update")), 2);
    struct alert other = double_alert("x1", "gate_b", 1), mine = double_alert("x2", "gate_a", 1),
                 test = double_alert("x3", "", 1);
    double_publish_alert(&service, &other, 1, 0);
    double_publish_alert(&service, &mine, 1, 0);
    double_publish_alert(&service, &test, 1, 0);
    assert_non_null(strstr(client_expect(&c, "alert"), "\"alert_id\":\"x2\""));
    assert_non_null(strstr(client_expect(&c, "alert"), "\"alert_id\":\"x3\""));
    client_say(&c, "{\"type\":\"ping\",\"id\":\"p7\"}");
    assert_non_null(strstr(client_expect(&c, "pong"), "\"id\":\"p7\""));
    client_say(&c, "{\"type\":\"unsubscribe\"}");
    client_expect(&c, "unsubscribed");
    double_publish_update(&service, "gate_a", "e", 3);
    client_say(&c, "{\"type\":\"ping\",\"id\":1}");
    struct frame frame;
    assert_true(client_receive(&c, &frame));
    assert_true(text_starts_with(frame.bytes, "{\"type\":\"pong\"") ||
                text_starts_with(frame.bytes, "{\"type\":\"system"));
    client_close(&c);
}

static void live_pictures_on_request(void **state)
{
    (void)state;
    struct client c;
    struct frame frame;
    int before = atomic_load(&service.watched);
    open_client(&c);
    subscribe(&c, "{\"type\":\"subscribe\",\"streams\":[\"gate_a\"],\"pictures\":true}");
    for (int i = 0; i < 500 && atomic_load(&service.watched) == before; i++)
        clock_sleep_ns(10 * NS_PER_MS);
    assert_true(atomic_load(&service.watched) > before); /* the camera's owner has been told */
    double_publish_picture(&service, "gate_a", 12, 70000);
    do
        assert_true(client_receive(&c, &frame));
    while (frame.opcode != 2);
    assert_true(text_starts_with(frame.bytes, "{\"stream_id\":\"gate_a\",\"seq\":12}\nJJJ"));
    assert_int_equal(frame.size, strlen("{\"stream_id\":\"gate_a\",\"seq\":12}\n") + 70000);
    client_close(&c);
}

/* Replay from the store while new alerts are stored and published: each number once, in order, none missing.
 */
static void resumes_without_loss_or_duplicate(void **state)
{
    (void)state;
    struct client c;
    char id[24], text[96];
    int64_t first = store_alert("r-first", "gate_a"), last = first;
    for (int i = 0; i < 300; i++) {
        text_format(id, sizeof id, "r-%d", i);
        last = store_alert(id, "gate_a");
    }
    open_client(&c);
    text_format(text, sizeof text, "{\"type\":\"subscribe\",\"streams\":\"*\",\"alerts_after\":%lld}",
                (long long)first);
    client_say(&c, text);
    for (int i = 0; i < 20; i++) {
        text_format(id, sizeof id, "live-%d", i);
        struct alert alert = double_alert(id, "gate_a", 1);
        last = store_alert(id, "gate_a");
        double_publish_alert(&service, &alert, 1, last);
    }
    for (int64_t wanted = first + 1; wanted <= last; wanted++)
        assert_int_equal(seq_of(client_expect(&c, "alert")), wanted);
    client_say(&c, "{\"type\":\"ping\"}");
    struct frame frame;
    do {
        assert_true(client_receive(&c, &frame));
        assert_false(text_starts_with(frame.bytes, "{\"type\":\"alert\""));
    } while (!text_starts_with(frame.bytes, "{\"type\":\"pong\""));
    client_close(&c);
}

static void announces_the_gap_after_a_break(void **state)
{
    (void)state;
    struct client c;
    open_client(&c);
    subscribe(&c, "{\"type\":\"subscribe\",\"streams\":[\"gate_a\"],\"seen\":{\"gate_a\":{\"epoch\":\"e\","
                  "\"seq\":41}}}");
    double_publish_update(&service, "gate_a", "e", 50);
    const char *gap = client_expect(&c, "gap");
    assert_non_null(strstr(gap, "\"from\":42,\"to\":49"));
    assert_int_equal(seq_of(client_expect(&c, "stream_update")), 50);
    client_close(&c);
}

/* A client that does not read loses measurements, is told exactly which, and gets the newest. */
static void slow_client_is_told_its_gaps(void **state)
{
    (void)state;
    enum { LAST = 20000 };
    struct client c;
    assert_int_equal(client_upgrade(&c, port, service.viewer, 4096), 101);
    subscribe(&c, "{\"type\":\"subscribe\",\"streams\":[\"gate_a\"]}");
    for (int64_t seq = 1; seq <= LAST; seq++)
        double_publish_update(&service, "gate_a", "e", seq);
    int64_t known = 0;
    bool gapped = false;
    while (known < LAST) {
        struct frame frame;
        assert_true(client_receive(&c, &frame));
        struct json *root = NULL;
        assert_int_equal(json_parse(frame.bytes, frame.size, &root, NULL), 0);
        const char *type = json_as_string(json_get(root, "type"), "");
        if (strcmp(type, "gap") == 0) {
            assert_int_equal(json_as_int(json_get(root, "from"), 0), known + 1);
            known = json_as_int(json_get(root, "to"), 0);
            gapped = true;
        } else if (strcmp(type, "stream_update") == 0) {
            assert_int_equal(json_as_int(json_get(root, "seq"), 0), known + 1);
            known++;
        }
        json_free(root);
    }
    assert_true(gapped);
    client_close(&c);
}

/* Alerts are not dropped: the client that takes none of them is sent away, to come again. */
static void alerts_that_do_not_fit_close_with_1013(void **state)
{
    (void)state;
    struct client c, other;
    struct alert alert = double_alert("many", "gate_a", 1);
    assert_int_equal(client_upgrade(&c, port, service.viewer, 4096), 101);
    open_client(&other);
    subscribe(&c, "{\"type\":\"subscribe\",\"streams\":[\"gate_a\"]}");
    subscribe(&other, "{\"type\":\"subscribe\",\"streams\":[\"gate_b\"]}");
    for (int64_t version = 1; version <= 20000; version++)
        double_publish_alert(&service, &alert, version, version);
    assert_int_equal(client_expect_close(&c), 1013);
    client_say(&other, "{\"type\":\"ping\"}");
    client_expect(&other, "pong");
    client_close(&c);
    client_close(&other);
}

static void mistakes_are_answered(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "{",
                                        "[]",
                                        "{\"type\":\"dance\"}",
                                        "{\"type\":\"subscribe\",\"streams\":7}",
                                        "{\"type\":\"subscribe\",\"streams\":\"*\",\"alerts_after\":\"x\"}"};
    struct client c;
    open_client(&c);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        client_say(&c, wrong[i]);
        assert_non_null(strstr(client_expect(&c, "error"), "\"detail\":\""));
    }
    client_say(&c, "{\"type\":\"ping\"}");
    client_expect(&c, "pong");
    client_close(&c);
}

static void fragments_and_pings_are_understood(void **state)
{
    (void)state;
    struct client c;
    struct frame frame;
    open_client(&c);
    client_frame(&c, 0x01, true, "{\"type\":", 8);
    client_frame(&c, 0x89, true, "hi", 2); /* a ping between the fragments */
    client_frame(&c, 0x00, true, "", 0);
    client_frame(&c, 0x80, true, "\"ping\"}", 7);
    do
        assert_true(client_receive(&c, &frame));
    while (frame.opcode != 10);
    assert_string_equal(frame.bytes, "hi");
    client_expect(&c, "pong");
    client_frame(&c, 0x88, true, "\x03\xe8", 2);
    assert_int_equal(client_expect_close(&c), 1000);
    client_close(&c);
}

static void bad_frames_close(void **state)
{
    (void)state;
    static const struct {
        unsigned first;
        bool mask;
        const char *bytes;
        size_t size;
        int code;
    } cases[] = {
        {0x81, false, "{}", 2, 1002},          /* not masked */
        {0xc1, true, "{}", 2, 1002},           /* a reserved bit */
        {0x83, true, "{}", 2, 1002},           /* an unknown opcode */
        {0x80, true, "{}", 2, 1002},           /* goes on with nothing */
        {0x09, true, "x", 1, 1002},            /* a ping in fragments */
        {0x81, true, "\xc3\x28", 2, 1007},     /* not UTF-8 */
        {0x81, true, "\xed\xa0\x80", 3, 1007}, /* a surrogate */
        {0x82, true, "\x00\x01", 2, 1003},     /* binary */
        {0x88, true, "\x00", 1, 1005},         /* half a close code */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct client c;
        open_client(&c);
        client_frame(&c, cases[i].first, cases[i].mask, cases[i].bytes, cases[i].size);
        int code = client_expect_close(&c);
        if (code != cases[i].code)
            fail_msg("case %zu: %d, expected %d", i, code, cases[i].code);
        client_close(&c);
    }
}

static void oversized_messages_close(void **state)
{
    (void)state;
    char *large = calloc(1, 70000);
    struct client c;
    assert_non_null(large);
    memset(large, ' ', 70000);
    open_client(&c);
    client_frame(&c, 0x81, true, large, 70000);
    assert_int_equal(client_expect_close(&c), 1009);
    client_close(&c);
    open_client(&c); /* in fragments */
    for (int i = 0; i < 70; i++)
        client_frame(&c, i == 0 ? 0x01 : 0x00, true, large, 1000);
    assert_int_equal(client_expect_close(&c), 1009);
    client_close(&c);
    free(large);
}

static void floods_of_commands_close(void **state)
{
    (void)state;
    struct client c;
    open_client(&c);
    for (int i = 0; i < 400; i++)
        client_say(&c, "{\"type\":\"ping\"}");
    assert_int_equal(client_expect_close(&c), 1008);
    client_close(&c);
}

static void revoked_keys_close(void **state)
{
    (void)state;
    char key[64];
    struct client c;
    double_add_key(&service, "leaver", ROLE_VIEWER, key);
    assert_int_equal(client_upgrade(&c, port, key, 0), 101);
    assert_int_equal(service.store.kind->revoke_key(service.store.store, "leaver", clock_wall_ns(), NULL), 0);
    assert_int_equal(client_expect_close(&c), 1008);
    client_close(&c);
}

/* More than a hundred clients get every message; one too many is told to come later; all are told the end. */
static void many_clients_to_the_end(void **state)
{
    (void)state;
    static struct client clients[CLIENTS];
    struct client c;
    for (int i = 0; i < CLIENTS; i++) {
        /* clients of the tests before may still be on their way out */
        for (int tries = 0; client_upgrade(&clients[i], port, service.viewer, 0) != 101; tries++) {
            assert_true(tries < 500);
            client_close(&clients[i]);
            clock_sleep_ns(10 * NS_PER_MS);
        }
        subscribe(&clients[i], "{\"type\":\"subscribe\",\"streams\":\"*\",\"pictures\":true}");
    }
    assert_int_equal(client_upgrade(&c, port, service.viewer, 0), 503);
    client_close(&c);
    for (int64_t seq = 1; seq <= 20; seq++) {
        double_publish_update(&service, "gate_a", "many", seq);
        double_publish_picture(&service, "gate_a", seq, 1000);
    }
    for (int i = 0; i < CLIENTS; i++) {
        for (int64_t seq = 1; seq <= 20; seq++)
            assert_int_equal(seq_of(client_expect(&clients[i], "stream_update")), seq);
    }
    api_server_stop(&server);
    for (int i = 0; i < CLIENTS; i++) {
        assert_int_equal(client_expect_close(&clients[i]), 1001);
        client_close(&clients[i]);
    }
    double_close(&service);
    set_up(state);
}

struct publisher {
    pthread_t thread;
    atomic_bool stop;
    int64_t seq;
};

static void *publish_for_a_while(void *user)
{
    struct publisher *p = user;
    while (!atomic_load(&p->stop)) {
        double_publish_update(&service, "gate_a", "race", ++p->seq);
        double_publish_picture(&service, "gate_a", p->seq, 2000);
        clock_sleep_ns(NS_PER_MS);
    }
    return NULL;
}

/* Clients come, subscribe and vanish while messages are published and the server stops in the middle of it.
 */
static void comes_and_goes_while_publishing(void **state)
{
    (void)state;
    struct publisher publisher = {.seq = 0};
    struct client c;
    assert_int_equal(pthread_create(&publisher.thread, NULL, publish_for_a_while, &publisher), 0);
    for (int i = 0; i < 30; i++) {
        open_client(&c);
        subscribe(&c,
                  "{\"type\":\"subscribe\",\"streams\":[\"gate_a\"],\"pictures\":true,\"alerts_after\":0}");
        client_expect(&c, "stream_update");
        if (i % 2 == 0)
            client_say(&c, "{\"type\":\"unsubscribe\"}");
        client_close(&c);
    }
    open_client(&c);
    subscribe(&c, "{\"type\":\"subscribe\",\"streams\":\"*\",\"pictures\":true}");
    api_server_stop(&server);
    client_close(&c);
    atomic_store(&publisher.stop, true);
    pthread_join(publisher.thread, NULL);
    double_close(&service);
    set_up(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_needed),
        cmocka_unit_test(gets_what_it_subscribed),
        cmocka_unit_test(live_pictures_on_request),
        cmocka_unit_test(resumes_without_loss_or_duplicate),
        cmocka_unit_test(announces_the_gap_after_a_break),
        cmocka_unit_test(slow_client_is_told_its_gaps),
        cmocka_unit_test(alerts_that_do_not_fit_close_with_1013),
        cmocka_unit_test(mistakes_are_answered),
        cmocka_unit_test(fragments_and_pings_are_understood),
        cmocka_unit_test(bad_frames_close),
        cmocka_unit_test(oversized_messages_close),
        cmocka_unit_test(floods_of_commands_close),
        cmocka_unit_test(revoked_keys_close),
        cmocka_unit_test(many_clients_to_the_end),
        cmocka_unit_test(comes_and_goes_while_publishing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
