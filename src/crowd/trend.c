#include "crowd/trend.h"

#include <math.h>

static const double Z90 = 1.6449;
static const double CORRELATION_S = 5;
static const unsigned LEAST_SAMPLES = 20;
static const double HORIZON_S = 60;
static const double LONGEST_S = 3600;

void trend_add(struct trend *trend, int64_t now_ns, const struct measure *value)
{
    struct trend *t = trend;
    const int64_t second = now_ns / 1000000000;
    if (second != t->current && t->n > 0) {
        t->value[t->head] = t->sum / t->n;
        t->second[t->head] = t->current;
        t->head = (t->head + 1) % TREND_SAMPLES;
        t->count += t->count < TREND_SAMPLES;
        t->sum = 0;
        t->n = 0;
    }
    t->current = second;
    if (value->valid) {
        t->sum += value->value;
        t->n += 1;
    }
}

struct fit {
    double n, slope, now; /* per second; the line's height now */
    double slope_variance, now_variance, ahead_variance;
};

static struct fit fit_line(const struct trend *t, int64_t now)
{
    double n = 0;
    double sx = 0;
    double sy = 0;
    double sxx = 0;
    double sxy = 0;
    double syy = 0;
    for (unsigned k = 0; k < t->count; k++) {
        const double x = (double)(t->second[k] - now);
        if (x < -(TREND_SAMPLES + 1)) {
            continue; /* before a gap */
        }
        n += 1;
        sx += x;
        sy += t->value[k];
        sxx += x * x;
        sxy += x * t->value[k];
        syy += t->value[k] * t->value[k];
    }
    struct fit f = {.n = n};
    const double d = sxx - sx * sx / n;
    if (n < LEAST_SAMPLES || !(d > 0)) {
        f.n = 0;
        return f;
    }
    f.slope = (sxy - sx * sy / n) / d;
    f.now = (sy - f.slope * sx) / n;
    const double left = fmax(0, syy - sy * sy / n - f.slope * f.slope * d) / (n - 2) * CORRELATION_S;
    const double mean = sx / n;
    f.slope_variance = left / d;
    f.now_variance = left * (1 / n + mean * mean / d);
    f.ahead_variance = left * (1 / n + (HORIZON_S - mean) * (HORIZON_S - mean) / d) + left / CORRELATION_S;
    return f;
}

/*
 * People come one by one: a change of n people is uncertain by sqrt(n) (Poisson), and by one who is just
 * crossing the border, however well a line fits.
 */
static void add_counting_error(struct fit *f, double one_person)
{
    const double change = fabs(f->slope) * f->n;
    const double variance = (change * one_person + one_person * one_person) / (f->n * f->n);
    f->slope_variance += variance;
    f->ahead_variance += variance * HORIZON_S * HORIZON_S;
}

static struct measure time_to(const struct fit *f, double limit)
{
    if (f->now >= limit) {
        return measure_exact(0);
    }
    const double spread = Z90 * sqrt(f->slope_variance);
    const double slowest = f->slope - spread;
    if (!(slowest > 0) || (limit - f->now) / f->slope > LONGEST_S) {
        return measure_invalid(REASON_NOT_RISING);
    }
    const double gap = limit - f->now;
    const double near = fmax(0, gap - Z90 * sqrt(f->now_variance)) / (f->slope + spread);
    const double far = (gap + Z90 * sqrt(f->now_variance)) / slowest;
    return measure_between(gap / f->slope, near, fmin(LONGEST_S, fmax(far, gap / f->slope)));
}

struct trend_result trend_measure(const struct trend *trend, int64_t now_ns, double one_person, double limit)
{
    struct fit f = fit_line(trend, now_ns / 1000000000);
    if (!(f.n > 0)) {
        const struct measure none = measure_invalid(REASON_TOO_SHORT);
        return (struct trend_result){none, none, none};
    }
    add_counting_error(&f, one_person);
    const double change = 60 * Z90 * sqrt(f.slope_variance);
    const double ahead = fmax(0, f.now + f.slope * HORIZON_S);
    const double spread = Z90 * sqrt(f.ahead_variance);
    return (struct trend_result){
        measure_between(60 * f.slope, 60 * f.slope - change, 60 * f.slope + change),
        measure_between(ahead, fmax(0, ahead - spread), ahead + spread),
        time_to(&f, limit),
    };
}
