// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../tools/temporary_folder.h"
#include "alert_fixture.h"
#include "alerting/alert_record.h"
#include "alerting/journal.h"
#include "base/buffer.h"
#include "base/file.h"

enum { BYTES = 65536, LIST_MAX = 1024 };

struct list {
    size_t count;
    struct alert_event events[LIST_MAX];
};

static int collect(void *user, const struct alert_event *event)
{
    struct list *list = user;
    assert_true(list->count < LIST_MAX);
    list->events[list->count++] = *event;
    return 0;
}

struct fixture {
    char dir[256], path[300];
    struct list list;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    if (!fixture || temporary_folder_make(fixture->dir, sizeof fixture->dir) < 0)
        return -1;
    path_join(fixture->path, sizeof fixture->path, fixture->dir, "sub/alerts.journal");
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    temporary_folder_remove(fixture->dir);
    free(fixture);
    return 0;
}

static struct journal *open_journal(struct fixture *fixture, size_t bytes)
{
    struct journal *journal;
    struct error error;
    fixture->list.count = 0;
    int code = journal_open(fixture->path, bytes, collect, &fixture->list, &journal, &error);
    if (code < 0)
        fail_msg("%s", error.text);
    return journal;
}

static void append(struct journal *journal, int number, int64_t version)
{
    struct error error;
    struct alert_event event = fixture_event(number, version, ALERT_ACKNOWLEDGED);
    assert_int_equal(journal_append(journal, &event, &error), 0);
    assert_int_equal(journal_sync(journal, &error), 0);
}

static void record_round_trip(void **state)
{
    (void)state;
    struct alert_event event = fixture_event(3, 2, ALERT_RESOLVED), back;
    struct error error;
    struct buffer bytes = {0};
    strcpy(event.who, "maria");
    strcpy(event.alert.comment, "Gedränge");
    strcpy(event.alert.resolved_by, "system");
    strcpy(event.alert.picture, "a.jpg");
    event.alert.is_test = event.alert.blind = true;
    alert_record_encode(&event, &bytes);
    assert_int_equal(alert_record_decode(bytes.data, bytes.size, &back, &error), 0);
    assert_memory_equal(&back, &event, sizeof event);
    for (size_t size = 0; size < bytes.size; size++)
        assert_int_equal(alert_record_decode(bytes.data, size, &back, &error), ERR_FORMAT);
    buffer_append_char(&bytes, 'x');
    assert_int_equal(alert_record_decode(bytes.data, bytes.size, &back, &error), ERR_FORMAT);
    buffer_free(&bytes);
}

static void kept_in_order(void **state)
{
    struct fixture *fixture = *state;
    struct journal *journal = open_journal(fixture, BYTES);
    assert_int_equal(fixture->list.count, 0);
    assert_int_equal(file_size(fixture->path), BYTES);
    for (int i = 0; i < 20; i++)
        append(journal, i, 1 + i);
    journal_close(&journal);
    journal = open_journal(fixture, BYTES);
    assert_int_equal(fixture->list.count, 20);
    for (int i = 0; i < 20; i++) {
        struct alert_event expected = fixture_event(i, 1 + i, ALERT_ACKNOWLEDGED);
        assert_memory_equal(&fixture->list.events[i], &expected, sizeof expected);
    }
    append(journal, 20, 1); /* and it goes on behind them */
    journal_close(&journal);
    journal = open_journal(fixture, BYTES);
    assert_int_equal(fixture->list.count, 21);
    journal_close(&journal);
}

/* Pages reach the disk in any order: a record is torn, the one behind it is whole. Nobody was told of either,
 * and the second does not come back when the first one's place is taken by another of its length. */
