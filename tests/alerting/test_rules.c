// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include <math.h>
#include <string.h>

#include "alert_fixture.h"
#include "alerting/rules.h"

enum { STEPS_MAX = 16, STEP_MS = 100 };
#define INVALID NAN

/* From `from_s` on the value is so; at its end (`to_s`, included) the rule says this. Looked at every 100 ms.
 */
struct step {
    double from_s, to_s, value;
    enum alert_level level;
    bool clear, blind;
};

struct script {
    const char *what;
    struct step steps[STEPS_MAX];
};

static const struct script scripts[] = {
    {"nothing below the lowest threshold", {{0, 60, 1.59, LEVEL_NONE, false, false}}},
    {"at the threshold counts",
     {{0, 9.9, 1.6, LEVEL_NONE, false, false}, {10, 10, 1.6, LEVEL_LOW, false, false}}},
    {"it has to last",
     {{0, 9, 2.5, LEVEL_NONE, false, false},
      {9.1, 9.1, 1.5, LEVEL_NONE, false, false},
      {9.2, 19.1, 2.5, LEVEL_NONE, false, false},
      {19.2, 19.2, 2.5, LEVEL_MEDIUM, false, false}}},
    {"each level has its time",
     {{0, 4.9, 5.5, LEVEL_NONE, false, false},
      {5, 9.9, 5.5, LEVEL_CRITICAL, false, false},
      {10, 12, 5.5, LEVEL_CRITICAL, false, false},
      {12.1, 12.1, 4, LEVEL_HIGH, false, false}}},
    {"lower levels go on counting while a higher one comes and goes",
     {{0, 6, 2.5, LEVEL_NONE, false, false},
      {6.1, 8, 3.6, LEVEL_NONE, false, false},
      {8.1, 9.9, 2.5, LEVEL_NONE, false, false},
      {10, 10, 2.5, LEVEL_MEDIUM, false, false}}},
    {"clears after its time below, not between",
     {{0, 12, 2.5, LEVEL_MEDIUM, false, false},
      {12.1, 60, 1.5, LEVEL_NONE, false, false},
      {60.1, 90, 1.3, LEVEL_NONE, false, false},
      {90.1, 90.1, 1.3, LEVEL_NONE, true, false}}},
    {"at clear_below is not below", {{0, 100, 1.36, LEVEL_NONE, false, false}}},
    {"one value above starts the clearing anew",
     {{0, 29, 1, LEVEL_NONE, false, false},
      {29.1, 29.1, 1.4, LEVEL_NONE, false, false},
      {29.2, 59.1, 1, LEVEL_NONE, false, false},
      {59.2, 59.2, 1, LEVEL_NONE, true, false}}},
    {"silence clears nothing",
     {{0, 29, 1, LEVEL_NONE, false, false},
      {29.1, 300, INVALID, LEVEL_NONE, false, true},
      {300.1, 330, 1, LEVEL_NONE, false, false},
      {330.1, 330.1, 1, LEVEL_NONE, true, false}}},
    {"a moment without a value only puts it off by that moment",
     {{0, 6, 2.5, LEVEL_NONE, false, false},
      {6.1, 6.9, INVALID, LEVEL_NONE, false, false},
      {7, 10.9, 2.5, LEVEL_NONE, false, false},
      {11, 11, 2.5, LEVEL_MEDIUM, false, false}}},
    {"long without a value starts anew",
     {{0, 9, 2.5, LEVEL_NONE, false, false},
      {9.1, 20, INVALID, LEVEL_NONE, false, true},
      {20.1, 30, 2.5, LEVEL_NONE, false, false},
      {30.1, 30.1, 2.5, LEVEL_MEDIUM, false, false}}},
    {"blind after a second",
     {{0, 1, 0, LEVEL_NONE, false, false},
      {1.1, 2, INVALID, LEVEL_NONE, false, false},
      {2.1, 2.1, INVALID, LEVEL_NONE, false, true},
      {2.2, 2.2, 0, LEVEL_NONE, false, false}}},
};

static void play(const struct script *script, const struct alert_rule *rule)
{
    struct rule_state state = {0};
    for (const struct step *step = script->steps; step->to_s > 0; step++) {
        struct rule_result result = {0};
        struct measure measure =
            isnan(step->value) ? measure_invalid(REASON_TOO_SHORT) : measure_exact(step->value);
        for (int64_t ms = lround(step->from_s * 1000); ms <= lround(step->to_s * 1000); ms += STEP_MS)
            result = rule_look(rule, &state, &measure, fixture_instant(ms).mono_ns);
        if (result.level != step->level || result.clear != step->clear || result.blind != step->blind)
            fail_msg("%s: at %g s: level %s, clear %d, blind %d", script->what, step->to_s,
                     alert_level_name(result.level), result.clear, result.blind);
    }
}

