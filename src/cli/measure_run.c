#include "cli/measure_run.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "base/buffer.h"
#include "base/file.h"
#include "cli/measure_draw.h"
#include "crowd/kernel.h"
#include "crowd/movement.h"
#include "crowd/profile.h"
#include "crowd/voronoi.h"

static const double GAUSS_LEAST = 1e-6; /* smaller values are left out, as in the reference */

struct run {
    const struct measure_job *job;
    struct measure_result *result;
    struct voronoi *voronoi;
    struct profile *profile;
    struct kernel *kernel;
    double *speeds, *shares, *gauss;
    struct profile_grid profile_grid, gauss_grid;
    struct buffer individual, frames, profile_text, gauss_text;
    int64_t cell_ns, profile_ns, gauss_ns;
    size_t profile_frames;
    struct error *error;
};

struct frame_result {
    double classic, density, speed;
};

/* Processor time: what else runs on the machine does not count. */
static int64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int write_out(const struct run *r, const char *name, struct buffer *text)
{
    char path[4096];
    if (text->failed) {
        return error_nomem(r->error, name);
    }
    path_join(path, sizeof(path), r->job->out, name);
    return file_write_atomic(path, text->data ? text->data : "", text->size, r->error);
}

/* Density and speed over the measurement area from the cells of one frame. */
static int measure_area(struct run *r, const struct point *at, const double *speeds, size_t n,
                        struct frame_result *f)
{
    const struct voronoi_cell *cells = voronoi_cells(r->voronoi);
    struct section *area = r->job->area;
    double inside = 0;
    double people = 0;
    double walked = 0;
    for (size_t i = 0; i < n; i++) {
        inside += section_contains(area, at[i]) ? 1 : 0;
        if (!(cells[i].area > 0)) {
            continue;
        }
        const double share = 1 / (double)cells[i].sharers;
        const double part =
            share * section_overlap(area, at[i], voronoi_edges(r->voronoi) + cells[i].first, cells[i].count,
                                    cells[i].radius, cells[i].area * (double)cells[i].sharers);
        if (part <= -0.5) {
            return error_nomem(r->error, "the measurement area");
        }
        people += part / cells[i].area;
        walked += part * speeds[i];
    }
    const double m2 = section_area(area);
    *f = (struct frame_result){inside / m2, people / m2, walked / m2};
    return 0;
}

static void write_frame(struct run *r, size_t first, size_t n, const struct frame_result *f)
{
    const struct trajectories *t = &r->job->trajectories;
    const struct voronoi_cell *cells = voronoi_cells(r->voronoi);
    for (size_t i = 0; i < n; i++) {
        const size_t row = first + i;
        buffer_printf(&r->individual, "%" PRId64 ",%" PRId64 ",%.17g,%.17g,", t->frame[row], t->id[row],
                      t->position[row].x, t->position[row].y);
        if (cells[i].area > 0) {
            buffer_printf(&r->individual, "%.17g,%.17g,", cells[i].area, 1 / cells[i].area);
        } else {
            buffer_append_text(&r->individual, ",,");
            r->result->persons_off_ground++;
        }
        buffer_printf(&r->individual, "%.17g\n", r->speeds[row]);
    }
    buffer_printf(&r->frames, "%" PRId64 ",%zu,%.17g,%.17g,%.17g\n", t->frame[first], n, f->classic,
                  f->density, f->speed);
    r->result->density_mean += f->density;
    r->result->density_max = fmax(r->result->density_max, f->density);
    r->result->speed_mean += f->speed;
}

static bool is_asked(const struct measure_job *job, int64_t frame)
{
    for (size_t i = 0; i < job->frame_count; i++) {
        if (job->frames[i] == frame) {
            return true;
        }
    }
    return job->frame_count == 0;
}

static void profile_frame(struct run *r, int64_t frame, const struct point *at, const double *speeds,
                          size_t n)
{
    const int64_t start = cpu_ns();
    profile_compute(r->profile, r->voronoi, at, speeds, n);
    r->profile_ns += cpu_ns() - start;
    const struct profile_grid *g = &r->profile_grid;
    for (int i = 0; i < g->columns * g->rows; i++) {
        if (profile_density(r->profile)[i] > 0) {
            buffer_printf(&r->profile_text, "%" PRId64 ",%.6f,%.6f,%.10g,%.10g\n", frame,
                          g->x + (i % g->columns + 0.5) * g->step, g->y + (i / g->columns + 0.5) * g->step,
                          profile_density(r->profile)[i], profile_speed(r->profile)[i]);
        }
    }
}

