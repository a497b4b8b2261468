/*
 * Time of the assignment at n = 1000: dense costs uniform in [0, 1), and a gated problem as tracking makes
 * it: people uniform at 0.1 per m2 on a square, each seen again with a normal error of 0.2 m per axis and in
 * another order, pairs within 2 m, cost = distance. Prints the fastest of many runs on several instances.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/random.h"
#include "track/assignment.h"

enum { N = 1000, INSTANCES = 5, GATED_MAX = 200000 };

static void bench_dense(struct assignment *w, double *cost, int32_t *result)
{
    double sum = 0, worst = 0;
    for (uint64_t seed = 1; seed <= INSTANCES; seed++) {
        struct random_state random;
        random_seed(&random, seed);
        for (size_t k = 0; k < (size_t)N * N; k++) {
            cost[k] = random_unit(&random);
        }
        double best = INFINITY;
        for (int run = 0; run < 7; run++) {
            int64_t start = clock_monotonic_ns();
            (void)assignment_solve(w, cost, N, N, result, NULL);
            best = fmin(best, (double)(clock_monotonic_ns() - start) * 1e-6);
        }
        sum += best;
        worst = fmax(worst, best);
    }
    printf("assignment_dense_1000_ms=%.3f worst=%.3f\n", sum / INSTANCES, worst);
}

struct gated {
    size_t start[N + 1];
    int32_t column[GATED_MAX];
    double cost[GATED_MAX];
};

static void make_gated(struct gated *g, double per_m2, uint64_t seed)
{
    static double x[N], y[N], px[N], py[N];
    struct random_state random;
    random_seed(&random, seed);
    double side = sqrt(N / per_m2);
    for (size_t i = 0; i < N; i++) {
        x[i] = side * random_unit(&random);
        y[i] = side * random_unit(&random);
        px[i] = x[i] + 0.2 * random_normal(&random);
        py[i] = y[i] + 0.2 * random_normal(&random);
    }
    for (uint32_t i = N - 1; i > 0; i--) {
        uint32_t j = random_below(&random, i + 1);
        double tx = px[i], ty = py[i];
        px[i] = px[j], py[i] = py[j];
        px[j] = tx, py[j] = ty;
    }
    size_t count = 0;
    for (size_t i = 0; i < N; i++) {
        g->start[i] = count;
        for (size_t j = 0; j < N && count < GATED_MAX; j++) {
            double d = hypot(x[i] - px[j], y[i] - py[j]);
            if (d <= 2) {
                g->column[count] = (int32_t)j;
                g->cost[count++] = d;
            }
        }
    }
    g->start[N] = count;
}

static void bench_gated(struct assignment *w, struct gated *g, double per_m2, int32_t *result)
{
    double sum = 0, entries = 0;
    for (uint64_t seed = 1; seed <= INSTANCES; seed++) {
        make_gated(g, per_m2, seed);
        double best = INFINITY;
        for (int run = 0; run < 200; run++) {
            int64_t start = clock_monotonic_ns();
            (void)assignment_solve_sparse(w, g->start, g->column, g->cost, N, N, result, NULL);
            best = fmin(best, (double)(clock_monotonic_ns() - start) * 1e-6);
        }
        sum += best;
        entries += (double)g->start[N];
    }
    printf("assignment_gated_1000_ms=%.4f people_per_m2=%.2f entries=%.0f\n", sum / INSTANCES, per_m2,
           entries / INSTANCES);
}

int main(void)
{
    struct assignment *w = assignment_create();
    double *cost = malloc((size_t)N * N * sizeof *cost);
    struct gated *g = malloc(sizeof *g);
    int32_t *result = malloc(N * sizeof *result);
    if (w == NULL || cost == NULL || g == NULL || result == NULL) {
        fprintf(stderr, "bench_assignment: out of memory\n");
        return 1;
    }
    bench_dense(w, cost, result);
    bench_gated(w, g, 0.05, result);
    bench_gated(w, g, 0.1, result);
    bench_gated(w, g, 0.5, result);
    bench_gated(w, g, 2, result);
    free(cost);
    free(g);
    free(result);
    assignment_destroy(w);
    return 0;
}
