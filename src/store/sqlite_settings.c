/* Small tables: streams made over the API, configuration, and the system's own figures. */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "store/sqlite_store.h"

/* `sql` stores a pair of texts and the time of it. */
static int put_pair(struct store *store, const char *sql, const char *key, const char *json,
                    struct error *error)
{
    struct db *db;
    int code = write_begin(store, &db, error);
    if (code < 0)
        return code;
    struct statement *statement;
    code = db_statement(db, sql, &statement, error);
    if (code == 0) {
        bind_text(statement, 1, key);
        bind_text(statement, 2, json);
        bind_time(statement, 3, clock_wall_ns());
        code = statement_run(db, statement, error);
    }
    return write_end(store, db, code, error);
}

int sqlite_put_stream(struct store *store, const char *stream_id, const char *json, struct error *error)
{
    static const char sql[] = "INSERT OR REPLACE INTO streams (stream_id, json, updated_ms) VALUES (?, ?, ?)";
    return put_pair(store, sql, stream_id, json, error);
}

static int remove_stream(struct db *db, const char *stream_id, struct error *error)
{
    static const char sql[] = "DELETE FROM streams WHERE stream_id = ?";
    struct statement *statement;
    int code = db_statement(db, sql, &statement, error);
    if (code < 0)
        return code;
    bind_text(statement, 1, stream_id);
    code = statement_run(db, statement, error);
    if (code == 0 && db_changes(db) == 0)
        code = error_set(error, ERR_NOT_FOUND, "stream '%s': not in the store", stream_id);
    return code;
}

int sqlite_delete_stream(struct store *store, const char *stream_id, struct error *error)
{
    struct db *db;
    int code = write_begin(store, &db, error);
    if (code < 0)
        return code;
    code = remove_stream(db, stream_id, error);
    return write_end(store, db, code, error);
}

int sqlite_read_streams(struct store *store, int (*row)(void *user, const char *stream_id, const char *json),
                        void *user, struct error *error)
{
    static const char sql[] = "SELECT stream_id, json FROM streams ORDER BY stream_id";
    struct db *db;
    int code = read_begin(store, &db, error);
    if (code < 0)
        return code;
    struct statement *statement;
    int given = 0;
    code = db_statement(db, sql, &statement, error);
    if (code == 0) {
        while (given == 0 && (code = statement_step(db, statement, error)) > 0)
            given = row(user, column_text(statement, 0), column_text(statement, 1));
        statement_end(statement);
    }
    read_end(store, db);
    return code < 0 ? code : given;
}

int sqlite_put_configuration(struct store *store, const char *key, const char *json, struct error *error)
{
    static const char sql[] = "INSERT OR REPLACE INTO configuration (key, json, updated_ms) VALUES (?, ?, ?)";
    return put_pair(store, sql, key, json, error);
}

int sqlite_get_configuration(struct store *store, const char *key, char **json, struct error *error)
{
    static const char sql[] = "SELECT json FROM configuration WHERE key = ?";
    *json = NULL;
    struct db *db;
    int code = read_begin(store, &db, error);
    if (code < 0)
        return code;
    struct statement *statement;
    code = db_statement(db, sql, &statement, error);
    if (code == 0) {
        bind_text(statement, 1, key);
        code = statement_step(db, statement, error);
        if (code == 0)
            code = error_set(error, ERR_NOT_FOUND, "configuration '%s': not in the store", key);
        else if (code > 0 && !(*json = text_duplicate(column_text(statement, 0))))
            code = error_nomem(error, "configuration");
        statement_end(statement);
    }
    read_end(store, db);
    return code < 0 ? code : 0;
}

static int put_metric(struct db *db, const struct system_metric *metric, struct error *error)
{
    static const char sql[] = "INSERT OR REPLACE INTO system_metrics (name, time_ms, value) VALUES (?, ?, ?)";
    struct statement *statement;
    int code = db_statement(db, sql, &statement, error);
    if (code < 0)
        return code;
    bind_text(statement, 1, metric->name);
    bind_time(statement, 2, metric->time_ns);
    bind_real(statement, 3, metric->value);
    return statement_run(db, statement, error);
}

int sqlite_write_system_metrics(struct store *store, const struct system_metric *metrics, size_t count,
                                struct error *error)
{
    struct db *db;
    int code = write_begin(store, &db, error);
    if (code < 0)
        return code;
    for (size_t i = 0; i < count && code == 0; i++)
        code = put_metric(db, &metrics[i], error);
    return write_end(store, db, code, error);
}

int sqlite_read_system_metrics(struct store *store, const char *name, int64_t from_ns, int64_t to_ns,
                               int (*row)(void *user, const struct system_metric *metric), void *user,
                               struct error *error)
{
    static const char sql[] = "SELECT time_ms, value FROM system_metrics"
                              " WHERE name = ? AND time_ms >= ? AND time_ms < ? ORDER BY time_ms";
    struct db *db;
    int code = read_begin(store, &db, error);
    if (code < 0)
        return code;
    struct statement *statement;
    int given = 0;
    code = db_statement(db, sql, &statement, error);
    if (code == 0) {
        bind_text(statement, 1, name);
        bind_bound(statement, 2, from_ns);
        bind_bound(statement, 3, to_ns);
        while (given == 0 && (code = statement_step(db, statement, error)) > 0) {
            struct system_metric metric = {.time_ns = column_time(statement, 0),
                                           .value = column_real(statement, 1)};
            text_copy(metric.name, sizeof metric.name, name);
            given = row(user, &metric);
        }
        statement_end(statement);
    }
    read_end(store, db);
    return code < 0 ? code : given;
}

static int remove_metrics(struct db *db, int64_t older_than_ns, size_t limit, struct error *error)
{
    static const char sql[] = "DELETE FROM system_metrics WHERE (name, time_ms) IN"
                              " (SELECT name, time_ms FROM system_metrics WHERE time_ms < ? LIMIT ?)";
    struct statement *statement;
    int code = db_statement(db, sql, &statement, error);
    if (code < 0)
        return code;
    bind_bound(statement, 1, older_than_ns);
    bind_int(statement, 2, (int64_t)limit);
    code = statement_run(db, statement, error);
    return code < 0 ? code : (int)db_changes(db);
}

int sqlite_delete_system_metrics(struct store *store, int64_t older_than_ns, size_t limit,
                                 struct error *error)
{
    struct db *db;
    int code = write_begin(store, &db, error);
    if (code < 0)
        return code;
    code = remove_metrics(db, older_than_ns, limit, error);
    return write_end(store, db, code, error);
}
