/*
 * A number of people with its 90 % interval: what was counted, who of it may not be there, and who is there
 * and was not counted.
 */
#ifndef SCI_CROWD_COUNTS_H
#define SCI_CROWD_COUNTS_H

#include "core/measure.h"
#include "core/track.h"

struct count_sum {
    double counted;
    double variance; /* of those counted: sum of p (1 - p) */
    double expected; /* sum of p */
};

/* Probability that a published track is a person who is there. */
double track_presence(const struct track *track);
/* `inside`: probability that the person is in the place counted; `is_inside`: where the best estimate puts
 * them. */
void count_add(struct count_sum *sum, double presence, double inside, int is_inside);
struct measure count_measure(const struct count_sum *sum);
/* Probability that a point at distance d inside (negative: outside) of a border is inside, with an error of
 * sigma. */
double inside_probability(double d, double sigma);
/* Same value and interval, divided by an area or a capacity. */
struct measure measure_scaled(struct measure measure, double factor);

#endif
