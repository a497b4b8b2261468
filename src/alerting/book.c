#include "alerting/book.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alerting/book_alert.h"
#include "alerting/rules.h"
#include "base/text.h"

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

struct book *book_create(const struct book_options *options)
{
    struct book *book = calloc(1, sizeof *book);
    if (!book)
        return NULL;
    book->options = *options;
    book->rules = calloc(options->rule_count + 1, sizeof *book->rules);
    if (!book->rules) {
        free(book);
        return NULL;
    }
    if (options->rule_count > 0)
        memcpy(book->rules, options->rules, options->rule_count * sizeof *book->rules);
    book->options.rules = book->rules;
    return book;
}

void book_destroy(struct book *book)
{
    if (!book)
        return;
    for (size_t i = 0; i < book->stream_count; i++)
        free(book->streams[i].watches);
    free(book->streams);
    free(book->tests);
    free(book->rules);
    free(book);
}

/* ---- changes ---- */

static void emit(struct book *book, struct alert_event *event, enum alert_event_kind kind, const char *who,
                 struct instant now)
{
    alert_event_advance(event, kind, who, now);
    if (event->alert.state == ALERT_RESOLVED) {
        text_copy(book->resolved[book->resolved_next], ALERT_ID_SIZE, event->alert.alert_id);
        book->resolved_next = (book->resolved_next + 1) % RESOLVED_REMEMBERED;
    }
    book->options.emit(book->options.user, event);
}

/* What led to the alert has to last anew before it is raised again. */
static void close_watch(struct watch *watch)
{
    watch->is_open = false;
    watch->state = (struct rule_state){0};
}

static void resolve_watch(struct book *book, struct watch *watch, const char *reason, struct instant now)
{
    alert_event_resolve(&watch->open, "system", reason, now);
    emit(book, &watch->open, ALERT_RESOLVED_BY, "", now);
    close_watch(watch);
}

static void raise_alert(struct book *book, const struct stream *stream, struct watch *watch,
                        enum alert_level level, double value, bool has_picture, struct instant now)
{
    struct alert *alert = &watch->open.alert;
    watch->open = (struct alert_event){0};
    book->options.make_id(book->options.user, now.wall_ns, alert->alert_id);
    alert_begin(alert, watch->rule, stream->id, watch->zone_id, now);
    if (has_picture)
        text_format(alert->picture, sizeof alert->picture, "%s.jpg", alert->alert_id);
    alert_set_level(alert, watch->rule, level, value);
    watch->is_open = true;
    emit(book, &watch->open, ALERT_RAISED, "", now);
}

/* An open alert follows its measure. */
static void follow(struct book *book, struct watch *watch, const struct rule_result *result,
                   const struct measure *measure, struct instant now)
{
    struct alert *alert = &watch->open.alert;
    if (result->has_value)
        alert->value = measure->value;
    bool blind_changed = result->known ? alert->blind : result->blind && !alert->blind;
    if (blind_changed) {
        alert->blind = !result->known;
        rule_message(alert, measure->reason, alert->message);
        emit(book, &watch->open, ALERT_BLIND_CHANGED, "", now);
    }
    if (result->level > alert->level) {
        alert_set_level(alert, watch->rule, result->level, measure->value);
        alert_unacknowledge(alert);
        emit(book, &watch->open, ALERT_LEVEL_CHANGED, "", now);
    }
    if (result->clear) {
        char reason[ALERT_COMMENT_MAX];
        rule_clear_reason(watch->rule, reason);
        alert_event_resolve(&watch->open, "system", reason, now);
        emit(book, &watch->open, ALERT_CLEARED, "", now);
        close_watch(watch);
    }
}

static void look(struct book *book, const struct stream *stream, struct watch *watch,
                 const struct measure *measure, int64_t mono_ns, bool has_picture, struct instant now)
{
    struct rule_result result = rule_look(watch->rule, &watch->state, measure, mono_ns);
    watch->blind = !result.known;
    watch->touched = true;
    if (watch->is_open)
        follow(book, watch, &result, measure, now);
    else if (result.level > LEVEL_NONE)
        raise_alert(book, stream, watch, result.level, measure->value, has_picture, now);
}

/* ---- streams and watches ---- */

static struct stream *find_stream(const struct book *book, const char *id)
{
    for (size_t i = 0; i < book->stream_count; i++)
        if (strcmp(book->streams[i].id, id) == 0)
            return &book->streams[i];
    return NULL;
}

