/* What people do with alerts. */
#include "alerting/book_internal.h"

#include <stdlib.h>
#include <string.h>

#include "alerting/book_alert.h"
#include "base/text.h"

struct test_alert *book_add_test(struct book *book, const struct alert_event *event, struct instant now)
{
    struct test_alert *grown = realloc(book->tests, (book->test_count + 1) * sizeof *grown);
    if (!grown)
        return NULL;
    book->tests = grown;
    struct test_alert *test = &grown[book->test_count++];
    *test = (struct test_alert){.ends_ns = now.mono_ns + BOOK_TEST_NS, .open = *event};
    return test;
}

void book_end_test(struct book *book, size_t index)
{
    book->tests[index] = book->tests[--book->test_count];
}

struct found {
    struct alert_event *open;
    struct watch *watch;
    size_t test; /* when there is no watch */
};

static struct found find_open(struct book *book, const char *alert_id)
{
    for (size_t i = 0; i < book->stream_count; i++)
        for (size_t j = 0; j < book->streams[i].watch_count; j++) {
            struct watch *watch = &book->streams[i].watches[j];
            if (watch->is_open && strcmp(watch->open.alert.alert_id, alert_id) == 0)
                return (struct found){.open = &watch->open, .watch = watch};
        }
    for (size_t i = 0; i < book->test_count; i++)
        if (strcmp(book->tests[i].open.alert.alert_id, alert_id) == 0)
            return (struct found){.open = &book->tests[i].open, .test = i};
    return (struct found){0};
}

static int not_open(const struct book *book, const char *alert_id, struct error *error)
{
    for (size_t i = 0; i < RESOLVED_REMEMBERED; i++)
        if (alert_id[0] && strcmp(book->resolved[i], alert_id) == 0)
            return error_set(error, ERR_CONFLICT, "alert '%s' is resolved", alert_id);
    return error_set(error, ERR_NOT_FOUND, "alert '%s': no such open alert", alert_id);
}

static void answer(const struct alert_event *event, struct alert_event *result)
{
    if (result)
        *result = *event;
}

static void set_comment(struct alert *alert, const char *comment)
{
    if (comment && comment[0])
        text_copy(alert->comment, sizeof alert->comment, comment);
}

int book_acknowledge(struct book *book, const char *alert_id, const char *who, const char *comment,
                     struct instant now, struct alert_event *result, struct error *error)
{
    struct found found = find_open(book, alert_id);
    if (!found.open)
        return not_open(book, alert_id, error);
    set_comment(&found.open->alert, comment);
    if (found.open->alert.state == ALERT_ACTIVE) {
        alert_acknowledge(&found.open->alert, who, now);
        book_emit(book, found.open, ALERT_ACKNOWLEDGED_BY, who, now);
    } else if (comment && comment[0]) {
        book_emit(book, found.open, ALERT_COMMENTED, who, now);
    }
    answer(found.open, result);
    return 0;
}

int book_comment(struct book *book, const char *alert_id, const char *who, const char *comment,
                 struct instant now, struct alert_event *result, struct error *error)
{
    struct found found = find_open(book, alert_id);
    if (!found.open)
        return not_open(book, alert_id, error);
    if (!comment || !comment[0])
        return error_set(error, ERR_INVALID, "alert '%s': the comment is empty", alert_id);
    set_comment(&found.open->alert, comment);
    book_emit(book, found.open, ALERT_COMMENTED, who, now);
    answer(found.open, result);
    return 0;
}

int book_resolve(struct book *book, const char *alert_id, const char *who, const char *comment,
                 struct instant now, struct alert_event *result, struct error *error)
{
    struct found found = find_open(book, alert_id);
    if (!found.open)
        return not_open(book, alert_id, error);
    set_comment(&found.open->alert, comment);
    alert_event_resolve(found.open, who, comment && comment[0] ? comment : "resolved by hand", now);
    book_emit(book, found.open, ALERT_RESOLVED_BY, who, now);
    answer(found.open, result);
    if (found.watch)
        book_close_watch(found.watch);
    else
        book_end_test(book, found.test);
    return 0;
}

int book_raise_test(struct book *book, const char *who, struct instant now, struct alert_event *result,
                    struct error *error)
{
    struct alert_event event = {0};
    book->options.make_id(book->options.user, now.wall_ns, event.alert.alert_id);
    alert_begin_test(&event.alert, who, now);
    struct test_alert *test = book_add_test(book, &event, now);
    if (!test)
        return error_nomem(error, "test alert");
    book_emit(book, &test->open, ALERT_RAISED, who, now);
    answer(&test->open, result);
    return 0;
}
