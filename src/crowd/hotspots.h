/*
 * What lasts: every cell's density averaged over some ten seconds (exponentially, time constant 5 s), and the
 * connected places where that stays above a level, with an identity that they keep while they last. No
 * allocation after create; not thread-safe.
 */
#ifndef SCI_CROWD_HOTSPOTS_H
#define SCI_CROWD_HOTSPOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "core/snapshot.h"
#include "crowd/ground_area.h"

enum { HOTSPOTS_MAX = 32 };
/* Amber for moving crowds (docs/measures.md). */
#define HOTSPOT_LEVEL 2.0

struct hotspots; /* opaque */

/* The area is borrowed. */
int hotspots_create(const struct ground_area *area, struct hotspots **hotspots, struct error *error);
void hotspots_destroy(struct hotspots **hotspots);
/* `values`: the density map of this picture. */
void hotspots_update(struct hotspots *hotspots, int64_t now_ns, const float *values);
/* Ten seconds have been seen. */
bool hotspots_ready(const struct hotspots *hotspots);
const float *hotspots_lasting(const struct hotspots *hotspots); /* per cell, people per m2 */
const struct hotspot *hotspots_list(const struct hotspots *hotspots, size_t *count); /* highest peak first */

#endif
