/* The assignment against every permutation for small problems, against scipy's answers for larger ones, and
 * its rules. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../crowd/count_allocations.h"
#include "base/random.h"
#include "track/assignment.h"
#include "track/lap_dense.h"

enum kind { UNIFORM, TIED, GATED, SPARSE, HUGE_RANGE, SIGNED, EQUAL, PRODUCT, KIND_COUNT };

struct known {
    enum kind kind;
    size_t rows, columns;
    uint64_t seed;
    size_t pairs;
    double total;
};

#include "assignment_table.h"

enum { ENTRIES_MAX = 300 * 300 };

static double one_cost(enum kind kind, struct random_state *r, size_t i, size_t j, size_t rows)
{
    switch (kind) {
    case UNIFORM:
        return random_unit(r);
    case TIED:
        return random_below(r, 4);
    case GATED:
        return random_below(r, 4) == 0 ? random_unit(r) : INFINITY;
    case SPARSE:
        return random_below(r, (uint32_t)rows) == 0 ? random_unit(r) : INFINITY;
    case HUGE_RANGE: {
        double unit = random_unit(r);
        return ldexp(unit, (int)random_below(r, 60) - 30);
    }
    case SIGNED:
        return random_unit(r) - 0.5;
    case EQUAL:
        return 0.25;
    default:
        return (double)((i + 1) * (j + 1));
    }
}

static void make_instance(enum kind kind, size_t rows, size_t columns, uint64_t seed, double *cost)
{
    struct random_state r;
    random_seed(&r, seed);
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < columns; j++) {
            cost[i * columns + j] = one_cost(kind, &r, i, j, rows);
        }
    }
}

struct answer {
    size_t pairs;
    double total;
};

/* Checks that it is a matching, and adds it up. */
static struct answer add_up(const double *cost, size_t rows, size_t columns, const int32_t *row_to_column)
{
    static bool taken[ENTRIES_MAX];
    struct answer a = {0, 0};
    for (size_t j = 0; j < columns; j++) {
        taken[j] = false;
    }
    for (size_t i = 0; i < rows; i++) {
        int32_t j = row_to_column[i];
        assert_in_range(j + 1, 0, columns);
        if (j >= 0) {
            assert_false(taken[j]);
            taken[j] = true;
            double c = cost[i * columns + (size_t)j];
            assert_true(isfinite(c));
            a.total += c;
            a.pairs++;
        }
    }
    return a;
}

static double *cost_buffer;
static int32_t *result_buffer;
static struct assignment *workspace;

static void to_sparse(const double *cost, size_t rows, size_t columns, size_t *start, int32_t *column,
                      double *value)
{
    size_t n = 0;
    for (size_t i = 0; i < rows; i++) {
        start[i] = n;
        for (size_t j = 0; j < columns; j++) {
            if (cost[i * columns + j] < INFINITY) {
                column[n] = (int32_t)j;
                value[n++] = cost[i * columns + j];
            }
        }
    }
    start[rows] = n;
}

static struct answer solve_dense(const double *cost, size_t rows, size_t columns)
{
    assert_int_equal(assignment_solve(workspace, cost, rows, columns, result_buffer, NULL), 0);
    return add_up(cost, rows, columns, result_buffer);
}

static struct answer solve_sparse(const double *cost, size_t rows, size_t columns)
{
    static size_t start[ENTRIES_MAX];
    static int32_t column[ENTRIES_MAX];
    static double value[ENTRIES_MAX];
    to_sparse(cost, rows, columns, start, column, value);
    assert_int_equal(
        assignment_solve_sparse(workspace, start, column, value, rows, columns, result_buffer, NULL), 0);
    return add_up(cost, rows, columns, result_buffer);
}

/* Every way to give rows from `row` on a free column, or none. */
static void try_all(const double *cost, size_t rows, size_t columns, size_t row, unsigned used,
                    struct answer now, struct answer *best)
{
    if (row == rows) {
        if (now.pairs > best->pairs || (now.pairs == best->pairs && now.total < best->total)) {
            *best = now;
        }
        return;
    }
    for (size_t j = 0; j < columns; j++) {
        double c = cost[row * columns + j];
        if ((used >> j & 1) == 0 && c < INFINITY) {
            struct answer next = {now.pairs + 1, now.total + c};
            try_all(cost, rows, columns, row + 1, used | 1u << j, next, best);
        }
    }
    if (now.pairs + (rows - row - 1) >= best->pairs) {
        try_all(cost, rows, columns, row + 1, used, now, best);
    }
}

