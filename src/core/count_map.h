/*
 * A count map: people per cell on a regular grid over a picture, as a counting network sees them (in its
 * field, a density map: but crowd/density_map.h is people per m2 of ground). Its sum is the count. Cell (0,
 * 0) begins at the outer corner of the picture's top-left pixel; the last row and column may reach beyond the
 * picture.
 */
#ifndef SCI_CORE_COUNT_MAP_H
#define SCI_CORE_COUNT_MAP_H

/* Which count is published: by place whichever errs less, boxes', or the network's. */
enum counting_mode { COUNTING_AUTO, COUNTING_BOXES, COUNTING_DENSITY };

const char *counting_mode_name(enum counting_mode mode); /* "auto", "boxes", "density" */

struct count_map {
    int columns, rows;
    double cell_width, cell_height; /* pixels of the displayed picture */
    const float *people;            /* rows * columns; never negative */
};

/* What a counting network says of a picture. Of any part of it that holds n people the 90 % interval is n (1
 * - share_low) - floor to n (1 + share_high) + floor, at least 0. */
struct count_reading {
    struct count_map map;
    double floor, share_low, share_high;
};

#endif
