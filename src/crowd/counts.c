#include "crowd/counts.h"

#include <math.h>

/* 90 % of a normal distribution. */
static const double Z90 = 1.6449;
/*
 * Detector and tracker are wrong in both directions: of a hundred published people some three are not there,
 * fewer among those with a high score, more among those not seen in this picture; and some are hidden. Found
 * on frames 1-397 of PETS 2009 S2.L1 (docs/measures.md, "Counts").
 */
static const double DOUBT_AT_ZERO_SCORE = 0.12;
static const double COASTED_PRESENCE = 0.85;
static const double MISSED_SHARE = 0.06;
static const double MISSED_LEAST = 0.1;

double track_presence(const struct track *track)
{
    const double score = fmin(1, fmax(0, (double)track->score));
    return (1 - DOUBT_AT_ZERO_SCORE * (1 - score)) * (track->coasted ? COASTED_PRESENCE : 1);
}

void count_add(struct count_sum *sum, double presence, double inside, int is_inside)
{
    const double p = presence * inside;
    sum->counted += is_inside ? 1 : 0;
    sum->expected += p;
    sum->variance += p * (1 - p);
}

struct measure count_measure(const struct count_sum *sum)
{
    const double missed = MISSED_SHARE * sum->counted + MISSED_LEAST;
    const double centre = fmin(sum->counted, sum->expected);
    const double low = fmax(0, centre - Z90 * sqrt(sum->variance));
    const double high = fmax(sum->counted, sum->expected) + missed + Z90 * sqrt(sum->variance + missed);
    return measure_between(sum->counted, fmin(low, sum->counted), high);
}

double inside_probability(double d, double sigma)
{
    return sigma > 0 ? 0.5 * erfc(-d / (sigma * sqrt(2))) : d >= 0;
}

struct measure measure_scaled(struct measure measure, double factor)
{
    return measure.valid
               ? measure_between(measure.value * factor, measure.low * factor, measure.high * factor)
               : measure;
}
