/* What the manager's watchdog does about load and memory. */
#include <malloc.h>

#include "base/clock.h"
#include "base/log.h"
#include "pipeline/manager_internal.h"

#define TRIM_EVERY_NS (2 * NS_PER_S)

/* Sources that bring no pictures have no input. */
static bool can_shrink(const struct camera *camera)
{
    return camera->has_ladder && camera->status.input_width > 0;
}

enum load_level manager_level_of(const struct manager *m, const struct camera *camera)
{
    enum load_level level = load_level(&m->load);
    if (level == LOAD_RESOLUTION && !can_shrink(camera))
        level = m->load.rate_falls ? LOAD_RATE : LOAD_NORMAL;
    return level;
}

static double at_most(double a, double b)
{
    return a < b ? a : b;
}

/* What was wanted and done since the last sample; with the lock held. */
static void sample_load(struct manager *m, double seconds, struct load_sample *s)
{
    *s = (struct load_sample){.seconds = seconds,
                              .busy = m->busy_s,
                              .analysed = (double)m->gone_turns,
                              .last_equal = m->network ? network_last_equal_rung(m->network) : 0};
    s->wanted = s->analysed;
    for (size_t i = 0; i < m->camera_count; i++) {
        struct camera *c = m->cameras[i];
        double came = (double)(c->status.frames_decoded - c->sampled_decoded);
        double target = at_most(c->rate.now, came / seconds);
        s->analysed += (double)(c->turns - c->sampled_turns);
        s->wanted += target * seconds;
        s->has_ladder |= came > 0 && can_shrink(c);
        if (came > 0) {
            double floor = load_floor_share(m->shared.config->inference.min_fps, target);
            s->floor = floor > s->floor ? floor : s->floor;
        }
        c->sampled_decoded = c->status.frames_decoded;
        c->sampled_turns = c->turns;
    }
    m->busy_s = 0;
    m->gone_turns = 0;
}

/* Lets go of the lock for a moment. */
static void tell_degradation(struct manager *m)
{
    enum load_level level = load_level(&m->load);
    double share = 100 * m->load.share;
    for (size_t i = 0; i < m->camera_count; i++)
        m->cameras[i]->status.degradation = manager_level_of(m, m->cameras[i]);
    pthread_mutex_unlock(&m->shared.lock);
    if (level == LOAD_NORMAL)
        log_info("pipeline", "overload is over: every camera is analysed as asked for");
    else
        log_warning("pipeline", "overload: %.0f %% of the pictures asked for are analysed%s", share,
                    level == LOAD_RESOLUTION ? ", at a smaller size" : "");
    pthread_mutex_lock(&m->shared.lock);
}

void manager_watch_load(struct manager *m, int64_t now_ns)
{
    struct load_sample sample;
    double seconds = (double)(now_ns - m->load_sampled_ns) / 1e9;
    if (seconds < 1)
        return;
    m->load_sampled_ns = now_ns;
    sample_load(m, seconds, &sample);
    if (load_update(&m->load, &sample, now_ns))
        tell_degradation(m);
}

/* The C library keeps what a camera's source has freed, in pieces between what lives on: after hundreds of
 * reconnections tens of megabytes. */
void manager_give_memory_back(struct manager *m, int64_t now_ns)
{
    if (now_ns < m->next_trim_ns || !atomic_exchange(&m->shared.memory_freed, false))
        return;
    m->next_trim_ns = now_ns + TRIM_EVERY_NS;
    pthread_mutex_unlock(&m->shared.lock);
    malloc_trim(0);
    pthread_mutex_lock(&m->shared.lock);
}

void manager_load(struct manager *m, struct load_status *status)
{
    pthread_mutex_lock(&m->shared.lock);
    double busy = m->load.wanted < 0 ? 0 : m->load.busy / m->worker_count;
    *status = (struct load_status){.level = load_level(&m->load),
                                   .rung = m->load.rung,
                                   .share = m->load.share,
                                   .busy = at_most(busy, 1)};
    pthread_mutex_unlock(&m->shared.lock);
}
