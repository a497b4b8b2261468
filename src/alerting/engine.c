/*
 * The thread around the book (what is decided) and the ledger (what is safe). The mutex guards what others
 * hand in: the newest sample of each stream, orders, and confirmations of the store; it is never held while
 * the journal is written or anybody is told.
 *
 * One round: take what is there; put each sample to the book, then the orders, then the tick; after each of
 * them what changed is journalled, synced, published and answered; at the end the store gets what it will
 * take.
 */
#include "alerting/engine_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"

#define TICK_NS (100 * NS_PER_MS)

/* ---- changes ---- */

/* A time that sorts, and 48 random bits: also unique among several machines. */
void engine_make_id(void *user, int64_t wall_ns, char out[ALERT_ID_SIZE])
{
    (void)user;
    char time[TIME_TEXT_SIZE], random[13];
    time_format(wall_ns, time);
    secret_random_hex(random, 6);
    text_format(out, ALERT_ID_SIZE, "%.4s%.2s%.2sT%.2s%.2s%.2s%.3s-%s", time, time + 5, time + 8, time + 11,
                time + 14, time + 17, time + 20, random);
}

static void publish(struct alert_engine *engine, const struct alert_event *event)
{
    bool raised = event->kind == ALERT_RAISED && event->alert.picture[0];
    engine->options.on_event(engine->options.user, event, raised ? engine->picture : NULL);
}

int engine_flush(struct alert_engine *engine, struct error *error)
{
    struct error why;
    if (engine->batch_count == 0 && !engine->journal_failed)
        return 0;
    int code = ledger_commit(engine->ledger, clock_monotonic_ns(), &why);
    if (code < 0 && !engine->journal_failed)
        log_error("alerting", "%s; alerts go on, but a crash would lose them", why.text);
    if (code == 0 && engine->journal_failed)
        log_info("alerting", "the alert journal is written again");
    engine->journal_failed = code < 0;
    for (size_t i = 0; i < engine->batch_count; i++)
        publish(engine, &engine->batch[i]);
    engine->batch_count = 0;
    pthread_mutex_lock(&engine->mutex);
    engine->state.journal_ok = code == 0;
    text_copy(engine->state.last_error, sizeof engine->state.last_error, code < 0 ? why.text : "");
    pthread_mutex_unlock(&engine->mutex);
    if (code < 0 && error)
        *error = why;
    return code;
}

void engine_on_change(void *user, const struct alert_event *event)
{
    struct alert_engine *engine = user;
    ledger_add(engine->ledger, event);
    engine->batch[engine->batch_count++] = *event;
    if (engine->batch_count == BATCH_MAX)
        (void)engine_flush(engine, NULL);
}

int engine_list_open(void *user, struct alert_event **events, size_t *count)
{
    struct alert_engine *engine = user;
    return book_list(engine->book, events, count);
}

/* ---- samples ---- */

struct slot *engine_find_slot(struct alert_engine *engine, const char *stream_id)
{
    for (size_t i = 0; i < engine->slot_count; i++)
        if (strcmp(engine->slots[i].stream_id, stream_id) == 0)
            return &engine->slots[i];
    return NULL;
}

void engine_release_sample(struct sample *sample, struct picture *picture)
{
    free(sample);
    picture_unref(&picture);
}

void alert_engine_put_snapshot(struct alert_engine *engine, const struct snapshot *snapshot,
                               struct picture *picture)
{
    struct sample *sample = sample_of_snapshot(snapshot);
    if (!sample)
        return; /* the next one comes in a moment, and the camera's silence is noticed */
    struct picture *kept = picture ? picture_ref(picture) : NULL;
    pthread_mutex_lock(&engine->mutex);
    struct slot *slot = engine_find_slot(engine, snapshot->stream_id);
    if (slot) {
        struct slot older = *slot;
        slot->sample = sample;
        slot->picture = kept;
        sample = older.sample;
        kept = older.picture;
        engine->has_sample = true;
        pthread_cond_signal(&engine->changed);
    }
    pthread_mutex_unlock(&engine->mutex);
    engine_release_sample(sample, kept);
}

/* The next stream at or after *at that has a sample; false when there is none. */
static bool take_sample(struct alert_engine *engine, size_t *at, struct sample **sample,
                        struct picture **picture)
{
    bool found = false;
    pthread_mutex_lock(&engine->mutex);
    for (; *at < engine->slot_count && !found; ++*at) {
        struct slot *slot = &engine->slots[*at];
        found = slot->sample != NULL;
        *sample = slot->sample;
        *picture = slot->picture;
        slot->sample = NULL;
        slot->picture = NULL;
    }
    pthread_mutex_unlock(&engine->mutex);
    return found;
}

static void no_memory(void)
{
    log_error("alerting", "out of memory: a rule could not be looked at");
}

