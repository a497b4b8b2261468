#include "service/figures.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/file.h"
#include "base/text.h"
#include "service/internal.h"

#define EVERY_NS (10 * NS_PER_S)
enum { SWEEP_EVERY = 360 }; /* an hour; the first one soon after the start */

struct figures {
    struct service *service;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool stopping;
};

static void put(struct service *s, int64_t time_ns, const char *name, double value)
{
    struct system_metric metric = {.time_ns = time_ns, .value = value};
    text_copy(metric.name, sizeof metric.name, name);
    writer_put_metric(s->writer, &metric);
}

static void put_all(struct service *s)
{
    struct writer_state writer;
    struct alert_engine_state engine;
    int64_t now_ns = clock_now().wall_ns;
    writer_get_state(s->writer, &writer);
    alert_engine_get_state(s->engine, &engine);
    put(s, now_ns, "cpu_s", process_cpu_seconds());
    put(s, now_ns, "resident_bytes", (double)process_resident_bytes());
    put(s, now_ns, "disk_free_bytes", (double)file_free_bytes(s->config->store.spool_dir));
    put(s, now_ns, "streams_live", (double)status_live_streams(s));
    put(s, now_ns, "alerts_open", (double)engine.open);
    put(s, now_ns, "rules_blind", (double)engine.blind);
    put(s, now_ns, "spooled_bytes", (double)writer.spooled_bytes);
    put(s, now_ns, "dropped_rows", (double)writer.dropped_rows);
}

static bool wait_until(struct figures *figures, int64_t until_ns)
{
    struct timespec at = {.tv_sec = until_ns / NS_PER_S, .tv_nsec = until_ns % NS_PER_S};
    pthread_mutex_lock(&figures->mutex);
    bool late = false;
    while (!figures->stopping && !late)
        late = pthread_cond_timedwait(&figures->changed, &figures->mutex, &at) == ETIMEDOUT;
    bool stopping = figures->stopping;
    pthread_mutex_unlock(&figures->mutex);
    return !stopping;
}

static void *run(void *user)
{
    struct figures *figures = user;
    int64_t rounds = 0;
    for (int64_t next_ns = clock_monotonic_ns(); wait_until(figures, next_ns); next_ns += EVERY_NS) {
        put_all(figures->service);
        views_write(figures->service->views);
        if (rounds++ % SWEEP_EVERY == 1)
            recording_sweep(figures->service);
    }
    return NULL;
}

static void destroy(struct figures *figures)
{
    pthread_cond_destroy(&figures->changed);
    pthread_mutex_destroy(&figures->mutex);
    free(figures);
}

int figures_start(struct service *service, struct figures **figures, struct error *error)
{
    *figures = NULL;
    struct figures *f = calloc(1, sizeof *f);
    if (!f)
        return error_nomem(error, "service");
    f->service = service;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&f->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&f->mutex, NULL);
    int reason = pthread_create(&f->thread, NULL, run, f);
    if (reason != 0) {
        destroy(f);
        return error_set_errno(error, reason, "service: thread of the figures");
    }
    *figures = f;
    return 0;
}

void figures_stop(struct figures **figures)
{
    struct figures *f = *figures;
    if (!f)
        return;
    pthread_mutex_lock(&f->mutex);
    f->stopping = true;
    pthread_cond_signal(&f->changed);
    pthread_mutex_unlock(&f->mutex);
    pthread_join(f->thread, NULL);
    *figures = NULL;
    destroy(f);
}
