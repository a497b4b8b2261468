/* The SQLite store: the behaviour of every store, and what is its own: files, migrations, locks, a full disk,
 * kill -9. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../tools/temporary_folder.h"
#include "base/file.h"
#include "base/text.h"
#include "store/sqlite_store.h"
#include "store_conformance.h"
#include "store_fixture.h"

#define DAY_START (INT64_C(20000) * 86400 * NS_PER_S)

static int make_place(char *where, size_t size)
{
    char dir[64];
    if (temporary_folder_make(dir, sizeof dir) < 0)
        return -1;
    text_format(where, size, "%s/sub/sci.db", dir);
    return 0;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static void remove_place(const char *where)
{
    char dir[256];
    text_copy(dir, sizeof dir, where);
    char *end = strstr(dir, "/sub/sci.db");
    assert_non_null(end);
    *end = '\0';
    nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void make_file(const char *where, const char *content)
{
    char dir[256];
    struct error error;
    text_copy(dir, sizeof dir, where);
    *strrchr(dir, '/') = '\0';
    assert_int_equal(file_make_dirs(dir, &error), 0);
    FILE *file = fopen(where, "w");
    assert_non_null(file);
    fputs(content, file);
    fclose(file);
}

static struct analytics_row make_row(int64_t second)
{
    return (struct analytics_row){.stream_id = "gate_a",
                                  .measure = MEASURE_PEOPLE,
                                  .step = STEP_1S,
                                  .start_ns = DAY_START + second * NS_PER_S,
                                  .mean = (double)second,
                                  .min = (double)second,
                                  .max = (double)second,
                                  .valid_share = 1,
                                  .samples = 7};
}

static int count_row(void *user, const struct analytics_row *row)
{
    (void)row;
    (*(size_t *)user)++;
    return 0;
}

static size_t count_rows(struct store *store)
{
    struct analytics_query query = {
        .stream_id = "gate_a", .measure = -1, .step = STEP_1S, .to_ns = INT64_MAX / 2, .limit = 10000000};
    size_t count = 0;
    struct error error;
    assert_int_equal(store_sqlite.read_analytics(store, &query, count_row, &count, &error), 0);
    return count;
}

static int set_up(void **state)
{
    char *where = calloc(1, 256);
    *state = where;
    return where ? make_place(where, 256) : -1;
}

static int tear_down(void **state)
{
    remove_place(*state);
    free(*state);
    return 0;
}

static void file_is_private(void **state)
{
    struct store *store;
    struct error error;
    struct stat status;
    assert_int_equal(store_sqlite.open(*state, &store, &error), 0);
    assert_int_equal(stat(*state, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    char log[300];
    text_format(log, sizeof log, "%s-wal", (char *)*state);
    assert_int_equal(stat(log, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    store_sqlite.close(&store);
}

static void open_refused(void **state)
{
    struct store *store;
    struct error error;
    make_file(*state, "this is a text file and no database, whatever its name may say about it. "
                      "It is longer than the header of one, which is a hundred bytes long.");
    assert_int_equal(store_sqlite.open(*state, &store, &error), ERR_FORMAT);
    assert_null(store);
    assert_non_null(strstr(error.text, *state));
    assert_int_equal(store_sqlite.open("/proc/no/such/place/sci.db", &store, &error) < 0, 1);
    assert_null(store);
    assert_non_null(strstr(error.text, "/proc/no"));
}

/* The second half of the file is overwritten, as by a failing disk: whoever reads there is told so. */
static void damage_reported(void **state)
{
    enum { COUNT = 20000 };
    struct store *store;
    struct error error;
    struct analytics_row *rows = calloc(COUNT, sizeof *rows);
    assert_non_null(rows);
    for (int i = 0; i < COUNT; i++)
        rows[i] = make_row(i);
    assert_int_equal(store_sqlite.open(*state, &store, &error), 0);
    assert_int_equal(store_sqlite.write_analytics(store, rows, COUNT, &error), 0);
    store_sqlite.close(&store);
    FILE *file = fopen(*state, "r+");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long size = ftell(file);
    assert_int_equal(fseek(file, size / 2, SEEK_SET), 0);
    for (long i = size / 2; i < size; i++)
        assert_int_equal(fputc(0xa5, file), 0xa5);
    fclose(file);

    assert_int_equal(store_sqlite.open(*state, &store, &error), 0);
    struct analytics_query query = {
        .stream_id = "gate_a", .measure = -1, .step = STEP_1S, .to_ns = INT64_MAX / 2, .limit = COUNT};
    size_t count = 0;
    assert_int_equal(store_sqlite.read_analytics(store, &query, count_row, &count, &error), ERR_FORMAT);
    assert_non_null(strstr(error.text, *state));
    assert_non_null(strstr(error.text, "damaged"));
    assert_int_equal(store_sqlite.write_analytics(store, rows, COUNT, &error), ERR_FORMAT);
    assert_int_equal(store_sqlite.ping(store, &error), 0);
    store_sqlite.close(&store);
    free(rows);
}

