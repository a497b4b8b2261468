/* The life of alerts on a virtual clock. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alert_fixture.h"
#include "alerting/book.h"
#include "base/text.h"

enum { EVENTS_MAX = 256, EVERY_MS = 200, SILENT_S = 5 };

struct desk {
    struct book *book;
    int64_t now_ms;
    int64_t wall_offset_ns;
    int ids;
    size_t count;
    struct alert_event events[EVENTS_MAX];
};

static void make_id(void *user, int64_t wall_ns, char out[ALERT_ID_SIZE])
{
    (void)wall_ns;
    text_format(out, ALERT_ID_SIZE, "id-%d", ++((struct desk *)user)->ids);
}

static void note(void *user, const struct alert_event *event)
{
    struct desk *desk = user;
    assert_true(desk->count < EVENTS_MAX);
    for (size_t i = desk->count; i-- > 0;)
        if (strcmp(desk->events[i].alert.alert_id, event->alert.alert_id) == 0) {
            assert_int_equal(event->version, desk->events[i].version + 1);
            break;
        }
    desk->events[desk->count++] = *event;
}

static void open_desk(struct desk *desk, const struct alert_rule *rules, size_t count)
{
    const struct book_options options = {.rules = rules,
                                         .rule_count = count,
                                         .silent_after_ns = SILENT_S * NS_PER_S,
                                         .make_id = make_id,
                                         .emit = note,
                                         .user = desk};
    desk->book = book_create(&options);
    assert_non_null(desk->book);
}

static int set_up(void **state)
{
    struct desk *desk = calloc(1, sizeof *desk);
    if (!desk)
        return -1;
    const struct alert_rule rules[] = {fixture_density_rule(), fixture_lost_rule()};
    open_desk(desk, rules, 2);
    *state = desk;
    return 0;
}

static int tear_down(void **state)
{
    struct desk *desk = *state;
    book_destroy(desk->book);
    free(desk);
    return 0;
}

static struct instant now_of(const struct desk *desk)
{
    struct instant now = fixture_instant(desk->now_ms);
    now.wall_ns += desk->wall_offset_ns;
    return now;
}

static void add_stream(struct desk *desk, const char *id)
{
    struct error error;
    assert_int_equal(book_add_stream(desk->book, id, now_of(desk), &error), 0);
}

/* A camera that sends so much density for so long, five pictures a second; then the tick. */
static void run_stream(struct desk *desk, const char *id, double seconds, struct measure density)
{
    for (int64_t end = desk->now_ms + (int64_t)(seconds * 1000); desk->now_ms < end;) {
        desk->now_ms += EVERY_MS;
        struct snapshot snapshot = fixture_alert_snapshot(id, now_of(desk), density);
        struct sample *sample = sample_of_snapshot(&snapshot);
        assert_non_null(sample);
        assert_int_equal(book_put_sample(desk->book, sample, true, now_of(desk)), 0);
        assert_int_equal(book_tick(desk->book, now_of(desk)), 0);
        free(sample);
    }
}

static void run_value(struct desk *desk, double seconds, double density)
{
    run_stream(desk, "gate_a", seconds, measure_exact(density));
}

static void stay_silent(struct desk *desk, double seconds)
{
    for (int64_t end = desk->now_ms + (int64_t)(seconds * 1000); desk->now_ms < end;) {
        desk->now_ms += 100;
        assert_int_equal(book_tick(desk->book, now_of(desk)), 0);
    }
}

static const struct alert_event *last(const struct desk *desk)
{
    assert_true(desk->count > 0);
    return &desk->events[desk->count - 1];
}

static void expect(const struct desk *desk, size_t count, enum alert_event_kind kind, enum alert_level level,
                   enum alert_state state)
{
    assert_int_equal(desk->count, count);
    assert_int_equal(last(desk)->kind, kind);
    assert_int_equal(last(desk)->alert.level, level);
    assert_int_equal(last(desk)->alert.state, state);
}

