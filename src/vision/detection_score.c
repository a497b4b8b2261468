#include "vision/detection_score.h"

#include <stdlib.h>

enum verdict { WRONG, RIGHT, NO_MATTER };

/* One detection's fate. */
struct judged {
    const struct scored_box *detection;
    enum verdict verdict;
};

struct judge {
    const struct labelled_box *truth;
    bool *taken; /* per labelled box */
    struct judged *judged;
    double iou;
};

static int compare_judged(const void *left, const void *right)
{
    const struct judged *a = left, *b = right;
    if (a->detection->score != b->detection->score)
        return a->detection->score > b->detection->score ? -1 : 1;
    return (a->detection > b->detection) - (a->detection < b->detection);
}

static enum verdict judge_one(struct judge *j, struct box box, size_t begin, size_t end)
{
    size_t best = end;
    double best_iou = j->iou;
    for (size_t i = begin; i < end; i++) {
        double iou = j->taken[i] ? -1 : (double)box_iou(j->truth[i].box, box);
        if (iou > best_iou || (iou == best_iou && best == end)) {
            best = i;
            best_iou = iou;
        }
    }
    if (best == end)
        return WRONG;
    j->taken[best] = true;
    return j->truth[best].counts ? RIGHT : NO_MATTER;
}

/* Frame by frame; afterwards `judged` is ordered by score over all frames. */
static void judge_all(struct judge *j, size_t truth_count, const struct scored_box *detections, size_t count)
{
    size_t begin = 0;
    for (size_t first = 0, last; first < count; first = last) {
        int64_t frame = detections[first].frame;
        for (last = first; last < count && detections[last].frame == frame; last++)
            j->judged[last].detection = &detections[last];
        qsort(j->judged + first, last - first, sizeof *j->judged, compare_judged);
        while (begin < truth_count && j->truth[begin].frame < frame)
            begin++;
        size_t end = begin;
        while (end < truth_count && j->truth[end].frame == frame)
            end++;
        for (size_t i = first; i < last; i++)
            j->judged[i].verdict = judge_one(j, j->judged[i].detection->box, begin, end);
        begin = end;
    }
    qsort(j->judged, count, sizeof *j->judged, compare_judged);
}

static double ratio(double a, double b)
{
    return b > 0 ? a / b : 0;
}

/* One point of the curve: everything down to a score. */
static void note_point(struct detection_figures *f, double threshold, float score, size_t right, size_t wrong)
{
    double precision = ratio((double)right, (double)(right + wrong)),
           recall = ratio((double)right, (double)f->truth);
    double f1 = ratio(2 * precision * recall, precision + recall);
    if (f1 > f->best_f1) {
        f->best_f1 = f1;
        f->best_threshold = (double)score;
        f->best_precision = precision;
        f->best_recall = recall;
    }
    if ((double)score >= threshold) {
        f->precision = precision;
        f->recall = recall;
        f->f1 = f1;
        f->right = right;
        f->wrong = wrong;
    }
}

/* Equal scores are one point: no order among them is better than another. */
static void walk_curve(struct judged *judged, size_t count, double threshold, struct detection_figures *f)
{
    size_t right = 0, wrong = 0;
    for (size_t i = 0; i < count; i++) {
        right += judged[i].verdict == RIGHT;
        wrong += judged[i].verdict == WRONG;
        if (i + 1 == count || judged[i + 1].detection->score < judged[i].detection->score)
            note_point(f, threshold, judged[i].detection->score, right, wrong);
    }
    /* Area under the curve from its end: precision at a recall is the best at that recall or any greater one.
     */
    double best = 0;
    size_t right_here = right;
    for (size_t i = count; i-- > 0;) {
        bool last_of_score = i + 1 == count || judged[i + 1].detection->score < judged[i].detection->score;
        if (last_of_score) {
            double precision = ratio((double)right, (double)(right + wrong));
            f->average_precision += ratio((double)(right_here - right), (double)f->truth) * best;
            right_here = right;
            best = precision > best ? precision : best;
        }
        right -= judged[i].verdict == RIGHT;
        wrong -= judged[i].verdict == WRONG;
    }
    f->average_precision += ratio((double)right_here, (double)f->truth) * best;
    f->missed = f->truth - f->right;
}

int detection_score(const struct labelled_box *truth, size_t truth_count, const struct scored_box *detections,
                    size_t detection_count, double iou, double threshold, struct detection_figures *figures,
                    struct error *error)
{
    struct judge judge = {.truth = truth, .iou = iou};
    judge.taken = calloc(truth_count + 1, sizeof *judge.taken);
    judge.judged = calloc(detection_count + 1, sizeof *judge.judged);
    int result = 0;
    if (judge.taken == NULL || judge.judged == NULL) {
        result = error_nomem(error, "scores of detections");
    } else {
        *figures = (struct detection_figures){.detections = detection_count};
        for (size_t i = 0; i < truth_count; i++)
            figures->truth += truth[i].counts;
        judge_all(&judge, truth_count, detections, detection_count);
        walk_curve(judge.judged, detection_count, threshold, figures);
        figures->greatest_score = detection_count > 0 ? judge.judged[0].detection->score : 0;
    }
    free(judge.taken);
    free(judge.judged);
    return result;
}
