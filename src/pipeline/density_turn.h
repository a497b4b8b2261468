/*
 * The density network in live use: one run at a time over all cameras, and no more than a share of the
 * workers' time: after a run nobody has a turn until it is paid for. A camera whose turn does not come goes
 * on with what the network said last. Because of the one run at a time all workers share its scratch memory
 * (an input of 1280 x 720 pixels takes 11 MB). A detector's head needs no turn: it has looked already.
 */
#ifndef SCI_PIPELINE_DENSITY_TURN_H
#define SCI_PIPELINE_DENSITY_TURN_H

#include <stdatomic.h>

#include "core/observation.h"
#include "pipeline/path.h"
#include "vision/density.h"

struct density_turn {
    struct density_network *network; /* lent; NULL: there is none */
    struct density_context *context; /* of whoever has the turn */
    double share;                    /* of the time of all workers, 0-1 */
    int workers;
    atomic_llong free_ns; /* monotonic; while somebody has it: never */
};

/* NULL network: there never is a turn. */
int density_turn_open(struct density_turn *turn, struct density_network *network, double share, int workers,
                      struct error *error);
void density_turn_close(struct density_turn *turn); /* once nobody looks any more */

/* Looks at the picture if the camera's network is due and the turn is free. `pass`: in which the detector has
 * just looked at it. Any thread. */
int density_turn_look(struct density_turn *turn, struct camera_path *path, struct network_context *pass,
                      const struct observation *observation, struct error *error);

#endif
