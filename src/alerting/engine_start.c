/* Start and stop: what the store and the journal know is put together, then the thread begins. */
#include "alerting/engine_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/secret.h"

static void engine_destroy(struct alert_engine *engine)
{
    for (size_t i = 0; i < engine->slot_count; i++)
        engine_release_sample(engine->slots[i].sample, engine->slots[i].picture);
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
                                      .make_id = engine_make_id,
                                      .emit = engine_on_change,
                                      .user = engine};
    const struct ledger_options ledger = {.journal_path = options->journal_path,
                                          .journal_bytes = options->journal_bytes,
                                          .list_open = engine_list_open,
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
        int reason = pthread_create(&started->thread, NULL, engine_run, started);
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
