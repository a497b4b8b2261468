// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include <stdlib.h>

#include "../tools/temporary_folder.h"
#include "alert_fixture.h"
#include "alerting/ledger.h"
#include "base/file.h"
#include "base/text.h"

enum { EVENTS = LEDGER_EVENTS_MAX };

struct fixture {
    char dir[256], path[300];
    struct ledger *ledger;
};

static int list_none(void *user, struct alert_event **events, size_t *count)
{
    (void)user;
    *events = malloc(1);
    *count = 0;
    return *events ? 0 : ERR_NOMEM;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (!f || temporary_folder_make(f->dir, sizeof f->dir) < 0)
        return -1;
    path_join(f->path, sizeof f->path, f->dir, "alerts.journal");
    const struct ledger_options options = {
        .journal_path = f->path, .journal_bytes = 64U << 20, .list_open = list_none};
    bool damaged;
    struct error error;
    *state = f;
    return ledger_open(&options, &f->ledger, &damaged, &error);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    ledger_close(&f->ledger);
    temporary_folder_remove(f->dir);
    free(f);
    return 0;
}

static struct ledger_name name_of(int number, int64_t version)
{
    const struct alert_event event = fixture_event(number, version, ALERT_ACTIVE);
    struct ledger_name name = {.version = version};
    text_copy(name.alert_id, sizeof name.alert_id, event.alert.alert_id);
    return name;
}

static void add(struct ledger *ledger, int number, int64_t version)
{
    const struct alert_event event = fixture_event(number, version, ALERT_ACTIVE);
    ledger_add(ledger, &event);
}

/* As after hours without the store: all at once, and in any order. */
static void confirmed_in_any_order(void **state)
{
    struct fixture *f = *state;
    struct ledger_name *names = calloc(EVENTS, sizeof *names);
    assert_non_null(names);
    for (int turned = 0; turned < 2; turned++) {
        for (int i = 0; i < EVENTS; i++) {
            add(f->ledger, i, 1);
            names[turned ? EVENTS - 1 - i : i] = name_of(i, 1);
        }
        assert_int_equal(ledger_waiting(f->ledger), EVENTS);
        ledger_stored(f->ledger, names, turned ? 64 : EVENTS);
        assert_int_equal(ledger_waiting(f->ledger), turned ? EVENTS - 64 : 0);
    }
    free(names);
}

static void others_stay(void **state)
{
    struct fixture *f = *state;
    add(f->ledger, 1, 1);
    add(f->ledger, 2, 1);
    add(f->ledger, 1, 2);
    const struct ledger_name names[] = {name_of(1, 2), name_of(9, 1), name_of(1, 2), name_of(2, 7)};
    ledger_stored(f->ledger, names, 4);
    assert_int_equal(ledger_waiting(f->ledger), 2);
    ledger_stored(f->ledger, NULL, 0);
    assert_int_equal(ledger_waiting(f->ledger), 2);
}

static int refuse_after_two(void *user, const struct alert_event *event)
{
    int *count = user;
    assert_int_equal(event->version, *count + 1);
    return ++*count > 2 ? ERR_FULL : 0;
}

static void handed_over_once_in_order(void **state)
{
    struct fixture *f = *state;
    int count = 0;
    for (int64_t version = 1; version <= 4; version++)
        add(f->ledger, 1, version);
    ledger_send(f->ledger, refuse_after_two, &count);
    assert_int_equal(count, 3);
    count = 2; /* the third is asked again, the first two are not */
    ledger_send(f->ledger, refuse_after_two, &count);
    assert_int_equal(count, 3);
}

/* When there is no room, what a later change contains goes first, and it is counted. */
static void contained_ones_go_first(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < EVENTS; i++)
        add(f->ledger, i / 2, 1 + i % 2);
    assert_int_equal(ledger_lost(f->ledger), 0);
    add(f->ledger, EVENTS, 1);
    assert_int_equal(ledger_lost(f->ledger), EVENTS / 2);
    assert_int_equal(ledger_waiting(f->ledger), EVENTS / 2 + 1);
    const struct ledger_name first[] = {name_of(0, 1)}, second[] = {name_of(0, 2)};
    ledger_stored(f->ledger, first, 1);
    assert_int_equal(ledger_waiting(f->ledger), EVENTS / 2 + 1);
    ledger_stored(f->ledger, second, 1);
    assert_int_equal(ledger_waiting(f->ledger), EVENTS / 2);
}

int main(void)
{
#define CASE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(confirmed_in_any_order),
        CASE(others_stay),
        CASE(handed_over_once_in_order),
        CASE(contained_ones_go_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
