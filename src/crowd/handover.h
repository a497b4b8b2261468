/*
 * The hand-over between two ways of counting one picture: boxes, which are right where people stand apart and
 * are large enough, and a density network, which is right where they hide each other. Both count everywhere;
 * what each says is weighed by how far off it is there (inverse variance), so that there is no border at
 * which the count could jump. Per block of 64 x 64 pixels of the network's input:
 *
 *   d, n  people by the density network, by boxes: means of the block and its eight neighbours
 *   s_d   = 0.1 + share d, one deviation of the network's count, share from its 90 % interval
 *   s_n   = 0.01 + 0.06 n, of the boxes', where they work (docs/measures.md, "Counts")
 *   v_n   = s_n^2 + (3 max(0, d - n - s_d / 2))^2: both ways err by missing people, so whichever finds fewer
 *   v_d   = s_d^2 + (3 max(0, n - d - s_n / 2))^2  than the other, beyond what that may be off by, misses
 * them; threefold, because what is missed is missed all over the place and does not cancel out w     = v_d /
 * (v_d + v_n), the boxes' weight, between the blocks' centres interpolated N     = sum over boxes of w at the
 * head + sum over cells of (1 - w) people in the cell
 *
 * Both sums may be limited to a place. Where w is 1 everywhere N is the number of boxes, where it is 0 it is
 * the network's. The 90 % interval follows from its parts: the errors of one way are alike all over a
 * picture, so they add; those of the two ways have nothing to do with each other, so they add by squares:
 *
 *   low   = N - sqrt((l_boxes B / n)^2 + l_density^2)
 *   high  = N + sqrt((h_boxes B / n + max(0, M - B))^2 + h_density^2), where
 *   B     sum of w over the n boxes of the place; l_boxes, h_boxes the boxes' own interval
 *   M     what the network counts where w lets the boxes count: more than B may be missed
 *   D     what the network adds, of C that it counts in the place; l_density = floor D / C + share_low D
 *
 * Pure. No allocation but in handover_weigh when the map's size changes. One thread at a time.
 */
#ifndef SCI_CROWD_HANDOVER_H
#define SCI_CROWD_HANDOVER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "core/count_map.h"
#include "core/detection.h"
#include "core/measure.h"
#include "core/snapshot.h"
#include "geo/point.h"

enum { HANDOVER_BLOCK_CELLS = 8 };

struct handover; /* opaque */

struct handover *handover_create(void); /* NULL without memory */
void handover_destroy(struct handover **handover);

/* Looks at a reading (NULL: there is none, the boxes count) and at the boxes' heads (box_head). Keeps nothing
 * of them. */
int handover_weigh(struct handover *handover, const struct count_reading *reading, const struct point *heads,
                   size_t head_count, enum counting_mode mode, struct error *error);
/* The boxes' weight at a pixel of the displayed picture, 0-1. */
double handover_weight(const struct handover *handover, struct point pixel);
/* w of a block; `share`: one deviation of the network's count as a share of it. */
double handover_weight_of(double density, double boxes, double share);
/* Does a reading count beside the boxes? */
bool handover_has_reading(const struct handover *handover);

/* Where a box's head is: boxes are weighed there, because that is what the network counts. */
struct point box_head(struct box box);

/* The sums of a place. */
struct handover_sum {
    double boxes, boxes_kept;     /* n, B */
    double density, density_kept; /* C, D */
};

/* `weight`: handover_weight at the head, at the cell's centre. */
void handover_add_box(struct handover_sum *sum, double weight);
void handover_add_cell(struct handover_sum *sum, double weight, double people);

/* The place's count. `boxes` is its count by boxes alone, with its interval; `sum` has those it counts. */
struct measure handover_measure(const struct handover *handover, const struct handover_sum *sum,
                                const struct measure *boxes, const struct count_reading *reading);
/* What share of the people the network has counted decides, with hysteresis: density from 90 %, boxes to 10
 * %, and a regime is left only 5 % beyond where it is entered. `before` is the regime so far. */
enum regime handover_regime(const struct handover *handover, const struct handover_sum *sum,
                            enum regime before);

#endif
