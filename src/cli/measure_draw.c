#include "cli/measure_draw.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/file.h"
#include "cli/measure_picture.h"
#include "crowd/kernel.h"

static const double PROFILE_STEP_M = 0.2;
/* The live map's kernel. */
static const double PLACES_SIGMA_M = 0.6;
enum { PICTURES_MAX = 20, CELLS_MAX = 200000 };

struct drawing {
    const struct measure_job *job;
    struct picture_ground ground;
    struct profile_grid grid;
    struct voronoi *voronoi;
    struct profile *profile;
    struct kernel *kernel;
    double *shares, *density;
    float *area_shares, *values;
    struct error *error;
};

static int write_picture(const struct drawing *d, const char *name, struct buffer *svg)
{
    char path[4096];
    path_join(path, sizeof(path), d->job->out, name);
    const int rc =
        svg->failed ? error_nomem(d->error, name) : file_write_atomic(path, svg->data, svg->size, d->error);
    buffer_free(svg);
    return rc;
}

static int draw_places(struct drawing *d, const char *name, const struct point *at, size_t n)
{
    const struct profile_grid *g = &d->grid;
    const size_t cells = (size_t)g->columns * (size_t)g->rows;
    kernel_compute(d->kernel, at, n, d->density);
    for (size_t i = 0; i < cells; i++) {
        d->area_shares[i] = (float)d->shares[i];
        d->values[i] = (float)d->density[i];
    }
    const struct ground_area area = {g->x, g->y, g->step, g->columns, g->rows, d->area_shares, 0};
    struct hotspots *places = NULL;
    const int rc = hotspots_create(&area, &places, d->error);
    if (rc) {
        return rc;
    }
    hotspots_update(places, 0, d->values);
    size_t count = 0;
    const struct hotspot *list = hotspots_list(places, &count);
    struct buffer svg = {0};
    picture_map(&svg, &d->ground, g, d->density, list, count);
    hotspots_destroy(&places);
    return write_picture(d, name, &svg);
}

static int draw_frame(struct drawing *d, size_t k)
{
    const struct trajectories *t = &d->job->trajectories;
    const struct point *at = t->position + t->frame_start[k];
    const size_t n = t->frame_start[k + 1] - t->frame_start[k];
    const int64_t frame = t->frame[t->frame_start[k]];
    char name[64];
    struct buffer svg = {0};
    int rc = voronoi_compute(d->voronoi, at, n, d->job->walkable, d->job->cutoff, d->error);
    if (rc) {
        return rc;
    }
    picture_cells(&svg, &d->ground, d->voronoi, at, n);
    (void)snprintf(name, sizeof(name), "cells_%" PRId64 ".svg", frame);
    rc = write_picture(d, name, &svg);
    if (rc == 0) {
        profile_compute(d->profile, d->voronoi, at, NULL, n);
        picture_map(&svg, &d->ground, &d->grid, profile_density(d->profile), NULL, 0);
        (void)snprintf(name, sizeof(name), "profile_%" PRId64 ".svg", frame);
        rc = write_picture(d, name, &svg);
    }
    (void)snprintf(name, sizeof(name), "places_%" PRId64 ".svg", frame);
    return rc ? rc : draw_places(d, name, at, n);
}

static int prepare(struct drawing *d)
{
    const struct rect b = walkable_bounds(d->job->walkable);
    const double step =
        fmax(d->job->profile_step > 0 ? d->job->profile_step : PROFILE_STEP_M, sqrt(b.w * b.h / CELLS_MAX));
    d->grid =
        (struct profile_grid){b.x, b.y, step, (int)ceil(b.w / step - 1e-9), (int)ceil(b.h / step - 1e-9)};
    const size_t cells = (size_t)d->grid.columns * (size_t)d->grid.rows;
    d->voronoi = voronoi_create();
    d->shares = calloc(cells, sizeof(*d->shares));
    d->density = calloc(cells, sizeof(*d->density));
    d->area_shares = calloc(cells, sizeof(*d->area_shares));
    d->values = calloc(cells, sizeof(*d->values));
    if (!d->voronoi || !d->shares || !d->density || !d->area_shares || !d->values) {
        return error_nomem(d->error, "the pictures");
    }
    int rc = profile_create(&d->grid, &d->profile, d->error);
    rc = rc ? rc : profile_walkable_shares(&d->grid, d->job->walkable, d->shares, d->error);
    const struct kernel_grid grid = {d->grid.x, d->grid.y, step, d->grid.columns, d->grid.rows, d->shares};
    return rc ? rc : kernel_create(&grid, PLACES_SIGMA_M, true, &d->kernel, d->error);
}

static bool is_drawn(const struct measure_job *job, size_t k, size_t fullest)
{
    for (size_t i = 0; i < job->frame_count && i < PICTURES_MAX; i++) {
        if (job->frames[i] == job->trajectories.frame[job->trajectories.frame_start[k]]) {
            return true;
        }
    }
    return job->frame_count == 0 && k == fullest;
}

static int draw_frames(struct drawing *d)
{
    const struct trajectories *t = &d->job->trajectories;
    size_t fullest = 0;
    for (size_t k = 1; k < t->frame_count; k++) {
        if (t->frame_start[k + 1] - t->frame_start[k] >
            t->frame_start[fullest + 1] - t->frame_start[fullest]) {
            fullest = k;
        }
    }
    int rc = 0;
    for (size_t k = 0; rc == 0 && k < t->frame_count; k++) {
        rc = is_drawn(d->job, k, fullest) ? draw_frame(d, k) : 0;
    }
    return rc;
}

int measure_draw(const struct measure_job *job, const struct crossing_event *events, size_t event_count,
                 struct error *error)
{
    struct drawing d = {.job = job, .ground = {job->walkable, &job->area_shape, &job->line}, .error = error};
    int rc = prepare(&d);
    rc = rc ? rc : draw_frames(&d);
    if (rc == 0 && job->line.count) {
        struct buffer svg = {0};
        picture_nt(&svg, events, event_count, job->trajectories.frame[0], job->frame_rate);
        rc = write_picture(&d, "nt.svg", &svg);
    }
    voronoi_destroy(&d.voronoi);
    profile_destroy(&d.profile);
    kernel_destroy(&d.kernel);
    free(d.shares);
    free(d.density);
    free(d.area_shares);
    free(d.values);
    return rc;
}
