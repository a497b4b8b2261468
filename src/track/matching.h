/*
 * Gated matching of people and boxes, private to src/track: similarities of pairs that overlap enough, then
 * the assignment with the greatest sum of similarities. A pair is never made only for the number of pairs:
 * each person may also stay alone, at similarity 0.
 */
#ifndef SCI_TRACK_MATCHING_H
#define SCI_TRACK_MATCHING_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "core/detection.h"

struct matching; /* workspace, opaque: keeps its memory between calls */

struct matching *matching_create(void);
void matching_destroy(struct matching *m);

/* Begins a problem of `rows` people and `columns` boxes; rows are then filled one after the other, each row's
 * pairs in any order. */
int matching_begin(struct matching *m, size_t rows, size_t columns, struct error *error);
/* similarity > 0 */
int matching_add(struct matching *m, size_t row, size_t column, double similarity, struct error *error);
/* `column_of_row` (rows entries, -1 = alone) lives until the next call. */
int matching_solve(struct matching *m, const int32_t **column_of_row, struct error *error);

#endif
