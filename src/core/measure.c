#include "core/measure.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#define MEASURE_ROW(id, name, unit, decimals, scopes, low_is_bad, label)                                     \
    {id, name, unit, decimals, scopes, low_is_bad, label},
static const struct measure_info table[MEASURE_COUNT] = {MEASURE_TABLE(MEASURE_ROW)};
#undef MEASURE_ROW

const struct measure_info *measure_info(enum measure_id id)
{
    return &table[id];
}

const struct measure_info *measure_find(const char *name)
{
    for (size_t i = 0; i < MEASURE_COUNT; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

struct measure measure_exact(double value)
{
    return measure_between(value, value, value);
}

struct measure measure_between(double value, double low, double high)
{
    if (!isfinite(value))
        return measure_invalid(REASON_NOT_MEASURABLE);
    return (struct measure){.value = value, .low = low, .high = high, .valid = true, .reason = NULL};
}

struct measure measure_invalid(const char *reason)
{
    return (struct measure){.value = NAN, .low = NAN, .high = NAN, .valid = false, .reason = reason};
}
