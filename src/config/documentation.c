/* The key table as Markdown (docs/configuration.md) and as a file to start from (config/sci.yaml). */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "config/key.h"

static const char *type_words(const struct config_key *key)
{
    switch (key->type) {
    case KEY_BOOL:
        return "true or false";
    case KEY_INT:
    case KEY_COUNT:
        return "whole number";
    case KEY_BYTES:
        return "bytes";
    case KEY_NUMBER:
        return "number";
    case KEY_DURATION:
        return "duration";
    case KEY_TEXT:
    case KEY_FIXED_TEXT:
        return "text";
    case KEY_IDENTIFIER:
        return key->size == 1 ? "identifier or `\"*\"`" : "identifier";
    case KEY_CHOICE:
        return "one of ";
    case KEY_PICTURE_SIZE:
        return key->size == 1 ? "`auto` or WIDTHxHEIGHT" : "WIDTHxHEIGHT";
    case KEY_TEXTS:
        return "list of texts";
    case KEY_NUMBERS:
        return "list of numbers";
    case KEY_ROWS:
        return "list of rows of numbers";
    case KEY_POINTS:
        return "list of points";
    case KEY_POLYGONS:
        return "list of polygons";
    default:
        return "keys below";
    }
}

static void write_range(struct buffer *out, const struct config_key *key)
{
    bool ranged = key->type == KEY_INT || key->type == KEY_COUNT || key->type == KEY_BYTES ||
                  key->type == KEY_NUMBER || key->type == KEY_DURATION;
    if (ranged && isfinite(key->least) && isfinite(key->most) && fabs(key->least) < 1e12) {
        buffer_printf(out, ", %.15g to %.15g", key->least, key->most);
    }
    if (key->type == KEY_BYTES) {
        return;
    }
    if (key->unit != NULL && strcmp(key->unit, "s") != 0) {
        buffer_printf(out, "%s%s", ranged ? " " : ", ", key->unit);
    } else if (key->unit != NULL && ranged && isfinite(key->most)) {
        buffer_append_text(out, " s");
    }
}

static void write_type(struct buffer *out, const struct config_key *key)
{
    buffer_append_text(out, type_words(key));
    for (size_t i = 0; key->type == KEY_CHOICE && key->choices[i] != NULL; i++) {
        buffer_printf(out, "%s`%s`", i > 0 ? ", " : "", key->choices[i]);
    }
    write_range(out, key);
}

static const char *restarts_words(enum config_restarts restarts)
{
    switch (restarts) {
    case RESTARTS_CAMERA:
        return "camera";
    case RESTARTS_PROCESS:
        return "process";
    default:
        return "nothing";
    }
}

static bool is_part(const struct config_key *key)
{
    return key->type == KEY_SECTION || key->type == KEY_LIST || key->type == KEY_CONVERTED;
}

static void write_default(struct buffer *out, const struct config_key *key)
{
    if (key->type == KEY_TEXTS && key->fallback != NULL) {
        buffer_printf(out, "`[%s]`", key->fallback);
    } else if (key->fallback != NULL && key->fallback[0] != '\0') {
        buffer_printf(out, "`%s`", key->fallback);
    } else if (key->fallback == NULL && !key->optional && !is_part(key)) {
        buffer_append_text(out, "**required**");
    }
}

static void write_row(struct buffer *out, const char *path, const struct config_key *key)
{
    buffer_printf(out, "| `%s` | ", path);
    write_type(out, key);
    buffer_append_text(out, " | ");
    write_default(out, key);
    buffer_printf(out, " | %s | %s |\n", is_part(key) ? "" : restarts_words(key->restarts), key->text);
}

enum { DOC_PATH_MAX = 160 };

static void write_rows(struct buffer *out, const char *prefix, const struct config_section *section);

static void write_key_rows(struct buffer *out, const char *path, const struct config_key *key)
{
    write_row(out, path, key);
    if (is_part(key) && key->section->title == NULL) {
        write_rows(out, path, key->section);
    }
}

static void write_rows(struct buffer *out, const char *prefix, const struct config_section *section)
{
    for (size_t i = 0; i < section->key_count; i++) {
        char path[DOC_PATH_MAX];
        text_format(path, sizeof path, "%s%s%s", prefix, prefix[0] != '\0' ? "." : "", section->keys[i].name);
        write_key_rows(out, path, &section->keys[i]);
    }
}

static void write_titled(struct buffer *out, const char *path, const struct config_key *key);

