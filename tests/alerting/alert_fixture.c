#include "alert_fixture.h"

#include <math.h>

#include "base/text.h"

struct alert_rule fixture_density_rule(void)
{
    struct alert_rule rule = {
        .id = "crowding",
        .stream = "*",
        .zone = "north",
        .measure = MEASURE_DENSITY_PEAK,
        .thresholds = {NAN, 1.6, 2.0, 3.5, 5.0},
        .for_ns = {0, 10 * NS_PER_S, 10 * NS_PER_S, 10 * NS_PER_S, 5 * NS_PER_S},
        .clear_below = 1.36,
        .clear_for_ns = 30 * NS_PER_S,
        .action = "Close gate A.",
    };
    return rule;
}

struct alert_rule fixture_lost_rule(void)
{
    struct alert_rule rule = {
        .id = "camera-lost",
        .stream = "*",
        .measure = MEASURE_PICTURE_AGE,
        .thresholds = {NAN, NAN, NAN, 5.0, NAN},
        .clear_below = 4,
        .clear_for_ns = 5 * NS_PER_S,
    };
    return rule;
}

struct instant fixture_instant(int64_t ms)
{
    return (struct instant){.wall_ns = WALL_START + ms * NS_PER_MS, .mono_ns = NS_PER_S + ms * NS_PER_MS};
}

struct snapshot fixture_alert_snapshot(const char *stream_id, struct instant capture,
                                       struct measure density_north)
{
    static const struct zone north = {.id = "north", .kind = ZONE_MOVING},
                             stage = {.id = "stage", .kind = ZONE_STANDING};
    static const struct line door = {.id = "door"};
    static _Thread_local struct zone_state zones[2];
    static _Thread_local struct line_state lines[1];
    struct snapshot snapshot = {
        .capture = capture, .zone_count = 2, .zones = zones, .line_count = 1, .lines = lines};
    text_copy(snapshot.stream_id, sizeof snapshot.stream_id, stream_id);
    measure_set_clear(&snapshot.measures);
    zones[0].zone = &north;
    zones[1].zone = &stage;
    lines[0].line = &door;
    measure_set_clear(&zones[0].measures);
    measure_set_clear(&zones[1].measures);
    measure_set_clear(&lines[0].measures);
    zones[0].measures.of[MEASURE_DENSITY_PEAK] = density_north;
    zones[1].measures.of[MEASURE_DENSITY_PEAK] = measure_exact(0);
    lines[0].measures.of[MEASURE_FLOW_IN] = measure_exact(0);
    return snapshot;
}

struct alert_event fixture_event(int number, int64_t version, enum alert_state state)
{
    struct alert_event event = {.kind = version == 1 ? ALERT_RAISED : ALERT_COMMENTED, .version = version};
    struct alert *alert = &event.alert;
    text_format(alert->alert_id, sizeof alert->alert_id, "alert-%04d", number);
    text_copy(alert->rule_id, sizeof alert->rule_id, "crowding");
    text_copy(alert->stream_id, sizeof alert->stream_id, "gate_a");
    text_copy(alert->zone_id, sizeof alert->zone_id, "north");
    text_copy(alert->message, sizeof alert->message, "Zone north of camera gate_a: it is full.");
    alert->measure = MEASURE_DENSITY_PEAK;
    alert->level = alert->peak_level = LEVEL_HIGH;
    alert->state = state;
    alert->value = 3.75;
    alert->threshold = 3.5;
    alert->raised_ns = WALL_START + number * NS_PER_S;
    alert->updated_ns = alert->raised_ns + version * NS_PER_S;
    if (state == ALERT_ACKNOWLEDGED) {
        alert->acknowledged_ns = alert->updated_ns;
        text_copy(alert->acknowledged_by, sizeof alert->acknowledged_by, "maria");
    }
    return event;
}
