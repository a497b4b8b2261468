#include "store/sqlite_db.h"

#include <errno.h>
#include <math.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

enum { STATEMENTS_MAX = 64, STEPS_BETWEEN_LOOKS = 2000 };

struct db {
    sqlite3 *connection;
    char *path;
    int64_t deadline_ns;
    size_t statement_count;
    struct kept {
        const char *sql;
        sqlite3_stmt *statement;
    } kept[STATEMENTS_MAX];
};

static sqlite3_stmt *raw(struct statement *statement)
{
    return (sqlite3_stmt *)statement;
}

static int last_errno(sqlite3 *connection, int which_file)
{
    sqlite3_file *file = NULL;
    int reason = 0;
    if (sqlite3_file_control(connection, "main", which_file, &file) != SQLITE_OK || !file || !file->pMethods)
        return 0;
    (void)file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &reason);
    return reason;
}

static bool means_full(int reason)
{
    return reason == ENOSPC || reason == EDQUOT || reason == EFBIG;
}

/* SQLite knows ENOSPC; a quota or a limit of the file's size it calls a write error, and the file remembers
 * errno. */
static bool is_full(sqlite3 *connection, int result)
{
    if ((result & 0xff) == SQLITE_FULL)
        return true;
    return (result & 0xff) == SQLITE_IOERR &&
           (means_full(last_errno(connection, SQLITE_FCNTL_JOURNAL_POINTER)) ||
            means_full(last_errno(connection, SQLITE_FCNTL_FILE_POINTER)));
}

static int code_of(sqlite3 *connection, int result)
{
    if (is_full(connection, result))
        return ERR_FULL;
    switch (result & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_INTERRUPT:
        return ERR_TIMEOUT;
    case SQLITE_NOMEM:
        return ERR_NOMEM;
    case SQLITE_CONSTRAINT:
        return ERR_EXISTS;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERR_FORMAT;
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
        return ERR_INTERNAL;
    default:
        return ERR_IO;
    }
}

static int fail(struct db *db, int result, struct error *error)
{
    int code = code_of(db->connection, result);
    const char *why = code == ERR_FULL      ? "the disk is full"
                      : code == ERR_TIMEOUT ? "no answer within the time limit"
                                            : sqlite3_errmsg(db->connection);
    const char *then = code == ERR_FORMAT ? ": no database, or a damaged one; restore a backup" : "";
    return error_set(error, code, "store %s: %s%s", db->path, why, then);
}

static int on_busy(void *user, int tries)
{
    struct db *db = user;
    int64_t left = db->deadline_ns - clock_monotonic_ns();
    if (left <= 0)
        return 0;
    int64_t pause = (tries < 10 ? tries + 1 : 10) * NS_PER_MS;
    clock_sleep_ns(pause < left ? pause : left);
    return 1;
}

static int on_progress(void *user)
{
    struct db *db = user;
    return clock_monotonic_ns() >= db->deadline_ns;
}

/* synchronous FULL: what was committed survives a power cut too; an alert's journal forgets what the store
 * has. */
static int configure(struct db *db, enum db_mode mode, struct error *error)
{
    int result = sqlite3_busy_handler(db->connection, on_busy, db);
    if (result != SQLITE_OK)
        return fail(db, result, error);
    sqlite3_progress_handler(db->connection, STEPS_BETWEEN_LOOKS, on_progress, db);
    (void)sqlite3_extended_result_codes(db->connection, 1);
    if (mode == DB_READ)
        return db_run(db,
                      "PRAGMA query_only = ON; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;"
                      "PRAGMA cache_size = -512",
                      error);
    return db_run(db,
                  "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
                  "PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF; PRAGMA cache_size = -512;"
                  "PRAGMA journal_size_limit = 67108864",
                  error);
}

