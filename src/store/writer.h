/*
 * The writer thread: measurements and alert events on their way into the store, in batches.
 *
 * Snapshots are aggregated here to 1 s rows, and 1 s rows to 1 min rows (mean, min, max, share of valid time
 * of every measure of the stream, its zones and lines). A full second is written when the next one begins (or
 * 1 s later when nothing comes), so kill -9 loses at most the last second; the minute that was under way is
 * rebuilt from its 1 s rows at start. When the store fails or lags, records go to the spool (length + CRC,
 * synced within a second) and are shipped in order when it is back. Alert events are never dropped: what does
 * not fit the queue stays in the alert journal and is fetched from there.
 *
 * Threads: writer_put_snapshot from worker threads, never blocks. writer_put_alert from the alert thread.
 */
#ifndef SCI_STORE_WRITER_H
#define SCI_STORE_WRITER_H

#include "base/error.h"
#include "core/alert.h"
#include "core/snapshot.h"
#include "store/store.h"

struct writer; /* opaque */

struct writer_options {
    struct store_handle store;
    const char *spool_dir;
    int64_t retention_1s_ns, retention_1min_ns, retention_alerts_ns; /* 0 = for ever */
    /* Called from the writer thread after an event was stored, with its number in `seq`. */
    void (*on_alert_stored)(void *user, const struct alert_event *event);
    void *user;
};

struct writer_state {
    bool store_ok;
    int64_t spooled_bytes; /* waiting on disk */
    int64_t dropped_rows;  /* aggregates lost because the disk was full, since start */
    int64_t rows_written;
    char last_error[256];
};

int writer_start(const struct writer_options *options, struct writer **writer, struct error *error);
/* Flushes for at most `limit_ns`; the rest goes to the spool. */
void writer_stop(struct writer **writer, int64_t limit_ns);
void writer_put_snapshot(struct writer *writer, const struct snapshot *snapshot);
/* A measure outside snapshots (picture_age of a silent camera, system metrics). */
void writer_put_metric(struct writer *writer, const struct system_metric *metric);
int writer_put_alert(struct writer *writer, const struct alert_event *event); /* ERR_FULL: ask again later */
void writer_get_state(struct writer *writer, struct writer_state *state);

#endif
