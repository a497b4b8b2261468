/*
 * What a configuration looks like before anybody knows what it means: maps, lists and scalars with their
 * places in the text. YAML and JSON (a stream that comes over the API) both become this, so that one reader
 * checks both.
 *
 * Nodes live in an arena and die with it. A YAML alias shares the node of its anchor; `weight` counts what a
 * node expands to, so that a few lines cannot stand for millions of nodes.
 */
#ifndef SCI_CONFIG_NODE_H
#define SCI_CONFIG_NODE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json_read.h"

enum { NODE_DEPTH_MAX = 24, NODE_WEIGHT_MAX = 200000 };

enum node_kind { NODE_NULL, NODE_SCALAR, NODE_LIST, NODE_MAP };

enum scalar_style {
    SCALAR_PLAIN,  /* a number, a word or a text, whatever is expected */
    SCALAR_QUOTED, /* a text: not a number, not true or false */
    SCALAR_TYPED   /* JSON's number or boolean: not a text */
};

struct node_entry {
    const char *key; /* maps only */
    unsigned line, column;
    const struct node *value;
};

struct node {
    enum node_kind kind;
    enum scalar_style style;
    unsigned line, column; /* from 1; 0 = not from a file */
    const char *text;      /* scalars; for an environment variable its value */
    const char *variable;  /* name of the environment variable, else NULL */
    size_t count;
    const struct node_entry *entries;
    size_t weight; /* nodes that this one stands for, itself included */
};

/* NULL when the node is no map or has no such key. */
const struct node_entry *node_find(const struct node *map, const char *key);
const struct node *node_get(const struct node *map, const char *key);
/* The item `index` of the list under `key`; NULL where there is none. */
const struct node *node_item(const struct node *map, const char *key, size_t index);
/* NULL is absent, too. */
bool node_is_absent(const struct node *node);
/* "a list", "a mapping", "nothing", or the scalar itself in quotes, shortened; for messages. */
const char *node_describe(const struct node *node, char *out, size_t out_size);

/* One YAML document; an empty one is NODE_NULL. ERR_FORMAT "name:line:column: why". */
int node_from_yaml(const char *text, size_t size, const char *name, struct arena *arena,
                   const struct node **root, struct error *error);
int node_from_json(const struct json *value, struct arena *arena, const struct node **root,
                   struct error *error);

/* The word of `count` candidates that was probably meant, NULL when none is near. */
const char *nearest_word(const char *word, const char *(*candidate)(const void *context, size_t index),
                         const void *context, size_t count);

#endif
