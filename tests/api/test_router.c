/* The router and every handler, without a socket: routes, roles, bodies, problem documents. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/problem.h"
#include "api/resources.h"
#include "api/router.h"
#include "base/clock.h"
#include "base/json_read.h"
#include "base/text.h"
#include "double.h"

static struct double_service service;
static struct api api;

static int set_up(void **state)
{
    (void)state;
    double_open(&service, NULL);
    memset(&api, 0, sizeof api);
    api.config = service.config;
    api.control = service.control;
    api.store = service.store;
    api.bus = service.bus;
    api.auth = auth_create(api.store);
    api.limiter = limiter_create(64);
    api.watch = watch_create(api.control);
    assert_non_null(api.auth);
    assert_non_null(api.limiter);
    assert_non_null(api.watch);
    assert_int_equal(openapi_write(&api.openapi, NULL), 0);
    assert_int_equal(docs_write(&api.docs, NULL), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    auth_destroy(api.auth);
    limiter_destroy(api.limiter);
    watch_destroy(api.watch);
    buffer_free(&api.openapi);
    buffer_free(&api.docs);
    double_close(&service);
    return 0;
}

struct call {
    const char *method, *target, *key, *type, *body, *cookie, *origin;
};

static struct answer ask(const struct call *call)
{
    struct request request = {.method = method_parse(call->method),
                              .header = {.api_key = call->key,
                                         .cookie = call->cookie,
                                         .origin = call->origin,
                                         .host = "127.0.0.1:8000",
                                         .content_type = call->type},
                              .remote = "192.0.2.7",
                              .body = call->body,
                              .body_size = call->body != NULL ? strlen(call->body) : 0};
    struct answer answer = {0};
    int64_t length = call->body != NULL ? (int64_t)request.body_size : -1;
    if (!api_begin(&api, &request, call->target, length, &answer))
        api_finish(&api, &request, &answer);
    request_release(&request);
    return answer;
}

static const char *header(const struct answer *answer, const char *name)
{
    for (size_t i = 0; i < answer->header_count; i++) {
        if (strcmp(answer->headers[i].name, name) == 0)
            return answer->headers[i].value;
    }
    return NULL;
}

/* The answer's body as JSON; the caller frees it. */
static struct json *body_of(const struct answer *answer)
{
    struct json *root = NULL;
    struct error error = {.text = ""};
    const char *text = answer->fixed != NULL ? answer->fixed : answer->body.data;
    size_t size = answer->fixed != NULL ? answer->fixed_size : answer->body.size;
    if (json_parse(text, size, &root, &error) != 0)
        fail_msg("%s: %s", error.text, text != NULL ? text : "(nothing)");
    return root;
}

static void expect(const struct call *call, int status)
{
    struct answer answer = ask(call);
    if (answer.status != status)
        fail_msg("%s %s: %d, expected %d: %s", call->method, call->target, answer.status, status,
                 answer.body.data != NULL ? answer.body.data : "");
    if (status >= 400) {
        assert_string_equal(answer.content_type, "application/problem+json");
        struct json *root = body_of(&answer);
        assert_int_equal(json_as_int(json_get(root, "status"), 0), status);
        assert_true(strlen(json_as_string(json_get(root, "detail"), "")) > 0);
        assert_string_equal(json_as_string(json_get(root, "title"), ""), problem_title(status));
        json_free(root);
    }
    if (status == 405)
        assert_non_null(header(&answer, "Allow"));
    if (status == 401)
        assert_non_null(header(&answer, "WWW-Authenticate"));
    answer_release(&answer);
}

static void fill_path(const char *pattern, char *out, size_t out_size)
{
    const char *open = strchr(pattern, '{');
    if (open == NULL)
        text_copy(out, out_size, pattern);
    else
        text_format(out, out_size, "%.*sgate_x%s", (int)(open - pattern), pattern, strchr(pattern, '}') + 1);
}

