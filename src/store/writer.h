/*
 * The writer thread: measurements and alert events on their way into the store, in batches.
 *
 * Snapshots are aggregated here to 1 s rows (store/aggregate.h); the store makes 1 min, 1 h and 1 day rows of
 * them as each ends (store/upkeep.h). A full second is written when the next one begins, or 2 s after it
 * began when nothing comes, so kill -9 loses at most the last second; coarser rows that were not made yet are
 * made at the next start. When the store fails or lags, rows go to the spool (store/spool.h; synced within a
 * second) and are shipped in order when it is back. When the spool's disk or limit is full too, rows are
 * dropped and counted. Alert events are never dropped: they wait in a queue of WRITER_ALERTS_MAX and, when it
 * is full, in the alert journal, which forgets an event only when `on_alert_stored` has named it.
 *
 * Threads: writer_put_snapshot from worker threads, never waits for the disk. writer_put_alert from the alert
 * thread.
 */
#ifndef SCI_STORE_WRITER_H
#define SCI_STORE_WRITER_H

#include "base/error.h"
#include "core/alert.h"
#include "core/snapshot.h"
#include "store/store.h"

struct writer; /* opaque */

enum { WRITER_ALERTS_MAX = 1024 };

struct writer_options {
    struct store_handle store;
    const char *spool_dir;
    int64_t spool_limit_bytes;                                       /* 0 = 1 GiB */
    int64_t retention_1s_ns, retention_1min_ns, retention_alerts_ns; /* 0 = for ever */
    /* Called from the writer thread after an event was stored, with its number in `seq`. */
    void (*on_alert_stored)(void *user, const struct alert_event *event);
    void *user;
};

struct writer_state {
    bool store_ok;
    int64_t spooled_bytes; /* waiting on disk */
    int64_t dropped_rows;  /* lost because neither store nor spool took them, since start */
    int64_t rows_written;
    int64_t alerts_waiting;
    char last_error[256]; /* why store_ok is false, or rows were dropped */
};

int writer_start(const struct writer_options *options, struct writer **writer, struct error *error);
/* Flushes for at most `limit_ns` and one call of the store; the rest goes to the spool, alert events stay in
 * their journal. */
void writer_stop(struct writer **writer, int64_t limit_ns);
void writer_put_snapshot(struct writer *writer, const struct snapshot *snapshot);
/* The system's own figures. */
void writer_put_metric(struct writer *writer, const struct system_metric *metric);
int writer_put_alert(struct writer *writer, const struct alert_event *event); /* ERR_FULL: ask again later */
void writer_get_state(struct writer *writer, struct writer_state *state);

#endif
