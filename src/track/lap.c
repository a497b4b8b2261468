#include "track/lap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Steps of row reduction per row that lost its first choice; more of them cost more than the searches they
 * save. */
enum { REDUCTION_STEPS = 12 };

/* `array` is the address of a pointer of any type. */
static bool grow(void *array, size_t count, size_t size)
{
    void *p;
    memcpy(&p, array, sizeof p);
    p = count > SIZE_MAX / size ? NULL : realloc(p, count * size);
    if (p != NULL) {
        memcpy(array, &p, sizeof p);
    }
    return p != NULL;
}

static bool grow_rows(struct lap *lap, size_t n)
{
    return grow(&lap->column_of, n, sizeof *lap->column_of) &&
           grow(&lap->pair_cost, n, sizeof *lap->pair_cost) &&
           grow(&lap->free_rows, n, sizeof *lap->free_rows) &&
           grow(&lap->row_closed, n, sizeof *lap->row_closed);
}

static bool grow_columns(struct lap *lap, size_t n)
{
    return grow(&lap->v, n, sizeof *lap->v) && grow(&lap->row_of, n, sizeof *lap->row_of) &&
           grow(&lap->column_closed, n, sizeof *lap->column_closed) &&
           grow(&lap->distance, n, sizeof *lap->distance) && grow(&lap->from_row, n, sizeof *lap->from_row) &&
           grow(&lap->from_cost, n, sizeof *lap->from_cost) && grow(&lap->seen, n, sizeof *lap->seen) &&
           grow(&lap->settled, n, sizeof *lap->settled) && grow(&lap->tree, n, sizeof *lap->tree);
}

bool lap_reserve(struct lap *lap, size_t rows, size_t columns, size_t entries)
{
    if (rows > lap->row_capacity) {
        size_t n = rows + rows / 2 + 16;
        if (!grow_rows(lap, n)) {
            return false;
        }
        lap->row_capacity = n;
    }
    if (columns > lap->column_capacity) {
        size_t n = columns + columns / 2 + 16;
        if (!grow_columns(lap, n)) {
            return false;
        }
        memset(lap->seen, 0, n * sizeof *lap->seen);
        memset(lap->settled, 0, n * sizeof *lap->settled);
        lap->search = 0;
        lap->column_capacity = n;
    }
    if (entries > lap->entry_capacity) {
        size_t n = entries + entries / 2 + 16;
        if (!grow(&lap->heap, n, sizeof *lap->heap)) {
            return false;
        }
        lap->entry_capacity = n;
    }
    return true;
}

void lap_free(struct lap *lap)
{
    free(lap->column_of);
    free(lap->pair_cost);
    free(lap->free_rows);
    free(lap->row_closed);
    free(lap->v);
    free(lap->row_of);
    free(lap->column_closed);
    free(lap->distance);
    free(lap->from_row);
    free(lap->from_cost);
    free(lap->seen);
    free(lap->settled);
    free(lap->tree);
    free(lap->heap);
    memset(lap, 0, sizeof *lap);
}

void lap_begin(struct lap *lap, size_t rows, size_t columns)
{
    for (size_t i = 0; i < rows; i++) {
        lap->column_of[i] = -1;
        lap->row_closed[i] = false;
    }
    for (size_t j = 0; j < columns; j++) {
        lap->v[j] = 0;
        lap->row_of[j] = -1;
        lap->column_closed[j] = false;
    }
    lap->any_closed = false;
}

static void heap_push(struct lap_heap_item *heap, size_t *count, struct lap_heap_item item)
{
    size_t k = (*count)++;
    while (k > 0 && heap[(k - 1) / 2].distance > item.distance) {
        heap[k] = heap[(k - 1) / 2];
        k = (k - 1) / 2;
    }
    heap[k] = item;
}

static struct lap_heap_item heap_pop(struct lap_heap_item *heap, size_t *count)
{
    struct lap_heap_item top = heap[0], last = heap[--*count];
    size_t k = 0, n = *count;
    for (;;) {
        size_t child = 2 * k + 1;
        if (child >= n) {
            break;
        }
        child += child + 1 < n && heap[child + 1].distance < heap[child].distance;
        if (heap[child].distance >= last.distance) {
            break;
        }
        heap[k] = heap[child];
        k = child;
    }
    heap[k] = last;
    return top;
}

static void pair(struct lap *lap, int32_t row, int32_t column, double cost)
{
    lap->column_of[row] = column;
    lap->row_of[column] = row;
    lap->pair_cost[row] = cost;
}

/* A search under way: the free column nearest to its root so far. */
struct search {
    size_t heap_count, tree_count;
    double best;
    int32_t best_column;
};

/* Follows the entries of `row`, which is `base` away from the root. */
static void relax(struct lap *lap, const struct lap_graph *graph, int32_t row, double base, double u,
                  struct search *s)
{
    for (size_t e = graph->start[row]; e < graph->start[row + 1]; e++) {
        int32_t j = graph->column[e];
        if (lap->column_closed[j] || lap->settled[j] == lap->search) {
            continue;
        }
        double distance = base + (graph->cost[e] - lap->v[j] - u);
        if (!(distance < s->best) || (lap->seen[j] == lap->search && !(distance < lap->distance[j]))) {
            continue;
        }
        lap->seen[j] = lap->search;
        lap->distance[j] = distance;
        lap->from_row[j] = row;
        lap->from_cost[j] = graph->cost[e];
        if (lap->row_of[j] < 0) {
            s->best = distance;
            s->best_column = j;
        } else {
            heap_push(lap->heap, &s->heap_count, (struct lap_heap_item){distance, j});
        }
    }
}

