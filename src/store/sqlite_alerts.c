/*
 * alerts (each as it stands) and alert_events (each change, numbered over all streams). Both hold a whole
 * alert, in the same columns: one list of names, one function that binds them and one that reads them.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "store/sqlite_store.h"

#define ALERT_COLUMNS                                                                                        \
    "rule_id, stream_id, zone_id, measure, is_test, level, peak_level, state, blind, value, threshold,"      \
    "raised_ms, updated_ms, acknowledged_ms, acknowledged_by, resolved_ms, resolved_by,"                     \
    "resolved_reason, comment, message, action, picture"
#define ALERT_MARKS "?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?"

static void bind_alert(struct statement *s, int i, const struct alert *alert)
{
    bind_text(s, i++, alert->rule_id);
    bind_text(s, i++, alert->stream_id);
    bind_text(s, i++, alert->zone_id);
    bind_text(s, i++, measure_info(alert->measure)->name);
    bind_int(s, i++, alert->is_test);
    bind_int(s, i++, alert->level);
    bind_int(s, i++, alert->peak_level);
    bind_text(s, i++, alert_state_name(alert->state));
    bind_int(s, i++, alert->blind);
    bind_real(s, i++, alert->value);
    bind_real(s, i++, alert->threshold);
    bind_time(s, i++, alert->raised_ns);
    bind_time(s, i++, alert->updated_ns);
    bind_moment(s, i++, alert->acknowledged_ns);
    bind_text(s, i++, alert->acknowledged_by);
    bind_moment(s, i++, alert->resolved_ns);
    bind_text(s, i++, alert->resolved_by);
    bind_text(s, i++, alert->resolved_reason);
    bind_text(s, i++, alert->comment);
    bind_text(s, i++, alert->message);
    bind_text(s, i++, alert->action);
    bind_text(s, i, alert->picture);
}

static void take_text(struct statement *s, int index, char *out, size_t size)
{
    text_copy(out, size, column_text(s, index));
}

static enum alert_level take_level(struct statement *s, int index)
{
    int64_t level = column_int(s, index);
    return level > LEVEL_NONE && level < LEVEL_COUNT ? (enum alert_level)level : LEVEL_NONE;
}

static void take_names(struct statement *s, int i, struct alert *alert)
{
    take_text(s, i, alert->rule_id, sizeof alert->rule_id);
    take_text(s, i + 1, alert->stream_id, sizeof alert->stream_id);
    take_text(s, i + 2, alert->zone_id, sizeof alert->zone_id);
    const struct measure_info *info = measure_find(column_text(s, i + 3));
    alert->measure = info ? info->id : MEASURE_PEOPLE;
    alert->is_test = column_int(s, i + 4) != 0;
    alert->level = take_level(s, i + 5);
    alert->peak_level = take_level(s, i + 6);
    if (alert_state_parse(column_text(s, i + 7), &alert->state) < 0)
        alert->state = ALERT_ACTIVE;
    alert->blind = column_int(s, i + 8) != 0;
}

static void take_alert(struct statement *s, int i, struct alert *alert)
{
    take_names(s, i, alert);
    alert->value = column_real(s, i + 9);
    alert->threshold = column_real(s, i + 10);
    alert->raised_ns = column_time(s, i + 11);
    alert->updated_ns = column_time(s, i + 12);
    alert->acknowledged_ns = column_time(s, i + 13);
    take_text(s, i + 14, alert->acknowledged_by, sizeof alert->acknowledged_by);
    alert->resolved_ns = column_time(s, i + 15);
    take_text(s, i + 16, alert->resolved_by, sizeof alert->resolved_by);
    take_text(s, i + 17, alert->resolved_reason, sizeof alert->resolved_reason);
    take_text(s, i + 18, alert->comment, sizeof alert->comment);
    take_text(s, i + 19, alert->message, sizeof alert->message);
    take_text(s, i + 20, alert->action, sizeof alert->action);
    take_text(s, i + 21, alert->picture, sizeof alert->picture);
}

/* An event that comes again changes nothing, and takes no number: OR IGNORE alone would count it, and clients
 * would miss one. */
static int put_event(struct db *db, const struct alert_event *event, struct error *error)
{
    static const char sql[] =
        "INSERT OR IGNORE INTO alert_events (alert_id, version, kind, who," ALERT_COLUMNS
        ") SELECT ?,?,?,?," ALERT_MARKS
        " WHERE NOT EXISTS (SELECT 1 FROM alert_events WHERE alert_id = ?1 AND version = ?2)";
    struct statement *statement;
    int code = db_statement(db, sql, &statement, error);
    if (code < 0)
        return code;
    bind_text(statement, 1, event->alert.alert_id);
    bind_int(statement, 2, event->version);
    bind_text(statement, 3, alert_event_kind_name(event->kind));
    bind_text(statement, 4, event->who);
    bind_alert(statement, 5, &event->alert);
    return statement_run(db, statement, error);
}

