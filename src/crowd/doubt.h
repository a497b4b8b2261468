/*
 * Which measures are not valid because of the camera's health, and which are (core/health.h says what each
 * flag takes away, docs/cameras.md has the table). Applied after everything was measured.
 */
#ifndef SCI_CROWD_DOUBT_H
#define SCI_CROWD_DOUBT_H

#include "core/health.h"
#include "core/snapshot.h"
#include "crowd/view.h"

/* The tiles of the picture in which a person on that ground would be: those that the zone or the line
 * touches, and the ones above, where heads are. */
uint64_t doubt_zone_tiles(const struct view *view, const struct zone *zone);
uint64_t doubt_line_tiles(const struct view *view, const struct line *line);

void doubt_stream(const struct health *health, struct measure_set *set);
/* `tiles`: of the zone or line. */
void doubt_place(const struct health *health, uint64_t tiles, struct measure_set *set);

/* Per cent of `tiles` (~0: of the view) that cannot be seen: all of it while the picture is too dark, too
 * bright or blurred. Not valid while it shows nothing at all (`blind` without such a flag). */
struct measure doubt_view_lost(const struct health *health, const char *blind, uint64_t tiles);

/* What a place cannot have stays as it is: it is not published. */
void doubt_all(struct measure_set *set, const char *reason);

#endif
