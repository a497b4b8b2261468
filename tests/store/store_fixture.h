/* Places and snapshots for the tests of the store's folder. */
#ifndef SCI_TESTS_STORE_FIXTURE_H
#define SCI_TESTS_STORE_FIXTURE_H

#include "core/snapshot.h"
#include "store/store.h"

#define DAY_START (INT64_C(20000) * 86400 * NS_PER_S) /* 2024-10-04T00:00:00Z */

/* A stream with its measures, one zone "north" and one line "door". Lives as long as the process. */
struct snapshot fixture_snapshot(const char *stream_id, int64_t capture_wall_ns, double people);

/* Rows of a stream and step, ascending; returns how many (at most `limit`). -1 when the store fails. */
long fixture_read_rows(struct store_handle store, const char *stream_id, int measure,
                       enum aggregate_step step, struct analytics_row *rows, size_t limit);

#endif
