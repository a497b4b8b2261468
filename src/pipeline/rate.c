#include "pipeline/rate.h"

#include <math.h>

#define STEPS_PER_WIDTH 4.0

struct rate rate_between(double quiet, double most)
{
    bool fixed = !(quiet > 0) || quiet >= most;
    return (struct rate){.least = fixed ? most : quiet, .most = most, .now = most};
}

/* Box widths per second of the fastest person. */
static double fastest(const struct rate_scene *scene)
{
    double most = 0;
    for (size_t i = 0; i < scene->track_count; i++) {
        const struct track *t = &scene->tracks[i];
        if (t->velocity_px_valid && !t->coasted && t->box.w > 0)
            most = fmax(most, hypot(t->velocity_px.x, t->velocity_px.y) / t->box.w);
    }
    return most;
}

static double wanted(const struct rate *rate, const struct rate_scene *scene)
{
    if (scene->newcomers)
        return rate->most;
    double people = (double)scene->track_count / RATE_BUSY_PEOPLE;
    double by_people = rate->least + (rate->most - rate->least) * fmin(people, 1);
    return fmin(fmax(by_people, STEPS_PER_WIDTH * fastest(scene)), rate->most);
}

double rate_update(struct rate *rate, const struct rate_scene *scene, int64_t now_ns)
{
    double target = wanted(rate, scene);
    double age = rate->time_ns > 0 ? (double)(now_ns - rate->time_ns) / (double)RATE_FALL_NS : 0;
    double fallen = rate->least + (rate->now - rate->least) * exp(-age);
    rate->now = fmax(target, fallen);
    rate->time_ns = now_ns;
    return rate->now;
}
