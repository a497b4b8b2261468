/* The difference of two configurations, key by key, as the key table says. */
#include <string.h>

#include "base/text.h"
#include "config/key.h"

struct diff {
    config_on_change *on_change;
    void *user;
    const char *stream_id; /* the stream that the keys belong to, or NULL */
    size_t changes;
};

static void tell(struct diff *diff, const char *path, enum config_restarts restarts)
{
    diff->changes++;
    if (diff->on_change != NULL) {
        diff->on_change(diff->user, path, diff->stream_id, restarts);
    }
}

/* Items of a list are the same thing when their first key, the identifier, is the same. */
static const char *find_item(const struct config_key *list, const void *base, const char *id)
{
    const char *items = NULL;
    size_t count = 0, size = list->section->struct_size;
    memcpy(&items, (const char *)base + list->offset, sizeof items);
    memcpy(&count, (const char *)base + list->count_offset, sizeof count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(items + i * size + list->section->keys[0].offset, id) == 0) {
            return items + i * size;
        }
    }
    return NULL;
}

static const char *item_at(const struct config_key *list, const void *base, size_t index, const char **id)
{
    const char *items = NULL;
    size_t count = 0;
    memcpy(&items, (const char *)base + list->offset, sizeof items);
    memcpy(&count, (const char *)base + list->count_offset, sizeof count);
    if (index >= count) {
        return NULL;
    }
    items += index * list->section->struct_size;
    *id = items + list->section->keys[0].offset;
    return items;
}

static void diff_section(struct diff *diff, const char *prefix, const struct config_section *section,
                         const void *from, const void *to);

static void diff_list(struct diff *diff, const char *path, const struct config_key *list, const void *from,
                      const void *to)
{
    const char *id = NULL, *item = NULL;
    const char *outer_stream = diff->stream_id;
    for (size_t i = 0; (item = item_at(list, from, i, &id)) != NULL; i++) {
        char item_path[KEY_PATH_MAX];
        text_format(item_path, sizeof item_path, "%s[%s]", path, id);
        diff->stream_id = list->section == &section_stream ? id : outer_stream;
        const char *other = find_item(list, to, id);
        if (other == NULL) {
            tell(diff, item_path, list->restarts);
        } else {
            diff_section(diff, item_path, list->section, item, other);
        }
    }
    for (size_t i = 0; (item = item_at(list, to, i, &id)) != NULL; i++) {
        if (find_item(list, from, id) == NULL) {
            char item_path[KEY_PATH_MAX];
            text_format(item_path, sizeof item_path, "%s[%s]", path, id);
            diff->stream_id = list->section == &section_stream ? id : outer_stream;
            tell(diff, item_path, list->restarts);
        }
    }
    diff->stream_id = outer_stream;
}

static void diff_section(struct diff *diff, const char *prefix, const struct config_section *section,
                         const void *from, const void *to)
{
    for (size_t i = 0; i < section->key_count; i++) {
        const struct config_key *key = &section->keys[i];
        char path[KEY_PATH_MAX];
        text_format(path, sizeof path, "%s%s%s", prefix, prefix[0] != '\0' ? "." : "", key->name);
        if (key->type == KEY_SECTION) {
            diff_section(diff, path, key->section, (const char *)from + key->offset,
                         (const char *)to + key->offset);
        } else if (key->type == KEY_LIST) {
            diff_list(diff, path, key, from, to);
        } else if (!key_equal(key, from, to)) {
            tell(diff, path, key->restarts);
        }
    }
}

size_t config_diff(const struct config *from, const struct config *to, config_on_change *on_change,
                   void *user)
{
    struct diff diff = {.on_change = on_change, .user = user};
    diff_section(&diff, "", &section_config, from, to);
    return diff.changes;
}
