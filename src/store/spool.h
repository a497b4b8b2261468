/*
 * The spool: rows on disk that the store would not take, until it does. Segments `spool-<16 hex digits>.dat`
 * in one folder, oldest first; a segment is an 8-byte magic, a u32 format version, then records:
 *
 *     u32 length of the payload, u32 CRC-32 of the payload, payload
 *
 * A payload is a run of entries: u8 kind (1 = analytics row, 2 = system metric) and its fields
 * (base/bytes.h). A segment that an earlier process began is never appended to, so a torn tail can only be a
 * segment's last record; it is left out. A record whose CRC is wrong is skipped and counted. Reading goes
 * from the oldest segment on; a segment is deleted when all of it is in the store, so after a crash some rows
 * are written twice, which changes nothing there.
 *
 * Not thread-safe: it belongs to the writer thread.
 */
#ifndef SCI_STORE_SPOOL_H
#define SCI_STORE_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "store/store.h"

struct spool; /* opaque */

struct spool_batch {
    size_t row_count, metric_count;
    struct analytics_row *rows;
    struct system_metric *metrics;
    bool ends_segment; /* spool_done will delete a segment: what follows from its rows has to be in the store
                          by then */
};

/* Makes the folder where it is missing. */
int spool_open(const char *dir, int64_t limit_bytes, struct spool **spool, struct error *error);
void spool_close(struct spool **spool); /* syncs; the segments stay */

/* All or nothing. ERR_FULL: the disk or the limit. */
int spool_append_rows(struct spool *spool, const struct analytics_row *rows, size_t count,
                      struct error *error);
int spool_append_metrics(struct spool *spool, const struct system_metric *metrics, size_t count,
                         struct error *error);
int spool_sync(struct spool *spool, struct error *error); /* nothing to do: 0 at once */

int64_t spool_bytes(const struct spool *spool); /* waiting */
/* The oldest batch, lent until the next call: 1, or 0 when there is none. Gives the same one until
 * spool_done. */
int spool_peek(struct spool *spool, const struct spool_batch **batch, struct error *error);
int spool_done(struct spool *spool, struct error *error);
/* Records that could not be read, since the last time this was asked. */
size_t spool_take_damaged(struct spool *spool);

/* One payload, as a batch; the fuzzer's way in. ERR_FORMAT, ERR_NOMEM. */
int spool_decode(const void *payload, size_t size, struct spool_batch *batch, struct error *error);
void spool_batch_free(struct spool_batch *batch);

/* The next record of a segment's bytes at *offset, which moves behind it: 1 and the payload, 0 at the end (or
 * a torn tail). A record whose CRC is wrong is skipped and counted. ERR_FORMAT when these are no segment's
 * bytes (only at offset 0). */
int spool_next_record(const void *bytes, size_t size, size_t *offset, const void **payload,
                      size_t *payload_size, size_t *damaged, struct error *error);

#endif
