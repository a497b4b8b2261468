/*
 * Measures: every number that the system publishes, with its unit, its 90 % interval and its validity. One
 * table names them all; the same name is used in JSON, alert rules, store, export, metrics and documentation
 * (docs/measures.md).
 */
#ifndef SCI_CORE_MEASURE_H
#define SCI_CORE_MEASURE_H

#include <stdbool.h>

enum measure_scope { SCOPE_STREAM = 1, SCOPE_ZONE = 2, SCOPE_LINE = 4 };

/* id, name, unit, decimals, scopes, whether low values are the dangerous ones, label */
#define MEASURE_TABLE(X)                                                                                     \
    X(MEASURE_PEOPLE, "people", "people", 1, SCOPE_STREAM, false, "People")                                  \
    X(MEASURE_OCCUPANCY, "occupancy", "people", 1, SCOPE_ZONE, false, "People in the zone")                  \
    X(MEASURE_OCCUPANCY_SHARE, "occupancy_share", "%", 1, SCOPE_ZONE, false, "Share of the zone's capacity") \
    X(MEASURE_OCCUPANCY_SMOOTHED, "occupancy_smoothed", "people", 1, SCOPE_ZONE, false,                      \
      "People in the zone, balanced")                                                                        \
    X(MEASURE_DENSITY_MEAN, "density_mean", "people/m2", 3, SCOPE_STREAM | SCOPE_ZONE, false,                \
      "Mean density")                                                                                        \
    X(MEASURE_DENSITY_PEAK, "density_peak", "people/m2", 3, SCOPE_STREAM | SCOPE_ZONE, false,                \
      "Peak density")                                                                                        \
    X(MEASURE_DENSITY_WORST, "density_worst", "people/m2", 3, SCOPE_STREAM | SCOPE_ZONE, false,              \
      "Worst square metre that lasts")                                                                       \
    X(MEASURE_DENSITY_TREND, "density_trend", "people/m2/min", 3, SCOPE_STREAM | SCOPE_ZONE, false,          \
      "Change of the mean density")                                                                          \
    X(MEASURE_DENSITY_FORECAST, "density_forecast", "people/m2", 3, SCOPE_STREAM | SCOPE_ZONE, false,        \
      "Mean density in one minute")                                                                          \
    X(MEASURE_TIME_TO_LIMIT, "time_to_limit", "s", 0, SCOPE_STREAM | SCOPE_ZONE, true,                       \
      "Time until the density limit")                                                                        \
    X(MEASURE_LEVEL_OF_SERVICE, "level_of_service", "level", 0, SCOPE_ZONE, false,                           \
      "Level of service (1 = A ... 6 = F)")                                                                  \
    X(MEASURE_SPEED_MEAN, "speed_mean", "m/s", 3, SCOPE_STREAM | SCOPE_ZONE, false, "Mean speed")            \
    X(MEASURE_STANDING_SHARE, "standing_share", "%", 1, SCOPE_ZONE, false, "Share of people who stand")      \
    X(MEASURE_STOP_AND_GO, "stop_and_go", "ratio", 2, SCOPE_ZONE, false, "Stop-and-go: swing of the speed")  \
    X(MEASURE_DWELL_MEAN, "dwell_mean", "s", 1, SCOPE_ZONE, false, "Mean time in the zone so far")           \
    X(MEASURE_QUEUE_LENGTH, "queue_length", "people", 1, SCOPE_ZONE, false, "People who queue")              \
    X(MEASURE_QUEUE_WAIT, "queue_wait", "s", 0, SCOPE_ZONE, false, "Expected wait in the queue")             \
    X(MEASURE_EDIE_DENSITY, "edie_density", "people/m2", 3, SCOPE_ZONE, false, "Density over 30 s")          \
    X(MEASURE_EDIE_FLOW, "edie_flow", "people/m/min", 1, SCOPE_ZONE, false, "Flow over 30 s")                \
    X(MEASURE_EDIE_SPEED, "edie_speed", "m/s", 3, SCOPE_ZONE, false, "Speed over 30 s")                      \
    X(MEASURE_PRESSURE, "pressure", "1/s2", 4, SCOPE_STREAM, false, "Crowd pressure")                        \
    X(MEASURE_PRESSURE_RATIO, "pressure_ratio", "ratio", 2, SCOPE_STREAM, false,                             \
      "Crowd pressure, of this place's usual")                                                               \
    X(MEASURE_CONGESTION_NUMBER, "congestion_number", "1/m", 3, SCOPE_STREAM, false, "Congestion number")    \
    X(MEASURE_CROWD_DANGER, "crowd_danger", "1/m3", 3, SCOPE_STREAM, false, "Crowd danger")                  \
    X(MEASURE_OSCILLATION, "oscillation", "m/s", 3, SCOPE_STREAM, false, "Collective oscillation")           \
    X(MEASURE_HOTSPOTS, "hotspots", "places", 0, SCOPE_STREAM, false, "Crowded places")                      \
    X(MEASURE_MOTION_SPEED, "motion_speed", "m/s", 3, SCOPE_STREAM | SCOPE_ZONE, false,                      \
      "Speed of what moves")                                                                                 \
    X(MEASURE_MOTION_HEADING, "motion_heading", "rad", 2, SCOPE_STREAM | SCOPE_ZONE, false,                  \
      "Direction of what moves")                                                                             \
    X(MEASURE_MOTION_ORDER, "motion_order", "ratio", 2, SCOPE_STREAM | SCOPE_ZONE, true,                     \
      "Agreement in direction of what moves")                                                                \
    X(MEASURE_MOTION_SHARE, "motion_share", "%", 1, SCOPE_STREAM | SCOPE_ZONE, false,                        \
      "Share of the ground on which something moves")                                                        \
    X(MEASURE_FLOW_IN, "flow_in", "people/min", 1, SCOPE_LINE, false, "Flow in")                             \
    X(MEASURE_FLOW_OUT, "flow_out", "people/min", 1, SCOPE_LINE, false, "Flow out")                          \
    X(MEASURE_FLOW_SPECIFIC, "flow_specific", "people/m/min", 1, SCOPE_LINE, false,                          \
      "Flow per metre of width")                                                                             \
    X(MEASURE_FLOW_CAPACITY_SHARE, "flow_capacity_share", "%", 1, SCOPE_LINE, false,                         \
      "Share of the exit's capacity")                                                                        \
    X(MEASURE_VIEW_SHIFT, "view_shift", "%", 2, SCOPE_STREAM, false, "Shift of the view, of its width")      \
    X(MEASURE_VIEW_LOST, "view_lost", "%", 0, SCOPE_STREAM | SCOPE_ZONE, false,                              \
      "Share of the view that cannot be seen")                                                               \
    X(MEASURE_PICTURE_RATE, "picture_rate", "1/s", 1, SCOPE_STREAM, true, "Pictures analysed per second")    \
    X(MEASURE_PICTURE_DELAY, "picture_delay", "s", 2, SCOPE_STREAM, false, "Growth of the pictures' delay")  \
    X(MEASURE_PICTURE_AGE, "picture_age", "s", 2, SCOPE_STREAM, false, "Age of the last picture")            \
    X(MEASURE_UNRECORDED, "unrecorded", "s", 0, SCOPE_STREAM, false, "Time without being recorded")

