/*
 * YAML to nodes. The wrapper of libyaml.
 *
 * A configuration needs maps, lists and scalars; what else YAML has is refused by name where it stands,
 * because a file that is read otherwise than its author meant is worse than one that is refused: repeated
 * keys, tags, merge keys, keys that are no plain texts, a second document. Anchors and aliases work; what
 * they expand to is bounded (node.h), and an anchor can only be used after its end, so that nothing can
 * contain itself.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/text.h"
#include "config/node.h"

enum { ANCHORS_MAX = 64, ENTRIES_FIRST = 8, MAP_KEYS_MAX = 512 };

/* A map or list that is still open. */
struct open_node {
    struct node *node;
    struct node_entry *entries; /* malloc'd while it grows */
    size_t capacity;
    const char *key; /* of the entry whose value comes next, NULL = a key comes next */
    unsigned key_line, key_column;
    char *anchor;
};

struct loader {
    yaml_parser_t parser;
    const char *name;
    struct arena *arena;
    struct error *error;
    struct open_node stack[NODE_DEPTH_MAX];
    size_t depth;
    struct {
        char *name;
        const struct node *node;
    } anchors[ANCHORS_MAX];
    size_t anchor_count;
    size_t total_weight;
    const struct node *root;
    bool done;
};

static int fail_at(struct loader *loader, yaml_mark_t mark, const char *why)
{
    return error_set(loader->error, ERR_FORMAT, "%s:%zu:%zu: %s", loader->name, mark.line + 1,
                     mark.column + 1, why);
}

static int out_of_memory(struct loader *loader)
{
    return error_nomem(loader->error, loader->name);
}

/* libyaml gives no place for bytes that are not in its encoding, only an offset. */
static yaml_mark_t mark_of_offset(const char *text, size_t size, size_t offset)
{
    yaml_mark_t mark = {0, 0, 0};
    for (size_t i = 0; i < size && i < offset; i++) {
        if (text[i] == '\n') {
            mark.line++;
            mark.column = 0;
        } else {
            mark.column++;
        }
    }
    return mark;
}

static int fail_with_parser_error(struct loader *loader, const char *text, size_t size)
{
    const yaml_parser_t *parser = &loader->parser;
    const char *problem = parser->problem != NULL ? parser->problem : "not YAML";
    if (parser->error == YAML_MEMORY_ERROR) {
        return out_of_memory(loader);
    }
    if (parser->error == YAML_READER_ERROR) {
        return fail_at(loader, mark_of_offset(text, size, parser->problem_offset), problem);
    }
    char why[256];
    text_format(why, sizeof why, "%s%s%s", parser->context != NULL ? parser->context : "",
                parser->context != NULL ? ": " : "", problem);
    return fail_at(loader, parser->problem_mark, why);
}

static int remember_anchor(struct loader *loader, char *anchor, const struct node *node, yaml_mark_t mark)
{
    for (size_t i = 0; i < loader->anchor_count; i++) {
        if (strcmp(loader->anchors[i].name, anchor) == 0) {
            free(anchor);
            return fail_at(loader, mark, "this anchor's name is used before");
        }
    }
    if (loader->anchor_count == ANCHORS_MAX) {
        free(anchor);
        return fail_at(loader, mark, "more than 64 anchors");
    }
    loader->anchors[loader->anchor_count].name = anchor;
    loader->anchors[loader->anchor_count].node = node;
    loader->anchor_count++;
    return 0;
}

static int take_key(struct loader *loader, struct open_node *open, const yaml_event_t *event,
                    const struct node *node)
{
    if (event->type != YAML_SCALAR_EVENT) {
        return fail_at(loader, event->start_mark, "a key has to be a plain text");
    }
    if (node->text[0] == '\0') {
        return fail_at(loader, event->start_mark, "an empty key");
    }
    if (strcmp(node->text, "<<") == 0) {
        return fail_at(loader, event->start_mark, "merge keys (<<) are not supported: write the keys out");
    }
    if (open->node->count == MAP_KEYS_MAX) {
        return fail_at(loader, event->start_mark, "more than 512 keys in one mapping");
    }
    for (size_t i = 0; i < open->node->count; i++) {
        if (strcmp(open->entries[i].key, node->text) == 0) {
            char why[160];
            text_format(why, sizeof why, "the key '%s' is repeated (first in line %u)", node->text,
                        open->entries[i].line);
            return fail_at(loader, event->start_mark, why);
        }
    }
    open->key = node->text;
    open->key_line = node->line;
    open->key_column = node->column;
    return 0;
}

