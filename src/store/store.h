/*
 * store: what outlives a restart. The plug-point behind which SQLite (default) and PostgreSQL stand; one test
 * suite holds both to the same behaviour.
 *
 * Tables (row P1): streams, analytics_data, alerts, system_metrics, user_sessions, configuration; beside them
 * alert_events and schema_version. Times are wall-clock nanoseconds inside, milliseconds in the database.
 *
 * Threads: a `struct store` may be used from several threads; reads have connections of their own and do not
 * wait for the writer. Every call has a time limit (`set_time_limit`, at first STORE_TIME_LIMIT_NS):
 * ERR_TIMEOUT. A full disk is ERR_FULL; whatever was stored before stays. Writes of live data go through the
 * writer (store/writer.h), which batches; the calls here are synchronous, each one transaction.
 *
 * A `row` function is called within the time limit and while a connection is held: it copies what it needs
 * and returns 0. Any other value ends the read, which returns that value.
 */
#ifndef SCI_STORE_STORE_H
#define SCI_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "core/alert.h"
#include "core/measure.h"
#include "core/zone.h"

struct store; /* opaque */

#define STORE_TIME_LIMIT_NS (2 * NS_PER_S)

enum aggregate_step { STEP_1S = 1, STEP_1MIN = 60, STEP_1H = 3600, STEP_1D = 86400 };

/* One row of analytics_data: one measure of one place over one step. */
struct analytics_row {
    char stream_id[ID_SIZE];
    char zone_id[ID_SIZE]; /* zone or line; empty = the stream itself */
    enum measure_id measure;
    enum aggregate_step step;
    int64_t start_ns;      /* wall clock, a multiple of the step */
    double mean, min, max; /* NaN when never valid */
    double valid_share;    /* 0-1 of the step's samples */
    int64_t samples;
};

/* 0, or ERR_INVALID: what every store refuses to write. */
int analytics_row_check(const struct analytics_row *row, struct error *error);

struct analytics_query {
    const char *stream_id;
    const char *zone_id; /* NULL = every place, "" = the stream itself */
    int measure;         /* enum measure_id, or -1 = every */
    enum aggregate_step step;
    int64_t from_ns, to_ns; /* [from, to) */
    size_t limit;     /* rounded up so that rows of one start are never split: the cursor loses nothing */
    int64_t after_ns; /* cursor: rows that start later; 0 = from the beginning */
};

struct alert_query {
    int state;                /* enum alert_state or -1; STORE_OPEN = active or acknowledged */
    const char *stream_id;    /* NULL = every */
    int least_level;          /* enum alert_level, 0 = every */
    int64_t before_raised_ns; /* cursor: older than; 0 = newest first */
    const char *before_id;    /* ties of the cursor */
    size_t limit;
};
enum { STORE_OPEN = 100 };

enum role { ROLE_NONE, ROLE_VIEWER, ROLE_OPERATOR, ROLE_ADMIN };

struct api_key {
    char name[ID_SIZE]; /* unique among keys that are not revoked */
    enum role role;
    char hash[65];
    int64_t created_ns, revoked_ns; /* 0 = not */
};

struct session_row { /* user_sessions */
    char id_hash[65];
    char name[ID_SIZE]; /* who */
    enum role role;
    int64_t created_ns, expires_ns;
};

struct system_metric {
    int64_t time_ns;
    char name[64];
    double value;
};

struct store_kind {
    const char *name;
    /* Opens, migrates forward inside a transaction. A newer schema than ours is ERR_UNSUPPORTED with both
     * versions. */
    int (*open)(const char *where, struct store **store, struct error *error);
    void (*close)(struct store **store);

    /* Every later call may take so long. */
    void (*set_time_limit)(struct store *store, int64_t limit_ns);

    /* analytics_data: ERR_INVALID for a row that cannot be (no identifier, a start that is no multiple of the
     * step, a share outside 0-1, min > max); then nothing of the call is written. Replaces rows of the same
     * (stream, zone, measure, step, start): writing twice changes nothing. */
    int (*write_analytics)(struct store *store, const struct analytics_row *rows, size_t count,
                           struct error *error);
    /* Ascending by start, then place, then measure. */
    int (*read_analytics)(struct store *store, const struct analytics_query *query,
                          int (*row)(void *user, const struct analytics_row *row), void *user,
                          struct error *error);

