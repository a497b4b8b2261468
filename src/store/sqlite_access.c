/* Who may do what: API keys (as hashes) and sessions. */
#include <string.h>

#include "base/text.h"
#include "store/sqlite_store.h"

static enum role take_role(struct statement *statement, int index)
{
    enum role role;
    return role_parse(column_text(statement, index), &role) == 0 ? role : ROLE_NONE;
}

static int insert_key(struct db *db, const struct api_key *key, struct error *error)
{
    static const char sql[] =
        "INSERT INTO api_keys (name, role, hash, created_ms, revoked_ms) VALUES (?, ?, ?, ?, ?)";
    struct statement *statement;
    int code = db_statement(db, sql, &statement, error);
    if (code < 0)
        return code;
    bind_text(statement, 1, key->name);
    bind_text(statement, 2, role_name(key->role));
    bind_text(statement, 3, key->hash);
    bind_time(statement, 4, key->created_ns);
    bind_moment(statement, 5, key->revoked_ns);
    code = statement_run(db, statement, error);
    return code == ERR_EXISTS
               ? error_set(error, code, "key '%s': a key of that name exists already", key->name)
               : code;
}

int sqlite_put_key(struct store *store, const struct api_key *key, struct error *error)
{
    struct db *db;
    int code = write_begin(store, &db, error);
    if (code < 0)
        return code;
    code = insert_key(db, key, error);
    return write_end(store, db, code, error);
}

#define KEY_SELECT "SELECT name, role, hash, created_ms, revoked_ms FROM api_keys "

static void take_key(struct statement *statement, struct api_key *key)
{
    *key = (struct api_key){
        .role = take_role(statement, 1),
        .created_ns = column_time(statement, 3),
        .revoked_ns = column_time(statement, 4),
    };
    text_copy(key->name, sizeof key->name, column_text(statement, 0));
    text_copy(key->hash, sizeof key->hash, column_text(statement, 2));
}

int sqlite_find_key(struct store *store, const char *hash, struct api_key *key, struct error *error)
{
    static const char sql[] = KEY_SELECT "WHERE hash = ? AND revoked_ms IS NULL";
    struct db *db;
    int code = read_begin(store, &db, error);
    if (code < 0)
        return code;
    struct statement *statement;
    code = db_statement(db, sql, &statement, error);
    if (code == 0) {
        bind_text(statement, 1, hash);
        code = statement_step(db, statement, error);
        if (code > 0)
            take_key(statement, key);
        statement_end(statement);
        if (code == 0)
            code = error_set(error, ERR_NOT_FOUND, "no such key");
    }
    read_end(store, db);
    return code < 0 ? code : 0;
}

int sqlite_read_keys(struct store *store, int (*row)(void *user, const struct api_key *key), void *user,
                     struct error *error)
{
    static const char sql[] = KEY_SELECT "ORDER BY id";
    struct db *db;
    int code = read_begin(store, &db, error);
    if (code < 0)
        return code;
    struct statement *statement;
    int given = 0;
    code = db_statement(db, sql, &statement, error);
    if (code == 0) {
        while (given == 0 && (code = statement_step(db, statement, error)) > 0) {
            struct api_key key;
            take_key(statement, &key);
            given = row(user, &key);
        }
        statement_end(statement);
    }
    read_end(store, db);
    return code < 0 ? code : given;
}

static int end_sessions_of(struct db *db, const char *name, struct error *error)
{
    static const char sql[] = "DELETE FROM user_sessions WHERE name = ?";
    struct statement *statement;
    int code = db_statement(db, sql, &statement, error);
    if (code < 0)
        return code;
    bind_text(statement, 1, name);
    return statement_run(db, statement, error);
}

static int mark_revoked(struct db *db, const char *name, int64_t now_ns, struct error *error)
{
    static const char sql[] = "UPDATE api_keys SET revoked_ms = ? WHERE name = ? AND revoked_ms IS NULL";
    struct statement *statement;
    int code = db_statement(db, sql, &statement, error);
    if (code < 0)
        return code;
    bind_time(statement, 1, now_ns);
    bind_text(statement, 2, name);
    code = statement_run(db, statement, error);
    if (code == 0 && db_changes(db) == 0)
        code = error_set(error, ERR_NOT_FOUND, "key '%s': no such key, or revoked already", name);
    return code;
}

