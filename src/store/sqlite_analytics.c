/*
 * analytics_data: rows of one measure of one place over one step. Kept in the order (step, series, start):
 * one series over a time range is one walk through the tree. A question about many series is answered in
 * windows of time, so that it sorts little and may stop at its limit.
 */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "store/sqlite_store.h"

enum { WINDOW_STEPS_MAX = 20000 };

static const char *measure_of(const struct analytics_row *row)
{
    return measure_info(row->measure)->name;
}

static void bind_names(struct statement *statement, int first, const struct analytics_row *row)
{
    bind_text(statement, first, row->stream_id);
    bind_text(statement, first + 1, row->zone_id);
    bind_text(statement, first + 2, measure_of(row));
}

static int add_series(struct db *db, const struct analytics_row *row, struct error *error)
{
    static const char sql[] =
        "INSERT OR IGNORE INTO analytics_series (stream_id, zone_id, measure) VALUES (?, ?, ?)";
    struct statement *statement;
    int code = db_statement(db, sql, &statement, error);
    if (code < 0)
        return code;
    bind_names(statement, 1, row);
    return statement_run(db, statement, error);
}

static int put_row(struct db *db, const struct analytics_row *row, struct error *error)
{
    static const char sql[] = "INSERT OR REPLACE INTO analytics_data"
                              " (step, series_id, start_ms, mean, min, max, valid_share, samples)"
                              " SELECT ?4, id, ?5, ?6, ?7, ?8, ?9, ?10 FROM analytics_series"
                              " WHERE stream_id = ?1 AND zone_id = ?2 AND measure = ?3";
    struct statement *statement;
    int code = db_statement(db, sql, &statement, error);
    if (code < 0)
        return code;
    bind_names(statement, 1, row);
    bind_int(statement, 4, row->step);
    bind_time(statement, 5, row->start_ns);
    bind_real(statement, 6, row->mean);
    bind_real(statement, 7, row->min);
    bind_real(statement, 8, row->max);
    bind_real(statement, 9, row->valid_share);
    bind_int(statement, 10, row->samples);
    return statement_run(db, statement, error);
}

/* The series is there for all rows but its first. */
static int put_row_and_series(struct db *db, const struct analytics_row *row, struct error *error)
{
    int code = put_row(db, row, error);
    if (code < 0 || db_changes(db) > 0)
        return code;
    code = add_series(db, row, error);
    return code < 0 ? code : put_row(db, row, error);
}

int sqlite_write_analytics(struct store *store, const struct analytics_row *rows, size_t count,
                           struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        int code = analytics_row_check(&rows[i], error);
        if (code < 0)
            return code;
    }
    struct db *db;
    int code = write_begin(store, &db, error);
    if (code < 0)
        return code;
    for (size_t i = 0; i < count && code == 0; i++)
        code = put_row_and_series(db, &rows[i], error);
    return write_end(store, db, code, error);
}

#define SERIES_FILTER "s.stream_id = ?1 AND (?2 IS NULL OR s.zone_id = ?2) AND (?3 IS NULL OR s.measure = ?3)"

static void bind_filter(struct statement *statement, const struct analytics_query *query)
{
    bind_text(statement, 1, query->stream_id);
    bind_text(statement, 2, query->zone_id);
    bind_text(statement, 3, query->measure < 0 ? NULL : measure_info((enum measure_id)query->measure)->name);
    bind_int(statement, 4, query->step);
}

/* How many series the question is about, and the first start at or after `from_ns` (false: none). */
static int find_window(struct db *db, const struct analytics_query *query, int64_t from_ns, int64_t *start_ns,
                       int64_t *series, struct error *error)
{
    static const char sql[] =
        "SELECT COUNT(*), MIN((SELECT d.start_ms FROM analytics_data d WHERE d.step = ?4 AND d.series_id = "
        "s.id"
        " AND d.start_ms >= ?5 ORDER BY d.start_ms LIMIT 1)) FROM analytics_series s WHERE " SERIES_FILTER;
    struct statement *statement;
    int code = db_statement(db, sql, &statement, error);
    if (code < 0)
        return code;
    bind_filter(statement, query);
    bind_bound(statement, 5, from_ns);
    code = statement_step(db, statement, error);
    bool found = code > 0 && !column_is_null(statement, 1);
    if (found) {
        *series = column_int(statement, 0);
        *start_ns = column_time(statement, 1);
    }
    statement_end(statement);
    return code < 0 ? code : found;
}

