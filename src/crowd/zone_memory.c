#include "crowd/zone_memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

static const double Z90 = 1.6449;
/* Who is inside with this probability has entered; below the other one, has left. In between they are where
 * they were. */
static const double ENTERS = 0.7;
static const double LEAVES = 0.3;
static const double QUEUE_SPEED = 0.4; /* m/s: as in docs/measures.md, "Queue" */
static const double STANDING_SPEED = 0.2;
enum { EDIE_SECONDS = 30, EXITS = 2048 };
static const int64_t SERVICE_NS = 120 * NS_PER_S;
static const int64_t GONE_NS = 2 * NS_PER_S;
/* Of a hundred crossings, this many are missed or counted twice; and people appear unseen at this rate
 * (people2 per second). */
static const double CROSSING_VARIANCE = 0.1;
static const double DRIFT_VARIANCE_PER_S = 0.02;
/* Stop-and-go needs a crowd: a few people who stop by chance are none. */
static const double STOP_AND_GO_DENSITY = 1.0;

struct visit {
    bool inside;
    int64_t since_ns, seen_ns;
};

struct second {
    int64_t number;
    double people_s, way_m; /* Edie's sums */
    double speed_sum, speed_n;
};

struct record {
    int64_t first_ns, last_ns, now_ns;
    bool started;
    struct second seconds[EDIE_SECONDS];
    int64_t exits[EXITS];
    size_t exit_head, exit_count;
    struct balance balance;
    double in, out;                      /* in this picture */
    double people, dwell_s;              /* inside now */
    double timed, queuing, standing, dt; /* with a speed; slow; very slow */
};

struct zone_memory {
    size_t zones, slots;
    struct record *records;
    struct visit *visits; /* slots * zones */
};

int zone_memory_create(size_t zones, struct zone_memory **memory, struct error *error)
{
    struct zone_memory *m = calloc(1, sizeof(*m));
    *memory = m;
    if (!m) {
        return error_nomem(error, "the zones' memory");
    }
    m->zones = zones;
    m->records = calloc(zones ? zones : 1, sizeof(*m->records));
    if (!m->records) {
        zone_memory_destroy(memory);
        return error_nomem(error, "the zones' memory");
    }
    return 0;
}

void zone_memory_destroy(struct zone_memory **memory)
{
    if (*memory) {
        free((*memory)->records);
        free((*memory)->visits);
        free(*memory);
        *memory = NULL;
    }
}

int zone_memory_reserve(struct zone_memory *memory, size_t slots, struct error *error)
{
    struct zone_memory *m = memory;
    if (slots <= m->slots || m->zones == 0) {
        return 0;
    }
    const size_t more = slots * 2;
    struct visit *visits = realloc(m->visits, more * m->zones * sizeof(*visits));
    if (!visits) {
        return error_nomem(error, "the zones' memory");
    }
    memset(visits + m->slots * m->zones, 0, (more - m->slots) * m->zones * sizeof(*visits));
    m->visits = visits;
    m->slots = more;
    return 0;
}

void balance_update(struct balance *balance, double in, double out, double seconds, double seen,
                    double seen_variance)
{
    struct balance *b = balance;
    if (!b->started) {
        if (seen >= 0) {
            *b = (struct balance){true, seen, seen_variance};
        }
        return;
    }
    b->people = fmax(0, b->people + in - out);
    b->variance += CROSSING_VARIANCE * (in + out) + DRIFT_VARIANCE_PER_S * seconds;
    if (seen >= 0) {
        const double gain = b->variance / (b->variance + seen_variance);
        b->people += gain * (seen - b->people);
        b->variance *= 1 - gain;
    }
}

static struct second *second_at(struct record *r, int64_t now_ns)
{
    const int64_t number = now_ns / NS_PER_S;
    struct second *s = &r->seconds[(uint64_t)number % EDIE_SECONDS];
    if (s->number != number) {
        *s = (struct second){.number = number};
    }
    return s;
}

void zone_memory_begin(struct zone_memory *memory, size_t zone, int64_t now_ns)
{
    struct record *r = &memory->records[zone];
    if (!r->started) {
        r->started = true;
        r->first_ns = now_ns;
        r->last_ns = now_ns;
    } else {
        r->last_ns = r->now_ns;
    }
    r->now_ns = now_ns;
    r->dt = fmin(1, (double)(now_ns - r->last_ns) / 1e9);
    r->in = 0;
    r->out = 0;
    r->people = 0;
    r->dwell_s = 0;
    r->timed = 0;
    r->queuing = 0;
    r->standing = 0;
}

static void leave(struct record *r)
{
    r->out += 1;
    r->exits[r->exit_head] = r->now_ns;
    r->exit_head = (r->exit_head + 1) % EXITS;
    r->exit_count += r->exit_count < EXITS;
}

