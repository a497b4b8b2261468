#include "service/views.h"

#include <math.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"

#define RECENT_NS (3600 * NS_PER_S)
enum { FORMAT = 1, EDGE_LOOKS_MOST = 1000000, PATH_SIZE = 1200 };

struct record {
    char magic[8];
    uint32_t format, crc; /* of what follows */
    char address[SECRET_HASH_TEXT + 7];
    int64_t kept_wall_ns;
    struct health_memory memory;
};

struct waiting {
    struct waiting *next;
    char stream_id[ID_SIZE];
    struct record record;
};

struct views {
    char folder[1024];
    pthread_mutex_t lock;
    struct waiting *waiting; /* to be written; one per camera */
};

static uint32_t checksum(const struct record *record)
{
    const size_t head = offsetof(struct record, address);
    return crc32_update(0, (const char *)record + head, sizeof *record - head);
}

static void path_of(const struct views *views, const char *stream_id, char path[PATH_SIZE])
{
    text_format(path, PATH_SIZE, "%s/%s.view", views->folder, stream_id);
}

struct views *views_create(const char *folder)
{
    struct views *v = calloc(1, sizeof *v);
    if (!v)
        return NULL;
    text_copy(v->folder, sizeof v->folder, folder);
    pthread_mutex_init(&v->lock, NULL);
    return v;
}

void views_destroy(struct views *v)
{
    if (!v)
        return;
    views_write(v);
    pthread_mutex_destroy(&v->lock);
    free(v);
}

/* With the lock held. */
static struct waiting *find_waiting(struct views *v, const char *stream_id)
{
    struct waiting *w = v->waiting;
    while (w && strcmp(w->stream_id, stream_id) != 0)
        w = w->next;
    return w;
}

void views_keep(struct views *v, const struct stream_config *stream, const struct health_memory *memory)
{
    pthread_mutex_lock(&v->lock);
    struct waiting *w = find_waiting(v, stream->stream_id);
    if (!w && (w = calloc(1, sizeof *w))) {
        text_copy(w->stream_id, sizeof w->stream_id, stream->stream_id);
        w->next = v->waiting;
        v->waiting = w;
    }
    if (w) { /* without memory it is kept the next time */
        memset(&w->record, 0, sizeof w->record);
        memcpy(w->record.magic, "SCIVIEW", 8);
        w->record.format = FORMAT;
        secret_hash_key(stream->uri, w->record.address);
        w->record.kept_wall_ns = clock_wall_ns();
        w->record.memory = *memory;
        w->record.crc = checksum(&w->record);
    }
    pthread_mutex_unlock(&v->lock);
}

void views_write(struct views *v)
{
    pthread_mutex_lock(&v->lock);
    struct waiting *list = v->waiting;
    v->waiting = NULL;
    pthread_mutex_unlock(&v->lock);
    for (struct waiting *next; list; list = next) {
        char path[PATH_SIZE];
        struct error error = {0};
        next = list->next;
        path_of(v, list->stream_id, path);
        if (file_make_dirs(v->folder, &error) < 0 ||
            file_write_atomic(path, &list->record, sizeof list->record, &error) < 0)
            log_warning("service", "stream %s: its view is not kept: %s", list->stream_id, error.text);
        free(list);
    }
}

static bool all_finite(const float values[HEALTH_TILES])
{
    for (int t = 0; t < HEALTH_TILES; t++)
        if (!isfinite(values[t]))
            return false;
    return true;
}

static bool is_sound(const struct record *record, const char *uri)
{
    char address[SECRET_HASH_TEXT];
    secret_hash_key(uri, address);
    return memcmp(record->magic, "SCIVIEW", 8) == 0 && record->format == FORMAT &&
           record->crc == checksum(record) && memcmp(record->address, address, sizeof address) == 0 &&
           record->memory.edge_looks > 0 && record->memory.edge_looks <= EDGE_LOOKS_MOST &&
           all_finite(record->memory.sharpness) && all_finite(record->memory.edge_count);
}

static bool read_record(struct views *v, const char *stream_id, struct record *record)
{
    char path[PATH_SIZE];
    struct buffer bytes = {0};
    pthread_mutex_lock(&v->lock);
    const struct waiting *w = find_waiting(v, stream_id);
    if (w)
        *record = w->record;
    pthread_mutex_unlock(&v->lock);
    if (w)
        return true;
    path_of(v, stream_id, path);
    bool read = file_read(path, sizeof *record, &bytes, NULL) == 0 && bytes.size == sizeof *record;
    if (read)
        memcpy(record, bytes.data, sizeof *record);
    buffer_free(&bytes);
    return read;
}

bool views_find(struct views *v, const struct stream_config *stream, struct health_memory *memory,
                bool *recent)
{
    struct record record;
    if (!read_record(v, stream->stream_id, &record) || !is_sound(&record, stream->uri))
        return false;
    int64_t age_ns = clock_wall_ns() - record.kept_wall_ns;
    *memory = record.memory;
    *recent = age_ns >= 0 && age_ns < RECENT_NS;
    return true;
}

void views_forget(struct views *v, const char *stream_id)
{
    char path[PATH_SIZE];
    pthread_mutex_lock(&v->lock);
    for (struct waiting **at = &v->waiting; *at; at = &(*at)->next)
        if (strcmp((*at)->stream_id, stream_id) == 0) {
            struct waiting *gone = *at;
            *at = gone->next;
            free(gone);
            break;
        }
    pthread_mutex_unlock(&v->lock);
    path_of(v, stream_id, path);
    unlink(path);
}
