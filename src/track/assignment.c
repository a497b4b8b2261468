/*
 * Three ways lead to the sparse solver (lap.h):
 *
 * - Sparse rows are solved as they are, with rows and columns exchanged where the rows outnumber the columns.
 * - Small dense problems become sparse rows that hold every finite entry.
 * - Large dense problems are solved on a *core*: the few entries of each row that are cheap under the column
 * minima. The result is optimal for all entries if none of the others has a negative reduced cost under the
 * final potentials; those that have are added and the affected rows are matched again. Every round adds
 * entries, so it ends; usually after one or two. (A. Volgenant, "Linear and semi-assignment problems: a core
 * oriented approach", Computers & Operations Research 23, 1996.)
 *
 * A core in which not every row can be matched proves nothing about the whole; then all finite entries are
 * taken.
 */
#include "track/assignment.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "track/lap.h"
#include "track/lap_dense.h"

/* Sums of so many costs along a path stay finite. */
#define COST_LIMIT 1e300

enum {
    SMALL_COLUMNS = 64, /* rows up to here are taken whole */
    CORE_LANE =
        16, /* entries as cheap as this one of the LAP_LANES partial minima are in the core: about 22 */
    CORE_ROW_MAX = 64,   /* of one row, when many are equal */
    VIOLATIONS_MAX = 256 /* of one row and round */
};

/* Sparse rows of our own. */
struct rows_buffer {
    size_t start_capacity, column_capacity, cost_capacity;
    size_t *start;
    int32_t *column;
    double *cost;
};

struct assignment {
    struct lap lap, closed; /* the problem; its closed part, exchanged */
    struct rows_buffer rows, spare, closed_rows;
    size_t dense_capacity, result_capacity, found_capacity;
    double *exchanged; /* dense matrix with rows and columns exchanged */
    int32_t *result;   /* of an exchanged problem */
    int32_t *found;    /* (row, column) of entries that the core lacks */
};

struct assignment *assignment_create(void)
{
    return calloc(1, sizeof(struct assignment));
}

static void rows_free(struct rows_buffer *b)
{
    free(b->start);
    free(b->column);
    free(b->cost);
}

void assignment_destroy(struct assignment *w)
{
    if (w == NULL) {
        return;
    }
    lap_free(&w->lap);
    lap_free(&w->closed);
    rows_free(&w->rows);
    rows_free(&w->spare);
    rows_free(&w->closed_rows);
    free(w->exchanged);
    free(w->result);
    free(w->found);
    free(w);
}

/* Makes room for `count` elements in *array (address of a pointer of any type); contents are kept. */
static bool reserve(void *array, size_t *capacity, size_t count, size_t size)
{
    if (count <= *capacity) {
        return true;
    }
    size_t n = count + count / 2 + 16;
    void *p;
    memcpy(&p, array, sizeof p);
    p = n < count || n > SIZE_MAX / size ? NULL : realloc(p, n * size);
    if (p == NULL) {
        return false;
    }
    memcpy(array, &p, sizeof p);
    *capacity = n;
    return true;
}

static bool rows_reserve(struct rows_buffer *b, size_t rows, size_t entries)
{
    return reserve(&b->start, &b->start_capacity, rows + 2, sizeof *b->start) &&
           reserve(&b->column, &b->column_capacity, entries, sizeof *b->column) &&
           reserve(&b->cost, &b->cost_capacity, entries, sizeof *b->cost);
}

static struct lap_graph graph_of(const struct rows_buffer *b, size_t rows, size_t columns)
{
    return (struct lap_graph){rows, columns, b->start, b->column, b->cost};
}

