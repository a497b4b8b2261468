/*
 * The thread around the book (what is decided) and the ledger (what is safe). The mutex guards what others
 * hand in: the newest sample of each stream, orders, and confirmations of the store; it is never held while
 * the journal is written or anybody is told.
 *
 * One round: take what is there; put each sample to the book, then the orders, then the tick; after each of
 * them what changed is journalled, synced, published and answered; at the end the store gets what it will
 * take.
 */
#include "alerting/engine.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alerting/book.h"
#include "alerting/ledger.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"

enum { BATCH_MAX = 32 };

#define TICK_NS (100 * NS_PER_MS)
#define ORDER_LIMIT_NS (2 * NS_PER_S)

struct slot { /* one stream's newest sample */
    char stream_id[ID_SIZE];
    struct sample *sample;
    struct picture *picture;
};

enum order_kind {
    ORDER_ACKNOWLEDGE,
    ORDER_RESOLVE,
    ORDER_COMMENT,
    ORDER_TEST,
    ORDER_ADD,
    ORDER_REMOVE,
    ORDER_LIST
};

/* Shared by the one who waits and the alert thread; the last of the two frees it. */
struct order {
    atomic_int holders;
    enum order_kind kind;
    char id[ID_SIZE]; /* alert or stream */
    char who[ALERT_WHO_MAX];
    char comment[ALERT_COMMENT_MAX];
    bool done;
    int code;
    struct error error;
    struct alert_event result;
    struct alert_event *list;
    size_t list_count;
    struct order *next;
};

struct alert_engine {
    struct alert_engine_options options;
    pthread_t thread;

    pthread_mutex_t mutex; /* of all down to `state` */
    pthread_cond_t changed, answered;
    bool stopping;
    size_t slot_count;
    struct slot *slots;
    bool has_sample;
    struct order *orders, **orders_end;
    size_t confirmed_count, confirmed_capacity;
    struct ledger_name *confirmed;
    struct alert_engine_state state;

    /* the thread's own */
    struct book *book;
    struct ledger *ledger;
    struct alert_event *restored; /* open at start */
    size_t restored_count;
    struct picture *picture; /* of the sample that is being looked at; lent */
    size_t batch_count;
    struct alert_event batch[BATCH_MAX];
    bool journal_failed;
};

/* ---- changes ---- */

/* A time that sorts, and 48 random bits: also unique among several machines. */
static void make_id(void *user, int64_t wall_ns, char out[ALERT_ID_SIZE])
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

/* Safe first, then told. When it cannot be made safe it is told all the same. */
static int flush(struct alert_engine *engine, struct error *error)
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

static void on_change(void *user, const struct alert_event *event)
{
    struct alert_engine *engine = user;
    ledger_add(engine->ledger, event);
    engine->batch[engine->batch_count++] = *event;
    if (engine->batch_count == BATCH_MAX)
        (void)flush(engine, NULL);
}

static int list_open(void *user, struct alert_event **events, size_t *count)
{
    struct alert_engine *engine = user;
    return book_list(engine->book, events, count);
}

/* ---- samples ---- */

static struct slot *find_slot(struct alert_engine *engine, const char *stream_id)
{
    for (size_t i = 0; i < engine->slot_count; i++)
        if (strcmp(engine->slots[i].stream_id, stream_id) == 0)
            return &engine->slots[i];
    return NULL;
}

static void release_sample(struct sample *sample, struct picture *picture)
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
    struct slot *slot = find_slot(engine, snapshot->stream_id);
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
    release_sample(sample, kept);
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
        (void)flush(engine, NULL);
        engine->picture = NULL;
        release_sample(sample, picture);
    }
}

/* ---- orders ---- */

static void release_order(struct order *order)
{
    if (atomic_fetch_sub(&order->holders, 1) > 1)
        return;
    free(order->list);
    free(order);
}

static int add_slot(struct alert_engine *engine, const char *stream_id)
{
    int code = 0;
    pthread_mutex_lock(&engine->mutex);
    struct slot *grown = realloc(engine->slots, (engine->slot_count + 1) * sizeof *grown);
    if (grown) {
        engine->slots = grown;
        struct slot *slot = &grown[engine->slot_count++];
        *slot = (struct slot){0};
        text_copy(slot->stream_id, sizeof slot->stream_id, stream_id);
    } else {
        code = ERR_NOMEM;
    }
    pthread_mutex_unlock(&engine->mutex);
    return code;
}