int db_open(const char *path, enum db_mode mode, struct db **db, struct error *error)
{
    *db = NULL;
    struct db *opened = calloc(1, sizeof *opened);
    if (!opened || !(opened->path = text_duplicate(path))) {
        free(opened);
        return error_nomem(error, "database connection");
    }
    opened->deadline_ns = clock_monotonic_ns() + 2 * NS_PER_S;
    int result = sqlite3_open_v2(path, &opened->connection,
                                 SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    int code = !opened->connection   ? error_nomem(error, "database connection")
               : result != SQLITE_OK ? fail(opened, result, error)
                                     : configure(opened, mode, error);
    if (code < 0) {
        db_close(&opened);
        return code;
    }
    *db = opened;
    return 0;
}

void db_close(struct db **db)
{
    struct db *closing = *db;
    if (!closing)
        return;
    *db = NULL;
    for (size_t i = 0; i < closing->statement_count; i++)
        sqlite3_finalize(closing->kept[i].statement);
    /* The last connection copies the log into the database: that may take longer than a question. */
    closing->deadline_ns = INT64_MAX;
    sqlite3_close(closing->connection);
    free(closing->path);
    free(closing);
}

void db_set_deadline(struct db *db, int64_t monotonic_ns)
{
    db->deadline_ns = monotonic_ns;
}

const char *db_path(const struct db *db)
{
    return db->path;
}

int db_run(struct db *db, const char *sql, struct error *error)
{
    int result = sqlite3_exec(db->connection, sql, NULL, NULL, NULL);
    return result == SQLITE_OK ? 0 : fail(db, result, error);
}

static int run_kept(struct db *db, const char *sql, struct error *error)
{
    struct statement *statement;
    int code = db_statement(db, sql, &statement, error);
    return code < 0 ? code : statement_run(db, statement, error);
}

int db_begin(struct db *db, struct error *error)
{
    static const char sql[] = "BEGIN IMMEDIATE";
    return run_kept(db, sql, error);
}

int db_commit(struct db *db, struct error *error)
{
    static const char sql[] = "COMMIT";
    return run_kept(db, sql, error);
}

void db_roll_back(struct db *db)
{
    static const char sql[] = "ROLLBACK";
    if (sqlite3_get_autocommit(db->connection))
        return; /* SQLite has done it already, as it does on a full disk */
    /* The deadline may be why: undoing must not fail for it. */
    int64_t deadline = db->deadline_ns;
    db->deadline_ns = INT64_MAX;
    (void)run_kept(db, sql, NULL);
    db->deadline_ns = deadline;
}

int64_t db_changes(struct db *db)
{
    return sqlite3_changes64(db->connection);
}

static sqlite3_stmt *find_kept(const struct db *db, const char *sql)
{
    for (size_t i = 0; i < db->statement_count; i++)
        if (db->kept[i].sql == sql)
            return db->kept[i].statement;
    return NULL;
}

int db_statement(struct db *db, const char *sql, struct statement **statement, struct error *error)
{
    sqlite3_stmt *found = find_kept(db, sql);
    if (!found) {
        if (db->statement_count == STATEMENTS_MAX)
            return error_set(error, ERR_INTERNAL, "store %s: more than %d kinds of statements", db->path,
                             STATEMENTS_MAX);
        int result = sqlite3_prepare_v3(db->connection, sql, -1, SQLITE_PREPARE_PERSISTENT, &found, NULL);
        if (result != SQLITE_OK)
            return fail(db, result, error);
        db->kept[db->statement_count++] = (struct kept){sql, found};
    }
    *statement = (struct statement *)found;
    return 0;
}

void statement_end(struct statement *statement)
{
    (void)sqlite3_reset(raw(statement)); /* repeats the error of the last step, which was reported */
    (void)sqlite3_clear_bindings(raw(statement));
}

int statement_step(struct db *db, struct statement *statement, struct error *error)
{
    int result = sqlite3_step(raw(statement));
    if (result == SQLITE_ROW)
        return 1;
    return result == SQLITE_DONE ? 0 : fail(db, result, error);
}

int statement_run(struct db *db, struct statement *statement, struct error *error)
{
    int code = statement_step(db, statement, error);
    statement_end(statement);
    return code < 0 ? code : 0;
}

void bind_text(struct statement *statement, int index, const char *text)
{
    (void)sqlite3_bind_text(raw(statement), index, text, -1, SQLITE_STATIC);
}

void bind_int(struct statement *statement, int index, int64_t value)
{
    (void)sqlite3_bind_int64(raw(statement), index, value);
}

void bind_real(struct statement *statement, int index, double value)
{
    if (isnan(value))
        (void)sqlite3_bind_null(raw(statement), index);
    else
        (void)sqlite3_bind_double(raw(statement), index, value);
}

void bind_time(struct statement *statement, int index, int64_t wall_ns)
{
    int64_t down = wall_ns % NS_PER_MS < 0 ? 1 : 0;
    bind_int(statement, index, wall_ns / NS_PER_MS - down);
}

void bind_bound(struct statement *statement, int index, int64_t wall_ns)
{
    int64_t up = wall_ns % NS_PER_MS > 0 ? 1 : 0;
    bind_int(statement, index, wall_ns / NS_PER_MS + up);
}

void bind_moment(struct statement *statement, int index, int64_t wall_ns)
{
    if (wall_ns == 0)
        (void)sqlite3_bind_null(raw(statement), index);
    else
        bind_time(statement, index, wall_ns);
}

int64_t column_int(struct statement *statement, int index)
{
    return sqlite3_column_int64(raw(statement), index);
}

double column_real(struct statement *statement, int index)
{
    return column_is_null(statement, index) ? NAN : sqlite3_column_double(raw(statement), index);
}

int64_t column_time(struct statement *statement, int index)
{
    int64_t ms = column_int(statement, index);
    return ms > INT64_MAX / NS_PER_MS || ms < INT64_MIN / NS_PER_MS ? 0 : ms * NS_PER_MS;
}

bool column_is_null(struct statement *statement, int index)
{
    return sqlite3_column_type(raw(statement), index) == SQLITE_NULL;
}

const char *column_text(struct statement *statement, int index)
{
    const unsigned char *text = sqlite3_column_text(raw(statement), index);
    return text ? (const char *)text : "";
}