void zone_memory_see(struct zone_memory *memory, size_t zone, const struct zone_sight *sight)
{
    struct record *r = &memory->records[zone];
    struct visit *v = &memory->visits[sight->slot * memory->zones + zone];
    if (sight->fresh) {
        *v = (struct visit){0};
    }
    /* Who was out of sight for a while may have left and come back: their time begins anew. */
    if (v->inside && r->now_ns - v->seen_ns > GONE_NS) {
        v->inside = false;
    }
    v->seen_ns = r->now_ns;
    if (!v->inside && sight->inside >= ENTERS) {
        v->inside = true;
        v->since_ns = r->now_ns;
        r->in += sight->fresh ? 0 : 1; /* somebody new may have been there before the camera saw them */
    } else if (v->inside && sight->inside <= LEAVES) {
        v->inside = false;
        leave(r);
    }
    if (!v->inside) {
        return;
    }
    r->people += 1;
    r->dwell_s += (double)(r->now_ns - v->since_ns) / 1e9;
    struct second *s = second_at(r, r->now_ns);
    s->people_s += r->dt;
    if (sight->speed_valid) {
        r->timed += 1;
        r->queuing += sight->speed < QUEUE_SPEED;
        r->standing += sight->speed < STANDING_SPEED;
        s->way_m += sight->speed * r->dt;
        s->speed_sum += sight->speed;
        s->speed_n += 1;
    }
}

/* Share of n trials with its 90 % interval (Wilson, 1927), per cent. */
static struct measure share(double k, double n)
{
    const double p = k / n;
    const double z2 = Z90 * Z90;
    const double centre = (p + z2 / (2 * n)) / (1 + z2 / n);
    const double half = Z90 / (1 + z2 / n) * sqrt(p * (1 - p) / n + z2 / (4 * n * n));
    return measure_between(100 * p, 100 * fmax(0, fmin(p, centre - half)),
                           100 * fmin(1, fmax(p, centre + half)));
}

static double exits_since(const struct record *r, int64_t since_ns)
{
    size_t n = 0;
    while (n < r->exit_count && r->exits[(r->exit_head + EXITS - 1 - n) % EXITS] > since_ns) {
        n++;
    }
    return (double)n;
}

static void measure_queue(const struct record *r, const struct zone *zone, struct measure_set *set)
{
    if (zone->kind == ZONE_MOVING) {
        return; /* nobody queues where people walk; REASON_NOT_MEASURED leaves it out */
    }
    const struct measure occupancy = set->of[MEASURE_OCCUPANCY];
    const double doubt_low = occupancy.valid ? occupancy.value - occupancy.low : 0;
    const double doubt_high = occupancy.valid ? occupancy.high - occupancy.value : 0;
    if (!(r->timed > 0) && r->people > 0) {
        set->of[MEASURE_QUEUE_LENGTH] = measure_invalid(REASON_TOO_SHORT);
        set->of[MEASURE_QUEUE_WAIT] = measure_invalid(REASON_TOO_SHORT);
        return;
    }
    set->of[MEASURE_QUEUE_LENGTH] =
        measure_between(r->queuing, fmax(0, r->queuing - doubt_low), r->queuing + doubt_high);
    const int64_t seen = r->now_ns - r->first_ns;
    const double window_s = (double)(seen < SERVICE_NS ? seen : SERVICE_NS) / 1e9;
    const double served = exits_since(r, r->now_ns - (int64_t)(window_s * 1e9));
    if (window_s < 30) {
        set->of[MEASURE_QUEUE_WAIT] = measure_invalid(REASON_TOO_SHORT);
    } else if (served < 1) {
        set->of[MEASURE_QUEUE_WAIT] =
            r->queuing > 0 ? measure_invalid(REASON_NOT_MEASURABLE) : measure_invalid(REASON_NO_PEOPLE);
    } else {
        /* Little's law: the wait is the queue over the rate at which it is served. */
        const double fast = (served + Z90 * sqrt(served + 1)) / window_s;
        const double slow = fmax(0.5, served - Z90 * sqrt(served)) / window_s;
        const struct measure q = set->of[MEASURE_QUEUE_LENGTH];
        set->of[MEASURE_QUEUE_WAIT] =
            measure_between(q.value / (served / window_s), q.low / fast, q.high / slow);
    }
}

