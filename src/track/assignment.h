/*
 * Exact linear assignment by shortest augmenting paths: R. Jonker and A. Volgenant, "A shortest augmenting
 * path algorithm for dense and sparse linear assignment problems", Computing 38 (1987). Rectangular;
 * forbidden pairs are costs of +infinity. A workspace keeps its memory between calls: no allocation in the
 * steady state. Not thread-safe per workspace.
 */
#ifndef SCI_TRACK_ASSIGNMENT_H
#define SCI_TRACK_ASSIGNMENT_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct assignment; /* workspace, opaque */

struct assignment *assignment_create(void); /* NULL without memory */
void assignment_destroy(struct assignment *workspace);

/*
 * cost: rows x columns, row-major, finite or +infinity (forbidden); NaN and -infinity are ERR_INVALID.
 * row_to_column[rows] receives a column or -1. The matching has the greatest possible number of pairs, and
 * among those the least total cost.
 */
int assignment_solve(struct assignment *workspace, const double *cost, size_t rows, size_t columns,
                     int32_t *row_to_column, struct error *error);

/* The same from sparse rows: entries row_start[r] .. row_start[r + 1] - 1 of `columns_of` and `cost`. */
int assignment_solve_sparse(struct assignment *workspace, const size_t *row_start, const int32_t *columns_of,
                            const double *cost, size_t rows, size_t columns, int32_t *row_to_column,
                            struct error *error);

#endif
