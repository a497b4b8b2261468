/* How the networks look at one camera's pictures: the detector's view and the density network's, of one
 * region of interest and the same masks. Immutable once made. */
#ifndef SCI_PIPELINE_LOOKS_H
#define SCI_PIPELINE_LOOKS_H

#include "base/error.h"
#include "config/config.h"
#include "vision/density.h"
#include "vision/network.h"

struct looks {
    struct view *view;
    struct density_view density;
    const struct point **masks; /* into the configuration */
    size_t *mask_counts;
};

/* `detection` is lent for the looks' life. On failure nothing is left. */
int looks_make(const struct detection_config *detection, int long_side, struct looks *looks,
               struct error *error);
void looks_free(struct looks *looks);

#endif