static struct db *open_at_version(const char *where, int version)
{
    struct db *db;
    struct error error;
    make_file(where, "");
    assert_int_equal(db_open(where, DB_WRITE, &db, &error), 0);
    assert_int_equal(migrations_apply(db, version, &error), 0);
    return db;
}

static int same_json(void *user, const char *stream_id, const char *json)
{
    (void)user;
    assert_string_equal(stream_id, "old");
    assert_string_equal(json, "{}");
    return 0;
}

static void older_schema_migrated(void **state)
{
    struct store *store;
    struct error error;
    struct db *db = open_at_version(*state, 1);
    assert_int_equal(db_run(db, "INSERT INTO streams VALUES ('old', '{}', 0)", &error), 0);
    assert_true(db_run(db, "SELECT * FROM alerts", &error) < 0);
    db_close(&db);
    assert_int_equal(store_sqlite.open(*state, &store, &error), 0);
    assert_int_equal(store_sqlite.read_streams(store, same_json, NULL, &error), 0);
    struct analytics_row row = make_row(1);
    assert_int_equal(store_sqlite.write_analytics(store, &row, 1, &error), 0);
    store_sqlite.close(&store);
}

static void newer_schema_refused(void **state)
{
    struct store *store;
    struct error error;
    struct db *db = open_at_version(*state, migrations_newest());
    assert_int_equal(db_run(db, "INSERT INTO schema_version VALUES (4711, 'from the future', 0)", &error), 0);
    db_close(&db);
    assert_int_equal(store_sqlite.open(*state, &store, &error), ERR_UNSUPPORTED);
    assert_null(store);
    char known[32];
    text_format(known, sizeof known, "up to %d", migrations_newest());
    assert_non_null(strstr(error.text, "4711"));
    assert_non_null(strstr(error.text, known));
}

/* The step that fails leaves nothing behind, and the next start tries again. */
static void failed_migration_undone(void **state)
{
    struct store *store;
    struct error error;
    struct db *db = open_at_version(*state, 1);
    assert_int_equal(db_run(db, "CREATE TABLE system_metrics (in_the_way)", &error), 0);
    db_close(&db);
    assert_true(store_sqlite.open(*state, &store, &error) < 0);
    assert_non_null(strstr(error.text, "schema version 2"));
    assert_int_equal(db_open(*state, DB_WRITE, &db, &error), 0);
    assert_true(db_run(db, "SELECT * FROM analytics_data", &error) < 0);
    assert_int_equal(db_run(db, "DROP TABLE system_metrics", &error), 0);
    db_close(&db);
    assert_int_equal(store_sqlite.open(*state, &store, &error), 0);
    store_sqlite.close(&store);
}

