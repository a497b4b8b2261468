#include "vision/picture_health.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/measure.h"

enum {
    DARK = 32,
    BRIGHT_SAMPLES_OF_BLACK = HEALTH_SAMPLES / 200,
    BRIGHT_SAMPLES_OF_DARK = HEALTH_SAMPLES / 20,
    BURNT = 250,
    BURNT_SAMPLES = HEALTH_SAMPLES * 6 / 10,
    STUCK_FAR = 12, /* levels a stuck picture's samples do not move by */
    EDGE_LOOKS = 20,
    EDGES_LEAST = 6, /* of a tile whose sharpness can be told */
    TILES_LEAST = 6,
    SOFT_LOOKS = 6
};
static const double BLACK_DEVIATION = 8, PLAIN_DEVIATION = 5;
/* Sharpness of a picture that is blurred whatever it shows. */
static const double BLURRED_SHARPNESS = 0.30;
/* Of the tiles that had edges: when so many have lost them the whole picture is blurred. */
static const double BLURRED_SHARE = 0.7;
/* Less than this of a blurred tile's sharpness: something is before the lens there. */
#define PAINTED_SHARE 0.6F

const struct picture_health_options picture_health_defaults = {
    .moved_share = 0.005, .covered_share = 0.2, .blur_share = 0.6, .dark_level = 40};

/* How long a condition lasts before its flag goes up, and is away before it goes down. */
static const struct {
    int64_t on_ns, off_ns;
} times[HEALTH_FLAG_COUNT] = {
    [HEALTH_BLACK] = {1 * NS_PER_S, NS_PER_S / 2},
    [HEALTH_PLAIN] = {1 * NS_PER_S, NS_PER_S / 2},
    [HEALTH_FROZEN] = {0, 0},
    [HEALTH_DARK] = {5 * NS_PER_S, 5 * NS_PER_S},
    [HEALTH_OVEREXPOSED] = {5 * NS_PER_S, 5 * NS_PER_S},
    [HEALTH_BLURRED] = {6 * NS_PER_S, 4 * NS_PER_S},
    [HEALTH_COVERED] = {4 * NS_PER_S, 4 * NS_PER_S},
    [HEALTH_MOVED] = {4 * NS_PER_S, 6 * NS_PER_S},
};

bool health_hold_update(struct health_hold *hold, bool condition, int64_t now_ns, int64_t on_ns,
                        int64_t off_ns)
{
    if (condition == hold->up) {
        hold->against = false;
        return hold->up;
    }
    if (!hold->against || now_ns < hold->since_ns) {
        hold->against = true;
        hold->since_ns = now_ns;
    }
    if (now_ns - hold->since_ns >= (hold->up ? off_ns : on_ns)) {
        hold->up = condition;
        hold->against = false;
    }
    return hold->up;
}

/* ---- every picture ---- */

static void take_samples(const struct picture *picture, uint8_t samples[HEALTH_SAMPLES])
{
    for (int r = 0; r < HEALTH_ROWS; r++) {
        int step, y = (int)(((int64_t)2 * r + 1) * picture->height / (2 * HEALTH_ROWS));
        const uint8_t *row = picture_luma_row(picture, y, &step);
        for (int c = 0; c < HEALTH_COLUMNS; c++) {
            int x = (int)(((int64_t)2 * c + 1) * picture->width / (2 * HEALTH_COLUMNS));
            *samples++ = row[(ptrdiff_t)x * step];
        }
    }
}

static bool has_limited_range(const struct picture *picture)
{
    bool rgb = picture->format == PIXEL_RGB24 || picture->format == PIXEL_BGR24;
    return !rgb && !picture->full_range;
}

static int stored_level(int level, bool limited)
{
    return limited ? 16 + level * 219 / 255 : level;
}

struct light {
    double deviation; /* in full range */
    bool black, dark, burnt;
};

