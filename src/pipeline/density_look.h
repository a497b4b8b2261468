/*
 * What the density network says of a camera's picture: by a run of its own, or, where it is the detector's
 * head, read off the pass that has just found the boxes.
 */
#ifndef SCI_PIPELINE_DENSITY_LOOK_H
#define SCI_PIPELINE_DENSITY_LOOK_H

#include "base/error.h"
#include "core/picture.h"
#include "pipeline/path.h"
#include "vision/density.h"
#include "vision/network.h"

/* A worker's means. */
struct density_eyes {
    struct density_network *network;
    struct density_context *context;
    struct network_context *pass; /* of a head: in which the detector has looked at the picture */
};

/* The reading's map lives in one of the contexts until its next call. */
int density_look(const struct density_eyes *eyes, const struct camera_path *path,
                 const struct picture *picture, struct count_reading *reading, struct error *error);

#endif