static int append_entry(struct loader *loader, struct open_node *open, const struct node *value)
{
    if (open->node->count == open->capacity) {
        size_t capacity = open->capacity == 0 ? ENTRIES_FIRST : open->capacity * 2;
        struct node_entry *entries = realloc(open->entries, capacity * sizeof *entries);
        if (entries == NULL) {
            return out_of_memory(loader);
        }
        open->entries = entries;
        open->capacity = capacity;
    }
    struct node_entry *entry = &open->entries[open->node->count++];
    bool in_map = open->node->kind == NODE_MAP;
    *entry = (struct node_entry){open->key, in_map ? open->key_line : value->line,
                                 in_map ? open->key_column : value->column, value};
    open->key = NULL;
    open->node->weight += value->weight;
    return 0;
}

/* Puts a finished node where it belongs: at the root, as a key, or as a value. */
static int place_node(struct loader *loader, const yaml_event_t *event, const struct node *node)
{
    if (loader->depth == 0) {
        loader->root = node;
        return 0;
    }
    struct open_node *open = &loader->stack[loader->depth - 1];
    if (open->node->kind == NODE_MAP && open->key == NULL) {
        return take_key(loader, open, event, node);
    }
    return append_entry(loader, open, node);
}

static struct node *new_node(struct loader *loader, enum node_kind kind, yaml_mark_t mark)
{
    struct node *node = arena_alloc(loader->arena, 1, sizeof *node);
    if (node != NULL) {
        node->kind = kind;
        node->line = mark.line < UINT_MAX ? (unsigned)mark.line + 1 : UINT_MAX;
        node->column = mark.column < UINT_MAX ? (unsigned)mark.column + 1 : UINT_MAX;
        node->weight = 1;
    }
    return node;
}

static int add_weight(struct loader *loader, size_t weight, yaml_mark_t mark)
{
    if (weight > NODE_WEIGHT_MAX || loader->total_weight > NODE_WEIGHT_MAX - weight) {
        return fail_at(loader, mark, "too large: more than 200000 values, aliases expanded");
    }
    loader->total_weight += weight;
    return 0;
}

static bool is_null_text(const char *text)
{
    return text[0] == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0;
}

static int take_scalar(struct loader *loader, const yaml_event_t *event)
{
    const char *value = (const char *)event->data.scalar.value;
    if (strlen(value) != event->data.scalar.length) {
        return fail_at(loader, event->start_mark, "a text with a NUL character");
    }
    struct node *node = new_node(loader, NODE_SCALAR, event->start_mark);
    if (node == NULL || (node->text = arena_copy_text(loader->arena, value)) == NULL) {
        return out_of_memory(loader);
    }
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    node->style = plain ? SCALAR_PLAIN : SCALAR_QUOTED;
    if (plain && is_null_text(value)) {
        node->kind = NODE_NULL;
    }
    int rc = add_weight(loader, 1, event->start_mark);
    if (rc == 0 && event->data.scalar.anchor != NULL) {
        char *anchor = text_duplicate((const char *)event->data.scalar.anchor);
        rc =
            anchor == NULL ? out_of_memory(loader) : remember_anchor(loader, anchor, node, event->start_mark);
    }
    return rc != 0 ? rc : place_node(loader, event, node);
}

static int take_alias(struct loader *loader, const yaml_event_t *event)
{
    const char *name = (const char *)event->data.alias.anchor;
    for (size_t i = 0; i < loader->anchor_count; i++) {
        if (strcmp(loader->anchors[i].name, name) == 0) {
            const struct node *node = loader->anchors[i].node;
            int rc = add_weight(loader, node->weight, event->start_mark);
            return rc != 0 ? rc : place_node(loader, event, node);
        }
    }
    return fail_at(loader, event->start_mark, "an alias to an anchor that is not there, or not finished yet");
}

