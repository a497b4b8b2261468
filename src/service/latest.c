#include "service/latest.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "pipeline/manager.h"

struct entry {
    char stream_id[ID_SIZE];
    struct picture *picture;
    int64_t seq, capture_wall_ns;
    struct latest_grid grid;
    int64_t watched_until_ns; /* monotonic */
};

struct latest {
    pthread_mutex_t lock;
    struct entry *entries[MANAGER_STREAMS_MAX];
    size_t count;
};

struct latest *latest_create(void)
{
    struct latest *latest = calloc(1, sizeof *latest);
    if (latest)
        pthread_mutex_init(&latest->lock, NULL);
    return latest;
}

static void free_entry(struct entry *entry)
{
    picture_unref(&entry->picture);
    free(entry);
}

void latest_destroy(struct latest *latest)
{
    if (!latest)
        return;
    for (size_t i = 0; i < latest->count; i++)
        free_entry(latest->entries[i]);
    pthread_mutex_destroy(&latest->lock);
    free(latest);
}

static struct entry **find(struct latest *latest, const char *stream_id)
{
    for (size_t i = 0; i < latest->count; i++)
        if (strcmp(latest->entries[i]->stream_id, stream_id) == 0)
            return &latest->entries[i];
    return NULL;
}

int latest_add(struct latest *latest, const char *stream_id, struct error *error)
{
    struct entry *entry = calloc(1, sizeof *entry);
    if (!entry)
        return error_nomem(error, stream_id);
    text_copy(entry->stream_id, sizeof entry->stream_id, stream_id);
    pthread_mutex_lock(&latest->lock);
    bool refused = find(latest, stream_id) || latest->count == MANAGER_STREAMS_MAX;
    if (!refused)
        latest->entries[latest->count++] = entry;
    pthread_mutex_unlock(&latest->lock);
    if (refused) {
        free(entry);
        return error_set(error, ERR_EXISTS, "stream %s exists already", stream_id);
    }
    return 0;
}

void latest_remove(struct latest *latest, const char *stream_id)
{
    struct entry *entry = NULL;
    pthread_mutex_lock(&latest->lock);
    struct entry **at = find(latest, stream_id);
    if (at) {
        entry = *at;
        *at = latest->entries[--latest->count];
    }
    pthread_mutex_unlock(&latest->lock);
    if (entry)
        free_entry(entry);
}

void latest_put(struct latest *latest, const struct snapshot *snapshot, struct picture *picture)
{
    struct picture *old = NULL;
    pthread_mutex_lock(&latest->lock);
    struct entry **at = find(latest, snapshot->stream_id);
    if (at) {
        struct entry *e = *at;
        old = e->picture;
        e->picture = picture ? picture_ref(picture) : NULL;
        e->seq = snapshot->seq;
        e->capture_wall_ns = snapshot->capture.wall_ns;
        const struct density_grid *g = snapshot->grid;
        e->grid = g ? (struct latest_grid){g->origin_x, g->origin_y, g->cell_m, g->columns, g->rows}
                    : (struct latest_grid){0};
    }
    pthread_mutex_unlock(&latest->lock);
    picture_unref(&old);
}

int latest_get(struct latest *latest, const char *stream_id, struct picture **picture, int64_t *seq,
               int64_t *capture_wall_ns, struct error *error)
{
    *picture = NULL;
    pthread_mutex_lock(&latest->lock);
    struct entry **at = find(latest, stream_id);
    if (at && (*at)->picture) {
        *picture = picture_ref((*at)->picture);
        *seq = (*at)->seq;
        *capture_wall_ns = (*at)->capture_wall_ns;
    }
    pthread_mutex_unlock(&latest->lock);
    if (!at)
        return error_set(error, ERR_NOT_FOUND, "there is no stream %s", stream_id);
    return *picture ? 0 : error_set(error, ERR_CONFLICT, "stream %s has no picture yet", stream_id);
}

bool latest_get_grid(struct latest *latest, const char *stream_id, struct latest_grid *grid)
{
    *grid = (struct latest_grid){0};
    pthread_mutex_lock(&latest->lock);
    struct entry **at = find(latest, stream_id);
    if (at)
        *grid = (*at)->grid;
    pthread_mutex_unlock(&latest->lock);
    return grid->columns > 0;
}

int latest_watch(struct latest *latest, const char *stream_id, int64_t for_ns, struct error *error)
{
    pthread_mutex_lock(&latest->lock);
    struct entry **at = find(latest, stream_id);
    if (at)
        (*at)->watched_until_ns = clock_monotonic_ns() + for_ns;
    pthread_mutex_unlock(&latest->lock);
    return at ? 0 : error_set(error, ERR_NOT_FOUND, "there is no stream %s", stream_id);
}

bool latest_is_watched(struct latest *latest, const char *stream_id)
{
    pthread_mutex_lock(&latest->lock);
    struct entry **at = find(latest, stream_id);
    bool watched = at && (*at)->watched_until_ns > clock_monotonic_ns();
    pthread_mutex_unlock(&latest->lock);
    return watched;
}
