#include "track/stages.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"

/* A common shift is believed from so many people on. */
enum { STEADY_PEOPLE_MIN = 4 };

/* Directions are taken over so long. */
#define DIRECTION_S 0.5

enum who { CONFIRMED, CONFIRMED_RECENT, TENTATIVE };

struct stage {
    enum who who;
    enum box_use use; /* of the boxes that take part */
    double gate, widening;
    double score_weight, direction_weight;
};

static double lost_seconds(const struct person *p, int64_t now)
{
    return (double)(now - p->seen_ns) / (double)NS_PER_S;
}

static bool takes_part(const struct tracker *t, const struct person *p, enum who who, int64_t now)
{
    if (p->found || p->confirmed == (who == TENTATIVE)) {
        return false;
    }
    return who != CONFIRMED_RECENT || lost_seconds(p, now) <= t->params.low_lost_s + 1.5 * t->frame_s;
}

static size_t list_people(struct tracker *t, enum who who, int64_t now)
{
    size_t n = 0;
    for (size_t i = 0; i < t->person_count; i++) {
        if (takes_part(t, &t->people[i], who, now)) {
            t->rows[n++] = (int32_t)i;
        }
    }
    return n;
}

static size_t list_boxes(struct tracker *t, const struct tracker_input *input, enum box_use use)
{
    size_t n = 0;
    for (size_t j = 0; j < input->detection_count; j++) {
        if (t->box_use[j] == (unsigned char)use) {
            t->columns[n++] = (int32_t)j;
        }
    }
    return n;
}

static struct box widened(struct box b, double share)
{
    float dx = (float)(share * (double)b.w), dy = (float)(share * (double)b.h);
    return (struct box){b.x - dx, b.y - dy, b.w + 2 * dx, b.h + 2 * dy};
}

/* Overlap of the vertical extents, intersection over union: people of other depth differ in it though their
 * boxes overlap. F. Yang et al., "Hybrid-SORT: Weak Cues Matter for Online Multi-Object Tracking" (AAAI
 * 2024). */
static double height_overlap(struct box a, struct box b)
{
    float low = fmaxf(a.y, b.y), high = fminf(a.y + a.h, b.y + b.h);
    float low_all = fminf(a.y, b.y), high_all = fmaxf(a.y + a.h, b.y + b.h);
    return high > low ? (double)((high - low) / (high_all - low_all)) : 0;
}

/* 0 straight on, 1 straight back: angle between where the person went and where the box lies, in parts of pi
 * (OC-SORT). */
static double turn(const struct person *p, struct box b)
{
    struct point direction, from;
    if (!person_direction(p, DIRECTION_S, &direction, &from)) {
        return 0;
    }
    double dx = (double)b.x + 0.5 * (double)b.w - from.x, dy = (double)b.y + 0.5 * (double)b.h - from.y;
    double length = hypot(dx, dy);
    if (length < 0.02 * (double)b.h) {
        return 0;
    }
    double cosine = fmin(1, fmax(-1, (dx * direction.x + dy * direction.y) / length));
    return acos(cosine) / acos(-1);
}

static bool apart(struct box a, struct box b)
{
    return a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
}

static double appearance(const struct tracker *t, const struct tracker_input *input, size_t person,
                         size_t box)
{
    if (input->features == NULL || t->params.feature_weight == 0) {
        return 0;
    }
    const float *a = t->features + person * t->feature_size, *b = input->features + box * t->feature_size;
    float dot = 0;
    for (size_t k = 0; k < t->feature_size; k++) {
        dot += a[k] * b[k];
    }
    return t->params.feature_weight * (double)dot;
}

/* False when the two are too far apart on the ground. */
static bool blend_with_ground(const struct tracker *t, const struct person *p, size_t box, double *value)
{
    double distance = t->params.ground_weight > 0 ? ground_filter_distance(&p->ground, &t->places[box]) : -1;
    if (distance >= 0) {
        *value += t->params.ground_weight * (exp(-0.5 * distance) - *value);
    }
    return !(distance > t->params.ground_gate);
}