static void raised_and_cleared(void **state)
{
    struct desk *desk = *state;
    add_stream(desk, "gate_a");
    run_value(desk, 60, 1);
    assert_int_equal(desk->count, 0);
    run_value(desk, 10, 2.1); /* the first of them begins the ten seconds */
    assert_int_equal(desk->count, 0);
    run_value(desk, 0.2, 2.1);
    expect(desk, 1, ALERT_RAISED, LEVEL_MEDIUM, ALERT_ACTIVE);
    const struct alert *alert = &last(desk)->alert;
    assert_string_equal(alert->alert_id, "id-1");
    assert_string_equal(alert->rule_id, "crowding");
    assert_string_equal(alert->stream_id, "gate_a");
    assert_string_equal(alert->zone_id, "north");
    assert_string_equal(alert->action, "Close gate A.");
    assert_string_equal(alert->picture, "id-1.jpg");
    assert_true(alert->value == 2.1 && alert->threshold == 2.0);
    assert_int_equal(alert->raised_ns, now_of(desk).wall_ns);
    assert_non_null(strstr(alert->message, "Zone north of camera gate_a: 2.1 people/m2"));
    assert_int_equal(last(desk)->version, 1);
    assert_string_equal(last(desk)->who, "");

    run_value(desk, 120, 1.5); /* between: it stays */
    assert_int_equal(desk->count, 1);
    run_value(desk, 30, 1.3);
    assert_int_equal(desk->count, 1);
    run_value(desk, 0.2, 1.3);
    expect(desk, 2, ALERT_CLEARED, LEVEL_MEDIUM, ALERT_RESOLVED);
    assert_string_equal(last(desk)->alert.resolved_by, "system");
    assert_string_equal(last(desk)->alert.resolved_reason, "below 1.36 people/m2 for 30 s");
    assert_int_equal(last(desk)->alert.resolved_ns, now_of(desk).wall_ns);
    run_value(desk, 10.2, 2.1);
    expect(desk, 3, ALERT_RAISED, LEVEL_MEDIUM, ALERT_ACTIVE);
    assert_string_equal(last(desk)->alert.alert_id, "id-2");
}

