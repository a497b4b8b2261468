/*
 * The measuring stage of one camera: the people of a picture in, the snapshot's measures out. Pure: stream
 * time comes in, the same input gives the same bytes. Used by one thread at a time.
 */
#ifndef SCI_CROWD_STAGE_H
#define SCI_CROWD_STAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "core/motion_field.h"
#include "core/snapshot.h"
#include "geo/camera.h"

struct crowd_options {
    const struct camera_model *camera; /* copied; CAMERA_NONE = uncalibrated */
    const struct zone *zones; /* borrowed for the stage's life (they are part of the configuration) */
    size_t zone_count;
    const struct line *lines;
    size_t line_count;
    double cell_m, sigma_m; /* density grid and kernel */
    const struct point
        *region; /* region of interest, 0-1 of the picture; limits the area that is measured. NULL = all */
    size_t region_count;
};

struct crowd_input {
    int64_t stream_ns;
    int width, height;    /* displayed picture */
    struct track *tracks; /* `ground` is filled in by the stage */
    size_t track_count;
    /* Or positions that somebody else measured (OBSERVATION_POSITIONS): then tracks carry `ground` already.
     */
    int ground_is_given;
    /* What the density network says of this camera, NULL: nothing that is new enough; and which count is
     * published. */
    const struct count_reading *reading;
    int64_t reading_ns; /* stream time of its picture: another one is another reading */
    enum counting_mode counting;
    /* The picture's motion since an earlier one; NULL: none came with this one. */
    const struct motion_field *motion;
    /* NULL, or why the picture shows nothing (a REASON_ of core/measure.h): then nobody is there, nothing is
     * valid, and what is remembered (trends, visits, flows) has a gap rather than an empty place. */
    const char *blind;
    /* NULL, or what else is wrong with the pictures: what it makes wrong is not valid (crowd/doubt.h). */
    const struct health *health;
};

struct crowd_stage; /* opaque */

int crowd_stage_create(const struct crowd_options *options, struct crowd_stage **stage, struct error *error);
void crowd_stage_destroy(struct crowd_stage **stage);
/* How many of the people of the last picture the density network has counted, as a share. */
double crowd_stage_density_share(const struct crowd_stage *stage);
/* Fills in the tracks' ground positions and velocities, and measures, zones, lines, grid and regime of
 * `snapshot`; what they point to lives until the next call. No allocation in the steady state. */
int crowd_stage_update(struct crowd_stage *stage, const struct crowd_input *input, struct snapshot *snapshot,
                       struct error *error);

#endif
