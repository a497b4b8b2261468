#include "alerting/rules.h"

#include <math.h>
#include <string.h>

bool rule_reaches(const struct alert_rule *rule, double value, double threshold)
{
    return alert_rule_low_is_bad(rule) ? value <= threshold : value >= threshold;
}

bool rule_is_safe(const struct alert_rule *rule, double value)
{
    return alert_rule_low_is_bad(rule) ? value > rule->clear_below : value < rule->clear_below;
}

static void count_time(bool now, bool *before, int64_t *held_ns, int64_t passed_ns)
{
    *held_ns = now && *before ? *held_ns + passed_ns : 0;
    *before = now;
}

static void look_at_value(const struct alert_rule *rule, struct rule_state *state, double value,
                          int64_t passed_ns)
{
    for (int level = LEVEL_LOW; level < LEVEL_COUNT; level++)
        count_time(rule_reaches(rule, value, rule->thresholds[level]), &state->reached[level],
                   &state->held_ns[level], passed_ns);
    count_time(rule_is_safe(rule, value), &state->below, &state->below_ns, passed_ns);
}

static void look_at_safety(struct rule_state *state, int64_t passed_ns)
{
    memset(state->reached, 0, sizeof state->reached);
    memset(state->held_ns, 0, sizeof state->held_ns);
    count_time(true, &state->below, &state->below_ns, passed_ns);
}

static bool is_safe_by_reason(const struct measure *measure)
{
    return !measure->valid && measure->reason &&
           (strcmp(measure->reason, REASON_NOT_RISING) == 0 ||
            strcmp(measure->reason, REASON_NO_PEOPLE) == 0);
}

static void look_at_nothing(struct rule_state *state, int64_t mono_ns)
{
    if (!state->seen || state->was_valid)
        state->invalid_since_ns = mono_ns;
    state->below = false;
    state->below_ns = 0;
    if (mono_ns - state->invalid_since_ns > RULE_PAUSE_NS)
        memset(state->reached, 0, sizeof state->reached);
}

static enum alert_level level_held(const struct alert_rule *rule, const struct rule_state *state)
{
    for (int level = LEVEL_CRITICAL; level > LEVEL_NONE; level--)
        if (state->reached[level] && state->held_ns[level] >= rule->for_ns[level])
            return (enum alert_level)level;
    return LEVEL_NONE;
}

static bool is_blind(const struct rule_state *state, const struct measure *measure, int64_t mono_ns)
{
    bool no_picture = measure->reason && strcmp(measure->reason, REASON_NO_PICTURE) == 0;
    return no_picture || mono_ns - state->invalid_since_ns >= RULE_BLIND_AFTER_NS;
}

struct rule_result rule_look(const struct alert_rule *rule, struct rule_state *state,
                             const struct measure *measure, int64_t mono_ns)
{
    struct rule_result result = {.level = LEVEL_NONE};
    if (state->seen && mono_ns < state->last_ns)
        mono_ns = state->last_ns;
    result.has_value = measure->valid && isfinite(measure->value);
    result.known = result.has_value || is_safe_by_reason(measure);
    if (result.known) {
        int64_t passed_ns = state->seen && state->was_valid ? mono_ns - state->last_ns : 0;
        if (result.has_value)
            look_at_value(rule, state, measure->value, passed_ns);
        else
            look_at_safety(state, passed_ns);
        result.level = level_held(rule, state);
        result.clear = state->below && state->below_ns >= rule->clear_for_ns;
    } else {
        look_at_nothing(state, mono_ns);
        result.blind = is_blind(state, measure, mono_ns);
    }
    state->seen = true;
    state->was_valid = result.known;
    state->last_ns = mono_ns;
    return result;
}
