/* The alert thread as it runs in the service: real clock, real journal, and in the last tests the real writer
 * and store. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../tools/temporary_folder.h"
#include "alert_fixture.h"
#include "alerting/engine.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "store/writer.h"

enum { EVENTS_MAX = 4096, PATIENCE_MS = 20000 };

struct fixture {
    char dir[256], journal[300], database[300], spool[300];
    struct alert_engine *engine;
    pthread_mutex_t mutex; /* of the two lists */
    size_t told_count, stored_count;
    struct alert_event told[EVENTS_MAX], stored[EVENTS_MAX];
    int pictures;
    atomic_bool store_away;
    bool confirm; /* by itself, as the store does */
    struct store_handle store;
    struct writer *writer;
};

static void on_event(void *user, const struct alert_event *event, struct picture *picture)
{
    struct fixture *f = user;
    pthread_mutex_lock(&f->mutex);
    if (f->told_count < EVENTS_MAX)
        f->told[f->told_count++] = *event;
    f->pictures += picture != NULL;
    pthread_mutex_unlock(&f->mutex);
}

static int to_store(void *user, const struct alert_event *event)
{
    struct fixture *f = user;
    if (f->store_away)
        return ERR_FULL;
    if (f->writer)
        return writer_put_alert(f->writer, event);
    pthread_mutex_lock(&f->mutex);
    if (f->stored_count < EVENTS_MAX)
        f->stored[f->stored_count++] = *event;
    pthread_mutex_unlock(&f->mutex);
    if (f->confirm)
        alert_engine_stored(f->engine, event->alert.alert_id, event->version);
    return 0;
}

/* Raises at once, and clears after a tenth of a second. */
static struct alert_rule quick_rule(void)
{
    struct alert_rule rule = fixture_density_rule();
    memset(rule.for_ns, 0, sizeof rule.for_ns);
    rule.clear_for_ns = 100 * NS_PER_MS;
    return rule;
}

static void start_with(struct fixture *f, const struct alert *open, const int64_t *versions, size_t count)
{
    struct error error;
    const struct alert_rule rules[] = {quick_rule()};
    const struct alert_engine_options options = {.rules = rules,
                                                 .rule_count = 1,
                                                 .journal_path = f->journal,
                                                 .journal_bytes = 65536,
                                                 .silent_after_ns = 60 * NS_PER_S,
                                                 .on_event = on_event,
                                                 .to_store = to_store,
                                                 .user = f};
    int code = alert_engine_start(&options, open, versions, count, &f->engine, &error);
    if (code < 0)
        fail_msg("%s", error.text);
}

static void start(struct fixture *f)
{
    start_with(f, NULL, NULL, 0);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (!f || temporary_folder_make(f->dir, sizeof f->dir) < 0)
        return -1;
    pthread_mutex_init(&f->mutex, NULL);
    path_join(f->journal, sizeof f->journal, f->dir, "alerts.journal");
    path_join(f->database, sizeof f->database, f->dir, "sci.db");
    path_join(f->spool, sizeof f->spool, f->dir, "spool");
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    alert_engine_stop(&f->engine);
    writer_stop(&f->writer, NS_PER_S);
    if (f->store.store)
        f->store.kind->close(&f->store.store);
    pthread_mutex_destroy(&f->mutex);
    temporary_folder_remove(f->dir);
    free(f);
    return 0;
}

static void add_stream(struct fixture *f, const char *id)
{
    struct error error;
    assert_int_equal(alert_engine_add_stream(f->engine, id, &error), 0);
}

static void send(struct fixture *f, const char *id, double density, struct picture *picture)
{
    struct snapshot snapshot = fixture_alert_snapshot(id, clock_now(), measure_exact(density));
    alert_engine_put_snapshot(f->engine, &snapshot, picture);
}

static size_t count_of(struct fixture *f, const size_t *count)
{
    pthread_mutex_lock(&f->mutex);
    size_t now = *count;
    pthread_mutex_unlock(&f->mutex);
    return now;
}

static void wait_for(struct fixture *f, const size_t *count, size_t least)
{
    for (int waited = 0; count_of(f, count) < least; waited++) {
        assert_true(waited < PATIENCE_MS);
        clock_sleep_ns(NS_PER_MS);
    }
}

