/*
 * Alert rules. Thresholds by kind of zone: Fruin's, Still's and the Green Guide's limits as in
 * docs/configuration.md; persistence 10 s for amber and red, 5 s for critical; clearing at 15 % below for 30
 * s.
 */
#include "config/rules.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "config/check.h"
#include "core/measure.h"

enum { BUILT_IN_COUNT = 6, CAMERA_LOST_CLEAR_S = 5 };

void rule_set_kind_thresholds(struct alert_rule *rule, enum zone_kind kind)
{
    bool standing = kind == ZONE_STANDING;
    rule->thresholds[LEVEL_LOW] = standing ? 2.4 : 1.6;
    rule->thresholds[LEVEL_MEDIUM] = standing ? 3.0 : 2.0;
    rule->thresholds[LEVEL_HIGH] = standing ? 4.7 : 3.5;
    rule->thresholds[LEVEL_CRITICAL] = standing ? 6.0 : 5.0;
}

static bool has_threshold(const struct alert_rule *rule)
{
    for (int level = LEVEL_LOW; level <= LEVEL_CRITICAL; level++) {
        if (!isnan(rule->thresholds[level])) {
            return true;
        }
    }
    return false;
}

void rule_complete(struct alert_rule *rule)
{
    if (!isnan(rule->clear_below)) {
        return;
    }
    for (int level = LEVEL_LOW; level <= LEVEL_CRITICAL; level++) {
        double threshold = rule->thresholds[level];
        if (!isnan(threshold)) {
            double margin = 0.15 * fabs(threshold);
            rule->clear_below = alert_rule_low_is_bad(rule) ? threshold + margin : threshold - margin;
            return;
        }
    }
}

static void set_text_and_times(struct alert_rule *rule, const char *id, const char *zone,
                               enum measure_id measure, const char *action)
{
    *rule = (struct alert_rule){.measure = measure, .clear_below = NAN, .clear_for_ns = 30 * NS_PER_S};
    text_copy(rule->id, sizeof rule->id, id);
    text_copy(rule->stream, sizeof rule->stream, "*");
    text_copy(rule->zone, sizeof rule->zone, zone);
    text_copy(rule->action, sizeof rule->action, action);
    rule->thresholds[LEVEL_NONE] = NAN;
    for (int level = LEVEL_LOW; level <= LEVEL_CRITICAL; level++) {
        rule->thresholds[level] = NAN;
        rule->for_ns[level] = (level == LEVEL_CRITICAL ? 5 : 10) * NS_PER_S;
    }
}

static void build_in_rules(struct alert_rule rules[BUILT_IN_COUNT])
{
    static const struct {
        const char *id, *action;
    } by_kind[] = {
        [ZONE_MOVING] = {"density-moving",
                         "Look at the zone. Slow down or stop the inflow; keep the way out clear."},
        [ZONE_STANDING] = {"density-standing",
                           "Look at the zone. Stop the inflow; send people to where there is room."},
        [ZONE_EXIT] = {"density-exit",
                       "Look at the exit. Open further exits; keep people from turning back."},
    };
    for (int kind = ZONE_MOVING; kind <= ZONE_EXIT; kind++) {
        set_text_and_times(&rules[kind], by_kind[kind].id, "*", MEASURE_DENSITY_PEAK, by_kind[kind].action);
        rules[kind].zone_kinds = 1U << kind;
        rule_set_kind_thresholds(&rules[kind], (enum zone_kind)kind);
    }
    struct alert_rule *lost = &rules[BUILT_IN_COUNT - 3], *blind = lost + 1, *moved = lost + 2;
    set_text_and_times(lost, "camera-lost", "", MEASURE_PICTURE_AGE,
                       "Nothing is seen there: send somebody, and have the camera looked at.");
    lost->thresholds[LEVEL_HIGH] = 5;
    memset(lost->for_ns, 0, sizeof lost->for_ns);
    lost->clear_for_ns = CAMERA_LOST_CLEAR_S * NS_PER_S;
    set_text_and_times(blind, "view-blind", "", MEASURE_VIEW_LOST,
                       "Part of the place is not seen: send somebody there, and have the lens looked at.");
    blind->thresholds[LEVEL_HIGH] = 20;
    blind->for_ns[LEVEL_HIGH] = 3 * NS_PER_S;
    blind->clear_for_ns = 10 * NS_PER_S;
    set_text_and_times(
        moved, "camera-moved", "", MEASURE_VIEW_SHIFT,
        "Its density, speeds and zones do not count until it is put back, or calibrated and accepted "
        "anew.");
    moved->thresholds[LEVEL_HIGH] = 0.5;
    moved->clear_for_ns = 10 * NS_PER_S;
    for (int i = 0; i < BUILT_IN_COUNT; i++) {
        rule_complete(&rules[i]);
    }
}

