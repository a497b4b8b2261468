#include "load.h"

#include <math.h>

#include "base/clock.h"

#define CAMERAS                                                                                              \
    "streams:\n"                                                                                             \
    "  - {stream_id: a, uri: rtsp://h/a, zones: [{id: z, polygon: [[0, 0], [1, 0], [1, 1]], kind: "          \
    "standing}],\n"                                                                                          \
    "     lines: [{id: door, points: [[0, 0], [1, 1]]}]}\n"                                                  \
    "  - {stream_id: b, uri: rtsp://h/b, zones: [{id: y, polygon: [[0, 0], [1, 0], [1, 1]]},\n"              \
    "     {id: x, polygon: [[0, 0], [1, 0], [1, 1]]}]}\n"                                                    \
    "  - {stream_id: c, uri: rtsp://h/c, zones: [{id: x, polygon: [[0, 0], [1, 0], [1, 1]], kind: "          \
    "standing}]}\n"                                                                                          \
    "alerts: {rules: [\n"

static void test_rules_that_are_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *rule, *report; /* of line 8 */
    } cases[] = {
        {"{measure: people, thresholds: {low: 1}}", "1: alerts.rules[0].id: missing: it has to be given"},
        {"{id: r, thresholds: {low: 1}}", "1: alerts.rules[0].measure: missing: it has to be given"},
        {"{id: r, measure: peple, thresholds: {low: 1}}",
         "18: alerts.rules[0].measure: expected one of 40 words (docs/configuration.md), got 'peple' (did "
         "you "
         "mean 'people'?)"},
        {"{id: r, stream: d, measure: people, thresholds: {low: 1}}",
         "17: alerts.rules[0].stream: there is no stream 'd'"},
        {"{id: r, zone: zz, measure: occupancy, thresholds: {low: 1}}",
         "15: alerts.rules[0].zone: there is no zone or line 'zz' in any stream"},
        {"{id: r, stream: b, zone: z, measure: occupancy, thresholds: {low: 1}}",
         "26: alerts.rules[0].zone: there is no zone or line 'z' in stream b"},
        {"{id: r, measure: occupancy, thresholds: {low: 1}}",
         "18: alerts.rules[0].measure: occupancy belongs to zones: name one, or \"*\""},
        {"{id: r, measure: flow_in, zone: z, thresholds: {low: 1}}",
         "18: alerts.rules[0].measure: flow_in belongs to lines: name one as zone, or \"*\""},
        {"{id: r, measure: people, zone: z, thresholds: {low: 1}}",
         "18: alerts.rules[0].measure: people belongs to a stream as a whole: leave zone out"},
        {"{id: r, measure: density_mean, zone: door, thresholds: {low: 1}}",
         "18: alerts.rules[0].measure: density_mean belongs to streams and zones, not lines"},
        {"{id: r, measure: people}", "1: alerts.rules[0].thresholds: missing: at least one of low, medium, "
                                     "high, critical has to be given"},
        {"{id: r, measure: density_mean}", "1: alerts.rules[0].thresholds: missing: at least one of low, "
                                           "medium, high, critical has to be given, unless the "
                                           "rule is for one zone"},
        {"{id: r, measure: density_mean, zone: x}", /* of two kinds */
         "1: alerts.rules[0].thresholds: missing: at least one of low, medium, high, critical has to be "
         "given, unless the "
         "rule is for one zone"},
        {"{id: r, measure: people, thresholds: {low: 5, high: 5}}",
         "38: alerts.rules[0].thresholds: HIGH (5) has to be above LOW (5)"},
        {"{id: r, measure: people, thresholds: {medum: 5}}",
         "39: alerts.rules[0].thresholds.medum: unknown key (did you mean 'medium'?)"},
        {"{id: r, measure: people, thresholds: 5}",
         "38: alerts.rules[0].thresholds: expected a mapping of keys, got '5'"},
        {"{id: r, measure: people, thresholds: {low: 5}, clear_below: 6}",
         "61: alerts.rules[0].clear_below: 6 is beyond the threshold of LOW (5): the alert would clear while "
         "it holds"},
        {"{id: r, measure: people, thresholds: {low: 5}, for: 5}",
         "53: alerts.rules[0].for: expected a duration such as 5s, 200ms or 2m, got '5'"},
        {"{id: r, measure: people, thresholds: {low: 5}, for: {low: x}}",
         "59: alerts.rules[0].for.low: expected a duration such as 5s, 200ms or 2m, got 'x'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer text = {0}, report = {0};
        buffer_printf(&text, CAMERAS "%s]}\n", cases[i].rule);
        buffer_printf(&report, "t.yaml:8:%s\n", cases[i].report);
        const char *wanted = report.data;
        struct error error = {0};
        struct config *config = NULL;
        struct buffer got = {0};
        assert_int_equal(config_load_text(text.data, text.size, "t.yaml", &config, &got, &error),
                         ERR_INVALID);
        /* A wrong word may bring a second complaint with it; the one that is meant has to be there. */
        if (strstr(got.data, wanted) == NULL) {
            fail_msg("%s\ngave     %s\nexpected %s", cases[i].rule, got.data, wanted);
        }
        buffer_free(&text);
        buffer_free(&report);
        buffer_free(&got);
    }
    assert_report("alerts: {rules: [{id: r, measure: people, thresholds: {low: 1}},\n"
                  "{id: r, measure: people, thresholds: {low: 1}}]}\n",
                  "t.yaml:2:6: alerts.rules[1].id: 'r' is repeated: alerts.rules[0] has this id\n");
}

