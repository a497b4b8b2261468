/*
 * A sequence becomes frames of boxes with dense ids and a list of the pairs that overlap. Pairs of ids that
 * ever overlap get a number of their own, so that sums over pairs need no matrix of all ids by all ids.
 */
#include "track/motscore.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "track/matching.h"

#define LEAST_IOU 0.5

/* A pair kept from the last frame wins over every other choice, as in the benchmark's own weight. */
#define KEEP_PAIR 1000.0

struct item {
    int32_t id;  /* dense */
    int64_t raw; /* as in the file */
};

struct overlap {
    int32_t truth, result; /* place among the frame's items */
    int32_t pair;          /* number of the two ids together */
    double iou;
};

struct frame {
    size_t truth_begin, truth_end;
    size_t result_begin, result_end;
    size_t overlap_begin, overlap_end;
};

struct sequence {
    struct frame *frames;
    size_t frame_count;
    struct item *truth, *results;
    size_t truth_count, result_count;
    size_t truth_ids, result_ids;
    struct overlap *overlaps;
    size_t overlap_count, overlap_capacity;
    uint64_t *pairs; /* truth id << 32 | result id, ascending */
    size_t pair_count;
    struct matching *matching;
    bool *dropped; /* results of one frame */
};

static double iou_of(const struct mot_row *a, const struct mot_row *b)
{
    double w = fmin(a->x + a->w, b->x + b->w) - fmax(a->x, b->x);
    double h = fmin(a->y + a->h, b->y + b->h) - fmax(a->y, b->y);
    double inter = fmax(w, 0) * fmax(h, 0), all = a->w * a->h + b->w * b->h - inter;
    return all > DBL_EPSILON ? inter / all : 0;
}

static bool is_distractor(double class, enum mot_benchmark benchmark)
{
    return class == 2 || class == 7 || class == 8 || class == 12 ||
           (class == 6 && benchmark == BENCHMARK_MOT20);
}

static bool counts_as_truth(const struct mot_row *g, enum mot_benchmark benchmark)
{
    return g->extra[0] != 0 && (benchmark == BENCHMARK_MOT15 || g->extra[1] == 1);
}

