/* The writer on a real SQLite store. An outage is real too: another connection holds the write lock. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../tools/temporary_folder.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "store/sqlite_db.h"
#include "store/writer.h"
#include "store_fixture.h"

enum { ROWS = 4096, PATIENCE_MS = 20000, ROWS_PER_SECOND = 4 };

struct fixture {
    char dir[256], database[300], spool[300];
    struct store_handle store;
    struct writer *writer;
    atomic_llong stored_count, last_seq;
    atomic_bool out_of_order;
};

static void alert_stored(void *user, const struct alert_event *event)
{
    struct fixture *fixture = user;
    if (event->seq <= fixture->last_seq)
        fixture->out_of_order = true;
    fixture->last_seq = event->seq;
    fixture->stored_count++;
}

static void open_store(struct fixture *fixture)
{
    struct error error;
    fixture->store.kind = &store_sqlite;
    assert_int_equal(store_sqlite.open(fixture->database, &fixture->store.store, &error), 0);
}

static struct writer_options make_options(struct fixture *fixture)
{
    return (struct writer_options){.store = fixture->store,
                                   .spool_dir = fixture->spool,
                                   .on_alert_stored = alert_stored,
                                   .user = fixture};
}

static void start_writer(struct fixture *fixture)
{
    struct error error;
    struct writer_options options = make_options(fixture);
    assert_int_equal(writer_start(&options, &fixture->writer, &error), 0);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    if (!fixture || temporary_folder_make(fixture->dir, sizeof fixture->dir) < 0)
        return -1;
    path_join(fixture->database, sizeof fixture->database, fixture->dir, "sci.db");
    path_join(fixture->spool, sizeof fixture->spool, fixture->dir, "spool");
    open_store(fixture);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    writer_stop(&fixture->writer, NS_PER_S);
    store_sqlite.close(&fixture->store.store);
    temporary_folder_remove(fixture->dir);
    free(fixture);
    return 0;
}

static struct db *lock_store(struct fixture *fixture)
{
    struct db *db;
    struct error error;
    store_sqlite.set_time_limit(fixture->store.store, 30 * NS_PER_MS);
    assert_int_equal(db_open(fixture->database, DB_WRITE, &db, &error), 0);
    db_set_deadline(db, INT64_MAX);
    assert_int_equal(db_begin(db, &error), 0);
    return db;
}

static void unlock_store(struct fixture *fixture, struct db *db)
{
    db_roll_back(db);
    db_close(&db);
    store_sqlite.set_time_limit(fixture->store.store, STORE_TIME_LIMIT_NS);
}

static void put_second(struct fixture *fixture, int64_t second, double people)
{
    for (int i = 0; i < 5; i++) {
        struct snapshot snapshot =
            fixture_snapshot("gate_a", DAY_START + second * NS_PER_S + i * 200 * NS_PER_MS, people);
        writer_put_snapshot(fixture->writer, &snapshot);
    }
}

static long rows_of(struct fixture *fixture, enum aggregate_step step, struct analytics_row *rows)
{
    return fixture_read_rows(fixture->store, "gate_a", MEASURE_PEOPLE, step, rows, ROWS);
}

/* Until `count` rows of that step are in the store. */
static void wait_for_rows(struct fixture *fixture, enum aggregate_step step, long count)
{
    static struct analytics_row rows[ROWS];
    for (int waited = 0; rows_of(fixture, step, rows) < count; waited += 10) {
        assert_true(waited < PATIENCE_MS);
        clock_sleep_ns(10 * NS_PER_MS);
    }
}

static int64_t samples_of(struct fixture *fixture, enum aggregate_step step)
{
    static struct analytics_row rows[ROWS];
    int64_t samples = 0;
    for (long i = rows_of(fixture, step, rows); i > 0; i--)
        samples += rows[i - 1].samples;
    return samples;
}

/* Until the rows of that step stand for so many samples: a step may be made more than once while its rows
 * come in. */
