/* Rules at places, and the life of what they raise. */
#include "alerting/book_internal.h"

#include <stdlib.h>
#include <string.h>

#include "alerting/book_alert.h"
#include "base/text.h"

void book_emit(struct book *book, struct alert_event *event, enum alert_event_kind kind, const char *who,
               struct instant now)
{
    alert_event_advance(event, kind, who, now);
    if (event->alert.state == ALERT_RESOLVED) {
        text_copy(book->resolved[book->resolved_next], ALERT_ID_SIZE, event->alert.alert_id);
        book->resolved_next = (book->resolved_next + 1) % RESOLVED_REMEMBERED;
    }
    book->options.emit(book->options.user, event);
}

void book_close_watch(struct watch *watch)
{
    watch->is_open = false;
    watch->state = (struct rule_state){0};
}

void book_resolve_watch(struct book *book, struct watch *watch, const char *reason, struct instant now)
{
    alert_event_resolve(&watch->open, "system", reason, now);
    book_emit(book, &watch->open, ALERT_RESOLVED_BY, "", now);
    book_close_watch(watch);
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
    book_emit(book, &watch->open, ALERT_RAISED, "", now);
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
        book_emit(book, &watch->open, ALERT_BLIND_CHANGED, "", now);
    }
    if (result->level > alert->level) {
        alert_set_level(alert, watch->rule, result->level, measure->value);
        alert_unacknowledge(alert);
        book_emit(book, &watch->open, ALERT_LEVEL_CHANGED, "", now);
    }
    if (result->clear) {
        char reason[ALERT_COMMENT_MAX];
        rule_clear_reason(watch->rule, reason);
        alert_event_resolve(&watch->open, "system", reason, now);
        book_emit(book, &watch->open, ALERT_CLEARED, "", now);
        book_close_watch(watch);
    }
}

void book_look(struct book *book, const struct stream *stream, struct watch *watch,
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

struct stream *book_find_stream(const struct book *book, const char *id)
{
    for (size_t i = 0; i < book->stream_count; i++)
        if (strcmp(book->streams[i].id, id) == 0)
            return &book->streams[i];
    return NULL;
}

struct stream *book_make_stream(struct book *book, const char *id, struct instant now)
{
    struct stream *stream = book_find_stream(book, id);
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

struct watch *book_make_watch(struct stream *stream, const struct alert_rule *rule, const char *zone_id)
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

bool book_matches_stream(const struct alert_rule *rule, const char *stream_id)
{
    return strcmp(rule->stream, "*") == 0 || strcmp(rule->stream, stream_id) == 0;
}

bool book_matches_place(const struct alert_rule *rule, const struct sample_place *place)
{
    if (!(measure_info(rule->measure)->scopes & place->scope))
        return false;
    if (strcmp(rule->zone, "*") != 0)
        return strcmp(rule->zone, place->id) == 0;
    if (place->scope == SCOPE_STREAM)
        return false;
    return rule->zone_kinds == 0 || place->scope != SCOPE_ZONE || (rule->zone_kinds & 1U << place->kind);
}
