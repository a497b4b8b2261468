#include "crowd/line_counter.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "geo/polygon.h"

enum { EVENTS = 4096 }; /* in a minute: more than the capacity of an exit 40 m wide */
static const int64_t WINDOW_NS = 60 * NS_PER_S;
static const int64_t LEAST_WINDOW_NS = 10 * NS_PER_S;
static const double Z90 = 1.6449;
/* UK Green Guide: the most that passes a level exit, people per metre and minute. */
static const double CAPACITY_PER_M_MIN = 82;
static const double LEAST_BAND_M = 0.1;
static const double LEAST_BAND = 0.003;
/* "Clearly on one side" is further away than so many errors of the position: the first time, and on the way
 * back after a crossing. Found on 300 lines laid at random over the sample clip (docs/measures.md, "Lines").
 */
static const double CLEAR = 0.5;
static const double CLEAR_BACK = 2;

enum side { SIDE_UNKNOWN, SIDE_LEFT, SIDE_RIGHT };

struct standing {
    enum side side;
    bool has_crossed; /* to come to this side */
    struct point at;
};

struct event_ring {
    int64_t ns[EVENTS];
    size_t head, count;
};

struct counted_line {
    int64_t in, out;
    int64_t since_ns;
    bool started;
    struct event_ring events[2]; /* in, out */
};

struct line_counter {
    const struct line *lines;
    size_t count;
    struct counted_line *counted;
    struct standing *standing; /* slots * count */
    size_t slots;
};

int line_counter_create(const struct line *lines, size_t count, struct line_counter **counter,
                        struct error *error)
{
    struct line_counter *c = calloc(1, sizeof(*c));
    *counter = c;
    if (!c) {
        return error_nomem(error, "the line counter");
    }
    c->lines = lines;
    c->count = count;
    c->counted = calloc(count ? count : 1, sizeof(*c->counted));
    if (!c->counted) {
        line_counter_destroy(counter);
        return error_nomem(error, "the line counter");
    }
    return 0;
}

void line_counter_destroy(struct line_counter **counter)
{
    if (*counter) {
        free((*counter)->counted);
        free((*counter)->standing);
        free(*counter);
        *counter = NULL;
    }
}

int line_counter_reserve(struct line_counter *counter, size_t slots, struct error *error)
{
    struct line_counter *c = counter;
    if (slots <= c->slots || c->count == 0) {
        return 0;
    }
    const size_t more = slots * 2;
    struct standing *standing = realloc(c->standing, more * c->count * sizeof(*standing));
    if (!standing) {
        return error_nomem(error, "the line counter");
    }
    memset(standing + c->slots * c->count, 0, (more - c->slots) * c->count * sizeof(*standing));
    c->standing = standing;
    c->slots = more;
    return 0;
}

static double turn(struct point a, struct point b, struct point p)
{
    return (b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x);
}

/* Side by the nearest piece of the polyline; where two are equally near (at their common point), by the one
 * that p is more clearly beside. */
static enum side side_of(const struct line *line, struct point p, double *distance)
{
    double least = INFINITY;
    double best = 0;
    for (size_t i = 0; i + 1 < line->point_count; i++) {
        const struct point a = line->points[i];
        const struct point b = line->points[i + 1];
        const double d = segment_distance(a, b, p);
        const double beside = turn(a, b, p) / hypot(b.x - a.x, b.y - a.y);
        if (d < least - 1e-12 || (d <= least + 1e-12 && fabs(beside) > fabs(best))) {
            least = fmin(d, least);
            best = beside;
        }
    }
    *distance = least;
    /* In the picture y runs down, which swaps the sides. */
    const bool left = (best > 0) == (line->coordinates == COORDINATES_GROUND);
    return left ? SIDE_LEFT : SIDE_RIGHT;
}

static bool way_crosses(const struct line *line, struct point a, struct point b)
{
    for (size_t i = 0; i + 1 < line->point_count; i++) {
        const struct point c = line->points[i];
        const struct point d = line->points[i + 1];
        if ((turn(a, b, c) > 0) != (turn(a, b, d) > 0) && (turn(c, d, a) > 0) != (turn(c, d, b) > 0)) {
            return true;
        }
    }
    return false;
}

