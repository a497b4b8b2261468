/*
 * JSON reader: a parsed, read-only tree. Input is bounded by the caller (size) and here (depth); duplicate
 * keys are refused. A `struct json` belongs to its root and dies with `json_free(root)`; the pointers that
 * the accessors return are borrowed.
 */
#ifndef SCI_BASE_JSON_READ_H
#define SCI_BASE_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct json; /* opaque */

enum json_kind { JSON_IS_NULL, JSON_IS_BOOL, JSON_IS_NUMBER, JSON_IS_STRING, JSON_IS_ARRAY, JSON_IS_OBJECT };

/* ERR_FORMAT with "line L, column C: what". */
int json_parse(const char *text, size_t size, struct json **root, struct error *error);
void json_free(struct json *root); /* NULL is fine */

/* A new tree: `base` with the changes of `patch` (RFC 7396: members replace those of the same name, objects
 * are merged, null takes away). NULL without memory. */
struct json *json_merge(const struct json *base, const struct json *patch);

enum json_kind json_kind(const struct json *value); /* NULL counts as JSON_IS_NULL */
const char *json_kind_name(const struct json *value);
size_t json_size(const struct json *value);                         /* items of an array or object, else 0 */
const struct json *json_at(const struct json *array, size_t index); /* NULL outside */
const struct json *json_get(const struct json *object, const char *key); /* NULL if absent */
/* Entry `index` of an object, in the order of the text; false past the end. */
bool json_entry(const struct json *object, size_t index, const char **key, const struct json **value);

/* The value, or the fallback when it is absent or of another type. */
const char *json_as_string(const struct json *value, const char *fallback);
double json_as_number(const struct json *value, double fallback);
int64_t json_as_int(const struct json *value,
                    int64_t fallback); /* numbers with a fraction give the fallback */
bool json_as_bool(const struct json *value, bool fallback);

#endif
