#include "track/person.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"

/* A velocity is published from sightings that span at least this; they are taken from the last second. */
#define VELOCITY_SPAN_S 0.25
#define VELOCITY_WINDOW_NS NS_PER_S

/* Longest gap, in pictures, that is filled with intermediate places when a person is found again. */
enum { GAP_STEPS_MAX = 60 };

static const struct sighting *sighting(const struct person *p, uint32_t back)
{
    return &p->history[(p->history_count - 1 - back) % HISTORY_MAX];
}

static uint32_t kept(const struct person *p)
{
    return p->history_count < HISTORY_MAX ? p->history_count : HISTORY_MAX;
}

static void remember(struct person *p, const struct detection *d, int64_t time_ns)
{
    p->history[p->history_count % HISTORY_MAX] = (struct sighting){time_ns, d->box};
    p->history_count++;
    p->seen = d->box;
    p->seen_ns = time_ns;
    p->score = d->score;
    p->seen_filter = p->filter;
    p->found = true;
    p->hits++;
}

void person_start(struct person *p, const struct detection *d, int64_t time_ns,
                  const struct tracker_params *params)
{
    memset(p, 0, sizeof *p);
    p->born_ns = time_ns;
    p->predicted = d->box;
    box_filter_start(&p->filter, d->box, &params->noise);
    remember(p, d, time_ns);
}

void person_predict(struct person *p, double seconds, const struct tracker_params *params)
{
    box_filter_predict(&p->filter, seconds, &params->noise);
    ground_filter_predict(&p->ground, seconds, &params->ground_noise);
    p->predicted = box_filter_box(&p->filter);
    p->found = false;
}

static struct box between(struct box a, struct box b, double share)
{
    float s = (float)share;
    return (struct box){a.x + s * (b.x - a.x), a.y + s * (b.y - a.y), a.w + s * (b.w - a.w),
                        a.h + s * (b.h - a.h)};
}

/* J. Cao et al., "Observation-Centric SORT" (CVPR 2023): what the filter believed while it saw nothing is
 * dropped. */
static void run_along_gap(struct person *p, const struct detection *d, double gap_s, double frame_s,
                          const struct tracker_params *params)
{
    int steps = (int)fmin(GAP_STEPS_MAX, fmax(1, round(gap_s / frame_s)));
    p->filter = p->seen_filter;
    for (int k = 1; k < steps; k++) {
        box_filter_predict(&p->filter, gap_s / steps, &params->noise);
        box_filter_update(&p->filter, between(p->seen, d->box, (double)k / steps), 1, &params->noise);
    }
    box_filter_predict(&p->filter, gap_s / steps, &params->noise);
}

void person_see(struct person *p, const struct detection *d, int64_t time_ns, double frame_s,
                const struct tracker_params *params)
{
    double gap_s = (double)(time_ns - p->seen_ns) / (double)NS_PER_S;
    if (gap_s > 1.5 * frame_s) {
        run_along_gap(p, d, gap_s, frame_s, params);
    }
    double doubt = 1 + params->doubt * fmax(0, 1 - (double)d->score);
    box_filter_update(&p->filter, d->box, doubt, &params->noise);
    remember(p, d, time_ns);
}

static struct box moved(struct box box, const double a[4], const double b[2])
{
    double scale = sqrt(fabs(a[0] * a[3] - a[1] * a[2]));
    double cx = (double)box.x + 0.5 * (double)box.w, cy = (double)box.y + 0.5 * (double)box.h;
    double w = scale * (double)box.w, h = scale * (double)box.h;
    double x = a[0] * cx + a[1] * cy + b[0], y = a[2] * cx + a[3] * cy + b[1];
    return (struct box){(float)(x - 0.5 * w), (float)(y - 0.5 * h), (float)w, (float)h};
}

void person_move(struct person *p, const double a[4], const double b[2])
{
    box_filter_move(&p->filter, a, b);
    box_filter_move(&p->seen_filter, a, b);
    p->predicted = moved(p->predicted, a, b);
    p->seen = moved(p->seen, a, b);
    for (uint32_t k = 0; k < kept(p); k++) {
        p->history[k].box = moved(p->history[k].box, a, b);
    }
}

static struct point centre(struct box b)
{
    return (struct point){(double)b.x + 0.5 * (double)b.w, (double)b.y + 0.5 * (double)b.h};
}

bool person_direction(const struct person *p, double seconds, struct point *direction, struct point *from)
{
    const struct sighting *last = sighting(p, 0), *old = last;
    for (uint32_t back = 1; back < kept(p); back++) {
        old = sighting(p, back);
        if ((double)(last->time_ns - old->time_ns) >= seconds * (double)NS_PER_S) {
            break;
        }
    }
    struct point a = centre(old->box), b = centre(last->box);
    double dx = b.x - a.x, dy = b.y - a.y, length = hypot(dx, dy);
    if (length < 0.02 * (double)last->box.h) {
        return false;
    }
    *direction = (struct point){dx / length, dy / length};
    *from = b;
    return true;
}

bool person_velocity(const struct person *p, struct point *velocity)
{
    double n = 0, st = 0, sx = 0, sy = 0, stt = 0, stx = 0, sty = 0, span = 0;
    const struct sighting *last = sighting(p, 0);
    for (uint32_t back = 0; back < kept(p); back++) {
        const struct sighting *s = sighting(p, back);
        if (last->time_ns - s->time_ns > VELOCITY_WINDOW_NS) {
            break;
        }
        double t = (double)(s->time_ns - last->time_ns) / (double)NS_PER_S;
        double x = (double)s->box.x + 0.5 * (double)s->box.w, y = (double)s->box.y + (double)s->box.h;
        n += 1, st += t, sx += x, sy += y;
        stt += t * t, stx += t * x, sty += t * y;
        span = -t;
    }
    double det = n * stt - st * st;
    if (span < VELOCITY_SPAN_S || det <= 0) {
        return false;
    }
    *velocity = (struct point){(n * stx - st * sx) / det, (n * sty - st * sy) / det};
    return true;
}