static int begin_collection(struct loader *loader, const yaml_event_t *event, enum node_kind kind,
                            const char *anchor)
{
    if (loader->depth == NODE_DEPTH_MAX) {
        return fail_at(loader, event->start_mark, "nested deeper than 24 levels");
    }
    if (loader->depth > 0) {
        const struct open_node *parent = &loader->stack[loader->depth - 1];
        if (parent->node->kind == NODE_MAP && parent->key == NULL) {
            return fail_at(loader, event->start_mark, "a key has to be a plain text");
        }
    }
    int rc = add_weight(loader, 1, event->start_mark);
    if (rc != 0) {
        return rc;
    }
    struct open_node open = {.node = new_node(loader, kind, event->start_mark)};
    if (open.node == NULL || (anchor != NULL && (open.anchor = text_duplicate(anchor)) == NULL)) {
        return out_of_memory(loader);
    }
    loader->stack[loader->depth++] = open;
    return 0;
}

static int end_collection(struct loader *loader, const yaml_event_t *event)
{
    struct open_node *open = &loader->stack[--loader->depth];
    struct node *node = open->node;
    char *anchor = open->anchor;
    open->anchor = NULL;
    struct node_entry *entries =
        arena_alloc(loader->arena, node->count > 0 ? node->count : 1, sizeof *entries);
    if (entries == NULL) {
        free(open->entries);
        free(anchor);
        return out_of_memory(loader);
    }
    if (node->count > 0) {
        memcpy(entries, open->entries, node->count * sizeof *entries);
    }
    free(open->entries);
    node->entries = entries;
    if (anchor != NULL) {
        int rc = remember_anchor(loader, anchor, node, event->start_mark);
        if (rc != 0) {
            return rc;
        }
    }
    return place_node(loader, event, node);
}

static int take_document(struct loader *loader, const yaml_event_t *event)
{
    if (loader->root != NULL) {
        return fail_at(loader, event->start_mark, "a second document: one file holds one configuration");
    }
    return 0;
}

static bool has_tag(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return event->data.scalar.tag != NULL;
    case YAML_SEQUENCE_START_EVENT:
        return event->data.sequence_start.tag != NULL;
    case YAML_MAPPING_START_EVENT:
        return event->data.mapping_start.tag != NULL;
    default:
        return false;
    }
}

static int take_event(struct loader *loader, const yaml_event_t *event)
{
    if (has_tag(event)) {
        return fail_at(loader, event->start_mark, "tags (!) are not supported");
    }
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return take_document(loader, event);
    case YAML_SCALAR_EVENT:
        return take_scalar(loader, event);
    case YAML_ALIAS_EVENT:
        return take_alias(loader, event);
    case YAML_SEQUENCE_START_EVENT:
        return begin_collection(loader, event, NODE_LIST, (const char *)event->data.sequence_start.anchor);
    case YAML_MAPPING_START_EVENT:
        return begin_collection(loader, event, NODE_MAP, (const char *)event->data.mapping_start.anchor);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return end_collection(loader, event);
    case YAML_STREAM_END_EVENT:
        loader->done = true;
        return 0;
    default:
        return 0;
    }
}

static int read_events(struct loader *loader, const char *text, size_t size)
{
    while (!loader->done) {
        yaml_event_t event;
        if (yaml_parser_parse(&loader->parser, &event) == 0) {
            return fail_with_parser_error(loader, text, size);
        }
        int rc = take_event(loader, &event);
        yaml_event_delete(&event);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

static void clean_up(struct loader *loader)
{
    for (size_t i = 0; i < loader->depth; i++) {
        free(loader->stack[i].entries);
        free(loader->stack[i].anchor);
    }
    for (size_t i = 0; i < loader->anchor_count; i++) {
        free(loader->anchors[i].name);
    }
    yaml_parser_delete(&loader->parser);
}

int node_from_yaml(const char *text, size_t size, const char *name, struct arena *arena,
                   const struct node **root, struct error *error)
{
    struct loader loader = {.name = name, .arena = arena, .error = error};
    if (yaml_parser_initialize(&loader.parser) == 0) {
        return error_nomem(error, name);
    }
    yaml_parser_set_input_string(&loader.parser, (const unsigned char *)text, size);
    int rc = read_events(&loader, text, size);
    if (rc == 0 && loader.root == NULL) {
        loader.root = new_node(&loader, NODE_NULL, (yaml_mark_t){0, 0, 0});
        rc = loader.root == NULL ? out_of_memory(&loader) : 0;
    }
    if (rc == 0) {
        *root = loader.root;
    }
    clean_up(&loader);
    return rc;
}
