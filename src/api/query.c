#include <string.h>

#include "api/problem.h"
#include "api/resources.h"
#include "base/clock.h"
#include "base/json_read.h"
#include "base/text.h"

int query_int(const struct request *request, struct answer *answer, const char *name, int64_t low,
              int64_t high, int64_t fallback, int64_t *value)
{
    const char *text = target_query(&request->target, name);
    *value = fallback;
    if (text == NULL || (text_to_int64(text, value) && *value >= low && *value <= high))
        return 0;
    char message[96];
    text_format(message, sizeof message, "expected a whole number from %lld to %lld", (long long)low,
                (long long)high);
    problem_add_field(answer, name, message);
    return ERR_INVALID;
}

int query_time(const struct request *request, struct answer *answer, const char *name, int64_t fallback_ns,
               int64_t *value_ns)
{
    const char *text = target_query(&request->target, name);
    *value_ns = fallback_ns;
    if (text == NULL || time_parse(text, value_ns, NULL) == 0)
        return 0;
    problem_add_field(answer, name, "expected a time like 2026-05-01T18:03:07Z (RFC 3339)");
    return ERR_INVALID;
}

int query_identifier(const struct request *request, struct answer *answer, const char *name,
                     const char **value)
{
    *value = target_query(&request->target, name);
    if (*value == NULL || text_is_identifier(*value))
        return 0;
    problem_add_field(answer, name, "expected an identifier: 1 to 64 of a-z A-Z 0-9 _ - .");
    return ERR_INVALID;
}

static bool has_parameter(const struct route *route, const char *name)
{
    for (size_t i = 0; i < ROUTE_PARAMETERS_MAX && route->parameters[i].name != NULL; i++) {
        const struct route_parameter *p = &route->parameters[i];
        if (strcmp(p->in, "query") == 0 && strcmp(p->name, name) == 0)
            return true;
    }
    return false;
}

int query_known(const struct request *request, struct answer *answer, struct error *error)
{
    int rc = 0;
    for (size_t i = 0; i < request->target.query_count; i++) {
        if (!has_parameter(request->route, request->target.query[i].name)) {
            problem_add_field(answer, request->target.query[i].name, "not a parameter of this resource");
            rc = error_set(error, ERR_INVALID, "query: '%s' is not a parameter of this resource",
                           request->target.query[i].name);
        }
    }
    return rc;
}

int body_known(const struct request *request, struct answer *answer, const char *only, struct error *error)
{
    int rc = 0;
    const char *key;
    const struct json *value;
    for (size_t i = 0; json_entry(request->json, i, &key, &value); i++) {
        if (only == NULL || strcmp(key, only) != 0) {
            problem_add_field(answer, key, "not a field of this body");
            rc = error_set(error, ERR_INVALID, "'%s' is not a field of this body", key);
        }
    }
    return rc;
}