static struct light look_at_light(const uint8_t samples[HEALTH_SAMPLES], bool limited, int dark_level)
{
    int black = stored_level(DARK, limited), dark = stored_level(dark_level, limited);
    int burnt = stored_level(BURNT, limited), over_black = 0, over_dark = 0, over_burnt = 0;
    unsigned sum = 0, squares = 0;
    for (int i = 0; i < HEALTH_SAMPLES; i++) {
        unsigned v = samples[i];
        sum += v;
        squares += v * v;
        over_black += samples[i] >= black;
        over_dark += samples[i] >= dark;
        over_burnt += samples[i] >= burnt;
    }
    double mean = (double)sum / HEALTH_SAMPLES;
    double deviation =
        (limited ? 255.0 / 219 : 1) * sqrt(fmax(0, (double)squares / HEALTH_SAMPLES - mean * mean));
    return (struct light){
        .deviation = deviation,
        .black = over_black <= BRIGHT_SAMPLES_OF_BLACK && deviation < BLACK_DEVIATION,
        .dark = over_dark <= BRIGHT_SAMPLES_OF_DARK,
        .burnt = over_burnt >= BURNT_SAMPLES,
    };
}

static void begin_count(struct picture_health *h, int64_t now_ns)
{
    memcpy(h->anchor, h->samples, sizeof h->anchor);
    h->anchor_ns = now_ns;
    h->pictures = h->same = 0;
}

static bool is_near_anchor(const struct picture_health *h)
{
    for (int i = 0; i < HEALTH_SAMPLES; i++)
        if (abs(h->samples[i] - h->anchor[i]) > STUCK_FAR)
            return false;
    return true;
}

/* Stuck before the encoder: hardly a picture differs from the one before, and none from the first. */
static bool is_stuck(struct picture_health *h, bool same, int64_t now_ns)
{
    h->pictures++;
    h->same += same;
    bool few_changes = h->pictures < 10 || h->same * 10 >= h->pictures * 9;
    if (!same && (!few_changes || !is_near_anchor(h)))
        begin_count(h, now_ns);
    return now_ns - h->anchor_ns >= PICTURE_STUCK_NS;
}

static bool look_at_change(struct picture_health *h, const uint8_t samples[HEALTH_SAMPLES], int64_t now_ns)
{
    bool known = h->seen && now_ns >= h->changed_ns;
    bool same = known && memcmp(samples, h->samples, sizeof h->samples) == 0;
    if (!same) {
        memcpy(h->samples, samples, sizeof h->samples);
        h->changed_ns = now_ns;
    }
    if (!known)
        begin_count(h, now_ns);
    h->seen = true;
    bool stuck = is_stuck(h, same, now_ns);
    return stuck || now_ns - h->changed_ns >= PICTURE_FROZEN_NS;
}

/* ---- about once a second ---- */

/* The camera's own best, tile by tile: quick to learn, slow to forget. */
static void learn_edges(struct picture_health *h, const struct tile_edges *edges)
{
    bool first = h->edge_looks < EDGE_LOOKS;
    h->edge_looks += first;
    for (int t = 0; t < HEALTH_TILES; t++) {
        float sharper = edges->sharpness[t] - h->sharpness[t],
              more = (float)edges->count[t] - h->edge_count[t];
        float share = 1.0F / (float)h->edge_looks;
        h->sharpness[t] += sharper * (first ? share : sharper > 0 ? 1.0F / 60 : 1.0F / 7200);
        h->edge_count[t] += more * (first ? share : 1.0F / 300);
    }
}

static double mean_sharpness(const struct tile_edges *edges)
{
    double sum = 0;
    int tiles = 0;
    for (int t = 0; t < HEALTH_TILES; t++)
        if (edges->count[t] >= EDGES_LEAST) {
            sum += (double)edges->sharpness[t];
            tiles++;
        }
    return tiles >= TILES_LEAST ? sum / tiles : 0;
}

/* The share of the tiles with edges that have lost them or their sharpness; those in which next to nothing is
 * left of it. */
static uint64_t find_blurred(const struct picture_health *h, const struct tile_edges *edges,
                             double blur_share, double *share)
{
    uint64_t away = 0;
    int had = 0, lost = 0;
    for (int t = 0; h->edge_looks >= EDGE_LOOKS && t < HEALTH_TILES; t++) {
        if (h->edge_count[t] < EDGES_LEAST)
            continue;
        bool soft = edges->count[t] >= 3 && edges->sharpness[t] < (float)blur_share * h->sharpness[t];
        bool gone = (float)edges->count[t] < 0.15F * h->edge_count[t];
        had++;
        bool painted = soft && edges->sharpness[t] < PAINTED_SHARE * (float)blur_share * h->sharpness[t];
        lost += soft || gone;
        away |= painted || gone ? UINT64_C(1) << t : 0;
    }
    *share = had >= TILES_LEAST ? (double)lost / had : 0;
    return away;
}