/* Rows and columns exchanged; with marks given, only entries whose row and column are marked. */
static bool exchange(const struct lap_graph *g, const bool *row_marks, const bool *column_marks,
                     struct rows_buffer *b)
{
    if (!rows_reserve(b, g->columns, g->start[g->rows])) {
        return false;
    }
    size_t *start = b->start;
    memset(start, 0, (g->columns + 2) * sizeof *start);
    for (size_t i = 0; i < g->rows; i++) {
        for (size_t e = g->start[i]; (row_marks == NULL || row_marks[i]) && e < g->start[i + 1]; e++) {
            start[g->column[e] + 2] += column_marks == NULL || column_marks[g->column[e]];
        }
    }
    for (size_t j = 2; j < g->columns + 2; j++) {
        start[j] += start[j - 1];
    }
    for (size_t i = 0; i < g->rows; i++) { /* start[j + 1] runs from the beginning of j to its end */
        for (size_t e = g->start[i]; (row_marks == NULL || row_marks[i]) && e < g->start[i + 1]; e++) {
            if (column_marks == NULL || column_marks[g->column[e]]) {
                size_t at = start[g->column[e] + 1]++;
                b->column[at] = (int32_t)i;
                b->cost[at] = g->cost[e];
            }
        }
    }
    return true;
}

/* In the closed part the columns run out, so they become the rows of a problem in which each of them finds a
 * partner. */
static bool solve_closed(struct assignment *w, const struct lap_graph *g, int32_t *row_to_column)
{
    const struct lap *lap = &w->lap;
    if (!exchange(g, lap->row_closed, lap->column_closed, &w->closed_rows) ||
        !lap_reserve(&w->closed, g->columns, g->rows, g->start[g->rows])) {
        return false;
    }
    struct lap_graph part = graph_of(&w->closed_rows, g->columns, g->rows);
    lap_begin(&w->closed, part.rows, part.columns);
    lap_solve(&w->closed, &part);
    for (size_t i = 0; i < g->rows; i++) {
        if (lap->row_closed[i]) {
            row_to_column[i] = w->closed.row_of[i];
        }
    }
    return true;
}

static bool solve_graph(struct assignment *w, const struct lap_graph *g, int32_t *row_to_column)
{
    if (!lap_reserve(&w->lap, g->rows, g->columns, g->start[g->rows])) {
        return false;
    }
    lap_begin(&w->lap, g->rows, g->columns);
    lap_solve(&w->lap, g);
    memcpy(row_to_column, w->lap.column_of, g->rows * sizeof *row_to_column);
    return !w->lap.any_closed || solve_closed(w, g, row_to_column);
}

static void invert(const int32_t *column_to_row, size_t columns, size_t rows, int32_t *row_to_column)
{
    for (size_t i = 0; i < rows; i++) {
        row_to_column[i] = -1;
    }
    for (size_t j = 0; j < columns; j++) {
        if (column_to_row[j] >= 0) {
            row_to_column[column_to_row[j]] = (int32_t)j;
        }
    }
}

static int check_size(size_t rows, size_t columns, struct error *error)
{
    if (rows > INT32_MAX / 2 || columns > INT32_MAX / 2 || (columns > 0 && rows > SIZE_MAX / 16 / columns)) {
        return error_set(error, ERR_INVALID, "assignment: %zu x %zu is too large", rows, columns);
    }
    return 0;
}

static int bad_cost(size_t row, size_t column, double cost, struct error *error)
{
    return error_set(error, ERR_INVALID,
                     "assignment: cost of row %zu, column %zu is %g; wanted is a number up to %g, or inf",
                     row, column, cost, COST_LIMIT);
}

static bool good_cost(double c)
{
    return c >= -COST_LIMIT && (c <= COST_LIMIT || c == INFINITY);
}

static int check_sparse(const struct lap_graph *g, struct error *error)
{
    for (size_t i = 0; i < g->rows; i++) {
        if (g->start[i + 1] < g->start[i]) {
            return error_set(error, ERR_INVALID, "assignment: row %zu ends before it starts", i);
        }
        for (size_t e = g->start[i]; e < g->start[i + 1]; e++) {
            if (g->column[e] < 0 || (size_t)g->column[e] >= g->columns) {
                return error_set(error, ERR_INVALID, "assignment: row %zu names column %d of %zu", i,
                                 g->column[e], g->columns);
            }
            if (!good_cost(g->cost[e])) {
                return bad_cost(i, (size_t)g->column[e], g->cost[e], error);
            }
        }
    }
    return 0;
}

