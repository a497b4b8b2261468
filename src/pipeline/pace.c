#include "pipeline/pace.h"

#include <math.h>

static const double FORGET_S = 3600;

static void begin(struct pace *p, int64_t mono_ns, double late_s)
{
    double usual = p->usual_rate;
    *p = (struct pace){
        .begin_ns = mono_ns, .window_from_ns = mono_ns, .least_now_s = late_s, .usual_rate = usual};
}

/* The oldest stamp within the window. */
static const struct pace_stamp *oldest(const struct pace *p, int64_t now_ns)
{
    size_t kept = p->count < PACE_RING ? p->count : PACE_RING;
    for (size_t i = kept; i > 0; i--) {
        const struct pace_stamp *s = &p->ring[(p->count - i) % PACE_RING];
        if (now_ns - s->mono_ns <= PACE_WINDOW_NS)
            return s;
    }
    return NULL;
}

static void note_rates(struct pace *p, int64_t mono_ns, int64_t number, double passed_s,
                       struct pace_figures *f)
{
    p->ring[p->count++ % PACE_RING] = (struct pace_stamp){mono_ns, number};
    const struct pace_stamp *from = oldest(p, mono_ns);
    size_t pictures = 0;
    while (&p->ring[(p->count - 1 - pictures) % PACE_RING] != from)
        pictures++;
    double seconds = (double)(mono_ns - from->mono_ns) / 1e9;
    if (pictures == 0 && p->count > 1) { /* less than one in a window */
        const struct pace_stamp *before = &p->ring[(p->count - 2) % PACE_RING];
        seconds = (double)(mono_ns - before->mono_ns) / 1e9;
        pictures = 1;
        from = before;
    }
    f->analysed = seconds > 0 ? (double)pictures / seconds : 0;
    f->given = seconds > 0 ? (double)(number - from->number) / seconds : 0;
    f->known = mono_ns - p->begin_ns >= PACE_WINDOW_NS;
    if (!f->known)
        return;
    double forget = exp(-passed_s / FORGET_S);
    p->usual_rate = fmax(f->given, p->usual_rate * forget);
    f->usual = p->usual_rate;
}

static void note_delay(struct pace *p, int64_t mono_ns, double late_s, struct pace_figures *f)
{
    if (mono_ns - p->window_from_ns >= PACE_WINDOW_NS) {
        p->least_before_s = p->least_now_s;
        p->has_before = true;
        p->least_now_s = late_s;
        p->window_from_ns = mono_ns;
    }
    p->least_now_s = fmin(p->least_now_s, late_s);
    if (p->has_before)
        f->delay_s = fmin(p->least_now_s, p->least_before_s);
}

void pace_note(struct pace *p, int64_t mono_ns, int64_t number, double late_s, struct pace_figures *figures)
{
    *figures = (struct pace_figures){0};
    if (p->count == 0 || mono_ns - p->last_ns > PACE_GAP_NS || mono_ns < p->last_ns)
        begin(p, mono_ns, late_s);
    double passed_s = p->count ? (double)(mono_ns - p->last_ns) / 1e9 : 0;
    p->last_ns = mono_ns;
    note_rates(p, mono_ns, number, passed_s, figures);
    note_delay(p, mono_ns, late_s, figures);
}