static int compare_int64(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int compare_uint64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* `rows[0..n)` are of one frame. */
static int check_ids(const struct mot_row *rows, size_t n, int64_t *scratch, const char *what,
                     struct error *error)
{
    for (size_t i = 0; i < n; i++) {
        scratch[i] = rows[i].id;
    }
    qsort(scratch, n, sizeof *scratch, compare_int64);
    for (size_t i = 1; i < n; i++) {
        if (scratch[i] == scratch[i - 1]) {
            return error_set(error, ERR_INVALID, "%s: id %lld occurs twice in frame %lld", what,
                             (long long)scratch[i], (long long)rows[0].frame);
        }
    }
    return 0;
}

/* Marks results that stand on a distractor. */
static int drop_distractors(struct sequence *s, const struct mot_row *g, size_t ng, const struct mot_row *r,
                            size_t nr, enum mot_benchmark benchmark, struct error *error)
{
    const int32_t *match;
    memset(s->dropped, 0, nr * sizeof *s->dropped);
    if (benchmark == BENCHMARK_MOT15) {
        return 0;
    }
    int rc = matching_begin(s->matching, ng, nr, error);
    for (size_t i = 0; rc == 0 && i < ng; i++) {
        for (size_t j = 0; rc == 0 && j < nr; j++) {
            double iou = iou_of(&g[i], &r[j]);
            rc = iou >= LEAST_IOU - DBL_EPSILON ? matching_add(s->matching, i, j, iou, error) : 0;
        }
    }
    rc = rc != 0 ? rc : matching_solve(s->matching, &match, error);
    for (size_t i = 0; rc == 0 && i < ng; i++) {
        if (match[i] >= 0 && is_distractor(g[i].extra[1], benchmark)) {
            s->dropped[match[i]] = true;
        }
    }
    return rc;
}

static int add_overlap(struct sequence *s, struct overlap o, struct error *error)
{
    if (s->overlap_count == s->overlap_capacity) {
        size_t n = 2 * s->overlap_capacity + 1024;
        struct overlap *p = realloc(s->overlaps, n * sizeof *p);
        if (p == NULL) {
            return error_nomem(error, "scores");
        }
        s->overlaps = p;
        s->overlap_capacity = n;
    }
    s->overlaps[s->overlap_count++] = o;
    return 0;
}

static int add_frame(struct sequence *s, const struct mot_row *g, size_t ng, const struct mot_row *r,
                     size_t nr, enum mot_benchmark benchmark, struct error *error)
{
    int rc = drop_distractors(s, g, ng, r, nr, benchmark, error);
    struct frame *f = &s->frames[s->frame_count++];
    *f = (struct frame){s->truth_count, 0, s->result_count, 0, s->overlap_count, 0};
    for (size_t j = 0; j < nr; j++) {
        if (!s->dropped[j]) {
            s->results[s->result_count++].raw = r[j].id;
        }
    }
    for (size_t i = 0; rc == 0 && i < ng; i++) {
        if (!counts_as_truth(&g[i], benchmark)) {
            continue;
        }
        int32_t column = 0;
        for (size_t j = 0; rc == 0 && j < nr; j++) {
            double iou = s->dropped[j] ? 0 : iou_of(&g[i], &r[j]);
            if (iou > 0) {
                struct overlap o = {(int32_t)(s->truth_count - f->truth_begin), column, 0, iou};
                rc = add_overlap(s, o, error);
            }
            column += !s->dropped[j];
        }
        s->truth[s->truth_count++].raw = g[i].id;
    }
    f->truth_end = s->truth_count;
    f->result_end = s->result_count;
    f->overlap_end = s->overlap_count;
    return rc;
}

/* Ids as 0 .. n-1; returns n, or -1 without memory. */
static int64_t number_ids(struct item *items, size_t count)
{
    int64_t *names = malloc((count + 1) * sizeof *names);
    size_t n = 0;
    if (names == NULL) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        names[i] = items[i].raw;
    }
    qsort(names, count, sizeof *names, compare_int64);
    for (size_t i = 0; i < count; i++) {
        if (n == 0 || names[i] != names[n - 1]) {
            names[n++] = names[i];
        }
    }
    for (size_t i = 0; i < count; i++) {
        const int64_t *found = bsearch(&items[i].raw, names, n, sizeof *names, compare_int64);
        items[i].id = (int32_t)(found - names);
    }
    free(names);
    return (int64_t)n;
}

static uint64_t pair_key(const struct sequence *s, const struct frame *f, const struct overlap *o)
{
    uint64_t g = (uint64_t)s->truth[f->truth_begin + (size_t)o->truth].id;
    return g << 32 | (uint64_t)s->results[f->result_begin + (size_t)o->result].id;
}

static bool number_pairs(struct sequence *s)
{
    size_t n = 0;
    s->pairs = malloc((s->overlap_count + 1) * sizeof *s->pairs);
    if (s->pairs == NULL) {
        return false;
    }
    for (size_t k = 0; k < s->frame_count; k++) {
        for (size_t e = s->frames[k].overlap_begin; e < s->frames[k].overlap_end; e++) {
            s->pairs[e] = pair_key(s, &s->frames[k], &s->overlaps[e]);
        }
    }
    qsort(s->pairs, s->overlap_count, sizeof *s->pairs, compare_uint64);
    for (size_t e = 0; e < s->overlap_count; e++) {
        if (n == 0 || s->pairs[e] != s->pairs[n - 1]) {
            s->pairs[n++] = s->pairs[e];
        }
    }
    s->pair_count = n;
    for (size_t k = 0; k < s->frame_count; k++) {
        for (size_t e = s->frames[k].overlap_begin; e < s->frames[k].overlap_end; e++) {
            uint64_t key = pair_key(s, &s->frames[k], &s->overlaps[e]);
            const uint64_t *found = bsearch(&key, s->pairs, n, sizeof *s->pairs, compare_uint64);
            s->overlaps[e].pair = (int32_t)(found - s->pairs);
        }
    }
    return true;
}

