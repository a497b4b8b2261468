/*
 * Scores of tracking results: CLEAR-MOT (K. Bernardin, R. Stiefelhagen, EURASIP J. Image and Video Processing
 * 2008), identity F1 (E. Ristani et al., ECCV workshops 2016) and HOTA (J. Luiten et al., IJCV 2021), as the
 * MOTChallenge benchmarks compute them.
 *
 * Counts of one sequence add up over sequences; figures come from counts. IoU thresholds are met within the
 * machine epsilon.
 */
#ifndef SCI_TRACK_MOTSCORE_H
#define SCI_TRACK_MOTSCORE_H

#include <stdint.h>

#include "base/error.h"
#include "track/mot_rows.h"

enum { HOTA_LEVELS = 19 }; /* IoU 0.05, 0.10 ... 0.95 */

enum mot_benchmark {
    /* Truth rows with flag 0 do not count. */
    BENCHMARK_MOT15,
    /* Results are first matched one-to-one to truth of every class (IoU >= 0.5, largest sum); those matched
     * to a distractor class are dropped; then pedestrians (class 1) with a flag count. */
    BENCHMARK_MOT17,
    BENCHMARK_MOT20
};

struct mot_counts {
    int64_t tp, fp, fn, id_switches; /* CLEAR */
    int64_t truth, results;          /* boxes that count */
    int64_t truth_ids, result_ids;
    int64_t frames; /* that hold a row of either kind */
    int64_t idtp;   /* identity true positives */
    double hota_tp[HOTA_LEVELS];
    double
        hota_association[HOTA_LEVELS]; /* sum over true positives of the Jaccard index of their two tracks */
};

struct mot_figures { /* per cent */
    double hota, deta, assa, mota, idf1;
};

/* Columns of truth: flag, class, visibility. ERR_INVALID if an id occurs twice in a frame. */
int motscore_sequence(const struct mot_rows *truth, const struct mot_rows *results,
                      enum mot_benchmark benchmark, struct mot_counts *counts, struct error *error);
void motscore_add(struct mot_counts *sum, const struct mot_counts *counts);
struct mot_figures motscore_figures(const struct mot_counts *counts);

/* What the truth looks like: MOT15 if no row has a class, else MOT17. */
enum mot_benchmark motscore_guess(const struct mot_rows *truth);
const char *mot_benchmark_name(enum mot_benchmark benchmark);

#endif
