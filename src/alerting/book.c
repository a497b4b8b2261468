#include "alerting/book_internal.h"

#include <stdlib.h>
#include <string.h>

#include "alerting/book_alert.h"
#include "base/text.h"

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

/* ---- streams ---- */

int book_add_stream(struct book *book, const char *stream_id, struct instant now, struct error *error)
{
    struct stream *stream = book_make_stream(book, stream_id, now);
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
    struct stream *stream = book_find_stream(book, stream_id);
    if (!stream || !stream->present)
        return error_set(error, ERR_NOT_FOUND, "alerts: no stream '%s'", stream_id);
    for (size_t i = 0; i < stream->watch_count; i++)
        if (stream->watches[i].is_open)
            book_resolve_watch(book, &stream->watches[i], "stream removed", now);
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
        if (!book_matches_place(rule, place))
            continue;
        struct watch *watch = book_make_watch(stream, rule, place->id);
        if (watch)
            book_look(book, stream, watch, &place->measures.of[rule->measure], sample->capture.mono_ns,
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
            book_look(book, stream, watch, &absent, now.mono_ns, false, now);
    }
}

int book_put_sample(struct book *book, const struct sample *sample, bool has_picture, struct instant now)
{
    struct stream *stream = book_find_stream(book, sample->stream_id);
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
        if (rule->measure == MEASURE_PICTURE_AGE || !book_matches_stream(rule, stream->id))
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
        if (rule->measure != MEASURE_PICTURE_AGE || !book_matches_stream(rule, stream->id))
            continue;
        struct watch *watch = book_make_watch(stream, rule, "");
        if (!watch) {
            code = ERR_NOMEM;
            continue;
        }
        const struct measure age = age_for(stream, watch, age_s);
        book_look(book, stream, watch, &age, now.mono_ns, false, now);
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
            book_look(book, stream, &stream->watches[i], &silent, now.mono_ns, false, now);
}

static void tick_orphans(struct book *book, struct stream *stream, struct instant now)
{
    if (now.mono_ns - stream->since_ns < BOOK_ORPHAN_NS)
        return;
    for (size_t i = 0; i < stream->watch_count; i++)
        if (stream->watches[i].is_open)
            book_resolve_watch(book, &stream->watches[i], "stream no longer configured", now);
}

static void tick_tests(struct book *book, struct instant now)
{
    for (size_t i = book->test_count; i-- > 0;) {
        struct test_alert *test = &book->tests[i];
        if (now.mono_ns < test->ends_ns)
            continue;
        alert_event_resolve(&test->open, "system", "test over", now);
        book_emit(book, &test->open, ALERT_CLEARED, "", now);
        book_end_test(book, i);
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

static const struct alert_rule *find_rule(const struct book *book, const struct alert *alert)
{
    for (size_t i = 0; i < book->options.rule_count; i++) {
        const struct alert_rule *rule = &book->rules[i];
        if (strcmp(rule->id, alert->rule_id) == 0 && rule->measure == alert->measure &&
            book_matches_stream(rule, alert->stream_id) &&
            (strcmp(rule->zone, "*") == 0 || strcmp(rule->zone, alert->zone_id) == 0))
            return rule;
    }
    return NULL;
}

int book_restore(struct book *book, const struct alert_event *newest, struct instant now)
{
    if (newest->alert.is_test)
        return book_add_test(book, newest, now) ? 0 : ERR_NOMEM;
    const struct alert_rule *rule = find_rule(book, &newest->alert);
    if (!rule) {
        struct alert_event ended = *newest;
        alert_event_resolve(&ended, "system", "rule no longer configured", now);
        book_emit(book, &ended, ALERT_RESOLVED_BY, "", now);
        return 0;
    }
    struct stream *stream = book_make_stream(book, newest->alert.stream_id, now);
    struct watch *watch = stream ? book_make_watch(stream, rule, newest->alert.zone_id) : NULL;
    if (!watch)
        return ERR_NOMEM;
    watch->is_open = true;
    watch->open = *newest;
    const struct measure nothing_yet = measure_invalid(REASON_NO_PICTURE);
    book_look(book, stream, watch, &nothing_yet, now.mono_ns, false, now);
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
