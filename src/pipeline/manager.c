#include "pipeline/manager.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "pipeline/manager_internal.h"

static void *watchdog_main(void *user)
{
    struct manager *m = user;
    pthread_mutex_lock(&m->shared.lock);
    while (!m->stopping) {
        int64_t now = clock_monotonic_ns(), until = now + 200 * NS_PER_MS;
        for (size_t i = 0; i < m->camera_count; i++)
            camera_watch(m->cameras[i], now);
        manager_watch_load(m, now);
        manager_give_memory_back(m, now);
        struct timespec t = {.tv_sec = until / NS_PER_S, .tv_nsec = until % NS_PER_S};
        while (!m->stopping && clock_monotonic_ns() < until)
            pthread_cond_timedwait(&m->idle, &m->shared.lock, &t);
    }
    pthread_mutex_unlock(&m->shared.lock);
    return NULL;
}

static void init_locks(struct manager *m)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&m->shared.lock, NULL);
    pthread_cond_init(&m->shared.work, &monotonic);
    pthread_cond_init(&m->idle, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

static int start_threads(struct manager *m, struct error *error)
{
    m->worker_count = m->shared.config->inference.workers;
    m->workers = calloc((size_t)m->worker_count, sizeof *m->workers);
    if (!m->workers)
        return error_nomem(error, "workers");
    for (; m->workers_started < m->worker_count; m->workers_started++) {
        int failed = pthread_create(&m->workers[m->workers_started], NULL, manager_work, m);
        if (failed)
            return error_set_errno(error, failed, "cannot start a worker");
    }
    int failed = pthread_create(&m->watchdog, NULL, watchdog_main, m);
    if (failed)
        return error_set_errno(error, failed, "cannot start the watchdog");
    m->watchdog_started = true;
    return 0;
}

int manager_start(const struct manager_options *options, struct manager **manager, struct error *error)
{
    *manager = NULL;
    if (options->sink_count > MANAGER_SINKS_MAX)
        return error_set(error, ERR_FULL, "at most %d sinks", MANAGER_SINKS_MAX);
    struct manager *m = calloc(1, sizeof *m);
    if (!m)
        return error_nomem(error, "stream manager");
    init_locks(m);
    m->shared.config = config_ref(options->config);
    m->shared.recorder = options->recorder;
    m->shared.find_source = options->find_source;
    m->shared.on_state = options->on_state;
    m->shared.find_view = options->find_view;
    m->shared.keep_view = options->keep_view;
    m->shared.user = options->user;
    m->network = options->network;
    m->load = load_start(options->config->inference.workers);
    m->load_sampled_ns = clock_monotonic_ns();
    m->sink_count = options->sink_count;
    if (m->sink_count > 0)
        memcpy(m->sinks, options->sinks, m->sink_count * sizeof *m->sinks);
    int result = density_turn_open(&m->density, options->density, options->config->inference.density_share,
                                   options->config->inference.workers, error);
    if (result == 0)
        result = start_threads(m, error);
    if (result < 0)
        manager_stop(&m);
    *manager = m;
    return result;
}

static void join_threads(struct manager *m)
{
    pthread_mutex_lock(&m->shared.lock);
    m->stopping = true;
    pthread_cond_broadcast(&m->shared.work);
    pthread_cond_broadcast(&m->idle);
    pthread_mutex_unlock(&m->shared.lock);
    for (int i = 0; i < m->workers_started; i++)
        pthread_join(m->workers[i], NULL);
    if (m->watchdog_started)
        pthread_join(m->watchdog, NULL);
}

void manager_stop(struct manager **manager)
{
    struct manager *m = *manager;
    *manager = NULL;
    if (!m)
        return;
    for (size_t i = 0; i < m->camera_count; i++)
        atomic_store(&m->cameras[i]->cancel,
                     true); /* all at once: joining one by one would add their time-outs up */
    for (size_t i = 0; i < m->camera_count; i++)
        camera_join_source(m->cameras[i]);
    join_threads(m);
    density_turn_close(&m->density);
    for (size_t i = 0; i < m->camera_count; i++)
        camera_free(&m->cameras[i]);
    pthread_cond_destroy(&m->idle);
    pthread_cond_destroy(&m->shared.work);
    pthread_mutex_destroy(&m->shared.lock);
    config_unref(&m->shared.config);
    free(m->workers);
    free(m);
}
