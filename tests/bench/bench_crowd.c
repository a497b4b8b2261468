/*
 * How long the measuring code takes. Inputs are made here: people uniformly at random at 2 per m2 in a square
 * (Voronoi), on a grid of 80 x 50 cells (kernel), and 500 people in front of a camera (the whole stage).
 * Times are processor time of one thread, best of five runs.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/random.h"
#include "crowd/kernel.h"
#include "crowd/profile.h"
#include "crowd/stage.h"
#include "crowd/voronoi.h"

enum { RUNS = 5, PEOPLE_MAX = 5000, STAGE_PEOPLE = 500, STAGE_PICTURES = 100 };

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void must(int rc, const struct error *error)
{
    if (rc) {
        (void)fprintf(stderr, "bench_crowd: %s\n", error->text);
        exit(1);
    }
}

static void uniform(struct point *p, size_t n, double w, double h, uint64_t seed)
{
    struct random_state random;
    random_seed(&random, seed);
    for (size_t i = 0; i < n; i++) {
        p[i].x = w * random_unit(&random);
        p[i].y = h * random_unit(&random);
    }
}

static struct walkable *square(double side)
{
    struct point corners[] = {{0, 0}, {side, 0}, {side, side}, {0, side}};
    size_t starts[] = {0, 4};
    struct wkt_polygon polygon = {corners, 4, starts, 1};
    struct walkable *w = NULL;
    struct error error = {0};
    must(walkable_create(&polygon, &w, &error), &error);
    return w;
}

static void bench_voronoi(size_t n)
{
    static struct point p[PEOPLE_MAX];
    const double side = sqrt((double)n / 2);
    uniform(p, n, side, side, n);
    struct walkable *ground = square(side);
    struct voronoi *v = voronoi_create();
    struct error error = {0};
    double best = INFINITY;
    for (int run = 0; v && run < RUNS * 4; run++) {
        const double start = now_ms();
        must(voronoi_compute(v, p, n, ground, 0.8, &error), &error);
        best = fmin(best, now_ms() - start);
    }
    (void)printf("voronoi n=%zu cutoff=0.8 ms=%.4f\n", n, best);
    struct profile *profile = NULL;
    const struct profile_grid grid = {0, 0, 0.2, (int)ceil(side / 0.2), (int)ceil(side / 0.2)};
    must(profile_create(&grid, &profile, &error), &error);
    best = INFINITY;
    for (int run = 0; run < RUNS; run++) {
        const double start = now_ms();
        profile_compute(profile, v, p, NULL, n);
        best = fmin(best, now_ms() - start);
    }
    (void)printf("profile n=%zu step=0.2 cells=%d ms=%.4f\n", n, grid.columns * grid.rows, best);
    profile_destroy(&profile);
    voronoi_destroy(&v);
    walkable_destroy(&ground);
}

static void bench_kernel(double step, double sigma, bool renormalise, bool walls)
{
    enum { N = 1000, COLUMNS = 80, ROWS = 50 };
    static struct point p[N];
    static double density[COLUMNS * ROWS];
    static double share[COLUMNS * ROWS];
    uniform(p, N, COLUMNS * step, ROWS * step, 5);
    for (int i = 0; i < COLUMNS * ROWS; i++) { /* a wall across the middle */
        share[i] = i / COLUMNS == ROWS / 2 ? 0.3 : 1;
    }
    const struct kernel_grid grid = {0, 0, step, COLUMNS, ROWS, walls ? share : NULL};
    struct kernel *k = NULL;
    struct error error = {0};
    must(kernel_create(&grid, sigma, renormalise, &k, &error), &error);
    double best = INFINITY;
    for (int run = 0; run < RUNS * 10; run++) {
        const double start = now_ms();
        kernel_compute(k, p, N, density);
        best = fmin(best, now_ms() - start);
    }
    (void)printf("kernel n=%d grid=%dx%d step=%g sigma=%.3f renormalised=%d walls=%d ms=%.4f\n", N, COLUMNS,
                 ROWS, step, sigma, renormalise, walls, best);
    kernel_destroy(&k);
}

