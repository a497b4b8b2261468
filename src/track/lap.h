/*
 * Inside of the assignment: shortest augmenting paths on sparse rows. Private to src/track/assignment*.c.
 *
 * Potentials: v of a column is stored, u of a matched row is implied (cost of its pair minus v of its
 * column). What holds between any two steps is what makes the result optimal:
 *   - cost - u - v >= 0 for every entry whose row is matched, = 0 for the pairs;
 *   - v <= 0, and v = 0 for columns without a row (only when the columns outnumber the rows does this matter;
 * a start with other potentials is for square problems);
 *   - a column that has got a row keeps one.
 *
 * A search that fails has found rows that are more than the columns they can reach (Hall). These rows and
 * columns are *closed*: no matching of the greatest size uses an entry between a closed column and a row that
 * is not closed (the decomposition of Dulmage and Mendelsohn), so the closed part is a problem of its own, in
 * which the columns run out and the rows do not. The caller solves it with rows and columns exchanged.
 */
#ifndef SCI_TRACK_LAP_H
#define SCI_TRACK_LAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lap_graph {
    size_t rows, columns;
    const size_t *start;   /* rows + 1 */
    const int32_t *column; /* per entry */
    const double *cost;    /* per entry; +infinity is no entry */
};

struct lap_heap_item {
    double distance;
    int32_t column;
};

struct lap {
    size_t row_capacity, column_capacity, entry_capacity;
    int32_t *column_of; /* per row, -1 = none */
    double *pair_cost;  /* per row: cost of its pair */
    int32_t *free_rows;
    bool *row_closed;
    double *v;       /* per column, and so on */
    int32_t *row_of; /* -1 = none */
    bool *column_closed;
    double *distance;
    int32_t *from_row;
    double *from_cost;
    uint32_t *seen, *settled; /* number of the search that did it last */
    int32_t *tree;            /* settled columns of this search */
    struct lap_heap_item *heap;
    uint32_t search;
    bool any_closed;
};

/* Room for a problem of that size; false without memory (what was there stays valid). Never shrinks. */
bool lap_reserve(struct lap *lap, size_t rows, size_t columns, size_t entries);
void lap_free(struct lap *lap);

/*
 * Matches as many rows as possible at the least cost, outside the closed part. `lap_begin` forgets
 * everything; v starts at 0 and may be set by the caller between the two calls when rows = columns.
 */
void lap_begin(struct lap *lap, size_t rows, size_t columns);
void lap_solve(struct lap *lap, const struct lap_graph *graph);
/* One row, by a search; false when it cannot be matched (it is closed then). */
bool lap_augment(struct lap *lap, const struct lap_graph *graph, int32_t row);

#endif
