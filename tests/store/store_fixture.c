#include "store_fixture.h"

#include <stdio.h>

#include "base/text.h"

struct snapshot fixture_snapshot(const char *stream_id, int64_t capture_wall_ns, double people)
{
    static const struct zone zone = {.id = "north"};
    static const struct line line = {.id = "door"};
    static _Thread_local struct zone_state zones[1];
    static _Thread_local struct line_state lines[1];
    struct snapshot snapshot = {.capture = {.wall_ns = capture_wall_ns},
                                .zone_count = 1,
                                .zones = zones,
                                .line_count = 1,
                                .lines = lines};
    text_copy(snapshot.stream_id, sizeof snapshot.stream_id, stream_id);
    measure_set_clear(&snapshot.measures);
    snapshot.measures.of[MEASURE_PEOPLE] = measure_exact(people);
    snapshot.measures.of[MEASURE_DENSITY_PEAK] = measure_invalid(REASON_UNCALIBRATED);
    zones[0].zone = &zone;
    measure_set_clear(&zones[0].measures);
    zones[0].measures.of[MEASURE_OCCUPANCY] = measure_exact(people / 2);
    lines[0].line = &line;
    measure_set_clear(&lines[0].measures);
    lines[0].measures.of[MEASURE_FLOW_IN] = measure_exact(60);
    return snapshot;
}

struct rows {
    struct analytics_row *rows;
    long count, limit;
};

static int keep_row(void *user, const struct analytics_row *row)
{
    struct rows *rows = user;
    if (rows->count == rows->limit)
        return 1;
    rows->rows[rows->count++] = *row;
    return 0;
}

long fixture_read_rows(struct store_handle store, const char *stream_id, int measure,
                       enum aggregate_step step, struct analytics_row *rows, size_t limit)
{
    struct analytics_query query = {
        .stream_id = stream_id, .measure = measure, .step = step, .to_ns = INT64_MAX / 2, .limit = limit};
    struct rows into = {.rows = rows, .limit = (long)limit};
    struct error error;
    if (store.kind->read_analytics(store.store, &query, keep_row, &into, &error) < 0) {
        (void)fprintf(stderr, "%s\n", error.text);
        return -1;
    }
    return into.count;
}
