/* analytics_data, coarser steps and the end of rows: each coarser row is made from the rows of the next finer
 * step. */
#include "store/sqlite_store.h"

static enum aggregate_step finer_step(enum aggregate_step step)
{
    return step == STEP_1D ? STEP_1H : step == STEP_1H ? STEP_1MIN : STEP_1S;
}

/* Means are weighted by the samples that were valid. A row without any has NULL, which SUM, MIN and MAX leave
 * out. */
static int run_roll_up(struct db *db, enum aggregate_step step, int64_t start_ns, struct error *error)
{
    static const char sql[] =
        "INSERT OR REPLACE INTO analytics_data"
        " (step, series_id, start_ms, mean, min, max, valid_share, samples)"
        " SELECT ?1, d.series_id, ?2,"
        " SUM(d.mean * d.valid_share * d.samples) / NULLIF(SUM(d.valid_share * d.samples), 0),"
        " MIN(d.min), MAX(d.max),"
        " COALESCE(MIN(SUM(d.valid_share * d.samples) / NULLIF(SUM(d.samples), 0), 1.0), 0),"
        " SUM(d.samples)"
        " FROM analytics_series s CROSS JOIN analytics_data d"
        " WHERE d.step = ?3 AND d.series_id = s.id AND d.start_ms >= ?2 AND d.start_ms < ?4"
        " GROUP BY d.series_id";
    struct statement *statement;
    int code = db_statement(db, sql, &statement, error);
    if (code < 0)
        return code;
    bind_int(statement, 1, step);
    bind_time(statement, 2, start_ns);
    bind_int(statement, 3, finer_step(step));
    bind_time(statement, 4, start_ns + step * NS_PER_S);
    return statement_run(db, statement, error);
}

int sqlite_roll_up(struct store *store, enum aggregate_step step, int64_t start_ns, struct error *error)
{
    struct db *db;
    int code = write_begin(store, &db, error);
    if (code < 0)
        return code;
    code = run_roll_up(db, step, start_ns, error);
    return write_end(store, db, code, error);
}

static int run_find(struct db *db, enum aggregate_step step, int64_t from_ns, int64_t *first_ns,
                    int64_t *last_ns, struct error *error)
{
    static const char sql[] =
        "SELECT MIN((SELECT d.start_ms FROM analytics_data d WHERE d.step = ?1 AND d.series_id = s.id"
        " AND d.start_ms >= ?2 ORDER BY d.start_ms LIMIT 1)),"
        " MAX((SELECT d.start_ms FROM analytics_data d WHERE d.step = ?1 AND d.series_id = s.id"
        " AND d.start_ms >= ?2 ORDER BY d.start_ms DESC LIMIT 1)) FROM analytics_series s";
    struct statement *statement;
    int code = db_statement(db, sql, &statement, error);
    if (code < 0)
        return code;
    bind_int(statement, 1, step);
    bind_bound(statement, 2, from_ns);
    code = statement_step(db, statement, error);
    if (code > 0 && !column_is_null(statement, 0)) {
        *first_ns = column_time(statement, 0);
        *last_ns = column_time(statement, 1);
        code = 0;
    } else if (code >= 0) {
        code = error_set(error, ERR_NOT_FOUND, "no rows of that step");
    }
    statement_end(statement);
    return code;
}

int sqlite_find_analytics(struct store *store, enum aggregate_step step, int64_t from_ns, int64_t *first_ns,
                          int64_t *last_ns, struct error *error)
{
    struct db *db;
    int code = read_begin(store, &db, error);
    if (code < 0)
        return code;
    code = run_find(db, step, from_ns, first_ns, last_ns, error);
    read_end(store, db);
    return code;
}

static int run_delete(struct db *db, enum aggregate_step step, int64_t older_than_ns, size_t limit,
                      struct error *error)
{
    static const char sql[] =
        "DELETE FROM analytics_data WHERE (step, series_id, start_ms) IN"
        " (SELECT d.step, d.series_id, d.start_ms FROM analytics_series s CROSS JOIN analytics_data d"
        " WHERE d.step = ?1 AND d.series_id = s.id AND d.start_ms < ?2 LIMIT ?3)";
    struct statement *statement;
    int code = db_statement(db, sql, &statement, error);
    if (code < 0)
        return code;
    bind_int(statement, 1, step);
    bind_bound(statement, 2, older_than_ns);
    bind_int(statement, 3, (int64_t)limit);
    code = statement_run(db, statement, error);
    return code < 0 ? code : (int)db_changes(db);
}

int sqlite_delete_analytics(struct store *store, enum aggregate_step step, int64_t older_than_ns,
                            size_t limit, struct error *error)
{
    struct db *db;
    int code = write_begin(store, &db, error);
    if (code < 0)
        return code;
    code = run_delete(db, step, older_than_ns, limit, error);
    return write_end(store, db, code, error);
}