static bool take_row(struct statement *statement, const struct analytics_query *query,
                     struct analytics_row *row)
{
    const struct measure_info *info = measure_find(column_text(statement, 1));
    if (!info)
        return false; /* a measure of another version */
    *row = (struct analytics_row){
        .measure = info->id,
        .step = query->step,
        .start_ns = column_time(statement, 2),
        .mean = column_real(statement, 3),
        .min = column_real(statement, 4),
        .max = column_real(statement, 5),
        .valid_share = column_real(statement, 6),
        .samples = column_int(statement, 7),
    };
    text_copy(row->stream_id, sizeof row->stream_id, query->stream_id);
    text_copy(row->zone_id, sizeof row->zone_id, column_text(statement, 0));
    return true;
}

struct reading {
    const struct analytics_query *query;
    int (*row)(void *user, const struct analytics_row *row);
    void *user;
    size_t given;
    int64_t last_ns; /* start of the last row given */
    bool ended;      /* by the limit or by `row` */
};

/* The limit ends a read only between two starts. */
static int give_row(struct reading *reading, const struct analytics_row *row)
{
    if (reading->given >= reading->query->limit && row->start_ns != reading->last_ns) {
        reading->ended = true;
        return 0;
    }
    reading->given++;
    reading->last_ns = row->start_ns;
    int code = reading->row(reading->user, row);
    reading->ended = code != 0;
    return code;
}

/* All of [from, to), in order. CROSS JOIN is SQLite's way of saying: the series first. */
static int read_window(struct db *db, struct reading *reading, int64_t from_ns, int64_t to_ns,
                       struct error *error)
{
    static const char sql[] =
        "SELECT s.zone_id, s.measure, d.start_ms, d.mean, d.min, d.max, d.valid_share, d.samples"
        " FROM analytics_series s CROSS JOIN analytics_data d WHERE " SERIES_FILTER
        " AND d.step = ?4 AND d.series_id = s.id AND d.start_ms >= ?5 AND d.start_ms < ?6"
        " ORDER BY d.start_ms, s.zone_id, s.measure";
    struct statement *statement;
    int code = db_statement(db, sql, &statement, error);
    if (code < 0)
        return code;
    bind_filter(statement, reading->query);
    bind_bound(statement, 5, from_ns);
    bind_bound(statement, 6, to_ns);
    int given = 0;
    while (!reading->ended && (code = statement_step(db, statement, error)) > 0) {
        struct analytics_row row;
        if (take_row(statement, reading->query, &row))
            given = give_row(reading, &row);
    }
    statement_end(statement);
    return code < 0 ? code : given;
}

/* So long that the rows of `series` series in it are about as many as are still wanted. */
static int64_t window_ns(const struct reading *reading, int64_t series)
{
    size_t wanted = reading->query->limit - reading->given;
    int64_t steps =
        (int64_t)(wanted < WINDOW_STEPS_MAX ? wanted : WINDOW_STEPS_MAX) / (series > 0 ? series : 1);
    return (steps + 1) * reading->query->step * NS_PER_S;
}

static int read_windows(struct db *db, struct reading *reading, struct error *error)
{
    const struct analytics_query *query = reading->query;
    int64_t at = query->from_ns;
    if (query->after_ns != 0 && query->after_ns >= at)
        at = query->after_ns + 1;
    int code = 0;
    while (code == 0 && !reading->ended && reading->given < query->limit) {
        int64_t series = 0;
        code = find_window(db, query, at, &at, &series, error);
        if (code <= 0 || at >= query->to_ns)
            return code < 0 ? code : 0;
        int64_t end = at + window_ns(reading, series);
        end = end < query->to_ns ? end : query->to_ns;
        code = read_window(db, reading, at, end, error);
        at = end;
    }
    return code;
}

int sqlite_read_analytics(struct store *store, const struct analytics_query *query,
                          int (*row)(void *user, const struct analytics_row *row), void *user,
                          struct error *error)
{
    struct reading reading = {.query = query, .row = row, .user = user};
    struct db *db;
    int code = read_begin(store, &db, error);
    if (code < 0)
        return code;
    code = read_windows(db, &reading, error);
    read_end(store, db);
    return code;
}