static void measure_edie(const struct record *r, double area_m2, bool calibrated, struct measure_set *set)
{
    static const enum measure_id all[] = {MEASURE_EDIE_DENSITY, MEASURE_EDIE_FLOW, MEASURE_EDIE_SPEED};
    const int64_t now = r->now_ns / NS_PER_S;
    const double window_s = fmin(EDIE_SECONDS - 1, (double)(r->now_ns - r->first_ns) / 1e9);
    double people_s = 0;
    double way = 0;
    for (size_t i = 0; i < EDIE_SECONDS; i++) {
        if (r->seconds[i].number > now - EDIE_SECONDS + 1 && r->seconds[i].number <= now) {
            people_s += r->seconds[i].people_s;
            way += r->seconds[i].way_m;
        }
    }
    const char *problem = !calibrated      ? REASON_UNCALIBRATED
                          : !(area_m2 > 0) ? REASON_NOT_VISIBLE
                          : window_s < 10  ? REASON_TOO_SHORT
                                           : NULL;
    for (size_t i = 0; i < 3 && problem; i++) {
        set->of[all[i]] = measure_invalid(problem);
    }
    if (problem) {
        return;
    }
    /* The error of the count is the same in every picture, so that a longer look does not make it smaller. */
    const struct measure n = set->of[MEASURE_OCCUPANCY];
    const double mean = people_s / window_s;
    const double down = n.valid && n.value > 0 ? n.low / n.value : 1;
    const double up = n.valid && n.value > 0 ? n.high / n.value : 1;
    const double rho = mean / area_m2;
    const double q = 60 * way / (area_m2 * window_s);
    set->of[MEASURE_EDIE_DENSITY] = measure_between(rho, rho * down, rho * up);
    set->of[MEASURE_EDIE_FLOW] = measure_between(q, q * down, q * up);
    set->of[MEASURE_EDIE_SPEED] =
        people_s > 0 ? measure_exact(way / people_s) : measure_invalid(REASON_NO_PEOPLE);
    if (people_s > 0 && set->of[MEASURE_SPEED_MEAN].valid) {
        const struct measure v = set->of[MEASURE_SPEED_MEAN];
        set->of[MEASURE_EDIE_SPEED] = measure_between(
            way / people_s, fmax(0, way / people_s - (v.value - v.low)), way / people_s + (v.high - v.value));
    }
}

static void measure_stop_and_go(const struct record *r, struct measure_set *set)
{
    const struct measure density = set->of[MEASURE_DENSITY_MEAN];
    if (!density.valid) {
        set->of[MEASURE_STOP_AND_GO] = density;
        return;
    }
    const int64_t now = r->now_ns / NS_PER_S;
    double n = 0;
    double sum = 0;
    double squares = 0;
    for (size_t i = 0; i < EDIE_SECONDS; i++) {
        const struct second *s = &r->seconds[i];
        if (s->number > now - EDIE_SECONDS && s->number < now && s->speed_n > 0) {
            const double v = s->speed_sum / s->speed_n;
            n += 1;
            sum += v;
            squares += v * v;
        }
    }
    if (density.value < STOP_AND_GO_DENSITY || n < EDIE_SECONDS * 2 / 3 || sum / n < 0.02) {
        set->of[MEASURE_STOP_AND_GO] = measure_invalid(REASON_NOT_MEASURABLE);
        return;
    }
    const double deviation = sqrt(fmax(0, squares / n - sum * sum / n / n));
    const double ratio = deviation / (sum / n);
    /* Some six independent looks in half a minute: the deviation's own interval from the chi-squared
     * distribution. */
    set->of[MEASURE_STOP_AND_GO] = measure_between(ratio, ratio * 0.67, ratio * 2.1);
}

void zone_memory_end(struct zone_memory *memory, size_t zone, const struct zone *kind, double area_m2,
                     struct measure_set *set)
{
    struct record *r = &memory->records[zone];
    const struct measure occupancy = set->of[MEASURE_OCCUPANCY];
    if (!occupancy.valid) {
        static const enum measure_id all[] = {MEASURE_OCCUPANCY_SMOOTHED, MEASURE_DWELL_MEAN,
                                              MEASURE_STANDING_SHARE};
        for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
            set->of[all[i]] = measure_invalid(occupancy.reason);
        }
        return;
    }
    const double deviation = (occupancy.high - occupancy.low) / (2 * Z90);
    balance_update(&r->balance, r->in, r->out, r->dt, occupancy.value, fmax(0.05, deviation * deviation));
    const double spread = Z90 * sqrt(r->balance.variance);
    set->of[MEASURE_OCCUPANCY_SMOOTHED] =
        measure_between(r->balance.people, fmax(0, r->balance.people - spread), r->balance.people + spread);
    set->of[MEASURE_DWELL_MEAN] =
        r->people > 0 ? measure_exact(r->dwell_s / r->people) : measure_invalid(REASON_NO_PEOPLE);
    const bool calibrated = !(set->of[MEASURE_SPEED_MEAN].reason == NULL
                                  ? false
                                  : strcmp(set->of[MEASURE_SPEED_MEAN].reason, REASON_UNCALIBRATED) == 0);
    set->of[MEASURE_STANDING_SHARE] = !calibrated     ? measure_invalid(REASON_UNCALIBRATED)
                                      : r->timed > 0  ? share(r->standing, r->timed)
                                      : r->people > 0 ? measure_invalid(REASON_TOO_SHORT)
                                                      : measure_invalid(REASON_NO_PEOPLE);
    measure_edie(r, area_m2, calibrated, set);
    measure_stop_and_go(r, set);
    if (calibrated) {
        measure_queue(r, kind, set);
    } else if (kind->kind != ZONE_MOVING) {
        set->of[MEASURE_QUEUE_LENGTH] = measure_invalid(REASON_UNCALIBRATED);
        set->of[MEASURE_QUEUE_WAIT] = measure_invalid(REASON_UNCALIBRATED);
    }
}