static void remove_slot(struct alert_engine *engine, const char *stream_id)
{
    struct slot gone = {0};
    pthread_mutex_lock(&engine->mutex);
    struct slot *slot = find_slot(engine, stream_id);
    if (slot) {
        gone = *slot;
        *slot = engine->slots[--engine->slot_count];
    }
    pthread_mutex_unlock(&engine->mutex);
    release_sample(gone.sample, gone.picture);
}

static int add_stream(struct alert_engine *engine, const char *stream_id, struct instant now,
                      struct error *error)
{
    int code = book_add_stream(engine->book, stream_id, now, error);
    if (code == 0 && add_slot(engine, stream_id) < 0) {
        (void)book_remove_stream(engine->book, stream_id, now, NULL);
        code = error_nomem(error, "alerts");
    }
    return code;
}

static int remove_stream(struct alert_engine *engine, const char *stream_id, struct instant now,
                         struct error *error)
{
    remove_slot(engine, stream_id);
    return book_remove_stream(engine->book, stream_id, now, error);
}

static void carry_out(struct alert_engine *engine, struct order *o)
{
    struct instant now = clock_now();
    switch (o->kind) {
    case ORDER_ACKNOWLEDGE:
        o->code = book_acknowledge(engine->book, o->id, o->who, o->comment, now, &o->result, &o->error);
        break;
    case ORDER_RESOLVE:
        o->code = book_resolve(engine->book, o->id, o->who, o->comment, now, &o->result, &o->error);
        break;
    case ORDER_COMMENT:
        o->code = book_comment(engine->book, o->id, o->who, o->comment, now, &o->result, &o->error);
        break;
    case ORDER_TEST:
        o->code = book_raise_test(engine->book, o->who, now, &o->result, &o->error);
        break;
    case ORDER_ADD:
        o->code = add_stream(engine, o->id, now, &o->error);
        break;
    case ORDER_REMOVE:
        o->code = remove_stream(engine, o->id, now, &o->error);
        break;
    case ORDER_LIST:
        o->code = book_list(engine->book, &o->list, &o->list_count);
        if (o->code < 0)
            (void)error_nomem(&o->error, "alerts");
        break;
    }
}

static void answer_order(struct alert_engine *engine, struct order *order)
{
    pthread_mutex_lock(&engine->mutex);
    order->done = true;
    pthread_cond_broadcast(&engine->answered);
    pthread_mutex_unlock(&engine->mutex);
    release_order(order);
}

static struct order *take_order(struct alert_engine *engine)
{
    pthread_mutex_lock(&engine->mutex);
    struct order *order = engine->orders;
    if (order && !(engine->orders = order->next))
        engine->orders_end = &engine->orders;
    pthread_mutex_unlock(&engine->mutex);
    return order;
}

/* Somebody relies on it. A camera that comes or goes is not kept in the journal, and must not fail for it. */
static bool is_promise(enum order_kind kind)
{
    return kind == ORDER_ACKNOWLEDGE || kind == ORDER_RESOLVE || kind == ORDER_COMMENT || kind == ORDER_TEST;
}

static void carry_out_orders(struct alert_engine *engine)
{
    struct order *order;
    while ((order = take_order(engine))) {
        struct error why;
        carry_out(engine, order);
        if (flush(engine, &why) < 0 && order->code == 0 && is_promise(order->kind)) {
            order->code = why.code;
            (void)error_set(&order->error, why.code, "done, but not safe from a crash: %s", why.text);
        }
        answer_order(engine, order);
    }
}

static struct order *new_order(enum order_kind kind, const char *id, const char *who, const char *comment)
{
    struct order *order = calloc(1, sizeof *order);
    if (!order)
        return NULL;
    atomic_init(&order->holders, 2);
    order->kind = kind;
    text_copy(order->id, sizeof order->id, id ? id : "");
    text_copy(order->who, sizeof order->who, who ? who : "");
    text_copy(order->comment, sizeof order->comment, comment ? comment : "");
    return order;
}