static void count_one(struct counted_line *l, bool in, int64_t now_ns)
{
    struct event_ring *r = &l->events[in ? 0 : 1];
    r->ns[r->head] = now_ns;
    r->head = (r->head + 1) % EVENTS;
    r->count += r->count < EVENTS;
    *(in ? &l->in : &l->out) += 1;
}

void line_counter_see(struct line_counter *counter, const struct line_sight *sight)
{
    struct line_counter *c = counter;
    for (size_t i = 0; i < c->count; i++) {
        struct standing *s = &c->standing[sight->slot * c->count + i];
        if (sight->fresh) {
            *s = (struct standing){0};
        }
        const bool ground = c->lines[i].coordinates == COORDINATES_GROUND;
        if (ground && !sight->ground_valid) {
            continue;
        }
        const struct point at = ground ? sight->ground : sight->pixel;
        double distance;
        const enum side side = side_of(&c->lines[i], at, &distance);
        const double clear = s->has_crossed && side != s->side ? CLEAR_BACK : CLEAR;
        if (distance <= (ground ? fmax(LEAST_BAND_M, clear * sight->ground_error)
                                : fmax(LEAST_BAND, clear * sight->pixel_error))) {
            continue;
        }
        if (s->side != SIDE_UNKNOWN && s->side != side) {
            s->has_crossed = way_crosses(&c->lines[i], s->at, at);
            if (s->has_crossed) {
                count_one(&c->counted[i], side == SIDE_RIGHT, sight->now_ns);
            }
        }
        s->side = side;
        s->at = at;
    }
}

static double events_since(const struct event_ring *r, int64_t since_ns)
{
    size_t n = 0;
    while (n < r->count && r->ns[(r->head + EVENTS - 1 - n) % EVENTS] > since_ns) {
        n++;
    }
    return (double)n;
}

/* Crossings are counted events: the interval is that of a Poisson count. */
static struct measure rate(double n, double minutes)
{
    return measure_between(n / minutes, fmax(0, n - Z90 * sqrt(n)) / minutes,
                           (n + Z90 * sqrt(n + 1)) / minutes);
}

static struct measure scaled(struct measure m, double factor)
{
    return measure_between(m.value * factor, m.low * factor, m.high * factor);
}

void line_counter_measure(struct line_counter *counter, size_t i, int64_t now_ns, bool calibrated,
                          struct line_state *state)
{
    struct counted_line *l = &counter->counted[i];
    const struct line *line = &counter->lines[i];
    if (!l->started) {
        l->started = true;
        l->since_ns = now_ns;
    }
    state->count_in = l->in;
    state->count_out = l->out;
    const int64_t window = now_ns - l->since_ns < WINDOW_NS ? now_ns - l->since_ns : WINDOW_NS;
    const char *problem = line->coordinates == COORDINATES_GROUND && !calibrated ? REASON_UNCALIBRATED
                          : window < LEAST_WINDOW_NS                             ? REASON_TOO_SHORT
                                                                                 : NULL;
    static const enum measure_id all[] = {MEASURE_FLOW_IN, MEASURE_FLOW_OUT, MEASURE_FLOW_SPECIFIC,
                                          MEASURE_FLOW_CAPACITY_SHARE};
    measure_set_clear(&state->measures);
    for (size_t k = 0; problem && k < sizeof(all) / sizeof(all[0]); k++) {
        state->measures.of[all[k]] = measure_invalid(problem);
    }
    if (problem) {
        return;
    }
    const double minutes = (double)window / 60e9;
    const double in = events_since(&l->events[0], now_ns - window);
    const double out = events_since(&l->events[1], now_ns - window);
    state->measures.of[MEASURE_FLOW_IN] = rate(in, minutes);
    state->measures.of[MEASURE_FLOW_OUT] = rate(out, minutes);
    const struct measure both = rate(in + out, minutes);
    const bool wide = line->width_m > 0;
    state->measures.of[MEASURE_FLOW_SPECIFIC] =
        wide ? scaled(both, 1 / line->width_m) : measure_invalid(REASON_NO_WIDTH);
    state->measures.of[MEASURE_FLOW_CAPACITY_SHARE] =
        wide ? scaled(both, 100 / (line->width_m * CAPACITY_PER_M_MIN)) : measure_invalid(REASON_NO_WIDTH);
}
