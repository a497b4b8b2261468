#include "core/alert.h"

#include <string.h>

static int name_index(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return (int)i;
    return ERR_INVALID;
}

static const char *const level_names[LEVEL_COUNT] = {"NONE", "LOW", "MEDIUM", "HIGH", "CRITICAL"};
static const char *const state_names[] = {"active", "acknowledged", "resolved"};
static const char *const event_names[] = {"raised",   "level_changed", "blind_changed", "acknowledged",
                                          "resolved", "cleared",       "commented"};

bool alert_rule_low_is_bad(const struct alert_rule *rule)
{
    return rule->direction == RULE_OF_MEASURE ? measure_info(rule->measure)->low_is_bad
                                              : rule->direction == RULE_BELOW;
}

const char *alert_level_name(enum alert_level level)
{
    return level_names[level];
}

int alert_level_parse(const char *name, enum alert_level *level)
{
    int i = name_index(level_names, LEVEL_COUNT, name);
    if (i < 0)
        return i;
    *level = (enum alert_level)i;
    return 0;
}

const char *alert_state_name(enum alert_state state)
{
    return state_names[state];
}

int alert_state_parse(const char *name, enum alert_state *state)
{
    int i = name_index(state_names, sizeof state_names / sizeof *state_names, name);
    if (i < 0)
        return i;
    *state = (enum alert_state)i;
    return 0;
}

const char *alert_event_kind_name(enum alert_event_kind kind)
{
    return event_names[kind];
}

static void put_text_or_null(struct json_writer *w, const char *key, const char *text)
{
    json_put_string(w, key, text[0] ? text : NULL);
}

static void put_time_or_null(struct json_writer *w, const char *key, int64_t wall_ns)
{
    if (wall_ns)
        json_put_time(w, key, wall_ns);
    else
        json_put_null(w, key);
}

void alert_write_json(struct json_writer *w, const struct alert *alert)
{
    const struct measure_info *info = measure_info(alert->measure);
    json_put_string(w, "alert_id", alert->alert_id);
    json_put_string(w, "level", alert_level_name(alert->level));
    json_put_string(w, "peak_level", alert_level_name(alert->peak_level));
    json_put_string(w, "state", alert_state_name(alert->state));
    json_put_bool(w, "blind", alert->blind);
    json_put_string(w, "message", alert->message);
    put_text_or_null(w, "action", alert->action);
    put_text_or_null(w, "rule_id", alert->rule_id);
    put_text_or_null(w, "stream_id", alert->stream_id);
    put_text_or_null(w, "zone_id", alert->zone_id);
    json_put_string(w, "measure", alert->is_test ? NULL : info->name);
    json_put_string(w, "unit", alert->is_test ? NULL : info->unit);
    json_put_number(w, "value", alert->value, info->decimals);
    json_put_number(w, "threshold", alert->threshold, info->decimals);
    json_put_bool(w, "is_test", alert->is_test);
    json_put_time(w, "raised", alert->raised_ns);
    json_put_time(w, "updated", alert->updated_ns);
    put_time_or_null(w, "acknowledged", alert->acknowledged_ns);
    put_text_or_null(w, "acknowledged_by", alert->acknowledged_by);
    put_time_or_null(w, "resolved", alert->resolved_ns);
    put_text_or_null(w, "resolved_by", alert->resolved_by);
    put_text_or_null(w, "resolved_reason", alert->resolved_reason);
    put_text_or_null(w, "comment", alert->comment);
    put_text_or_null(w, "picture", alert->picture);
}

void alert_event_write_json(struct json_writer *w, const struct alert_event *event)
{
    json_object_begin(w);
    json_put_string(w, "type", "alert");
    json_put_int(w, "schema", 1);
    if (event->seq > 0)
        json_put_int(w, "seq", event->seq);
    else
        json_put_null(w, "seq");
    json_put_string(w, "event", alert_event_kind_name(event->kind));
    json_put_int(w, "version", event->version);
    put_text_or_null(w, "who", event->who);
    json_put_time(w, "timestamp", event->alert.updated_ns);
    alert_write_json(w, &event->alert);
    json_object_end(w);
}
