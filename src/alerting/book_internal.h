/* What the files of the book share. Nobody else includes it. */
#ifndef SCI_ALERTING_BOOK_INTERNAL_H
#define SCI_ALERTING_BOOK_INTERNAL_H

#include "alerting/book.h"
#include "alerting/rules.h"

enum { RESOLVED_REMEMBERED = 256 };

/* One rule at one place. */
struct watch {
    const struct alert_rule *rule;
    char zone_id[ID_SIZE];
    struct rule_state state;
    bool blind;
    bool touched; /* by the sample under way */
    bool is_open;
    struct alert_event open; /* newest event; its alert also follows the value */
};

struct stream {
    char id[ID_SIZE];
    bool present;
    bool pictured;       /* since it was added */
    int64_t since_ns;    /* monotonic: added, or restored */
    int64_t captured_ns; /* monotonic time of the last picture, or since_ns */
    size_t watch_count, watch_capacity;
    struct watch *watches;
};

struct test_alert {
    int64_t ends_ns; /* monotonic */
    struct alert_event open;
};

struct book {
    struct book_options options;
    struct alert_rule *rules;
    size_t stream_count;
    struct stream *streams;
    size_t test_count;
    struct test_alert *tests;
    size_t resolved_next;
    char resolved[RESOLVED_REMEMBERED][ALERT_ID_SIZE]; /* ring */
};

/* book_watch.c: rules at places, and what they make of a measure */
struct stream *book_find_stream(const struct book *book, const char *id);
struct stream *book_make_stream(struct book *book, const char *id, struct instant now);
struct watch *book_make_watch(struct stream *stream, const struct alert_rule *rule, const char *zone_id);
bool book_matches_stream(const struct alert_rule *rule, const char *stream_id);
bool book_matches_place(const struct alert_rule *rule, const struct sample_place *place);
/* One look of a rule at a measure, at `mono_ns`: raises, changes and clears. */
void book_look(struct book *book, const struct stream *stream, struct watch *watch,
               const struct measure *measure, int64_t mono_ns, bool has_picture, struct instant now);
/* The next version of the event, to the receiver. */
void book_emit(struct book *book, struct alert_event *event, enum alert_event_kind kind, const char *who,
               struct instant now);
/* Ends its alert, by the system. */
void book_resolve_watch(struct book *book, struct watch *watch, const char *reason, struct instant now);
/* What led to the alert has to last anew before it is raised again. */
void book_close_watch(struct watch *watch);

/* book_orders.c: test alerts */
struct test_alert *book_add_test(struct book *book, const struct alert_event *event, struct instant now);
void book_end_test(struct book *book, size_t index);

#endif