static void assert_same(struct answer got, struct answer want)
{
    assert_int_equal(got.pairs, want.pairs);
    assert_true(fabs(got.total - want.total) <= 1e-12 * fabs(want.total) + 1e-15);
}

static void equals_brute_force(void **state)
{
    (void)state;
    struct random_state r;
    random_seed(&r, 7);
    for (uint64_t trial = 0; trial < 3000; trial++) {
        size_t rows = 1 + random_below(&r, trial % 50 == 0 ? 8 : 6), columns = 1 + random_below(&r, 6);
        enum kind kind = (enum kind)random_below(&r, KIND_COUNT);
        make_instance(kind, rows, columns, trial, cost_buffer);
        struct answer best = {0, 0}, none = {0, 0};
        try_all(cost_buffer, rows, columns, 0, 0, none, &best);
        assert_same(solve_dense(cost_buffer, rows, columns), best);
        assert_same(solve_sparse(cost_buffer, rows, columns), best);
    }
}

static void equals_brute_force_at_eight(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 16; seed++) {
        make_instance((enum kind)(seed % KIND_COUNT), 8, 8, seed, cost_buffer);
        struct answer best = {0, 0}, none = {0, 0};
        try_all(cost_buffer, 8, 8, 0, 0, none, &best);
        assert_same(solve_dense(cost_buffer, 8, 8), best);
    }
}

static void equals_scipy(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof known_answers / sizeof known_answers[0]; k++) {
        const struct known *a = &known_answers[k];
        struct answer want = {a->pairs, a->total};
        make_instance(a->kind, a->rows, a->columns, a->seed, cost_buffer);
        assert_same(solve_dense(cost_buffer, a->rows, a->columns), want);
        assert_same(solve_sparse(cost_buffer, a->rows, a->columns), want);
    }
}

/* The way over a core and the way over all entries know nothing of each other. */
static void core_equals_whole(void **state)
{
    (void)state;
    for (uint64_t seed = 100; seed < 140; seed++) {
        size_t rows = 80 + seed % 7 * 30, columns = seed % 3 == 0 ? 80 + seed % 5 * 40 : rows;
        make_instance((enum kind)(seed % KIND_COUNT), rows, columns, seed, cost_buffer);
        struct answer sparse = solve_sparse(cost_buffer, rows, columns);
        assert_same(solve_dense(cost_buffer, rows, columns), sparse);
    }
}

static void adding_to_a_row_changes_no_choice(void **state)
{
    (void)state;
    static int32_t before[200];
    for (uint64_t seed = 0; seed < 20; seed++) {
        make_instance(UNIFORM, 100, 120, seed, cost_buffer);
        (void)solve_dense(cost_buffer, 100, 120);
        for (size_t i = 0; i < 100; i++) {
            before[i] = result_buffer[i];
            for (size_t j = 0; j < 120; j++) {
                cost_buffer[i * 120 + j] += (double)i;
            }
        }
        (void)solve_dense(cost_buffer, 100, 120);
        assert_memory_equal(before, result_buffer, 100 * sizeof before[0]);
    }
}

static void empty_problems(void **state)
{
    (void)state;
    double all_forbidden[6] = {INFINITY, INFINITY, INFINITY, INFINITY, INFINITY, INFINITY};
    size_t start[3] = {0, 0, 0};
    assert_int_equal(assignment_solve(workspace, all_forbidden, 0, 3, result_buffer, NULL), 0);
    assert_int_equal(solve_dense(all_forbidden, 2, 0).pairs, 0);
    assert_int_equal(solve_dense(all_forbidden, 2, 3).pairs, 0);
    assert_int_equal(solve_dense(all_forbidden, 3, 2).pairs, 0);
    assert_int_equal(assignment_solve_sparse(workspace, start, NULL, NULL, 2, 0, result_buffer, NULL), 0);
    assert_int_equal(result_buffer[0], -1);
    assert_int_equal(result_buffer[1], -1);
}

static void refuses_what_is_no_cost(void **state)
{
    (void)state;
    static const double bad[] = {NAN, -INFINITY, 1e301, -1e301};
    size_t start[2] = {0, 1};
    for (size_t k = 0; k < 4; k++) {
        struct error error = {0};
        int32_t column = 1;
        make_instance(UNIFORM, 90, 100, k, cost_buffer);
        cost_buffer[42 * 100 + 57] = bad[k];
        assert_int_equal(assignment_solve(workspace, cost_buffer, 90, 100, result_buffer, &error),
                         ERR_INVALID);
        assert_non_null(strstr(error.text, "row 42, column 57"));
        assert_int_equal(
            assignment_solve_sparse(workspace, start, &column, &bad[k], 1, 3, result_buffer, &error),
            ERR_INVALID);
    }
    int32_t outside = 3;
    double cost = 1;
    assert_int_equal(assignment_solve_sparse(workspace, start, &outside, &cost, 1, 3, result_buffer, NULL),
                     ERR_INVALID);
}

