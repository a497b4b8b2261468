/*
 * The alert thread: rules on snapshots and on a 100 ms tick, the life of alerts, their journal.
 *
 * It owns the open alerts. Every change goes, in this order: into the journal (preallocated; length + CRC;
 * fdatasync), into the answer and `on_event` (publish), and to the store (`to_store`, asked again while it
 * says ERR_FULL). It never touches the database. At start the caller hands in the open alerts that the store
 * knows; the journal's later versions win; each is blind until its measure is valid again.
 *
 * Persistence, clearing and time-outs use the monotonic clock of `struct instant`: a jump of the wall clock
 * raises and clears nothing. A camera that is silent makes its measures invalid (blind) after
 * `silent_after_ns`, while picture_age goes on growing on the tick.
 *
 * Threads: engine_put_snapshot from worker threads, never blocks (a full queue drops the oldest snapshot of
 * that camera, never an order); the orders (acknowledge, ...) from any thread, answered by the alert thread
 * within its next tick; ERR_TIMEOUT after 2 s (it may still be carried out), ERR_CLOSED while the engine
 * stops. None of them may be called from on_event or to_store.
 *
 * When the journal cannot be written, changes are published all the same (a silent failure is worse), the log
 * and alert_engine_get_state say so, and what people order about alerts answers with the error although it
 * was carried out. Cameras come and go all the same.
 */
#ifndef SCI_ALERTING_ENGINE_H
#define SCI_ALERTING_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "core/alert.h"
#include "core/picture.h"
#include "core/snapshot.h"

struct alert_engine; /* opaque */

struct alert_engine_options {
    const struct alert_rule *rules; /* copied */
    size_t rule_count;
    const char *journal_path;
    size_t journal_bytes;
    int64_t silent_after_ns;
    /* From the alert thread: a change that is safely in the journal. `picture` (lent, may be NULL) is the
     * picture of the snapshot that raised the alert; the receiver may save a still under `alert.picture`'s
     * name. */
    void (*on_event)(void *user, const struct alert_event *event, struct picture *picture);
    int (*to_store)(void *user, const struct alert_event *event); /* 0, or ERR_FULL: ask again */
    void *user;
};

int alert_engine_start(const struct alert_engine_options *options, const struct alert *open_alerts,
                       const int64_t *versions, size_t open_count, struct alert_engine **engine,
                       struct error *error);
void alert_engine_stop(struct alert_engine **engine);

/* Copies what it needs (measures of stream, zones and lines); keeps a reference of the picture only until the
 * rules have been looked at. */
void alert_engine_put_snapshot(struct alert_engine *engine, const struct snapshot *snapshot,
                               struct picture *picture);
/* A camera appears (its picture_age runs from now), or is removed: its alerts resolve with the reason "stream
 * removed". */
int alert_engine_add_stream(struct alert_engine *engine, const char *stream_id, struct error *error);
int alert_engine_remove_stream(struct alert_engine *engine, const char *stream_id, struct error *error);
/* The store has this event: the journal may forget it. */
void alert_engine_stored(struct alert_engine *engine, const char *alert_id, int64_t version);

/* Orders. `result` receives the alert as it stands afterwards (may be NULL). An alert that is acknowledged
 * already stays with who did it first; a comment is added. ERR_NOT_FOUND (no such open alert), ERR_CONFLICT
 * (already resolved). */
int alert_engine_acknowledge(struct alert_engine *engine, const char *alert_id, const char *who,
                             const char *comment, struct alert_event *result, struct error *error);
int alert_engine_resolve(struct alert_engine *engine, const char *alert_id, const char *who,
                         const char *comment, struct alert_event *result, struct error *error);
/* An operator proves at the start of a shift that the chain works. Resolves by itself after 60 s. */
int alert_engine_raise_test(struct alert_engine *engine, const char *who, struct alert_event *result,
                            struct error *error);

/* Open alerts only. ERR_INVALID: empty. */
int alert_engine_comment(struct alert_engine *engine, const char *alert_id, const char *who,
                         const char *comment, struct alert_event *result, struct error *error);

struct alert_engine_state {
    bool journal_ok;      /* false: changes are published, but would not survive a crash */
    size_t open;          /* alerts */
    size_t watches;       /* rules at places */
    size_t blind;         /* of those: cannot be told at present, so they would not raise anything */
    size_t not_stored;    /* events that the store has not confirmed */
    size_t lost;          /* events given up because the store was away for too long, since start */
    char last_error[256]; /* why journal_ok is false */
};
/* As of the last tick; never waits. */
void alert_engine_get_state(struct alert_engine *engine, struct alert_engine_state *state);

/* The open alerts, newest first, as they stand. Caller frees. */
int alert_engine_list(struct alert_engine *engine, struct alert **alerts, size_t *count, struct error *error);

#endif