static void note_soft(struct picture_health *h, uint64_t away)
{
    for (int t = 0; t < HEALTH_TILES; t++)
        if (!(away >> t & 1U))
            h->soft_looks[t] = 0;
        else if (h->soft_looks[t] < SOFT_LOOKS)
            h->soft_looks[t]++;
}

static bool look_at_sharpness(struct picture_health *h, const struct picture_health_options *o,
                              const struct picture *picture, double deviation)
{
    struct tile_edges edges;
    int least_range = (int)fmax(16, 0.6 * deviation);
    edges_measure(picture, least_range, &edges);
    h->last.sharpness = mean_sharpness(&edges);
    if (h->last.sharpness == 0) { /* a strong blur leaves no edges of that range within a piece */
        struct tile_edges soft;
        edges_measure(picture, least_range / 2, &soft);
        h->last.sharpness = mean_sharpness(&soft);
    }
    note_soft(h, find_blurred(h, &edges, o->blur_share, &h->last.blurred_share));
    bool never_sharp = h->last.sharpness > 0 && h->last.sharpness < BLURRED_SHARPNESS;
    bool blurred = h->last.blurred_share >= BLURRED_SHARE || never_sharp;
    if (h->last.blurred_share < 0.3 && !never_sharp)
        learn_edges(h, &edges);
    return blurred;
}

static int count_bits(uint64_t bits)
{
    int count = 0;
    for (; bits; bits &= bits - 1)
        count++;
    return count;
}

/*
 * Paint, a drop, a web before a part of the lens: blurred away for some looks while the rest is sharp. A
 * picture that is a little soft as a whole has such tiles too, but what they show is still found in them.
 */
static uint64_t find_painted(const struct picture_health *h)
{
    uint64_t painted = 0;
    for (int t = 0; h->last.blurred_share < BLURRED_SHARE && t < HEALTH_TILES; t++)
        painted |= h->soft_looks[t] >= SOFT_LOOKS ? UINT64_C(1) << t : 0;
    int lost = count_bits(painted & h->last.view.missing);
    return lost >= 3 && lost * 4 >= count_bits(painted) ? painted : 0;
}

static void look_at_view(struct picture_health *h, const struct picture_health_options *o,
                         const struct picture *picture, double deviation, bool conditions[HEALTH_FLAG_COUNT])
{
    uint8_t thumb[THUMB_CELLS];
    if (!thumb_take(picture, thumb))
        return;
    double aspect = (double)picture->height * THUMB_COLUMNS / ((double)picture->width * THUMB_ROWS);
    struct view_finding *view = &h->last.view;
    view_watch_look(&h->view, thumb, aspect, view);
    conditions[HEALTH_BLURRED] = look_at_sharpness(h, o, picture, deviation);
    h->last.obscured = view->obscured | find_painted(h);
    int covered = count_bits(h->last.obscured);
    /* A flag that is up goes when the cause is well below its limit. */
    double least = (h->holds[HEALTH_COVERED].up ? 0.7 : 1) * o->covered_share * view->known;
    conditions[HEALTH_COVERED] = view->known >= TILES_LEAST && covered >= 3 && covered >= least;
    bool was = h->holds[HEALTH_MOVED].up;
    double limit = was ? 0.7 * o->moved_share : o->moved_share;
    conditions[HEALTH_MOVED] = view->compared ? view->shift >= limit : view->lost || was;
}

static void raise_flags(struct picture_health *h, const bool conditions[HEALTH_FLAG_COUNT], unsigned mask,
                        int64_t now_ns)
{
    for (int f = 0; f < HEALTH_FLAG_COUNT; f++)
        if (mask >> f & 1U)
            health_hold_update(&h->holds[f], conditions[f], now_ns, times[f].on_ns, times[f].off_ns);
}

#define BIT(flag) (1U << (flag))
#define EVERY_PICTURE                                                                                        \
    (BIT(HEALTH_BLACK) | BIT(HEALTH_PLAIN) | BIT(HEALTH_FROZEN) | BIT(HEALTH_DARK) | BIT(HEALTH_OVEREXPOSED))
#define EVERY_LOOK (BIT(HEALTH_BLURRED) | BIT(HEALTH_COVERED) | BIT(HEALTH_MOVED))