/* Twelve metres up, looking down by 40 degrees. */
static struct camera_model camera(void)
{
    const double a = 40 * M_PI / 180;
    const double r[9] = {1, 0, 0, 0, -sin(a), -cos(a), 0, cos(a), -sin(a)};
    struct camera_model c = {.kind = CAMERA_PINHOLE, .width = 1280, .height = 720, .residual_m = (double)NAN};
    c.u.pinhole =
        (struct camera_pinhole){.width = 1280, .height = 720, .fx = 900, .fy = 900, .cx = 640, .cy = 360};
    memcpy(c.u.pinhole.r, r, sizeof(r));
    for (int i = 0; i < 3; i++) {
        c.u.pinhole.t[i] = -r[i * 3 + 2] * 12;
    }
    struct error error = {0};
    must(camera_prepare(&c, &error), &error);
    return c;
}

static void place(struct track *t, size_t n, const struct camera_model *c, int picture)
{
    static struct point at[STAGE_PEOPLE];
    uniform(at, n, 12, 16, 9);
    for (size_t i = 0; i < n; i++) {
        const double walked = 0.1 * picture * (i % 2 ? 1 : -1);
        struct point foot = {0, 0};
        (void)camera_to_image(c, (struct point){at[i].x - 6, at[i].y + 12 + walked}, 0, &foot);
        const float h = 40;
        t[i] = (struct track){
            .track_id = (int64_t)i + 1, .box = {(float)foot.x - 7, (float)foot.y - h, 14, h}, .score = 0.8F};
    }
}

static void bench_stage(void)
{
    static struct track tracks[STAGE_PEOPLE];
    static const struct zone zones[] = {
        {.id = "a", .corner_count = 4, .corners = {{0, 0}, {0.5, 0}, {0.5, 1}, {0, 1}}},
        {.id = "b", .corner_count = 4, .corners = {{0.5, 0}, {1, 0}, {1, 1}, {0.5, 1}}},
        {.id = "c",
         .coordinates = COORDINATES_GROUND,
         .corner_count = 4,
         .corners = {{-3, 15}, {3, 15}, {3, 20}, {-3, 20}}},
    };
    static const struct line lines[] = {{.id = "l",
                                         .coordinates = COORDINATES_GROUND,
                                         .point_count = 2,
                                         .points = {{-6, 20}, {6, 20}},
                                         .width_m = 4}};
    const struct camera_model c = camera();
    const struct crowd_options o = {.camera = &c,
                                    .zones = zones,
                                    .zone_count = 3,
                                    .lines = lines,
                                    .line_count = 1,
                                    .cell_m = 0.5,
                                    .sigma_m = 0.6};
    struct crowd_stage *s = NULL;
    struct error error = {0};
    must(crowd_stage_create(&o, &s, &error), &error);
    double best = INFINITY;
    double sum = 0;
    for (int k = 0; k < STAGE_PICTURES; k++) {
        place(tracks, STAGE_PEOPLE, &c, k);
        struct snapshot snapshot = {0};
        const struct crowd_input in = {.stream_ns = (int64_t)k * 100000000,
                                       .width = 1280,
                                       .height = 720,
                                       .tracks = tracks,
                                       .track_count = STAGE_PEOPLE};
        const double start = now_ms();
        must(crowd_stage_update(s, &in, &snapshot, &error), &error);
        const double took = now_ms() - start;
        best = fmin(best, took);
        sum += k >= STAGE_PICTURES / 2 ? took : 0;
    }
    (void)printf("stage people=%d ms_best=%.4f ms_mean=%.4f\n", STAGE_PEOPLE, best,
                 sum / (STAGE_PICTURES / 2.0));
    crowd_stage_destroy(&s);
}

int main(void)
{
    bench_voronoi(38);
    bench_voronoi(1000);
    bench_voronoi(5000);
    bench_kernel(0.2, 0.5 / FWHM_PER_SIGMA, false, false);
    bench_kernel(0.2, 0.7, false, false);
    bench_kernel(0.2, 0.7, true, true);
    bench_kernel(0.2, 2.0, false, false); /* every person reaches every cell, as with Scott's rule */
    bench_kernel(0.5, 0.7, true, false);
    bench_stage();
    return 0;
}