static void wait_for_samples(struct fixture *fixture, enum aggregate_step step, int64_t samples)
{
    for (int waited = 0; samples_of(fixture, step) != samples; waited += 10) {
        assert_true(waited < PATIENCE_MS);
        clock_sleep_ns(10 * NS_PER_MS);
    }
}

static struct alert_event make_event(int number)
{
    struct alert_event event = {.kind = ALERT_RAISED, .version = 1, .alert = {.level = LEVEL_HIGH}};
    text_format(event.alert.alert_id, sizeof event.alert.alert_id, "alert-%d", number);
    text_copy(event.alert.stream_id, sizeof event.alert.stream_id, "gate_a");
    event.alert.raised_ns = event.alert.updated_ns = DAY_START + number * NS_PER_S;
    return event;
}

static void wait_for_alerts(struct fixture *fixture, long long count)
{
    for (int waited = 0; fixture->stored_count < count; waited += 10) {
        assert_true(waited < PATIENCE_MS);
        clock_sleep_ns(10 * NS_PER_MS);
    }
}

static void rows_and_alerts_arrive(void **state)
{
    static struct analytics_row rows[ROWS];
    struct fixture *fixture = *state;
    start_writer(fixture);
    for (int second = 0; second < 5; second++)
        put_second(fixture, second, 10 + second);
    for (int i = 0; i < 3; i++) {
        struct alert_event event = make_event(i);
        assert_int_equal(writer_put_alert(fixture->writer, &event), 0);
    }
    wait_for_alerts(fixture, 3);
    assert_false(fixture->out_of_order);
    wait_for_rows(fixture, STEP_1S, 4);
    writer_stop(&fixture->writer, NS_PER_S); /* the second under way comes too */
    assert_int_equal(rows_of(fixture, STEP_1S, rows), 5);
    for (int second = 0; second < 5; second++) {
        assert_int_equal(rows[second].start_ns, DAY_START + second * NS_PER_S);
        assert_true(rows[second].mean == 10 + second);
        assert_int_equal(rows[second].samples, 5);
    }
}

static void coarser_rows_made(void **state)
{
    static struct analytics_row rows[ROWS];
    struct fixture *fixture = *state;
    start_writer(fixture);
    for (int second = 0; second < 3700; second += 20)
        put_second(fixture, second, second / 60);
    put_second(fixture, 3 * 86400, 1);
    wait_for_samples(fixture, STEP_1MIN, 925);
    wait_for_samples(fixture, STEP_1H, 925);
    wait_for_samples(fixture, STEP_1D, 925);
    writer_stop(&fixture->writer, NS_PER_S);
    assert_int_equal(rows_of(fixture, STEP_1MIN, rows), 62);
    for (int minute = 0; minute < 62; minute++) {
        assert_true(rows[minute].mean == minute);
        assert_int_equal(rows[minute].samples, minute == 61 ? 10 : 15);
    }
    assert_int_equal(rows_of(fixture, STEP_1H, rows), 2);
    assert_true(rows[0].mean == 29.5);
    assert_int_equal(rows_of(fixture, STEP_1D, rows), 1);
    assert_int_equal(rows[0].samples, 60 * 15 + 25);
}

/* The store cannot be written for a while: nothing is lost, alerts wait, then everything is there, in order.
 */
