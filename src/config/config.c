#include "config/config.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "config/key.h"

enum { FILE_SIZE_MAX = 1 << 20, NODE_BLOCK = 16384 };

/* The count of references lies beside the configuration, so that what others see is immutable. */
struct counted_config {
    struct config config; /* first: the one is found from the other */
    atomic_int references;
};

static struct config *config_create(void)
{
    struct counted_config *counted = calloc(1, sizeof *counted);
    if (counted == NULL) {
        return NULL;
    }
    atomic_init(&counted->references, 1);
    return &counted->config;
}

struct config *config_ref(struct config *config)
{
    struct counted_config *counted = (struct counted_config *)(void *)config;
    atomic_fetch_add_explicit(&counted->references, 1, memory_order_relaxed);
    return config;
}

void config_unref(struct config **config)
{
    struct counted_config *counted = (struct counted_config *)(void *)*config;
    *config = NULL;
    if (counted == NULL || atomic_fetch_sub_explicit(&counted->references, 1, memory_order_acq_rel) > 1) {
        return;
    }
    section_release(&section_config, &counted->config);
    free(counted->config.path);
    free(counted);
}

static int read_root(const struct node *root, const char *name, struct config *config,
                     struct buffer *report_out, struct error *error)
{
    struct config_report *report = calloc(1, sizeof *report);
    if (report == NULL) {
        return error_nomem(error, name);
    }
    report->name = name;
    struct config_reader reader = {
        .report = report, .config = config, .from_environment = true, .trusted = true};
    int rc = section_read(&reader, &section_config, root, config, false);
    if (rc == 0) {
        check_unused_variables(&reader);
        rc = report_finish(report, report_out, error);
    } else {
        (void)error_nomem(error, name);
    }
    free(report);
    return rc;
}

static int load(const char *text, size_t size, const char *name, struct config *config, struct buffer *report,
                struct error *error)
{
    struct arena *arena = arena_create(NODE_BLOCK);
    if (arena == NULL) {
        return error_nomem(error, name);
    }
    const struct node *root = NULL;
    struct error problem;
    int rc = text != NULL ? node_from_yaml(text, size, name, arena, &root, &problem) : 0;
    if (rc != 0) {
        if (report != NULL) {
            buffer_printf(report, "%s\n", problem.text);
        }
        rc = error_set(error, rc, "%s", problem.text);
    } else {
        rc = read_root(root, name, config, report, error);
    }
    arena_destroy(arena);
    return rc;
}

int config_load_text(const char *text, size_t size, const char *name, struct config **config,
                     struct buffer *report, struct error *error)
{
    *config = NULL;
    if (size > FILE_SIZE_MAX) {
        return error_set(error, ERR_FULL, "%s: larger than 1 MiB", name);
    }
    struct config *made = config_create();
    if (made == NULL) {
        return error_nomem(error, name);
    }
    int rc = load(text, size, name, made, report, error);
    if (rc != 0) {
        config_unref(&made);
    }
    *config = made;
    return rc;
}

int config_load(const char *path, struct config **config, struct buffer *report, struct error *error)
{
    if (path == NULL) {
        return config_load_text(NULL, 0, "defaults", config, report, error);
    }
    *config = NULL;
    struct buffer text = {0};
    int rc = file_read(path, FILE_SIZE_MAX, &text, error);
    if (rc == 0) {
        rc = config_load_text(text.data != NULL ? text.data : "", text.size, path, config, report, error);
    } else if (report != NULL && error != NULL) {
        buffer_printf(report, "%s\n", error->text);
    }
    buffer_free(&text);
    if (rc == 0 && ((*config)->path = text_duplicate(path)) == NULL) {
        config_unref(config);
        rc = error_nomem(error, path);
    }
    return rc;
}

const struct stream_config *config_find_stream(const struct config *config, const char *stream_id)
{
    for (size_t i = 0; i < config->stream_count; i++) {
        if (strcmp(config->streams[i].stream_id, stream_id) == 0) {
            return &config->streams[i];
        }
    }
    return NULL;
}

static int read_stream(const struct config *config, const struct node *node, struct stream_config *stream,
                       struct config_report *report, struct error *error)
{
    struct config_reader reader = {.report = report, .config = config};
    int rc = section_read(&reader, &section_stream, node, stream, false);
    return rc == 0 ? report_finish(report, NULL, error) : error_nomem(error, "stream");
}

int stream_config_from_json(const struct config *config, const struct json *object,
                            struct stream_config **stream,
                            void (*on_field)(void *user, const char *field, const char *message), void *user,
                            struct error *error)
{
    *stream = NULL;
    struct arena *arena = arena_create(NODE_BLOCK);
    struct config_report *report = calloc(1, sizeof *report);
    struct stream_config *made = calloc(1, sizeof *made);
    const struct node *node = NULL;
    int rc = arena == NULL || report == NULL || made == NULL ? error_nomem(error, "stream") : 0;
    if (rc == 0) {
        report->name = "stream";
        report->on_field = on_field;
        report->user = user;
        rc = node_from_json(object, arena, &node, error);
    }
    if (rc == 0) {
        rc = read_stream(config, node, made, report, error);
    }
    if (rc == 0) {
        *stream = made;
        made = NULL;
    }
    stream_config_free(&made);
    free(report);
    arena_destroy(arena);
    return rc;
}

static int fill_default_stream(const struct config *config, const char *stream_id, const char *uri,
                               struct stream_config *stream)
{
    struct config_report *report = calloc(1, sizeof *report);
    if (report == NULL) {
        return ERR_NOMEM;
    }
    /* What is missing is given below; the defaults are all that this reads. */
    report->name = uri;
    struct config_reader reader = {.report = report, .config = config, .trusted = true};
    int rc = section_read(&reader, &section_stream, NULL, stream, false);
    free(report);
    text_copy(stream->stream_id, sizeof stream->stream_id, stream_id);
    stream->paced = false;
    stream->uri = text_duplicate(uri);
    return rc != 0 || stream->uri == NULL ? ERR_NOMEM : 0;
}

struct stream_config *stream_config_default(const struct config *config, const char *stream_id,
                                            const char *uri)
{
    struct stream_config *stream = calloc(1, sizeof *stream);
    if (stream != NULL && fill_default_stream(config, stream_id, uri, stream) != 0) {
        stream_config_free(&stream);
    }
    return stream;
}

struct stream_config *stream_config_copy(const struct stream_config *stream)
{
    struct stream_config *copy = calloc(1, sizeof *copy);
    if (copy != NULL && section_copy(&section_stream, copy, stream) != 0) {
        stream_config_free(&copy);
    }
    if (copy != NULL) {
        copy->from_file = stream->from_file;
    }
    return copy;
}

void stream_config_free(struct stream_config **stream)
{
    if (*stream != NULL) {
        section_release(&section_stream, *stream);
        free(*stream);
        *stream = NULL;
    }
}

void stream_config_write_json(struct json_writer *w, const struct stream_config *stream, bool with_secrets)
{
    json_object_begin(w);
    section_write_json(&section_stream, stream, w, with_secrets);
    json_object_end(w);
}

void config_write_json(struct json_writer *w, const struct config *config)
{
    json_object_begin(w);
    section_write_json(&section_config, config, w, false);
    json_object_end(w);
}
