/* What `sci measure` works out and writes; the options are read in measure.c. */
#ifndef SCI_CLI_MEASURE_RUN_H
#define SCI_CLI_MEASURE_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "core/trajectory.h"
#include "crowd/section.h"
#include "crowd/walkable.h"
#include "geo/wkt.h"

struct measure_job {
    struct trajectories trajectories;
    double frame_rate;
    struct walkable *walkable;
    struct section *area;
    double cutoff; /* INFINITY = none */
    const char *out;
    double profile_step; /* 0 = no profile */
    double gauss_fwhm;   /* 0 = no Gaussian profile */
    double gauss_step;
    bool renormalise;
    struct wkt_polygon area_shape; /* of `area`, for the pictures */
    bool pictures;                 /* SVG of the frames asked for, of the fullest one where none is */
    struct wkt_line line;          /* no points = no crossings */
    int64_t *frames;               /* of the profiles; none = every frame */
    size_t frame_count;
    int speed_frames;
    int64_t flow_frames;
};

struct measure_result {
    size_t rows, frames, persons_off_ground, crossings;
    double ms_per_frame, profile_ms_per_frame, gauss_ms_per_frame; /* the last two NaN when not asked for */
    double density_mean, density_max, speed_mean;                  /* Voronoi, over the frames */
    size_t missing_frames;                                         /* asked for, but nobody is in them */
};

int measure_run(const struct measure_job *job, struct measure_result *result, struct error *error);

#endif
