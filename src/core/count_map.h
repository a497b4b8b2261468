/*
 * A count map: people per cell on a regular grid over a picture, as a counting network sees them (in its
 * field, a density map: but crowd/density_map.h is people per m2 of ground). Its sum is the count. Cell (0,
 * 0) begins at the outer corner of the picture's top-left pixel; the last row and column may reach beyond the
 * picture.
 */
#ifndef SCI_CORE_COUNT_MAP_H
#define SCI_CORE_COUNT_MAP_H

struct count_map {
    int columns, rows;
    double cell_width, cell_height; /* pixels of the displayed picture */
    const float *people;            /* rows * columns; never negative */
};

#endif