/* Hands the order over and waits; what the caller has to look at afterwards is in it. */
static int give_order(struct alert_engine *engine, struct order *order, struct error *error)
{
    int64_t until = clock_monotonic_ns() + ORDER_LIMIT_NS;
    struct timespec at = {.tv_sec = until / NS_PER_S, .tv_nsec = until % NS_PER_S};
    pthread_mutex_lock(&engine->mutex);
    bool refused = engine->stopping;
    if (!refused) {
        *engine->orders_end = order;
        engine->orders_end = &order->next;
        pthread_cond_signal(&engine->changed);
    }
    bool late = false;
    while (!refused && !order->done && !late)
        late = pthread_cond_timedwait(&engine->answered, &engine->mutex, &at) == ETIMEDOUT;
    bool done = order->done;
    pthread_mutex_unlock(&engine->mutex);
    if (refused) {
        release_order(order); /* the alert thread's share */
        return error_set(error, ERR_CLOSED, "alerts: the service is stopping");
    }
    if (!done)
        return error_set(error, ERR_TIMEOUT, "alerts: no answer within 2 s; it may still be carried out");
    if (order->code < 0 && error)
        *error = order->error;
    return order->code;
}

static int order_and_wait(struct alert_engine *engine, struct order *order, struct alert_event *result,
                          struct error *error)
{
    if (!order)
        return error_nomem(error, "alerts");
    int code = give_order(engine, order, error);
    if (result && code == 0)
        *result = order->result;
    release_order(order);
    return code;
}

int alert_engine_add_stream(struct alert_engine *engine, const char *stream_id, struct error *error)
{
    return order_and_wait(engine, new_order(ORDER_ADD, stream_id, NULL, NULL), NULL, error);
}

int alert_engine_remove_stream(struct alert_engine *engine, const char *stream_id, struct error *error)
{
    return order_and_wait(engine, new_order(ORDER_REMOVE, stream_id, NULL, NULL), NULL, error);
}

int alert_engine_acknowledge(struct alert_engine *engine, const char *alert_id, const char *who,
                             const char *comment, struct alert_event *result, struct error *error)
{
    return order_and_wait(engine, new_order(ORDER_ACKNOWLEDGE, alert_id, who, comment), result, error);
}

int alert_engine_resolve(struct alert_engine *engine, const char *alert_id, const char *who,
                         const char *comment, struct alert_event *result, struct error *error)
{
    return order_and_wait(engine, new_order(ORDER_RESOLVE, alert_id, who, comment), result, error);
}

int alert_engine_comment(struct alert_engine *engine, const char *alert_id, const char *who,
                         const char *comment, struct alert_event *result, struct error *error)
{
    return order_and_wait(engine, new_order(ORDER_COMMENT, alert_id, who, comment), result, error);
}

int alert_engine_raise_test(struct alert_engine *engine, const char *who, struct alert_event *result,
                            struct error *error)
{
    return order_and_wait(engine, new_order(ORDER_TEST, NULL, who, NULL), result, error);
}

static int copy_list(const struct order *order, struct alert **alerts, size_t *count, struct error *error)
{
    *alerts = malloc((order->list_count + 1) * sizeof **alerts);
    if (!*alerts)
        return error_nomem(error, "alerts");
    for (size_t i = 0; i < order->list_count; i++)
        (*alerts)[i] = order->list[i].alert;
    *count = order->list_count;
    return 0;
}

int alert_engine_list(struct alert_engine *engine, struct alert **alerts, size_t *count, struct error *error)
{
    *alerts = NULL;
    *count = 0;
    struct order *order = new_order(ORDER_LIST, NULL, NULL, NULL);
    if (!order)
        return error_nomem(error, "alerts");
    int code = give_order(engine, order, error);
    if (code == 0)
        code = copy_list(order, alerts, count, error);
    release_order(order);
    return code;
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
    (void)flush(engine, NULL);
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
    (void)flush(engine, NULL);
    note_state(engine);
}

static void *run(void *user)
{
    struct alert_engine *engine = user;
    restore(engine);
    int64_t next_tick_ns = clock_monotonic_ns();
    while (wait_for_work(engine, next_tick_ns)) {
        look_at_samples(engine);
        carry_out_orders(engine);
        if (clock_monotonic_ns() >= next_tick_ns) {
            tick(engine);
            next_tick_ns = clock_monotonic_ns() + TICK_NS;
        }
        exchange_with_store(engine);
    }
    carry_out_orders(engine); /* those that were accepted before */
    exchange_with_store(engine);
    return NULL;
}

/* ---- start and stop ---- */

static void engine_destroy(struct alert_engine *engine)
{
    for (size_t i = 0; i < engine->slot_count; i++)
        release_sample(engine->slots[i].sample, engine->slots[i].picture);
    free(engine->slots);
    free(engine->confirmed);
    free(engine->restored);
    book_destroy(engine->book);
    ledger_close(&engine->ledger);
    pthread_cond_destroy(&engine->changed);
    pthread_cond_destroy(&engine->answered);
    pthread_mutex_destroy(&engine->mutex);
    free(engine);
}