static void raised_with_its_picture(void **state)
{
    struct fixture *f = *state;
    struct picture *picture = picture_create(PIXEL_GRAY8, 16, 16);
    start(f);
    add_stream(f, "gate_a");
    send(f, "gate_b", 4, picture); /* nobody added it */
    send(f, "gate_a", 4, picture);
    wait_for(f, &f->told_count, 1);
    wait_for(f, &f->stored_count, 1);
    assert_int_equal(f->told[0].kind, ALERT_RAISED);
    assert_string_equal(f->told[0].alert.stream_id, "gate_a");
    assert_int_equal(f->told[0].alert.level, LEVEL_HIGH);
    assert_int_equal(f->pictures, 1);
    char name[128];
    text_format(name, sizeof name, "%s.jpg", f->told[0].alert.alert_id);
    assert_string_equal(f->told[0].alert.picture, name);
    assert_true(text_is_identifier(f->told[0].alert.alert_id));
    for (int waited = 0; count_of(f, &f->told_count) < 2; waited++) {
        assert_true(waited < PATIENCE_MS);
        send(f, "gate_a", 1, picture);
        clock_sleep_ns(10 * NS_PER_MS);
    }
    assert_int_equal(f->told[1].kind, ALERT_CLEARED);
    alert_engine_stop(&f->engine);
    assert_int_equal(picture->references, 1);
    picture_unref(&picture);
}

static void orders_answered(void **state)
{
    struct fixture *f = *state;
    struct error error;
    struct alert_event first, second, result;
    struct alert *alerts;
    size_t count;
    start(f);
    assert_int_equal(alert_engine_raise_test(f->engine, "maria", &first, &error), 0);
    assert_int_equal(alert_engine_raise_test(f->engine, "maria", &second, &error), 0);
    assert_string_not_equal(first.alert.alert_id, second.alert.alert_id);
    assert_int_equal(
        alert_engine_acknowledge(f->engine, first.alert.alert_id, "ali", "seen", &result, &error), 0);
    assert_string_equal(result.alert.acknowledged_by, "ali");
    assert_int_equal(result.version, 2);
    assert_int_equal(alert_engine_comment(f->engine, first.alert.alert_id, "ali", "hm", NULL, &error), 0);
    assert_int_equal(alert_engine_list(f->engine, &alerts, &count, &error), 0);
    assert_int_equal(count, 2);
    assert_int_equal(alerts[1].state + alerts[0].state, ALERT_ACKNOWLEDGED);
    free(alerts);
    assert_int_equal(alert_engine_resolve(f->engine, first.alert.alert_id, "ali", NULL, &result, &error), 0);
    assert_int_equal(alert_engine_resolve(f->engine, first.alert.alert_id, "ali", NULL, &result, &error),
                     ERR_CONFLICT);
    assert_int_equal(alert_engine_acknowledge(f->engine, "nothing", "ali", NULL, &result, &error),
                     ERR_NOT_FOUND);
    assert_int_equal(alert_engine_remove_stream(f->engine, "gate_x", &error), ERR_NOT_FOUND);
    wait_for(f, &f->stored_count, 5);
    assert_int_equal(f->told_count, 5);
}

/* What is published and what is stored is the same, in the same order, also when the store says no for a
 * while. */
static void store_asked_again(void **state)
{
    struct fixture *f = *state;
    struct error error;
    f->store_away = true;
    f->confirm = true;
    start(f);
    for (int i = 0; i < 50; i++)
        assert_int_equal(alert_engine_raise_test(f->engine, "maria", NULL, &error), 0);
    wait_for(f, &f->told_count, 50);
    assert_int_equal(f->stored_count, 0);
    f->store_away = false;
    wait_for(f, &f->stored_count, 50);
    for (int i = 0; i < 50; i++)
        assert_string_equal(f->stored[i].alert.alert_id, f->told[i].alert.alert_id);
    struct alert_engine_state now;
    for (int waited = 0; alert_engine_get_state(f->engine, &now), now.not_stored > 0 || now.open < 50;
         waited++) {
        assert_true(waited < PATIENCE_MS);
        clock_sleep_ns(NS_PER_MS);
    }
    assert_true(now.journal_ok);
    assert_int_equal(f->stored_count, 50);
}