static void sequence_free(struct sequence *s)
{
    free(s->frames);
    free(s->truth);
    free(s->results);
    free(s->overlaps);
    free(s->pairs);
    free(s->dropped);
    matching_destroy(s->matching);
}

static int split_frames(struct sequence *s, const struct mot_rows *truth, const struct mot_rows *results,
                        enum mot_benchmark benchmark, int64_t *scratch, struct error *error)
{
    size_t i = 0, j = 0;
    int rc = 0;
    while (rc == 0 && (i < truth->count || j < results->count)) {
        int64_t number = i < truth->count ? truth->rows[i].frame : results->rows[j].frame;
        if (j < results->count && results->rows[j].frame < number) {
            number = results->rows[j].frame;
        }
        size_t i1 = mot_rows_after(truth, number), j1 = mot_rows_after(results, number);
        rc = check_ids(truth->rows + i, i1 - i, scratch, "ground truth", error);
        rc = rc != 0 ? rc : check_ids(results->rows + j, j1 - j, scratch, "results", error);
        rc =
            rc != 0 ? rc : add_frame(s, truth->rows + i, i1 - i, results->rows + j, j1 - j, benchmark, error);
        i = i1;
        j = j1;
    }
    return rc;
}

static int sequence_make(struct sequence *s, const struct mot_rows *truth, const struct mot_rows *results,
                         enum mot_benchmark benchmark, struct error *error)
{
    size_t all = truth->count + results->count;
    if (all >= INT32_MAX) {
        return error_set(error, ERR_INVALID, "%zu rows are too many", all);
    }
    s->matching = matching_create();
    s->frames = malloc((all + 1) * sizeof *s->frames);
    s->truth = malloc((truth->count + 1) * sizeof *s->truth);
    s->results = malloc((results->count + 1) * sizeof *s->results);
    s->dropped = malloc((results->count + 1) * sizeof *s->dropped);
    int64_t *scratch = malloc((all + 1) * sizeof *scratch);
    int rc = ERR_NOMEM;
    if (s->matching != NULL && s->frames != NULL && s->truth != NULL && s->results != NULL &&
        s->dropped != NULL && scratch != NULL) {
        rc = split_frames(s, truth, results, benchmark, scratch, error);
    } else {
        (void)error_nomem(error, "scores");
    }
    free(scratch);
    if (rc != 0) {
        return rc;
    }
    int64_t g = number_ids(s->truth, s->truth_count), r = number_ids(s->results, s->result_count);
    if (g < 0 || r < 0 || !number_pairs(s)) {
        return error_nomem(error, "scores");
    }
    s->truth_ids = (size_t)g;
    s->result_ids = (size_t)r;
    return 0;
}

/* The matching of one frame with the greatest sum; `value` of an overlap, 0 = not allowed. Overlaps are
 * ordered by truth. */
static int match_frame(struct sequence *s, const struct frame *f,
                       double (*value)(const void *, const struct overlap *), const void *context,
                       const int32_t **match, struct error *error)
{
    int rc =
        matching_begin(s->matching, f->truth_end - f->truth_begin, f->result_end - f->result_begin, error);
    for (size_t e = f->overlap_begin; rc == 0 && e < f->overlap_end; e++) {
        const struct overlap *o = &s->overlaps[e];
        double v = value(context, o);
        rc = v > 0 ? matching_add(s->matching, (size_t)o->truth, (size_t)o->result, v, error) : 0;
    }
    return rc != 0 ? rc : matching_solve(s->matching, match, error);
}