static void kernels_agree(void **state)
{
    (void)state;
    const struct lap_kernels *fast = lap_dense_kernels(), *plain = lap_dense_kernels_scalar();
    static double v[200], least[2][200], lanes[2][LAP_LANES];
    static int32_t out[2][200];
    struct random_state r;
    random_seed(&r, 3);
    for (size_t trial = 0; trial < 2000; trial++) {
        size_t n = 1 + random_below(&r, 200);
        make_instance(trial % 2 == 0 ? GATED : SIGNED, 1, n, trial, cost_buffer);
        for (size_t j = 0; j < n; j++) {
            v[j] = random_unit(&r) - 1;
            least[0][j] = least[1][j] = random_unit(&r);
        }
        if (trial % 5 == 0) {
            cost_buffer[random_below(&r, (uint32_t)n)] = NAN;
        }
        assert_int_equal(fast->column_minima(cost_buffer, n, 1e300, least[0]),
                         plain->column_minima(cost_buffer, n, 1e300, least[1]));
        if (trial % 5 == 0) {
            continue;
        }
        assert_memory_equal(least[0], least[1], n * sizeof(double));
        fast->lane_minima(cost_buffer, v, n, lanes[0]);
        plain->lane_minima(cost_buffer, v, n, lanes[1]);
        assert_memory_equal(lanes[0], lanes[1], sizeof lanes[0]);
        double u = 2 * random_unit(&r);
        assert_int_equal(fast->any_below(cost_buffer, v, n, u), plain->any_below(cost_buffer, v, n, u));
        size_t begin = random_below(&r, (uint32_t)n), room = random_below(&r, 40);
        size_t count = fast->gather(cost_buffer, v, begin, n, u, out[0], room);
        assert_int_equal(count, plain->gather(cost_buffer, v, begin, n, u, out[1], room));
        assert_memory_equal(out[0], out[1], count * sizeof out[0][0]);
    }
}

/* Once the workspace has met a size, no call of that size or less takes memory. */
static void takes_no_memory_again(void **state)
{
    (void)state;
    static size_t start[ENTRIES_MAX];
    static int32_t column[ENTRIES_MAX];
    static double value[ENTRIES_MAX];
    if (!ALLOCATIONS_ARE_COUNTED) {
        skip();
    }
    struct assignment *fresh = assignment_create();
    assert_non_null(fresh);
    size_t before = allocation_count, first = 0;
    for (uint64_t round = 0; round < 3; round++) {
        for (uint64_t seed = 0; seed < 2 * KIND_COUNT; seed++) {
            size_t rows = seed % 2 == 0 ? 200 : 90, columns = seed % 3 == 0 ? 200 : 150;
            make_instance((enum kind)(seed % KIND_COUNT), rows, columns, seed, cost_buffer);
            to_sparse(cost_buffer, rows, columns, start, column, value);
            assert_int_equal(assignment_solve(fresh, cost_buffer, rows, columns, result_buffer, NULL), 0);
            assert_int_equal(
                assignment_solve_sparse(fresh, start, column, value, rows, columns, result_buffer, NULL), 0);
        }
        first = round == 0 ? allocation_count : first;
    }
    assert_true(first > before);
    assert_int_equal(allocation_count, first);
    assignment_destroy(fresh);
}

static int set_up(void **state)
{
    (void)state;
    cost_buffer = malloc(ENTRIES_MAX * sizeof *cost_buffer);
    result_buffer = malloc(1000 * sizeof *result_buffer);
    workspace = assignment_create();
    return cost_buffer == NULL || result_buffer == NULL || workspace == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    free(cost_buffer);
    free(result_buffer);
    assignment_destroy(workspace);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_brute_force),
        cmocka_unit_test(equals_brute_force_at_eight),
        cmocka_unit_test(equals_scipy),
        cmocka_unit_test(core_equals_whole),
        cmocka_unit_test(adding_to_a_row_changes_no_choice),
        cmocka_unit_test(empty_problems),
        cmocka_unit_test(refuses_what_is_no_cost),
        cmocka_unit_test(kernels_agree),
        cmocka_unit_test(takes_no_memory_again),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
