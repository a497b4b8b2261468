#include "service/resolved.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { REMEMBERED = 128 };

struct resolved {
    pthread_mutex_t lock;
    size_t count, next;
    struct alert ring[REMEMBERED];
};

struct resolved *resolved_create(void)
{
    struct resolved *resolved = calloc(1, sizeof *resolved);
    if (resolved)
        pthread_mutex_init(&resolved->lock, NULL);
    return resolved;
}

void resolved_destroy(struct resolved *resolved)
{
    if (!resolved)
        return;
    pthread_mutex_destroy(&resolved->lock);
    free(resolved);
}

void resolved_put(struct resolved *resolved, const struct alert *alert)
{
    pthread_mutex_lock(&resolved->lock);
    resolved->ring[resolved->next] = *alert;
    resolved->next = (resolved->next + 1) % REMEMBERED;
    if (resolved->count < REMEMBERED)
        resolved->count++;
    pthread_mutex_unlock(&resolved->lock);
}

static void put_into(struct alert *alerts, size_t *count, const struct alert *alert)
{
    size_t at = 0;
    while (at < *count && strcmp(alerts[at].alert_id, alert->alert_id) != 0)
        at++;
    alerts[at] = *alert;
    if (at == *count)
        ++*count;
}

int resolved_merge(struct resolved *resolved, struct alert **alerts, size_t *count, struct error *error)
{
    struct alert *grown = realloc(*alerts, (*count + REMEMBERED) * sizeof *grown);
    if (!grown)
        return error_nomem(error, "alerts");
    *alerts = grown;
    pthread_mutex_lock(&resolved->lock);
    for (size_t i = 0; i < resolved->count; i++)
        put_into(grown, count, &resolved->ring[i]);
    pthread_mutex_unlock(&resolved->lock);
    return 0;
}
