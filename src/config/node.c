#include "config/node.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

const struct node_entry *node_find(const struct node *map, const char *key)
{
    if (map == NULL || map->kind != NODE_MAP) {
        return NULL;
    }
    for (size_t i = 0; i < map->count; i++) {
        if (strcmp(map->entries[i].key, key) == 0) {
            return &map->entries[i];
        }
    }
    return NULL;
}

const struct node *node_get(const struct node *map, const char *key)
{
    const struct node_entry *entry = node_find(map, key);
    return entry == NULL ? NULL : entry->value;
}

bool node_is_absent(const struct node *node)
{
    return node == NULL || node->kind == NODE_NULL;
}

const char *node_describe(const struct node *node, char *out, size_t out_size)
{
    if (node_is_absent(node)) {
        text_copy(out, out_size, "nothing");
    } else if (node->kind == NODE_LIST) {
        text_copy(out, out_size, "a list");
    } else if (node->kind == NODE_MAP) {
        text_copy(out, out_size, "a mapping");
    } else if (strlen(node->text) > 40) {
        char head[38];
        text_copy(head, sizeof head, node->text);
        text_format(out, out_size, "'%s...'", head);
    } else {
        text_format(out, out_size, node->style == SCALAR_QUOTED ? "the text '%s'" : "'%s'", node->text);
    }
    return out;
}

static int from_json_value(const struct json *value, struct arena *arena, unsigned depth, struct node *node,
                           struct error *error);

static int from_json_entries(const struct json *value, struct arena *arena, unsigned depth, struct node *node,
                             struct error *error)
{
    size_t count = json_size(value);
    struct node_entry *entries = arena_alloc(arena, count > 0 ? count : 1, sizeof *entries);
    struct node *children = arena_alloc(arena, count > 0 ? count : 1, sizeof *children);
    if (entries == NULL || children == NULL) {
        return error_nomem(error, "configuration");
    }
    for (size_t i = 0; i < count; i++) {
        const struct json *child = NULL;
        if (node->kind == NODE_MAP) {
            (void)json_entry(value, i, &entries[i].key, &child);
        } else {
            child = json_at(value, i);
        }
        entries[i].value = &children[i];
        int rc = from_json_value(child, arena, depth + 1, &children[i], error);
        if (rc != 0) {
            return rc;
        }
        node->weight += children[i].weight;
    }
    node->entries = entries;
    node->count = count;
    return 0;
}

static int from_json_scalar(const struct json *value, struct arena *arena, struct node *node,
                            struct error *error)
{
    char number[32];
    const char *text = number;
    node->kind = NODE_SCALAR;
    node->style = SCALAR_TYPED;
    switch (json_kind(value)) {
    case JSON_IS_STRING:
        node->style = SCALAR_QUOTED;
        text = json_as_string(value, "");
        break;
    case JSON_IS_BOOL:
        text = json_as_bool(value, false) ? "true" : "false";
        break;
    default:
        (void)snprintf(number, sizeof number, "%.17g", json_as_number(value, 0));
        break;
    }
    node->text = arena_copy_text(arena, text);
    return node->text == NULL ? error_nomem(error, "configuration") : 0;
}

static int from_json_value(const struct json *value, struct arena *arena, unsigned depth, struct node *node,
                           struct error *error)
{
    if (depth > NODE_DEPTH_MAX) {
        return error_set(error, ERR_INVALID, "nested deeper than %d levels", NODE_DEPTH_MAX);
    }
    node->weight = 1;
    switch (json_kind(value)) {
    case JSON_IS_NULL:
        node->kind = NODE_NULL;
        return 0;
    case JSON_IS_ARRAY:
        node->kind = NODE_LIST;
        return from_json_entries(value, arena, depth, node, error);
    case JSON_IS_OBJECT:
        node->kind = NODE_MAP;
        return from_json_entries(value, arena, depth, node, error);
    default:
        return from_json_scalar(value, arena, node, error);
    }
}

int node_from_json(const struct json *value, struct arena *arena, const struct node **root,
                   struct error *error)
{
    struct node *node = arena_alloc(arena, 1, sizeof *node);
    if (node == NULL) {
        return error_nomem(error, "configuration");
    }
    *root = node;
    return from_json_value(value, arena, 0, node, error);
}

enum { WORD_MAX = 48 };

static size_t least_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edit distance with insertion, deletion, substitution and exchange of neighbours (optimal string alignment).
 */
static size_t word_distance(const char *a, const char *b)
{
    size_t rows[3][WORD_MAX + 1];
    size_t la = strlen(a), lb = strlen(b);
    if (la > WORD_MAX || lb > WORD_MAX) {
        return WORD_MAX;
    }
    for (size_t j = 0; j <= lb; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= la; i++) {
        size_t *row = rows[i % 3], *above = rows[(i - 1) % 3], *second = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            row[j] =
                least_of(least_of(above[j], row[j - 1]) + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = least_of(row[j], second[j - 2] + 1);
            }
        }
    }
    return rows[la % 3][lb];
}

const char *nearest_word(const char *word, const char *(*candidate)(const void *context, size_t index),
                         const void *context, size_t count)
{
    const char *best = NULL;
    size_t limit = strlen(word) / 3 < 2 ? 2 : strlen(word) / 3;
    size_t best_distance = least_of(limit, strlen(word) > 1 ? strlen(word) - 1 : 0) + 1;
    for (size_t i = 0; i < count; i++) {
        const char *name = candidate(context, i);
        size_t distance = word_distance(word, name);
        if (distance < best_distance) {
            best_distance = distance;
            best = name;
        }
    }
    return best;
}

const struct node *node_item(const struct node *map, const char *key, size_t index)
{
    const struct node *items = node_get(map, key);
    return items != NULL && items->kind == NODE_LIST && index < items->count ? items->entries[index].value
                                                                             : NULL;
}
