#include "base/json_read.h"

#include <jansson.h>
#include <math.h>

/* A `struct json` is jansson's value under another name: nobody else sees it. */
static json_t *unwrap(const struct json *value)
{
    return (json_t *)(uintptr_t)value;
}

static const struct json *wrap(const json_t *value)
{
    return (const struct json *)value;
}

int json_parse(const char *text, size_t size, struct json **root, struct error *error)
{
    json_error_t why;
    *root = NULL;
    json_t *value = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
    if (!value)
        return error_set(error, ERR_FORMAT, "line %d, column %d: %s", why.line, why.column, why.text);
    *root = (struct json *)value;
    return 0;
}

void json_free(struct json *root)
{
    json_decref(unwrap(root));
}

static json_t *merge(const json_t *base, const json_t *patch)
{
    if (!json_is_object(patch))
        return json_deep_copy(patch);
    json_t *merged = json_is_object(base) ? json_deep_copy(base) : json_object();
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)patch, key, value)
    {
        if (json_is_null(value)) {
            (void)json_object_del(merged, key);
        } else if (json_object_set_new(merged, key, merge(json_object_get(merged, key), value)) < 0) {
            json_decref(merged);
            return NULL;
        }
    }
    return merged;
}

struct json *json_merge(const struct json *base, const struct json *patch)
{
    return (struct json *)merge(unwrap(base), unwrap(patch));
}

enum json_kind json_kind(const struct json *value)
{
    if (!value)
        return JSON_IS_NULL;
    switch (json_typeof(unwrap(value))) {
    case JSON_OBJECT:
        return JSON_IS_OBJECT;
    case JSON_ARRAY:
        return JSON_IS_ARRAY;
    case JSON_STRING:
        return JSON_IS_STRING;
    case JSON_INTEGER:
    case JSON_REAL:
        return JSON_IS_NUMBER;
    case JSON_TRUE:
    case JSON_FALSE:
        return JSON_IS_BOOL;
    default:
        return JSON_IS_NULL;
    }
}

const char *json_kind_name(const struct json *value)
{
    static const char *const names[] = {"null", "a truth value", "a number", "a text", "a list", "an object"};
    return names[json_kind(value)];
}

size_t json_size(const struct json *value)
{
    if (json_kind(value) == JSON_IS_ARRAY)
        return json_array_size(unwrap(value));
    return json_kind(value) == JSON_IS_OBJECT ? json_object_size(unwrap(value)) : 0;
}

const struct json *json_at(const struct json *array, size_t index)
{
    return json_kind(array) == JSON_IS_ARRAY ? wrap(json_array_get(unwrap(array), index)) : NULL;
}

const struct json *json_get(const struct json *object, const char *key)
{
    return json_kind(object) == JSON_IS_OBJECT ? wrap(json_object_get(unwrap(object), key)) : NULL;
}

bool json_entry(const struct json *object, size_t index, const char **key, const struct json **value)
{
    if (json_kind(object) != JSON_IS_OBJECT)
        return false;
    void *at = json_object_iter(unwrap(object));
    while (at && index-- > 0)
        at = json_object_iter_next(unwrap(object), at);
    if (!at)
        return false;
    *key = json_object_iter_key(at);
    *value = wrap(json_object_iter_value(at));
    return true;
}

const char *json_as_string(const struct json *value, const char *fallback)
{
    return json_kind(value) == JSON_IS_STRING ? json_string_value(unwrap(value)) : fallback;
}

double json_as_number(const struct json *value, double fallback)
{
    return json_kind(value) == JSON_IS_NUMBER ? json_number_value(unwrap(value)) : fallback;
}

int64_t json_as_int(const struct json *value, int64_t fallback)
{
    if (json_kind(value) != JSON_IS_NUMBER)
        return fallback;
    if (json_is_integer(unwrap(value)))
        return json_integer_value(unwrap(value));
    double number = json_real_value(unwrap(value));
    bool whole = number == floor(number) && fabs(number) < 9007199254740992.0;
    return whole ? (int64_t)number : fallback;
}

bool json_as_bool(const struct json *value, bool fallback)
{
    return json_kind(value) == JSON_IS_BOOL ? json_is_true(unwrap(value)) : fallback;
}