/* 0 where the pair is not allowed. */
static double similarity(const struct tracker *t, const struct tracker_input *input, const struct stage *s,
                         size_t person, size_t box)
{
    const struct person *p = &t->people[person];
    const struct detection *d = &input->detections[box];
    struct box a = p->predicted, b = d->box;
    if (s->widening > 0) {
        a = widened(a, s->widening);
        b = widened(b, s->widening);
    }
    double overlap = apart(a, b) ? 0 : (double)box_iou(a, b);
    if (overlap < s->gate || overlap <= 0) {
        return 0;
    }
    double value = overlap;
    if (t->params.height_weight > 0) {
        value *= pow(height_overlap(a, b), t->params.height_weight);
    }
    if (!blend_with_ground(t, p, box, &value)) {
        return 0;
    }
    value *= pow((double)d->score, s->score_weight);
    if (s->direction_weight > 0) {
        value -= s->direction_weight * (double)d->score * turn(p, d->box);
    }
    value += appearance(t, input, person, box);
    value -= t->params.lost_weight * fmax(0, lost_seconds(p, input->time_ns) - t->frame_s);
    return fmax(value, 1e-6);
}

/* The best pairs of the stage: rows[i] with columns[match[i]]. */
static int match_stage(struct tracker *t, const struct tracker_input *input, const struct stage *s,
                       size_t *row_count, const int32_t **match, struct error *error)
{
    size_t rows = list_people(t, s->who, input->time_ns), columns = list_boxes(t, input, s->use);
    int rc = matching_begin(t->matching, rows, columns, error);
    for (size_t i = 0; rc == 0 && i < rows; i++) {
        for (size_t j = 0; rc == 0 && j < columns; j++) {
            double value = similarity(t, input, s, (size_t)t->rows[i], (size_t)t->columns[j]);
            if (value > 0) {
                rc = matching_add(t->matching, i, j, value, error);
            }
        }
    }
    *row_count = rows;
    return rc != 0 ? rc : matching_solve(t->matching, match, error);
}

static void blend_features(struct tracker *t, const struct tracker_input *input, size_t person, size_t box,
                           float keep)
{
    if (input->features == NULL) {
        return;
    }
    float *a = t->features + person * t->feature_size, length = 0;
    const float *b = input->features + box * t->feature_size;
    for (size_t k = 0; k < t->feature_size; k++) {
        a[k] = keep * a[k] + (1 - keep) * b[k];
        length += a[k] * a[k];
    }
    for (size_t k = 0; k < t->feature_size && length > 0; k++) {
        a[k] /= sqrtf(length);
    }
}

static int run_stage(struct tracker *t, const struct tracker_input *input, const struct stage *s,
                     struct error *error)
{
    size_t rows;
    const int32_t *match;
    int rc = match_stage(t, input, s, &rows, &match, error);
    for (size_t i = 0; rc == 0 && i < rows; i++) {
        if (match[i] >= 0) {
            size_t person = (size_t)t->rows[i], box = (size_t)t->columns[match[i]];
            person_see(&t->people[person], &input->detections[box], input->time_ns, t->frame_s, &t->params);
            ground_filter_update(&t->people[person].ground, &t->places[box], &t->params.ground_noise);
            blend_features(t, input, person, box, s->use == BOX_HIGH ? 0.9F : 1);
            t->box_use[box] = BOX_TAKEN;
        }
    }
    return rc;
}

static void confirm(struct tracker *t)
{
    for (size_t i = 0; i < t->person_count; i++) {
        struct person *p = &t->people[i];
        if (!p->confirmed && p->found && p->hits >= t->params.confirm_hits) {
            p->confirmed = true;
            p->id = t->next_id++;
        }
    }
}

static bool overlaps_found(const struct tracker *t, struct box b)
{
    for (size_t i = 0; i < t->person_count; i++) {
        if (t->people[i].found && (double)box_iou(t->people[i].seen, b) > t->params.new_overlap) {
            return true;
        }
    }
    return false;
}