int assignment_solve_sparse(struct assignment *w, const size_t *row_start, const int32_t *columns_of,
                            const double *cost, size_t rows, size_t columns, int32_t *row_to_column,
                            struct error *error)
{
    struct lap_graph g = {rows, columns, row_start, columns_of, cost};
    int rc = check_size(rows, columns, error);
    if (rc != 0 || rows == 0) {
        return rc;
    }
    rc = check_sparse(&g, error);
    if (rc != 0) {
        return rc;
    }
    bool done;
    if (rows <= columns) {
        done = solve_graph(w, &g, row_to_column);
    } else {
        done = exchange(&g, NULL, NULL, &w->rows) &&
               reserve(&w->result, &w->result_capacity, columns, sizeof *w->result);
        struct lap_graph other = graph_of(&w->rows, columns, rows);
        done = done && solve_graph(w, &other, w->result);
        if (done) {
            invert(w->result, columns, rows, row_to_column);
        }
    }
    return done ? 0 : error_nomem(error, "assignment");
}

/* A dense problem with at least as many columns as rows. */
struct dense {
    const double *cost;
    size_t rows, columns;
    const struct lap_kernels *kernels;
};

static bool solve_whole(struct assignment *w, const struct dense *d, int32_t *row_to_column)
{
    struct rows_buffer *b = &w->rows;
    if (!rows_reserve(b, d->rows, d->rows * d->columns)) {
        return false;
    }
    size_t count = 0;
    for (size_t i = 0; i < d->rows; i++) {
        b->start[i] = count;
        for (size_t j = 0; j < d->columns; j++) {
            double c = d->cost[i * d->columns + j];
            b->column[count] = (int32_t)j;
            b->cost[count] = c;
            count += c < INFINITY;
        }
    }
    b->start[d->rows] = count;
    struct lap_graph g = graph_of(b, d->rows, d->columns);
    return solve_graph(w, &g, row_to_column);
}

/* The n-th least of the lanes, counted from 1. */
static double nth_lane(const double lanes[LAP_LANES], size_t n)
{
    double sorted[LAP_LANES];
    for (size_t k = 0; k < LAP_LANES; k++) {
        size_t at = k;
        for (; at > 0 && sorted[at - 1] > lanes[k]; at--) {
            sorted[at] = sorted[at - 1];
        }
        sorted[at] = lanes[k];
    }
    return sorted[n - 1];
}

/* The cheap entries of every row, in w->rows. Among too many equal ones those from the diagonal on, so that
 * rows differ. */
static bool make_core(struct assignment *w, const struct dense *d)
{
    struct rows_buffer *b = &w->rows;
    if (!rows_reserve(b, d->rows, d->rows * CORE_ROW_MAX)) {
        return false;
    }
    size_t count = 0;
    for (size_t i = 0; i < d->rows; i++) {
        const double *row = d->cost + i * d->columns;
        double lanes[LAP_LANES];
        b->start[i] = count;
        d->kernels->lane_minima(row, w->lap.v, d->columns, lanes);
        double most = nth_lane(lanes, CORE_LANE);
        size_t end = count + CORE_ROW_MAX;
        count += d->kernels->gather(row, w->lap.v, i, d->columns, most, b->column + count, end - count);
        count += d->kernels->gather(row, w->lap.v, 0, i, most, b->column + count, end - count);
        for (size_t e = b->start[i]; e < count; e++) {
            b->cost[e] = row[b->column[e]];
        }
    }
    b->start[d->rows] = count;
    return true;
}

static bool core_has(const struct rows_buffer *b, size_t row, int32_t column)
{
    for (size_t e = b->start[row]; e < b->start[row + 1]; e++) {
        if (b->column[e] == column) {
            return true;
        }
    }
    return false;
}

