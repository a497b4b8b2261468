/* The bytes of the spool (spool.h describes them): shared by its reader and its writer. */
#ifndef SCI_STORE_SPOOL_RECORD_H
#define SCI_STORE_SPOOL_RECORD_H

#include "base/buffer.h"
#include "store/spool.h"

#define SPOOL_MAGIC "SCISPOOL"
enum {
    SPOOL_VERSION = 1,
    SPOOL_HEADER_SIZE = 12,
    RECORD_HEADER_SIZE = 8,
    SPOOL_PAYLOAD_MAX = 1 << 18,
    ENTRY_ROW = 1,
    ENTRY_METRIC = 2,
    /* Bytes of the shortest entry of each kind: how many a payload can hold at most. */
    ENTRY_ROW_LEAST = 1 + 3 * 2 + 4 + 6 * 8,
    ENTRY_METRIC_LEAST = 1 + 2 + 2 * 8,
};

void spool_begin_record(struct buffer *out);
void spool_end_record(struct buffer *out, size_t start); /* `start`: where the record begins in `out` */
void spool_put_row(struct buffer *out, const struct analytics_row *row);
void spool_put_metric(struct buffer *out, const struct system_metric *metric);

#endif