static void scripts_played(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        struct alert_rule rule = fixture_density_rule();
        play(&scripts[i], &rule);
    }
}

static void no_picture_is_blind_at_once(void **state)
{
    (void)state;
    struct alert_rule rule = fixture_density_rule();
    struct rule_state rule_state = {0};
    struct measure measure = measure_invalid(REASON_NO_PICTURE);
    assert_true(rule_look(&rule, &rule_state, &measure, 1000).blind);
}

/* A clock that goes back is no time passed; a value that is no number is no value. */
static void odd_input(void **state)
{
    (void)state;
    struct alert_rule rule = fixture_density_rule();
    struct rule_state rule_state = {0};
    struct measure high = measure_exact(4), odd = measure_exact(NAN);
    assert_int_equal(rule_look(&rule, &rule_state, &high, 100 * NS_PER_S).level, LEVEL_NONE);
    assert_int_equal(rule_look(&rule, &rule_state, &high, 50 * NS_PER_S).level, LEVEL_NONE);
    assert_int_equal(rule_look(&rule, &rule_state, &high, 109 * NS_PER_S).level, LEVEL_NONE);
    assert_int_equal(rule_look(&rule, &rule_state, &high, 110 * NS_PER_S).level, LEVEL_HIGH);
    assert_int_equal(rule_look(&rule, &rule_state, &odd, 111 * NS_PER_S).level, LEVEL_NONE);
    assert_true(rule_look(&rule, &rule_state, &odd, 112 * NS_PER_S).blind);
    rule.clear_below = NAN;
    struct measure low = measure_exact(0);
    rule_look(&rule, &rule_state, &low, 120 * NS_PER_S);
    assert_false(rule_look(&rule, &rule_state, &low, 1200 * NS_PER_S).clear);
}

/* Low values are the dangerous ones: by the measure itself, or because the rule says so. */
static void low_is_bad(void **state)
{
    (void)state;
    static const struct step steps[] = {
        {0, 60, 75, LEVEL_NONE, true, false},       {60.1, 70.1, 60, LEVEL_MEDIUM, false, false},
        {70.2, 79, 30, LEVEL_MEDIUM, false, false}, {79.1, 80.2, 20, LEVEL_HIGH, false, false},
        {80.3, 119, 69, LEVEL_NONE, false, false},  {119.1, 149.1, 71, LEVEL_NONE, true, false}};
    static const struct {
        enum measure_id measure;
        enum rule_direction direction;
    } rules[] = {{MEASURE_TIME_TO_LIMIT, RULE_OF_MEASURE},
                 {MEASURE_SPEED_MEAN, RULE_BELOW},
                 {MEASURE_FLOW_OUT, RULE_BELOW}};
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        struct alert_rule rule = fixture_density_rule();
        rule.measure = rules[i].measure;
        rule.direction = rules[i].direction;
        rule.thresholds[LEVEL_LOW] = rule.thresholds[LEVEL_CRITICAL] = NAN;
        rule.thresholds[LEVEL_MEDIUM] = 60;
        rule.thresholds[LEVEL_HIGH] = 30;
        rule.clear_below = 70;
        struct script script = {.what = measure_info(rule.measure)->name};
        memcpy(script.steps, steps, sizeof steps);
        play(&script, &rule);
        char reason[ALERT_COMMENT_MAX];
        rule_clear_reason(&rule, reason);
        assert_memory_equal(reason, "above 70 ", 9);
    }
    struct alert_rule running = fixture_density_rule();
    running.measure = MEASURE_TIME_TO_LIMIT;
    running.direction = RULE_ABOVE;
    assert_true(rule_reaches(&running, 5, 3));
    assert_false(rule_reaches(&running, 2, 3));
}

/* "Not rising" and "nobody there" are findings: they clear, and are not blind. Every other reason is silence.
 */
