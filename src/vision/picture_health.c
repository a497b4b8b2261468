#include "vision/picture_health.h"

#include <math.h>
#include <string.h>

#include "core/measure.h"
#include "vision/picture_health_internal.h"

static const double PLAIN_DEVIATION = 5;

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

int picture_count_bits(uint64_t bits)
{
    int count = 0;
    for (; bits; bits &= bits - 1)
        count++;
    return count;
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
    conditions[HEALTH_BLURRED] = picture_sharpness_look(h, o, picture, deviation);
    h->last.obscured = view->obscured | picture_sharpness_painted(h);
    int covered = picture_count_bits(h->last.obscured);
    /* A flag that is up goes when the cause is well below its limit. */
    double least = (h->holds[HEALTH_COVERED].up ? 0.7 : 1) * o->covered_share * view->known;
    conditions[HEALTH_COVERED] = view->known >= HEALTH_TILES_LEAST && covered >= 3 && covered >= least;
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

static enum health_flag fault_of(const struct picture_light *light, bool frozen)
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
    picture_light_sample(picture, samples);
    bool frozen = picture_light_is_frozen(h, samples, now_ns);
    struct picture_light light = picture_light_look(picture, samples, o->dark_level);
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
    if (h->edge_looks < HEALTH_EDGE_LOOKS || !view_watch_reference(&h->view, &memory->view))
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
