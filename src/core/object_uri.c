#include "core/object_uri.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/uri.h"

enum { REDIS_PORT = 6379, VALUE_MAX = OBJECT_PATH_MAX };
#define FILE_MAX_AGE_NS (5 * NS_PER_S)
#define REDIS_MAX_AGE_NS (2 * NS_PER_S)

static const struct {
    const char *scheme;
    enum object_source source;
} schemes[] = {{"detections", OBJECT_DETECTIONS},
               {"trajectories", OBJECT_TRAJECTORIES},
               {"deepstream", OBJECT_DEEPSTREAM}};

enum object_source object_uri_source(const char *uri)
{
    char scheme[16];
    uri_scheme(uri, scheme, sizeof scheme);
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (strcmp(scheme, schemes[i].scheme) == 0)
            return schemes[i].source;
    return OBJECT_NONE;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* `size` bytes of `text` with %XX decoded. `what` names it in errors. */
static int decode(const char *text, size_t size, const char *what, char *out, size_t out_size,
                  struct error *error)
{
    size_t n = 0;
    for (size_t i = 0; i < size; i++, n++) {
        if (n + 1 >= out_size)
            return error_set(error, ERR_INVALID, "%s: longer than %zu characters", what, out_size - 1);
        out[n] = text[i];
        if (text[i] != '%')
            continue;
        int high = i + 1 < size ? hex_digit(text[i + 1]) : -1;
        int low = i + 2 < size ? hex_digit(text[i + 2]) : -1;
        if (high < 0 || low < 0 || high + low == 0)
            return error_set(error, ERR_INVALID, "%s: '%%' is not followed by two hexadecimal digits", what);
        out[n] = (char)(high * 16 + low);
        i += 2;
    }
    out[n] = '\0';
    return 0;
}

/* ---- options ---- */

static int bad(struct error *error, const char *name, const char *expected, const char *value)
{
    return error_set(error, ERR_INVALID, "%s: expected %s, got '%.40s'", name, expected, value);
}

static int set_max_age(struct object_uri *u, const char *value, struct error *error)
{
    if (text_to_duration_ns(value, &u->max_age_ns) && u->max_age_ns >= 100 * NS_PER_MS)
        return 0;
    return bad(error, "max_age", "a duration from 100ms, such as 5s", value);
}

static int set_clock(struct object_uri *u, const char *value, struct error *error)
{
    u->arrival_clock = strcmp(value, "arrival") == 0;
    return u->arrival_clock || strcmp(value, "stamps") == 0 ? 0
                                                            : bad(error, "clock", "stamps or arrival", value);
}

static int set_unit(struct object_uri *u, const char *value, struct error *error)
{
    u->unit_m = strcmp(value, "m") == 0 ? 1 : strcmp(value, "cm") == 0 ? 0.01 : 0;
    return u->unit_m > 0 ? 0 : bad(error, "unit", "m or cm", value);
}

static int set_columns(struct object_uri *u, const char *value, struct error *error)
{
    if (value[0] == '\0' || strlen(value) >= sizeof u->columns)
        return bad(error, "columns", "names such as id,frame,x,y", value);
    text_copy(u->columns, sizeof u->columns, value);
    return 0;
}

static int set_sensor(struct object_uri *u, const char *value, struct error *error)
{
    if (value[0] == '\0' || strlen(value) >= sizeof u->sensor)
        return bad(error, "sensor", "the id of a sensor", value);
    text_copy(u->sensor, sizeof u->sensor, value);
    return 0;
}

static int set_field(struct object_uri *u, const char *value, struct error *error)
{
    if (value[0] == '\0' || strlen(value) >= sizeof u->field)
        return bad(error, "field", "the name of a field", value);
    text_copy(u->field, sizeof u->field, value);
    return 0;
}

static int set_size(struct object_uri *u, const char *value, struct error *error)
{
    return text_to_size(value, &u->width, &u->height) ? 0 : bad(error, "size", "WIDTHxHEIGHT", value);
}

static int set_empty_for(struct object_uri *u, const char *value, struct error *error)
{
    return text_to_duration_ns(value, &u->empty_for_ns)
               ? 0
               : bad(error, "empty_for", "a duration such as 30s", value);
}

static int set_class(struct object_uri *u, const char *value, struct error *error)
{
    u->class_count = 0;
    for (const char *at = value; *at;) {
        size_t n = strcspn(at, ",");
        if (n == 0 || n >= OBJECT_CLASS_MAX || u->class_count == OBJECT_CLASSES_MAX)
            return bad(error, "class", "up to eight names with commas between them", value);
        memcpy(u->classes[u->class_count], at, n);
        u->classes[u->class_count++][n] = '\0';
        at += n + (at[n] == ',');
    }
    return u->class_count > 0 ? 0 : bad(error, "class", "a name such as person", value);
}

#define IN_DETECTIONS (1 << OBJECT_DETECTIONS)
#define IN_TRAJECTORIES (1 << OBJECT_TRAJECTORIES)
#define IN_DEEPSTREAM (1 << OBJECT_DEEPSTREAM)
static const struct {
    const char *name;
    int sources;
    int (*set)(struct object_uri *u, const char *value, struct error *error);
} options[] = {{"max_age", IN_DETECTIONS | IN_DEEPSTREAM, set_max_age},
               {"clock", IN_DETECTIONS, set_clock},
               {"class", IN_DETECTIONS | IN_DEEPSTREAM, set_class},
               {"unit", IN_TRAJECTORIES, set_unit},
               {"columns", IN_TRAJECTORIES, set_columns},
               {"sensor", IN_DEEPSTREAM, set_sensor},
               {"field", IN_DEEPSTREAM, set_field},
               {"size", IN_DEEPSTREAM, set_size},
               {"empty_for", IN_DEEPSTREAM, set_empty_for}};

static int set_option(struct object_uri *u, const char *text, size_t size, struct error *error)
{
    char value[VALUE_MAX];
    const char *equals = memchr(text, '=', size);
    size_t name = equals ? (size_t)(equals - text) : size;
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        if (!(options[i].sources & 1 << u->source) || strlen(options[i].name) != name ||
            strncmp(text, options[i].name, name) != 0)
            continue;
        int result = equals ? decode(equals + 1, size - name - 1, options[i].name, value, sizeof value, error)
                            : error_set(error, ERR_INVALID, "%s: has no value", options[i].name);
        return result < 0 ? result : options[i].set(u, value, error);
    }
    return error_set(error, ERR_INVALID, "%.*s: there is no such option of this kind of address",
                     (int)(name < 40 ? name : 40), text);
}

