#include "crowd/ground_area.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "geo/polygon.h"

/* The picture is probed at a lattice of pixels to find how far the measurable ground reaches. */
enum { PROBE_COLUMNS = 96, PROBE_ROWS = 96 };
/* Cells on a border are sampled so finely. */
enum { SUB = 8 };
/* No camera measures people further away than its ground reaches: a wrong calibration must not make a map of
 * a county. */
static const double GREATEST_SIDE_M = 400;

struct extent {
    double x0, y0, x1, y1;
};

static void reach(struct extent *e, struct point g)
{
    e->x0 = fmin(e->x0, g.x);
    e->x1 = fmax(e->x1, g.x);
    e->y0 = fmin(e->y0, g.y);
    e->y1 = fmax(e->y1, g.y);
}

static bool probe(const struct view *view, struct extent *e)
{
    *e = (struct extent){INFINITY, INFINITY, -INFINITY, -INFINITY};
    for (size_t i = 0; i < view->zone_count; i++) {
        const struct zone *z = &view->zones[i];
        for (size_t k = 0; z->coordinates == COORDINATES_GROUND && k < z->corner_count; k++) {
            reach(e, z->corners[k]);
        }
    }
    for (int r = 0; view_is_calibrated(view) && r <= PROBE_ROWS; r++) {
        for (int c = 0; c <= PROBE_COLUMNS; c++) {
            const struct point pixel = {view->width * c / PROBE_COLUMNS, view->height * r / PROBE_ROWS};
            struct point g;
            if (view_is_measurable(view, pixel) && view_to_ground(view, pixel, &g)) {
                reach(e, g);
            }
        }
    }
    return e->x0 < e->x1 && e->y0 < e->y1;
}

static bool zone_has(const struct view *view, const struct zone *zone, struct point ground)
{
    if (zone->coordinates == COORDINATES_GROUND) {
        return polygon_contains(zone->corners, zone->corner_count, ground);
    }
    struct point pixel;
    return view_to_image(view, ground, &pixel) &&
           polygon_contains(zone->corners, zone->corner_count,
                            (struct point){pixel.x / view->width, pixel.y / view->height});
}

static bool has(const struct view *view, const struct zone *zone, struct point ground)
{
    return view_sees(view, ground) && (!zone || zone_has(view, zone, ground));
}

/* Share of the square (x, y, side) that is seen (and, with a zone, in it). Where its corners, its middle and
 * the middles of its sides agree, so does the rest: what is smaller than half a cell between them is beyond
 * this map. */
static double share_of(const struct view *view, const struct zone *zone, double x, double y, double side)
{
    int in = 0;
    for (int i = 0; i < 9; i++) {
        in += has(view, zone, (struct point){x + side * (i % 3) / 2.0, y + side * (i / 3) / 2.0});
    }
    if (in == 0 || in == 9) {
        return in / 9.0;
    }
    int n = 0;
    for (int i = 0; i < SUB * SUB; i++) {
        n += has(view, zone,
                 (struct point){x + side * (i % SUB + 0.5) / SUB, y + side * (i / SUB + 0.5) / SUB});
    }
    return n / (double)(SUB * SUB);
}

static void set_grid(struct ground_area *a, const struct extent *e, double cell_m)
{
    a->cell_m = cell_m;
    for (;;) {
        a->origin_x = floor(e->x0 / a->cell_m) * a->cell_m;
        a->origin_y = floor(e->y0 / a->cell_m) * a->cell_m;
        const double columns = ceil((e->x1 - a->origin_x) / a->cell_m);
        const double rows = ceil((e->y1 - a->origin_y) / a->cell_m);
        if (columns * rows <= GROUND_CELLS_MAX) {
            a->columns = (int)fmax(1, columns);
            a->rows = (int)fmax(1, rows);
            return;
        }
        a->cell_m *= 1.25;
    }
}

int ground_area_build(const struct view *view, double cell_m, struct ground_area *area, struct error *error)
{
    *area = (struct ground_area){.cell_m = cell_m};
    struct extent e;
    if (!probe(view, &e)) {
        return 0;
    }
    e.x1 = fmin(e.x1, e.x0 + GREATEST_SIDE_M);
    e.y1 = fmin(e.y1, e.y0 + GREATEST_SIDE_M);
    set_grid(area, &e, cell_m);
    area->share = calloc((size_t)area->columns * (size_t)area->rows, sizeof(*area->share));
    if (!area->share) {
        return error_nomem(error, "the density grid");
    }
    double sum = 0;
    for (int r = 0; r < area->rows; r++) {
        for (int c = 0; c < area->columns; c++) {
            const double s = share_of(view, NULL, area->origin_x + c * area->cell_m,
                                      area->origin_y + r * area->cell_m, area->cell_m);
            area->share[r * area->columns + c] = (float)s;
            sum += (double)(float)s;
        }
    }
    area->area_m2 = sum * area->cell_m * area->cell_m;
    return 0;
}

void ground_area_free(struct ground_area *area)
{
    free(area->share);
    *area = (struct ground_area){0};
}

int zone_area_build(const struct view *view, const struct ground_area *area, const struct zone *zone,
                    struct zone_area *out, struct error *error)
{
    *out = (struct zone_area){0};
    const size_t cells = (size_t)area->columns * (size_t)area->rows;
    if (!(area->area_m2 > 0)) {
        return 0;
    }
    out->cells = malloc(cells * sizeof(*out->cells));
    if (!out->cells) {
        return error_nomem(error, "a zone's cells");
    }
    const double m2 = area->cell_m * area->cell_m;
    for (int i = 0; i < (int)cells; i++) {
        if (area->share[i] <= 0) {
            continue;
        }
        const double x = area->origin_x + (i % area->columns) * area->cell_m;
        const double y = area->origin_y + (i / area->columns) * area->cell_m;
        const double s = share_of(view, zone, x, y, area->cell_m);
        if (s > 0) {
            out->cells[out->count++] = (struct zone_cell){i, (float)(s * m2)};
            out->area_m2 += s * m2;
        }
    }
    struct zone_cell *fit = realloc(out->cells, (out->count ? out->count : 1) * sizeof(*fit));
    out->cells = fit ? fit : out->cells;
    return 0;
}

void zone_area_free(struct zone_area *area)
{
    free(area->cells);
    *area = (struct zone_area){0};
}
