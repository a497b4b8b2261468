#include "track/matching.h"

#include <stdlib.h>
#include <string.h>

#include "track/assignment.h"

struct matching {
    struct assignment *assignment;
    size_t rows, columns, next_row, count;
    size_t row_capacity, entry_capacity;
    size_t *start;
    int32_t *result;
    int32_t *column;
    double *cost;
};

struct matching *matching_create(void)
{
    struct matching *m = calloc(1, sizeof *m);
    if (m != NULL && (m->assignment = assignment_create()) == NULL) {
        free(m);
        m = NULL;
    }
    return m;
}

void matching_destroy(struct matching *m)
{
    if (m != NULL) {
        assignment_destroy(m->assignment);
        free(m->start);
        free(m->result);
        free(m->column);
        free(m->cost);
        free(m);
    }
}

int matching_begin(struct matching *m, size_t rows, size_t columns, struct error *error)
{
    if (rows + 1 > m->row_capacity) {
        size_t n = rows + rows / 2 + 16;
        size_t *start = realloc(m->start, n * sizeof *start);
        m->start = start != NULL ? start : m->start;
        int32_t *result = realloc(m->result, n * sizeof *result);
        m->result = result != NULL ? result : m->result;
        if (start == NULL || result == NULL) {
            return error_nomem(error, "tracker");
        }
        m->row_capacity = n;
    }
    m->rows = rows;
    m->columns = columns;
    m->next_row = 0;
    m->count = 0;
    return 0;
}

static int add_entry(struct matching *m, size_t column, double cost, struct error *error)
{
    if (m->count == m->entry_capacity) {
        size_t n = 2 * m->entry_capacity + 64;
        int32_t *columns = realloc(m->column, n * sizeof *columns);
        m->column = columns != NULL ? columns : m->column;
        double *costs = realloc(m->cost, n * sizeof *costs);
        m->cost = costs != NULL ? costs : m->cost;
        if (columns == NULL || costs == NULL) {
            return error_nomem(error, "tracker");
        }
        m->entry_capacity = n;
    }
    m->column[m->count] = (int32_t)column;
    m->cost[m->count++] = cost;
    return 0;
}

/* Every row begins with its own extra column: staying alone. */
static int start_rows(struct matching *m, size_t end, struct error *error)
{
    int rc = 0;
    while (rc == 0 && m->next_row < end) {
        m->start[m->next_row] = m->count;
        rc = add_entry(m, m->columns + m->next_row, 0, error);
        m->next_row++;
    }
    return rc;
}

int matching_add(struct matching *m, size_t row, size_t column, double similarity, struct error *error)
{
    int rc = start_rows(m, row + 1, error);
    return rc != 0 ? rc : add_entry(m, column, -similarity, error);
}

int matching_solve(struct matching *m, const int32_t **column_of_row, struct error *error)
{
    int rc = start_rows(m, m->rows, error);
    if (rc != 0) {
        return rc;
    }
    m->start[m->rows] = m->count;
    rc = assignment_solve_sparse(m->assignment, m->start, m->column, m->cost, m->rows, m->columns + m->rows,
                                 m->result, error);
    for (size_t i = 0; rc == 0 && i < m->rows; i++) {
        m->result[i] = m->result[i] < (int32_t)m->columns ? m->result[i] : -1;
    }
    *column_of_row = m->result;
    return rc;
}