/* Somebody else holds the write lock: reads go on, writes give up in time. */
static void lock_waited_for(void **state)
{
    struct store *store;
    struct db *other;
    struct error error;
    struct analytics_row row = make_row(1);
    assert_int_equal(store_sqlite.open(*state, &store, &error), 0);
    assert_int_equal(store_sqlite.write_analytics(store, &row, 1, &error), 0);
    assert_int_equal(db_open(*state, DB_WRITE, &other, &error), 0);
    assert_int_equal(db_begin(other, &error), 0);
    store_sqlite.set_time_limit(store, 50 * NS_PER_MS);
    assert_int_equal(store_sqlite.write_analytics(store, &row, 1, &error), ERR_TIMEOUT);
    store_sqlite.set_time_limit(store, STORE_TIME_LIMIT_NS);
    assert_int_equal(count_rows(store), 1);
    assert_int_equal(db_commit(other, &error), 0);
    assert_int_equal(store_sqlite.write_analytics(store, &row, 1, &error), 0);
    db_close(&other);
    store_sqlite.close(&store);
}

/* In a child, because the limit is the process's. Exit status: 0 as hoped, else the number of what was not.
 */
static int fill_until_full(const char *where)
{
    struct store *store;
    struct error error;
    signal(SIGXFSZ, SIG_IGN);
    if (store_sqlite.open(where, &store, &error) < 0)
        return 1;
    static struct analytics_row rows[1000];
    size_t written = 0;
    if (setrlimit(RLIMIT_FSIZE, &(struct rlimit){1 << 20, 1 << 20}) < 0)
        return 2;
    int code = 0;
    for (int batch = 0; batch < 200 && code == 0; batch++) {
        for (int i = 0; i < 1000; i++)
            rows[i] = make_row(batch * 1000 + i);
        code = store_sqlite.write_analytics(store, rows, 1000, &error);
        written += code == 0 ? 1000 : 0;
    }
    if (code != ERR_FULL || written == 0)
        return 3;
    if (!strstr(error.text, "disk is full"))
        return 4;
    if (count_rows(store) != written)
        return 5;
    return 0;
}

static void full_disk_loses_nothing(void **state)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(fill_until_full(*state));
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    struct store *store;
    struct error error;
    assert_int_equal(store_sqlite.open(*state, &store, &error), 0);
    size_t kept = count_rows(store);
    assert_true(kept >= 1000);
    assert_int_equal(kept % 1000, 0);
    struct analytics_row row = make_row(1000000); /* and there is room again */
    assert_int_equal(store_sqlite.write_analytics(store, &row, 1, &error), 0);
    assert_int_equal(count_rows(store), kept + 1);
    store_sqlite.close(&store);
}

/* The child says after each commit which row it was. */
static void write_and_tell(const char *where, int out)
{
    struct store *store;
    struct error error;
    if (store_sqlite.open(where, &store, &error) < 0)
        _exit(1);
    for (int64_t second = 0;; second++) {
        struct analytics_row row = make_row(second);
        if (store_sqlite.write_analytics(store, &row, 1, &error) < 0)
            _exit(1);
        if (write(out, &second, sizeof second) != sizeof second)
            _exit(1);
    }
}

static void killed_loses_nothing_committed(void **state)
{
    int pipe_ends[2];
    assert_int_equal(pipe(pipe_ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        write_and_tell(*state, pipe_ends[1]);
    close(pipe_ends[1]);
    int64_t told = -1, last = -1;
    while (last < 50 && read(pipe_ends[0], &told, sizeof told) == sizeof told)
        last = told;
    kill(child, SIGKILL);
    while (read(pipe_ends[0], &told, sizeof told) == sizeof told)
        last = told;
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(pipe_ends[0]);
    assert_true(last >= 50);
    struct store *store;
    struct error error;
    assert_int_equal(store_sqlite.open(*state, &store, &error), 0);
    assert_true(count_rows(store) >= (size_t)last + 1);
    store_sqlite.close(&store);
}

int main(void)
{
    const struct conformance_target target = {&store_sqlite, make_place, remove_place};
#define CASE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(file_is_private),
        CASE(open_refused),
        CASE(damage_reported),
        CASE(older_schema_migrated),
        CASE(newer_schema_refused),
        CASE(failed_migration_undone),
        CASE(lock_waited_for),
        CASE(full_disk_loses_nothing),
        CASE(killed_loses_nothing_committed),
    };
    int failed = store_conformance_run("store_sqlite_conformance", &target);
    return failed + cmocka_run_group_tests_name("store_sqlite", tests, NULL, NULL);
}