static void gauss_frame(struct run *r, int64_t frame, const struct point *at, size_t n)
{
    const int64_t start = cpu_ns();
    kernel_compute(r->kernel, at, n, r->gauss);
    r->gauss_ns += cpu_ns() - start;
    const struct profile_grid *g = &r->gauss_grid;
    for (int i = 0; i < g->columns * g->rows; i++) {
        if (r->gauss[i] >= GAUSS_LEAST) {
            buffer_printf(&r->gauss_text, "%" PRId64 ",%.6f,%.6f,%.10g\n", frame,
                          g->x + (i % g->columns + 0.5) * g->step, g->y + (i / g->columns + 0.5) * g->step,
                          r->gauss[i]);
        }
    }
}

static int run_frame(struct run *r, size_t k)
{
    const struct trajectories *t = &r->job->trajectories;
    const size_t first = t->frame_start[k];
    const size_t n = t->frame_start[k + 1] - first;
    const struct point *at = t->position + first;
    struct frame_result f = {0};
    const int64_t start = cpu_ns();
    int rc = voronoi_compute(r->voronoi, at, n, r->job->walkable, r->job->cutoff, r->error);
    if (rc || (rc = measure_area(r, at, r->speeds + first, n, &f))) {
        return error_prefix(r->error, "frame %" PRId64, t->frame[first]);
    }
    r->cell_ns += cpu_ns() - start;
    write_frame(r, first, n, &f);
    if ((r->profile || r->kernel) && is_asked(r->job, t->frame[first])) {
        r->profile_frames++;
        if (r->profile) {
            profile_frame(r, t->frame[first], at, r->speeds + first, n);
        }
        if (r->kernel) {
            gauss_frame(r, t->frame[first], at, n);
        }
    }
    return 0;
}

static struct profile_grid grid_over(const struct walkable *walkable, double step)
{
    const struct rect b = walkable_bounds(walkable);
    return (struct profile_grid){b.x, b.y, step, (int)fmax(1, fmin(1e6, ceil(b.w / step - 1e-9))),
                                 (int)fmax(1, fmin(1e6, ceil(b.h / step - 1e-9)))};
}

static int prepare_gauss(struct run *r)
{
    const struct measure_job *j = r->job;
    r->gauss_grid = grid_over(j->walkable, j->gauss_step);
    const struct profile_grid *g = &r->gauss_grid;
    const size_t cells = (size_t)g->columns * (size_t)g->rows;
    if (cells > 4000000) {
        return error_set(r->error, ERR_INVALID, "the Gaussian grid would have %zu cells: take a larger step",
                         cells);
    }
    r->gauss = calloc(cells, sizeof(*r->gauss));
    r->shares = calloc(cells, sizeof(*r->shares));
    if (!r->gauss || !r->shares) {
        return error_nomem(r->error, "the Gaussian profile");
    }
    const int rc = profile_walkable_shares(g, j->walkable, r->shares, r->error);
    const struct kernel_grid grid = {g->x, g->y, g->step, g->columns, g->rows, r->shares};
    return rc ? rc
              : kernel_create(&grid, j->gauss_fwhm / FWHM_PER_SIGMA, j->renormalise, &r->kernel, r->error);
}

static int prepare(struct run *r)
{
    const struct measure_job *j = r->job;
    r->voronoi = voronoi_create();
    r->speeds = calloc(j->trajectories.count, sizeof(*r->speeds));
    if (!r->voronoi || !r->speeds) {
        return error_nomem(r->error, "the measures");
    }
    int rc = 0;
    if (j->profile_step > 0) {
        r->profile_grid = grid_over(j->walkable, j->profile_step);
        rc = profile_create(&r->profile_grid, &r->profile, r->error);
    }
    if (rc == 0 && j->gauss_fwhm > 0) {
        rc = prepare_gauss(r);
    }
    buffer_append_text(&r->individual, "frame,id,x,y,area_m2,density,speed_mps\n");
    buffer_append_text(&r->frames, "frame,n,classic_density,voronoi_density,voronoi_speed\n");
    buffer_append_text(&r->profile_text, "frame,x,y,density,speed\n");
    buffer_append_text(&r->gauss_text, "frame,x,y,density\n");
    return rc;
}