    /* Makes the rows of `step` (1 min, 1 h, 1 day) that start at `start_ns` anew from the rows of the next
     * finer step; where there are none, what is stored stays. Means are weighted by valid samples. */
    int (*roll_up)(struct store *store, enum aggregate_step step, int64_t start_ns, struct error *error);
    /* Start of the first row of a step that starts at or after `from_ns`, and of the last one of all.
     * ERR_NOT_FOUND: none. */
    int (*find_analytics)(struct store *store, enum aggregate_step step, int64_t from_ns, int64_t *first_ns,
                          int64_t *last_ns, struct error *error);

    /* Applies an event (idempotent by alert_id and version) and gives it its number over all streams. */
    int (*write_alert_event)(struct store *store, const struct alert_event *event, int64_t *seq,
                             struct error *error);
    int (*read_alerts)(struct store *store, const struct alert_query *query,
                       int (*row)(void *user, const struct alert *alert, int64_t version), void *user,
                       struct error *error);
    int (*read_alert)(struct store *store, const char *alert_id, struct alert *alert, int64_t *version,
                      struct error *error);
    /* Events with seq > after, ascending. */
    int (*read_alert_events)(struct store *store, int64_t after, size_t limit,
                             int (*row)(void *user, const struct alert_event *event), void *user,
                             struct error *error);
    int (*read_alert_history)(struct store *store, const char *alert_id,
                              int (*row)(void *user, const struct alert_event *event), void *user,
                              struct error *error);

    /* streams made over the API, as JSON of stream_config_write_json with secrets */
    int (*put_stream)(struct store *store, const char *stream_id, const char *json, struct error *error);
    int (*delete_stream)(struct store *store, const char *stream_id, struct error *error); /* ERR_NOT_FOUND */
    int (*read_streams)(struct store *store, int (*row)(void *user, const char *stream_id, const char *json),
                        void *user, struct error *error);

    int (*put_key)(struct store *store, const struct api_key *key,
                   struct error *error); /* ERR_EXISTS by name */
    int (*find_key)(struct store *store, const char *hash, struct api_key *key,
                    struct error *error); /* not revoked; ERR_NOT_FOUND */
    int (*read_keys)(struct store *store, int (*row)(void *user, const struct api_key *key), void *user,
                     struct error *error);
    /* The sessions of that name end with it. ERR_NOT_FOUND. */
    int (*revoke_key)(struct store *store, const char *name, int64_t now_ns, struct error *error);

    int (*put_session)(struct store *store, const struct session_row *session, struct error *error);
    int (*find_session)(struct store *store, const char *id_hash, int64_t now_ns, struct session_row *session,
                        struct error *error);
    int (*delete_session)(struct store *store, const char *id_hash, struct error *error);

    int (*put_configuration)(struct store *store, const char *key, const char *json, struct error *error);
    int (*get_configuration)(struct store *store, const char *key, char **json,
                             struct error *error); /* caller frees */

    int (*write_system_metrics)(struct store *store, const struct system_metric *metrics, size_t count,
                                struct error *error);

    /* `name` over [from, to), ascending. */
    int (*read_system_metrics)(struct store *store, const char *name, int64_t from_ns, int64_t to_ns,
                               int (*row)(void *user, const struct system_metric *metric), void *user,
                               struct error *error);

    /* Deletes at most `limit` rows of one kind that are older than the bound; returns how many, so that the
     * caller goes on in small batches. */
    int (*delete_analytics)(struct store *store, enum aggregate_step step, int64_t older_than_ns,
                            size_t limit, struct error *error);
    int (*delete_alerts)(struct store *store, int64_t resolved_before_ns, size_t limit, struct error *error);
    int (*delete_sessions)(struct store *store, int64_t expired_before_ns, size_t limit, struct error *error);
    int (*delete_system_metrics)(struct store *store, int64_t older_than_ns, size_t limit,
                                 struct error *error);

    /* 0 when the store answers a trivial query. */
    int (*ping)(struct store *store, struct error *error);
};

extern const struct store_kind store_sqlite;

struct store_handle {
    const struct store_kind *kind;
    struct store *store;
};

const char *role_name(enum role role); /* "viewer", "operator", "admin", "none" */
int role_parse(const char *name, enum role *role);

#endif