static void write_titled_parts(struct buffer *out, const char *prefix, const struct config_section *section)
{
    for (size_t i = 0; i < section->key_count; i++) {
        const struct config_key *key = &section->keys[i];
        if (is_part(key) && !key->inherits && key->section->title != NULL) {
            char path[DOC_PATH_MAX];
            text_format(path, sizeof path, "%s%s%s%s", prefix, prefix[0] != '\0' ? "." : "", key->name,
                        key->type == KEY_LIST ? "[]" : "");
            write_titled(out, path, key);
        }
    }
}

static void write_titled(struct buffer *out, const char *path, const struct config_key *key)
{
    buffer_printf(out, "\n### `%s`: %s\n\n%s\n\n", path, key->section->title, key->text);
    buffer_append_text(out,
                       "| key | value | default | a change restarts | meaning |\n|---|---|---|---|---|\n");
    write_rows(out, path, key->section);
    write_titled_parts(out, path, key->section);
}

void config_write_documentation(struct buffer *out)
{
    write_titled_parts(out, "", &section_config);
}

/* A long sentence as comment lines, broken at words. */
static void write_comment(struct buffer *out, int indent, const char *text)
{
    enum { WIDTH = 100 };
    while (text[0] != '\0') {
        size_t length = strlen(text);
        if (length > WIDTH) {
            for (length = WIDTH; length > 0 && text[length] != ' '; length--) {
            }
            length = length == 0 ? strlen(text) : length;
        }
        buffer_printf(out, "%*s# %.*s\n", indent, "", (int)length, text);
        text += length;
        text += strspn(text, " ");
    }
}

static void write_example_keys(struct buffer *out, const struct config_section *section)
{
    for (size_t i = 0; i < section->key_count; i++) {
        const struct config_key *key = &section->keys[i];
        if (is_part(key)) {
            continue;
        }
        write_comment(out, 2, key->text);
        if (key->type == KEY_TEXTS) {
            buffer_printf(out, "  #%s: [%s]\n", key->name, key->fallback);
        } else if (key->fallback != NULL) {
            buffer_printf(out, "  #%s: %s\n", key->name, key->fallback);
        } else {
            buffer_printf(out, "  #%s: []\n", key->name);
        }
    }
}

static const char example_streams[] =
    "streams:\n"
    "#  - stream_id: gate_a\n"
    "#    uri: rtsp://user:password@10.0.0.7/stream1   # or by environment: SCI_STREAMS__0__URI\n"
    "#    location: Main entrance\n"
    "#    target_fps: 8\n"
    "#    calibration:\n"
    "#      size: 1280x720\n"
    "#      homography:\n"
    "#        pairs: [[212, 655, 0, 0], [1050, 640, 8, 0], [835, 220, 8, 20], [410, 228, 0, 20]] # px, py, "
    "metres, metres\n"
    "#    zones:\n"
    "#      - {id: queue, kind: standing, capacity: 120, polygon: [[0.2, 0.4], [0.8, 0.4], [0.9, 0.9], [0.1, "
    "0.9]]}\n"
    "#    lines:\n"
    "#      - {id: door, width_m: 2.4, points: [[0.4, 0.5], [0.6, 0.5]]}\n";

static const char example_rules[] = "  rules:\n"
                                    "#    - id: queue-full\n"
                                    "#      stream: gate_a\n"
                                    "#      zone: queue\n"
                                    "#      measure: occupancy_share\n"
                                    "#      thresholds: {medium: 80, high: 100, critical: 120}\n"
                                    "#      for: 10s\n"
                                    "#      action: Open the second gate.\n";

void config_write_example(struct buffer *out)
{
    buffer_append_text(
        out, "# The configuration of sci, every key with its default. Written by `sci config keys --yaml`; "
             "what each key\n"
             "# means is explained in docs/configuration.md. Take the # away in front of what you change.\n"
             "# `sci config check -c FILE` says whether it is right.\n");
    for (size_t i = 0; i < section_config.key_count; i++) {
        const struct config_key *key = &section_config.keys[i];
        buffer_append_text(out, "\n");
        write_comment(out, 0, key->text);
        if (key->type == KEY_LIST) {
            buffer_append_text(out, example_streams);
            continue;
        }
        buffer_printf(out, "%s:\n", key->name);
        write_example_keys(out, key->section);
        if (strcmp(key->name, "alerts") == 0) {
            buffer_append_text(out, example_rules);
        }
    }
}
