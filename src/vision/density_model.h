/*
 * One file of density weights: an input in, what the network says of it out. For density.c alone, which makes
 * inputs of pictures and counts of outputs. Shared by threads like its session.
 */
#ifndef SCI_VISION_DENSITY_MODEL_H
#define SCI_VISION_DENSITY_MODEL_H

#include "base/error.h"
#include "infer/session.h"
#include "vision/density.h"

struct density_model; /* opaque */

struct density_output {
    const float *cells; /* rows * columns, people; not yet checked */
    int columns, rows;
    double rate, crowd[CROWD_CLASSES];
    double floor, share_low, share_high;
    struct session_outputs *hold; /* what keeps the cells */
};

/* As density_open. On failure *model is NULL. */
int density_model_open(const char *path, int threads, const char *provider, struct density_model **model,
                       struct error *error);
void density_model_close(struct density_model **model); /* clears the pointer; NULL is fine */
/* `input`: 3 x height x width; both multiples of 32. ERR_FORMAT when the outputs' shapes are not those of a
 * density network. On success density_output_release ends what is lent. */
int density_model_run(struct density_model *model, float *input, int width, int height,
                      struct density_output *output, struct error *error);
void density_output_release(struct density_output *output);

#endif
