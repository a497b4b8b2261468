/* Lists of texts, numbers and points from nodes. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/key.h"
#include "config/value.h"

static void *place_of(const struct config_key *key, void *base)
{
    return (char *)base + key->offset;
}

static int read_double(const struct node *node, double *value, struct error *error)
{
    const char *text = node_plain_text(node);
    if (text == NULL || !text_to_double(text, value)) {
        return value_expected("a number", node, error);
    }
    return 0;
}

static int read_row(const struct node *node, double *values, size_t size, struct error *error)
{
    if (node->kind != NODE_LIST || node->count != size) {
        char what[64];
        text_format(what, sizeof what, "a list of %zu numbers", size);
        return node->kind == NODE_LIST
                   ? error_set(error, ERR_INVALID, "expected %s, got %zu values", what, node->count)
                   : value_expected(what, node, error);
    }
    for (size_t i = 0; i < size; i++) {
        int rc = read_double(node->entries[i].value, &values[i], error);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

enum { ROWS_MAX = 1000 };

static int read_rows(const struct config_key *key, const struct node *node, void *base, struct error *error)
{
    if (node->kind != NODE_LIST || node->count > ROWS_MAX) {
        return value_expected("a list of at most 1000 rows of numbers", node, error);
    }
    double *rows = calloc(node->count > 0 ? node->count : 1, key->size * sizeof *rows);
    if (rows == NULL) {
        return error_nomem(error, key->name);
    }
    for (size_t i = 0; i < node->count; i++) {
        int rc = read_row(node->entries[i].value, &rows[i * key->size], key->size, error);
        if (rc != 0) {
            free(rows);
            return error_prefix(error, "row %zu", i + 1);
        }
    }
    memcpy(place_of(key, base), &rows, sizeof rows);
    memcpy((char *)base + key->count_offset, &node->count, sizeof node->count);
    return 0;
}

static int read_points(const struct node *node, struct point *points, size_t *count, struct error *error)
{
    if (node->kind != NODE_LIST) {
        return value_expected("a list of points [[x, y], ...]", node, error);
    }
    if (node->count > ZONE_CORNERS_MAX) {
        return error_set(error, ERR_INVALID, "%zu points, at most %d are allowed", node->count,
                         ZONE_CORNERS_MAX);
    }
    for (size_t i = 0; i < node->count; i++) {
        double xy[2] = {0, 0};
        int rc = read_row(node->entries[i].value, xy, 2, error);
        if (rc != 0) {
            return error_prefix(error, "point %zu", i + 1);
        }
        points[i] = (struct point){xy[0], xy[1]};
    }
    *count = node->count;
    return 0;
}

enum { POLYGONS_MAX = 32 };

static int read_polygons(const struct config_key *key, const struct node *node, void *base,
                         struct error *error)
{
    if (node->kind != NODE_LIST || node->count > POLYGONS_MAX) {
        return value_expected("a list of at most 32 polygons [[[x, y], ...], ...]", node, error);
    }
    struct mask_polygon *polygons = calloc(node->count > 0 ? node->count : 1, sizeof *polygons);
    if (polygons == NULL) {
        return error_nomem(error, key->name);
    }
    for (size_t i = 0; i < node->count; i++) {
        int rc = read_points(node->entries[i].value, polygons[i].corners, &polygons[i].corner_count, error);
        if (rc != 0) {
            free(polygons);
            return error_prefix(error, "polygon %zu", i + 1);
        }
    }
    void *old = NULL;
    memcpy(&old, place_of(key, base), sizeof old);
    free(old);
    memcpy(place_of(key, base), &polygons, sizeof polygons);
    memcpy((char *)base + key->count_offset, &node->count, sizeof node->count);
    return 0;
}

static void free_texts(char **texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(texts[i]);
    }
    free(texts);
}

static int read_texts(const struct config_key *key, const struct node *node, void *base, struct error *error)
{
    if (node->kind != NODE_LIST || node->count > key->size) {
        char what[64];
        text_format(what, sizeof what, "a list of at most %zu texts", key->size);
        return value_expected(what, node, error);
    }
    char **texts = calloc(node->count > 0 ? node->count : 1, sizeof *texts);
    int rc = texts == NULL ? error_nomem(error, key->name) : 0;
    struct config_key one = {.name = key->name, .type = KEY_TEXT};
    for (size_t i = 0; i < node->count && rc == 0; i++) {
        rc = value_read_text(&one, node->entries[i].value, &texts[i], error);
    }
    if (rc != 0) {
        if (texts != NULL) {
            free_texts(texts, node->count);
        }
        return rc;
    }
    char **old = NULL;
    size_t old_count = 0;
    memcpy(&old, place_of(key, base), sizeof(char **));
    memcpy(&old_count, (char *)base + key->count_offset, sizeof old_count);
    free_texts(old, old_count);
    memcpy(place_of(key, base), &texts, sizeof(char **));
    memcpy((char *)base + key->count_offset, &node->count, sizeof node->count);
    return 0;
}

int value_read_list(const struct config_key *key, const struct node *node, void *base, struct error *error)
{
    switch (key->type) {
    case KEY_TEXTS:
        return read_texts(key, node, base, error);
    case KEY_NUMBERS:
        return read_row(node, place_of(key, base), key->size, error);
    case KEY_ROWS:
        return read_rows(key, node, base, error);
    case KEY_POINTS:
        return read_points(node, place_of(key, base), (size_t *)(void *)((char *)base + key->count_offset),
                           error);
    case KEY_POLYGONS:
        return read_polygons(key, node, base, error);
    default:
        return error_set(error, ERR_INTERNAL, "%s is not a value", key->name);
    }
}
