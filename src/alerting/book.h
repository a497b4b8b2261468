/*
 * The book of alerts: what each rule makes of each place, and the life of what it raises. All of the engine's
 * decisions are here, without a thread, a clock or a file: time comes in as an argument, changes go out
 * through `emit`.
 *
 * Persistence, clearing and silence use `instant.mono_ns`; `wall_ns` only dates the events (to the
 * millisecond, as they are stored). A rule at a place is looked at when a snapshot comes, so that what it
 * raises has a picture to show; the tick looks at picture_age, at cameras that are silent, and at what ends
 * by itself. Removing a stream, or a rule that is no longer configured, resolves their alerts.
 *
 * Not thread-safe.
 */
#ifndef SCI_ALERTING_BOOK_H
#define SCI_ALERTING_BOOK_H

#include "alerting/sample.h"
#include "base/clock.h"
#include "core/alert.h"

struct book; /* opaque */

struct book_options {
    const struct alert_rule *rules; /* copied */
    size_t rule_count;
    int64_t silent_after_ns;
    /* A new name for an alert, unique for ever. */
    void (*make_id)(void *user, int64_t wall_ns, char out[ALERT_ID_SIZE]);
    /* A change. It is not undone if the receiver cannot keep it. */
    void (*emit)(void *user, const struct alert_event *event);
    void *user;
};

#define BOOK_TEST_NS (60 * NS_PER_S)   /* a test alert ends by itself */
#define BOOK_ORPHAN_NS (60 * NS_PER_S) /* an open alert of a stream that does not come back after a start */

struct book *book_create(const struct book_options *options); /* NULL without memory */
void book_destroy(struct book *book);                         /* emits nothing; NULL is fine */

/* At start: an open alert as it was left (its newest event). It is blind until its measure is valid again.
 * ERR_NOMEM. */
int book_restore(struct book *book, const struct alert_event *newest, struct instant now);

/* ERR_EXISTS, ERR_NOMEM; ERR_NOT_FOUND. */
int book_add_stream(struct book *book, const char *stream_id, struct instant now, struct error *error);
int book_remove_stream(struct book *book, const char *stream_id, struct instant now, struct error *error);

/* `has_picture`: alerts that are raised get a file name for a still. A sample of a stream that was not added
 * is ignored. ERR_NOMEM: a rule could not be looked at. */
int book_put_sample(struct book *book, const struct sample *sample, bool has_picture, struct instant now);
/* ERR_NOMEM as above. */
int book_tick(struct book *book, struct instant now);

/* Orders. `result` (may be NULL) receives the newest event of the alert. ERR_NOT_FOUND; ERR_CONFLICT:
 * resolved not long ago. An alert that is acknowledged already stays with who did it first; a comment is
 * added. */
int book_acknowledge(struct book *book, const char *alert_id, const char *who, const char *comment,
                     struct instant now, struct alert_event *result, struct error *error);
int book_comment(struct book *book, const char *alert_id, const char *who, const char *comment,
                 struct instant now, struct alert_event *result, struct error *error);
int book_resolve(struct book *book, const char *alert_id, const char *who, const char *comment,
                 struct instant now, struct alert_event *result, struct error *error);
int book_raise_test(struct book *book, const char *who, struct instant now, struct alert_event *result,
                    struct error *error);

struct book_figures {
    size_t open;    /* alerts */
    size_t watches; /* rules at places */
    size_t blind;   /* of those: cannot be told at present */
};
void book_get_figures(const struct book *book, struct book_figures *figures);
/* Each open alert's newest event, with its latest value; `newest_first` orders by time raised. Caller frees.
 * ERR_NOMEM. */
int book_list(const struct book *book, struct alert_event **events, size_t *count);

#endif