static void rise_needs_acknowledging_again(void **state)
{
    struct desk *desk = *state;
    struct error error;
    struct alert_event result;
    add_stream(desk, "gate_a");
    run_value(desk, 10.2, 2.1);
    assert_int_equal(
        book_acknowledge(desk->book, "id-1", "maria", "on my way", now_of(desk), &result, &error), 0);
    expect(desk, 2, ALERT_ACKNOWLEDGED_BY, LEVEL_MEDIUM, ALERT_ACKNOWLEDGED);
    assert_string_equal(result.alert.acknowledged_by, "maria");
    assert_string_equal(result.alert.comment, "on my way");
    assert_string_equal(result.who, "maria");
    assert_int_equal(result.alert.acknowledged_ns, now_of(desk).wall_ns);
    assert_int_equal(result.version, 2);
    run_value(desk, 10, 3.6);
    assert_int_equal(desk->count, 2);
    run_value(desk, 0.2, 3.6);
    expect(desk, 3, ALERT_LEVEL_CHANGED, LEVEL_HIGH, ALERT_ACTIVE);
    assert_string_equal(last(desk)->alert.acknowledged_by, "");
    assert_int_equal(last(desk)->alert.acknowledged_ns, 0);
    assert_true(last(desk)->alert.threshold == 3.5);
    assert_int_equal(last(desk)->alert.peak_level, LEVEL_HIGH);
    assert_string_equal(last(desk)->alert.alert_id, "id-1");
    /* It goes down again: the alert stays what it was until it is clear. */
    run_value(desk, 60, 2.1);
    assert_int_equal(desk->count, 3);
    struct alert_event *open;
    size_t count;
    assert_int_equal(book_list(desk->book, &open, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(open[0].alert.level, LEVEL_HIGH);
    assert_true(open[0].alert.value == 2.1);
    free(open);
}

static void blind_never_clears(void **state)
{
    struct desk *desk = *state;
    add_stream(desk, "gate_a");
    run_value(desk, 10.2, 2.1);
    run_stream(desk, "gate_a", 0.8, measure_invalid(REASON_TOO_SHORT)); /* a moment: nobody is told */
    run_value(desk, 1, 2.1);
    assert_int_equal(desk->count, 1);
    run_stream(desk, "gate_a", 600, measure_invalid(REASON_TOO_SHORT));
    expect(desk, 2, ALERT_BLIND_CHANGED, LEVEL_MEDIUM, ALERT_ACTIVE);
    assert_true(last(desk)->alert.blind);
    assert_true(last(desk)->alert.value == 2.1);
    assert_non_null(strstr(last(desk)->alert.message, "Blind at present: not enough history."));
    run_value(desk, 1, 1);
    expect(desk, 3, ALERT_BLIND_CHANGED, LEVEL_MEDIUM, ALERT_ACTIVE);
    assert_false(last(desk)->alert.blind);
    assert_null(strstr(last(desk)->alert.message, "Blind"));
    run_value(desk, 30, 1);
    expect(desk, 4, ALERT_CLEARED, LEVEL_MEDIUM, ALERT_RESOLVED);
}

/* A camera that falls silent: its alerts go blind, its picture_age raises one of its own, and both end when
 * it is back. */
static void camera_lost(void **state)
{
    struct desk *desk = *state;
    add_stream(desk, "gate_a");
    run_value(desk, 10.2, 2.1);
    stay_silent(desk, 4.9);
    assert_int_equal(desk->count, 1);
    stay_silent(desk, 0.1);
    expect(desk, 2, ALERT_RAISED, LEVEL_HIGH, ALERT_ACTIVE);
    assert_string_equal(last(desk)->alert.rule_id, "camera-lost");
    assert_string_equal(last(desk)->alert.zone_id, "");
    assert_string_equal(last(desk)->alert.picture, ""); /* there is none to show */
    assert_non_null(strstr(last(desk)->alert.message, "Camera gate_a: no picture for 5 s"));
    stay_silent(desk, 0.1);
    expect(desk, 3, ALERT_BLIND_CHANGED, LEVEL_MEDIUM, ALERT_ACTIVE);
    assert_non_null(strstr(last(desk)->alert.message, "no picture"));
    stay_silent(desk, 300);
    assert_int_equal(desk->count, 3);
    struct alert_event *open;
    size_t count;
    assert_int_equal(book_list(desk->book, &open, &count), 0);
    assert_int_equal(count, 2);
    assert_string_equal(open[0].alert.rule_id, "camera-lost"); /* newest first */
    assert_true(fabs(open[0].alert.value - 305.1) < 0.01);
    free(open);
    run_value(desk, 0.2, 2.1);
    expect(desk, 4, ALERT_BLIND_CHANGED, LEVEL_MEDIUM, ALERT_ACTIVE);
    run_value(desk, 5.2, 2.1);
    expect(desk, 5, ALERT_CLEARED, LEVEL_HIGH, ALERT_RESOLVED);
}

static void camera_that_never_came(void **state)
{
    struct desk *desk = *state;
    stay_silent(desk, 100);
    add_stream(desk, "gate_a");
    stay_silent(desk, 4.9);
    assert_int_equal(desk->count, 0);
    stay_silent(desk, 0.2);
    expect(desk, 1, ALERT_RAISED, LEVEL_HIGH, ALERT_ACTIVE);
}

/* Pictures that are older than the limit when they arrive say nothing about now. */
static void late_pictures_are_no_news(void **state)
{
    struct desk *desk = *state;
    add_stream(desk, "gate_a");
    for (int i = 0; i < 200; i++) {
        desk->now_ms += EVERY_MS;
        struct instant capture = now_of(desk);
        capture.mono_ns -= (SILENT_S + 1) * NS_PER_S;
        struct snapshot snapshot = fixture_alert_snapshot("gate_a", capture, measure_exact(4));
        struct sample *sample = sample_of_snapshot(&snapshot);
        assert_int_equal(book_put_sample(desk->book, sample, true, now_of(desk)), 0);
        assert_int_equal(book_tick(desk->book, now_of(desk)), 0);
        free(sample);
    }
    expect(desk, 1, ALERT_RAISED, LEVEL_HIGH, ALERT_ACTIVE);
    assert_string_equal(last(desk)->alert.rule_id, "camera-lost");
}

static void wall_clock_jumps(void **state)
{
    struct desk *desk = *state;
    add_stream(desk, "gate_a");
    run_value(desk, 5, 2.1);
    desk->wall_offset_ns = 86400 * NS_PER_S;
    run_value(desk, 5, 2.1);
    assert_int_equal(desk->count, 0);
    desk->wall_offset_ns = -86400 * NS_PER_S;
    run_value(desk, 0.2, 2.1);
    expect(desk, 1, ALERT_RAISED, LEVEL_MEDIUM, ALERT_ACTIVE);
    assert_int_equal(last(desk)->alert.raised_ns, now_of(desk).wall_ns);
    run_value(desk, 20, 1);
    desk->wall_offset_ns = 0;
    run_value(desk, 10, 1);
    assert_int_equal(desk->count, 1);
    desk->wall_offset_ns = 3600 * NS_PER_S;
    run_value(desk, 0.2, 1);
    expect(desk, 2, ALERT_CLEARED, LEVEL_MEDIUM, ALERT_RESOLVED);
}

static void stream_removed(void **state)
{
    struct desk *desk = *state;
    struct error error;
    add_stream(desk, "gate_a");
    add_stream(desk, "gate_b");
    run_value(desk, 10.2, 2.1);
    assert_int_equal(book_remove_stream(desk->book, "gate_a", now_of(desk), &error), 0);
    /* gate_b has been silent meanwhile: its alert is the other one */
    assert_int_equal(last(desk)->kind, ALERT_RESOLVED_BY);
    assert_string_equal(last(desk)->alert.stream_id, "gate_a");
    assert_string_equal(last(desk)->alert.resolved_reason, "stream removed");
    size_t count = desk->count;
    run_value(desk, 20, 4); /* late snapshots of it raise nothing */
    assert_int_equal(desk->count, count);
    assert_int_equal(book_remove_stream(desk->book, "gate_a", now_of(desk), &error), ERR_NOT_FOUND);
    add_stream(desk, "gate_a");
    assert_int_equal(book_add_stream(desk->book, "gate_a", now_of(desk), &error), ERR_EXISTS);
    run_value(desk, 10.2, 4);
    assert_int_equal(last(desk)->kind, ALERT_RAISED);
}

/* "*" is every zone (or line) that has the measure, of the kinds that the rule names, of every stream. */
static void wildcards(void **state)
{
    struct desk *desk = *state;
    struct alert_rule moving = fixture_density_rule(), flow = fixture_density_rule();
    text_copy(moving.zone, sizeof moving.zone, "*");
    moving.zone_kinds = 1U << ZONE_STANDING;
    for (int level = LEVEL_LOW; level < LEVEL_COUNT; level++)
        moving.thresholds[level] = flow.thresholds[level] = level == LEVEL_LOW ? 0 : NAN;
    moving.clear_below = flow.clear_below = -1;
    text_copy(flow.zone, sizeof flow.zone, "*");
    text_copy(flow.id, sizeof flow.id, "flow");
    flow.measure = MEASURE_FLOW_IN;
    book_destroy(desk->book);
    const struct alert_rule rules[] = {moving, flow};
    open_desk(desk, rules, 2);
    add_stream(desk, "gate_a");
    run_stream(desk, "gate_a", 10.2, measure_exact(0));
    assert_int_equal(desk->count, 2);
    assert_string_equal(desk->events[0].alert.zone_id, "stage");
    assert_string_equal(desk->events[1].alert.zone_id, "door");
    assert_string_equal(desk->events[1].alert.rule_id, "flow");
    add_stream(desk, "gate_b");
    run_stream(desk, "gate_b", 10.2, measure_exact(0));
    size_t of_b = 0;
    for (size_t i = 0; i < desk->count; i++)
        of_b +=
            desk->events[i].kind == ALERT_RAISED && strcmp(desk->events[i].alert.stream_id, "gate_b") == 0;
    assert_int_equal(of_b, 2);
}

static void zone_vanishes(void **state)
{
    struct desk *desk = *state;
    add_stream(desk, "gate_a");
    run_value(desk, 10.2, 2.1);
    for (int i = 0; i < 10; i++) {
        desk->now_ms += EVERY_MS;
        struct snapshot snapshot = fixture_alert_snapshot("gate_a", now_of(desk), measure_exact(0));
        snapshot.zone_count = 0;
        struct sample *sample = sample_of_snapshot(&snapshot);
        assert_int_equal(book_put_sample(desk->book, sample, true, now_of(desk)), 0);
        free(sample);
    }
    expect(desk, 2, ALERT_BLIND_CHANGED, LEVEL_MEDIUM, ALERT_ACTIVE);
    assert_true(last(desk)->alert.blind);
}

/* A camera that was lost before the restart and sends nothing after it either: its age counts from the
 * restart, and that it is small at first clears nothing. */
static void lost_before_the_restart(void **state)
{
    struct desk *desk = *state;
    struct alert_event event = fixture_event(7, 1, ALERT_ACTIVE);
    text_copy(event.alert.rule_id, sizeof event.alert.rule_id, "camera-lost");
    event.alert.zone_id[0] = '\0';
    event.alert.measure = MEASURE_PICTURE_AGE;
    struct alert_rule rule = fixture_lost_rule();
    rule.clear_for_ns = 1 * NS_PER_S;
    book_destroy(desk->book);
    open_desk(desk, &rule, 1);
    assert_int_equal(book_restore(desk->book, &event, now_of(desk)), 0);
    add_stream(desk, "gate_a");
    stay_silent(desk, 3.9);
    expect(desk, 1, ALERT_BLIND_CHANGED, LEVEL_HIGH, ALERT_ACTIVE);
    stay_silent(desk, 10);
    expect(desk, 2, ALERT_BLIND_CHANGED, LEVEL_HIGH, ALERT_ACTIVE);
    assert_false(last(desk)->alert.blind);
    run_value(desk, 1.4, 0);
    expect(desk, 3, ALERT_CLEARED, LEVEL_HIGH, ALERT_RESOLVED);
}

static void put_at(struct desk *desk, enum measure_scope scope, enum measure_id measure, double value)
{
    desk->now_ms += EVERY_MS;
    struct snapshot snapshot = fixture_alert_snapshot("gate_a", now_of(desk), measure_exact(0));
    struct zone_state zones[2] = {snapshot.zones[0], snapshot.zones[1]};
    struct line_state lines[1] = {snapshot.lines[0]};
    snapshot.zones = zones;
    snapshot.lines = lines;
    struct measure_set *set = scope == SCOPE_STREAM ? &snapshot.measures
                              : scope == SCOPE_ZONE ? &zones[0].measures
                                                    : &lines[0].measures;
    set->of[measure] = measure_exact(value);
    struct sample *sample = sample_of_snapshot(&snapshot);
    assert_non_null(sample);
    assert_int_equal(book_put_sample(desk->book, sample, true, now_of(desk)), 0);
    free(sample);
}

static void raise_and_clear(enum measure_scope scope, const char *zone, enum measure_id measure)
{
    static const char *const places[] = {[SCOPE_STREAM] = "", [SCOPE_ZONE] = "north", [SCOPE_LINE] = "door"};
    struct alert_rule rule = fixture_density_rule();
    text_copy(rule.zone, sizeof rule.zone, zone);
    rule.measure = measure;
    for (int level = LEVEL_LOW; level < LEVEL_COUNT; level++)
        rule.thresholds[level] = level == LEVEL_HIGH ? 10 : NAN;
    memset(rule.for_ns, 0, sizeof rule.for_ns);
    rule.clear_below = 10;
    rule.clear_for_ns = 0;
    struct desk desk = {0};
    open_desk(&desk, &rule, 1);
    add_stream(&desk, "gate_a");
    bool low = measure_info(measure)->low_is_bad;
    put_at(&desk, scope, measure, low ? 20 : 1);
    assert_int_equal(desk.count, 0);
    put_at(&desk, scope, measure, low ? 1 : 20);
    expect(&desk, 1, ALERT_RAISED, LEVEL_HIGH, ALERT_ACTIVE);
    assert_string_equal(last(&desk)->alert.zone_id, places[scope]);
    assert_string_equal(last(&desk)->alert.action, "Close gate A.");
    assert_true(last(&desk)->alert.picture[0] != '\0');
    put_at(&desk, scope, measure, low ? 20 : 1);
    expect(&desk, 2, ALERT_CLEARED, LEVEL_HIGH, ALERT_RESOLVED);
    book_destroy(desk.book);
}

/* Every measure that is published, at every kind of place that has it, named or by "*". */
static void every_measure_at_every_place(void **state)
{
    (void)state;
    for (int i = 0; i < MEASURE_COUNT; i++) {
        unsigned scopes = measure_info((enum measure_id)i)->scopes;
        if (i == MEASURE_PICTURE_AGE)
            continue; /* on the tick: camera_lost */
        if (scopes & SCOPE_STREAM)
            raise_and_clear(SCOPE_STREAM, "", (enum measure_id)i);
        if (scopes & SCOPE_ZONE) {
            raise_and_clear(SCOPE_ZONE, "north", (enum measure_id)i);
            raise_and_clear(SCOPE_ZONE, "*", (enum measure_id)i);
        }
        if (scopes & SCOPE_LINE) {
            raise_and_clear(SCOPE_LINE, "door", (enum measure_id)i);
            raise_and_clear(SCOPE_LINE, "*", (enum measure_id)i);
        }
    }
}

static void orders(void **state)
{
    struct desk *desk = *state;
    struct error error;
    struct alert_event result;
    add_stream(desk, "gate_a");
    run_value(desk, 10.2, 2.1);
    assert_int_equal(book_acknowledge(desk->book, "id-9", "maria", NULL, now_of(desk), &result, &error),
                     ERR_NOT_FOUND);
    assert_int_equal(book_acknowledge(desk->book, "", "maria", NULL, now_of(desk), &result, &error),
                     ERR_NOT_FOUND);
    assert_int_equal(book_acknowledge(desk->book, "id-1", "maria", NULL, now_of(desk), &result, &error), 0);
    /* Once more, by somebody else: who was first stays, nothing is told; a comment is. */
    desk->now_ms += 1000;
    assert_int_equal(book_acknowledge(desk->book, "id-1", "ali", NULL, now_of(desk), &result, &error), 0);
    assert_int_equal(desk->count, 2);
    assert_string_equal(result.alert.acknowledged_by, "maria");
    assert_int_equal(book_acknowledge(desk->book, "id-1", "ali", "me too", now_of(desk), &result, &error), 0);
    expect(desk, 3, ALERT_COMMENTED, LEVEL_MEDIUM, ALERT_ACKNOWLEDGED);
    assert_string_equal(last(desk)->who, "ali");
    assert_string_equal(last(desk)->alert.acknowledged_by, "maria");
    assert_int_equal(book_comment(desk->book, "id-1", "ali", "", now_of(desk), &result, &error), ERR_INVALID);
    assert_int_equal(book_comment(desk->book, "id-1", "ali", "gate closed", now_of(desk), &result, &error),
                     0);
    assert_string_equal(last(desk)->alert.comment, "gate closed");
    assert_int_equal(book_resolve(desk->book, "id-1", "ali", "over", now_of(desk), &result, &error), 0);
    expect(desk, 5, ALERT_RESOLVED_BY, LEVEL_MEDIUM, ALERT_RESOLVED);
    assert_string_equal(last(desk)->alert.resolved_by, "ali");
    assert_string_equal(last(desk)->alert.resolved_reason, "over");
    assert_int_equal(book_resolve(desk->book, "id-1", "ali", NULL, now_of(desk), &result, &error),
                     ERR_CONFLICT);
    assert_int_equal(book_acknowledge(desk->book, "id-1", "ali", NULL, now_of(desk), &result, &error),
                     ERR_CONFLICT);
    /* It is still crowded there: after its time it is raised anew. */
    run_value(desk, 10, 2.1);
    assert_int_equal(desk->count, 5);
    run_value(desk, 0.2, 2.1);
    expect(desk, 6, ALERT_RAISED, LEVEL_MEDIUM, ALERT_ACTIVE);
    assert_string_equal(last(desk)->alert.alert_id, "id-2");
}

static void test_alerts(void **state)
{
    struct desk *desk = *state;
    struct error error;
    struct alert_event first, second;
    assert_int_equal(book_raise_test(desk->book, "maria", now_of(desk), &first, &error), 0);
    assert_int_equal(book_raise_test(desk->book, "ali", now_of(desk), &second, &error), 0);
    assert_true(first.alert.is_test);
    assert_string_equal(first.who, "maria");
    assert_non_null(strstr(first.alert.message, "Test alert raised by maria"));
    assert_int_equal(
        book_acknowledge(desk->book, first.alert.alert_id, "maria", NULL, now_of(desk), NULL, &error), 0);
    assert_int_equal(
        book_resolve(desk->book, first.alert.alert_id, "maria", NULL, now_of(desk), NULL, &error), 0);
    stay_silent(desk, 59.9);
    assert_int_equal(desk->count, 4);
    stay_silent(desk, 0.1);
    expect(desk, 5, ALERT_CLEARED, LEVEL_LOW, ALERT_RESOLVED);
    assert_string_equal(last(desk)->alert.alert_id, second.alert.alert_id);
    struct book_figures figures;
    book_get_figures(desk->book, &figures);
    assert_int_equal(figures.open, 0);
}

static void restored_alert_goes_on(void **state)
{
    struct desk *desk = *state;
    struct alert_event event = fixture_event(7, 4, ALERT_ACKNOWLEDGED);
    assert_int_equal(book_restore(desk->book, &event, now_of(desk)), 0);
    expect(desk, 1, ALERT_BLIND_CHANGED, LEVEL_HIGH, ALERT_ACKNOWLEDGED);
    assert_int_equal(last(desk)->version, 5);
    assert_string_equal(last(desk)->alert.acknowledged_by, "maria");
    assert_int_equal(last(desk)->alert.acknowledged_ns, event.alert.acknowledged_ns);
    add_stream(desk, "gate_a");
    run_value(desk, 20, 3.6);
    expect(desk, 2, ALERT_BLIND_CHANGED, LEVEL_HIGH, ALERT_ACKNOWLEDGED);
    assert_false(last(desk)->alert.blind);
    run_value(desk, 10, 5.5);
    expect(desk, 3, ALERT_LEVEL_CHANGED, LEVEL_CRITICAL, ALERT_ACTIVE);
    run_value(desk, 30.4, 0);
    expect(desk, 4, ALERT_CLEARED, LEVEL_CRITICAL, ALERT_RESOLVED);
}

static void restored_without_a_home(void **state)
{
    struct desk *desk = *state;
    struct alert_event gone = fixture_event(1, 1, ALERT_ACTIVE), orphan = fixture_event(2, 1, ALERT_ACTIVE);
    text_copy(gone.alert.rule_id, sizeof gone.alert.rule_id, "an-older-rule");
    text_copy(orphan.alert.stream_id, sizeof orphan.alert.stream_id, "gate_x");
    assert_int_equal(book_restore(desk->book, &gone, now_of(desk)), 0);
    expect(desk, 1, ALERT_RESOLVED_BY, LEVEL_HIGH, ALERT_RESOLVED);
    assert_string_equal(last(desk)->alert.resolved_reason, "rule no longer configured");
    assert_int_equal(book_restore(desk->book, &orphan, now_of(desk)), 0);
    expect(desk, 2, ALERT_BLIND_CHANGED, LEVEL_HIGH, ALERT_ACTIVE);
    stay_silent(desk, 59.9);
    assert_int_equal(desk->count, 2);
    stay_silent(desk, 0.1);
    expect(desk, 3, ALERT_RESOLVED_BY, LEVEL_HIGH, ALERT_RESOLVED);
    assert_string_equal(last(desk)->alert.resolved_reason, "stream no longer configured");
}

static void figures_told(void **state)
{
    struct desk *desk = *state;
    struct book_figures figures;
    add_stream(desk, "gate_a");
    run_stream(desk, "gate_a", 1, measure_invalid(REASON_UNCALIBRATED));
    book_get_figures(desk->book, &figures);
    assert_int_equal(figures.watches, 2);
    assert_int_equal(figures.blind, 1);
    assert_int_equal(figures.open, 0);
}

int main(void)
{
#define CASE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(raised_and_cleared),
        CASE(rise_needs_acknowledging_again),
        CASE(blind_never_clears),
        CASE(lost_before_the_restart),
        CASE(every_measure_at_every_place),
        CASE(camera_lost),
        CASE(camera_that_never_came),
        CASE(late_pictures_are_no_news),
        CASE(wall_clock_jumps),
        CASE(stream_removed),
        CASE(wildcards),
        CASE(zone_vanishes),
        CASE(orders),
        CASE(test_alerts),
        CASE(restored_alert_goes_on),
        CASE(restored_without_a_home),
        CASE(figures_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