static void close_tree(struct lap *lap, const struct search *s, int32_t root)
{
    lap->any_closed = true;
    lap->row_closed[root] = true;
    for (size_t k = 0; k < s->tree_count; k++) {
        int32_t j = lap->tree[k];
        lap->column_closed[j] = true;
        lap->row_closed[lap->row_of[j]] = true;
    }
}

static void flip_path(struct lap *lap, int32_t column, int32_t root)
{
    for (;;) {
        int32_t row = lap->from_row[column], next = lap->column_of[row];
        pair(lap, row, column, lap->from_cost[column]);
        if (row == root) {
            return;
        }
        column = next;
    }
}

bool lap_augment(struct lap *lap, const struct lap_graph *graph, int32_t root)
{
    struct search s = {.best = INFINITY, .best_column = -1};
    if (++lap->search == 0) { /* the counter came round: old marks must not look new */
        memset(lap->seen, 0, lap->column_capacity * sizeof *lap->seen);
        memset(lap->settled, 0, lap->column_capacity * sizeof *lap->settled);
        lap->search = 1;
    }
    relax(lap, graph, root, 0, 0, &s);
    while (s.heap_count > 0) {
        struct lap_heap_item item = heap_pop(lap->heap, &s.heap_count);
        int32_t j = item.column;
        if (item.distance >= s.best) {
            break;
        }
        if (lap->settled[j] == lap->search) {
            continue; /* an older, longer way to it */
        }
        lap->settled[j] = lap->search;
        lap->tree[s.tree_count++] = j;
        int32_t row = lap->row_of[j];
        relax(lap, graph, row, item.distance, lap->pair_cost[row] - lap->v[j], &s);
    }
    if (s.best_column < 0) {
        close_tree(lap, &s, root);
        return false;
    }
    for (size_t k = 0; k < s.tree_count; k++) {
        int32_t j = lap->tree[k];
        lap->v[j] += lap->distance[j] - s.best;
    }
    flip_path(lap, s.best_column, root);
    return true;
}

/* Each row takes its cheapest column if nobody has it (among equals, one that nobody has); the others are
 * listed. */
static size_t first_choices(struct lap *lap, const struct lap_graph *graph)
{
    size_t free_count = 0;
    for (size_t i = 0; i < graph->rows; i++) {
        double best = INFINITY, cost = 0;
        int32_t column = -1;
        for (size_t e = graph->start[i]; e < graph->start[i + 1]; e++) {
            int32_t j = graph->column[e];
            double reduced = graph->cost[e] - lap->v[j];
            if (reduced < best ||
                (reduced == best && column >= 0 && lap->row_of[column] >= 0 && lap->row_of[j] < 0)) {
                best = reduced;
                cost = graph->cost[e];
                column = j;
            }
        }
        if (column >= 0 && lap->row_of[column] < 0) {
            pair(lap, (int32_t)i, column, cost);
        } else if (column >= 0) {
            lap->free_rows[free_count++] = (int32_t)i;
        }
    }
    return free_count;
}

struct choice {
    double least, second; /* reduced costs */
    double cost, second_cost;
    int32_t column, second_column;
};

static struct choice two_least(const struct lap *lap, const struct lap_graph *graph, int32_t row)
{
    struct choice c = {.least = INFINITY, .second = INFINITY, .column = -1, .second_column = -1};
    for (size_t e = graph->start[row]; e < graph->start[row + 1]; e++) {
        int32_t j = graph->column[e];
        double reduced = graph->cost[e] - lap->v[j];
        if (reduced < c.least) {
            c.second = c.least;
            c.second_cost = c.cost;
            c.second_column = c.column;
            c.least = reduced;
            c.cost = graph->cost[e];
            c.column = j;
        } else if (reduced < c.second) {
            c.second = reduced;
            c.second_cost = graph->cost[e];
            c.second_column = j;
        }
    }
    return c;
}

/*
 * Augmenting row reduction: a row takes its cheapest column from whoever has it and lowers the column's
 * potential until its second choice is as good, which keeps the conditions; the loser goes next. Returns the
 * rows left for the searches.
 */
static size_t reduce_rows(struct lap *lap, const struct lap_graph *graph, size_t free_count)
{
    size_t left = 0, budget = REDUCTION_STEPS * free_count;
    for (size_t k = 0; k < free_count; k++) {
        int32_t row = lap->free_rows[k];
        while (row >= 0) {
            struct choice c = two_least(lap, graph, row);
            int32_t loser = lap->row_of[c.column];
            if (loser < 0) {
                pair(lap, row, c.column, c.cost);
                break;
            }
            double lowered = lap->v[c.column] - (c.second - c.least);
            if (c.second_column >= 0 && c.second == c.least && lap->row_of[c.second_column] < 0) {
                pair(lap, row, c.second_column, c.second_cost);
                break;
            }
            if (budget == 0 || c.second_column < 0 || !(lowered < lap->v[c.column])) {
                lap->free_rows[left++] = row;
                break;
            }
            budget--;
            lap->v[c.column] = lowered;
            pair(lap, row, c.column, c.cost);
            lap->column_of[loser] = -1;
            row = loser;
        }
    }
    return left;
}

void lap_solve(struct lap *lap, const struct lap_graph *graph)
{
    size_t free_count = first_choices(lap, graph);
    free_count = reduce_rows(lap, graph, free_count);
    free_count = reduce_rows(lap, graph, free_count);
    for (size_t k = 0; k < free_count; k++) {
        (void)lap_augment(lap, graph, lap->free_rows[k]); /* closes what cannot be matched */
    }
}
