/*
 * One person under track, private to src/track: filter, what was seen of them lately, and their life.
 * Plain value; owns nothing.
 */
#ifndef SCI_TRACK_PERSON_H
#define SCI_TRACK_PERSON_H

#include <stdbool.h>
#include <stdint.h>

#include "core/track.h"
#include "track/tracker.h"

enum { HISTORY_MAX = 64 };

struct sighting {
    int64_t time_ns;
    struct box box;
};

struct person {
    int64_t id; /* 0 until confirmed */
    int hits;
    bool confirmed, found; /* found: in the present picture */
    int64_t born_ns, seen_ns;
    float score;
    struct box_filter filter;
    struct box_filter seen_filter; /* as it was right after the last sighting */
    struct ground_filter ground;   /* not valid without a camera model */
    struct box predicted;          /* for the present picture, before it was looked at */
    struct box seen;               /* last detection */
    uint32_t history_count;        /* ever; the newest HISTORY_MAX are kept */
    struct sighting history[HISTORY_MAX];
};

void person_start(struct person *p, const struct detection *d, int64_t time_ns,
                  const struct tracker_params *params);
void person_predict(struct person *p, double seconds, const struct tracker_params *params);
/* Seen again: after a gap the filter goes back to the last sighting and runs along the straight line to the
 * new one. */
void person_see(struct person *p, const struct detection *d, int64_t time_ns, double frame_s,
                const struct tracker_params *params);
void person_move(struct person *p, const double a[4], const double b[2]);
/* Direction of motion over the last `seconds` of sightings, of length 1; false when there is none. */
bool person_direction(const struct person *p, double seconds, struct point *direction, struct point *from);
/* Least-squares velocity of the middle of the box's bottom edge over the last second, pixels per second. */
bool person_velocity(const struct person *p, struct point *velocity);

#endif