/* The arrays have room for one more person per detection. */
static void bear(struct tracker *t, const struct tracker_input *input)
{
    size_t old_count = t->person_count;
    for (size_t j = 0; j < input->detection_count; j++) {
        const struct detection *d = &input->detections[j];
        if (t->box_use[j] != BOX_HIGH || (double)d->score < t->params.new_score) {
            continue;
        }
        size_t count = t->person_count;
        t->person_count = old_count; /* new people do not stand in each other's way: that would depend on the
                                        order of the boxes */
        bool blocked = overlaps_found(t, d->box);
        t->person_count = count;
        if (!blocked) {
            person_start(&t->people[t->person_count], d, input->time_ns, &t->params);
            ground_filter_start(&t->people[t->person_count].ground, &t->places[j], &t->params.ground_noise);
            blend_features(t, input, t->person_count, j, 0);
            t->person_count++;
        }
    }
}

/* A person not confirmed yet and missed, one that is lost for too long or one that is there twice. */
static bool is_over(const struct tracker *t, const struct person *p, int64_t now)
{
    if (p->found) {
        return false;
    }
    if (!p->confirmed || now - p->seen_ns > t->params.lost_ns) {
        return true;
    }
    for (size_t i = 0; i < t->person_count; i++) {
        const struct person *other = &t->people[i];
        if (other->found && other->confirmed &&
            (double)box_iou(other->seen, p->predicted) > t->params.duplicate_overlap) {
            return true;
        }
    }
    return false;
}

static void bury(struct tracker *t, int64_t now)
{
    size_t kept = 0;
    for (size_t i = 0; i < t->person_count; i++) {
        if (is_over(t, &t->people[i], now)) {
            t->people[i].seen_ns = INT64_MIN; /* marked; they are moved after all have been judged */
        }
    }
    for (size_t i = 0; i < t->person_count; i++) {
        if (t->people[i].seen_ns == INT64_MIN) {
            continue;
        }
        if (kept != i) {
            t->people[kept] = t->people[i];
            memcpy(t->features + kept * t->feature_size, t->features + i * t->feature_size,
                   t->feature_size * sizeof *t->features);
        }
        kept++;
    }
    t->person_count = kept;
}

int stages_run(struct tracker *t, const struct tracker_input *input, struct error *error)
{
    const struct tracker_params *p = &t->params;
    const struct stage stages[] = {
        {CONFIRMED, BOX_HIGH, p->iou_gate, 0, p->score_weight, p->direction_weight},
        {CONFIRMED_RECENT, BOX_LOW, p->low_gate, 0, 0, 0},
        {CONFIRMED, BOX_HIGH, p->wide_gate, p->widening, p->score_weight, p->direction_weight},
        {TENTATIVE, BOX_HIGH, p->tentative_gate, p->widening, p->score_weight, 0},
    };
    for (size_t k = 0; k < sizeof stages / sizeof stages[0]; k++) {
        int rc = k == 2 && p->widening <= 0 ? 0 : run_stage(t, input, &stages[k], error);
        if (rc != 0) {
            return rc;
        }
    }
    confirm(t);
    bear(t, input);
    confirm(t);
    bury(t, input->time_ns);
    return 0;
}

static double median(double *values, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        double v = values[i];
        size_t at = i;
        for (; at > 0 && values[at - 1] > v; at--) {
            values[at] = values[at - 1];
        }
        values[at] = v;
    }
    return n % 2 == 1 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}

int stages_steady(struct tracker *t, const struct tracker_input *input, struct error *error)
{
    const struct stage stage = {CONFIRMED_RECENT, BOX_HIGH, t->params.iou_gate, t->params.widening, 1, 0};
    size_t rows, n = 0;
    const int32_t *match;
    int rc = match_stage(t, input, &stage, &rows, &match, error);
    if (rc != 0) {
        return rc;
    }
    double *dx = t->shifts, *dy = t->shifts + rows;
    for (size_t i = 0; i < rows; i++) {
        if (match[i] >= 0) {
            struct box a = t->people[t->rows[i]].predicted, b = input->detections[t->columns[match[i]]].box;
            dx[n] = (double)(b.x - a.x) + 0.5 * (double)(b.w - a.w);
            dy[n++] = (double)(b.y - a.y) + 0.5 * (double)(b.h - a.h);
        }
    }
    if (n >= STEADY_PEOPLE_MIN) {
        const double same[4] = {1, 0, 0, 1};
        const double shift[2] = {t->params.steadying * median(dx, n), t->params.steadying * median(dy, n)};
        for (size_t i = 0; i < t->person_count; i++) {
            person_move(&t->people[i], same, shift);
        }
    }
    return 0;
}