static void whole_behind_torn(void **state)
{
    struct fixture *fixture = *state;
    struct journal *journal = open_journal(fixture, BYTES);
    append(journal, 0, 1);
    size_t second = journal_used(journal);
    append(journal, 1, 1);
    append(journal, 2, 1);
    journal_close(&journal);
    FILE *file = fopen(fixture->path, "r+");
    assert_non_null(file);
    assert_int_equal(fseek(file, 24 + (long)second + 20, SEEK_SET), 0);
    assert_int_equal(fputc(0xa5, file), 0xa5);
    fclose(file);
    journal = open_journal(fixture, BYTES);
    assert_int_equal(fixture->list.count, 1);
    append(journal, 7, 1);
    journal_close(&journal);
    journal = open_journal(fixture, BYTES);
    assert_int_equal(fixture->list.count, 2);
    struct alert_event expected = fixture_event(7, 1, ALERT_ACKNOWLEDGED);
    assert_memory_equal(&fixture->list.events[1], &expected, sizeof expected);
    journal_close(&journal);
}

/* As if the power had gone at any byte of the last record, or any byte of it had never arrived. */
static void torn_tail(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    struct journal *journal = open_journal(fixture, BYTES);
    append(journal, 0, 1);
    append(journal, 1, 1);
    size_t before = journal_used(journal);
    append(journal, 2, 1);
    size_t after = journal_used(journal);
    journal_close(&journal);
    struct buffer whole = {0};
    assert_int_equal(file_read(fixture->path, 1 << 20, &whole, &error), 0);
    for (size_t at = before; at < after; at++) {
        struct list *list = &fixture->list;
        struct journal_place place;
        list->count = 0;
        char saved = whole.data[24 + at];
        whole.data[24 + at] = (char)(saved ^ 0x41);
        assert_int_equal(journal_parse(whole.data, whole.size, collect, list, &place, &error), 0);
        assert_int_equal(list->count, 2);
        assert_int_equal(place.used, before);
        whole.data[24 + at] = saved;
    }
    memset(whole.data + 24 + before + 40, 0, after - before - 40);
    assert_int_equal(file_write_atomic(fixture->path, whole.data, whole.size, &error), 0);
    buffer_free(&whole);
    journal = open_journal(fixture, BYTES);
    assert_int_equal(fixture->list.count, 2);
    append(journal, 7, 1); /* takes the torn one's place */
    journal_close(&journal);
    journal = open_journal(fixture, BYTES);
    assert_int_equal(fixture->list.count, 3);
    assert_string_equal(fixture->list.events[2].alert.alert_id, "alert-0007");
    journal_close(&journal);
}

static int fill(struct journal *journal, int number)
{
    struct error error;
    int count = 0;
    for (;; count++) {
        struct alert_event event = fixture_event(number, 1 + count, ALERT_ACTIVE);
        int code = journal_append(journal, &event, &error);
        if (code == ERR_FULL)
            return count;
        assert_int_equal(code, 0);
    }
}

/* Round after round through both regions: what an earlier round left behind is never read. */
static void written_anew(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    struct journal *journal = open_journal(fixture, BYTES);
    for (int round = 0; round < 7; round++) {
        int filled = fill(journal, round);
        assert_true(filled > 50);
        struct alert_event keep[3];
        const struct alert_event *list[3];
        for (int i = 0; i < 3; i++) {
            keep[i] = fixture_event(1000 + i, 1 + round, ALERT_ACKNOWLEDGED);
            list[i] = &keep[i];
        }
        assert_int_equal(journal_write_anew(journal, list, 3, &error), 0);
        append(journal, 500, 1);
        journal_close(&journal);
        journal = open_journal(fixture, BYTES);
        assert_int_equal(fixture->list.count, 4);
        assert_memory_equal(&fixture->list.events[2], &keep[2], sizeof keep[2]);
    }
    journal_close(&journal);
}

static void too_much_to_write_anew(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    struct journal *journal = open_journal(fixture, BYTES);
    append(journal, 1, 1);
    struct alert_event event = fixture_event(2, 1, ALERT_ACTIVE);
    const struct alert_event *list[LIST_MAX];
    for (int i = 0; i < LIST_MAX; i++)
        list[i] = &event;
    assert_int_equal(journal_write_anew(journal, list, LIST_MAX, &error), ERR_FULL);
    append(journal, 3, 1);
    journal_close(&journal);
    journal = open_journal(fixture, BYTES);
    assert_int_equal(fixture->list.count, 2);
    journal_close(&journal);
}

