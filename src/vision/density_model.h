/*
 * One file of density weights: an input in, what the network says of it out. For density.c alone, which makes
 * inputs of pictures and counts of outputs. Shared by threads like its session.
 */
#ifndef SCI_VISION_DENSITY_MODEL_H
#define SCI_VISION_DENSITY_MODEL_H

#include "base/error.h"
#include "infer/session.h"
#include "vision/density_head.h"

struct density_model; /* opaque */

/* As density_open. On failure *model is NULL. */
int density_model_open(const char *path, int threads, const char *provider, struct density_model **model,
                       struct error *error);
/* The head of a network that is open already; `session` is lent for the model's life. NULL without memory. */
struct density_model *density_model_of(struct session *session, const struct density_head *head);
/* Input pixels that a tile has to see beyond what it contributes: more where the head sits on a detector,
 * whose pyramid sees farther. */
int density_model_margin(const struct density_model *model);
void density_model_close(struct density_model **model); /* clears the pointer; NULL is fine */
/* `input`: 3 x height x width; both multiples of 32. ERR_FORMAT when the outputs' shapes are not those of a
 * density network. On success the output lives until `*hold` is released (session_outputs_release). */
int density_model_run(struct density_model *model, float *input, int width, int height,
                      struct density_output *output, struct session_outputs **hold, struct error *error);

#endif