/* A later version holds all of the earlier ones, so only a later one replaces. */
static int put_alert(struct db *db, const struct alert_event *event, struct error *error)
{
    static const char sql[] =
        "INSERT OR REPLACE INTO alerts (alert_id, version," ALERT_COLUMNS ") SELECT ?,?," ALERT_MARKS
        " WHERE NOT EXISTS (SELECT 1 FROM alerts WHERE alert_id = ?1 AND version >= ?2)";
    struct statement *statement;
    int code = db_statement(db, sql, &statement, error);
    if (code < 0)
        return code;
    bind_text(statement, 1, event->alert.alert_id);
    bind_int(statement, 2, event->version);
    bind_alert(statement, 3, &event->alert);
    return statement_run(db, statement, error);
}

static int find_seq(struct db *db, const struct alert_event *event, int64_t *seq, struct error *error)
{
    static const char sql[] = "SELECT seq FROM alert_events WHERE alert_id = ? AND version = ?";
    struct statement *statement;
    int code = db_statement(db, sql, &statement, error);
    if (code < 0)
        return code;
    bind_text(statement, 1, event->alert.alert_id);
    bind_int(statement, 2, event->version);
    code = statement_step(db, statement, error);
    if (code > 0)
        *seq = column_int(statement, 0);
    statement_end(statement);
    return code < 0 ? code : 0;
}

int sqlite_write_alert_event(struct store *store, const struct alert_event *event, int64_t *seq,
                             struct error *error)
{
    if (event->alert.alert_id[0] == '\0' || event->version < 1)
        return error_set(error, ERR_INVALID, "alert event without alert_id or version");
    struct db *db;
    int code = write_begin(store, &db, error);
    if (code < 0)
        return code;
    code = put_event(db, event, error);
    if (code == 0)
        code = put_alert(db, event, error);
    if (code == 0)
        code = find_seq(db, event, seq, error);
    return write_end(store, db, code, error);
}

struct alert_reader {
    int (*row)(void *user, const struct alert *alert, int64_t version);
    void *user;
};

static int give_alerts(struct db *db, struct statement *statement, const struct alert_reader *reader,
                       struct error *error)
{
    int code = 0, given = 0;
    while (given == 0 && (code = statement_step(db, statement, error)) > 0) {
        struct alert alert = {0};
        take_text(statement, 0, alert.alert_id, sizeof alert.alert_id);
        take_alert(statement, 2, &alert);
        given = reader->row(reader->user, &alert, column_int(statement, 1));
    }
    statement_end(statement);
    return code < 0 ? code : given;
}

/* Newest first. The cursor is the pair (raised, alert_id) of the last alert seen. A text for each
 * combination, so that each walks the index that fits. */
#define ALERTS_SELECT(STATE, STREAM)                                                                         \
    "SELECT alert_id, version," ALERT_COLUMNS " FROM alerts WHERE " STATE " AND " STREAM                     \
    " AND level >= ?3 AND (?4 IS NULL OR (raised_ms, alert_id) < (?4, ?5))"                                  \
    " ORDER BY raised_ms DESC, alert_id DESC LIMIT ?6"
#define ANY_STATE "(?1 IS NULL OR state = ?1)"
#define OPEN_STATE "state <> 'resolved' AND ?1 IS NULL"
#define ANY_STREAM "?2 IS NULL"
#define ONE_STREAM "stream_id = ?2"

static const char *alerts_sql(const struct alert_query *query)
{
    static const char any[] = ALERTS_SELECT(ANY_STATE, ANY_STREAM);
    static const char any_of_stream[] = ALERTS_SELECT(ANY_STATE, ONE_STREAM);
    static const char open[] = ALERTS_SELECT(OPEN_STATE, ANY_STREAM);
    static const char open_of_stream[] = ALERTS_SELECT(OPEN_STATE, ONE_STREAM);
    if (query->state == STORE_OPEN)
        return query->stream_id ? open_of_stream : open;
    return query->stream_id ? any_of_stream : any;
}

static void bind_query(struct statement *statement, const struct alert_query *query)
{
    bool one_state = query->state >= 0 && query->state != STORE_OPEN;
    bind_text(statement, 1, one_state ? alert_state_name((enum alert_state)query->state) : NULL);
    bind_text(statement, 2, query->stream_id);
    bind_int(statement, 3, query->least_level);
    bind_moment(statement, 4, query->before_raised_ns);
    bind_text(statement, 5, query->before_id ? query->before_id : "");
    bind_int(statement, 6, (int64_t)query->limit);
}

int sqlite_read_alerts(struct store *store, const struct alert_query *query,
                       int (*row)(void *user, const struct alert *alert, int64_t version), void *user,
                       struct error *error)
{
    struct db *db;
    int code = read_begin(store, &db, error);
    if (code < 0)
        return code;
    struct statement *statement;
    code = db_statement(db, alerts_sql(query), &statement, error);
    if (code == 0) {
        bind_query(statement, query);
        code = give_alerts(db, statement, &(struct alert_reader){row, user}, error);
    }
    read_end(store, db);
    return code;
}

struct one_alert {
    struct alert *alert;
    int64_t version;
};