/* Lists entries outside the core with a negative reduced cost. False without memory. */
static bool find_violations(struct assignment *w, const struct dense *d, size_t *found_count)
{
    const struct lap *lap = &w->lap;
    *found_count = 0;
    for (size_t i = 0; i < d->rows; i++) {
        const double *row = d->cost + i * d->columns;
        double u = lap->pair_cost[i] - lap->v[lap->column_of[i]];
        if (!d->kernels->any_below(row, lap->v, d->columns, u)) {
            continue;
        }
        int32_t columns[VIOLATIONS_MAX];
        size_t n =
            d->kernels->gather(row, lap->v, 0, d->columns, nextafter(u, -INFINITY), columns, VIOLATIONS_MAX);
        if (!reserve(&w->found, &w->found_capacity, 2 * (*found_count + n), sizeof *w->found)) {
            return false;
        }
        for (size_t k = 0; k < n; k++) {
            if (!core_has(&w->rows, i, columns[k])) { /* one of the core is negative by rounding alone */
                w->found[2 * *found_count] = (int32_t)i;
                w->found[2 * *found_count + 1] = columns[k];
                ++*found_count;
            }
        }
    }
    return true;
}

/* Adds the found entries (ordered by row) to the core. */
static bool extend_core(struct assignment *w, const struct dense *d, size_t found_count)
{
    const struct rows_buffer *old = &w->rows;
    struct rows_buffer *b = &w->spare;
    if (!rows_reserve(b, d->rows, old->start[d->rows] + found_count)) {
        return false;
    }
    size_t count = 0, k = 0;
    for (size_t i = 0; i < d->rows; i++) {
        size_t n = old->start[i + 1] - old->start[i];
        b->start[i] = count;
        memcpy(b->column + count, old->column + old->start[i], n * sizeof *b->column);
        memcpy(b->cost + count, old->cost + old->start[i], n * sizeof *b->cost);
        count += n;
        for (; k < found_count && (size_t)w->found[2 * k] == i; k++) {
            b->column[count] = w->found[2 * k + 1];
            b->cost[count++] = d->cost[i * d->columns + (size_t)w->found[2 * k + 1]];
        }
    }
    b->start[d->rows] = count;
    struct rows_buffer swap = w->rows;
    w->rows = w->spare;
    w->spare = swap;
    return true;
}

/* Square: rows with new entries lose their column (whose potential may stay as it is: it will get a row
 * again) and search. */
static void match_again(struct lap *lap, const struct lap_graph *g, const int32_t *found, size_t found_count)
{
    size_t free_count = 0;
    for (size_t k = 0; k < found_count; k++) {
        int32_t row = found[2 * k];
        if (lap->column_of[row] >= 0) {
            lap->row_of[lap->column_of[row]] = -1;
            lap->column_of[row] = -1;
            lap->free_rows[free_count++] = row;
        }
    }
    for (size_t k = 0; k < free_count; k++) {
        (void)lap_augment(lap, g, lap->free_rows[k]);
    }
}

static bool all_matched(const struct lap *lap, size_t rows)
{
    bool all = !lap->any_closed;
    for (size_t i = 0; i < rows; i++) {
        all = all && lap->column_of[i] >= 0;
    }
    return all;
}

/* `least`: column minima, where the problem is square. `feasible`: whether the core matched every row. */
static bool solve_core(struct assignment *w, const struct dense *d, const double *least, bool *feasible)
{
    struct lap *lap = &w->lap;
    bool square = d->rows == d->columns;
    lap_begin(lap, d->rows, d->columns);
    if (square) {
        memcpy(lap->v, least, d->columns * sizeof *least);
    }
    if (!make_core(w, d)) {
        return false;
    }
    for (size_t round = 0, found_count = 0;; round++) {
        struct lap_graph g = graph_of(&w->rows, d->rows, d->columns);
        if (!lap_reserve(lap, d->rows, d->columns, g.start[d->rows])) {
            return false;
        }
        if (round > 0 && square) {
            match_again(lap, &g, w->found, found_count);
        } else {
            if (round > 0) {
                lap_begin(lap, d->rows, d->columns);
            }
            lap_solve(lap, &g);
        }
        *feasible = all_matched(lap, d->rows);
        if (!*feasible) {
            return true;
        }
        if (!find_violations(w, d, &found_count)) {
            return false;
        }
        if (found_count == 0) {
            return true;
        }
        if (!extend_core(w, d, found_count)) {
            return false;
        }
    }
}

