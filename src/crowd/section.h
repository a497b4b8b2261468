/*
 * A measurement area: a simple polygon that cells are intersected with, exactly. Keeps its working memory;
 * used by one thread at a time.
 */
#ifndef SCI_CROWD_SECTION_H
#define SCI_CROWD_SECTION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "crowd/region.h"
#include "geo/point.h"

struct section; /* opaque */

/* Copies the corners. */
int section_create(const struct point *corners, size_t count, struct section **section, struct error *error);
void section_destroy(struct section **section);
double section_area(const struct section *section);
/* Strictly inside: not on the border. */
bool section_contains(const struct section *section, struct point p);
/* Area of the region (edges relative to `at`, within `radius` of it) in the section; `whole` is the region's
 * own area. Negative without memory. */
double section_overlap(struct section *section, struct point at, const struct edge *edges, size_t count,
                       double radius, double whole);

#endif
