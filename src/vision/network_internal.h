/* What the files of the detector share: network.c, network_open.c, network_density.c; density.c reads the
 * head. */
#ifndef SCI_VISION_NETWORK_INTERNAL_H
#define SCI_VISION_NETWORK_INTERNAL_H

#include <stdatomic.h>

#include "infer/session.h"
#include "vision/density_head.h"
#include "vision/density_sum.h"
#include "vision/family.h"
#include "vision/hog.h"
#include "vision/network.h"

enum { NETWORK_DEGRADED_TEXT = 512 };

struct network {
    struct session *session; /* NULL: HOG */
    const struct family *family;
    char degraded[NETWORK_DEGRADED_TEXT]; /* why it is HOG though a model was asked for */
    int fixed_width, fixed_height;        /* 0 x 0: any multiple of the family's step */
    bool has_head;
    struct density_head head; /* where it has one */
    atomic_llong density_reads;
};

/* What the head said of a context's newest picture. */
struct network_density {
    bool is_there;
    struct density_output output; /* its cells are our own copy */
    struct placement placement;
    int picture_width, picture_height;
    float *cells, *map; /* of `capacity` cells each */
    size_t capacity;
};

struct network_context {
    struct network *network;
    int rung, input_width, input_height;
    struct hog *hog; /* instead of what follows; lends its detections */
    struct preprocess *preprocess;
    float *input;
    size_t input_floats;
    struct candidate_list candidates;
    struct detection *detections; /* as many as candidates */
    size_t capacity;
    struct network_density density;
};

/* What is the family's among the outputs of a run; `boxes` has room for them. */
struct raw_outputs network_boxes(const struct network *network, const struct tensor *outputs, int width,
                                 int height, struct tensor boxes[SESSION_TENSORS_MAX]);
/* Copies what the head says of the picture; without a head it does nothing. Allocates when there was no input
 * as large before. */
int network_density_keep(struct network_context *context, const struct tensor *outputs,
                         const struct placement *placement, const struct picture *picture,
                         struct error *error);
void network_density_free(struct network_density *density);

#endif
