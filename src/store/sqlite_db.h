/*
 * One SQLite connection: the only place that knows the library. Statements are prepared once per connection
 * and kept; every step keeps to the connection's deadline, whether it computes (progress handler) or waits
 * for a lock (busy handler).
 *
 * A statement belongs to its connection. Between `db_statement` and `statement_end` it is in use: the same
 * SQL must not be asked for again. Not thread-safe: a connection is used by one thread at a time
 * (store/sqlite.c lends them).
 *
 * Errors: ERR_TIMEOUT (deadline, or locked for so long), ERR_FULL (disk, quota or file size limit),
 * ERR_EXISTS (unique constraint), ERR_FORMAT (not a database, damaged), ERR_NOMEM, ERR_IO.
 */
#ifndef SCI_STORE_SQLITE_DB_H
#define SCI_STORE_SQLITE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct db;        /* opaque */
struct statement; /* opaque */

enum db_mode { DB_READ, DB_WRITE };

/* The file must exist. *db stays NULL on failure. */
int db_open(const char *path, enum db_mode mode, struct db **db, struct error *error);
void db_close(struct db **db);
void db_set_deadline(struct db *db, int64_t monotonic_ns);
const char *db_path(const struct db *db);

/* Runs statements that give no rows and take no arguments. */
int db_run(struct db *db, const char *sql, struct error *error);
/* Takes the write lock at once. */
int db_begin(struct db *db, struct error *error);
int db_commit(struct db *db, struct error *error);
void db_roll_back(struct db *db);
int64_t db_changes(struct db *db); /* rows of the last INSERT, UPDATE or DELETE */

/* `sql` is static text: its address is the key under which the statement is kept. */
int db_statement(struct db *db, const char *sql, struct statement **statement, struct error *error);
void statement_end(struct statement *statement);
/* 1: a row stands; 0: done; negative: failed. */
int statement_step(struct db *db, struct statement *statement, struct error *error);
/* Steps a statement that gives no rows, and ends it. */
int statement_run(struct db *db, struct statement *statement, struct error *error);

/* Arguments count from 1; texts are lent until `statement_end`, so binding allocates nothing and cannot fail.
 */
void bind_text(struct statement *statement, int index, const char *text); /* NULL is NULL */
void bind_int(struct statement *statement, int index, int64_t value);
void bind_real(struct statement *statement, int index, double value);      /* NaN is NULL */
void bind_time(struct statement *statement, int index, int64_t wall_ns);   /* milliseconds, rounded down */
void bind_moment(struct statement *statement, int index, int64_t wall_ns); /* likewise, 0 is NULL */
void bind_bound(struct statement *statement, int index,
                int64_t wall_ns); /* milliseconds, rounded up: for >= and < */

/* Columns count from 0. */
int64_t column_int(struct statement *statement, int index);
double column_real(struct statement *statement, int index);  /* NULL is NaN */
int64_t column_time(struct statement *statement, int index); /* nanoseconds; NULL is 0 */
bool column_is_null(struct statement *statement, int index);
const char *column_text(struct statement *statement, int index); /* NULL is ""; valid until the next step */

#endif
