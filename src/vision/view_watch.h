/*
 * Whether a camera still looks where it looked: its background now against a reference of it.
 *
 * Once a second a small copy of the picture is taken. The median of the last five, cell by cell, is the
 * background now: people who walk, and a mast that shakes, are not in it. Its detail is compared with the
 * reference's, tile by tile (view_match.h).
 *
 * - As long as enough tiles are found near their place, their common movement is the view's shift. Tiles with
 *   a crowd before them, or in another light, are not found and have no say.
 * - Where they are not, one shift for the whole view is looked for, up to a third of it, and the tiles again
 *   around it.
 * - A view of which nothing can be found is lost: turned away or covered. Only one that was good until a
 *   moment ago, has changed at once, and stands still since; a place that fills or gets dark does neither.
 *
 * The reference is learnt from the first looks (LEARN_LOOKS) and then stays: a camera that sags slowly must
 * not take it along. A single tile that has not been found for ten minutes while the rest stands is taken
 * from the background now (a stand was put up, the light is another). A view that nothing is found of for ten
 * minutes without having been lost is learnt anew. A lost or moved view is never learnt by itself:
 * view_watch_accept. A reference can be kept over a restart (view_watch_reference, view_watch_recall).
 *
 * Pure; stream time comes in; no allocation. About 150 kB.
 */
#ifndef SCI_VISION_VIEW_WATCH_H
#define SCI_VISION_VIEW_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "vision/view_match.h"

enum { VIEW_MEDIAN = 5 };

struct view_watch { /* zeros at the start; view_watch.c alone knows what it means */
    uint8_t ring[VIEW_MEDIAN][THUMB_CELLS];
    int ring_count, ring_at;
    uint8_t background[THUMB_CELLS], detail[THUMB_CELLS];
    uint8_t before[THUMB_CELLS]; /* detail some looks ago: does the view stand still? */
    int before_age;
    uint8_t learning[THUMB_CELLS];  /* mean background while the reference is learnt */
    uint8_t reference[THUMB_CELLS]; /* its detail */
    uint8_t spread[HEALTH_TILES];   /* standard deviation of its luma per tile */
    int looks;                      /* since the reference was begun */
    int good_ago;                   /* looks since most tiles were found */
    bool lost;
    int standing; /* looks for which a view that is not found has stood still */
    int unfound;  /* looks since the last usable comparison */
    int coarse_wait, coarse_x, coarse_y;
    unsigned learnt;                /* how often the reference, or a part of it, was learnt */
    uint16_t missing[HEALTH_TILES]; /* looks for which the tile was not found */
    struct tile_match matches[HEALTH_TILES];
};

/* What a view is recognised by: for a process after this one. */
struct view_reference {
    uint8_t detail[THUMB_CELLS], spread[HEALTH_TILES];
};

struct view_finding {
    bool compared;     /* the shift is known */
    double shift;      /* mean movement over the picture, as a share of its width */
    bool lost;         /* nothing of the reference is in the picture any more */
    uint64_t obscured; /* tiles that had detail and show next to none, for some looks */
    uint64_t missing;  /* tiles that were not found, for as many looks */
    int known, found;  /* tiles that could be recognised, and were */
};

/* A look, about once a second. `aspect`: height over width of a cell. */
void view_watch_look(struct view_watch *watch, const uint8_t thumb[THUMB_CELLS], double aspect,
                     struct view_finding *finding);
/* A copy of the reference; false while it is being learnt. */
bool view_watch_reference(const struct view_watch *watch, struct view_reference *reference);
/* Goes on with a reference of before. `recent`: the view was seen a moment ago, so that one of which nothing
 * can be found has changed at once; else the light may be another. */
void view_watch_recall(struct view_watch *watch, const struct view_reference *reference, bool recent);
/* The view as it is now is the right one: it is learnt from the next looks on. */
void view_watch_accept(struct view_watch *watch);

#endif