/* A crash between the other region's records and its header leaves the old region in force. */
static void crash_while_written_anew(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    struct journal *journal = open_journal(fixture, BYTES);
    append(journal, 1, 1);
    struct buffer before = {0}, after = {0};
    assert_int_equal(file_read(fixture->path, 1 << 20, &before, &error), 0);
    struct alert_event event = fixture_event(2, 1, ALERT_ACTIVE);
    const struct alert_event *list[] = {&event};
    assert_int_equal(journal_write_anew(journal, list, 1, &error), 0);
    journal_close(&journal);
    assert_int_equal(file_read(fixture->path, 1 << 20, &after, &error), 0);
    struct journal_place place;
    fixture->list.count = 0;
    assert_int_equal(journal_parse(after.data, after.size, collect, &fixture->list, &place, &error), 0);
    assert_string_equal(fixture->list.events[0].alert.alert_id, "alert-0002");
    memcpy(after.data + BYTES / 2, before.data + BYTES / 2, 24);
    fixture->list.count = 0;
    assert_int_equal(journal_parse(after.data, after.size, collect, &fixture->list, &place, &error), 0);
    assert_int_equal(fixture->list.count, 1);
    assert_string_equal(fixture->list.events[0].alert.alert_id, "alert-0001");
    buffer_free(&before);
    buffer_free(&after);
}

static void another_size(void **state)
{
    struct fixture *fixture = *state;
    struct journal *journal = open_journal(fixture, BYTES);
    append(journal, 1, 1);
    append(journal, 2, 1);
    journal_close(&journal);
    journal = open_journal(fixture, 4 * BYTES);
    assert_int_equal(fixture->list.count, 2);
    assert_int_equal(file_size(fixture->path), 4 * BYTES);
    append(journal, 3, 1);
    journal_close(&journal);
    journal = open_journal(fixture, 100); /* less than the least */
    assert_int_equal(fixture->list.count, 3);
    assert_int_equal(file_size(fixture->path), JOURNAL_BYTES_LEAST);
    append(journal, 4, 1);
    journal_close(&journal);
    journal = open_journal(fixture, BYTES);
    assert_int_equal(fixture->list.count, 4);
    journal_close(&journal);
}

static void refused(void **state)
{
    struct fixture *fixture = *state;
    struct journal *journal, *second;
    struct error error;
    journal = open_journal(fixture, BYTES);
    assert_int_equal(journal_open(fixture->path, BYTES, collect, &fixture->list, &second, &error),
                     ERR_CONFLICT);
    assert_null(second);
    assert_non_null(strstr(error.text, "another process"));
    journal_close(&journal);
    assert_int_equal(file_write_atomic(fixture->path, "a letter to my aunt", 19, &error), 0);
    assert_int_equal(journal_open(fixture->path, BYTES, collect, &fixture->list, &second, &error),
                     ERR_FORMAT);
    assert_non_null(strstr(error.text, fixture->path));
    assert_int_equal(journal_open("/proc/nowhere/x", BYTES, collect, &fixture->list, &second, &error) < 0, 1);
}

/* Once it has its place on the disk it needs no more: in a child that may let no file grow. */
static int write_with_full_disk(struct fixture *fixture)
{
    struct journal *journal = open_journal(fixture, BYTES);
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &(struct rlimit){BYTES, BYTES}) < 0)
        return 1;
    struct error error;
    struct alert_event event = fixture_event(1, 1, ALERT_ACTIVE);
    const struct alert_event *list[] = {&event};
    if (fill(journal, 1) < 50 || journal_sync(journal, &error) < 0)
        return 2;
    if (journal_write_anew(journal, list, 1, &error) < 0 || fill(journal, 2) < 50)
        return 3;
    journal_close(&journal);
    return 0;
}

static void full_disk(void **state)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(write_with_full_disk(*state));
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    struct journal *journal = open_journal(*state, BYTES);
    assert_true(((struct fixture *)*state)->list.count > 50);
    journal_close(&journal);
}

int main(void)
{
#define CASE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(record_round_trip),
        CASE(kept_in_order),
        CASE(torn_tail),
        CASE(whole_behind_torn),
        CASE(written_anew),
        CASE(too_much_to_write_anew),
        CASE(crash_while_written_anew),
        CASE(another_size),
        CASE(refused),
        CASE(full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