/* Higher levels need worse values. */
int check_rule(struct config_reader *reader, const struct node *node, void *base)
{
    const struct alert_rule *rule = base;
    bool low_is_bad = alert_rule_low_is_bad(rule);
    int before = LEVEL_NONE;
    for (int level = LEVEL_LOW; level <= LEVEL_CRITICAL; level++) {
        double threshold = rule->thresholds[level];
        if (isnan(threshold)) {
            continue;
        }
        if (before != LEVEL_NONE) {
            double lower = rule->thresholds[before];
            if (low_is_bad ? threshold >= lower : threshold <= lower) {
                reader_complain(reader, node_get(node, "thresholds"), "thresholds",
                                "%s (%g) has to be %s %s (%g)", alert_level_name((enum alert_level)level),
                                threshold, low_is_bad ? "below" : "above",
                                alert_level_name((enum alert_level)before), lower);
                return 0;
            }
        }
        before = level;
    }
    return 0;
}

struct rule_place {
    struct config_reader *reader;
    const struct node *node;
    const struct config *config;
    struct alert_rule *rule;
};

static bool is_density(enum measure_id measure)
{
    return measure == MEASURE_DENSITY_PEAK || measure == MEASURE_DENSITY_MEAN ||
           measure == MEASURE_DENSITY_WORST;
}

static bool stream_matches(const struct alert_rule *rule, const struct stream_config *stream)
{
    return strcmp(rule->stream, "*") == 0 || strcmp(rule->stream, stream->stream_id) == 0;
}

static const char *stream_name_at(const void *context, size_t index)
{
    return ((const struct config *)context)->streams[index].stream_id;
}

static bool check_rule_stream(const struct rule_place *place)
{
    const struct config *config = place->config;
    const char *stream = place->rule->stream;
    if (strcmp(stream, "*") == 0 || stream[0] == '\0' || config_find_stream(config, stream) != NULL) {
        return true;
    }
    const char *near = nearest_word(stream, stream_name_at, config, config->stream_count);
    reader_complain(place->reader, node_get(place->node, "stream"), "stream", "there is no stream '%s'%s%s%s",
                    stream, near != NULL ? " (did you mean '" : "", near != NULL ? near : "",
                    near != NULL ? "'?)" : "");
    return false;
}

/* What the rule's zone is in the streams that the rule holds for. */
struct found_place {
    bool zone, line, mixed_kinds;
    enum zone_kind kind;
};

static void look_in_stream(const struct stream_config *stream, const char *id, struct found_place *found)
{
    for (size_t i = 0; i < stream->zone_count; i++) {
        if (strcmp(stream->zones[i].id, id) == 0) {
            found->mixed_kinds |= found->zone && found->kind != stream->zones[i].kind;
            found->zone = true;
            found->kind = stream->zones[i].kind;
        }
    }
    for (size_t i = 0; i < stream->line_count; i++) {
        found->line |= strcmp(stream->lines[i].id, id) == 0;
    }
}

static struct found_place find_place(const struct config *config, const struct alert_rule *rule)
{
    struct found_place found = {0};
    for (size_t i = 0; i < config->stream_count; i++) {
        if (stream_matches(rule, &config->streams[i])) {
            look_in_stream(&config->streams[i], rule->zone, &found);
        }
    }
    return found;
}

static const char *scope_words(unsigned scopes)
{
    switch (scopes) {
    case SCOPE_STREAM:
        return "a stream as a whole: leave zone out";
    case SCOPE_ZONE:
        return "zones: name one, or \"*\"";
    case SCOPE_LINE:
        return "lines: name one as zone, or \"*\"";
    case SCOPE_STREAM | SCOPE_ZONE:
        return "streams and zones, not lines";
    default:
        return "other places";
    }
}