static enum health_flag fault_of(const struct light *light, bool frozen)
{
    if (light->black)
        return HEALTH_BLACK;
    if (light->deviation < PLAIN_DEVIATION)
        return HEALTH_PLAIN;
    return frozen ? HEALTH_FROZEN : HEALTH_FLAG_COUNT;
}

/* Once a second in the mean and never evenly: a mast that sways once a second, or twice, would stand still.
 */
static int64_t next_wait(const struct picture_health *h)
{
    return PICTURE_LOOK_NS / 100 * (70 + (int64_t)(h->look_count * 37 % 61));
}

static bool look_is_due(struct picture_health *h, int64_t now_ns)
{
    bool fresh = h->look_count == 0 || now_ns < h->look_ns || now_ns - h->next_look_ns > 2 * PICTURE_LOOK_NS;
    if (!fresh && now_ns < h->next_look_ns)
        return false;
    h->look_count++;
    h->look_ns = now_ns;
    h->next_look_ns = (fresh ? now_ns : h->next_look_ns) + next_wait(h);
    return true;
}

void picture_health_look(struct picture_health *h, const struct picture_health_options *o,
                         const struct picture *picture, struct picture_finding *finding)
{
    uint8_t samples[HEALTH_SAMPLES];
    bool conditions[HEALTH_FLAG_COUNT] = {false};
    int64_t now_ns = picture->stream_ns;
    take_samples(picture, samples);
    bool frozen = look_at_change(h, samples, now_ns);
    struct light light = look_at_light(samples, has_limited_range(picture), o->dark_level);
    *finding = (struct picture_finding){.fault = fault_of(&light, frozen), .shift = NAN};
    if (finding->fault < HEALTH_FLAG_COUNT)
        conditions[finding->fault] = true;
    conditions[HEALTH_DARK] = light.dark && finding->fault == HEALTH_FLAG_COUNT;
    conditions[HEALTH_OVEREXPOSED] = light.burnt && finding->fault == HEALTH_FLAG_COUNT;
    raise_flags(h, conditions, EVERY_PICTURE, now_ns);
    bool shows = finding->fault == HEALTH_FLAG_COUNT && !light.dark && !light.burnt;
    if (shows && look_is_due(h, now_ns)) {
        look_at_view(h, o, picture, light.deviation, conditions);
        raise_flags(h, conditions, EVERY_LOOK, now_ns);
    }
    for (int f = 0; f < HEALTH_FLAG_COUNT; f++)
        finding->flags |= h->holds[f].up ? BIT(f) : 0;
    finding->flags &= ~o->ignored;
    finding->covered = finding->flags & BIT(HEALTH_COVERED) ? h->last.obscured : 0;
    if (h->last.view.compared)
        finding->shift = h->last.view.shift;
}

void picture_health_accept_view(struct picture_health *h)
{
    view_watch_accept(&h->view);
    h->holds[HEALTH_MOVED] = (struct health_hold){0};
    h->holds[HEALTH_COVERED] = (struct health_hold){0};
    h->holds[HEALTH_BLURRED] = (struct health_hold){0};
    h->edge_looks = 0;
    memset(h->soft_looks, 0, sizeof h->soft_looks);
    h->last = (struct picture_diagnosis){0};
}

unsigned picture_health_learnt(const struct picture_health *h)
{
    return h->view.learnt;
}

bool picture_health_remember(const struct picture_health *h, struct health_memory *memory)
{
    for (int f = 0; f < HEALTH_FLAG_COUNT; f++)
        if (h->holds[f].up)
            return false;
    if (h->edge_looks < EDGE_LOOKS || !view_watch_reference(&h->view, &memory->view))
        return false;
    memcpy(memory->sharpness, h->sharpness, sizeof memory->sharpness);
    memcpy(memory->edge_count, h->edge_count, sizeof memory->edge_count);
    memory->edge_looks = h->edge_looks;
    return true;
}

void picture_health_recall(struct picture_health *h, const struct health_memory *memory, bool recent)
{
    view_watch_recall(&h->view, &memory->view, recent);
    memcpy(h->sharpness, memory->sharpness, sizeof h->sharpness);
    memcpy(h->edge_count, memory->edge_count, sizeof h->edge_count);
    h->edge_looks = memory->edge_looks;
}