static int write_flow(struct run *r, const struct crossing_event *events, size_t count)
{
    struct flow_interval *intervals = NULL;
    size_t n = 0;
    int rc = movement_flow(events, count, r->job->flow_frames, r->job->frame_rate, &intervals, &n, r->error);
    struct buffer text = {0};
    buffer_append_text(&text, "flow_per_s,mean_speed_mps\n");
    for (size_t i = 0; i < n; i++) {
        buffer_printf(&text, "%.17g,%.17g\n", intervals[i].flow_per_s, intervals[i].speed_mean);
    }
    rc = rc ? rc : write_out(r, "flow.csv", &text);
    buffer_free(&text);
    free(intervals);
    return rc;
}

static int write_crossings(struct run *r, const struct crossing_event *events, size_t count)
{
    struct buffer crossings = {0};
    struct buffer nt = {0};
    buffer_append_text(&crossings, "id,frame\n");
    buffer_printf(&nt, "frame,cumulative_pedestrians\n%" PRId64 ",0\n", r->job->trajectories.frame[0]);
    for (size_t i = 0; i < count; i++) {
        buffer_printf(&crossings, "%" PRId64 ",%" PRId64 "\n", events[i].id, events[i].frame);
        if (i + 1 == count || events[i + 1].frame != events[i].frame) {
            buffer_printf(&nt, "%" PRId64 ",%zu\n", events[i].frame, i + 1);
        }
    }
    int rc = write_out(r, "crossings.csv", &crossings);
    rc = rc ? rc : write_out(r, "nt.csv", &nt);
    buffer_free(&crossings);
    buffer_free(&nt);
    return rc;
}

static int cross_line(struct run *r)
{
    struct crossing_event *events = NULL;
    size_t count = 0;
    int rc = 0;
    if (r->job->line.count) {
        rc = movement_crossings(&r->job->trajectories, r->job->line.points, r->job->line.count, r->speeds,
                                &events, &count, r->error);
        r->result->crossings = count;
        rc = rc ? rc : write_crossings(r, events, count);
        rc = rc ? rc : write_flow(r, events, count);
    }
    if (rc == 0 && r->job->pictures) {
        rc = measure_draw(r->job, events, count, r->error);
    }
    free(events);
    return rc;
}

static int write_all(struct run *r)
{
    int rc = write_out(r, "individual.csv", &r->individual);
    rc = rc ? rc : write_out(r, "frames.csv", &r->frames);
    if (rc == 0 && r->profile) {
        rc = write_out(r, "profile.csv", &r->profile_text);
    }
    if (rc == 0 && r->kernel) {
        rc = write_out(r, "gauss_profile.csv", &r->gauss_text);
    }
    return rc ? rc : cross_line(r);
}

static void finish(struct run *r)
{
    struct measure_result *out = r->result;
    const double frames = (double)r->job->trajectories.frame_count;
    out->rows = r->job->trajectories.count;
    out->frames = r->job->trajectories.frame_count;
    out->density_mean /= frames;
    out->speed_mean /= frames;
    out->ms_per_frame = (double)r->cell_ns / 1e6 / frames;
    const double profiled = (double)r->profile_frames;
    out->profile_ms_per_frame = r->profile && profiled > 0 ? (double)r->profile_ns / 1e6 / profiled : NAN;
    out->gauss_ms_per_frame = r->kernel && profiled > 0 ? (double)r->gauss_ns / 1e6 / profiled : NAN;
    const bool profiles = r->profile || r->kernel;
    out->missing_frames =
        profiles && r->job->frame_count > r->profile_frames ? r->job->frame_count - r->profile_frames : 0;
}

int measure_run(const struct measure_job *job, struct measure_result *result, struct error *error)
{
    *result = (struct measure_result){0};
    struct run r = {.job = job, .result = result, .error = error};
    int rc = file_make_dirs(job->out, error);
    rc = rc ? rc : prepare(&r);
    if (rc == 0) {
        const int64_t start = cpu_ns();
        movement_speeds(&job->trajectories, job->speed_frames, job->frame_rate, r.speeds);
        r.cell_ns += cpu_ns() - start;
    }
    for (size_t k = 0; rc == 0 && k < job->trajectories.frame_count; k++) {
        rc = run_frame(&r, k);
    }
    rc = rc ? rc : write_all(&r);
    finish(&r);
    voronoi_destroy(&r.voronoi);
    profile_destroy(&r.profile);
    kernel_destroy(&r.kernel);
    free(r.speeds);
    free(r.shares);
    free(r.gauss);
    buffer_free(&r.individual);
    buffer_free(&r.frames);
    buffer_free(&r.profile_text);
    buffer_free(&r.gauss_text);
    return rc;
}
