#include "pipeline/counting.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/* Below this share of the people the boxes do as well alone. */
static const double LEAST_SHARE = 0.05;
static const int64_t GRACE_NS = 2 * NS_PER_S;

void counting_init(struct counting *counting, const struct counting_config *config)
{
    *counting = (struct counting){.config = config, .is_useful = true};
}

void counting_free(struct counting *counting)
{
    free(counting->cells);
    counting->cells = NULL;
    counting->has_reading = false;
}

static int64_t interval(const struct counting *c)
{
    return c->is_useful || c->config->mode == COUNTING_DENSITY ? c->config->interval_ns
                                                               : c->config->idle_interval_ns;
}

bool counting_is_due(const struct counting *counting, int64_t now_ns)
{
    const struct counting *c = counting;
    if (c->config->mode == COUNTING_BOXES)
        return false;
    return !c->has_reading || now_ns - c->taken_ns >= interval(c) || now_ns < c->taken_ns;
}

int counting_take(struct counting *counting, const struct count_reading *reading, int64_t now_ns,
                  struct error *error)
{
    struct counting *c = counting;
    size_t cells = (size_t)reading->map.columns * (size_t)reading->map.rows;
    if (cells > c->capacity) {
        float *grown = realloc(c->cells, cells * sizeof *grown);
        if (grown == NULL)
            return error_nomem(error, "a density map");
        c->cells = grown;
        c->capacity = cells;
    }
    memcpy(c->cells, reading->map.people, cells * sizeof *c->cells);
    c->reading = *reading;
    c->reading.map.people = c->cells;
    c->has_reading = true;
    c->taken_ns = now_ns;
    return 0;
}

const struct count_reading *counting_reading(const struct counting *counting, int64_t now_ns)
{
    const struct counting *c = counting;
    bool fresh = c->has_reading && now_ns >= c->taken_ns &&
                 now_ns - c->taken_ns <= 3 * c->config->idle_interval_ns + GRACE_NS;
    return fresh ? &c->reading : NULL;
}

void counting_note_share(struct counting *counting, double share)
{
    counting->is_useful = share >= LEAST_SHARE;
}
