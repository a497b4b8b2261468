/*
 * The outputs of a density head, wherever it sits: in a network of its own (density_model.h) or on a detector
 * (network.h). They are found by name: "density" 1 x 1 x ROWS x COLUMNS, people per cell of DENSITY_STRIDE
 * input pixels; "rate" 1 x 1, people per cell over the whole input; "crowd" 1 x 4; "interval" 1 x 3, what the
 * error bar is made of. models/count/export.py writes them.
 */
#ifndef SCI_VISION_DENSITY_HEAD_H
#define SCI_VISION_DENSITY_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "infer/session.h"
#include "vision/density.h"

enum { DENSITY_HEAD_OUTPUTS = 4 };

struct density_head {
    size_t outputs[DENSITY_HEAD_OUTPUTS]; /* their places in the model */
};

struct density_output {
    const float *cells; /* rows * columns, people; not yet checked; lent by whoever has run the network */
    int columns, rows;
    double rate, crowd[CROWD_CLASSES];
    double floor, share_low, share_high;
};

/* Whether there is anything by the name of a head's first output. */
bool density_head_is_there(const struct session *session);
/* ERR_FORMAT says which output is missing. */
int density_head_find(const struct session *session, struct density_head *head, struct error *error);
bool density_head_has(const struct density_head *head, size_t output);
/* `outputs`: all that the session gave for an input of that size. ERR_FORMAT when shapes or the error bar are
 * not a density head's. */
int density_head_read(const struct density_head *head, const struct session *session,
                      const struct tensor *outputs, int width, int height, struct density_output *output,
                      struct error *error);

#endif
