/*
 * Where the tiles of one view lie in another: normalised cross-correlation of "detail" (the strength of the
 * edges), which light, contrast and the sign of an edge hardly change. Pure; no allocation.
 *
 * - detail_make: 8 times the root of the sum of the absolute differences along x and y, less what noise
 *   makes. The root keeps a few strong edges from deciding alone.
 * - view_match_tile: the best of the shifts within VIEW_REACH cells around a guess, to a part of a cell by a
 *   parabola through its neighbours. The parabola's curvature says along which axis the tile can be told at
 *   all (an edge slides along itself).
 * - view_match_coarse: one shift for the whole view, up to a third of it, on cells twice as large.
 * - view_fit: the affine movement that most tiles agree on: weighted least squares, each axis by its own
 *   curvature, tiles that do not fit losing their weight (iteratively, Cauchy's weights).
 */
#ifndef SCI_VISION_VIEW_MATCH_H
#define SCI_VISION_VIEW_MATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "vision/thumb.h"

enum { VIEW_REACH = 3 };

struct tile_match {
    bool known;               /* the reference has detail there and it is still in the picture */
    float score;              /* correlation at the best shift, -1 to 1 */
    float dx, dy;             /* cells: where the reference's tile is now, from where it was */
    float weight_x, weight_y; /* curvature of the correlation; 0 where the axis cannot be told */
};

void detail_make(const uint8_t thumb[THUMB_CELLS], uint8_t detail[THUMB_CELLS]);

/* Tile `tile` of `reference`, looked for in `now` around (guess_x, guess_y) cells from its place. */
void view_match_tile(const uint8_t reference[THUMB_CELLS], const uint8_t now[THUMB_CELLS], int tile,
                     int guess_x, int guess_y, struct tile_match *match);

/* The shift of the whole view, in cells. Returns its correlation. */
double view_match_coarse(const uint8_t reference[THUMB_CELLS], const uint8_t now[THUMB_CELLS], int *shift_x,
                         int *shift_y);

struct view_fit {
    int used;     /* tiles with a score of at least the limit */
    int agreeing; /* of those, within three quarters of a cell of the common movement */
    double shift; /* mean length of the movement over the picture, as a share of its width */
};

/* `aspect`: height of a cell over its width, in pixels. */
void view_fit(const struct tile_match matches[HEALTH_TILES], float least_score, double aspect,
              struct view_fit *fit);

#endif