static bool check_rule_place(const struct rule_place *place, struct found_place *found)
{
    const struct alert_rule *rule = place->rule;
    const struct measure_info *info = measure_info(rule->measure);
    bool every = strcmp(rule->zone, "*") == 0;
    unsigned scopes = rule->zone[0] == '\0' ? SCOPE_STREAM : every ? (SCOPE_ZONE | SCOPE_LINE) : 0;
    if (scopes == 0) {
        *found = find_place(place->config, rule);
        scopes = (found->zone ? SCOPE_ZONE : 0U) | (found->line ? SCOPE_LINE : 0U);
    }
    if (scopes == 0) {
        reader_complain(place->reader, node_get(place->node, "zone"), "zone",
                        "there is no zone or line '%s' in %s%s", rule->zone,
                        strcmp(rule->stream, "*") == 0 ? "any stream" : "stream ",
                        strcmp(rule->stream, "*") == 0 ? "" : rule->stream);
        return false;
    }
    if ((info->scopes & scopes) == 0) {
        reader_complain(place->reader, node_get(place->node, "measure"), "measure", "%s belongs to %s",
                        info->name, scope_words(info->scopes));
        return false;
    }
    return true;
}

static void check_rule_thresholds(const struct rule_place *place, const struct found_place *found)
{
    struct alert_rule *rule = place->rule;
    const struct node *given = node_get(place->node, "thresholds");
    if (has_threshold(rule)) {
        return;
    }
    if (is_density(rule->measure) && found->zone && !found->mixed_kinds && node_is_absent(given)) {
        rule_set_kind_thresholds(rule, found->kind);
        return;
    }
    reader_complain(place->reader, given != NULL ? given : place->node, "thresholds",
                    "missing: at least one of low, medium, high, critical has to be given%s",
                    is_density(rule->measure) ? ", unless the rule is for one zone" : "");
}

static void check_clearing(const struct rule_place *place)
{
    const struct alert_rule *rule = place->rule;
    bool low_is_bad = alert_rule_low_is_bad(rule);
    for (int level = LEVEL_LOW; level <= LEVEL_CRITICAL; level++) {
        double threshold = rule->thresholds[level];
        if (!isnan(threshold) &&
            (low_is_bad ? rule->clear_below < threshold : rule->clear_below > threshold)) {
            reader_complain(place->reader, node_get(place->node, "clear_below"), "clear_below",
                            "%g is beyond the threshold of %s (%g): the alert would clear while it holds",
                            rule->clear_below, alert_level_name((enum alert_level)level), threshold);
            return;
        }
    }
}

static void check_whole_rule(const struct rule_place *place)
{
    struct found_place found = {0};
    if (check_rule_stream(place) && check_rule_place(place, &found)) {
        check_rule_thresholds(place, &found);
        rule_complete(place->rule);
        check_clearing(place);
    }
}

static void check_repeated_rule(const struct rule_place *place, size_t index)
{
    const struct alert_rule *rules = place->config->alerts.rules;
    for (size_t i = 0; i < index && rules[index].id[0] != '\0'; i++) {
        if (strcmp(rules[i].id, rules[index].id) == 0) {
            const struct node *id = node_get(place->node, "id");
            reader_complain(place->reader, id != NULL ? id : place->node, "id",
                            "'%s' is repeated: alerts.rules[%zu] has this id", rules[index].id, i);
            return;
        }
    }
}

static bool rule_exists(const struct config *config, size_t count, const char *id)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(config->alerts.rules[i].id, id) == 0) {
            return true;
        }
    }
    return false;
}

static int add_built_in_rules(struct config *config)
{
    struct alert_rule built_in[BUILT_IN_COUNT];
    build_in_rules(built_in);
    size_t written = config->alerts.rule_count;
    struct alert_rule *rules = realloc(config->alerts.rules, (written + BUILT_IN_COUNT) * sizeof *rules);
    if (rules == NULL) {
        return ERR_NOMEM;
    }
    config->alerts.rules = rules;
    for (size_t i = 0; i < BUILT_IN_COUNT; i++) {
        if (!rule_exists(config, written, built_in[i].id)) {
            rules[config->alerts.rule_count++] = built_in[i];
        }
    }
    return 0;
}

int rules_finish(struct config_reader *reader, const struct node *alerts, struct config *config)
{
    const struct node *rules = node_get(alerts, "rules");
    size_t outer = path_push(reader, "alerts.rules");
    for (size_t i = 0; i < config->alerts.rule_count; i++) {
        const struct node *node = rules != NULL && i < rules->count ? rules->entries[i].value : NULL;
        struct rule_place place = {reader, node, config, &config->alerts.rules[i]};
        size_t length = path_push_index(reader, i);
        if (node != NULL && node->kind == NODE_MAP) {
            check_repeated_rule(&place, i);
            check_whole_rule(&place);
        }
        path_pop(reader, length);
    }
    path_pop(reader, outer);
    return config->alerts.defaults ? add_built_in_rules(config) : 0;
}
