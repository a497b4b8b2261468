/*
 * The SQLite store: one file, write-ahead log, a connection that writes and a few that read. Readers see the
 * last commit and never wait for the writer; the writer waits for nobody in this process but another write.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "store/sqlite_store.h"

struct store {
    char *path;
    pthread_mutex_t mutex; /* of all below */
    pthread_cond_t freed;
    int64_t limit_ns;
    struct db *writer;
    bool writing;
    size_t reader_count; /* opened, lent or idle */
    size_t idle_count;
    struct db *idle[READERS_MAX];
};

/* Waits for a lent connection to come back; false when the deadline has passed. */
static bool wait_freed(struct store *store, int64_t deadline_ns)
{
    struct timespec until = {.tv_sec = deadline_ns / NS_PER_S, .tv_nsec = deadline_ns % NS_PER_S};
    return pthread_cond_timedwait(&store->freed, &store->mutex, &until) != ETIMEDOUT;
}

static int busy(const struct store *store, const char *what, struct error *error)
{
    return error_set(error, ERR_TIMEOUT, "store %s: no connection to %s within the time limit", store->path,
                     what);
}

/* With the mutex held: an idle reader, or NULL and true in *may_open. */
static struct db *take_idle(struct store *store, int64_t deadline_ns, bool *may_open)
{
    *may_open = false;
    for (;;) {
        if (store->idle_count > 0)
            return store->idle[--store->idle_count];
        if (store->reader_count < READERS_MAX) {
            store->reader_count++;
            *may_open = true;
            return NULL;
        }
        if (!wait_freed(store, deadline_ns))
            return NULL;
    }
}

static void forget_reader(struct store *store)
{
    pthread_mutex_lock(&store->mutex);
    store->reader_count--;
    pthread_cond_broadcast(&store->freed);
    pthread_mutex_unlock(&store->mutex);
}

int read_begin(struct store *store, struct db **db, struct error *error)
{
    bool may_open;
    pthread_mutex_lock(&store->mutex);
    int64_t deadline = clock_monotonic_ns() + store->limit_ns;
    *db = take_idle(store, deadline, &may_open);
    pthread_mutex_unlock(&store->mutex);
    if (!*db && !may_open)
        return busy(store, "read", error);
    if (may_open) {
        int code = db_open(store->path, DB_READ, db, error);
        if (code < 0) {
            forget_reader(store);
            return code;
        }
    }
    db_set_deadline(*db, deadline);
    return 0;
}

/* One is kept: the others were for a moment at which many asked, and each holds memory and two descriptors.
 */
void read_end(struct store *store, struct db *db)
{
    pthread_mutex_lock(&store->mutex);
    bool keep = store->idle_count == 0;
    if (keep)
        store->idle[store->idle_count++] = db;
    else
        store->reader_count--;
    pthread_cond_broadcast(&store->freed);
    pthread_mutex_unlock(&store->mutex);
    if (!keep)
        db_close(&db);
}

static void writer_give_back(struct store *store)
{
    pthread_mutex_lock(&store->mutex);
    store->writing = false;
    pthread_cond_broadcast(&store->freed);
    pthread_mutex_unlock(&store->mutex);
}

int write_begin(struct store *store, struct db **db, struct error *error)
{
    bool taken = false;
    pthread_mutex_lock(&store->mutex);
    int64_t deadline = clock_monotonic_ns() + store->limit_ns;
    do {
        if (!store->writing)
            taken = store->writing = true;
    } while (!taken && wait_freed(store, deadline));
    pthread_mutex_unlock(&store->mutex);
    if (!taken)
        return busy(store, "write", error);
    *db = store->writer;
    db_set_deadline(*db, deadline);
    int code = db_begin(*db, error);
    if (code < 0)
        writer_give_back(store);
    return code;
}

int write_end(struct store *store, struct db *db, int code, struct error *error)
{
    if (code >= 0) {
        int committed = db_commit(db, error);
        code = committed < 0 ? committed : code;
    }
    if (code < 0)
        db_roll_back(db);
    writer_give_back(store);
    return code;
}

