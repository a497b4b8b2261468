#include "pipeline/load.h"

#include <math.h>

#include "vision/network.h"

#define FLOOR_SHARE (2.0 / 3)
#define MARGIN 1.25     /* above the floor, for a rise */
#define BUSY_MOST 0.9   /* of the workers' time, for a rise that needs no cut of the rate */
#define THRIFT_UP 0.9   /* of LOAD_THRIFT, for a rise */
#define RATE_LOW 0.9    /* the rate counts as reduced below this share ... */
#define RATE_SOUND 0.97 /* ... and as sound again above this one */
#define RATE_HOLD_NS INT64_C(2000000000)

double load_floor_share(double min_fps, double target_fps)
{
    return target_fps > 0 ? fmin(min_fps / target_fps, FLOOR_SHARE) : FLOOR_SHARE;
}

const char *load_level_name(enum load_level level)
{
    static const char *const names[] = {"none", "rate", "resolution"};
    return names[level];
}

enum load_level load_level(const struct load *load)
{
    return load->rung > load->last_equal ? LOAD_RESOLUTION : load->rate_falls ? LOAD_RATE : LOAD_NORMAL;
}

struct load load_start(int workers)
{
    return (struct load){.workers = workers, .share = 1, .wanted = -1, .up_wait_ns = LOAD_UP_NS};
}

static void smooth(struct load *l, const struct load_sample *s)
{
    double wanted = s->wanted / s->seconds, analysed = s->analysed / s->seconds, busy = s->busy / s->seconds;
    if (l->wanted < 0) {
        l->wanted = wanted, l->analysed = analysed, l->busy = busy;
    } else {
        double weight = 1 - exp(-s->seconds * 1e9 / (double)LOAD_SMOOTH_NS);
        l->wanted += weight * (wanted - l->wanted);
        l->analysed += weight * (analysed - l->analysed);
        l->busy += weight * (busy - l->busy);
    }
    l->share = l->wanted > 0 ? fmin(l->analysed / l->wanted, 1) : 1;
}

/* True since when: starts or clears a clock; whether it has run for `hold_ns`. */
static bool held(int64_t *since_ns, bool condition, int64_t hold_ns, int64_t now_ns)
{
    if (!condition)
        *since_ns = 0;
    else if (*since_ns == 0)
        *since_ns = now_ns > 0 ? now_ns : 1;
    return condition && now_ns - *since_ns >= hold_ns;
}

/* Share of the workers' time that all pictures that are wanted would take: by what one costs, which goes with
 * its pixels. */
static double share_at(const struct load *l, int rung)
{
    double dearer = (double)network_rung_pixels(rung) / network_rung_pixels(l->rung);
    return l->wanted * dearer * l->busy / (l->analysed * l->workers);
}

static bool is_known(const struct load *l)
{
    return l->wanted > 0 && l->analysed > 0 && l->busy > 0;
}

/* The rung above would do. */
static bool fits_above(const struct load *l, double floor)
{
    if (!is_known(l))
        return l->wanted <= 0;
    double share = share_at(l, l->rung - 1);
    if (l->rung <= l->last_equal)
        return share <= THRIFT_UP * LOAD_THRIFT;
    return fmin(1, MARGIN * floor) * share <= BUSY_MOST;
}

static bool is_too_dear(const struct load *l)
{
    return l->rung < l->last_equal && is_known(l) && share_at(l, l->rung) > LOAD_THRIFT;
}

static void change_rung(struct load *l, int step, int64_t now_ns)
{
    if (step < 0) {
        l->raised_ns = now_ns;
    } else if (l->raised_ns > 0 && now_ns - l->raised_ns < LOAD_RELAPSE_NS) {
        l->up_wait_ns = 2 * l->up_wait_ns < LOAD_UP_MOST_NS ? 2 * l->up_wait_ns : LOAD_UP_MOST_NS;
    } else if (l->raised_ns > 0) {
        l->up_wait_ns = LOAD_UP_NS;
    }
    l->rung += step;
    l->rung_since_ns = now_ns;
    l->low_since_ns = l->fit_since_ns = 0;
    l->wanted = -1; /* what was measured at another size says nothing any more */
}

static void update_rung(struct load *l, const struct load_sample *s, int64_t now_ns)
{
    bool overloaded = l->wanted > 0 && l->share < s->floor;
    bool down = s->has_ladder && l->rung + 1 < NETWORK_RUNGS && (overloaded || is_too_dear(l));
    bool up = l->rung > 0 && (!s->has_ladder || fits_above(l, s->floor));
    if (held(&l->low_since_ns, down, LOAD_DOWN_NS, now_ns))
        change_rung(l, 1, now_ns);
    else if (held(&l->fit_since_ns, up, s->has_ladder ? l->up_wait_ns : LOAD_UP_NS, now_ns))
        change_rung(l, -1, now_ns);
}

bool load_update(struct load *l, const struct load_sample *s, int64_t now_ns)
{
    enum load_level level = load_level(l);
    l->last_equal = s->last_equal;
    smooth(l, s);
    bool turned = l->rate_falls ? l->share > RATE_SOUND : l->share < RATE_LOW;
    bool changed = held(&l->rate_since_ns, turned, RATE_HOLD_NS, now_ns);
    if (changed) {
        l->rate_falls = !l->rate_falls;
        l->rate_since_ns = 0;
    }
    update_rung(l, s, now_ns);
    return changed || load_level(l) != level;
}