static void outage(void **state)
{
    static struct analytics_row rows[ROWS];
    struct fixture *fixture = *state;
    struct writer_state now;
    start_writer(fixture);
    put_second(fixture, 0, 1);
    put_second(fixture, 1, 1);
    wait_for_rows(fixture, STEP_1S, 1);
    struct db *lock = lock_store(fixture);
    for (int second = 2; second < 40; second++)
        put_second(fixture, second, second);
    int accepted = 0;
    for (struct alert_event event = make_event(0); writer_put_alert(fixture->writer, &event) == 0;
         event = make_event(++accepted))
        continue;
    assert_int_equal(accepted, WRITER_ALERTS_MAX);
    for (int waited = 0; writer_get_state(fixture->writer, &now), now.store_ok || now.spooled_bytes == 0;
         waited += 10) {
        assert_true(waited < PATIENCE_MS);
        clock_sleep_ns(10 * NS_PER_MS);
    }
    assert_non_null(strstr(now.last_error, "time limit"));
    assert_int_equal(now.alerts_waiting, WRITER_ALERTS_MAX);
    assert_int_equal(rows_of(fixture, STEP_1S, rows) <= 2, 1);
    unlock_store(fixture, lock);
    wait_for_alerts(fixture, WRITER_ALERTS_MAX);
    assert_false(fixture->out_of_order);
    put_second(fixture, 41, 41);
    wait_for_rows(fixture, STEP_1S, 40);
    assert_int_equal(rows_of(fixture, STEP_1S, rows), 40);
    for (int second = 2; second < 40; second++)
        assert_true(rows[second].mean == second && rows[second].samples == 5);
    for (int waited = 0; writer_get_state(fixture->writer, &now), !now.store_ok || now.spooled_bytes != 0;
         waited += 10) {
        assert_true(waited < PATIENCE_MS);
        clock_sleep_ns(10 * NS_PER_MS);
    }
    assert_int_equal(now.dropped_rows, 0);
}

/* It ends while the store is away; the next process ships what it left. */
static void spool_shipped_later(void **state)
{
    static struct analytics_row rows[ROWS];
    struct fixture *fixture = *state;
    struct db *lock = lock_store(fixture);
    start_writer(fixture);
    for (int second = 0; second < 130; second++)
        put_second(fixture, second, second);
    writer_stop(&fixture->writer, NS_PER_S);
    assert_int_equal(rows_of(fixture, STEP_1S, rows), 0);
    unlock_store(fixture, lock);
    start_writer(fixture);
    wait_for_rows(fixture, STEP_1S, 130);
    wait_for_samples(fixture, STEP_1MIN, 650);
    writer_stop(&fixture->writer, NS_PER_S);
    assert_int_equal(rows_of(fixture, STEP_1MIN, rows), 3);
    assert_true(rows[0].mean == 29.5 && rows[1].mean == 89.5 && rows[2].mean == 124.5);
    assert_int_equal(rows[0].samples, 300);
}

static void spool_full(void **state)
{
    struct fixture *fixture = *state;
    struct writer_state now;
    struct error error;
    struct db *lock = lock_store(fixture);
    struct writer_options options = make_options(fixture);
    options.spool_limit_bytes = 2000;
    assert_int_equal(writer_start(&options, &fixture->writer, &error), 0);
    for (int second = 0; second < 100; second++)
        put_second(fixture, second, second);
    for (int waited = 0; writer_get_state(fixture->writer, &now), now.dropped_rows == 0; waited += 10) {
        assert_true(waited < PATIENCE_MS);
        clock_sleep_ns(10 * NS_PER_MS);
    }
    assert_non_null(strstr(now.last_error, "limit of 2000 bytes"));
    struct alert_event event = make_event(1);
    assert_int_equal(writer_put_alert(fixture->writer, &event), 0);
    unlock_store(fixture, lock);
    wait_for_alerts(fixture, 1);
}

static void old_rows_deleted(void **state)
{
    static struct analytics_row rows[ROWS];
    struct fixture *fixture = *state;
    struct error error;
    int64_t seq, today = clock_wall_ns() / NS_PER_S * NS_PER_S;
    for (int i = 0; i < 3000; i++) {
        rows[i] =
            (struct analytics_row){.stream_id = "gate_a",
                                   .step = STEP_1S,
                                   .start_ns = i < 2900 ? DAY_START + i * NS_PER_S : today - i * NS_PER_S,
                                   .valid_share = 1,
                                   .samples = 1};
    }
    assert_int_equal(store_sqlite.write_analytics(fixture->store.store, rows, 3000, &error), 0);
    struct alert_event old = make_event(1), open = make_event(2);
    old.alert.state = ALERT_RESOLVED;
    old.alert.resolved_ns = DAY_START;
    assert_int_equal(store_sqlite.write_alert_event(fixture->store.store, &old, &seq, &error), 0);
    assert_int_equal(store_sqlite.write_alert_event(fixture->store.store, &open, &seq, &error), 0);
    struct writer_options options = make_options(fixture);
    options.retention_1s_ns = 86400 * NS_PER_S;
    options.retention_alerts_ns = 86400 * NS_PER_S;
    assert_int_equal(writer_start(&options, &fixture->writer, &error), 0);
    struct alert alert;
    for (int waited = 0; rows_of(fixture, STEP_1S, rows) != 100 ||
                         store_sqlite.read_alert(fixture->store.store, "alert-1", &alert, NULL, &error) == 0;
         waited += 10) {
        assert_true(waited < PATIENCE_MS);
        clock_sleep_ns(10 * NS_PER_MS);
    }
    assert_int_equal(store_sqlite.read_alert(fixture->store.store, "alert-2", &alert, NULL, &error), 0);
}