/* The file holds cameras' credentials, so nobody else may read it; the log beside it takes over its mode. */
static int create_file(const char *path, struct error *error)
{
    char dir[4096];
    text_copy(dir, sizeof dir, path);
    char *slash = strrchr(dir, '/');
    if (slash && slash != dir) {
        *slash = '\0';
        int code = file_make_dirs(dir, error);
        if (code < 0)
            return error_prefix(error, "store %s", path);
    }
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set_errno(error, errno, "store %s", path);
    close(fd);
    return 0;
}

static struct store *store_create(const char *path)
{
    struct store *store = calloc(1, sizeof *store);
    if (!store || !(store->path = text_duplicate(path))) {
        free(store);
        return NULL;
    }
    store->limit_ns = STORE_TIME_LIMIT_NS;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&store->freed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&store->mutex, NULL);
    return store;
}

static void sqlite_close(struct store **store)
{
    struct store *closing = *store;
    if (!closing)
        return;
    *store = NULL;
    for (size_t i = 0; i < closing->idle_count; i++)
        db_close(&closing->idle[i]);
    db_close(&closing->writer);
    pthread_cond_destroy(&closing->freed);
    pthread_mutex_destroy(&closing->mutex);
    free(closing->path);
    free(closing);
}

/* A migration of a large database may take long; it is not a question that somebody waits for. */
static int open_writer(struct store *store, struct error *error)
{
    int code = create_file(store->path, error);
    if (code < 0)
        return code;
    code = db_open(store->path, DB_WRITE, &store->writer, error);
    if (code < 0)
        return code;
    db_set_deadline(store->writer, clock_monotonic_ns() + 600 * NS_PER_S);
    return migrations_apply(store->writer, migrations_newest(), error);
}

static int sqlite_open(const char *where, struct store **store, struct error *error)
{
    *store = NULL;
    struct store *opened = store_create(where);
    if (!opened)
        return error_nomem(error, "store");
    int code = open_writer(opened, error);
    if (code < 0) {
        sqlite_close(&opened);
        return code;
    }
    *store = opened;
    return 0;
}

static void sqlite_set_time_limit(struct store *store, int64_t limit_ns)
{
    pthread_mutex_lock(&store->mutex);
    store->limit_ns = limit_ns;
    pthread_mutex_unlock(&store->mutex);
}

static int sqlite_ping(struct store *store, struct error *error)
{
    static const char sql[] = "SELECT MAX(version) FROM schema_version";
    struct db *db;
    int code = read_begin(store, &db, error);
    if (code < 0)
        return code;
    struct statement *statement;
    code = db_statement(db, sql, &statement, error);
    if (code == 0)
        code = statement_run(db, statement, error);
    read_end(store, db);
    return code;
}

const struct store_kind store_sqlite = {
    .name = "sqlite",
    .open = sqlite_open,
    .close = sqlite_close,
    .set_time_limit = sqlite_set_time_limit,
    .write_analytics = sqlite_write_analytics,
    .read_analytics = sqlite_read_analytics,
    .roll_up = sqlite_roll_up,
    .find_analytics = sqlite_find_analytics,
    .write_alert_event = sqlite_write_alert_event,
    .read_alerts = sqlite_read_alerts,
    .read_alert = sqlite_read_alert,
    .read_alert_events = sqlite_read_alert_events,
    .read_alert_history = sqlite_read_alert_history,
    .put_stream = sqlite_put_stream,
    .delete_stream = sqlite_delete_stream,
    .read_streams = sqlite_read_streams,
    .put_key = sqlite_put_key,
    .find_key = sqlite_find_key,
    .read_keys = sqlite_read_keys,
    .revoke_key = sqlite_revoke_key,
    .put_session = sqlite_put_session,
    .find_session = sqlite_find_session,
    .delete_session = sqlite_delete_session,
    .put_configuration = sqlite_put_configuration,
    .get_configuration = sqlite_get_configuration,
    .write_system_metrics = sqlite_write_system_metrics,
    .read_system_metrics = sqlite_read_system_metrics,
    .delete_analytics = sqlite_delete_analytics,
    .delete_alerts = sqlite_delete_alerts,
    .delete_sessions = sqlite_delete_sessions,
    .delete_system_metrics = sqlite_delete_system_metrics,
    .ping = sqlite_ping,
};
