/*
 * The density network in live use: one run at a time over all cameras, and no more than a share of the
 * workers' time: after a run nobody has a turn until it is paid for. A camera whose turn does not come goes
 * on with what the network said last.
 */
#ifndef SCI_PIPELINE_DENSITY_TURN_H
#define SCI_PIPELINE_DENSITY_TURN_H

#include <stdatomic.h>

#include "core/observation.h"
#include "pipeline/path.h"
#include "vision/density.h"

struct density_turn {
    struct density_network *network; /* lent; NULL: there is none */
    double share;                    /* of the time of all workers, 0-1 */
    int workers;
    atomic_llong free_ns; /* monotonic; while somebody has it: never */
};

/* Looks at the picture if the camera's network is due and the turn is free. `context` is the worker's own. */
int density_turn_look(struct density_turn *turn, struct density_context *context, struct camera_path *path,
                      const struct observation *observation, struct error *error);

#endif
