/*
 * A camera's motion from picture to picture, where its configuration wants it: while the crowd is dense, or
 * always; from the video's motion vectors or by optical flow. Private to pipeline; part of the camera's path,
 * and used by one thread at a time.
 */
#ifndef SCI_PIPELINE_MOTION_H
#define SCI_PIPELINE_MOTION_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/error.h"
#include "config/config.h"
#include "core/motion_field.h"
#include "core/observation.h"
#include "vision/flow.h"
#include "vision/vector_motion.h"

struct picture_motion {
    struct flow *flow;             /* NULL until it is wanted */
    struct vector_motion *vectors; /* likewise */
    int64_t last_ns;               /* stream time of the picture that was looked at last */
    atomic_bool vectors_wanted;    /* read by the source's thread */
};

void picture_motion_free(struct picture_motion *motion);
/* By its configuration. */
bool picture_motion_may_use_vectors(const struct stream_config *stream);
/* The motion since an earlier picture; NULL where it is not wanted, not known, or no new one is due.
 * `is_dense`: the last picture's regime; `blind`: this one shows nothing. */
int picture_motion_look(struct picture_motion *motion, const struct stream_config *stream,
                        const struct observation *o, bool is_dense, bool blind,
                        const struct motion_field **field, struct error *error);

#endif
