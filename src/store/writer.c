/*
 * The intake (what other threads hand in) is guarded by a mutex that is never held while the store or the
 * disk is asked. The thread takes what is there, writes alert events first, then rows, then a piece of the
 * spool, then a piece of upkeep, so that an alert waits for one short call of the store at most.
 */
#include "store/writer.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "store/aggregate.h"
#include "store/spool.h"
#include "store/upkeep.h"

enum {
    ROWS_MAX = 16384,
    METRICS_MAX = 1024,
    ROWS_PER_CALL = 1000,
    ROWS_IN_A_HURRY = 4000, /* not gathered any longer */
};

#define SPOOL_LIMIT_DEFAULT (INT64_C(1) << 30)
#define GATHER_NS (100 * NS_PER_MS) /* cameras' seconds end together: one transaction for all of them */
#define TICK_NS (250 * NS_PER_MS)
#define SYNC_EVERY_NS (500 * NS_PER_MS)
#define RETAIN_EVERY_NS (60 * NS_PER_S)
#define RETRY_FIRST_NS (250 * NS_PER_MS)
#define RETRY_LAST_NS (5 * NS_PER_S)

struct rows {
    size_t count;
    struct analytics_row *items; /* ROWS_MAX */
};

struct metrics {
    size_t count;
    struct system_metric *items; /* METRICS_MAX */
};

struct writer {
    struct store_handle store;
    void (*on_alert_stored)(void *user, const struct alert_event *event);
    void *user;
    pthread_t thread;

    pthread_mutex_t mutex; /* of the intake and the state */
    pthread_cond_t changed;
    bool stopping;
    int64_t stop_mono_ns; /* when the flush has to be over */
    struct aggregator *aggregator;
    struct rows incoming;
    int64_t incoming_since_ns; /* monotonic time of the first incoming row */
    struct metrics incoming_metrics;
    size_t alert_first, alert_count;
    struct alert_event *alerts[WRITER_ALERTS_MAX]; /* ring */
    struct writer_state state;

    /* the thread's own */
    struct rows taken;
    struct metrics taken_metrics;
    struct spool *spool;
    struct upkeep upkeep;
    int64_t retry_at_ns, retry_pause_ns; /* while the store fails */
    bool real_only; /* it fails for want of room or is damaged, which only a real write can try */
    int64_t sync_at_ns, retain_at_ns;
};

/* ---- intake ---- */

static void take_in_row(void *user, const struct analytics_row *row)
{
    struct writer *w = user;
    if (w->incoming.count == ROWS_MAX) {
        w->state.dropped_rows++;
        return;
    }
    if (w->incoming.count == 0)
        w->incoming_since_ns = clock_monotonic_ns();
    w->incoming.items[w->incoming.count++] = *row;
}

void writer_put_snapshot(struct writer *w, const struct snapshot *snapshot)
{
    pthread_mutex_lock(&w->mutex);
    size_t before = w->incoming.count;
    if (aggregator_add(w->aggregator, snapshot, clock_monotonic_ns()) < 0)
        w->state.dropped_rows++;
    if (before == 0 && w->incoming.count > 0)
        pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->mutex);
}

void writer_put_metric(struct writer *w, const struct system_metric *metric)
{
    pthread_mutex_lock(&w->mutex);
    if (w->incoming_metrics.count < METRICS_MAX)
        w->incoming_metrics.items[w->incoming_metrics.count++] = *metric;
    else
        w->state.dropped_rows++;
    pthread_mutex_unlock(&w->mutex);
}

int writer_put_alert(struct writer *w, const struct alert_event *event)
{
    int code = ERR_FULL;
    struct alert_event *copy = malloc(sizeof *copy);
    if (!copy)
        return ERR_FULL;
    *copy = *event;
    pthread_mutex_lock(&w->mutex);
    if (w->alert_count < WRITER_ALERTS_MAX && !w->stopping) {
        w->alerts[(w->alert_first + w->alert_count++) % WRITER_ALERTS_MAX] = copy;
        copy = NULL;
        code = 0;
        pthread_cond_signal(&w->changed);
    }
    pthread_mutex_unlock(&w->mutex);
    free(copy);
    return code;
}

void writer_get_state(struct writer *w, struct writer_state *state)
{
    pthread_mutex_lock(&w->mutex);
    *state = w->state;
    state->alerts_waiting = (int64_t)w->alert_count;
    pthread_mutex_unlock(&w->mutex);
}

/* ---- how the store is ---- */

static bool may_ask_store(const struct writer *w)
{
    return w->retry_pause_ns == 0 || clock_monotonic_ns() >= w->retry_at_ns;
}

