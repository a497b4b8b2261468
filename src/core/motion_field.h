/*
 * Motion between two pictures of one camera, on a grid of square cells that starts in the upper left corner
 * of the displayed picture: what was in a cell in the earlier picture is (dx, dy) pixels further in the later
 * one. Cells of the last column and row may reach over the picture's edge, or leave a strip narrower than a
 * cell out.
 */
#ifndef SCI_CORE_MOTION_FIELD_H
#define SCI_CORE_MOTION_FIELD_H

#include <stdbool.h>
#include <stdint.h>

struct motion_cell {
    float dx, dy; /* displayed pixels */
    float error;  /* one sigma per axis, pixels; INFINITY where the pictures do not tell: then dx, dy are a
                     guess */
};

struct motion_field {
    int columns, rows;
    double cell_px;                  /* side of a cell, displayed pixels */
    int64_t span_ns;                 /* stream time between the two pictures */
    const struct motion_cell *cells; /* rows * columns, from the top */
    bool by_coder;                   /* from the video's motion vectors, not by looking at the pictures */
};

/* The motion of every pixel, bilinear between the middles of the cells (guesses too): width * height pairs of
 * dx, dy, row by row. */
void motion_field_spread(const struct motion_field *field, int width, int height, float *out);

#endif
