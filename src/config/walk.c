/* Walks over finished values as the key table says: free, copy, compare, JSON. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/key.h"

static size_t count_of(const struct config_key *key, const void *base)
{
    size_t count = 0;
    memcpy(&count, (const char *)base + key->count_offset, sizeof count);
    return count;
}

static void *pointer_at(const struct config_key *key, const void *base)
{
    void *pointer = NULL;
    memcpy(&pointer, (const char *)base + key->offset, sizeof pointer);
    return pointer;
}

static bool owns_memory(enum key_type type)
{
    return type == KEY_TEXT || type == KEY_TEXTS || type == KEY_ROWS || type == KEY_POLYGONS ||
           type == KEY_LIST;
}

static bool counts(enum key_type type)
{
    return type == KEY_POINTS || (owns_memory(type) && type != KEY_TEXT);
}

/* Bytes of one value, or of one item of what is counted. */
static size_t item_size(const struct config_key *key)
{
    switch (key->type) {
    case KEY_BOOL:
        return sizeof(bool);
    case KEY_INT:
    case KEY_CHOICE:
        return sizeof(int);
    case KEY_COUNT:
    case KEY_BYTES:
        return sizeof(size_t);
    case KEY_NUMBER:
        return sizeof(double);
    case KEY_DURATION:
        return sizeof(int64_t);
    case KEY_FIXED_TEXT:
        return key->size;
    case KEY_IDENTIFIER:
        return ID_SIZE;
    case KEY_PICTURE_SIZE:
        return 2 * sizeof(int);
    case KEY_NUMBERS:
    case KEY_ROWS:
        return key->size * sizeof(double);
    case KEY_POINTS:
        return sizeof(struct point);
    case KEY_POLYGONS:
        return sizeof(struct mask_polygon);
    case KEY_TEXT:
    case KEY_TEXTS:
        return sizeof(char *);
    case KEY_SECTION:
    case KEY_LIST:
        return key->section->struct_size;
    case KEY_CONVERTED:
        return key->conversion->kept_size;
    }
    return 0;
}

static void release_key(const struct config_key *key, void *base)
{
    if (key->type == KEY_SECTION) {
        section_release(key->section, (char *)base + key->offset);
        return;
    }
    if (!owns_memory(key->type)) {
        return;
    }
    char *items = pointer_at(key, base);
    size_t count = items != NULL && counts(key->type) ? count_of(key, base) : 0;
    for (size_t i = 0; i < count; i++) {
        if (key->type == KEY_TEXTS) {
            free(((char **)(void *)items)[i]);
        } else if (key->type == KEY_LIST) {
            section_release(key->section, items + i * key->section->struct_size);
        }
    }
    free(items);
    memset((char *)base + key->offset, 0, sizeof(void *));
    if (counts(key->type)) {
        memset((char *)base + key->count_offset, 0, sizeof(size_t));
    }
}

void section_release(const struct config_section *section, void *base)
{
    for (size_t i = 0; i < section->key_count; i++) {
        release_key(&section->keys[i], base);
    }
}

static int copy_text(const char *from, char **to)
{
    *to = text_duplicate(from);
    return from != NULL && *to == NULL ? ERR_NOMEM : 0;
}

static int copy_items(const struct config_key *key, void *to, const void *from)
{
    size_t count = count_of(key, from), size = item_size(key);
    const char *source = pointer_at(key, from);
    if (source == NULL) {
        return 0;
    }
    char *items = calloc(count > 0 ? count : 1, size);
    if (items == NULL) {
        return ERR_NOMEM;
    }
    memcpy((char *)to + key->offset, &items, sizeof items);
    memcpy((char *)to + key->count_offset, &count, sizeof count);
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++) {
        if (key->type == KEY_LIST) {
            rc = section_copy(key->section, items + i * size, source + i * size);
        } else if (key->type == KEY_TEXTS) {
            rc = copy_text(((char *const *)(const void *)source)[i], &((char **)(void *)items)[i]);
        } else {
            memcpy(items + i * size, source + i * size, size);
        }
    }
    return rc;
}

static int copy_key(const struct config_key *key, void *to, const void *from)
{
    if (key->present_offset != 0) {
        memcpy((char *)to + key->present_offset, (const char *)from + key->present_offset, sizeof(bool));
    }
    if (key->type == KEY_SECTION) {
        return section_copy(key->section, (char *)to + key->offset, (const char *)from + key->offset);
    }
    if (key->type == KEY_TEXT) {
        char *copy = NULL;
        int rc = copy_text(pointer_at(key, from), &copy);
        memcpy((char *)to + key->offset, &copy, sizeof copy);
        return rc;
    }
    if (owns_memory(key->type)) {
        return copy_items(key, to, from);
    }
    size_t count = counts(key->type) ? count_of(key, from) : 1;
    if (counts(key->type)) {
        memcpy((char *)to + key->count_offset, &count, sizeof count);
    }
    memcpy((char *)to + key->offset, (const char *)from + key->offset, count * item_size(key));
    return 0;
}

