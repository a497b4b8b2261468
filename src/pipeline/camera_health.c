#include "pipeline/camera_health.h"

#include <math.h>
#include <stdlib.h>

#include "pipeline/pace.h"
#include "vision/picture_health.h"

/* A rate is a mean over five seconds already. */
#define RATE_ON_NS (5 * NS_PER_S)
#define RATE_OFF_NS (5 * NS_PER_S)
#define SLOW_ON_NS (10 * NS_PER_S)

/* Measured on PETS09-S2L1 (docs/cameras.md): below 1.2 pictures/s a quarter of the people is missed. */
static const double SPARSE_SHARE = 0.6; /* of the least rate */
static const double SLOW_SHARE = 0.6;   /* of the target */

struct camera_health {
    struct health_config config;
    bool live;
    struct picture_health_options options;
    struct picture_health picture;
    struct picture_finding finding;
    struct pace pace;
    struct pace_figures figures;
    struct health_hold holds[HEALTH_FLAG_COUNT];
    unsigned kept_learnt; /* which view was kept, and when */
    int64_t kept_ns;
    int64_t sound_ns; /* stream time of the last picture that showed something */
    struct health health;
};

struct camera_health *camera_health_create(const struct health_config *config, bool live)
{
    struct camera_health *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    h->config = *config;
    h->live = live;
    h->finding = (struct picture_finding){.fault = HEALTH_FLAG_COUNT, .shift = NAN};
    h->options = (struct picture_health_options){
        .moved_share = config->moved_percent / 100,
        .covered_share = config->covered_percent / 100,
        .blur_share = 1 - config->blurred_percent / 100,
        .dark_level = config->dark_level,
        .ignored = config->watch_view ? 0 : 1U << HEALTH_MOVED | 1U << HEALTH_COVERED,
    };
    return h;
}

void camera_health_destroy(struct camera_health **health)
{
    free(*health);
    *health = NULL;
}

void camera_health_accept_view(struct camera_health *h)
{
    picture_health_accept_view(&h->picture);
}

bool camera_health_remember(struct camera_health *h, int64_t now_ns, struct health_memory *memory)
{
    unsigned learnt = picture_health_learnt(&h->picture);
    bool is_due = learnt != h->kept_learnt || now_ns - h->kept_ns >= HEALTH_KEEP_NS;
    if (!h->config.watch_view || !is_due || !picture_health_remember(&h->picture, memory))
        return false;
    h->kept_learnt = learnt;
    h->kept_ns = now_ns;
    return true;
}

void camera_health_recall(struct camera_health *h, const struct health_memory *memory, bool recent)
{
    if (h->config.watch_view)
        picture_health_recall(&h->picture, memory, recent);
}

bool camera_health_shows_nothing(const struct camera_health *h)
{
    return h->finding.fault == HEALTH_BLACK || h->finding.fault == HEALTH_PLAIN;
}

static unsigned hold(struct camera_health *h, enum health_flag flag, bool condition, int64_t now_ns,
                     int64_t on_ns)
{
    return health_hold_update(&h->holds[flag], condition, now_ns, on_ns, RATE_OFF_NS) ? 1U << flag : 0;
}

static unsigned look_at_pace(struct camera_health *h, const struct observation *o,
                             const struct camera_pace *pace)
{
    int64_t now_ns = o->capture.mono_ns;
    struct pace_figures *f = &h->figures;
    pace_note(&h->pace, now_ns, o->number, pace->late_s, f);
    double wanted = pace->target_fps > 0 ? fmin(pace->target_fps, f->usual) : f->usual;
    double least = h->config.least_rate;
    return hold(h, HEALTH_LOW_RATE, f->known && f->analysed < least, now_ns, RATE_ON_NS) |
           hold(h, HEALTH_SPARSE, f->known && f->analysed < SPARSE_SHARE * least, now_ns, RATE_ON_NS) |
           hold(h, HEALTH_SLOW, f->known && f->analysed < SLOW_SHARE * wanted, now_ns, SLOW_ON_NS) |
           hold(h, HEALTH_LATE, f->delay_s >= (double)h->config.late_after_ns / 1e9, now_ns, RATE_ON_NS);
}

