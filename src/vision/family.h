/*
 * A family of detector networks: how its input is prepared and its outputs are read. One const struct each;
 * network.c does what they have in common.
 */
#ifndef SCI_VISION_FAMILY_H
#define SCI_VISION_FAMILY_H

#include <stdbool.h>
#include <stddef.h>

#include "infer/session.h"
#include "vision/preprocess.h"

/* A box in the network's input: corners in input pixels. */
struct candidate {
    float left, top, right, bottom;
    float score;
};

/* `items` has room for as many candidates as the network has cells. */
struct candidate_list {
    struct candidate *items;
    size_t count;
};

/* A network's outputs for an input of `width` x `height`. */
struct raw_outputs {
    const struct tensor *tensors;
    size_t count;
    int width, height;
};

struct family {
    const char *name;
    const char *needs; /* "1xNx85: ..." for people: what the outputs have to be */
    int step;          /* the input's sides are multiples of it */
    struct input_format format;
    bool may_have_head; /* the input is the one that density heads are trained on: density.c's */
    /* Whether the outputs' shapes are the family's for this input size. */
    bool (*fits)(const struct raw_outputs *outputs);
    /* Outputs that fit. Appends every box of class 0 (a person) whose score is at least `threshold`. */
    void (*decode)(const struct raw_outputs *outputs, float threshold, struct candidate_list *list);
};

extern const struct family family_nanodet, family_nanodet_plus, family_yolov5, family_yolov8, family_yolox;

/* NULL-terminated, in the order in which "auto" tries them. */
extern const struct family *const families[];

/* NULL in `family` for "auto" or NULL. ERR_INVALID for a name that is no family's. `path` is for messages. */
int family_find(const char *name, const char *path, const struct family **family, struct error *error);
/* The first family that the outputs fit, or whether they fit the one that is given. ERR_FORMAT says which
 * shapes were found and which are needed. */
int family_match(const struct family **family, const char *path, const struct raw_outputs *outputs,
                 struct error *error);

/* Cells of a grid of `stride` pixels over the input, rows rounded up. */
static inline size_t grid_cells(const struct raw_outputs *outputs, int stride)
{
    return (size_t)((outputs->width + stride - 1) / stride) *
           (size_t)((outputs->height + stride - 1) / stride);
}

#endif
