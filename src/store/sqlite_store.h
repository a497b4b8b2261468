/*
 * What the files of the SQLite store share: the store itself, how connections are lent, and the functions of
 * each table, as store.h describes them. One connection writes; up to READERS_MAX read. Both are waited for
 * no longer than the time limit.
 */
#ifndef SCI_STORE_SQLITE_STORE_H
#define SCI_STORE_SQLITE_STORE_H

#include "store/sqlite_db.h"
#include "store/store.h"

enum { READERS_MAX = 4 };

/* A connection with its deadline set. Give it back with read_end. */
int read_begin(struct store *store, struct db **db, struct error *error);
void read_end(struct store *store, struct db *db);
/* The same for writing, inside a transaction. `write_end` commits when `code` >= 0, else rolls back; returns
 * `code`, or the error of committing. */
int write_begin(struct store *store, struct db **db, struct error *error);
int write_end(struct store *store, struct db *db, int code, struct error *error);

/* Brings the schema up to `target` versions (at most migrations_newest()), each in a transaction of its own.
 * ERR_UNSUPPORTED when it is newer than this program. */
int migrations_apply(struct db *db, int target, struct error *error);
int migrations_newest(void);

int sqlite_write_analytics(struct store *store, const struct analytics_row *rows, size_t count,
                           struct error *error);
int sqlite_read_analytics(struct store *store, const struct analytics_query *query,
                          int (*row)(void *user, const struct analytics_row *row), void *user,
                          struct error *error);
int sqlite_roll_up(struct store *store, enum aggregate_step step, int64_t start_ns, struct error *error);
int sqlite_find_analytics(struct store *store, enum aggregate_step step, int64_t from_ns, int64_t *first_ns,
                          int64_t *last_ns, struct error *error);
int sqlite_delete_analytics(struct store *store, enum aggregate_step step, int64_t older_than_ns,
                            size_t limit, struct error *error);

int sqlite_write_alert_event(struct store *store, const struct alert_event *event, int64_t *seq,
                             struct error *error);
int sqlite_read_alerts(struct store *store, const struct alert_query *query,
                       int (*row)(void *user, const struct alert *alert, int64_t version), void *user,
                       struct error *error);
int sqlite_read_alert(struct store *store, const char *alert_id, struct alert *alert, int64_t *version,
                      struct error *error);
int sqlite_read_alert_events(struct store *store, int64_t after, size_t limit,
                             int (*row)(void *user, const struct alert_event *event), void *user,
                             struct error *error);
int sqlite_read_alert_history(struct store *store, const char *alert_id,
                              int (*row)(void *user, const struct alert_event *event), void *user,
                              struct error *error);
int sqlite_delete_alerts(struct store *store, int64_t resolved_before_ns, size_t limit, struct error *error);

int sqlite_put_key(struct store *store, const struct api_key *key, struct error *error);
int sqlite_find_key(struct store *store, const char *hash, struct api_key *key, struct error *error);
int sqlite_read_keys(struct store *store, int (*row)(void *user, const struct api_key *key), void *user,
                     struct error *error);
int sqlite_revoke_key(struct store *store, const char *name, int64_t now_ns, struct error *error);
int sqlite_put_session(struct store *store, const struct session_row *session, struct error *error);
int sqlite_find_session(struct store *store, const char *id_hash, int64_t now_ns, struct session_row *session,
                        struct error *error);
int sqlite_delete_session(struct store *store, const char *id_hash, struct error *error);
int sqlite_delete_sessions(struct store *store, int64_t expired_before_ns, size_t limit, struct error *error);

int sqlite_put_stream(struct store *store, const char *stream_id, const char *json, struct error *error);
int sqlite_delete_stream(struct store *store, const char *stream_id, struct error *error);
int sqlite_read_streams(struct store *store, int (*row)(void *user, const char *stream_id, const char *json),
                        void *user, struct error *error);
int sqlite_put_configuration(struct store *store, const char *key, const char *json, struct error *error);
int sqlite_get_configuration(struct store *store, const char *key, char **json, struct error *error);
int sqlite_write_system_metrics(struct store *store, const struct system_metric *metrics, size_t count,
                                struct error *error);
int sqlite_read_system_metrics(struct store *store, const char *name, int64_t from_ns, int64_t to_ns,
                               int (*row)(void *user, const struct system_metric *metric), void *user,
                               struct error *error);
int sqlite_delete_system_metrics(struct store *store, int64_t older_than_ns, size_t limit,
                                 struct error *error);

#endif