int section_copy(const struct config_section *section, void *to, const void *from)
{
    for (size_t i = 0; i < section->key_count; i++) {
        int rc = copy_key(&section->keys[i], to, from);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

static bool texts_equal(const char *a, const char *b)
{
    return strcmp(a != NULL ? a : "", b != NULL ? b : "") == 0;
}

static bool items_equal(const struct config_key *key, const char *a, const char *b, size_t count)
{
    size_t size = item_size(key);
    for (size_t i = 0; i < count; i++) {
        bool same = key->type == KEY_LIST    ? section_equal(key->section, a + i * size, b + i * size)
                    : key->type == KEY_TEXTS ? texts_equal(((char *const *)(const void *)a)[i],
                                                           ((char *const *)(const void *)b)[i])
                                             : memcmp(a + i * size, b + i * size, size) == 0;
        if (!same) {
            return false;
        }
    }
    return true;
}

bool key_equal(const struct config_key *key, const void *a, const void *b)
{
    const char *at_a = (const char *)a + key->offset, *at_b = (const char *)b + key->offset;
    if (key->type == KEY_SECTION) {
        return section_equal(key->section, at_a, at_b);
    }
    if (key->type == KEY_TEXT) {
        return texts_equal(pointer_at(key, a), pointer_at(key, b));
    }
    if (key->type == KEY_FIXED_TEXT || key->type == KEY_IDENTIFIER) {
        return strcmp(at_a, at_b) == 0;
    }
    if (!counts(key->type)) {
        return memcmp(at_a, at_b, item_size(key)) == 0;
    }
    size_t count = count_of(key, a);
    if (count != count_of(key, b)) {
        return false;
    }
    return key->type == KEY_POINTS ? items_equal(key, at_a, at_b, count)
                                   : items_equal(key, pointer_at(key, a), pointer_at(key, b), count);
}

bool section_equal(const struct config_section *section, const void *a, const void *b)
{
    for (size_t i = 0; i < section->key_count; i++) {
        if (!key_equal(&section->keys[i], a, b)) {
            return false;
        }
    }
    return true;
}

static void write_list(const struct config_key *key, const void *base, struct json_writer *w,
                       bool with_secrets)
{
    const char *items = pointer_at(key, base);
    size_t count = count_of(key, base);
    json_array_begin(w);
    for (size_t i = 0; i < count; i++) {
        json_object_begin(w);
        section_write_json(key->section, items + i * key->section->struct_size, w, with_secrets);
        json_object_end(w);
    }
    json_array_end(w);
}

static void write_section(const struct config_key *key, const void *base, struct json_writer *w,
                          bool with_secrets)
{
    json_key(w, key->name);
    json_object_begin(w);
    section_write_json(key->section, base, w, with_secrets);
    json_object_end(w);
}

static void write_converted(const struct config_key *key, const void *base, struct json_writer *w,
                            bool with_secrets)
{
    void *written = calloc(1, key->conversion->written_size);
    if (written == NULL) {
        w->out->failed = true;
        return;
    }
    if (key->conversion->write((const char *)base + key->offset, written)) {
        write_section(key, written, w, with_secrets);
    }
    section_release(key->section, written);
    free(written);
}

/* What was not given and has no default is left out, so that the JSON reads back to the same. */
static bool is_given(const struct config_key *key, const void *base)
{
    if (key->present_offset != 0 && !*((const bool *)base + key->present_offset)) {
        return false;
    }
    if (key->type == KEY_NUMBER || key->type == KEY_NUMBERS) {
        double value = 0;
        memcpy(&value, (const char *)base + key->offset, sizeof value);
        return !isnan(value);
    }
    if (key->optional && key->type == KEY_IDENTIFIER) {
        return *((const char *)base + key->offset) != '\0';
    }
    if (key->optional && key->type == KEY_TEXT) {
        return pointer_at(key, base) != NULL;
    }
    if (key->optional && (key->type == KEY_ROWS || key->type == KEY_POINTS)) {
        return count_of(key, base) > 0;
    }
    return !(key->optional && key->type == KEY_PICTURE_SIZE &&
             *(const int *)(const void *)((const char *)base + key->offset) == 0);
}

void section_write_json(const struct config_section *section, const void *base, struct json_writer *w,
                        bool with_secrets)
{
    for (size_t i = 0; i < section->key_count; i++) {
        const struct config_key *key = &section->keys[i];
        if (!is_given(key, base)) {
            continue;
        }
        if (key->type == KEY_SECTION) {
            write_section(key, (const char *)base + key->offset, w, with_secrets);
        } else if (key->type == KEY_CONVERTED) {
            write_converted(key, base, w, with_secrets);
        } else {
            json_key(w, key->name);
            if (key->type == KEY_LIST) {
                write_list(key, base, w, with_secrets);
            } else {
                value_write_json(key, base, w, with_secrets);
            }
        }
    }
}