/* More than the journal holds while the store is away: every open alert is there afterwards, in its newest
 * version. */
static void journal_written_anew(void **state)
{
    enum { ALERTS = 20, ROUNDS = 30 };
    struct fixture *f = *state;
    struct error error;
    struct alert_event events[ALERTS];
    char comment[32];
    f->store_away = true;
    start(f);
    for (int i = 0; i < ALERTS; i++)
        assert_int_equal(alert_engine_raise_test(f->engine, "maria", &events[i], &error), 0);
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < ALERTS; i++) {
            text_format(comment, sizeof comment, "round %d", round);
            assert_int_equal(
                alert_engine_comment(f->engine, events[i].alert.alert_id, "ali", comment, NULL, &error), 0);
        }
    struct alert_engine_state now;
    for (int waited = 0; alert_engine_get_state(f->engine, &now), now.lost == 0; waited++) {
        assert_true(waited < PATIENCE_MS);
        clock_sleep_ns(NS_PER_MS);
    }
    assert_true(now.journal_ok);
    alert_engine_stop(&f->engine);
    f->store_away = false;
    start(f);
    struct alert *alerts;
    size_t count;
    assert_int_equal(alert_engine_list(f->engine, &alerts, &count, &error), 0);
    assert_int_equal(count, ALERTS);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(alerts[i].comment, "round 29");
    free(alerts);
    wait_for(f, &f->stored_count, ALERTS);
}

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A journal that cannot be written: changes are told all the same, whoever orders one hears that it is not
 * safe, a camera can still be added, and all is well again by itself. */
static void journal_cannot_be_written(void **state)
{
    struct fixture *f = *state;
    struct error error;
    struct alert_engine_state now;
    start(f);
    (void)signal(SIGXFSZ, SIG_IGN);
    limit_files(0);
    int raised = alert_engine_raise_test(f->engine, "maria", NULL, &error);
    int added = alert_engine_add_stream(f->engine, "gate_z", NULL);
    alert_engine_get_state(f->engine, &now);
    limit_files(RLIM_INFINITY);
    assert_true(raised < 0);
    assert_non_null(strstr(error.text, "done, but not safe from a crash"));
    assert_int_equal(added, 0);
    assert_false(now.journal_ok);
    assert_true(now.last_error[0] != '\0');
    wait_for(f, &f->told_count, 1);
    for (int waited = 0; alert_engine_get_state(f->engine, &now), !now.journal_ok; waited++) {
        assert_true(waited < PATIENCE_MS);
        clock_sleep_ns(NS_PER_MS);
    }
    assert_int_equal(alert_engine_raise_test(f->engine, "maria", NULL, &error), 0);
}

static void stream_removed(void **state)
{
    struct fixture *f = *state;
    struct error error;
    start(f);
    add_stream(f, "gate_a");
    assert_int_equal(alert_engine_add_stream(f->engine, "gate_a", &error), ERR_EXISTS);
    send(f, "gate_a", 4, NULL);
    wait_for(f, &f->told_count, 1);
    assert_int_equal(alert_engine_remove_stream(f->engine, "gate_a", &error), 0);
    assert_int_equal(f->told_count, 2);
    assert_string_equal(f->told[1].alert.resolved_reason, "stream removed");
    send(f, "gate_a", 5, NULL);
    struct alert *alerts;
    size_t count;
    assert_int_equal(alert_engine_list(f->engine, &alerts, &count, &error), 0);
    assert_int_equal(count, 0);
    free(alerts);
    assert_int_equal(f->told_count, 2);
}

