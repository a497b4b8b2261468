#include "crowd/movement.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/* Rows of one person: by_person[from .. to). */
static size_t person_end(const struct trajectories *t, size_t from)
{
    size_t to = from;
    while (to < t->count && t->id[t->by_person[to]] == t->id[t->by_person[from]]) {
        to++;
    }
    return to;
}

/* The row of that frame, or `own`. `cursor` only moves forward. */
static size_t row_of(const struct trajectories *t, size_t *cursor, size_t to, int64_t frame, size_t own)
{
    while (*cursor < to && t->frame[t->by_person[*cursor]] < frame) {
        (*cursor)++;
    }
    return *cursor < to && t->frame[t->by_person[*cursor]] == frame ? t->by_person[*cursor] : own;
}

void movement_speeds(const struct trajectories *trajectories, int step, double frame_rate, double *speeds)
{
    const struct trajectories *t = trajectories;
    for (size_t from = 0; from < t->count;) {
        const size_t to = person_end(t, from);
        size_t back = from;
        size_t ahead = from;
        for (size_t i = from; i < to; i++) {
            const size_t own = t->by_person[i];
            const size_t a = row_of(t, &back, to, t->frame[own] - step, own);
            const size_t b = row_of(t, &ahead, to, t->frame[own] + step, own);
            const double seconds = (double)(t->frame[b] - t->frame[a]) / frame_rate;
            const double way =
                hypot(t->position[b].x - t->position[a].x, t->position[b].y - t->position[a].y);
            speeds[own] = seconds > 0 ? way / seconds : 0;
        }
        from = to;
    }
}

static double turn(struct point a, struct point b, struct point c)
{
    return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
}

static bool within(struct point a, struct point b, struct point c)
{
    return c.x >= fmin(a.x, b.x) && c.x <= fmax(a.x, b.x) && c.y >= fmin(a.y, b.y) && c.y <= fmax(a.y, b.y);
}

static bool on_segment(struct point a, struct point b, struct point c)
{
    return turn(a, b, c) == 0 && within(a, b, c);
}

static int sign(double value)
{
    return (value > 0) - (value < 0);
}

static bool segments_meet(struct point a, struct point b, struct point c, struct point d)
{
    const int s1 = sign(turn(a, b, c));
    const int s2 = sign(turn(a, b, d));
    const int s3 = sign(turn(c, d, a));
    const int s4 = sign(turn(c, d, b));
    return (s1 != s2 && s3 != s4 && s1 * s2 <= 0 && s3 * s4 <= 0 && (s1 || s2) && (s3 || s4)) ||
           on_segment(a, b, c) || on_segment(a, b, d) || on_segment(c, d, a) || on_segment(c, d, b);
}

static bool step_crosses(const struct point *line, size_t count, struct point a, struct point b)
{
    bool meets = false;
    for (size_t i = 0; i + 1 < count; i++) {
        if (on_segment(line[i], line[i + 1], b)) {
            return false;
        }
        meets = meets || segments_meet(line[i], line[i + 1], a, b);
    }
    return meets;
}

static int by_frame(const void *a, const void *b)
{
    const struct crossing_event *p = a;
    const struct crossing_event *q = b;
    if (p->frame != q->frame) {
        return p->frame < q->frame ? -1 : 1;
    }
    return p->id < q->id ? -1 : p->id > q->id;
}

static size_t person_count(const struct trajectories *t)
{
    size_t n = 0;
    for (size_t from = 0; from < t->count; from = person_end(t, from)) {
        n++;
    }
    return n;
}

int movement_crossings(const struct trajectories *trajectories, const struct point *line, size_t point_count,
                       const double *speeds, struct crossing_event **events, size_t *count,
                       struct error *error)
{
    const struct trajectories *t = trajectories;
    *count = 0;
    *events = calloc(person_count(t) + 1, sizeof(**events));
    if (!*events) {
        return error_nomem(error, "the crossings");
    }
    for (size_t from = 0; from < t->count;) {
        const size_t to = person_end(t, from);
        for (size_t i = from + 1; i < to; i++) {
            const size_t a = t->by_person[i - 1];
            const size_t b = t->by_person[i];
            if (step_crosses(line, point_count, t->position[a], t->position[b])) {
                (*events)[(*count)++] = (struct crossing_event){t->id[b], t->frame[b], speeds[b]};
                break;
            }
        }
        from = to;
    }
    qsort(*events, *count, sizeof(**events), by_frame);
    return 0;
}

int movement_flow(const struct crossing_event *events, size_t count, int64_t frames, double frame_rate,
                  struct flow_interval **intervals, size_t *interval_count, struct error *error)
{
    *interval_count = 0;
    *intervals = NULL;
    if (frames <= 0) {
        return error_set(error, ERR_INVALID, "a flow interval must have at least one frame");
    }
    *intervals = calloc(count + 1, sizeof(**intervals));
    if (!*intervals) {
        return error_nomem(error, "the flow");
    }
    if (count == 0) {
        return 0;
    }
    /* Time runs from the frame after the last one counted to the frame after this one; the first interval
     * from the first crossing. */
    int64_t last = events[0].frame;
    size_t next = 0;
    for (int64_t from = events[0].frame; from + frames <= events[count - 1].frame; from += frames) {
        struct flow_interval f = {.from = from, .to = from + frames};
        for (; next < count && events[next].frame <= f.to; next++) {
            f.people++;
            f.speed_mean += events[next].speed;
        }
        if (f.people) {
            const int64_t now = events[next - 1].frame + 1;
            f.flow_per_s = (double)f.people / ((double)(now - last) / frame_rate);
            f.speed_mean /= (double)f.people;
            last = now;
            (*intervals)[(*interval_count)++] = f;
        }
    }
    return 0;
}
