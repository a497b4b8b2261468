/* How an input is cut into tiles along one axis: each contributes its core and sees a margin more. */
#ifndef SCI_VISION_DENSITY_TILES_H
#define SCI_VISION_DENSITY_TILES_H

#include <stdbool.h>

#include "vision/density_sum.h"

int density_tile_count(int side, bool tiled);
/* `count`: of that side; `margin` in input pixels, a multiple of DENSITY_STRIDE. */
struct density_stretch density_tile_stretch(int side, int count, int index, int margin);

#endif