/* The seconds lie on both sides of a minute. */
enum { FIRST_SECOND = 50, AWAY_FROM = 30 };

/* A child writes until it is killed. It names each second that the store says it has; in the middle the store
 * goes away and the child names what is in the spool and synced. */
static void write_until_killed(struct fixture *fixture, int out)
{
    struct writer_state now;
    log_configure(LOG_ERROR + 1, LOG_TEXT);
    open_store(fixture);
    start_writer(fixture);
    struct db *lock = NULL;
    for (int64_t second = 0;; second++) {
        int64_t spooled = 0;
        if (second == AWAY_FROM) {
            lock = lock_store(fixture);
            (void)lock;
        }
        put_second(fixture, FIRST_SECOND + second, 3);
        struct snapshot next =
            fixture_snapshot("gate_a", DAY_START + (FIRST_SECOND + second + 1) * NS_PER_S, 3);
        writer_put_snapshot(fixture->writer, &next);
        for (;;) {
            writer_get_state(fixture->writer, &now);
            bool stored = now.rows_written >= ROWS_PER_SECOND * (second + 1);
            if (second < AWAY_FROM ? stored : now.spooled_bytes > spooled)
                break;
            clock_sleep_ns(NS_PER_MS);
        }
        spooled = now.spooled_bytes;
        if (write(out, &second, sizeof second) != sizeof second)
            _exit(1);
        if (second >= AWAY_FROM)
            pause();
    }
}

/* `killed_after`: a second that the child has named. Whatever it named is there after a restart, and its
 * minute is whole. */
static void kill_and_look(struct fixture *fixture, int64_t killed_after)
{
    static struct analytics_row rows[ROWS];
    int ends[2];
    store_sqlite.close(&fixture->store.store);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        write_until_killed(fixture, ends[1]);
    close(ends[1]);
    int64_t told = -1;
    while (told < killed_after && read(ends[0], &told, sizeof told) == sizeof told)
        continue;
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(ends[0]);
    assert_int_equal(told, killed_after);

    open_store(fixture);
    start_writer(fixture);
    wait_for_rows(fixture, STEP_1S, (long)killed_after + 1);
    wait_for_samples(fixture, STEP_1MIN, samples_of(fixture, STEP_1S));
    writer_stop(&fixture->writer, NS_PER_S);
    for (long i = rows_of(fixture, STEP_1S, rows) - 1; i >= 0; i--)
        assert_int_equal(rows[i].start_ns, DAY_START + (FIRST_SECOND + i) * NS_PER_S);
}

static void killed_while_storing(void **state)
{
    kill_and_look(*state, 25);
}

static void killed_while_spooling(void **state)
{
    kill_and_look(*state, AWAY_FROM);
}

int main(void)
{
    log_configure(LOG_ERROR + 1, LOG_TEXT); /* outages are meant here */
#define CASE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(rows_and_alerts_arrive),
        CASE(coarser_rows_made),
        CASE(outage),
        CASE(spool_shipped_later),
        CASE(spool_full),
        CASE(old_rows_deleted),
        CASE(killed_while_storing),
        CASE(killed_while_spooling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
