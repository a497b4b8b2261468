/* Reads a tree of nodes into structs as the key table says, and gathers what is wrong. */
#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/key.h"

extern char **environ;

size_t path_push(struct config_reader *reader, const char *name)
{
    size_t length = strlen(reader->path);
    text_format(reader->path + length, sizeof reader->path - length, "%s%s", length > 0 ? "." : "", name);
    return length;
}

size_t path_push_index(struct config_reader *reader, size_t index)
{
    size_t length = strlen(reader->path);
    text_format(reader->path + length, sizeof reader->path - length, "[%zu]", index);
    return length;
}

void path_pop(struct config_reader *reader, size_t length)
{
    reader->path[length] = '\0';
}

void reader_complain(struct config_reader *reader, const struct node *node, const char *key,
                     const char *format, ...)
{
    size_t length = key != NULL ? path_push(reader, key) : strlen(reader->path);
    va_list args;
    va_start(args, format);
    report_add_v(reader->report, node, reader->path, format, args);
    va_end(args);
    path_pop(reader, length);
}

/* "streams[0].uri" to SCI_STREAMS__0__URI. */
static void write_variable_name(const char *path, char *out, size_t out_size)
{
    text_copy(out, out_size, "SCI_");
    size_t length = strlen(out);
    for (const char *c = path; *c != '\0' && length + 3 < out_size; c++) {
        if (*c == '.' || *c == '[') {
            out[length++] = '_';
            out[length++] = '_';
        } else if (*c != ']') {
            out[length++] = (char)toupper((unsigned char)*c);
        }
    }
    out[length] = '\0';
}

/* An empty variable counts as one that is not set: compose files hand such on. */
static const char *find_override(struct config_reader *reader, char *name, size_t name_size)
{
    write_variable_name(reader->path, name, name_size);
    const char *value = getenv(name);
    if (value == NULL || value[0] == '\0') {
        return NULL;
    }
    size_t most = sizeof reader->used_variables / sizeof reader->used_variables[0];
    if (reader->used_count < most) {
        reader->used_variables[reader->used_count++] = value;
    }
    return value;
}

static bool variable_was_used(const struct config_reader *reader, const char *value)
{
    for (size_t i = 0; i < reader->used_count; i++) {
        if (reader->used_variables[i] == value) {
            return true;
        }
    }
    return false;
}

void check_unused_variables(struct config_reader *reader)
{
    for (char **entry = environ; entry != NULL && *entry != NULL; entry++) {
        const char *equals = strchr(*entry, '=');
        if (!text_starts_with(*entry, "SCI_") || equals == NULL || equals[1] == '\0') {
            continue;
        }
        char name[KEY_PATH_MAX];
        text_format(name, sizeof name, "%.*s", (int)(equals - *entry < 160 ? equals - *entry : 160), *entry);
        if (strstr(name, "__") != NULL && !variable_was_used(reader, equals + 1)) {
            struct node node = {.kind = NODE_SCALAR, .text = equals + 1, .variable = name};
            reader_complain(reader, &node, NULL, "names no key of the configuration");
        }
    }
}

static int read_value(struct config_reader *reader, const struct config_key *key, const struct node *node,
                      void *base)
{
    struct error error;
    int rc = value_read(key, node, base, &error);
    if (rc == ERR_NOMEM) {
        return rc;
    }
    if (rc != 0) {
        reader_complain(reader, node, NULL, "%s", error.text);
    }
    return 0;
}

/* Defaults are written in the table as one would write them in the file, and read like that. */
static int read_fallback(const struct config_key *key, void *base)
{
    struct node item = {.kind = NODE_SCALAR, .text = key->fallback};
    struct node_entry entry = {.value = &item};
    struct node list = {.kind = NODE_LIST, .count = key->fallback[0] != '\0' ? 1 : 0, .entries = &entry};
    struct error error;
    int rc = value_read(key, key_is_scalar(key->type) ? &item : &list, base, &error);
    assert(rc == 0 || rc == ERR_NOMEM);
    return rc;
}

static void set_absent(const struct config_key *key, void *base)
{
    if (key->type == KEY_NUMBER || key->type == KEY_NUMBERS) {
        double none = NAN;
        memcpy((char *)base + key->offset, &none, sizeof none);
    }
}

static int fill_fallbacks(const struct config_section *section, void *base)
{
    for (size_t i = 0; i < section->key_count; i++) {
        const struct config_key *key = &section->keys[i];
        set_absent(key, base);
        if (key->fallback != NULL && key->type <= KEY_POLYGONS) {
            int rc = read_fallback(key, base);
            if (rc != 0) {
                return rc;
            }
        }
    }
    return 0;
}

static int read_list(struct config_reader *reader, const struct config_key *key, const struct node *node,
                     void *base)
{
    if (node->kind != NODE_LIST) {
        char got[80];
        reader_complain(reader, node, NULL, "expected a list, got %s", node_describe(node, got, sizeof got));
        return 0;
    }
    if (node->count > key->size) {
        reader_complain(reader, node, NULL, "%zu items, at most %zu are allowed", node->count, key->size);
        return 0;
    }
    size_t struct_size = key->section->struct_size;
    char *items = calloc(node->count > 0 ? node->count : 1, struct_size);
    if (items == NULL) {
        return ERR_NOMEM;
    }
    memcpy((char *)base + key->offset, &items, sizeof items);
    memcpy((char *)base + key->count_offset, &node->count, sizeof node->count);
    int rc = 0;
    for (size_t i = 0; i < node->count && rc == 0; i++) {
        size_t length = path_push_index(reader, i);
        rc = section_read(reader, key->section, node->entries[i].value, items + i * struct_size, false);
        path_pop(reader, length);
    }
    return rc;
}