int sqlite_revoke_key(struct store *store, const char *name, int64_t now_ns, struct error *error)
{
    struct db *db;
    int code = write_begin(store, &db, error);
    if (code < 0)
        return code;
    code = mark_revoked(db, name, now_ns, error);
    if (code == 0)
        code = end_sessions_of(db, name, error);
    return write_end(store, db, code, error);
}

static int insert_session(struct db *db, const struct session_row *session, struct error *error)
{
    static const char sql[] =
        "INSERT OR REPLACE INTO user_sessions (id_hash, name, role, created_ms, expires_ms)"
        " VALUES (?, ?, ?, ?, ?)";
    struct statement *statement;
    int code = db_statement(db, sql, &statement, error);
    if (code < 0)
        return code;
    bind_text(statement, 1, session->id_hash);
    bind_text(statement, 2, session->name);
    bind_text(statement, 3, role_name(session->role));
    bind_time(statement, 4, session->created_ns);
    bind_time(statement, 5, session->expires_ns);
    return statement_run(db, statement, error);
}

int sqlite_put_session(struct store *store, const struct session_row *session, struct error *error)
{
    struct db *db;
    int code = write_begin(store, &db, error);
    if (code < 0)
        return code;
    code = insert_session(db, session, error);
    return write_end(store, db, code, error);
}

static void take_session(struct statement *statement, struct session_row *session)
{
    *session = (struct session_row){
        .role = take_role(statement, 2),
        .created_ns = column_time(statement, 3),
        .expires_ns = column_time(statement, 4),
    };
    text_copy(session->id_hash, sizeof session->id_hash, column_text(statement, 0));
    text_copy(session->name, sizeof session->name, column_text(statement, 1));
}

int sqlite_find_session(struct store *store, const char *id_hash, int64_t now_ns, struct session_row *session,
                        struct error *error)
{
    static const char sql[] = "SELECT id_hash, name, role, created_ms, expires_ms FROM user_sessions"
                              " WHERE id_hash = ? AND expires_ms > ?";
    struct db *db;
    int code = read_begin(store, &db, error);
    if (code < 0)
        return code;
    struct statement *statement;
    code = db_statement(db, sql, &statement, error);
    if (code == 0) {
        bind_text(statement, 1, id_hash);
        bind_time(statement, 2, now_ns);
        code = statement_step(db, statement, error);
        if (code > 0)
            take_session(statement, session);
        statement_end(statement);
        if (code == 0)
            code = error_set(error, ERR_NOT_FOUND, "no such session, or it has expired");
    }
    read_end(store, db);
    return code < 0 ? code : 0;
}

static int remove_session(struct db *db, const char *id_hash, struct error *error)
{
    static const char sql[] = "DELETE FROM user_sessions WHERE id_hash = ?";
    struct statement *statement;
    int code = db_statement(db, sql, &statement, error);
    if (code < 0)
        return code;
    bind_text(statement, 1, id_hash);
    code = statement_run(db, statement, error);
    if (code == 0 && db_changes(db) == 0)
        code = error_set(error, ERR_NOT_FOUND, "no such session");
    return code;
}

int sqlite_delete_session(struct store *store, const char *id_hash, struct error *error)
{
    struct db *db;
    int code = write_begin(store, &db, error);
    if (code < 0)
        return code;
    code = remove_session(db, id_hash, error);
    return write_end(store, db, code, error);
}

static int remove_expired(struct db *db, int64_t expired_before_ns, size_t limit, struct error *error)
{
    static const char sql[] = "DELETE FROM user_sessions WHERE id_hash IN"
                              " (SELECT id_hash FROM user_sessions WHERE expires_ms < ? LIMIT ?)";
    struct statement *statement;
    int code = db_statement(db, sql, &statement, error);
    if (code < 0)
        return code;
    bind_bound(statement, 1, expired_before_ns);
    bind_int(statement, 2, (int64_t)limit);
    code = statement_run(db, statement, error);
    return code < 0 ? code : (int)db_changes(db);
}

int sqlite_delete_sessions(struct store *store, int64_t expired_before_ns, size_t limit, struct error *error)
{
    struct db *db;
    int code = write_begin(store, &db, error);
    if (code < 0)
        return code;
    code = remove_expired(db, expired_before_ns, limit, error);
    return write_end(store, db, code, error);
}