static struct stream *make_stream(struct book *book, const char *id, struct instant now)
{
    struct stream *stream = find_stream(book, id);
    if (stream)
        return stream;
    struct stream *grown = realloc(book->streams, (book->stream_count + 1) * sizeof *grown);
    if (!grown)
        return NULL;
    book->streams = grown;
    stream = &grown[book->stream_count++];
    *stream = (struct stream){.since_ns = now.mono_ns, .captured_ns = now.mono_ns};
    text_copy(stream->id, sizeof stream->id, id);
    return stream;
}

static struct watch *make_watch(struct stream *stream, const struct alert_rule *rule, const char *zone_id)
{
    for (size_t i = 0; i < stream->watch_count; i++)
        if (stream->watches[i].rule == rule && strcmp(stream->watches[i].zone_id, zone_id) == 0)
            return &stream->watches[i];
    if (stream->watch_count == stream->watch_capacity) {
        size_t capacity = stream->watch_capacity ? 2 * stream->watch_capacity : 4;
        struct watch *grown = realloc(stream->watches, capacity * sizeof *grown);
        if (!grown)
            return NULL;
        stream->watches = grown;
        stream->watch_capacity = capacity;
    }
    struct watch *watch = &stream->watches[stream->watch_count++];
    *watch = (struct watch){.rule = rule};
    text_copy(watch->zone_id, sizeof watch->zone_id, zone_id);
    return watch;
}

static bool matches_stream(const struct alert_rule *rule, const char *stream_id)
{
    return strcmp(rule->stream, "*") == 0 || strcmp(rule->stream, stream_id) == 0;
}

static bool matches_place(const struct alert_rule *rule, const struct sample_place *place)
{
    if (!(measure_info(rule->measure)->scopes & place->scope))
        return false;
    if (strcmp(rule->zone, "*") != 0)
        return strcmp(rule->zone, place->id) == 0;
    if (place->scope == SCOPE_STREAM)
        return false;
    return rule->zone_kinds == 0 || place->scope != SCOPE_ZONE || (rule->zone_kinds & 1U << place->kind);
}

int book_add_stream(struct book *book, const char *stream_id, struct instant now, struct error *error)
{
    struct stream *stream = make_stream(book, stream_id, now);
    if (!stream)
        return error_nomem(error, "alerts");
    if (stream->present)
        return error_set(error, ERR_EXISTS, "alerts: stream '%s' is there already", stream_id);
    stream->present = true;
    stream->pictured = false;
    stream->since_ns = stream->captured_ns = now.mono_ns;
    return 0;
}

int book_remove_stream(struct book *book, const char *stream_id, struct instant now, struct error *error)
{
    struct stream *stream = find_stream(book, stream_id);
    if (!stream || !stream->present)
        return error_set(error, ERR_NOT_FOUND, "alerts: no stream '%s'", stream_id);
    for (size_t i = 0; i < stream->watch_count; i++)
        if (stream->watches[i].is_open)
            resolve_watch(book, &stream->watches[i], "stream removed", now);
    free(stream->watches);
    *stream = book->streams[--book->stream_count];
    return 0;
}

/* ---- samples and ticks ---- */

static int look_at_places(struct book *book, struct stream *stream, const struct alert_rule *rule,
                          const struct sample *sample, bool has_picture, struct instant now)
{
    int code = 0;
    for (size_t i = 0; i < sample->place_count; i++) {
        const struct sample_place *place = &sample->places[i];
        if (!matches_place(rule, place))
            continue;
        struct watch *watch = make_watch(stream, rule, place->id);
        if (watch)
            look(book, stream, watch, &place->measures.of[rule->measure], sample->capture.mono_ns,
                 has_picture, now);
        else
            code = ERR_NOMEM;
    }
    return code;
}

/* Places that were there once, and are in this sample no more. */
static void look_at_absent(struct book *book, struct stream *stream, struct instant now)
{
    const struct measure absent = measure_invalid(REASON_NOT_VISIBLE);
    for (size_t i = 0; i < stream->watch_count; i++) {
        struct watch *watch = &stream->watches[i];
        if (!watch->touched && watch->rule->measure != MEASURE_PICTURE_AGE)
            look(book, stream, watch, &absent, now.mono_ns, false, now);
    }
}