static const struct alert_rule *find_rule(const struct config *config, const char *id)
{
    for (size_t i = 0; i < config->alerts.rule_count; i++) {
        if (strcmp(config->alerts.rules[i].id, id) == 0) {
            return &config->alerts.rules[i];
        }
    }
    return NULL;
}

static void assert_thresholds(const struct alert_rule *rule, double low, double medium, double high,
                              double critical)
{
    const double wanted[] = {
        [LEVEL_LOW] = low, [LEVEL_MEDIUM] = medium, [LEVEL_HIGH] = high, [LEVEL_CRITICAL] = critical};
    for (int level = LEVEL_LOW; level <= LEVEL_CRITICAL; level++) {
        double got = rule->thresholds[level];
        assert_true(isnan(wanted[level]) ? isnan(got) : got == wanted[level]);
    }
}

static void test_built_in_rules(void **state)
{
    (void)state;
    struct config *config = load_right("{}");
    assert_int_equal(config->alerts.rule_count, 6);
    const struct alert_rule *moving = find_rule(config, "density-moving");
    assert_thresholds(moving, 1.6, 2.0, 3.5, 5.0);
    assert_string_equal(moving->stream, "*");
    assert_string_equal(moving->zone, "*");
    assert_int_equal(moving->zone_kinds, 1 << ZONE_MOVING);
    assert_int_equal(moving->measure, MEASURE_DENSITY_PEAK);
    assert_int_equal(moving->for_ns[LEVEL_MEDIUM], 10 * NS_PER_S);
    assert_int_equal(moving->for_ns[LEVEL_CRITICAL], 5 * NS_PER_S);
    assert_true(fabs(moving->clear_below - 0.85 * 1.6) < 1e-12);
    assert_int_equal(moving->clear_for_ns, 30 * NS_PER_S);
    const struct alert_rule *standing = find_rule(config, "density-standing");
    assert_thresholds(standing, 2.4, 3.0, 4.7, 6.0);
    assert_int_equal(standing->zone_kinds, 1 << ZONE_STANDING);
    assert_int_equal(find_rule(config, "density-exit")->zone_kinds, 1 << ZONE_EXIT);
    const struct alert_rule *lost = find_rule(config, "camera-lost");
    assert_thresholds(lost, NAN, NAN, 5, NAN);
    assert_string_equal(lost->zone, "");
    assert_int_equal(lost->measure, MEASURE_PICTURE_AGE);
    assert_int_equal(lost->for_ns[LEVEL_HIGH], 0);
    assert_true(lost->action[0] != '\0');
    assert_thresholds(find_rule(config, "camera-moved"), NAN, NAN, 0.5, NAN);
    assert_int_equal(find_rule(config, "camera-moved")->measure, MEASURE_VIEW_SHIFT);
    assert_thresholds(find_rule(config, "view-blind"), NAN, NAN, 20, NAN);
    assert_int_equal(find_rule(config, "view-blind")->measure, MEASURE_VIEW_LOST);
    config_unref(&config);

    config = load_right("alerts: {defaults: false}");
    assert_int_equal(config->alerts.rule_count, 0);
    config_unref(&config);

    config =
        load_right("alerts: {rules: [{id: camera-lost, measure: picture_age, thresholds: {critical: 20}}]}");
    assert_int_equal(config->alerts.rule_count, 6);
    assert_thresholds(find_rule(config, "camera-lost"), NAN, NAN, NAN, 20);
    config_unref(&config);
}

static void test_rules_of_ones_own(void **state)
{
    (void)state;
    struct config *config =
        load_right(CAMERAS "{id: kind, zone: z, measure: density_mean},\n"
                           "{id: two, stream: b, zone: x, measure: density_peak, for: 3s},\n"
                           "{id: line, zone: door, measure: flow_out, thresholds: {medium: 40, high: 60},\n"
                           " for: {high: 1m}, clear_below: 20, clear_for: 0s, action: Open gate 2.},\n"
                           "{id: all, zone: \"*\", measure: occupancy, thresholds: {high: 9}}]}\n");
    const struct alert_rule *kind = find_rule(config, "kind");
    assert_thresholds(kind, 2.4, 3.0, 4.7, 6.0);
    assert_string_equal(kind->stream, "*");
    assert_int_equal(kind->zone_kinds, 0);
    const struct alert_rule *two = find_rule(config, "two");
    assert_thresholds(two, 1.6, 2.0, 3.5, 5.0);
    for (int level = LEVEL_LOW; level <= LEVEL_CRITICAL; level++) {
        assert_int_equal(two->for_ns[level], 3 * NS_PER_S);
    }
    const struct alert_rule *line = find_rule(config, "line");
    assert_thresholds(line, NAN, 40, 60, NAN);
    assert_int_equal(line->for_ns[LEVEL_MEDIUM], 10 * NS_PER_S);
    assert_int_equal(line->for_ns[LEVEL_HIGH], 60 * NS_PER_S);
    assert_true(line->clear_below == 20);
    assert_int_equal(line->clear_for_ns, 0);
    assert_string_equal(line->action, "Open gate 2.");
    assert_true(fabs(find_rule(config, "all")->clear_below - 7.65) < 1e-12);
    config_unref(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules_that_are_wrong),
        cmocka_unit_test(test_built_in_rules),
        cmocka_unit_test(test_rules_of_ones_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