static int set_options(struct object_uri *u, const char *query, struct error *error)
{
    int result = 0;
    while (result == 0 && *query) {
        size_t n = strcspn(query, "&");
        if (n > 0)
            result = set_option(u, query, n, error);
        query += n + (query[n] == '&');
    }
    return result;
}

/* ---- where ---- */

static int parse_port(struct object_uri *u, const char *text, size_t size, struct error *error)
{
    char digits[8];
    int64_t port = 0;
    text_format(digits, sizeof digits, "%.*s", (int)(size < 7 ? size : 7), text);
    if (!text_to_int64(digits, &port) || port < 1 || port > 65535)
        return error_set(error, ERR_INVALID, "the port '%s' is not a number from 1 to 65535", digits);
    u->port = (int)port;
    return 0;
}

static int parse_user(struct object_uri *u, const char *text, size_t size, struct error *error)
{
    const char *colon = memchr(text, ':', size);
    size_t name = colon ? (size_t)(colon - text) : size;
    int result = decode(text, name, "the user", u->user, sizeof u->user, error);
    if (result == 0 && colon)
        result = decode(colon + 1, size - name - 1, "the password", u->password, sizeof u->password, error);
    return result;
}

/* [USER:PASSWORD@]HOST[:PORT], an IPv6 address in brackets. */
static int parse_host(struct object_uri *u, const char *text, size_t size, struct error *error)
{
    const char *at = memrchr(text, '@', size);
    int result = at ? parse_user(u, text, (size_t)(at - text), error) : 0;
    if (result < 0)
        return result;
    if (at) {
        size -= (size_t)(at + 1 - text);
        text = at + 1;
    }
    const char *bracket = size > 0 && text[0] == '[' ? memchr(text, ']', size) : NULL;
    const char *after = bracket ? bracket + 1 : text;
    const char *colon = memchr(after, ':', size - (size_t)(after - text));
    size_t host = colon ? (size_t)(colon - text) : size;
    u->port = REDIS_PORT;
    if (colon)
        result = parse_port(u, colon + 1, size - host - 1, error);
    if (result == 0)
        result = bracket ? decode(text + 1, (size_t)(bracket - text - 1), "the host", u->host, sizeof u->host,
                                  error)
                         : decode(text, host, "the host", u->host, sizeof u->host, error);
    if (result == 0 && u->host[0] == '\0')
        result = error_set(error, ERR_INVALID, "there is no host in it");
    return result;
}

static int parse_path(struct object_uri *u, const char *text, size_t size, struct error *error)
{
    if (u->source == OBJECT_DEEPSTREAM) {
        const char *slash = memchr(text, '/', size);
        size_t host = slash ? (size_t)(slash - text) : size;
        int result = parse_host(u, text, host, error);
        if (result < 0)
            return result;
        if (size - host < 2)
            return error_set(error, ERR_INVALID, "the Redis stream's name is missing after the host");
        return decode(slash + 1, size - host - 1, "the stream's name", u->path, sizeof u->path, error);
    }
    if (size < 2 || text[0] != '/')
        return error_set(error, ERR_INVALID, "three slashes and an absolute path are expected: %s:///path",
                         schemes[u->source - 1].scheme);
    return decode(text, size, "the path", u->path, sizeof u->path, error);
}

int object_uri_parse(const char *uri, struct object_uri *out, struct error *error)
{
    *out = (struct object_uri){.source = object_uri_source(uri), .max_age_ns = FILE_MAX_AGE_NS};
    if (out->source == OBJECT_NONE)
        return error_set(error, ERR_INVALID, "not an address of detections, trajectories or deepstream");
    if (out->source == OBJECT_DEEPSTREAM)
        out->max_age_ns = REDIS_MAX_AGE_NS;
    text_copy(out->field, sizeof out->field, "metadata");
    out->class_count = 2;
    text_copy(out->classes[0], OBJECT_CLASS_MAX, "person");
    text_copy(out->classes[1], OBJECT_CLASS_MAX, "pedestrian");
    const char *rest = strstr(uri, "://") + 3;
    size_t path = strcspn(rest, "?");
    int result = parse_path(out, rest, path, error);
    if (result == 0 && rest[path] == '?')
        result = set_options(out, rest + path + 1, error);
    if (result == 0 && out->source == OBJECT_DEEPSTREAM && out->width == 0)
        result = error_set(error, ERR_INVALID,
                           "size: missing: WIDTHxHEIGHT of the pictures, which the messages do not say");
    return result;
}
