#include "api/router.h"

#include <string.h>
#include <strings.h>

#include "api/dashboard.h"
#include "api/problem.h"
#include "base/clock.h"
#include "base/text.h"

/* Wrong keys from one address; 256 random bits are not guessed, but every guess costs the store a query. */
#define WRONG_KEYS_PER_S 5.0
#define WRONG_KEYS_BURST 100.0

bool route_matches(const char *pattern, const struct target *target, const char **id)
{
    size_t segment = 0;
    for (const char *at = pattern + 1; *at != '\0'; segment++) {
        size_t size = strcspn(at, "/");
        if (segment == target->segment_count)
            return false;
        const char *given = target->segments[segment];
        if (at[0] == '{')
            *id = given;
        else if (strlen(given) != size || strncmp(at, given, size) != 0)
            return false;
        at += size + (at[size] == '/');
    }
    return segment == target->segment_count;
}

/* The route for path and method; HEAD is answered as GET is. *allowed gathers the methods of the path. */
static const struct route *find_route(struct request *request, unsigned *allowed)
{
    enum http_method method = request->method == METHOD_HEAD ? METHOD_GET : request->method;
    const struct route *found = NULL;
    for (size_t i = 0; i < api_route_count; i++) {
        const char *id = NULL;
        if (!route_matches(api_routes[i].path, &request->target, &id))
            continue;
        *allowed |= 1u << api_routes[i].method;
        if (found == NULL && api_routes[i].method == method) {
            found = &api_routes[i];
            request->id = id;
        }
    }
    if (*allowed & 1u << METHOD_GET)
        *allowed |= 1u << METHOD_HEAD;
    return found;
}

static void put_allow(struct answer *answer, unsigned allowed)
{
    char text[64] = "";
    size_t size = 0;
    for (int method = 0; method < METHOD_OPTIONS; method++) {
        if (allowed & 1u << method) {
            text_format(text + size, sizeof text - size, "%s, ", method_name((enum http_method)method));
            size = strlen(text);
        }
    }
    answer_header(answer, "Allow", "%sOPTIONS", text);
}

static bool refuse_method(struct request *request, unsigned allowed, struct answer *answer)
{
    if (allowed == 0 && dashboard_has(request)) {
        request->route = NULL;
        allowed = 1u << METHOD_GET | 1u << METHOD_HEAD;
        if (allowed & 1u << request->method)
            return false;
    }
    if (request->method == METHOD_OTHER)
        problem_write(answer, 501, "no resource here knows this method");
    else if (allowed == 0)
        problem_write(answer, 404, "there is nothing at this path");
    else if (request->method == METHOD_OPTIONS)
        answer->status = 204;
    else
        problem_write(answer, 405, "%s is not possible here", method_name(request->method));
    if (allowed != 0)
        put_allow(answer, allowed);
    return true;
}

static void put_error(struct answer *answer, const struct error *error)
{
    problem_from_error(answer, error);
    if (answer->status == 401)
        answer_header(answer, "WWW-Authenticate", "Bearer realm=\"sci\"");
}

static bool refuse_rate(struct api *api, const char *name, double per_second, double burst,
                        struct answer *answer)
{
    int retry_after_s = 0;
    if (per_second <= 0 ||
        limiter_take(api->limiter, name, per_second, burst, clock_monotonic_ns(), &retry_after_s))
        return false;
    problem_write(answer, 429, "too many requests: ask again in %d s", retry_after_s);
    answer_header(answer, "Retry-After", "%d", retry_after_s);
    return true;
}

static void refuse_identity(struct api *api, const struct request *request, const struct error *error,
                            struct answer *answer)
{
    if (error->code == ERR_CONFLICT) {
        problem_write(answer, 403, "%s", error->text);
        return;
    }
    if (error->code == ERR_AUTH && auth_has_credential(request) &&
        refuse_rate(api, request->remote, WRONG_KEYS_PER_S, WRONG_KEYS_BURST, answer))
        return;
    put_error(answer, error);
}

