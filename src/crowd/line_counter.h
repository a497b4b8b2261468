/*
 * Counts people across lines, robust against jitter: a person counts when they have been clearly on one side,
 * are clearly on the other, and the way between leads through the line. "Clearly" is further than half the
 * position's error, and twice the error for who has just crossed: somebody who stops on the line is not
 * counted to and fro. Positions that are only predicted (coasted) count for nothing. Memory is kept per
 * person's slot (people.h) and line; not thread-safe.
 */
#ifndef SCI_CROWD_LINE_COUNTER_H
#define SCI_CROWD_LINE_COUNTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "core/snapshot.h"

struct line_counter; /* opaque */

/* Borrows the lines. */
int line_counter_create(const struct line *lines, size_t count, struct line_counter **counter,
                        struct error *error);
void line_counter_destroy(struct line_counter **counter);

struct line_sight {
    size_t slot;
    bool fresh; /* the slot has a new person */
    int64_t now_ns;
    struct point pixel; /* 0-1 of the picture, as lines in the picture are */
    double pixel_error;
    bool ground_valid;
    struct point ground;
    double ground_error; /* metres */
};

/* Makes room for that many slots. */
int line_counter_reserve(struct line_counter *counter, size_t slots, struct error *error);
void line_counter_see(struct line_counter *counter, const struct line_sight *sight);
/* Fills in counts and measures of line i. `calibrated`: lines on the ground can be counted. */
void line_counter_measure(struct line_counter *counter, size_t i, int64_t now_ns, bool calibrated,
                          struct line_state *state);

#endif
