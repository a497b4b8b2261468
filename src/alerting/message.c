/* Alerts in words: one sentence that says where, how much, and which limit. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "alerting/rules.h"
#include "base/text.h"

enum { NUMBER_SIZE = 48, PLACE_SIZE = 2 * ID_SIZE + 32 };

/* "3.5", not "3.500": a person reads it. */
static void write_number(double value, int decimals, char out[NUMBER_SIZE])
{
    if (!(fabs(value) < 1e15)) {
        text_copy(out, NUMBER_SIZE, "?");
        return;
    }
    (void)snprintf(out, NUMBER_SIZE, "%.*f", decimals, value);
    if (!strchr(out, '.'))
        return;
    size_t size = strlen(out);
    while (out[size - 1] == '0')
        size--;
    if (out[size - 1] == '.')
        size--;
    out[size] = '\0';
}

static void write_place(const struct alert *alert, char out[PLACE_SIZE])
{
    if (alert->zone_id[0] == '\0')
        text_format(out, PLACE_SIZE, "Camera %s", alert->stream_id);
    else
        text_format(out, PLACE_SIZE, "%s %s of camera %s",
                    measure_info(alert->measure)->scopes == SCOPE_LINE ? "Line" : "Zone", alert->zone_id,
                    alert->stream_id);
}

/* What was measured where the unit does not say it already. */
static void write_label(const struct measure_info *info, char *out, size_t size)
{
    out[0] = '\0';
    if (strcmp(info->unit, "people") == 0)
        return;
    text_format(out, size, " (%s)", info->label);
    out[2] = (char)tolower((unsigned char)out[2]);
    char *remark = strstr(out + 2, " (");
    if (remark)
        text_copy(remark, size - (size_t)(remark - out), ")");
}

/* Which side the latest value is on, which need not be the one it was on when the alert was raised. */
static const char *relation(const struct alert *alert)
{
    if (alert->value == alert->threshold)
        return "at";
    return alert->value > alert->threshold ? "over" : "under";
}

static void write_sentence(const struct alert *alert, char out[ALERT_MESSAGE_MAX])
{
    const struct measure_info *info = measure_info(alert->measure);
    char place[PLACE_SIZE], value[NUMBER_SIZE], limit[NUMBER_SIZE], label[80];
    write_place(alert, place);
    write_number(alert->value, info->decimals < 2 ? info->decimals : 2, value);
    write_number(alert->threshold, info->decimals, limit);
    write_label(info, label, sizeof label);
    if (alert->measure == MEASURE_PICTURE_AGE)
        text_format(out, ALERT_MESSAGE_MAX, "%s: no picture for %s s; the %s limit is %s s.", place, value,
                    alert_level_name(alert->level), limit);
    else if (alert->measure == MEASURE_VIEW_SHIFT)
        text_format(out, ALERT_MESSAGE_MAX,
                    "%s: the camera has moved: its view by %s %% of its width; the %s limit is %s %%.", place,
                    value, alert_level_name(alert->level), limit);
    else if (alert->measure == MEASURE_VIEW_LOST)
        text_format(out, ALERT_MESSAGE_MAX, "%s: %s %% of the view cannot be seen; the %s limit is %s %%.",
                    place, value, alert_level_name(alert->level), limit);
    else
        text_format(out, ALERT_MESSAGE_MAX, "%s: %s %s%s, %s the %s limit of %s.", place, value, info->unit,
                    label, relation(alert), alert_level_name(alert->level), limit);
}

void rule_message(const struct alert *alert, const char *reason, char out[ALERT_MESSAGE_MAX])
{
    write_sentence(alert, out);
    size_t size = strlen(out);
    if (alert->blind)
        text_format(out + size, ALERT_MESSAGE_MAX - size, " Blind at present: %s.",
                    reason ? reason : REASON_NOT_MEASURED);
}

void rule_clear_reason(const struct alert_rule *rule, char out[ALERT_COMMENT_MAX])
{
    const struct measure_info *info = measure_info(rule->measure);
    char limit[NUMBER_SIZE], duration[NUMBER_SIZE];
    write_number(rule->clear_below, info->decimals, limit);
    write_number((double)rule->clear_for_ns / (double)NS_PER_S, 1, duration);
    text_format(out, ALERT_COMMENT_MAX, "%s %s %s for %s s", alert_rule_low_is_bad(rule) ? "above" : "below",
                limit, info->unit, duration);
}