static struct alert_engine *engine_create(const struct alert_engine_options *options)
{
    struct alert_engine *engine = calloc(1, sizeof *engine);
    if (!engine)
        return NULL;
    engine->options = *options;
    engine->options.rules = NULL; /* the book has a copy */
    engine->orders_end = &engine->orders;
    engine->state.journal_ok = true;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&engine->changed, &attributes);
    pthread_cond_init(&engine->answered, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&engine->mutex, NULL);
    return engine;
}

static int open_parts(struct alert_engine *engine, const struct alert_engine_options *options,
                      struct error *error)
{
    const struct book_options book = {.rules = options->rules,
                                      .rule_count = options->rule_count,
                                      .silent_after_ns = options->silent_after_ns,
                                      .make_id = make_id,
                                      .emit = on_change,
                                      .user = engine};
    const struct ledger_options ledger = {.journal_path = options->journal_path,
                                          .journal_bytes = options->journal_bytes,
                                          .list_open = list_open,
                                          .user = engine};
    bool damaged;
    int code = secret_init(error);
    engine->book = book_create(&book);
    if (code == 0 && !engine->book)
        code = error_nomem(error, "alerts");
    if (code == 0)
        code = ledger_open(&ledger, &engine->ledger, &damaged, error);
    if (code == 0 && damaged)
        log_error("alerting", "%s was no alert journal; it was put aside as %s.damaged",
                  options->journal_path, options->journal_path);
    return code;
}

static struct alert_event *find_restored(struct alert_engine *engine, const char *alert_id)
{
    for (size_t i = 0; i < engine->restored_count; i++)
        if (strcmp(engine->restored[i].alert.alert_id, alert_id) == 0)
            return &engine->restored[i];
    return NULL;
}

/* The store's alerts, then the journal's later versions; what the store does not have yet is handed to it
 * once more. */
static int take_over(struct alert_engine *engine, const struct alert *alerts, const int64_t *versions,
                     size_t count, struct error *error)
{
    size_t found_count;
    const struct alert_event *found = ledger_found(engine->ledger, &found_count);
    engine->restored = malloc((count + found_count + 1) * sizeof *engine->restored);
    if (!engine->restored)
        return error_nomem(error, "alerts");
    for (size_t i = 0; i < count; i++)
        engine->restored[engine->restored_count++] =
            (struct alert_event){.kind = versions[i] > 1 ? ALERT_COMMENTED : ALERT_RAISED,
                                 .version = versions[i],
                                 .alert = alerts[i]};
    for (size_t i = 0; i < found_count; i++) {
        struct alert_event *known = find_restored(engine, found[i].alert.alert_id);
        if (!known)
            engine->restored[engine->restored_count++] = found[i];
        else if (found[i].version > known->version)
            *known = found[i];
        else
            continue;
        if (ledger_keep(engine->ledger, &found[i]) < 0)
            return error_nomem(error, "alerts");
    }
    size_t open = 0;
    for (size_t i = 0; i < engine->restored_count; i++)
        if (engine->restored[i].alert.state != ALERT_RESOLVED)
            engine->restored[open++] = engine->restored[i];
    engine->restored_count = open;
    return 0;
}

int alert_engine_start(const struct alert_engine_options *options, const struct alert *open_alerts,
                       const int64_t *versions, size_t open_count, struct alert_engine **engine,
                       struct error *error)
{
    *engine = NULL;
    struct alert_engine *started = engine_create(options);
    if (!started)
        return error_nomem(error, "alerts");
    int code = open_parts(started, options, error);
    if (code == 0)
        code = take_over(started, open_alerts, versions, open_count, error);
    if (code == 0) {
        int reason = pthread_create(&started->thread, NULL, run, started);
        code = reason != 0 ? error_set_errno(error, reason, "alerts: thread") : 0;
    }
    if (code < 0) {
        engine_destroy(started);
        return code;
    }
    *engine = started;
    return 0;
}

void alert_engine_stop(struct alert_engine **engine)
{
    struct alert_engine *stopping = *engine;
    if (!stopping)
        return;
    pthread_mutex_lock(&stopping->mutex);
    stopping->stopping = true;
    pthread_cond_signal(&stopping->changed);
    pthread_mutex_unlock(&stopping->mutex);
    pthread_join(stopping->thread, NULL);
    *engine = NULL; /* not before: the callbacks of the last changes may use it */
    engine_destroy(stopping);
}