struct clear_state {
    const struct sequence *s;
    const struct frame *f;
    int32_t *before; /* per truth id: result id matched in the last frame that held both kinds */
    int32_t *last;   /* matched most recently */
};

static double clear_value(const void *context, const struct overlap *o)
{
    const struct clear_state *c = context;
    if (o->iou < LEAST_IOU - DBL_EPSILON) {
        return 0;
    }
    int32_t g = c->s->truth[c->f->truth_begin + (size_t)o->truth].id;
    int32_t r = c->s->results[c->f->result_begin + (size_t)o->result].id;
    return o->iou + (c->before[g] == r ? KEEP_PAIR : 0);
}

static int clear_frame(struct sequence *s, struct clear_state *c, struct mot_counts *counts,
                       struct error *error)
{
    const struct frame *f = c->f;
    size_t ng = f->truth_end - f->truth_begin, nr = f->result_end - f->result_begin, matched = 0;
    if (ng > 0 && nr > 0) {
        const int32_t *match;
        int rc = match_frame(s, f, clear_value, c, &match, error);
        if (rc != 0) {
            return rc;
        }
        memset(c->before, 0xff, s->truth_ids * sizeof *c->before);
        for (size_t i = 0; i < ng; i++) {
            if (match[i] < 0) {
                continue;
            }
            int32_t g = s->truth[f->truth_begin + i].id,
                    r = s->results[f->result_begin + (size_t)match[i]].id;
            counts->id_switches += c->last[g] >= 0 && c->last[g] != r;
            c->before[g] = c->last[g] = r;
            matched++;
        }
    }
    counts->tp += (int64_t)matched;
    counts->fn += (int64_t)(ng - matched);
    counts->fp += (int64_t)(nr - matched);
    return 0;
}

static int count_clear(struct sequence *s, struct mot_counts *counts, struct error *error)
{
    int32_t *before = malloc((s->truth_ids + 1) * sizeof *before);
    int32_t *last = malloc((s->truth_ids + 1) * sizeof *last);
    int rc = before != NULL && last != NULL ? 0 : error_nomem(error, "scores");
    if (rc == 0) {
        memset(before, 0xff, s->truth_ids * sizeof *before);
        memset(last, 0xff, s->truth_ids * sizeof *last);
    }
    for (size_t k = 0; rc == 0 && k < s->frame_count; k++) {
        struct clear_state c = {s, &s->frames[k], before, last};
        rc = clear_frame(s, &c, counts, error);
    }
    free(before);
    free(last);
    return rc;
}

/* Whole tracks are paired one-to-one so that as many boxes as possible agree. */
static int count_identity(struct sequence *s, struct mot_counts *counts, struct error *error)
{
    const int32_t *match;
    double *agree = calloc(s->pair_count + 1, sizeof *agree);
    int rc = agree != NULL ? matching_begin(s->matching, s->truth_ids, s->result_ids, error)
                           : error_nomem(error, "scores");
    for (size_t e = 0; rc == 0 && e < s->overlap_count; e++) {
        agree[s->overlaps[e].pair] += s->overlaps[e].iou >= LEAST_IOU - DBL_EPSILON;
    }
    for (size_t p = 0; rc == 0 && p < s->pair_count; p++) {
        size_t g = (size_t)(s->pairs[p] >> 32), r = (size_t)(s->pairs[p] & UINT32_MAX);
        rc = agree[p] > 0 ? matching_add(s->matching, g, r, agree[p], error) : 0;
    }
    rc = rc != 0 ? rc : matching_solve(s->matching, &match, error);
    for (size_t p = 0; rc == 0 && p < s->pair_count; p++) {
        if (match[s->pairs[p] >> 32] == (int32_t)(s->pairs[p] & UINT32_MAX)) {
            counts->idtp += (int64_t)agree[p];
        }
    }
    free(agree);
    return rc;
}

