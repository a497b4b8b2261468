/*
 * One camera's path from what its source gave to a snapshot: tracker, ground, measures. The network runs
 * before it (any worker, in any order); the path itself is stateful and takes the pictures in order, from one
 * thread at a time.
 */
#ifndef SCI_PIPELINE_PATH_H
#define SCI_PIPELINE_PATH_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/error.h"
#include "config/config.h"
#include "core/observation.h"
#include "core/snapshot.h"
#include "pipeline/camera_health.h"
#include "vision/density.h"
#include "vision/network.h"

struct camera_path; /* opaque */

/* A still has no past: everybody who is detected in it counts at once. */
enum path_use { PATH_VIDEO, PATH_STILL, PATH_LIVE /* pictures come as the clock goes: their rate counts */ };

/* `config` and `stream` are lent for the path's life (hold a reference of the configuration). */
int camera_path_create(const struct config *config, const struct stream_config *stream, enum path_use use,
                       struct camera_path **path, struct error *error);
void camera_path_destroy(struct camera_path **path);

/* Whether the motion that the video's coder has found would be used at all; live, whether it is wanted now
 * (lives as long as the path). For source_options.vectors. */
bool camera_path_may_use_vectors(const struct stream_config *stream);
const atomic_bool *camera_path_vectors_wanted(const struct camera_path *path);

/* What the manager knows of a live camera, for its health. */
void camera_path_set_pace(struct camera_path *path, const struct camera_pace *pace);
/* The view as it is from the next picture on is the right one. */
void camera_path_accept_view(struct camera_path *path);

/* camera_health_remember and camera_health_recall of its camera. */
bool camera_path_remember_view(struct camera_path *path, int64_t now_ns, struct health_memory *memory);
void camera_path_recall_view(struct camera_path *path, const struct health_memory *memory, bool recent);

/* How the network is to look at this camera; immutable, usable from any thread while the path lives. */
const struct view *camera_path_view(const struct camera_path *path);

/*
 * The density network beside the detector. Live, the worker that serves the camera asks at every picture
 * whether it is due, which it is at most every counting.interval, and less often while it adds nothing;
 * offline it is due by the stream's time alone, so that the output does not depend on the workers. What it
 * says is used for this and later pictures until it is too old. NULL view: this camera counts boxes.
 */
const struct density_view *camera_path_density_view(const struct camera_path *path);
bool camera_path_density_due(const struct camera_path *path, int64_t stream_ns);
int64_t camera_path_density_interval_ns(const struct camera_path *path);
/* Copies the reading, which is of the picture of that time. */
int camera_path_take_density(struct camera_path *path, const struct count_reading *reading, int64_t stream_ns,
                             struct error *error);

/*
 * The measures of one observation. Pictures: `detections` are the network's answer for it. Detections and
 * positions of others: `detections` is ignored and may be NULL. Fills in everything of `snapshot` but epoch,
 * seq, published and picture_age; what it points to lives until the next call. ERR_INVALID: the stream's time
 * did not advance, the observation is to be ignored.
 */
int camera_path_measure(struct camera_path *path, const struct observation *observation,
                        const struct detection *detections, size_t detection_count, struct snapshot *snapshot,
                        struct error *error);

#endif
