/* The key table's part of the alert rules. */
#include "config/check.h"
#include "config/keys.h"

static const char *const direction_choices[] = {"of_measure", "above", "below", NULL};
#define MEASURE_NAME(id, name, unit, decimals, scopes, low_is_bad, label) name,
static const char *const measure_choices[] = {MEASURE_TABLE(MEASURE_NAME) NULL};
#undef MEASURE_NAME

#define THRESHOLD_KEY(level_name, level, description)                                                        \
    {                                                                                                        \
        .name = level_name, .type = KEY_NUMBER, .offset = (level) * sizeof(double), .least = -1e12,          \
        .most = 1e12, .optional = true, .restarts = RESTARTS_NOTHING, .text = description                    \
    }
static const struct config_key threshold_keys[] = {
    THRESHOLD_KEY("low", LEVEL_LOW, "Value from which the alert is LOW."),
    THRESHOLD_KEY("medium", LEVEL_MEDIUM, "MEDIUM (amber)."),
    THRESHOLD_KEY("high", LEVEL_HIGH, "HIGH (red)."),
    THRESHOLD_KEY("critical", LEVEL_CRITICAL, "CRITICAL."),
};
static NEW_SECTION(section_thresholds, NULL, double[LEVEL_COUNT], threshold_keys);

#define PERSISTENCE_KEY(level_name, level, default_text)                                                     \
    {                                                                                                        \
        .name = level_name, .type = KEY_DURATION, .offset = (level) * sizeof(int64_t), .least = 0,           \
        .most = 86400, .unit = "s", .fallback = default_text, .restarts = RESTARTS_NOTHING,                  \
        .text = "Persistence of this level."                                                                 \
    }
static const struct config_key persistence_keys[] = {
    PERSISTENCE_KEY("low", LEVEL_LOW, "10s"),
    PERSISTENCE_KEY("medium", LEVEL_MEDIUM, "10s"),
    PERSISTENCE_KEY("high", LEVEL_HIGH, "10s"),
    PERSISTENCE_KEY("critical", LEVEL_CRITICAL, "5s"),
};
static NEW_SECTION(section_persistence, NULL, int64_t[LEVEL_COUNT], persistence_keys);

#define RULE(member) offsetof(struct alert_rule, member)
static const struct config_key rule_keys[] = {
    {.name = "id",
     .type = KEY_IDENTIFIER,
     .offset = RULE(id),
     .restarts = RESTARTS_NOTHING,
     .text = "Name of the rule, unique. The name of a built-in rule replaces it."},
    {.name = "stream",
     .type = KEY_IDENTIFIER,
     .offset = RULE(stream),
     .size = 1,
     .fallback = "*",
     .restarts = RESTARTS_NOTHING,
     .text = "Stream that it holds for; \"*\" = every stream, also those made over the API."},
    {.name = "zone",
     .type = KEY_IDENTIFIER,
     .offset = RULE(zone),
     .size = 1,
     .optional = true,
     .restarts = RESTARTS_NOTHING,
     .text = "Zone or line that it holds for; \"*\" = every one that has the measure; left out: the stream "
             "as a whole."},
    {.name = "measure",
     .type = KEY_CHOICE,
     .offset = RULE(measure),
     .choices = measure_choices,
     .restarts = RESTARTS_NOTHING,
     .text = "Name of a measure (docs/measures.md)."},
    {.name = "direction",
     .type = KEY_CHOICE,
     .offset = RULE(direction),
     .choices = direction_choices,
     .fallback = "of_measure",
     .restarts = RESTARTS_NOTHING,
     .text = "Which side of a threshold is the dangerous one. of_measure: below for time_to_limit, above for "
             "all others."},
    {.name = "thresholds",
     .type = KEY_SECTION,
     .offset = RULE(thresholds),
     .section = &section_thresholds,
     .restarts = RESTARTS_NOTHING,
     .text = "One value per level that shall exist. A rule for density in one zone may leave them out and "
             "has those of the zone's kind."},
    {.name = "for",
     .type = KEY_SECTION,
     .offset = RULE(for_ns),
     .section = &section_persistence,
     .spreads = true,
     .restarts = RESTARTS_NOTHING,
     .text = "How long a level has to hold before it counts: one duration, or one per level."},
    {.name = "clear_below",
     .type = KEY_NUMBER,
     .offset = RULE(clear_below),
     .least = -1e12,
     .most = 1e12,
     .optional = true,
     .restarts = RESTARTS_NOTHING,
     .text = "Value below which the alert clears (direction below: above which). Left out: 15 % off the "
             "lowest level's threshold."},
    {.name = "clear_for",
     .type = KEY_DURATION,
     .offset = RULE(clear_for_ns),
     .fallback = "30s",
     .least = 0,
     .most = 86400,
     .unit = "s",
     .restarts = RESTARTS_NOTHING,
     .text = "How long it has to stay below."},
    {.name = "action",
     .type = KEY_FIXED_TEXT,
     .offset = RULE(action),
     .size = RULE_ACTION_MAX,
     .fallback = "",
     .restarts = RESTARTS_NOTHING,
     .text = "What the operator should do; shown with the alert."},
};
static NEW_SECTION(section_rule, "Alert rules", struct alert_rule, rule_keys, .check = check_rule);

static const struct config_key alerts_keys[] = {
    {.name = "defaults",
     .type = KEY_BOOL,
     .offset = IN(alerts, defaults),
     .fallback = "true",
     .restarts = RESTARTS_NOTHING,
     .text = "Whether the built-in rules hold beside those below."},
    {.name = "journal",
     .type = KEY_TEXT,
     .offset = IN(alerts, journal),
     .fallback = "var/alerts.journal",
     .restarts = RESTARTS_PROCESS,
     .text = "File in which every change of an alert is safe before it is published."},
    {.name = "journal_size",
     .type = KEY_BYTES,
     .offset = IN(alerts, journal_bytes),
     .fallback = "4MiB",
     .least = 65536,
     .most = 1073741824,
     .unit = "bytes",
     .restarts = RESTARTS_PROCESS,
     .text = "Size of that file, taken from the disk at the first start."},
    {.name = "rules",
     .type = KEY_LIST,
     .offset = IN(alerts, rules),
     .count_offset = IN(alerts, rule_count),
     .size = 1000,
     .section = &section_rule,
     .restarts = RESTARTS_NOTHING,
     .text = "Rules of your own."},
};
NEW_SECTION(section_alerts, "Alerts", PART(alerts), alerts_keys);