static void look_at_samples(struct alert_engine *engine)
{
    struct sample *sample;
    struct picture *picture;
    for (size_t at = 0; take_sample(engine, &at, &sample, &picture);) {
        engine->picture = picture;
        if (book_put_sample(engine->book, sample, picture != NULL, clock_now()) < 0)
            no_memory();
        (void)engine_flush(engine, NULL);
        engine->picture = NULL;
        engine_release_sample(sample, picture);
    }
}

/* ---- the store ---- */

void alert_engine_stored(struct alert_engine *engine, const char *alert_id, int64_t version)
{
    pthread_mutex_lock(&engine->mutex);
    if (engine->confirmed_count == engine->confirmed_capacity) {
        size_t capacity = engine->confirmed_capacity ? 2 * engine->confirmed_capacity : 16;
        struct ledger_name *grown = realloc(engine->confirmed, capacity * sizeof *grown);
        if (grown) {
            engine->confirmed = grown;
            engine->confirmed_capacity = capacity;
        }
    }
    if (engine->confirmed_count <
        engine->confirmed_capacity) { /* else it is stored once more after a restart */
        struct ledger_name *confirmation = &engine->confirmed[engine->confirmed_count++];
        text_copy(confirmation->alert_id, sizeof confirmation->alert_id, alert_id);
        confirmation->version = version;
    }
    pthread_mutex_unlock(&engine->mutex);
}

/* The list is taken away first: going through the ledger must not make a camera's worker wait. */
static void take_confirmations(struct alert_engine *engine)
{
    pthread_mutex_lock(&engine->mutex);
    struct ledger_name *names = engine->confirmed;
    size_t count = engine->confirmed_count;
    engine->confirmed = NULL;
    engine->confirmed_count = engine->confirmed_capacity = 0;
    pthread_mutex_unlock(&engine->mutex);
    ledger_stored(engine->ledger, names, count);
    free(names);
}

static void exchange_with_store(struct alert_engine *engine)
{
    take_confirmations(engine);
    ledger_send(engine->ledger, engine->options.to_store, engine->options.user);
}

static void note_state(struct alert_engine *engine)
{
    struct book_figures figures;
    book_get_figures(engine->book, &figures);
    pthread_mutex_lock(&engine->mutex);
    engine->state.open = figures.open;
    engine->state.watches = figures.watches;
    engine->state.blind = figures.blind;
    engine->state.not_stored = ledger_waiting(engine->ledger);
    engine->state.lost = ledger_lost(engine->ledger);
    pthread_mutex_unlock(&engine->mutex);
}

void alert_engine_get_state(struct alert_engine *engine, struct alert_engine_state *state)
{
    pthread_mutex_lock(&engine->mutex);
    *state = engine->state;
    pthread_mutex_unlock(&engine->mutex);
}

/* ---- the thread ---- */

static void restore(struct alert_engine *engine)
{
    for (size_t i = 0; i < engine->restored_count; i++)
        if (book_restore(engine->book, &engine->restored[i], clock_now()) < 0)
            log_error("alerting", "out of memory: alert %s could not be taken over",
                      engine->restored[i].alert.alert_id);
    free(engine->restored);
    engine->restored = NULL;
    engine->restored_count = 0;
    (void)engine_flush(engine, NULL);
}

static bool wait_for_work(struct alert_engine *engine, int64_t until_ns)
{
    struct timespec at = {.tv_sec = until_ns / NS_PER_S, .tv_nsec = until_ns % NS_PER_S};
    pthread_mutex_lock(&engine->mutex);
    bool late = false;
    while (!engine->stopping && !engine->has_sample && !engine->orders && !late)
        late = pthread_cond_timedwait(&engine->changed, &engine->mutex, &at) == ETIMEDOUT;
    engine->has_sample = false;
    bool stopping = engine->stopping;
    pthread_mutex_unlock(&engine->mutex);
    return !stopping;
}

static void tick(struct alert_engine *engine)
{
    if (book_tick(engine->book, clock_now()) < 0)
        no_memory();
    (void)engine_flush(engine, NULL);
    note_state(engine);
}

void *engine_run(void *user)
{
    struct alert_engine *engine = user;
    restore(engine);
    int64_t next_tick_ns = clock_monotonic_ns();
    while (wait_for_work(engine, next_tick_ns)) {
        look_at_samples(engine);
        engine_carry_out_orders(engine);
        if (clock_monotonic_ns() >= next_tick_ns) {
            tick(engine);
            next_tick_ns = clock_monotonic_ns() + TICK_NS;
        }
        exchange_with_store(engine);
    }
    engine_carry_out_orders(engine); /* those that were accepted before */
    exchange_with_store(engine);
    return NULL;
}
