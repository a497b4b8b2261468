#include "core/health.h"

#define HEALTH_ROW(id, code, effect, reason, text) {code, effect, reason, text},
static const struct health_info table[HEALTH_FLAG_COUNT] = {HEALTH_TABLE(HEALTH_ROW)};
#undef HEALTH_ROW

const struct health_info *health_info(enum health_flag flag)
{
    return &table[flag];
}

enum health_flag health_worst(unsigned flags)
{
    for (int i = 0; i < HEALTH_FLAG_COUNT; i++)
        if (flags >> i & 1U)
            return (enum health_flag)i;
    return HEALTH_FLAG_COUNT;
}

void health_write_json(struct json_writer *w, const struct health *health, bool since)
{
    json_array_begin(w);
    for (int i = 0; i < HEALTH_FLAG_COUNT; i++) {
        if (!health_has(health, (enum health_flag)i))
            continue;
        json_object_begin(w);
        json_put_string(w, "code", table[i].code);
        json_put_string(w, "text", table[i].text);
        if (since)
            json_put_time(w, "since", health->since_wall_ns[i]);
        json_object_end(w);
    }
    json_array_end(w);
}
