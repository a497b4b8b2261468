/*
 * The schema of the SQLite store and how it came to be: a list of steps, each applied once, in a transaction
 * of its own together with the row of schema_version that says so. A step that has been released is never
 * changed: a new one is added.
 *
 * Conventions: times are wall-clock milliseconds since 1970 UTC, NULL for what has not happened; names
 * (measures, states, roles) are stored as text, so that an enum may be reordered; an alert's level is 1-4 so
 * that it can be compared. analytics_data is by far the largest: its rows carry the number of a series
 * (stream, place, measure) in place of three texts, and are kept in the order in which charts read them. The
 * view `analytics` puts the names back for people.
 */
#include "store/sqlite_store.h"

struct migration {
    const char *what;
    const char *sql;
};

/* The columns of one alert as it stands, in alerts and in alert_events. */
#define ALERT_SCHEMA                                                                                         \
    "rule_id TEXT NOT NULL, stream_id TEXT NOT NULL, zone_id TEXT NOT NULL, measure TEXT NOT NULL,"          \
    "is_test INTEGER NOT NULL, level INTEGER NOT NULL, peak_level INTEGER NOT NULL,"                         \
    "state TEXT NOT NULL, blind INTEGER NOT NULL, value REAL, threshold REAL,"                               \
    "raised_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL, acknowledged_ms INTEGER,"                      \
    "acknowledged_by TEXT NOT NULL, resolved_ms INTEGER, resolved_by TEXT NOT NULL,"                         \
    "resolved_reason TEXT NOT NULL, comment TEXT NOT NULL, message TEXT NOT NULL, action TEXT NOT NULL,"     \
    "picture TEXT NOT NULL"

static const struct migration migrations[] = {
    {"streams, configuration, access",
     "CREATE TABLE streams (stream_id TEXT PRIMARY KEY NOT NULL, json TEXT NOT NULL,"
     " updated_ms INTEGER NOT NULL) WITHOUT ROWID;"
     "CREATE TABLE configuration (key TEXT PRIMARY KEY NOT NULL, json TEXT NOT NULL,"
     " updated_ms INTEGER NOT NULL) WITHOUT ROWID;"
     "CREATE TABLE api_keys (id INTEGER PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL,"
     " hash TEXT NOT NULL UNIQUE, created_ms INTEGER NOT NULL, revoked_ms INTEGER);"
     "CREATE UNIQUE INDEX api_keys_name ON api_keys (name) WHERE revoked_ms IS NULL;"
     "CREATE TABLE user_sessions (id_hash TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL, role TEXT NOT NULL,"
     " created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL) WITHOUT ROWID;"
     "CREATE INDEX user_sessions_expiry ON user_sessions (expires_ms);"},
    {"analytics, system metrics",
     "CREATE TABLE analytics_series (id INTEGER PRIMARY KEY, stream_id TEXT NOT NULL,"
     " zone_id TEXT NOT NULL, measure TEXT NOT NULL, UNIQUE (stream_id, zone_id, measure));"
     "CREATE TABLE analytics_data (step INTEGER NOT NULL, series_id INTEGER NOT NULL,"
     " start_ms INTEGER NOT NULL, mean REAL, min REAL, max REAL, valid_share REAL NOT NULL,"
     " samples INTEGER NOT NULL, PRIMARY KEY (step, series_id, start_ms)) WITHOUT ROWID;"
     "CREATE VIEW analytics AS SELECT stream_id, zone_id, measure, step AS step_s, start_ms,"
     " mean, min, max, valid_share, samples FROM analytics_data JOIN analytics_series ON id = series_id;"
     "CREATE TABLE system_metrics (name TEXT NOT NULL, time_ms INTEGER NOT NULL, value REAL,"
     " PRIMARY KEY (name, time_ms)) WITHOUT ROWID;"
     "CREATE INDEX system_metrics_time ON system_metrics (time_ms);"},
    {"alerts",
     "CREATE TABLE alerts (alert_id TEXT PRIMARY KEY NOT NULL, version INTEGER NOT NULL," ALERT_SCHEMA
     ") WITHOUT ROWID;"
     "CREATE INDEX alerts_raised ON alerts (raised_ms, alert_id);"
     "CREATE INDEX alerts_stream ON alerts (stream_id, raised_ms, alert_id);"
     "CREATE INDEX alerts_open ON alerts (raised_ms, alert_id) WHERE state <> 'resolved';"
     "CREATE INDEX alerts_resolved ON alerts (resolved_ms) WHERE state = 'resolved';"
     "CREATE TABLE alert_events (seq INTEGER PRIMARY KEY AUTOINCREMENT, alert_id TEXT NOT NULL,"
     " version INTEGER NOT NULL, kind TEXT NOT NULL, who TEXT NOT NULL," ALERT_SCHEMA
     ", UNIQUE (alert_id, version));"},
};

int migrations_newest(void)
{
    return (int)(sizeof migrations / sizeof migrations[0]);
}

static int read_version(struct db *db, int64_t *version, struct error *error)
{
    static const char sql[] = "SELECT COALESCE(MAX(version), 0) FROM schema_version";
    struct statement *statement;
    int code = db_statement(db, sql, &statement, error);
    if (code < 0)
        return code;
    code = statement_step(db, statement, error);
    *version = code > 0 ? column_int(statement, 0) : 0;
    statement_end(statement);
    return code < 0 ? code : 0;
}

static int record_version(struct db *db, int version, const char *what, struct error *error)
{
    static const char sql[] = "INSERT INTO schema_version (version, what, applied_ms) VALUES (?, ?, ?)";
    struct statement *statement;
    int code = db_statement(db, sql, &statement, error);
    if (code < 0)
        return code;
    bind_int(statement, 1, version);
    bind_text(statement, 2, what);
    bind_time(statement, 3, clock_wall_ns());
    return statement_run(db, statement, error);
}

/* Inside a transaction, so that of two processes that start at once one migrates and the other finds it done.
 */
static int apply_next(struct db *db, int target, int64_t *version, struct error *error)
{
    int code = read_version(db, version, error);
    if (code < 0)
        return code;
    if (*version > migrations_newest())
        return error_set(error, ERR_UNSUPPORTED,
                         "store %s: its schema is version %lld, this program knows versions up to %d; "
                         "use a newer sci, or restore a backup",
                         db_path(db), (long long)*version, migrations_newest());
    if (*version >= target)
        return 0;
    const struct migration *next = &migrations[*version];
    ++*version;
    code = db_run(db, next->sql, error);
    if (code == 0)
        code = record_version(db, (int)*version, next->what, error);
    return code < 0 ? error_prefix(error, "schema version %lld (%s)", (long long)*version, next->what) : 0;
}

static int in_transaction(struct db *db, int target, int64_t *version, struct error *error)
{
    int code = db_begin(db, error);
    if (code < 0)
        return code;
    code = apply_next(db, target, version, error);
    if (code == 0)
        code = db_commit(db, error);
    if (code < 0)
        db_roll_back(db);
    return code;
}

int migrations_apply(struct db *db, int target, struct error *error)
{
    int code = db_run(db,
                      "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY,"
                      " what TEXT NOT NULL, applied_ms INTEGER NOT NULL)",
                      error);
    int64_t version = -1;
    while (code == 0 && version < target)
        code = in_transaction(db, target, &version, error);
    return code;
}