static void store_failed(struct writer *w, const struct error *error)
{
    bool first = w->retry_pause_ns == 0;
    w->retry_pause_ns = first ? RETRY_FIRST_NS : 2 * w->retry_pause_ns;
    if (w->retry_pause_ns > RETRY_LAST_NS)
        w->retry_pause_ns = RETRY_LAST_NS;
    w->retry_at_ns = clock_monotonic_ns() + w->retry_pause_ns;
    w->real_only = error->code == ERR_FULL || error->code == ERR_FORMAT;
    pthread_mutex_lock(&w->mutex);
    w->state.store_ok = false;
    text_copy(w->state.last_error, sizeof w->state.last_error, error->text);
    pthread_mutex_unlock(&w->mutex);
    if (first)
        log_error("store", "%s; measurements go to the spool, alert events wait", error->text);
}

static void store_answered(struct writer *w, size_t rows)
{
    bool was_failing = w->retry_pause_ns != 0;
    w->retry_pause_ns = 0;
    pthread_mutex_lock(&w->mutex);
    w->state.store_ok = true;
    w->state.rows_written += (int64_t)rows;
    pthread_mutex_unlock(&w->mutex);
    if (was_failing)
        log_info("store", "the store takes records again");
}

/* ---- alerts ---- */

static const struct alert_event *first_alert(struct writer *w)
{
    pthread_mutex_lock(&w->mutex);
    const struct alert_event *event = w->alert_count > 0 ? w->alerts[w->alert_first] : NULL;
    pthread_mutex_unlock(&w->mutex);
    return event;
}

static void drop_first_alert(struct writer *w)
{
    pthread_mutex_lock(&w->mutex);
    struct alert_event *event = w->alerts[w->alert_first];
    w->alert_first = (w->alert_first + 1) % WRITER_ALERTS_MAX;
    w->alert_count--;
    pthread_mutex_unlock(&w->mutex);
    free(event);
}

/* Only this thread takes from the front, so the event may be read without the mutex. */
static bool store_first_alert(struct writer *w, const struct alert_event *event)
{
    struct alert_event stored = *event;
    struct error error;
    int code = w->store.kind->write_alert_event(w->store.store, &stored, &stored.seq, &error);
    if (code == ERR_INVALID)
        log_error("store", "alert %s: %s", event->alert.alert_id, error.text);
    else if (code < 0)
        store_failed(w, &error);
    if (code < 0 && code != ERR_INVALID)
        return false;
    drop_first_alert(w);
    if (code == 0) {
        store_answered(w, 0);
        if (w->on_alert_stored)
            w->on_alert_stored(w->user, &stored);
    }
    return true;
}

static void store_alerts(struct writer *w, int64_t until_mono_ns)
{
    const struct alert_event *event;
    while (may_ask_store(w) && clock_monotonic_ns() < until_mono_ns && (event = first_alert(w)))
        if (!store_first_alert(w, event))
            return;
}

/* ---- rows ---- */

static void rows_dropped(struct writer *w, size_t count, const struct error *error)
{
    pthread_mutex_lock(&w->mutex);
    bool first = w->state.dropped_rows == 0;
    w->state.dropped_rows += (int64_t)count;
    text_copy(w->state.last_error, sizeof w->state.last_error, error->text);
    pthread_mutex_unlock(&w->mutex);
    if (first)
        log_error("store", "%s; measurements are lost, alerts are not", error->text);
}

/* How many of the rows the store took. */
static size_t store_rows(struct writer *w, const struct analytics_row *rows, size_t count)
{
    size_t done = 0;
    while (done < count && may_ask_store(w)) {
        struct error error;
        size_t n = count - done < ROWS_PER_CALL ? count - done : ROWS_PER_CALL;
        int code = w->store.kind->write_analytics(w->store.store, rows + done, n, &error);
        if (code < 0 && code != ERR_INVALID) {
            store_failed(w, &error);
            break;
        }
        if (code == ERR_INVALID)
            rows_dropped(w, n, &error);
        else
            store_answered(w, n);
        for (size_t i = done; i < done + n; i++)
            upkeep_mark(&w->upkeep, rows[i].start_ns);
        done += n;
    }
    return done;
}

static bool store_metrics(struct writer *w, const struct system_metric *metrics, size_t count)
{
    struct error error;
    if (count == 0)
        return true;
    if (!may_ask_store(w))
        return false;
    if (w->store.kind->write_system_metrics(w->store.store, metrics, count, &error) < 0) {
        store_failed(w, &error);
        return false;
    }
    store_answered(w, 0);
    return true;
}