int book_put_sample(struct book *book, const struct sample *sample, bool has_picture, struct instant now)
{
    struct stream *stream = find_stream(book, sample->stream_id);
    if (!stream || !stream->present)
        return 0;
    stream->pictured = true;
    if (sample->capture.mono_ns > stream->captured_ns)
        stream->captured_ns = sample->capture.mono_ns;
    if (now.mono_ns - sample->capture.mono_ns > book->options.silent_after_ns)
        return 0; /* so old that it says nothing about now */
    for (size_t i = 0; i < stream->watch_count; i++)
        stream->watches[i].touched = false;
    int code = 0;
    for (size_t i = 0; i < book->options.rule_count; i++) {
        const struct alert_rule *rule = &book->rules[i];
        if (rule->measure == MEASURE_PICTURE_AGE || !matches_stream(rule, stream->id))
            continue;
        if (look_at_places(book, stream, rule, sample, has_picture, now) < 0)
            code = ERR_NOMEM;
    }
    look_at_absent(book, stream, now);
    return code;
}

/* Before its first picture a camera's age only counts from when it was added: that may raise an alert, and
 * says nothing against one that was raised before the restart. */
static struct measure age_for(const struct stream *stream, const struct watch *watch, double age_s)
{
    bool unknown = watch->is_open && !stream->pictured && rule_is_safe(watch->rule, age_s);
    return unknown ? measure_invalid(REASON_NO_PICTURE) : measure_exact(age_s);
}

static int tick_picture_age(struct book *book, struct stream *stream, struct instant now)
{
    int code = 0;
    double age_s = (double)(now.mono_ns - stream->captured_ns) / (double)NS_PER_S;
    if (age_s < 0)
        age_s = 0;
    for (size_t i = 0; i < book->options.rule_count; i++) {
        const struct alert_rule *rule = &book->rules[i];
        if (rule->measure != MEASURE_PICTURE_AGE || !matches_stream(rule, stream->id))
            continue;
        struct watch *watch = make_watch(stream, rule, "");
        if (!watch) {
            code = ERR_NOMEM;
            continue;
        }
        const struct measure age = age_for(stream, watch, age_s);
        look(book, stream, watch, &age, now.mono_ns, false, now);
    }
    return code;
}

static void tick_silence(struct book *book, struct stream *stream, struct instant now)
{
    const struct measure silent = measure_invalid(REASON_NO_PICTURE);
    if (now.mono_ns - stream->captured_ns <= book->options.silent_after_ns)
        return;
    for (size_t i = 0; i < stream->watch_count; i++)
        if (stream->watches[i].rule->measure != MEASURE_PICTURE_AGE)
            look(book, stream, &stream->watches[i], &silent, now.mono_ns, false, now);
}

static void tick_orphans(struct book *book, struct stream *stream, struct instant now)
{
    if (now.mono_ns - stream->since_ns < BOOK_ORPHAN_NS)
        return;
    for (size_t i = 0; i < stream->watch_count; i++)
        if (stream->watches[i].is_open)
            resolve_watch(book, &stream->watches[i], "stream no longer configured", now);
}

static void end_test(struct book *book, size_t index)
{
    book->tests[index] = book->tests[--book->test_count];
}

static void tick_tests(struct book *book, struct instant now)
{
    for (size_t i = book->test_count; i-- > 0;) {
        struct test_alert *test = &book->tests[i];
        if (now.mono_ns < test->ends_ns)
            continue;
        alert_event_resolve(&test->open, "system", "test over", now);
        emit(book, &test->open, ALERT_CLEARED, "", now);
        end_test(book, i);
    }
}

int book_tick(struct book *book, struct instant now)
{
    int code = 0;
    for (size_t i = 0; i < book->stream_count; i++) {
        struct stream *stream = &book->streams[i];
        if (!stream->present) {
            tick_orphans(book, stream, now);
            continue;
        }
        if (tick_picture_age(book, stream, now) < 0)
            code = ERR_NOMEM;
        tick_silence(book, stream, now);
    }
    tick_tests(book, now);
    return code;
}

/* ---- restart ---- */

