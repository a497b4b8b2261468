/* What every kind of store shares: names of roles, and which rows can be true. */
#include "store/store.h"

#include <math.h>
#include <string.h>

#include "base/text.h"

static const char *const role_names[] = {"none", "viewer", "operator", "admin"};

const char *role_name(enum role role)
{
    return role_names[role];
}

int role_parse(const char *name, enum role *role)
{
    for (int i = ROLE_VIEWER; i <= ROLE_ADMIN; i++)
        if (strcmp(role_names[i], name) == 0) {
            *role = (enum role)i;
            return 0;
        }
    return ERR_INVALID;
}

static bool step_is_known(enum aggregate_step step)
{
    return step == STEP_1S || step == STEP_1MIN || step == STEP_1H || step == STEP_1D;
}

static const char *row_fault(const struct analytics_row *row)
{
    if (!text_is_identifier(row->stream_id))
        return "stream_id is no identifier";
    if (row->zone_id[0] && !text_is_identifier(row->zone_id))
        return "zone_id is no identifier";
    if ((unsigned)row->measure >= MEASURE_COUNT)
        return "unknown measure";
    if (!step_is_known(row->step))
        return "unknown step";
    if (row->start_ns % (row->step * NS_PER_S) != 0)
        return "start is no multiple of the step";
    if (!(row->valid_share >= 0 && row->valid_share <= 1) || row->samples < 0)
        return "valid_share or samples out of range";
    bool empty = isnan(row->mean) && isnan(row->min) && isnan(row->max);
    bool full = isfinite(row->mean) && isfinite(row->min) && isfinite(row->max) && row->min <= row->max;
    return empty || full ? NULL : "mean, min and max do not belong together";
}

int analytics_row_check(const struct analytics_row *row, struct error *error)
{
    const char *fault = row_fault(row);
    return fault ? error_set(error, ERR_INVALID, "analytics of stream '%s', place '%s': %s", row->stream_id,
                             row->zone_id, fault)
                 : 0;
}