static void safe_without_a_value(void **state)
{
    (void)state;
    static const struct {
        const char *reason;
        bool safe;
    } cases[] = {{REASON_NOT_RISING, true},   {REASON_NO_PEOPLE, true},       {REASON_TOO_SHORT, false},
                 {REASON_NOT_VISIBLE, false}, {REASON_NOT_MEASURABLE, false}, {REASON_UNCALIBRATED, false},
                 {REASON_NO_PICTURE, false},  {REASON_NOT_MEASURED, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct alert_rule rule = fixture_density_rule();
        rule.measure = MEASURE_TIME_TO_LIMIT;
        struct rule_state rule_state = {0};
        const struct measure measure = measure_invalid(cases[i].reason);
        struct rule_result result = {0};
        for (int second = 0; second <= 29; second++)
            result = rule_look(&rule, &rule_state, &measure, second * NS_PER_S);
        assert_false(result.clear);
        result = rule_look(&rule, &rule_state, &measure, 30 * NS_PER_S);
        assert_int_equal(result.clear, cases[i].safe);
        assert_int_equal(result.known, cases[i].safe);
        assert_int_equal(result.blind, !cases[i].safe);
        assert_false(result.has_value);
        assert_int_equal(result.level, LEVEL_NONE);
    }
}

static void sentences(void **state)
{
    (void)state;
    static const struct {
        struct alert alert;
        const char *reason, *expected;
    } cases[] = {
        {{.stream_id = "gate_a",
          .zone_id = "north",
          .measure = MEASURE_DENSITY_PEAK,
          .level = LEVEL_HIGH,
          .value = 3.6249,
          .threshold = 3.5},
         NULL,
         "Zone north of camera gate_a: 3.62 people/m2 (peak density), over the HIGH limit of 3.5."},
        {{.stream_id = "gate_a", .measure = MEASURE_PEOPLE, .level = LEVEL_LOW, .value = 52, .threshold = 50},
         NULL,
         "Camera gate_a: 52 people, over the LOW limit of 50."},
        {{.stream_id = "gate_a",
          .zone_id = "door",
          .measure = MEASURE_FLOW_IN,
          .level = LEVEL_CRITICAL,
          .value = 82.04,
          .threshold = 82},
         NULL,
         "Line door of camera gate_a: 82 people/min (flow in), over the CRITICAL limit of 82."},
        {{.stream_id = "gate_a",
          .measure = MEASURE_PICTURE_AGE,
          .level = LEVEL_HIGH,
          .value = 5.1,
          .threshold = 5},
         NULL,
         "Camera gate_a: no picture for 5.1 s; the HIGH limit is 5 s."},
        {{.stream_id = "gate_a",
          .zone_id = "north",
          .measure = MEASURE_OCCUPANCY,
          .level = LEVEL_MEDIUM,
          .value = 12,
          .threshold = 10,
          .blind = true},
         REASON_NO_PICTURE,
         "Zone north of camera gate_a: 12 people, over the MEDIUM limit of 10. Blind at present: no "
         "picture."},
        /* Between the limits the latest value is on the other side of the one it is measured by. */
        {{.stream_id = "gate_a",
          .zone_id = "north",
          .measure = MEASURE_DENSITY_MEAN,
          .level = LEVEL_LOW,
          .value = 1.4,
          .threshold = 1.6},
         NULL,
         "Zone north of camera gate_a: 1.4 people/m2 (mean density), under the LOW limit of 1.6."},
        {{.stream_id = "gate_a",
          .measure = MEASURE_TIME_TO_LIMIT,
          .level = LEVEL_HIGH,
          .value = 41.7,
          .threshold = 60},
         NULL,
         "Camera gate_a: 42 s (time until the density limit), under the HIGH limit of 60."},
        {{.stream_id = "gate_a",
          .zone_id = "north",
          .measure = MEASURE_LEVEL_OF_SERVICE,
          .level = LEVEL_HIGH,
          .value = 5,
          .threshold = 5},
         NULL,
         "Zone north of camera gate_a: 5 level (level of service), at the HIGH limit of 5."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char message[ALERT_MESSAGE_MAX];
        rule_message(&cases[i].alert, cases[i].reason, message);
        assert_string_equal(message, cases[i].expected);
    }
    char reason[ALERT_COMMENT_MAX];
    struct alert_rule rule = fixture_density_rule();
    rule_clear_reason(&rule, reason);
    assert_string_equal(reason, "below 1.36 people/m2 for 30 s");
    /* The longest names still leave a sentence that ends in time. */
    struct alert longest = {
        .measure = MEASURE_DENSITY_PEAK, .level = LEVEL_CRITICAL, .value = 1e14, .blind = true};
    memset(longest.stream_id, 'a', ID_SIZE - 1);
    memset(longest.zone_id, 'b', ID_SIZE - 1);
    char message[ALERT_MESSAGE_MAX];
    rule_message(&longest, REASON_NO_PICTURE, message);
    assert_true(strlen(message) < ALERT_MESSAGE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scripts_played),
        cmocka_unit_test(no_picture_is_blind_at_once),
        cmocka_unit_test(odd_input),
        cmocka_unit_test(low_is_bad),
        cmocka_unit_test(safe_without_a_value),
        cmocka_unit_test(sentences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
