/*
 * Inner loops over the rows of a dense cost matrix; private to src/track. Each has a scalar form and one for
 * AVX2, which give the same numbers (only minima and comparisons of the same differences), chosen once per
 * call by `lap_dense_kernels`.
 */
#ifndef SCI_TRACK_LAP_DENSE_H
#define SCI_TRACK_LAP_DENSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LAP_LANES = 32 };

struct lap_kernels {
    /* least[j] = min(least[j], row[j]); false if an entry is NaN or below -limit, or finite and above limit
     */
    bool (*column_minima)(const double *row, size_t n, double limit, double *least);
    /* lanes[k] = least row[j] - v[j] over j = k modulo LAP_LANES, +infinity where there is none */
    void (*lane_minima)(const double *row, const double *v, size_t n, double lanes[LAP_LANES]);
    /* the j, ascending from `begin`, with row[j] - v[j] <= most and row[j] finite; at most `room`; returns
     * how many */
    size_t (*gather)(const double *row, const double *v, size_t begin, size_t n, double most, int32_t *out,
                     size_t room);
    /* is there a j with row[j] - v[j] < u? */
    bool (*any_below)(const double *row, const double *v, size_t n, double u);
};

const struct lap_kernels *lap_dense_kernels(void); /* the fastest that this processor has */
const struct lap_kernels *lap_dense_kernels_scalar(void);

#endif
