/* Zones and lines: the places that a safety officer names. Immutable values out of the configuration. */
#ifndef SCI_CORE_ZONE_H
#define SCI_CORE_ZONE_H

#include <stddef.h>

#include "geo/point.h"

enum { ID_SIZE = 65, ZONE_CORNERS_MAX = 64, ZONES_MAX = 64, LINES_MAX = 32 };

enum zone_kind { ZONE_MOVING, ZONE_STANDING, ZONE_EXIT };
enum zone_coordinates {
    COORDINATES_IMAGE, /* 0-1 of the displayed picture, x right, y down */
    COORDINATES_GROUND /* metres */
};

struct zone {
    char id[ID_SIZE];
    enum zone_kind kind;
    enum zone_coordinates coordinates;
    double capacity; /* people; 0 = not stated */
    size_t corner_count;
    struct point corners[ZONE_CORNERS_MAX];
};

/* Counted people cross a polyline; *in* is from its left to its right side, walking from the first point to
 * the last. */
struct line {
    char id[ID_SIZE];
    enum zone_coordinates coordinates;
    double width_m; /* clear width of the exit; 0 = not stated */
    size_t point_count;
    struct point points[ZONE_CORNERS_MAX];
};

const char *zone_kind_name(enum zone_kind kind); /* "moving", "standing", "exit" */

#endif
