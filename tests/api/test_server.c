/* The API server on a real port: what HTTP itself has to do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "api/server.h"
#include "base/clock.h"
#include "base/text.h"
#include "client.h"
#include "double.h"

static struct double_service service;
static struct api_server *server;
static int port;

static int set_up(void **state)
{
    (void)state;
    struct error error = {.text = ""};
    double_open(&service, "server: {port: 0, threads: 2, max_body: 4KiB, rate_limit: 0}\n");
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
    assert_null(server);
    double_close(&service);
    return 0;
}

static void one_connection_many_requests(void **state)
{
    (void)state;
    struct client c;
    const char *body;
    client_open(&c, port, 0);
    for (int i = 0; i < 50; i++) {
        client_printf(&c, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_int_equal(client_answer(&c, &body), 200);
        assert_string_equal(body,
                            "{\"status\":\"ok\",\"version\":\"" SCI_VERSION "\",\"density_model\":true}");
        client_printf(&c, "GET /status HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_int_equal(client_answer(&c, &body), 401);
        client_printf(&c,
                      "POST /alerts/nobody/resolve HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nContent-Type: "
                      "application/json\r\nContent-Length: 2\r\n\r\n{}",
                      service.operator_);
        assert_int_equal(client_answer(&c, &body), 404);
    }
    client_close(&c);
}

static void head_has_no_body(void **state)
{
    (void)state;
    struct client c;
    client_open(&c, port, 0);
    client_printf(&c, "HEAD /health HTTP/1.1\r\nHost: x\r\n\r\nGET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    size_t head = client_until(&c, "\r\n\r\n");
    assert_non_null(strcasestr(c.in.data, "Content-Length: "));
    client_take(&c, head);
    client_until(&c, "HTTP/1.1 200");
    assert_true(text_starts_with(c.in.data, "HTTP/1.1 200"));
    client_close(&c);
}

static void answers_carry_their_headers(void **state)
{
    (void)state;
    struct client c;
    client_open(&c, port, 0);
    client_printf(&c, "GET /docs HTTP/1.1\r\nHost: x\r\n\r\n");
    client_until(&c, "</html>");
    assert_non_null(strstr(c.in.data, "Content-Security-Policy: default-src 'self'"));
    assert_non_null(strstr(c.in.data, "X-Content-Type-Options: nosniff"));
    client_close(&c);
    client_open(&c, port, 0);
    client_printf(&c, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    client_until(&c, "</html>");
    assert_non_null(strstr(c.in.data, "frame-ancestors 'none'"));
    client_close(&c);
}

/* A body that is too long is refused, however it is announced, and the client sees the answer. */
static void large_bodies(void **state)
{
    (void)state;
    enum { LARGE = 10 << 20 };
    struct client c;
    const char *body;
    char *bytes = malloc(LARGE);
    assert_non_null(bytes);
    memset(bytes, ' ', LARGE);
    client_open(&c, port, 0);
    client_printf(&c, "POST /streams HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nContent-Length: %d\r\n\r\n",
                  service.admin, LARGE);
    client_send(&c, bytes, LARGE);
    assert_int_equal(client_answer(&c, &body), 413);
    assert_non_null(strstr(body, "at most 4096"));
    client_printf(&c, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(client_answer(&c, &body), 200);
    client_close(&c);

    client_open(&c, port, 0); /* asks first: answered before a byte of the body */
    client_printf(&c,
                  "POST /streams HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nContent-Length: %d\r\nExpect: "
                  "100-continue\r\n\r\n",
                  service.admin, LARGE);
    assert_int_equal(client_answer(&c, &body), 413);
    client_close(&c);

    client_open(&c, port, 0); /* announces far more than is read and thrown away */
    client_printf(
        &c, "POST /streams HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nContent-Length: 1000000000000\r\n\r\n",
        service.admin);
    assert_int_equal(client_answer(&c, &body), 413);
    client_close(&c);

    client_open(&c, port, 0); /* does not announce it */
    client_printf(&c,
                  "POST /streams HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nTransfer-Encoding: chunked\r\n\r\n",
                  service.admin);
    for (int i = 0; i < 8; i++) {
        client_printf(&c, "400\r\n");
        client_send(&c, bytes, 1024);
        client_printf(&c, "\r\n");
    }
    client_printf(&c, "0\r\n\r\n");
    assert_int_equal(client_answer(&c, &body), 413);
    client_close(&c);

    client_open(&c, port, 0); /* without a key nothing is read at all */
    client_printf(
        &c, "POST /streams HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", LARGE);
    assert_int_equal(client_answer(&c, &body), 401);
    client_close(&c);
    free(bytes);
}

static void bodies_in_pieces(void **state)
{
    (void)state;
    struct client c;
    const char *body;
    client_open(&c, port, 0);
    client_printf(&c,
                  "POST /streams HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nContent-Type: application/json\r\n"
                  "Transfer-Encoding: chunked\r\n\r\n",
                  service.admin);
    for (const char *at = "{\"stream_id\": \"pieces\", \"uri\": \"rtsp://x/\"}"; *at != '\0'; at++)
        client_printf(&c, "1\r\n%c\r\n", *at);
    client_printf(&c, "0\r\n\r\n");
    assert_int_equal(client_answer(&c, &body), 201);
    assert_non_null(strstr(body, "\"stream_id\":\"pieces\""));
    client_close(&c);
}

static void a_port_in_use_is_a_clear_error(void **state)
{
    (void)state;
    char yaml[64], wanted[64];
    struct double_service other;
    struct api_server *second = NULL;
    struct error error = {.text = ""};
    text_format(yaml, sizeof yaml, "server: {port: %d}\n", port);
    double_open(&other, yaml);
    struct api_server_options options = {
        .config = other.config, .control = other.control, .store = other.store, .bus = other.bus};
    assert_int_equal(api_server_start(&options, &second, &error), ERR_CONFLICT);
    text_format(wanted, sizeof wanted, "port %d on 127.0.0.1 is in use", port);
    assert_string_equal(error.text, wanted);
    assert_null(second);
    double_close(&other);
}

enum { VIEWERS = 12 };

static void watch_live(struct client *c)
{
    client_open(c, port, 0);
    client_printf(c, "GET /streams/gate_a/live.mjpg HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\n\r\n",
                  service.viewer);
    client_until(c, "boundary=picture");
    client_take(c, client_until(c, "\r\n\r\n"));
}

/* More viewers than the pool has threads, each between two pictures: requests are answered all the same. */
static void live_pictures_hold_no_thread(void **state)
{
    (void)state;
    struct client viewers[VIEWERS], c;
    const char *body;
    for (int i = 0; i < VIEWERS; i++)
        watch_live(&viewers[i]);
    for (int64_t seq = 1; seq <= 3; seq++) {
        char part[32];
        double_publish_picture(&service, "gate_a", seq, 100000);
        double_publish_picture(&service, "gate_b", seq + 100, 10);
        text_format(part, sizeof part, "X-Sci-Seq: %lld\r\n\r\n", (long long)seq);
        for (int i = 0; i < VIEWERS; i++) {
            client_take(&viewers[i], client_until(&viewers[i], part));
            assert_true(client_need(&viewers[i], 90000)); /* chunk sizes stand in between */
            assert_int_equal(viewers[i].in.data[0], 'J');
        }
        client_open(&c, port, 0);
        client_printf(&c, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_int_equal(client_answer(&c, &body), 200);
        client_close(&c);
    }
    assert_true(atomic_load(&service.watched) >= VIEWERS);
    for (int i = 0; i < VIEWERS; i++)
        client_close(&viewers[i]);
}

/* Viewers that wait and viewers that do not read must not keep the server from stopping. */
static void stops_with_viewers(void **state)
{
    (void)state;
    struct client waits, sleeps, c;
    watch_live(&waits);
    watch_live(&sleeps);
    for (int64_t seq = 1; seq <= 50; seq++)
        double_publish_picture(&service, "gate_a", seq, 500000);
    assert_int_equal(client_upgrade(&c, port, service.viewer, 0), 101);
    client_expect(&c, "system_status");
    api_server_stop(&server);
    assert_int_equal(client_expect_close(&c), 1001);
    client_close(&c);
    client_close(&waits);
    client_close(&sleeps);
    double_close(&service);
    set_up(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_connection_many_requests),
        cmocka_unit_test(head_has_no_body),
        cmocka_unit_test(answers_carry_their_headers),
        cmocka_unit_test(large_bodies),
        cmocka_unit_test(bodies_in_pieces),
        cmocka_unit_test(a_port_in_use_is_a_clear_error),
        cmocka_unit_test(live_pictures_hold_no_thread),
        cmocka_unit_test(stops_with_viewers),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