static void spool_rest(struct writer *w, size_t first_row, bool with_metrics)
{
    struct error error;
    size_t count = w->taken.count - first_row;
    if (count > 0 && spool_append_rows(w->spool, w->taken.items + first_row, count, &error) < 0)
        rows_dropped(w, count, &error);
    if (with_metrics && w->taken_metrics.count > 0 &&
        spool_append_metrics(w->spool, w->taken_metrics.items, w->taken_metrics.count, &error) < 0)
        rows_dropped(w, w->taken_metrics.count, &error);
}

/* Behind what waits in the spool, or straight into the store; what the store does not take goes to the spool.
 */
static void write_taken(struct writer *w, bool in_time)
{
    bool straight = in_time && spool_bytes(w->spool) == 0;
    size_t stored = straight ? store_rows(w, w->taken.items, w->taken.count) : 0;
    bool metrics_stored = straight && stored == w->taken.count &&
                          store_metrics(w, w->taken_metrics.items, w->taken_metrics.count);
    spool_rest(w, stored, !metrics_stored);
    w->taken.count = 0;
    w->taken_metrics.count = 0;
}

/* ---- spool ---- */

/* Before a segment is deleted, what its rows are part of is made: after a crash nobody would know of it. */
static bool make_all_due(struct writer *w)
{
    struct error error;
    int code;
    while ((code = upkeep_roll_up(&w->upkeep, clock_wall_ns(), &error)) > 0)
        continue;
    if (code < 0)
        store_failed(w, &error);
    return code == 0;
}

static void report_damage(struct writer *w)
{
    size_t damaged = spool_take_damaged(w->spool);
    if (damaged > 0)
        log_error("store", "spool: %zu records could not be read", damaged);
}

/* One batch from the spool into the store. */
static void ship_batch(struct writer *w)
{
    const struct spool_batch *batch;
    struct error error;
    if (spool_bytes(w->spool) == 0 || !may_ask_store(w))
        return;
    int code = spool_peek(w->spool, &batch, &error);
    report_damage(w);
    if (code > 0) {
        if (store_rows(w, batch->rows, batch->row_count) < batch->row_count ||
            !store_metrics(w, batch->metrics, batch->metric_count) ||
            (batch->ends_segment && !make_all_due(w)))
            return;
        code = spool_done(w->spool, &error);
    }
    if (code < 0)
        store_failed(w, &error);
}

static void sync_spool(struct writer *w)
{
    struct error error;
    int64_t now = clock_monotonic_ns();
    if (now < w->sync_at_ns)
        return;
    w->sync_at_ns = now + SYNC_EVERY_NS;
    if (spool_sync(w->spool, &error) < 0)
        log_error("store", "%s", error.text);
    pthread_mutex_lock(&w->mutex);
    w->state.spooled_bytes = spool_bytes(w->spool);
    pthread_mutex_unlock(&w->mutex);
}

/* ---- upkeep ---- */

/* A store that failed is asked with an empty transaction whether it can be written again. */
static int probe(struct writer *w, struct error *error)
{
    if (w->retry_pause_ns == 0 || w->real_only)
        return 0;
    int code = w->store.kind->write_system_metrics(w->store.store, NULL, 0, error);
    if (code == 0)
        store_answered(w, 0);
    return code;
}

/* One piece; true when there is more to do at once. */
static bool keep_up(struct writer *w)
{
    struct error error;
    if (!may_ask_store(w))
        return false;
    int code = probe(w, &error);
    if (code == 0)
        code = upkeep_roll_up(&w->upkeep, clock_wall_ns(), &error);
    if (code == 0 && clock_monotonic_ns() >= w->retain_at_ns) {
        code = upkeep_retain(&w->upkeep, clock_wall_ns(), &error);
        if (code == 0)
            w->retain_at_ns = clock_monotonic_ns() + RETAIN_EVERY_NS;
    }
    if (code < 0)
        store_failed(w, &error);
    return code > 0;
}

/* ---- the thread ---- */

static bool has_work(const struct writer *w, int64_t now_ns)
{
    if (w->stopping || (w->alert_count > 0 && w->retry_pause_ns == 0))
        return true;
    return w->incoming.count > ROWS_IN_A_HURRY ||
           (w->incoming.count > 0 && now_ns - w->incoming_since_ns >= GATHER_NS);
}

