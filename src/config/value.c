/* Single values from nodes, with their checks. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "config/key.h"
#include "config/value.h"

bool key_is_scalar(enum key_type type)
{
    return type <= KEY_PICTURE_SIZE;
}

static void *place_of(const struct config_key *key, void *base)
{
    return (char *)base + key->offset;
}

int value_expected(const char *what, const struct node *node, struct error *error)
{
    char got[80];
    return error_set(error, ERR_INVALID, "expected %s, got %s", what, node_describe(node, got, sizeof got));
}

/* The scalar's text where a number, a word or a size is expected. NULL: it is something else. */
const char *node_plain_text(const struct node *node)
{
    return node->kind == NODE_SCALAR && node->style != SCALAR_QUOTED ? node->text : NULL;
}

/* Where a text is expected; JSON has durations, sizes and words only as strings. */
static const char *any_text(const struct node *node)
{
    return node->kind == NODE_SCALAR && node->style != SCALAR_TYPED ? node->text : NULL;
}

static void write_range(const struct config_key *key, char *out, size_t out_size)
{
    const char *unit = key->unit != NULL ? key->unit : "";
    const char *space = unit[0] != '\0' ? " " : "";
    if (isfinite(key->most)) {
        text_format(out, out_size, "%.15g to %.15g%s%s", key->least, key->most, space, unit);
    } else {
        text_format(out, out_size, "%.15g%s%s or more", key->least, space, unit);
    }
}

static int check_range(const struct config_key *key, double value, const struct node *node,
                       struct error *error)
{
    if (value >= key->least && value <= key->most) {
        return 0;
    }
    char range[96], got[80];
    write_range(key, range, sizeof range);
    return error_set(error, ERR_INVALID, "%s is out of range: %s", node_describe(node, got, sizeof got),
                     range);
}

static int read_bool(const struct config_key *key, const struct node *node, void *base, struct error *error)
{
    const char *text = node_plain_text(node);
    bool yes = text != NULL && strcmp(text, "true") == 0;
    if (!yes && (text == NULL || strcmp(text, "false") != 0)) {
        return value_expected("true or false", node, error);
    }
    memcpy(place_of(key, base), &yes, sizeof yes);
    return 0;
}

static int read_whole(const struct config_key *key, const struct node *node, void *base, struct error *error)
{
    const char *text = node_plain_text(node);
    int64_t value = 0;
    if (text == NULL || !text_to_int64(text, &value)) {
        return value_expected("a whole number", node, error);
    }
    int rc = check_range(key, (double)value, node, error);
    if (rc == 0 && key->type == KEY_INT) {
        int narrow = (int)value;
        memcpy(place_of(key, base), &narrow, sizeof narrow);
    } else if (rc == 0) {
        size_t count = (size_t)value;
        memcpy(place_of(key, base), &count, sizeof count);
    }
    return rc;
}

static bool parse_bytes(const char *text, int64_t *value)
{
    static const struct {
        const char *suffix;
        int64_t factor;
    } units[] = {{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}};
    char digits[32];
    int64_t factor = 1;
    if (strlen(text) >= sizeof digits) {
        return false;
    }
    text_copy(digits, sizeof digits, text);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (text_ends_with(text, units[i].suffix)) {
            digits[strlen(text) - 3] = '\0';
            factor = units[i].factor;
        }
    }
    if (!text_to_int64(digits, value) || *value < 0 || *value > INT64_MAX / factor) {
        return false;
    }
    *value *= factor;
    return true;
}

static int read_bytes(const struct config_key *key, const struct node *node, void *base, struct error *error)
{
    int64_t value = 0;
    if (node->kind != NODE_SCALAR || !parse_bytes(node->text, &value)) {
        return value_expected("a number of bytes such as 65536, 64KiB or 1MiB", node, error);
    }
    int rc = check_range(key, (double)value, node, error);
    if (rc == 0) {
        size_t size = (size_t)value;
        memcpy(place_of(key, base), &size, sizeof size);
    }
    return rc;
}

static int read_number(const struct config_key *key, const struct node *node, void *base, struct error *error)
{
    const char *text = node_plain_text(node);
    double value = 0;
    if (text == NULL || !text_to_double(text, &value)) {
        return value_expected("a number", node, error);
    }
    int rc = check_range(key, value, node, error);
    if (rc == 0) {
        memcpy(place_of(key, base), &value, sizeof value);
    }
    return rc;
}

static int read_duration(const struct config_key *key, const struct node *node, void *base,
                         struct error *error)
{
    int64_t ns = 0;
    const char *text = node->kind == NODE_SCALAR ? node->text : NULL;
    if (text == NULL || !text_to_duration_ns(text, &ns)) {
        return value_expected("a duration such as 5s, 200ms or 2m", node, error);
    }
    int rc = check_range(key, (double)ns / (double)NS_PER_S, node, error);
    if (rc == 0) {
        memcpy(place_of(key, base), &ns, sizeof ns);
    }
    return rc;
}

static bool has_control_character(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            return true;
        }
    }
    return false;
}