static struct test_alert *add_test(struct book *book, const struct alert_event *event, struct instant now)
{
    struct test_alert *grown = realloc(book->tests, (book->test_count + 1) * sizeof *grown);
    if (!grown)
        return NULL;
    book->tests = grown;
    struct test_alert *test = &grown[book->test_count++];
    *test = (struct test_alert){.ends_ns = now.mono_ns + BOOK_TEST_NS, .open = *event};
    return test;
}

static const struct alert_rule *find_rule(const struct book *book, const struct alert *alert)
{
    for (size_t i = 0; i < book->options.rule_count; i++) {
        const struct alert_rule *rule = &book->rules[i];
        if (strcmp(rule->id, alert->rule_id) == 0 && rule->measure == alert->measure &&
            matches_stream(rule, alert->stream_id) &&
            (strcmp(rule->zone, "*") == 0 || strcmp(rule->zone, alert->zone_id) == 0))
            return rule;
    }
    return NULL;
}

int book_restore(struct book *book, const struct alert_event *newest, struct instant now)
{
    if (newest->alert.is_test)
        return add_test(book, newest, now) ? 0 : ERR_NOMEM;
    const struct alert_rule *rule = find_rule(book, &newest->alert);
    if (!rule) {
        struct alert_event ended = *newest;
        alert_event_resolve(&ended, "system", "rule no longer configured", now);
        emit(book, &ended, ALERT_RESOLVED_BY, "", now);
        return 0;
    }
    struct stream *stream = make_stream(book, newest->alert.stream_id, now);
    struct watch *watch = stream ? make_watch(stream, rule, newest->alert.zone_id) : NULL;
    if (!watch)
        return ERR_NOMEM;
    watch->is_open = true;
    watch->open = *newest;
    const struct measure nothing_yet = measure_invalid(REASON_NO_PICTURE);
    look(book, stream, watch, &nothing_yet, now.mono_ns, false, now);
    return 0;
}

/* ---- orders ---- */

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
        emit(book, found.open, ALERT_ACKNOWLEDGED_BY, who, now);
    } else if (comment && comment[0]) {
        emit(book, found.open, ALERT_COMMENTED, who, now);
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
    emit(book, found.open, ALERT_COMMENTED, who, now);
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
    emit(book, found.open, ALERT_RESOLVED_BY, who, now);
    answer(found.open, result);
    if (found.watch)
        close_watch(found.watch);
    else
        end_test(book, found.test);
    return 0;
}

int book_raise_test(struct book *book, const char *who, struct instant now, struct alert_event *result,
                    struct error *error)
{
    struct alert_event event = {0};
    book->options.make_id(book->options.user, now.wall_ns, event.alert.alert_id);
    alert_begin_test(&event.alert, who, now);
    struct test_alert *test = add_test(book, &event, now);
    if (!test)
        return error_nomem(error, "test alert");
    emit(book, &test->open, ALERT_RAISED, who, now);
    answer(&test->open, result);
    return 0;
}

/* ---- looking in ---- */

void book_get_figures(const struct book *book, struct book_figures *figures)
{
    *figures = (struct book_figures){.open = book->test_count};
    for (size_t i = 0; i < book->stream_count; i++)
        for (size_t j = 0; j < book->streams[i].watch_count; j++) {
            const struct watch *watch = &book->streams[i].watches[j];
            figures->watches++;
            figures->open += watch->is_open;
            figures->blind += watch->blind;
        }
}

static int newest_first(const void *a, const void *b)
{
    const struct alert *x = &((const struct alert_event *)a)->alert,
                       *y = &((const struct alert_event *)b)->alert;
    if (x->raised_ns != y->raised_ns)
        return x->raised_ns < y->raised_ns ? 1 : -1;
    return -strcmp(x->alert_id, y->alert_id);
}

int book_list(const struct book *book, struct alert_event **events, size_t *count)
{
    struct book_figures figures;
    book_get_figures(book, &figures);
    *count = 0;
    *events = malloc((figures.open + 1) * sizeof **events);
    if (!*events)
        return ERR_NOMEM;
    for (size_t i = 0; i < book->stream_count; i++)
        for (size_t j = 0; j < book->streams[i].watch_count; j++)
            if (book->streams[i].watches[j].is_open)
                (*events)[(*count)++] = book->streams[i].watches[j].open;
    for (size_t i = 0; i < book->test_count; i++)
        (*events)[(*count)++] = book->tests[i].open;
    qsort(*events, *count, sizeof **events, newest_first);
    return 0;
}
