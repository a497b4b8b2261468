/*
 * vectors: adds up the motion vectors of a decoder's pictures (H.264, MPEG-4 and their kin, decoded by the
 * processor) as core/motion_sum.h has it.
 *
 * A vector leads from a block to where its coder found something alike in a picture shown before. How many
 * pictures before is not told: taken is the last one that is no B picture. That is right for coders with one
 * reference, as cameras have, and for their B pictures unless others refer to those (a pyramid: a sixth too
 * slow with two of them); it is wrong by a factor for blocks for which a coder looks further back. Vectors
 * into the future are left out, and so are pictures that were turned, stretched or interlaced: those begin a
 * new run.
 *
 * One thread at a time.
 */
#ifndef SCI_MEDIA_VECTORS_H
#define SCI_MEDIA_VECTORS_H

#include <stdbool.h>

#include "core/motion_sum.h"

struct AVFrame;
struct vectors; /* opaque */

struct vectors *vectors_create(void);           /* NULL without memory */
void vectors_destroy(struct vectors **vectors); /* clears the pointer; NULL is fine */

/*
 * The next picture in the order of display. `plain`: it is displayed as it was coded. Without vectors it
 * counts as one of which nothing is known, where there were some before. False without memory: then nothing
 * is known any more.
 */
bool vectors_add(struct vectors *vectors, const struct AVFrame *frame, bool plain);
/* The sums so far, malloc'd; NULL when there are none, or without memory. */
struct motion_sum *vectors_copy(const struct vectors *vectors);

#endif
