#include "api/watch.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "core/zone.h"

struct watched {
    char stream_id[ID_SIZE];
    size_t viewers;
};

struct watch {
    struct control control;
    pthread_mutex_t lock;
    struct watched *items;
    size_t count, capacity;
};

struct watch *watch_create(struct control control)
{
    struct watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL)
        return NULL;
    watch->control = control;
    pthread_mutex_init(&watch->lock, NULL);
    return watch;
}

void watch_destroy(struct watch *watch)
{
    if (watch == NULL)
        return;
    pthread_mutex_destroy(&watch->lock);
    free(watch->items);
    free(watch);
}

static struct watched *find(struct watch *watch, const char *stream_id)
{
    for (size_t i = 0; i < watch->count; i++) {
        if (strcmp(watch->items[i].stream_id, stream_id) == 0)
            return &watch->items[i];
    }
    return NULL;
}

static struct watched *append(struct watch *watch, const char *stream_id)
{
    if (watch->count == watch->capacity) {
        size_t capacity = watch->capacity == 0 ? 16 : watch->capacity * 2;
        struct watched *items = realloc(watch->items, capacity * sizeof *items);
        if (items == NULL)
            return NULL;
        watch->items = items;
        watch->capacity = capacity;
    }
    struct watched *item = &watch->items[watch->count++];
    text_copy(item->stream_id, sizeof item->stream_id, stream_id);
    item->viewers = 0;
    return item;
}

int watch_add(struct watch *watch, const char *stream_id, struct error *error)
{
    pthread_mutex_lock(&watch->lock);
    struct watched *item = find(watch, stream_id);
    if (item == NULL)
        item = append(watch, stream_id);
    if (item != NULL)
        item->viewers++;
    pthread_mutex_unlock(&watch->lock);
    return item != NULL ? 0 : error_nomem(error, "viewer");
}

void watch_remove(struct watch *watch, const char *stream_id)
{
    pthread_mutex_lock(&watch->lock);
    struct watched *item = find(watch, stream_id);
    if (item != NULL && --item->viewers == 0)
        *item = watch->items[--watch->count];
    pthread_mutex_unlock(&watch->lock);
}

/* One stream after another by index, because the owner may take its time and the lock must not be held so
 * long. A stream that moves while we ask is told a renewal later: the owner's patience is twice the interval.
 */
void watch_renew(struct watch *watch)
{
    for (size_t i = 0;; i++) {
        char stream_id[ID_SIZE];
        pthread_mutex_lock(&watch->lock);
        bool more = i < watch->count;
        if (more)
            text_copy(stream_id, sizeof stream_id, watch->items[i].stream_id);
        pthread_mutex_unlock(&watch->lock);
        if (!more)
            return;
        struct error error;
        (void)watch->control.ops->watch(watch->control.self, stream_id,
                                        &error); /* a stream that is gone has no pictures */
    }
}