struct hota_state {
    double *alignment;              /* per pair: Jaccard index of the two tracks, soft */
    double *total;                  /* per pair: boxes of both tracks */
    double *truth_sum, *result_sum; /* of one frame: IoU sums per item */
    int64_t (*hits)[HOTA_LEVELS];   /* per pair and level */
};

static double hota_value(const void *context, const struct overlap *o)
{
    const struct hota_state *h = context;
    return h->alignment[o->pair] * o->iou;
}

static void align_frame(const struct sequence *s, const struct frame *f, struct hota_state *h)
{
    memset(h->truth_sum, 0, (f->truth_end - f->truth_begin) * sizeof *h->truth_sum);
    memset(h->result_sum, 0, (f->result_end - f->result_begin) * sizeof *h->result_sum);
    for (size_t e = f->overlap_begin; e < f->overlap_end; e++) {
        h->truth_sum[s->overlaps[e].truth] += s->overlaps[e].iou;
        h->result_sum[s->overlaps[e].result] += s->overlaps[e].iou;
    }
    for (size_t e = f->overlap_begin; e < f->overlap_end; e++) {
        const struct overlap *o = &s->overlaps[e];
        double all = h->truth_sum[o->truth] + h->result_sum[o->result] - o->iou;
        h->alignment[o->pair] += all > DBL_EPSILON ? o->iou / all : 0;
    }
}

static void align(const struct sequence *s, struct hota_state *h, const int64_t *truth_length,
                  const int64_t *result_length)
{
    for (size_t k = 0; k < s->frame_count; k++) {
        align_frame(s, &s->frames[k], h);
    }
    for (size_t p = 0; p < s->pair_count; p++) {
        h->total[p] = (double)(truth_length[s->pairs[p] >> 32] + result_length[s->pairs[p] & UINT32_MAX]);
        double rest = h->total[p] - h->alignment[p];
        h->alignment[p] = rest > 0 ? h->alignment[p] / rest : 0;
    }
}

static int hota_frame(struct sequence *s, const struct frame *f, struct hota_state *h, struct error *error)
{
    const int32_t *match;
    int rc = match_frame(s, f, hota_value, h, &match, error);
    for (size_t e = f->overlap_begin; rc == 0 && e < f->overlap_end; e++) {
        const struct overlap *o = &s->overlaps[e];
        for (int k = 0; match[o->truth] == o->result && k < HOTA_LEVELS; k++) {
            h->hits[o->pair][k] += o->iou >= (k + 1) * 0.05 - DBL_EPSILON;
        }
    }
    return rc;
}

static int count_hota_with(struct sequence *s, struct hota_state *h, int64_t *truth_length,
                           int64_t *result_length, struct mot_counts *counts, struct error *error)
{
    for (size_t i = 0; i < s->truth_count; i++) {
        truth_length[s->truth[i].id]++;
    }
    for (size_t j = 0; j < s->result_count; j++) {
        result_length[s->results[j].id]++;
    }
    align(s, h, truth_length, result_length);
    for (size_t k = 0; k < s->frame_count; k++) {
        int rc = hota_frame(s, &s->frames[k], h, error);
        if (rc != 0) {
            return rc;
        }
    }
    for (size_t p = 0; p < s->pair_count; p++) {
        for (int k = 0; k < HOTA_LEVELS; k++) {
            double n = (double)h->hits[p][k];
            counts->hota_tp[k] += n;
            counts->hota_association[k] += n > 0 ? n * n / (h->total[p] - n) : 0;
        }
    }
    return 0;
}