/* Every route x no key, a wrong key, each role: who may not gets 401 or 403, whoever may gets neither. */
static void every_route_and_role(void **state)
{
    (void)state;
    const char *keys[] = {NULL, "sci_wrong", service.viewer, service.operator_, service.admin};
    const enum role roles[] = {ROLE_NONE, ROLE_NONE, ROLE_VIEWER, ROLE_OPERATOR, ROLE_ADMIN};
    for (size_t r = 0; r < api_route_count; r++) {
        const struct route *route = &api_routes[r];
        char path[128];
        fill_path(route->path, path, sizeof path);
        for (size_t k = 0; k < 5; k++) {
            struct call call = {.method = method_name(route->method), .target = path, .key = keys[k]};
            struct answer answer = ask(&call);
            if (route->least == ROLE_NONE)
                assert_true(answer.status != 403);
            else if (roles[k] == ROLE_NONE)
                assert_int_equal(answer.status, 401);
            else if (roles[k] < route->least)
                assert_int_equal(answer.status, 403);
            else
                assert_true(answer.status != 401 && answer.status != 403);
            answer_release(&answer);
        }
    }
}

/* Every route that takes a body x what is wrong with it. */
static void every_route_and_bad_body(void **state)
{
    (void)state;
    static const struct {
        const char *type, *body;
        int status;
    } bodies[] = {
        {"application/json", "{\"a\": ", 400},
        {"application/json", "{\"a\": 1} x", 400},
        {"application/json", "\xff\xfe", 400},
        {"application/json", "{\"a\": 1, \"a\": 2}", 400},
        {"application/json", "[]", 422},
        {"application/json", "7", 422},
        {"text/plain", "{}", 415},
        {"application/jsonp", "{}", 415},
        {NULL, "{}", 415},
    };
    for (size_t r = 0; r < api_route_count; r++) {
        const struct route *route = &api_routes[r];
        char path[128];
        if (route->request == NULL)
            continue;
        fill_path(route->path, path, sizeof path);
        for (size_t b = 0; b < sizeof bodies / sizeof *bodies; b++)
            expect(&(struct call){.method = method_name(route->method),
                                  .target = path,
                                  .key = service.admin,
                                  .type = bodies[b].type,
                                  .body = bodies[b].body},
                   bodies[b].status);
        if (!route->body_optional)
            expect(&(struct call){.method = method_name(route->method), .target = path, .key = service.admin},
                   400);
    }
}

