/*
 * When a camera's density network is due, and what it said last. A value inside the camera's path; one thread
 * at a time. Stream time.
 */
#ifndef SCI_PIPELINE_COUNTING_H
#define SCI_PIPELINE_COUNTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "config/config.h"
#include "core/count_map.h"

struct counting {
    const struct counting_config *config; /* lent */
    struct count_reading reading;         /* its map is our own copy */
    float *cells;
    size_t capacity;
    bool has_reading, is_useful;
    int64_t taken_ns;
};

void counting_init(struct counting *counting, const struct counting_config *config);
void counting_free(struct counting *counting);

/* At the first picture; then every `interval`, or every `idle_interval` while the last one added nothing. */
bool counting_is_due(const struct counting *counting, int64_t now_ns);
int counting_take(struct counting *counting, const struct count_reading *reading, int64_t now_ns,
                  struct error *error);
/* The last one; NULL when there is none, or it is older than three times idle_interval and two seconds. */
const struct count_reading *counting_reading(const struct counting *counting, int64_t now_ns);
/* What share of the people it has counted. */
void counting_note_share(struct counting *counting, double share);

#endif