int value_read_text(const struct config_key *key, const struct node *node, void *base, struct error *error)
{
    const char *text = any_text(node);
    if (text == NULL) {
        return value_expected("a text", node, error);
    }
    if (has_control_character(text) || !text_is_utf8(text, strlen(text))) {
        return error_set(error, ERR_INVALID, "a text with control characters, or not UTF-8");
    }
    size_t most = key->type == KEY_FIXED_TEXT ? key->size - 1 : VALUE_TEXT_MAX;
    if (strlen(text) > most) {
        return error_set(error, ERR_INVALID, "longer than %zu bytes", most);
    }
    if (key->type == KEY_FIXED_TEXT) {
        text_copy(place_of(key, base), key->size, text);
        return 0;
    }
    char *copy = text_duplicate(text);
    if (copy == NULL) {
        return error_nomem(error, key->name);
    }
    char *old = NULL;
    memcpy(&old, place_of(key, base), sizeof old);
    free(old);
    memcpy(place_of(key, base), &copy, sizeof copy);
    return 0;
}

static int read_identifier(const struct config_key *key, const struct node *node, void *base,
                           struct error *error)
{
    const char *text = any_text(node);
    bool all = text != NULL && key->size == 1 && strcmp(text, "*") == 0;
    if (text == NULL || (!all && !text_is_identifier(text))) {
        return value_expected(
            "an identifier (1-64 characters of a-z A-Z 0-9 _ - . , not starting with - or .)", node, error);
    }
    text_copy(place_of(key, base), ID_SIZE, text);
    return 0;
}

static const char *choice_at(const void *context, size_t index)
{
    return ((const char *const *)context)[index];
}

static size_t choice_count(const struct config_key *key)
{
    size_t count = 0;
    while (key->choices[count] != NULL) {
        count++;
    }
    return count;
}

enum { CHOICES_SHOWN = 12 }; /* a longer list would hide the one word that is meant */

static void describe_choices(const struct config_key *key, size_t count, bool in_full,
                             char what[ERROR_TEXT_MAX])
{
    struct buffer words = {0};
    for (size_t i = 0; in_full && i < count; i++) {
        buffer_printf(&words, "%s%s", i > 0 ? ", " : "", key->choices[i]);
    }
    if (words.failed || words.data == NULL) {
        text_format(what, ERROR_TEXT_MAX, "one of %zu words (docs/configuration.md)", count);
    } else {
        text_format(what, ERROR_TEXT_MAX, "one of %s", words.data);
    }
    buffer_free(&words);
}

static int fail_choice(const struct config_key *key, const struct node *node, struct error *error)
{
    size_t count = choice_count(key);
    const char *near =
        node->kind == NODE_SCALAR ? nearest_word(node->text, choice_at, key->choices, count) : NULL;
    char what[ERROR_TEXT_MAX];
    describe_choices(key, count, near == NULL || count <= CHOICES_SHOWN, what);
    int rc = value_expected(what, node, error);
    if (near != NULL && error != NULL) {
        char so_far[ERROR_TEXT_MAX];
        text_copy(so_far, sizeof so_far, error->text);
        rc = error_set(error, rc, "%s (did you mean '%s'?)", so_far, near);
    }
    return rc;
}

static int read_choice(const struct config_key *key, const struct node *node, void *base, struct error *error)
{
    for (int i = 0; node->kind == NODE_SCALAR && key->choices[i] != NULL; i++) {
        if (strcmp(node->text, key->choices[i]) == 0) {
            memcpy(place_of(key, base), &i, sizeof i);
            return 0;
        }
    }
    return fail_choice(key, node, error);
}

static int read_picture_size(const struct config_key *key, const struct node *node, void *base,
                             struct error *error)
{
    int size[2] = {0, 0};
    bool is_auto = node->kind == NODE_SCALAR && key->size == 1 && strcmp(node->text, "auto") == 0;
    if (!is_auto && (node->kind != NODE_SCALAR || !text_to_size(node->text, &size[0], &size[1]))) {
        return value_expected(key->size == 1 ? "auto, or a size WIDTHxHEIGHT such as 640x480"
                                             : "a size WIDTHxHEIGHT such as 640x480",
                              node, error);
    }
    memcpy(place_of(key, base), size, sizeof size);
    return 0;
}

int value_read(const struct config_key *key, const struct node *node, void *base, struct error *error)
{
    switch (key->type) {
    case KEY_BOOL:
        return read_bool(key, node, base, error);
    case KEY_INT:
    case KEY_COUNT:
        return read_whole(key, node, base, error);
    case KEY_BYTES:
        return read_bytes(key, node, base, error);
    case KEY_NUMBER:
        return read_number(key, node, base, error);
    case KEY_DURATION:
        return read_duration(key, node, base, error);
    case KEY_TEXT:
    case KEY_FIXED_TEXT:
        return value_read_text(key, node, base, error);
    case KEY_IDENTIFIER:
        return read_identifier(key, node, base, error);
    case KEY_CHOICE:
        return read_choice(key, node, base, error);
    case KEY_PICTURE_SIZE:
        return read_picture_size(key, node, base, error);
    default:
        return value_read_list(key, node, base, error);
    }
}