/* The store's alert, and a later version in the journal. */
static void journal_is_newer_than_the_store(void **state)
{
    struct fixture *f = *state;
    struct error error;
    struct alert_event result;
    start(f);
    add_stream(f, "gate_a");
    send(f, "gate_a", 4, NULL);
    wait_for(f, &f->stored_count, 1);
    struct alert stored = f->told[0].alert;
    int64_t version = f->told[0].version;
    f->store_away = true;
    assert_int_equal(alert_engine_acknowledge(f->engine, stored.alert_id, "maria", NULL, &result, &error), 0);
    alert_engine_stop(&f->engine);
    f->told_count = f->stored_count = 0;
    f->store_away = false;
    start_with(f, &stored, &version, 1);
    wait_for(f, &f->stored_count,
             2); /* the acknowledgement that it does not have, and that the alert is blind now */
    assert_int_equal(f->stored[0].kind, ALERT_ACKNOWLEDGED_BY);
    assert_int_equal(f->stored[0].version, 2);
    assert_int_equal(f->told[0].kind, ALERT_BLIND_CHANGED);
    assert_int_equal(f->told[0].version, 3);
    assert_int_equal(f->told[0].alert.state, ALERT_ACKNOWLEDGED);
    assert_string_equal(f->told[0].alert.acknowledged_by, "maria");
    assert_int_equal(f->told[0].alert.acknowledged_ns, result.alert.acknowledged_ns);
    assert_true(f->told[0].alert.blind);
}

static void damaged_journal_put_aside(void **state)
{
    struct fixture *f = *state;
    struct error error;
    char aside[320];
    assert_int_equal(file_write_atomic(f->journal, "something else entirely, and long enough", 40, &error),
                     0);
    start(f);
    text_format(aside, sizeof aside, "%s.damaged", f->journal);
    assert_true(file_exists(aside));
    assert_int_equal(alert_engine_raise_test(f->engine, "maria", NULL, &error), 0);
}

struct crowd {
    struct fixture *fixture;
    int number;
    atomic_int *failures;
};

static void *give_orders(void *user)
{
    const struct crowd *crowd = user;
    struct alert_engine *engine = crowd->fixture->engine;
    struct error error;
    for (int i = 0; i < 20; i++) {
        struct alert_event event;
        struct alert *alerts;
        size_t count;
        int code = alert_engine_raise_test(engine, "maria", &event, &error);
        if (code == 0)
            code = alert_engine_acknowledge(engine, event.alert.alert_id, "ali", NULL, NULL, &error);
        if (code == 0)
            code = alert_engine_resolve(engine, event.alert.alert_id, "ali", NULL, NULL, &error);
        if (code == 0)
            code = alert_engine_list(engine, &alerts, &count, &error);
        if (code == 0)
            free(alerts);
        else
            ++*crowd->failures;
    }
    return NULL;
}

static void *send_snapshots(void *user)
{
    const struct crowd *crowd = user;
    char id[16];
    text_format(id, sizeof id, "cam-%d", crowd->number);
    if (alert_engine_add_stream(crowd->fixture->engine, id, NULL) < 0)
        ++*crowd->failures;
    struct picture *picture = picture_create(PIXEL_GRAY8, 16, 16);
    for (int i = 0; i < 500; i++)
        send(crowd->fixture, id, i % 5, picture);
    if (alert_engine_remove_stream(crowd->fixture->engine, id, NULL) < 0 || picture->references != 1)
        ++*crowd->failures;
    picture_unref(&picture);
    return NULL;
}