/* Key, role and rate. */
static bool refuse_caller(struct api *api, struct request *request, struct answer *answer)
{
    const struct route *route = request->route;
    if (route->least == ROLE_NONE)
        return false;
    struct error error;
    bool strict = request->method != METHOD_GET && request->method != METHOD_HEAD;
    strict = strict || strcmp(route->path, "/ws") == 0;
    if (auth_identify(api->auth, request, strict, &request->who, &error) != 0) {
        refuse_identity(api, request, &error, answer);
        return true;
    }
    double rate = api->config->server.rate_limit;
    if (refuse_rate(api, request->who.credential, rate, 4 * rate, answer))
        return true;
    if (request->who.role < route->least) {
        problem_write(answer, 403, "this needs the role %s; the key '%s' has the role %s",
                      role_name(route->least), request->who.name, role_name(request->who.role));
        return true;
    }
    return false;
}

size_t api_body_limit(const struct api *api, const struct request *request)
{
    bool picture = request->route != NULL && request->route->takes_picture;
    return picture ? api->config->server.max_picture_bytes : api->config->server.max_body_bytes;
}

static bool refuse_body(struct api *api, const struct request *request, int64_t content_length,
                        struct answer *answer)
{
    size_t limit = api_body_limit(api, request);
    if (content_length < 0 || (uint64_t)content_length <= limit)
        return false;
    problem_write(answer, 413, "the body has %lld bytes; at most %zu are taken", (long long)content_length,
                  limit);
    return true;
}

bool api_begin(struct api *api, struct request *request, const char *raw_target, int64_t content_length,
               struct answer *answer)
{
    struct error error;
    if (atomic_load(&api->stopping)) {
        problem_write(answer, 503, "the service is stopping");
        return true;
    }
    if (request->method == METHOD_OPTIONS && strcmp(raw_target, "*") == 0) {
        answer->status = 204;
        return true;
    }
    int rc = target_parse(raw_target, &request->target, &error);
    if (rc != 0) {
        problem_write(answer, rc == ERR_FULL ? 414 : rc == ERR_FORMAT ? 400 : 503, "%s", error.text);
        return true;
    }
    unsigned allowed = 0;
    request->route = find_route(request, &allowed);
    if (request->route == NULL)
        return refuse_method(request, allowed, answer) || refuse_body(api, request, content_length, answer);
    return refuse_caller(api, request, answer) || refuse_body(api, request, content_length, answer);
}

static bool is_json(const char *content_type)
{
    static const char json[] = "application/json";
    if (content_type == NULL || strncasecmp(content_type, json, sizeof json - 1) != 0)
        return false;
    char next = content_type[sizeof json - 1];
    return next == '\0' || next == ';' || next == ' ';
}

/* Parses the body that the route asks for. False with a problem when it is not there or not JSON. */
static bool take_body(struct request *request, struct answer *answer)
{
    const struct route *route = request->route;
    if (route->request == NULL || (route->body_optional && request->body_size == 0))
        return true;
    if (request->body_size == 0) {
        problem_write(answer, 400, "a JSON body is needed");
        return false;
    }
    if (!is_json(request->header.content_type)) {
        problem_write(answer, 415, "the body must be application/json");
        return false;
    }
    struct error error;
    if (json_parse(request->body, request->body_size, &request->json, &error) != 0) {
        problem_write(answer, error.code == ERR_NOMEM ? 503 : 400, "body: %s", error.text);
        return false;
    }
    if (json_kind(request->json) != JSON_IS_OBJECT) {
        problem_write(answer, 422, "body: expected an object, got %s", json_kind_name(request->json));
        return false;
    }
    return true;
}

void api_finish(struct api *api, struct request *request, struct answer *answer)
{
    struct error error = {.code = ERR_INTERNAL};
    if (request->route == NULL) {
        if (dashboard_answer(request, answer, &error) != 0)
            problem_from_error(answer, &error);
        return;
    }
    if (!take_body(request, answer))
        return;
    int rc = request->route->handler(api, request, answer, &error);
    if (rc != 0) {
        error.code = rc;
        put_error(answer, &error);
    }
}
