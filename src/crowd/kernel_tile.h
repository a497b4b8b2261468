/*
 * The inner loop of kernel.c: a tile of KERNEL_TILE_ROWS x KERNEL_TILE_COLUMNS cells, to which each person
 * adds gy (a column) times gx (a row). The fast version fuses multiplication and addition, so it and the
 * plain one agree to rounding: a relative 1e-13 for 1000 people.
 */
#ifndef SCI_CROWD_KERNEL_TILE_H
#define SCI_CROWD_KERNEL_TILE_H

#include <stddef.h>

enum { KERNEL_TILE_ROWS = 4, KERNEL_TILE_COLUMNS = 12 };

struct kernel_people {
    const double *gx;  /* KERNEL_TILE_COLUMNS of each person */
    const double *gy;  /* KERNEL_TILE_ROWS of each person */
    const int *listed; /* persons to be added */
    int count;
};

/* Row r of the tile is at tile[r * stride]. */
typedef void kernel_tile_add(double *tile, size_t stride, const struct kernel_people *people);

void kernel_tile_add_plain(double *tile, size_t stride, const struct kernel_people *people);
kernel_tile_add *kernel_tile_choose(void); /* the fastest that this machine has */

#endif