static int count_hota(struct sequence *s, struct mot_counts *counts, struct error *error)
{
    struct hota_state h = {
        .alignment = calloc(s->pair_count + 1, sizeof(double)),
        .total = calloc(s->pair_count + 1, sizeof(double)),
        .truth_sum = calloc(s->truth_count + 1, sizeof(double)),
        .result_sum = calloc(s->result_count + 1, sizeof(double)),
        .hits = calloc(s->pair_count + 1, sizeof *h.hits),
    };
    int64_t *truth_length = calloc(s->truth_ids + 1, sizeof *truth_length);
    int64_t *result_length = calloc(s->result_ids + 1, sizeof *result_length);
    int rc;
    if (h.alignment != NULL && h.total != NULL && h.truth_sum != NULL && h.result_sum != NULL &&
        h.hits != NULL && truth_length != NULL && result_length != NULL) {
        rc = count_hota_with(s, &h, truth_length, result_length, counts, error);
    } else {
        rc = error_nomem(error, "scores");
    }
    free(h.alignment);
    free(h.total);
    free(h.truth_sum);
    free(h.result_sum);
    free(h.hits);
    free(truth_length);
    free(result_length);
    return rc;
}

int motscore_sequence(const struct mot_rows *truth, const struct mot_rows *results,
                      enum mot_benchmark benchmark, struct mot_counts *counts, struct error *error)
{
    struct sequence s = {0};
    memset(counts, 0, sizeof *counts);
    int rc = sequence_make(&s, truth, results, benchmark, error);
    if (rc == 0) {
        counts->truth = (int64_t)s.truth_count;
        counts->results = (int64_t)s.result_count;
        counts->truth_ids = (int64_t)s.truth_ids;
        counts->result_ids = (int64_t)s.result_ids;
        counts->frames = (int64_t)s.frame_count;
        rc = count_clear(&s, counts, error);
    }
    rc = rc != 0 ? rc : count_identity(&s, counts, error);
    rc = rc != 0 ? rc : count_hota(&s, counts, error);
    sequence_free(&s);
    return rc;
}

void motscore_add(struct mot_counts *sum, const struct mot_counts *c)
{
    sum->tp += c->tp;
    sum->fp += c->fp;
    sum->fn += c->fn;
    sum->id_switches += c->id_switches;
    sum->truth += c->truth;
    sum->results += c->results;
    sum->truth_ids += c->truth_ids;
    sum->result_ids += c->result_ids;
    sum->frames += c->frames;
    sum->idtp += c->idtp;
    for (int k = 0; k < HOTA_LEVELS; k++) {
        sum->hota_tp[k] += c->hota_tp[k];
        sum->hota_association[k] += c->hota_association[k];
    }
}

struct mot_figures motscore_figures(const struct mot_counts *c)
{
    struct mot_figures f = {0};
    double boxes = (double)(c->truth + c->results);
    for (int k = 0; k < HOTA_LEVELS; k++) {
        double deta = c->hota_tp[k] / fmax(1, boxes - c->hota_tp[k]);
        double assa = c->hota_association[k] / fmax(1, c->hota_tp[k]);
        f.deta += 100 * deta / HOTA_LEVELS;
        f.assa += 100 * assa / HOTA_LEVELS;
        f.hota += 100 * sqrt(deta * assa) / HOTA_LEVELS;
    }
    f.mota = 100 * (1 - (double)(c->fp + c->fn + c->id_switches) / fmax(1, (double)c->truth));
    f.idf1 = 200 * (double)c->idtp / fmax(1, boxes);
    return f;
}

enum mot_benchmark motscore_guess(const struct mot_rows *truth)
{
    bool all_below = true, any_fraction = false;
    for (size_t i = 0; i < truth->count; i++) {
        double class = truth->rows[i].extra[1];
        all_below = all_below && class < 0;
        any_fraction = any_fraction || class != floor(class);
    }
    return all_below || any_fraction ? BENCHMARK_MOT15 : BENCHMARK_MOT17;
}

const char *mot_benchmark_name(enum mot_benchmark benchmark)
{
    static const char *const names[] = {"MOT15", "MOT17", "MOT20"};
    return names[benchmark];
}
