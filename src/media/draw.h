/*
 * draw: lines, boxes, filled shapes and text on a picture of one's own (PIXEL_RGB24, one reference, made by
 * picture_create). Coordinates are continuous pixels of the picture, origin at the outer corner of the
 * top-left pixel; everything is clipped to the picture; coordinates that are not finite, or beyond
 * DRAW_REACH, draw nothing. Pure functions: the same calls give the same bytes.
 */
#ifndef SCI_MEDIA_DRAW_H
#define SCI_MEDIA_DRAW_H

#include <stddef.h>

#include "core/detection.h"
#include "core/picture.h"
#include "geo/point.h"

#define DRAW_REACH 1e7

struct ink {
    unsigned char r, g, b;
    double opacity; /* 0-1 */
};

/* A line of `width` pixels with soft edges and round-ish ends. */
void draw_line(struct picture *picture, struct point a, struct point b, double width, struct ink ink);
/* The same in dashes of `dash` pixels and gaps as long. */
void draw_dashed_line(struct picture *picture, struct point a, struct point b, double width, double dash,
                      struct ink ink);

/* The outline of a box, centred on its edges; dashed for people who are not detected in this picture. */
void draw_box(struct picture *picture, struct box box, double width, int dashed, struct ink ink);

/* Open (a track's tail) or closed (a zone's outline). */
void draw_path(struct picture *picture, const struct point *points, size_t count, int closed, double width,
               struct ink ink);

/* The inside of a simple polygon of at most DRAW_CORNERS_MAX corners (more: nothing), by the even-odd rule.
 */
enum { DRAW_CORNERS_MAX = 64 };
void draw_fill(struct picture *picture, const struct point *corners, size_t count, struct ink ink);

/* ASCII text with its top-left corner at (x, y), dots of `scale` pixels. Characters without a letter become a
 * box. */
void draw_text(struct picture *picture, int x, int y, const char *text, int scale, struct ink ink);
int draw_text_width(const char *text, int scale);
int draw_text_height(int scale);
/* The same on a dark plate that is 2 * scale larger on every side, moved into the picture where it would
 * stick out. */
void draw_label(struct picture *picture, int x, int y, const char *text, int scale, struct ink ink);

/* The colour of a density: from yellow over red to violet, by people/m2, the same everywhere. Below 0.1 it is
 * invisible; NaN too. */
struct ink draw_density_ink(double people_per_m2);
/* The scale of these colours with numbers, in the lower right corner. */
void draw_density_legend(struct picture *picture, int scale);

#endif