static int read_converted(struct config_reader *reader, const struct config_key *key, const struct node *node,
                          void *base)
{
    void *written = calloc(1, key->conversion->written_size);
    if (written == NULL) {
        return ERR_NOMEM;
    }
    size_t before = reader->report->total;
    int rc = section_read(reader, key->section, node, written, false);
    if (rc == 0 && reader->report->total == before) {
        rc = key->conversion->keep(reader, node, written, (char *)base + key->offset);
    }
    section_release(key->section, written);
    free(written);
    return rc;
}

/* `for: 10s` instead of a mapping: each key of the section is given the same scalar. */
static int read_spread(struct config_reader *reader, const struct config_key *key, const struct node *node,
                       void *base)
{
    size_t before = reader->report->total;
    for (size_t i = 0; i < key->section->key_count && reader->report->total == before; i++) {
        int rc = read_value(reader, &key->section->keys[i], node, base);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

static int read_part(struct config_reader *reader, const struct config_key *key, const struct node *node,
                     void *base)
{
    if (!node_is_absent(node) && key->present_offset != 0) {
        bool present = true;
        memcpy((char *)base + key->present_offset, &present, sizeof present);
    }
    if (key->type == KEY_LIST) {
        return node_is_absent(node) ? 0 : read_list(reader, key, node, base);
    }
    if (key->present_offset != 0 && node_is_absent(node)) {
        return fill_fallbacks(key->section, (char *)base + key->offset);
    }
    if (key->type == KEY_CONVERTED) {
        return node_is_absent(node) ? 0 : read_converted(reader, key, node, base);
    }
    char *section_base = (char *)base + key->offset;
    if (key->spreads && !node_is_absent(node) && node->kind == NODE_SCALAR) {
        return read_spread(reader, key, node, section_base);
    }
    return section_read(reader, key->section, node, section_base, key->inherits);
}

static int read_key(struct config_reader *reader, const struct config_key *key, const struct node *parent,
                    void *base)
{
    const struct node *node = node_get(parent, key->name);
    if (key->type == KEY_SECTION || key->type == KEY_LIST || key->type == KEY_CONVERTED) {
        return read_part(reader, key, node, base);
    }
    char name[KEY_PATH_MAX + 8];
    struct node override = {.kind = NODE_SCALAR, .variable = name};
    if (reader->from_environment && key_is_scalar(key->type) &&
        (override.text = find_override(reader, name, sizeof name)) != NULL) {
        node = &override;
    }
    if (!node_is_absent(node)) {
        return read_value(reader, key, node, base);
    }
    return 0;
}

static const char *key_name_at(const void *context, size_t index)
{
    return ((const struct config_section *)context)->keys[index].name;
}

static void complain_unknown_key(struct config_reader *reader, const struct config_section *section,
                                 const struct node_entry *entry)
{
    struct node place = {.line = entry->line, .column = entry->column};
    const char *near = nearest_word(entry->key, key_name_at, section, section->key_count);
    char shown[64];
    text_copy(shown, sizeof shown, entry->key);
    if (near != NULL) {
        reader_complain(reader, &place, shown, "unknown key (did you mean '%s'?)", near);
    } else {
        reader_complain(reader, &place, shown, "unknown key");
    }
}

static bool section_has(const struct config_section *section, const char *name)
{
    for (size_t i = 0; i < section->key_count; i++) {
        if (strcmp(section->keys[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static void complain_missing_key(struct config_reader *reader, const struct config_key *key,
                                 const struct node *parent)
{
    char name[KEY_PATH_MAX + 8];
    bool given = !node_is_absent(node_get(parent, key->name)) ||
                 (reader->from_environment && find_override(reader, name, sizeof name) != NULL);
    if (!given) {
        reader_complain(reader, parent, NULL, "missing: it has to be given");
    }
}

static int read_keys(struct config_reader *reader, const struct config_section *section,
                     const struct node *node, void *base)
{
    for (size_t i = 0; i < section->key_count; i++) {
        const struct config_key *key = &section->keys[i];
        size_t length = path_push(reader, key->name);
        if (key->fallback == NULL && !key->optional && key->type <= KEY_POLYGONS) {
            complain_missing_key(reader, key, node);
        }
        int rc = read_key(reader, key, node, base);
        path_pop(reader, length);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

int section_read(struct config_reader *reader, const struct config_section *section, const struct node *node,
                 void *base, bool filled)
{
    int rc = filled ? 0 : fill_fallbacks(section, base);
    if (rc != 0) {
        return rc;
    }
    if (!node_is_absent(node) && node->kind != NODE_MAP) {
        char got[80];
        reader_complain(reader, node, NULL, "expected a mapping of keys, got %s",
                        node_describe(node, got, sizeof got));
        return 0;
    }
    for (size_t i = 0; node != NULL && i < node->count; i++) {
        if (!section_has(section, node->entries[i].key)) {
            complain_unknown_key(reader, section, &node->entries[i]);
        }
    }
    rc = section->begin != NULL ? section->begin(reader, base) : 0;
    if (rc == 0) {
        rc = read_keys(reader, section, node, base);
    }
    if (rc == 0 && section->check != NULL) {
        rc = section->check(reader, node, base);
    }
    return rc;
}