static void statuses(void **state)
{
    (void)state;
    const char *v = service.viewer, *a = service.admin, *json = "application/json";
    const struct {
        int status;
        const char *method, *target, *key, *type, *body;
    } cases[] = {
        {200, "GET", "/health", NULL, NULL, NULL},
        {200, "HEAD", "/health", NULL, NULL, NULL},
        {200, "GET", "/health/", NULL, NULL, NULL},
        {404, "GET", "/healthy", NULL, NULL, NULL},
        {404, "GET", "/health/more", NULL, NULL, NULL},
        {200, "GET", "/%68ealth", NULL, NULL, NULL},
        {404, "GET", "/health%2F", NULL, NULL, NULL},
        {400, "GET", "/streams/%00", v, NULL, NULL},
        {400, "GET", "/streams/%zz", v, NULL, NULL},
        {400, "GET", "/streams/%ff", v, NULL, NULL},
        {400, "GET", "/streams/..", v, NULL, NULL},
        {414, "GET", "/a/b/c/d/e/f/g/h/i", NULL, NULL, NULL},
        {400, "GET", "health", NULL, NULL, NULL},
        {405, "POST", "/health", NULL, NULL, NULL},
        {405, "PUT", "/config", a, json, "{}"},
        {405, "PUT", "/streams/gate_a", a, NULL, NULL},
        {405, "DELETE", "/alerts/test", a, NULL, NULL},
        {501, "BREW", "/health", NULL, NULL, NULL},
        {204, "OPTIONS", "/streams", NULL, NULL, NULL},
        {204, "OPTIONS", "*", NULL, NULL, NULL},
        {404, "OPTIONS", "/nothing", NULL, NULL, NULL},
        {200, "GET", "/status", v, NULL, NULL},
        {200, "GET", "/metrics", v, NULL, NULL},
        {200, "GET", "/config", a, NULL, NULL},
        {200, "GET", "/streams", v, NULL, NULL},
        {422, "GET", "/streams?colour=red", v, NULL, NULL},
        {200, "GET", "/streams/gate_a", v, NULL, NULL},
        {404, "GET", "/streams/nobody", v, NULL, NULL},
        {200, "GET", "/streams/gate_a/picture.jpg", v, NULL, NULL},
        {422, "GET", "/streams/gate_a/picture.jpg?width=1", v, NULL, NULL},
        {409, "GET", "/streams/gate_f/picture.jpg", v, NULL, NULL},
        {404, "GET", "/streams/nobody/picture.jpg", v, NULL, NULL},
        {404, "GET", "/streams/nobody/live.mjpg", v, NULL, NULL},
        {409, "POST", "/streams", a, json, "{\"stream_id\": \"gate_a\", \"uri\": \"rtsp://x/\"}"},
        {422, "POST", "/streams", a, json, "{\"stream_id\": \"new\"}"},
        {201, "POST", "/streams", a, "application/json; charset=utf-8",
         "{\"stream_id\": \"new\", \"uri\": \"rtsp://x/\"}"},
        {200, "PATCH", "/streams/new", a, json, "{\"enabled\": false}"},
        {422, "PATCH", "/streams/new", a, json, "{\"zone\": 1}"},
        {404, "PATCH", "/streams/nobody", a, json, "{\"enabled\": false}"},
        {409, "PATCH", "/streams/gate_f", a, json, "{\"enabled\": false}"},
        {403, "PATCH", "/streams/new", v, json, "{\"enabled\": false}"},
        {204, "DELETE", "/streams/new", a, NULL, NULL},
        {404, "DELETE", "/streams/new", a, NULL, NULL},
        {409, "DELETE", "/streams/gate_f", a, NULL, NULL},
        {200, "GET", "/analytics/gate_a", v, NULL, NULL},
        {404, "GET", "/analytics/nobody", v, NULL, NULL},
        {422, "GET", "/analytics/gate_a?step=2m", v, NULL, NULL},
        {422, "GET", "/analytics/gate_a?measure=beauty", v, NULL, NULL},
        {422, "GET", "/analytics/gate_a?from=yesterday", v, NULL, NULL},
        {422, "GET", "/analytics/gate_a?from=2026-05-02T00:00:00Z&to=2026-05-01T00:00:00Z", v, NULL, NULL},
        {422, "GET", "/analytics/gate_a?limit=0", v, NULL, NULL},
        {422, "GET", "/analytics/gate_a?cursor=x", v, NULL, NULL},
        {200, "GET", "/alerts", v, NULL, NULL},
        {200, "GET", "/alerts?state=open&level=HIGH&stream=gate_a&limit=5", v, NULL, NULL},
        {422, "GET", "/alerts?state=angry", v, NULL, NULL},
        {422, "GET", "/alerts?level=11", v, NULL, NULL},
        {422, "GET", "/alerts?cursor=1", v, NULL, NULL},
        {404, "GET", "/alerts/nobody", v, NULL, NULL},
        {404, "GET", "/alerts/nobody/picture.jpg", v, NULL, NULL},
        {404, "GET", "/alerts/nobody/clip", v, NULL, NULL},
        {404, "POST", "/alerts/nobody/resolve", service.operator_, NULL, NULL},
        {422, "POST", "/alerts/nobody/acknowledge", service.operator_, json, "{\"comment\": 7}"},
        {426, "GET", "/ws", v, NULL, NULL},
        {200, "GET", "/docs", NULL, NULL, NULL},
        {200, "GET", "/openapi.json", NULL, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect(&(struct call){.method = cases[i].method,
                              .target = cases[i].target,
                              .key = cases[i].key,
                              .type = cases[i].type,
                              .body = cases[i].body},
               cases[i].status);
}

static void wrong_fields_are_named(void **state)
{
    (void)state;
    struct answer answer = ask(&(struct call){.method = "POST",
                                              .target = "/streams",
                                              .key = service.admin,
                                              .type = "application/json",
                                              .body = "{\"uri\": \"nowhere\"}"});
    assert_int_equal(answer.status, 422);
    struct json *root = body_of(&answer);
    const struct json *errors = json_get(root, "errors");
    assert_int_equal(json_size(errors), 2);
    assert_string_equal(json_as_string(json_get(json_at(errors, 0), "field"), ""), "stream_id");
    assert_string_equal(json_as_string(json_get(json_at(errors, 1), "field"), ""), "uri");
    json_free(root);
    answer_release(&answer);
}

static void too_large_bodies_are_refused_early(void **state)
{
    (void)state;
    struct request request = {.method = METHOD_POST, .header = {.api_key = service.admin}};
    struct answer answer = {0};
    assert_true(api_begin(&api, &request, "/streams", 10 << 20, &answer));
    assert_int_equal(answer.status, 413);
    request_release(&request);
    answer_release(&answer);
}

static void failures_become_503(void **state)
{
    (void)state;
    service.fail_with = ERR_TIMEOUT;
    expect(&(struct call){.method = "GET", .target = "/streams", .key = service.viewer}, 503);
    service.fail_with = ERR_INTERNAL;
    expect(&(struct call){.method = "GET", .target = "/streams", .key = service.viewer}, 500);
    service.fail_with = 0;
    service.sick = true;
    expect(&(struct call){.method = "GET", .target = "/health"}, 503);
    service.sick = false;
    atomic_store(&api.stopping, true);
    expect(&(struct call){.method = "GET", .target = "/health"}, 503);
    atomic_store(&api.stopping, false);
}

static void busy_keys_have_to_wait(void **state)
{
    (void)state;
    char key[64];
    double_add_key(&service, "busy", ROLE_VIEWER, key);
    struct call call = {.method = "GET", .target = "/session", .key = key};
    int status = 200;
    for (size_t i = 0; i < 10000 && status == 200; i++) {
        struct answer answer = ask(&call);
        status = answer.status;
        if (status == 429)
            assert_true(atoi(header(&answer, "Retry-After")) >= 1);
        answer_release(&answer);
    }
    assert_int_equal(status, 429);
    call.key = service.viewer;
    expect(&call, 200);
}

static void sessions(void **state)
{
    (void)state;
    char body[128], cookie[128], key[64];
    double_add_key(&service, "sam", ROLE_OPERATOR, key);
    text_format(body, sizeof body, "{\"key\": \"%s\"}", key);
    struct call open = {.method = "POST", .target = "/session", .type = "application/json", .body = body};
    struct answer answer = ask(&open);
    assert_int_equal(answer.status, 201);
    const char *set = header(&answer, "Set-Cookie");
    assert_non_null(set);
    assert_non_null(strstr(set, "HttpOnly"));
    assert_non_null(strstr(set, "SameSite=Strict"));
    text_format(cookie, sizeof cookie, "theme=dark; %.*s", (int)strcspn(set, ";"), set);
    answer_release(&answer);

    const char *home = "http://127.0.0.1:8000", *foreign = "http://evil.example";
    expect(&(struct call){.method = "GET", .target = "/session", .cookie = cookie}, 200);
    expect(&(struct call){.method = "GET", .target = "/session", .cookie = cookie, .origin = home}, 200);
    expect(&(struct call){.method = "GET", .target = "/session", .cookie = cookie, .origin = foreign}, 403);
    expect(&(struct call){.method = "POST", .target = "/alerts/x/resolve", .cookie = cookie, .origin = home},
           404);
    expect(
        &(struct call){.method = "POST", .target = "/alerts/x/resolve", .cookie = cookie, .origin = foreign},
        403);
    expect(&(struct call){.method = "POST", .target = "/alerts/x/resolve", .cookie = cookie}, 403);
    expect(&(struct call){.method = "GET", .target = "/ws", .cookie = cookie}, 403);
    expect(&(struct call){.method = "GET", .target = "/ws", .cookie = cookie, .origin = foreign}, 403);
    expect(&(struct call){.method = "DELETE", .target = "/streams/gate_a", .cookie = cookie, .origin = home},
           403);
    expect(&(struct call){.method = "DELETE", .target = "/session", .cookie = cookie, .origin = foreign},
           403);
    expect(&(struct call){.method = "DELETE", .target = "/session", .cookie = cookie, .origin = home}, 204);
    expect(&(struct call){.method = "GET", .target = "/session", .cookie = cookie}, 401);
    open.body = "{\"key\": \"sci_wrong\"}";
    expect(&open, 401);
    open.body = "{}";
    expect(&open, 422);
}

static void revoked_keys_are_refused_within_seconds(void **state)
{
    (void)state;
    char key[64], body[128], cookie[128];
    struct error error;
    double_add_key(&service, "gone", ROLE_VIEWER, key);
    text_format(body, sizeof body, "{\"key\": \"%s\"}", key);
    struct answer answer =
        ask(&(struct call){.method = "POST", .target = "/session", .type = "application/json", .body = body});
    text_format(cookie, sizeof cookie, "%.*s", (int)strcspn(header(&answer, "Set-Cookie"), ";"),
                header(&answer, "Set-Cookie"));
    answer_release(&answer);
    expect(&(struct call){.method = "GET", .target = "/session", .key = key}, 200);
    expect(&(struct call){.method = "GET", .target = "/session", .cookie = cookie}, 200);
    assert_int_equal(service.store.kind->revoke_key(service.store.store, "gone", clock_wall_ns(), &error), 0);
    clock_sleep_ns(2100 * NS_PER_MS);
    expect(&(struct call){.method = "GET", .target = "/session", .key = key}, 401);
    expect(&(struct call){.method = "GET", .target = "/session", .cookie = cookie}, 401);
}

static int broken_find_key(struct store *store, const char *hash, struct api_key *key, struct error *error)
{
    (void)store;
    (void)hash;
    (void)key;
    return error_set(error, ERR_TIMEOUT, "the database does not answer");
}

/* Without a store: a key that was confirmed before goes on counting, one that was not cannot be checked. */
static void keys_outlive_the_store(void **state)
{
    (void)state;
    struct store_kind broken = store_sqlite;
    broken.find_key = broken_find_key;
    struct store_handle store = {.kind = &store_sqlite, .store = service.store.store};
    struct auth *healthy = auth_create(store);
    store.kind = &broken;
    struct auth *sick = auth_create(store);
    struct identity who;
    struct error error;
    assert_int_equal(auth_check_key(healthy, service.operator_, &who, &error), 0);
    assert_string_equal(who.name, "otto");
    assert_int_equal(auth_check_key(sick, service.operator_, &who, &error), ERR_TIMEOUT);
    auth_destroy(healthy);
    auth_destroy(sick);
}

static void add_analytics(int64_t start_ns, size_t steps)
{
    struct analytics_row rows[3] = {0};
    struct error error;
    for (size_t s = 0; s < steps; s++) {
        for (size_t i = 0; i < 3; i++) {
            rows[i] = (struct analytics_row){.measure = MEASURE_PEOPLE,
                                             .step = STEP_1S,
                                             .mean = (double)s,
                                             .min = 0,
                                             .max = 9,
                                             .valid_share = 1,
                                             .samples = 7};
            text_copy(rows[i].stream_id, sizeof rows[i].stream_id, "gate_h");
            text_format(rows[i].zone_id, sizeof rows[i].zone_id, i == 0 ? "" : "zone_%zu", i);
            rows[i].measure = i == 0 ? MEASURE_PEOPLE : MEASURE_OCCUPANCY;
            rows[i].start_ns = start_ns + (int64_t)s * NS_PER_S;
        }
        assert_int_equal(service.store.kind->write_analytics(service.store.store, rows, 3, &error), 0);
    }
}

/* Pages end with whole steps, whatever the limit, and together give every row once. */
static void history_in_pages(void **state)
{
    (void)state;
    int64_t start = INT64_C(1777658580) * NS_PER_S;
    add_analytics(start, 10);
    static const int limits[] = {1, 2, 3, 4, 7, 100};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        char cursor[64] = "", target[256], from[TIME_TEXT_SIZE], to[TIME_TEXT_SIZE];
        size_t rows = 0, pages = 0;
        do {
            text_format(target, sizeof target, "/analytics/gate_h?step=1s&limit=%d&from=%s&to=%s%s%s",
                        limits[i], time_format(start, from), time_format(start + 10 * NS_PER_S, to),
                        cursor[0] != '\0' ? "&cursor=" : "", cursor);
            struct answer answer =
                ask(&(struct call){.method = "GET", .target = target, .key = service.viewer});
            assert_int_equal(answer.status, 200);
            struct json *root = body_of(&answer);
            size_t size = json_size(json_get(root, "items"));
            assert_true(size > 0 && size % 3 == 0);
            rows += size;
            text_copy(cursor, sizeof cursor, json_as_string(json_get(root, "next"), ""));
            json_free(root);
            answer_release(&answer);
            assert_true(++pages < 20);
        } while (cursor[0] != '\0');
        assert_int_equal(rows, 30);
    }
    expect(
        &(struct call){
            .method = "GET",
            .target = "/analytics/gate_h?step=1s&zone=zone_1&measure=occupancy&from=2026-05-01T18:03:00Z",
            .key = service.viewer},
        200);
}

static size_t count_alerts(const char *target)
{
    struct answer answer = ask(&(struct call){.method = "GET", .target = target, .key = service.viewer});
    assert_int_equal(answer.status, 200);
    struct json *root = body_of(&answer);
    size_t count = json_size(json_get(root, "items"));
    json_free(root);
    answer_release(&answer);
    return count;
}

static void store_event(struct alert alert, int64_t version, enum alert_state state)
{
    struct alert_event event = {.kind = ALERT_RAISED, .version = version, .alert = alert};
    struct error error = {.text = ""};
    int64_t seq = 0;
    event.alert.state = state;
    if (service.store.kind->write_alert_event(service.store.store, &event, &seq, &error) != 0)
        fail_msg("%s", error.text);
}

/* What is open is told from memory; what the store has of it gives way; nothing is told twice, on no page. */
static void alerts_from_memory_and_store(void **state)
{
    (void)state;
    int64_t now = clock_wall_ns() / NS_PER_MS * NS_PER_MS;
    char id[16];
    for (int i = 0; i < 6; i++) {
        text_format(id, sizeof id, "old-%d", i);
        store_event(double_alert(id, "gate_a", now - (100 + i) * NS_PER_S), 1, ALERT_RESOLVED);
    }
    struct alert open = double_alert("open-1", "gate_a", now - 50 * NS_PER_S);
    store_event(open, 1, ALERT_ACTIVE);
    service.alerts[0] = open;
    service.alerts[1] = double_alert("open-2", "gate_b", now - 10 * NS_PER_S); /* not stored yet */
    service.alert_count = 2;
    assert_int_equal(count_alerts("/alerts?state=open"), 2);
    assert_int_equal(count_alerts("/alerts?state=active&stream=gate_b"), 1);
    assert_int_equal(count_alerts("/alerts?state=resolved"), 6);
    assert_int_equal(count_alerts("/alerts"), 8);
    assert_int_equal(count_alerts("/alerts?level=CRITICAL"), 0);

    expect(&(struct call){.method = "POST", .target = "/alerts/open-1/acknowledge", .key = service.viewer},
           403);
    struct answer answer = ask(&(struct call){.method = "POST",
                                              .target = "/alerts/open-1/acknowledge",
                                              .key = service.operator_,
                                              .type = "application/json",
                                              .body = "{\"comment\": \"steward sent\"}"});
    assert_int_equal(answer.status, 200);
    struct json *root = body_of(&answer);
    assert_string_equal(json_as_string(json_get(root, "state"), ""), "acknowledged");
    assert_string_equal(json_as_string(json_get(root, "acknowledged_by"), ""), "otto");
    assert_string_equal(json_as_string(json_get(root, "comment"), ""), "steward sent");
    json_free(root);
    answer_release(&answer);
    assert_int_equal(count_alerts("/alerts?state=active"), 1);
    assert_int_equal(count_alerts("/alerts?state=acknowledged"), 1);
    assert_int_equal(count_alerts("/alerts"), 8);

    char target[128] = "/alerts?limit=3", seen[512] = "";
    size_t pages = 0, rows = 0;
    for (bool more = true; more; pages++) {
        answer = ask(&(struct call){.method = "GET", .target = target, .key = service.viewer});
        root = body_of(&answer);
        for (size_t i = 0; i < json_size(json_get(root, "items")); i++, rows++) {
            const char *alert_id =
                json_as_string(json_get(json_at(json_get(root, "items"), i), "alert_id"), "?");
            assert_null(strstr(seen, alert_id));
            size_t used = strlen(seen);
            text_format(seen + used, sizeof seen - used, "%s,", alert_id);
        }
        const char *next = json_as_string(json_get(root, "next"), NULL);
        more = next != NULL;
        if (more)
            text_format(target, sizeof target, "/alerts?limit=3&cursor=%s", next);
        json_free(root);
        answer_release(&answer);
    }
    assert_int_equal(rows, 8);
    assert_int_equal(pages, 3);
    assert_true(text_starts_with(seen, "open-2,open-1,old-0,"));

    answer = ask(&(struct call){.method = "GET", .target = "/alerts/old-3", .key = service.viewer});
    root = body_of(&answer);
    assert_int_equal(json_size(json_get(root, "history")), 1);
    json_free(root);
    answer_release(&answer);
    expect(&(struct call){.method = "POST", .target = "/alerts/open-1/resolve", .key = service.operator_},
           200);
    expect(&(struct call){.method = "POST", .target = "/alerts/open-1/resolve", .key = service.operator_},
           409);
    expect(&(struct call){.method = "POST", .target = "/alerts/test", .key = service.operator_}, 201);
    service.alert_count = 0;
}

/* The document names every route with its method, and every schema that it refers to is there. */
static void openapi_is_whole(void **state)
{
    (void)state;
    struct answer answer = ask(&(struct call){.method = "GET", .target = "/openapi.json"});
    struct json *root = body_of(&answer);
    const struct json *paths = json_get(root, "paths");
    const struct json *schemas = json_get(json_get(root, "components"), "schemas");
    for (size_t r = 0; r < api_route_count; r++) {
        char method[16];
        text_format(method, sizeof method, "%s", method_name(api_routes[r].method));
        for (char *c = method; *c != '\0'; c++)
            *c = (char)(*c | 0x20);
        const struct json *operation = json_get(json_get(paths, api_routes[r].path), method);
        assert_non_null(operation);
        assert_true(json_size(json_get(operation, "responses")) > 1);
        assert_true(api_routes[r].request == NULL || json_get(schemas, api_routes[r].request) != NULL);
        assert_true(api_routes[r].response == NULL || json_get(schemas, api_routes[r].response) != NULL);
    }
    for (const char *at = api.openapi.data; (at = strstr(at, "#/components/schemas/")) != NULL;) {
        char name[64];
        at += strlen("#/components/schemas/");
        text_format(name, sizeof name, "%.*s", (int)strcspn(at, "\""), at);
        if (json_get(schemas, name) == NULL)
            fail_msg("schema %s is missing", name);
    }
    json_free(root);
    answer_release(&answer);
}

static void metrics_are_prometheus(void **state)
{
    (void)state;
    struct answer answer = ask(&(struct call){.method = "GET", .target = "/metrics", .key = service.viewer});
    assert_non_null(strstr(answer.body.data, "\nsci_frames_analyzed_total{stream=\"gate_a\"} 7\n"));
    assert_non_null(strstr(answer.body.data, "\n# TYPE sci_latency_seconds histogram\n"));
    assert_non_null(
        strstr(answer.body.data, "sci_latency_seconds_bucket{stream=\"gate_a\",le=\"+Inf\"} 7\n"));
    assert_non_null(strstr(answer.body.data, "sci_stream_state{stream=\"gate_a\",state=\"live\"} 1\n"));
    assert_null(strstr(answer.body.data, "sci_people{")); /* not measured: absent, never 0 */
    answer_release(&answer);
}

static void origins(void **state)
{
    (void)state;
    static const struct {
        const char *origin, *host;
        bool matches;
    } cases[] = {
        {"http://10.0.0.1:8000", "10.0.0.1:8000", true},
        {"https://sci.example", "sci.example", true},
        {"https://sci.example", "sci.example:443", true},
        {"http://sci.example:80", "sci.example", true},
        {"http://SCI.example", "sci.EXAMPLE", true},
        {"http://sci.example", "sci.example:8000", false},
        {"http://sci.example.evil", "sci.example", false},
        {"null", "sci.example", false},
        {"http://", "", false},
        {"file://sci.example", "sci.example", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(origin_matches(cases[i].origin, cases[i].host), cases[i].matches);
}

static void cookies(void **state)
{
    (void)state;
    char value[16];
    assert_true(cookie_value("a=1; sci=two; b=3", "sci", value, sizeof value));
    assert_string_equal(value, "two");
    assert_true(cookie_value("sci=;", "sci", value, sizeof value));
    assert_string_equal(value, "");
    assert_false(cookie_value("xsci=1; scix=2", "sci", value, sizeof value));
    assert_false(cookie_value("sci=longer than fits here", "sci", value, sizeof value));
    assert_false(cookie_value(NULL, "sci", value, sizeof value));
    assert_false(cookie_value(";;; =; sci", "sci", value, sizeof value));
}

static void targets(void **state)
{
    (void)state;
    struct target t;
    struct error error;
    assert_int_equal(target_parse("/a%20b/c%2Fd//?x=1+2&y&z=%C3%A4&&x=3", &t, &error), 0);
    assert_int_equal(t.segment_count, 3);
    assert_string_equal(t.segments[0], "a b");
    assert_string_equal(t.segments[1], "c/d");
    assert_string_equal(target_query(&t, "x"), "1 2");
    assert_string_equal(target_query(&t, "y"), "");
    assert_string_equal(target_query(&t, "z"), "\xc3\xa4");
    assert_null(target_query(&t, "q"));
    target_free(&t);
    assert_int_equal(target_parse("/?a=%0a", &t, &error), ERR_FORMAT);
    assert_int_equal(target_parse("/%", &t, &error), ERR_FORMAT);
    assert_int_equal(target_parse("", &t, &error), ERR_FORMAT);
    assert_null(t.text);
}

static void limiter_refills(void **state)
{
    (void)state;
    struct limiter *limiter = limiter_create(16);
    int retry = 0;
    for (int i = 0; i < 4; i++)
        assert_true(limiter_take(limiter, "a", 2, 4, NS_PER_S, &retry));
    assert_false(limiter_take(limiter, "a", 2, 4, NS_PER_S, &retry));
    assert_int_equal(retry, 1);
    assert_true(limiter_take(limiter, "b", 2, 4, NS_PER_S, &retry));
    assert_true(limiter_take(limiter, "a", 2, 4, NS_PER_S + NS_PER_S / 2, &retry));
    assert_false(limiter_take(limiter, "a", 2, 4, NS_PER_S + NS_PER_S / 2, &retry));
    for (int i = 0; i < 1000; i++) { /* strangers take places, never memory */
        char name[16];
        text_format(name, sizeof name, "n%d", i);
        assert_true(limiter_take(limiter, name, 1, 1, 9 * NS_PER_S + i, &retry));
    }
    limiter_destroy(limiter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_and_role),
        cmocka_unit_test(every_route_and_bad_body),
        cmocka_unit_test(statuses),
        cmocka_unit_test(wrong_fields_are_named),
        cmocka_unit_test(too_large_bodies_are_refused_early),
        cmocka_unit_test(failures_become_503),
        cmocka_unit_test(busy_keys_have_to_wait),
        cmocka_unit_test(sessions),
        cmocka_unit_test(revoked_keys_are_refused_within_seconds),
        cmocka_unit_test(keys_outlive_the_store),
        cmocka_unit_test(history_in_pages),
        cmocka_unit_test(alerts_from_memory_and_store),
        cmocka_unit_test(openapi_is_whole),
        cmocka_unit_test(metrics_are_prometheus),
        cmocka_unit_test(origins),
        cmocka_unit_test(cookies),
        cmocka_unit_test(targets),
        cmocka_unit_test(limiter_refills),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
