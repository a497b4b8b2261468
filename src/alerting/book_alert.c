#include "alerting/book_alert.h"

#include <string.h>

#include "alerting/rules.h"
#include "base/text.h"

/* As it is stored, so that an alert is the same from every source. */
static int64_t to_millisecond(int64_t wall_ns)
{
    return wall_ns / NS_PER_MS * NS_PER_MS;
}

void alert_begin(struct alert *alert, const struct alert_rule *rule, const char *stream_id,
                 const char *zone_id, struct instant now)
{
    text_copy(alert->rule_id, sizeof alert->rule_id, rule->id);
    text_copy(alert->stream_id, sizeof alert->stream_id, stream_id);
    text_copy(alert->zone_id, sizeof alert->zone_id, zone_id);
    text_copy(alert->action, sizeof alert->action, rule->action);
    alert->measure = rule->measure;
    alert->state = ALERT_ACTIVE;
    alert->raised_ns = to_millisecond(now.wall_ns);
}

void alert_begin_test(struct alert *alert, const char *who, struct instant now)
{
    alert->is_test = true;
    alert->level = alert->peak_level = LEVEL_LOW;
    alert->state = ALERT_ACTIVE;
    alert->raised_ns = to_millisecond(now.wall_ns);
    text_format(alert->message, sizeof alert->message, "Test alert raised by %s. Nothing has happened.", who);
    text_copy(alert->action, sizeof alert->action, "Acknowledge it to prove that alerts reach you.");
}

void alert_set_level(struct alert *alert, const struct alert_rule *rule, enum alert_level level, double value)
{
    alert->level = level;
    if (level > alert->peak_level)
        alert->peak_level = level;
    alert->value = value;
    alert->threshold = rule->thresholds[level];
    rule_message(alert, NULL, alert->message);
}

void alert_acknowledge(struct alert *alert, const char *who, struct instant now)
{
    alert->state = ALERT_ACKNOWLEDGED;
    alert->acknowledged_ns = to_millisecond(now.wall_ns);
    text_copy(alert->acknowledged_by, sizeof alert->acknowledged_by, who);
}

void alert_unacknowledge(struct alert *alert)
{
    alert->state = ALERT_ACTIVE;
    alert->acknowledged_ns = 0;
    alert->acknowledged_by[0] = '\0';
}

void alert_event_resolve(struct alert_event *event, const char *who, const char *reason, struct instant now)
{
    struct alert *alert = &event->alert;
    alert->state = ALERT_RESOLVED;
    alert->resolved_ns = to_millisecond(now.wall_ns);
    text_copy(alert->resolved_by, sizeof alert->resolved_by, who);
    text_copy(alert->resolved_reason, sizeof alert->resolved_reason, reason);
}

void alert_event_advance(struct alert_event *event, enum alert_event_kind kind, const char *who,
                         struct instant now)
{
    event->kind = kind;
    event->version++;
    event->seq = 0;
    event->alert.updated_ns = to_millisecond(now.wall_ns);
    text_copy(event->who, sizeof event->who, who);
}