static int keep_alert(void *user, const struct alert *alert, int64_t version)
{
    struct one_alert *one = user;
    *one->alert = *alert;
    one->version = version;
    return 0;
}

int sqlite_read_alert(struct store *store, const char *alert_id, struct alert *alert, int64_t *version,
                      struct error *error)
{
    static const char sql[] = "SELECT alert_id, version," ALERT_COLUMNS " FROM alerts WHERE alert_id = ?";
    struct db *db;
    int code = read_begin(store, &db, error);
    if (code < 0)
        return code;
    struct one_alert one = {.alert = alert};
    struct statement *statement;
    code = db_statement(db, sql, &statement, error);
    if (code == 0) {
        bind_text(statement, 1, alert_id);
        code = give_alerts(db, statement, &(struct alert_reader){keep_alert, &one}, error);
    }
    read_end(store, db);
    if (code == 0 && one.version == 0)
        return error_set(error, ERR_NOT_FOUND, "alert '%s': no such alert", alert_id);
    if (code == 0 && version)
        *version = one.version;
    return code;
}

static enum alert_event_kind parse_kind(const char *name)
{
    for (int kind = ALERT_RAISED; kind < ALERT_COMMENTED; kind++)
        if (strcmp(alert_event_kind_name((enum alert_event_kind)kind), name) == 0)
            return (enum alert_event_kind)kind;
    return ALERT_COMMENTED;
}

struct event_reader {
    int (*row)(void *user, const struct alert_event *event);
    void *user;
};

static int give_events(struct db *db, struct statement *statement, const struct event_reader *reader,
                       struct error *error)
{
    int code = 0, given = 0;
    while (given == 0 && (code = statement_step(db, statement, error)) > 0) {
        struct alert_event event = {
            .seq = column_int(statement, 0),
            .version = column_int(statement, 2),
            .kind = parse_kind(column_text(statement, 3)),
        };
        take_text(statement, 1, event.alert.alert_id, sizeof event.alert.alert_id);
        take_text(statement, 4, event.who, sizeof event.who);
        take_alert(statement, 5, &event.alert);
        given = reader->row(reader->user, &event);
    }
    statement_end(statement);
    return code < 0 ? code : given;
}

#define EVENTS_SELECT "SELECT seq, alert_id, version, kind, who," ALERT_COLUMNS " FROM alert_events WHERE "

int sqlite_read_alert_events(struct store *store, int64_t after, size_t limit,
                             int (*row)(void *user, const struct alert_event *event), void *user,
                             struct error *error)
{
    static const char sql[] = EVENTS_SELECT "seq > ? ORDER BY seq LIMIT ?";
    struct db *db;
    int code = read_begin(store, &db, error);
    if (code < 0)
        return code;
    struct statement *statement;
    code = db_statement(db, sql, &statement, error);
    if (code == 0) {
        bind_int(statement, 1, after);
        bind_int(statement, 2, (int64_t)limit);
        code = give_events(db, statement, &(struct event_reader){row, user}, error);
    }
    read_end(store, db);
    return code;
}

int sqlite_read_alert_history(struct store *store, const char *alert_id,
                              int (*row)(void *user, const struct alert_event *event), void *user,
                              struct error *error)
{
    static const char sql[] = EVENTS_SELECT "alert_id = ? ORDER BY version";
    struct db *db;
    int code = read_begin(store, &db, error);
    if (code < 0)
        return code;
    struct statement *statement;
    code = db_statement(db, sql, &statement, error);
    if (code == 0) {
        bind_text(statement, 1, alert_id);
        code = give_events(db, statement, &(struct event_reader){row, user}, error);
    }
    read_end(store, db);
    return code;
}

#define OLD_ALERTS                                                                                           \
    "(SELECT alert_id FROM alerts WHERE state = 'resolved' AND resolved_ms < ?1 ORDER BY resolved_ms, "      \
    "alert_id"                                                                                               \
    " LIMIT ?2)"

static int delete_old(struct db *db, const char *sql, int64_t resolved_before_ns, size_t limit,
                      struct error *error)
{
    struct statement *statement;
    int code = db_statement(db, sql, &statement, error);
    if (code < 0)
        return code;
    bind_bound(statement, 1, resolved_before_ns);
    bind_int(statement, 2, (int64_t)limit);
    code = statement_run(db, statement, error);
    return code < 0 ? code : (int)db_changes(db);
}

int sqlite_delete_alerts(struct store *store, int64_t resolved_before_ns, size_t limit, struct error *error)
{
    static const char events[] = "DELETE FROM alert_events WHERE alert_id IN " OLD_ALERTS;
    static const char alerts[] = "DELETE FROM alerts WHERE alert_id IN " OLD_ALERTS;
    struct db *db;
    int code = write_begin(store, &db, error);
    if (code < 0)
        return code;
    code = delete_old(db, events, resolved_before_ns, limit, error);
    if (code >= 0)
        code = delete_old(db, alerts, resolved_before_ns, limit, error);
    return write_end(store, db, code, error);
}