#define MEASURE_ENUM(id, name, unit, decimals, scopes, low_is_bad, label) id,
enum measure_id { MEASURE_TABLE(MEASURE_ENUM) MEASURE_COUNT };
#undef MEASURE_ENUM

/* Why a measure has no value. A reason is part of the result, never NULL when not valid. Static strings. */
#define REASON_NOT_MEASURED "not measured"
#define REASON_UNCALIBRATED "uncalibrated"
#define REASON_NO_PEOPLE "nobody there"
#define REASON_TOO_SHORT "not enough history"
#define REASON_NOT_VISIBLE "not in view"
#define REASON_NOT_MEASURABLE "not measurable"
#define REASON_NO_PICTURE "no picture"
/* What is wrong with the pictures has reasons of its own: core/health.h. */
#define REASON_NOT_RISING "not rising"
#define REASON_NO_WIDTH "width not stated"
#define REASON_NOTHING_MOVES "nothing moves"
#define REASON_NOT_RECORDED "not to be recorded"

struct measure {
    double value;
    double low, high; /* bounds of the 90 % interval; both equal to value when exact */
    bool valid;
    const char *reason; /* static text; NULL when valid */
};

struct measure_info {
    enum measure_id id;
    const char *name;
    const char *unit;
    int decimals;
    unsigned scopes; /* of enum measure_scope */
    bool low_is_bad;
    const char *label;
};

const struct measure_info *measure_info(enum measure_id id);
/* NULL when no measure has that name. */
const struct measure_info *measure_find(const char *name);

struct measure measure_exact(double value);
struct measure measure_between(double value, double low, double high);
struct measure measure_invalid(const char *reason); /* `reason`: static text */

#endif
