/*
 * One picture without a past: the people in it, by boxes, by the density network, or by both through the
 * hand-over (crowd/handover.h). Behind `sci count` and POST /analyze/image.
 *
 * An analyst has the scratch memory of one thread; the networks are shared.
 */
#ifndef SCI_PIPELINE_STILL_H
#define SCI_PIPELINE_STILL_H

#include "base/error.h"
#include "config/config.h"
#include "core/count_map.h"
#include "core/detection.h"
#include "core/picture.h"
#include "core/snapshot.h"
#include "vision/density.h"
#include "vision/network.h"

struct still_analyst; /* opaque */

struct still_options {
    const struct detection_config *detection; /* lent for the analyst's life: scores, sizes, region, masks */
    struct network *network;                  /* lent; NULL: boxes cannot be found */
    struct density_network *density;          /* lent; NULL: no density model installed */
    int long_side;                            /* of the density network's input; 0 = by the picture's size */
};

/* What it points to lives until the analyst's next picture. */
struct still_result {
    double count, low, high; /* the 90 % interval */
    enum regime regime;
    size_t box_count;
    const struct detection *boxes; /* those that count; none in COUNTING_DENSITY */
    bool has_map;                  /* the density network has looked: `map`, `crowd` */
    struct count_map map;          /* the network's own, whatever was counted */
    enum crowd_class crowd;
};

int still_analyst_create(const struct still_options *options, struct still_analyst **analyst,
                         struct error *error);
void still_analyst_destroy(struct still_analyst **analyst); /* clears the pointer; NULL is fine */

/* COUNTING_AUTO counts by boxes where there is no density network, and the other way round. ERR_UNSUPPORTED
 * when the network that the mode needs is not there. */
int still_analyse(struct still_analyst *analyst, const struct picture *picture, enum counting_mode mode,
                  struct still_result *result, struct error *error);

#endif
