/*
 * What a video's coder said of its motion, added up from picture to picture: the difference between two
 * pictures' sums is how each cell moved meanwhile, whatever pictures between them were looked at or dropped.
 * Square cells from the upper left corner of the displayed picture, as in motion_field.h.
 *
 * Immutable; owned by the picture that it belongs to.
 */
#ifndef SCI_CORE_MOTION_SUM_H
#define SCI_CORE_MOTION_SUM_H

#include <stdint.h>

enum { MOTION_SUM_UNITS = 16 }; /* to a pixel */

struct motion_sum_cell {
    uint16_t x, y;  /* displacement in units, modulo 2^16: only differences mean anything */
    uint16_t known; /* pictures whose coder said anything of this cell, modulo 2^16 */
};

struct motion_sum {
    uint64_t run;      /* sums of different runs have nothing in common */
    uint32_t pictures; /* that were added up, modulo 2^32 */
    int columns, rows, cell_px;
    struct motion_sum_cell cells[];
};

#endif