/* Nothing is measured in a picture that shows nothing: that is not the same as nobody being there. */
static void note_fault(struct camera_health *h, const struct observation *o, struct snapshot *snapshot)
{
    enum health_flag fault = h->finding.fault;
    if (fault == HEALTH_FLAG_COUNT) {
        h->sound_ns = o->stream_ns;
        return;
    }
    int64_t since = fault == HEALTH_FROZEN ? h->picture.changed_ns : h->sound_ns;
    snapshot->blind_ns = o->stream_ns > since ? o->stream_ns - since : 1;
}

static void raise(struct camera_health *h, unsigned flags, int64_t wall_ns)
{
    for (int f = 0; f < HEALTH_FLAG_COUNT; f++)
        if ((flags & ~h->health.flags) >> f & 1U)
            h->health.since_wall_ns[f] = wall_ns;
    h->health.changed = flags ^ h->health.flags;
    h->health.flags = flags;
    h->health.covered = h->finding.covered;
}

/* What takes everything away: the picture's own fault at once, a flag once it is up. */
static enum health_flag blinding(const struct camera_health *h)
{
    if (h->finding.fault < HEALTH_FLAG_COUNT)
        return h->finding.fault;
    for (int f = 0; f < HEALTH_FLAG_COUNT; f++) {
        bool of_picture = f == HEALTH_BLACK || f == HEALTH_PLAIN || f == HEALTH_FROZEN; /* this one is not */
        if (health_has(&h->health, (enum health_flag)f) && !of_picture &&
            health_info((enum health_flag)f)->effect == EFFECT_BLIND)
            return (enum health_flag)f;
    }
    return HEALTH_FLAG_COUNT;
}

const char *camera_health_look(struct camera_health *h, const struct observation *o,
                               const struct camera_pace *pace, struct snapshot *snapshot)
{
    unsigned flags = 0;
    if (o->kind == OBSERVATION_PICTURE) {
        picture_health_look(&h->picture, &h->options, o->picture, &h->finding);
        note_fault(h, o, snapshot);
        flags = h->finding.flags;
    }
    if (h->live && o->kind != OBSERVATION_POSITIONS)
        flags |= look_at_pace(h, o, pace);
    raise(h, flags, o->capture.wall_ns);
    snapshot->health = h->health;
    enum health_flag blind = blinding(h), worst = health_worst(flags);
    if (blind < HEALTH_FLAG_COUNT)
        snapshot->degraded = health_info(blind)->reason;
    else if (worst < HEALTH_FLAG_COUNT)
        snapshot->degraded = health_info(worst)->reason;
    return blind < HEALTH_FLAG_COUNT ? health_info(blind)->reason : NULL;
}

static struct measure shift_of(const struct camera_health *h)
{
    if (!isnan(h->finding.shift))
        return measure_exact(100 * h->finding.shift);
    if (health_has(&h->health, HEALTH_MOVED)) /* nothing of the old view is left */
        return measure_exact(100);
    return measure_invalid(REASON_NOT_MEASURABLE);
}

void camera_health_measure(const struct camera_health *h, struct measure_set *set)
{
    bool has_picture = h->picture.seen;
    if (has_picture && h->config.watch_view)
        set->of[MEASURE_VIEW_SHIFT] = shift_of(h);
    if (!h->live || !h->pace.count)
        return;
    struct measure unknown = measure_invalid(REASON_TOO_SHORT);
    set->of[MEASURE_PICTURE_RATE] = h->figures.known ? measure_exact(h->figures.analysed) : unknown;
    set->of[MEASURE_PICTURE_DELAY] = h->pace.has_before ? measure_exact(h->figures.delay_s) : unknown;
}