/* Until there is work, for a tick at most. With the mutex held. */
static void wait_for_work(struct writer *w, int64_t pause_ns)
{
    int64_t now = clock_monotonic_ns();
    int64_t until = now + pause_ns;
    while (now < until && !has_work(w, now)) {
        int64_t wake = until;
        if (w->incoming.count > 0 && w->incoming_since_ns + GATHER_NS < wake)
            wake = w->incoming_since_ns + GATHER_NS;
        struct timespec at = {.tv_sec = wake / NS_PER_S, .tv_nsec = wake % NS_PER_S};
        pthread_cond_timedwait(&w->changed, &w->mutex, &at);
        now = clock_monotonic_ns();
    }
}

/* Exchanges the full buffers for empty ones. With the mutex held. */
static void take_intake(struct writer *w)
{
    if (w->stopping)
        aggregator_close_all(w->aggregator);
    else
        aggregator_tick(w->aggregator, clock_monotonic_ns());
    struct rows rows = w->taken;
    w->taken = w->incoming;
    w->incoming = rows;
    struct metrics metrics = w->taken_metrics;
    w->taken_metrics = w->incoming_metrics;
    w->incoming_metrics = metrics;
}

static void *run(void *user)
{
    struct writer *w = user;
    bool stopping = false, busy = false;
    while (!stopping) {
        pthread_mutex_lock(&w->mutex);
        wait_for_work(w, busy ? 0 : TICK_NS);
        stopping = w->stopping;
        int64_t until = stopping ? w->stop_mono_ns : INT64_MAX;
        take_intake(w);
        pthread_mutex_unlock(&w->mutex);
        store_alerts(w, until);
        write_taken(w, clock_monotonic_ns() < until);
        bool more = false;
        if (!stopping) {
            ship_batch(w);
            more = keep_up(w);
        }
        sync_spool(w);
        busy = more || (spool_bytes(w->spool) > 0 && w->retry_pause_ns == 0);
    }
    return NULL;
}

static void writer_destroy(struct writer *w)
{
    spool_close(&w->spool);
    aggregator_destroy(w->aggregator);
    for (size_t i = 0; i < w->alert_count; i++)
        free(w->alerts[(w->alert_first + i) % WRITER_ALERTS_MAX]);
    free(w->incoming.items);
    free(w->incoming_metrics.items);
    free(w->taken.items);
    free(w->taken_metrics.items);
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->mutex);
    free(w);
}

static int writer_prepare(struct writer *w, const struct writer_options *options, struct error *error)
{
    w->aggregator = aggregator_create(take_in_row, w);
    w->incoming.items = malloc(ROWS_MAX * sizeof *w->incoming.items);
    w->taken.items = malloc(ROWS_MAX * sizeof *w->taken.items);
    w->incoming_metrics.items = malloc(METRICS_MAX * sizeof *w->incoming_metrics.items);
    w->taken_metrics.items = malloc(METRICS_MAX * sizeof *w->taken_metrics.items);
    if (!w->aggregator || !w->incoming.items || !w->taken.items || !w->incoming_metrics.items ||
        !w->taken_metrics.items)
        return error_nomem(error, "writer");
    int64_t limit = options->spool_limit_bytes > 0 ? options->spool_limit_bytes : SPOOL_LIMIT_DEFAULT;
    return spool_open(options->spool_dir, limit, &w->spool, error);
}

static struct writer *writer_create(const struct writer_options *options)
{
    struct writer *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->store = options->store;
    w->on_alert_stored = options->on_alert_stored;
    w->user = options->user;
    w->state.store_ok = true;
    upkeep_init(&w->upkeep, options->store);
    w->upkeep.retention_1s_ns = options->retention_1s_ns;
    w->upkeep.retention_1min_ns = options->retention_1min_ns;
    w->upkeep.retention_alerts_ns = options->retention_alerts_ns;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&w->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&w->mutex, NULL);
    return w;
}

int writer_start(const struct writer_options *options, struct writer **writer, struct error *error)
{
    *writer = NULL;
    struct writer *w = writer_create(options);
    if (!w)
        return error_nomem(error, "writer");
    int code = writer_prepare(w, options, error);
    if (code == 0) {
        int reason = pthread_create(&w->thread, NULL, run, w);
        code = reason != 0 ? error_set_errno(error, reason, "writer: thread") : 0;
    }
    if (code < 0) {
        writer_destroy(w);
        return code;
    }
    *writer = w;
    return 0;
}

void writer_stop(struct writer **writer, int64_t limit_ns)
{
    struct writer *w = *writer;
    if (!w)
        return;
    *writer = NULL;
    pthread_mutex_lock(&w->mutex);
    w->stopping = true;
    w->stop_mono_ns = clock_monotonic_ns() + limit_ns;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->mutex);
    pthread_join(w->thread, NULL);
    writer_destroy(w);
}
