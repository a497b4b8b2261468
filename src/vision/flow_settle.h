/* From patches to cells on one level: patches settle with their neighbours, cells are made of patches. */
#ifndef SCI_VISION_FLOW_SETTLE_H
#define SCI_VISION_FLOW_SETTLE_H

#include "core/motion_field.h"
#include "vision/flow_align.h"

/*
 * Towards the least of
 *     sum of (motion - measured)' information (motion - measured)
 *   + sum over neighbours of STIFFNESS |difference|^2 / (1 + |difference|^2 / BORDER^2),
 * in a few sweeps to and fro (Gauss-Seidel, weights from the last state). `columns` x `rows` nodes.
 */
void flow_settle(struct flow_node *nodes, int columns, int rows);

/* Cells of (columns - 1) x (rows - 1); dx, dy and error in pixels of the level. */
void flow_make_cells(const struct flow_node *nodes, int columns, int rows, struct motion_cell *cells);

#endif