/* Column minima into w->lap.distance, which is free for it until the first search. */
static int check_dense(struct assignment *w, const struct dense *d, bool *every_column, struct error *error)
{
    double *least = w->lap.distance;
    for (size_t j = 0; j < d->columns; j++) {
        least[j] = INFINITY;
    }
    for (size_t i = 0; i < d->rows; i++) {
        const double *row = d->cost + i * d->columns;
        if (d->kernels->column_minima(row, d->columns, COST_LIMIT, least)) {
            continue;
        }
        size_t j = 0;
        while (j + 1 < d->columns && good_cost(row[j])) {
            j++;
        }
        return bad_cost(i, j, row[j], error);
    }
    *every_column = true;
    for (size_t j = 0; j < d->columns; j++) {
        *every_column = *every_column && least[j] < INFINITY;
    }
    return 0;
}

static int solve_dense(struct assignment *w, const struct dense *d, int32_t *row_to_column,
                       struct error *error)
{
    bool every_column = false, feasible = false, memory = lap_reserve(&w->lap, d->rows, d->columns, 0);
    if (!memory) {
        return error_nomem(error, "assignment");
    }
    int rc = check_dense(w, d, &every_column, error);
    if (rc != 0) {
        return rc;
    }
    if (d->columns > SMALL_COLUMNS && (every_column || d->rows < d->columns)) {
        memory = solve_core(w, d, w->lap.distance, &feasible);
        memcpy(row_to_column, w->lap.column_of, d->rows * sizeof *row_to_column);
    }
    if (memory && !feasible) {
        memory = solve_whole(w, d, row_to_column);
    }
    return memory ? 0 : error_nomem(error, "assignment");
}

/* In blocks, so that both matrices are read and written a cache line at a time. */
static void exchange_dense(const double *cost, size_t rows, size_t columns, double *out)
{
    enum { BLOCK = 16 };
    for (size_t i0 = 0; i0 < rows; i0 += BLOCK) {
        for (size_t j0 = 0; j0 < columns; j0 += BLOCK) {
            for (size_t i = i0; i < rows && i < i0 + BLOCK; i++) {
                for (size_t j = j0; j < columns && j < j0 + BLOCK; j++) {
                    out[j * rows + i] = cost[i * columns + j];
                }
            }
        }
    }
}

int assignment_solve(struct assignment *w, const double *cost, size_t rows, size_t columns,
                     int32_t *row_to_column, struct error *error)
{
    int rc = check_size(rows, columns, error);
    if (rc != 0) {
        return rc;
    }
    if (rows == 0 || columns == 0) {
        invert(NULL, 0, rows, row_to_column);
        return 0;
    }
    struct dense d = {cost, rows, columns, lap_dense_kernels()};
    if (rows <= columns) {
        return solve_dense(w, &d, row_to_column, error);
    }
    if (!reserve(&w->exchanged, &w->dense_capacity, rows * columns, sizeof *w->exchanged) ||
        !reserve(&w->result, &w->result_capacity, columns, sizeof *w->result)) {
        return error_nomem(error, "assignment");
    }
    exchange_dense(cost, rows, columns, w->exchanged);
    d = (struct dense){w->exchanged, columns, rows, d.kernels};
    rc = solve_dense(w, &d, w->result, error);
    if (rc == 0) {
        invert(w->result, columns, rows, row_to_column);
    }
    return rc;
}
