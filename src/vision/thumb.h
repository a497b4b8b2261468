/*
 * A small grey copy of a picture: THUMB_COLUMNS x THUMB_ROWS cells, each the mean of what it covers (of at
 * most four of its rows, spread evenly). Whatever the picture's shape, the copy has the same size: a cell is
 * as wide as 1/160 of the picture. No allocation.
 */
#ifndef SCI_VISION_THUMB_H
#define SCI_VISION_THUMB_H

#include <stdbool.h>
#include <stdint.h>

#include "core/health.h"
#include "core/picture.h"

enum {
    THUMB_TILE = 16, /* cells along a tile's side */
    THUMB_COLUMNS = HEALTH_TILE_COLUMNS * THUMB_TILE,
    THUMB_ROWS = HEALTH_TILE_ROWS * THUMB_TILE,
    THUMB_CELLS = THUMB_COLUMNS * THUMB_ROWS
};

/* False, and nothing written, for a picture that is smaller than the copy. */
bool thumb_take(const struct picture *picture, uint8_t thumb[THUMB_CELLS]);

/* The luma of a row, or green where there is none, as a pointer and the distance of its samples in bytes. */
const uint8_t *picture_luma_row(const struct picture *picture, int y, int *step);

#endif