static void many_threads(void **state)
{
    enum { THREADS = 6 };
    struct fixture *f = *state;
    pthread_t threads[THREADS];
    struct crowd crowds[THREADS];
    atomic_int failures = 0;
    f->confirm = true;
    start(f);
    for (int i = 0; i < THREADS; i++) {
        crowds[i] = (struct crowd){f, i, &failures};
        assert_int_equal(pthread_create(&threads[i], NULL, i % 2 ? give_orders : send_snapshots, &crowds[i]),
                         0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(failures, 0);
    struct alert *alerts;
    size_t count;
    assert_int_equal(alert_engine_list(f->engine, &alerts, &count, NULL), 0);
    assert_int_equal(count, 0);
    free(alerts);
}

/* ---- with writer and store ---- */

static void alert_stored(void *user, const struct alert_event *event)
{
    struct fixture *f = user;
    pthread_mutex_lock(&f->mutex);
    if (f->stored_count < EVENTS_MAX)
        f->stored[f->stored_count++] = *event;
    pthread_mutex_unlock(&f->mutex);
    if (f->engine)
        alert_engine_stored(f->engine, event->alert.alert_id, event->version);
}

struct open_alerts {
    size_t count;
    struct alert alerts[16];
    int64_t versions[16];
};

static int take_open(void *user, const struct alert *alert, int64_t version)
{
    struct open_alerts *open = user;
    assert_true(open->count < 16);
    open->alerts[open->count] = *alert;
    open->versions[open->count++] = version;
    return 0;
}

static void start_all(struct fixture *f, struct open_alerts *open)
{
    struct error error;
    f->store.kind = &store_sqlite;
    assert_int_equal(store_sqlite.open(f->database, &f->store.store, &error), 0);
    const struct alert_query query = {.state = STORE_OPEN, .limit = 16};
    assert_int_equal(store_sqlite.read_alerts(f->store.store, &query, take_open, open, &error), 0);
    const struct writer_options options = {
        .store = f->store, .spool_dir = f->spool, .on_alert_stored = alert_stored, .user = f};
    bool away = f->store_away;
    f->store_away = true; /* until the engine is there to hear of it */
    assert_int_equal(writer_start(&options, &f->writer, &error), 0);
    start_with(f, open->alerts, open->versions, open->count);
    f->store_away = away;
}

/* Raises an alert, has it acknowledged, says so, and waits to be killed. */
static void acknowledge_and_wait(struct fixture *f, int out, bool stored)
{
    struct open_alerts open = {0};
    struct error error;
    struct alert_event event;
    f->store_away = !stored;
    start_all(f, &open);
    add_stream(f, "gate_a");
    send(f, "gate_a", 4, NULL);
    wait_for(f, &f->told_count, 1);
    if (stored)
        wait_for(f, &f->stored_count, 1);
    if (alert_engine_acknowledge(f->engine, f->told[0].alert.alert_id, "maria", "on my way", &event, &error) <
        0)
        _exit(1);
    if (stored)
        wait_for(f, &f->stored_count, 2);
    if (write(out, &event, sizeof event) != sizeof event)
        _exit(1);
    for (;;)
        pause();
}

static void killed(struct fixture *f, bool stored)
{
    int ends[2];
    struct alert_event event;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        acknowledge_and_wait(f, ends[1], stored);
    close(ends[1]);
    ssize_t got = read(ends[0], &event, sizeof event);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(ends[0]);
    assert_int_equal(got, sizeof event);

    struct open_alerts open = {0};
    struct alert alert;
    struct error error;
    int64_t version = 0;
    start_all(f, &open);
    assert_int_equal(open.count, stored ? 1 : 0);
    struct alert *alerts;
    size_t count;
    assert_int_equal(alert_engine_list(f->engine, &alerts, &count, &error), 0);
    assert_int_equal(count, 1);
    assert_string_equal(alerts[0].alert_id, event.alert.alert_id);
    assert_int_equal(alerts[0].state, ALERT_ACKNOWLEDGED);
    assert_string_equal(alerts[0].acknowledged_by, "maria");
    assert_int_equal(alerts[0].acknowledged_ns, event.alert.acknowledged_ns);
    assert_string_equal(alerts[0].comment, "on my way");
    assert_int_equal(alerts[0].raised_ns, event.alert.raised_ns);
    assert_true(alerts[0].blind);
    free(alerts);
    for (int waited = 0; version < 3; waited++) {
        assert_true(waited < PATIENCE_MS);
        clock_sleep_ns(NS_PER_MS);
        (void)store_sqlite.read_alert(f->store.store, event.alert.alert_id, &alert, &version, &error);
    }
    assert_string_equal(alert.acknowledged_by, "maria");
    assert_int_equal(alert.acknowledged_ns, event.alert.acknowledged_ns);
}

static void killed_after_storing(void **state)
{
    killed(*state, true);
}

static void killed_before_storing(void **state)
{
    killed(*state, false);
}

int main(void)
{
    log_configure(LOG_ERROR + 1, LOG_TEXT); /* damage is meant here */
#define CASE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(raised_with_its_picture),
        CASE(orders_answered),
        CASE(store_asked_again),
        CASE(journal_written_anew),
        CASE(journal_cannot_be_written),
        CASE(stream_removed),
        CASE(journal_is_newer_than_the_store),
        CASE(damaged_journal_put_aside),
        CASE(many_threads),
        CASE(killed_after_storing),
        CASE(killed_before_storing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
