/*
 * One rule at one place: from a measure's values over time to what they mean. Pure: no clock, no I/O, no
 * memory of its own.
 *
 * - A level is reached while the value is at or beyond its threshold (alert_rule_low_is_bad says which side
 * that is), and holds once that has lasted for the level's time. The highest level that holds counts.
 * - It is clear when the value has stayed on the safe side of `clear_below` for `clear_for_ns`. In between
 * nothing changes (hysteresis).
 * - Two reasons for having no value are findings and not silence: REASON_NOT_RISING (there is no time to a
 * limit, because it is not being approached) and REASON_NO_PEOPLE (nobody there who could walk, wait or
 * queue). They count as a value on the safe side.
 * - While the measure is not valid for another reason nothing lasts: the time to a level stands still for
 * RULE_PAUSE_NS, then starts anew (a moment's doubt must not put off an alert); the time to clear starts anew
 * at once. It is blind after RULE_BLIND_AFTER_NS, or at once when there is no picture.
 */
#ifndef SCI_ALERTING_RULES_H
#define SCI_ALERTING_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "core/alert.h"
#include "core/measure.h"

#define RULE_PAUSE_NS (5 * NS_PER_S)
#define RULE_BLIND_AFTER_NS (1 * NS_PER_S)

struct rule_state { /* begin with zeros */
    bool seen;      /* the rest counts */
    bool was_valid; /* at the last look */
    int64_t last_ns;
    int64_t invalid_since_ns;
    bool reached[LEVEL_COUNT];
    int64_t held_ns[LEVEL_COUNT];
    bool below;
    int64_t below_ns;
};

struct rule_result {
    enum alert_level level; /* highest that holds, or LEVEL_NONE */
    bool clear;
    bool has_value; /* the measure has one that counts */
    bool known;     /* it has, or is known to be on the safe side */
    bool blind;
};

/* One look at the measure. `mono_ns` is monotonic; one that goes back counts as no time at all. */
struct rule_result rule_look(const struct alert_rule *rule, struct rule_state *state,
                             const struct measure *measure, int64_t mono_ns);

/* Whether the value is on the safe side of clear_below. */
bool rule_is_safe(const struct alert_rule *rule, double value);
/* Whether the value is at or beyond the threshold (NaN: never). */
bool rule_reaches(const struct alert_rule *rule, double value, double threshold);

/* The sentence for the operator. `reason`: why it is blind, or NULL. */
void rule_message(const struct alert *alert, const char *reason, char out[ALERT_MESSAGE_MAX]);
/* "back below 1.7 people/m2 for 30 s" */
void rule_clear_reason(const struct alert_rule *rule, char out[ALERT_COMMENT_MAX]);

#endif
