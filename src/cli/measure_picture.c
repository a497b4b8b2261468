#include "cli/measure_picture.h"

#include <math.h>

#include "base/clock.h"

/* Colours change where docs/measures.md draws its lines for moving crowds. */
static const struct {
    double below;
    const char *colour, *text;
} SCALE[] = {
    {0.72, "#e8f4e8", "under 0.72"}, {1.08, "#b9dfb5", "0.72 to 1.08"}, {2.0, "#f7e08b", "1.08 to 2"},
    {3.5, "#f4a259", "2 to 3.5"},    {5.0, "#d1495b", "3.5 to 5"},      {INFINITY, "#6a1b4d", "5 and more"},
};
enum { COLOURS = sizeof(SCALE) / sizeof(SCALE[0]) };
static const double MARGIN = 0.3;
static const double PIXELS_PER_METRE = 60;

static size_t colour_of(double density)
{
    size_t i = 0;
    while (i + 1 < COLOURS && density >= SCALE[i].below) {
        i++;
    }
    return i;
}

static void begin(struct buffer *svg, const struct walkable *walkable)
{
    const struct rect b = walkable_bounds(walkable);
    const double w = b.w + 2 * MARGIN + 2.2;
    const double h = b.h + 2 * MARGIN;
    buffer_printf(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" viewBox=\"%.4g %.4g %.4g "
        "%.4g\" font-family=\"sans-serif\" font-size=\"0.2\">\n<rect x=\"%.4g\" y=\"%.4g\" width=\"%.4g\" "
        "height=\"%.4g\" fill=\"#888\"/>\n",
        w * PIXELS_PER_METRE, h * PIXELS_PER_METRE, b.x - MARGIN, -(b.y + b.h) - MARGIN, w, h, b.x - MARGIN,
        -(b.y + b.h) - MARGIN, w, h);
}

static void add_ring(struct buffer *svg, const struct point *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        buffer_printf(svg, "%s%.4g %.4g", i ? "L" : "M", p[i].x, -p[i].y);
    }
    buffer_append_text(svg, "Z");
}

static void add_ground(struct buffer *svg, const struct walkable *walkable)
{
    buffer_append_text(svg, "<path fill=\"#fff\" fill-rule=\"evenodd\" d=\"");
    for (size_t r = 0; r < walkable_ring_count(walkable); r++) {
        size_t n;
        const struct point *p = walkable_ring(walkable, r, &n);
        add_ring(svg, p, n);
    }
    buffer_append_text(svg, "\"/>\n");
}

/* What is not ground, over squares that reach into it. */
static void add_walls(struct buffer *svg, const struct walkable *walkable)
{
    const struct rect b = walkable_bounds(walkable);
    const double x0 = b.x - MARGIN;
    const double x1 = b.x + b.w + MARGIN;
    const double y0 = b.y - MARGIN;
    const double y1 = b.y + b.h + MARGIN;
    const struct point frame[] = {{x0, y0}, {x1, y0}, {x1, y1}, {x0, y1}};
    buffer_append_text(svg, "<path fill=\"#888\" fill-rule=\"evenodd\" d=\"");
    add_ring(svg, frame, 4);
    for (size_t r = 0; r < walkable_ring_count(walkable); r++) {
        size_t n;
        const struct point *p = walkable_ring(walkable, r, &n);
        add_ring(svg, p, n);
    }
    buffer_append_text(svg, "\"/>\n");
}

static void end(struct buffer *svg, const struct picture_ground *ground)
{
    const struct rect b = walkable_bounds(ground->walkable);
    if (ground->area && ground->area->point_count) {
        buffer_append_text(svg, "<path fill=\"none\" stroke=\"#00f\" stroke-width=\"0.04\" d=\"");
        add_ring(svg, ground->area->points, ground->area->point_count);
        buffer_append_text(svg, "\"/>\n");
    }
    for (size_t i = 0; ground->line && i + 1 < ground->line->count; i++) {
        const struct point p = ground->line->points[i];
        const struct point q = ground->line->points[i + 1];
        buffer_printf(svg, "<path stroke=\"#000\" stroke-width=\"0.05\" d=\"M%.4g %.4gL%.4g %.4g\"/>\n", p.x,
                      -p.y, q.x, -q.y);
    }
    const double x = b.x + b.w + MARGIN;
    double y = -(b.y + b.h) + 0.3;
    buffer_printf(svg, "<text x=\"%.4g\" y=\"%.4g\">people/m2</text>\n", x, y);
    for (size_t i = 0; i < COLOURS; i++) {
        y += 0.3;
        buffer_printf(
            svg,
            "<rect x=\"%.4g\" y=\"%.4g\" width=\"0.2\" height=\"0.2\" fill=\"%s\"/><text x=\"%.4g\" "
            "y=\"%.4g\">%s</text>\n",
            x, y - 0.17, SCALE[i].colour, x + 0.28, y, SCALE[i].text);
    }
    buffer_append_text(svg, "</svg>\n");
}

static void add_cell(struct buffer *svg, struct point at, const struct edge *edges, size_t count)
{
    struct point last = {NAN, NAN};
    for (size_t i = 0; i < count; i++) {
        const struct edge *e = &edges[i];
        if (!(hypot(e->a.x - last.x, e->a.y - last.y) < 1e-6)) { /* another loop */
            buffer_printf(svg, "M%.4f %.4f", at.x + e->a.x, -(at.y + e->a.y));
        }
        if (e->arc) {
            const double r = hypot(e->a.x, e->a.y);
            buffer_printf(svg, "A%.4f %.4f 0 0 0 %.4f %.4f", r, r, at.x + e->b.x, -(at.y + e->b.y));
        } else {
            buffer_printf(svg, "L%.4f %.4f", at.x + e->b.x, -(at.y + e->b.y));
        }
        last = e->b;
    }
}

void picture_cells(struct buffer *svg, const struct picture_ground *ground, const struct voronoi *voronoi,
                   const struct point *positions, size_t count)
{
    const struct voronoi_cell *cells = voronoi_cells(voronoi);
    begin(svg, ground->walkable);
    add_ground(svg, ground->walkable);
    for (size_t i = 0; i < count; i++) {
        if (cells[i].area > 0) {
            buffer_printf(
                svg, "<path fill=\"%s\" fill-rule=\"evenodd\" stroke=\"#333\" stroke-width=\"0.015\" d=\"",
                SCALE[colour_of(1 / cells[i].area)].colour);
            add_cell(svg, positions[i], voronoi_edges(voronoi) + cells[i].first, cells[i].count);
            buffer_append_text(svg, "\"/>\n");
        }
        buffer_printf(svg, "<circle cx=\"%.4f\" cy=\"%.4f\" r=\"0.05\"/>\n", positions[i].x, -positions[i].y);
    }
    end(svg, ground);
}

static void add_place(struct buffer *svg, const struct hotspot *h)
{
    buffer_printf(svg,
                  "<circle cx=\"%.4g\" cy=\"%.4g\" r=\"0.12\" fill=\"none\" stroke=\"#000\" "
                  "stroke-width=\"0.04\"/><text x=\"%.4g\" y=\"%.4g\" stroke=\"#fff\" stroke-width=\"0.06\" "
                  "paint-order=\"stroke\">peak %.1f/m2, %.1f m2, %.0f people</text>\n",
                  h->peak_at.x, -h->peak_at.y, h->peak_at.x - 1.2, -h->peak_at.y - 0.25, h->peak, h->area_m2,
                  h->people);
}

/* Outlines what is at least the level: every side between a cell that is and one that is not. */
static void add_outline(struct buffer *svg, const struct profile_grid *g, const double *values)
{
    buffer_append_text(svg, "<path stroke=\"#000\" stroke-width=\"0.04\" d=\"");
    for (int r = 0; r <= g->rows; r++) {
        for (int c = 0; c <= g->columns; c++) {
            const bool here = r < g->rows && c < g->columns && values[r * g->columns + c] >= HOTSPOT_LEVEL;
            const bool left = r < g->rows && c > 0 && values[r * g->columns + c - 1] >= HOTSPOT_LEVEL;
            const bool below = r > 0 && c < g->columns && values[(r - 1) * g->columns + c] >= HOTSPOT_LEVEL;
            const double x = g->x + c * g->step;
            const double y = -(g->y + r * g->step);
            if (here != left) {
                buffer_printf(svg, "M%.4g %.4gv%.4g", x, y, -g->step);
            }
            if (here != below) {
                buffer_printf(svg, "M%.4g %.4gh%.4g", x, y, g->step);
            }
        }
    }
    buffer_append_text(svg, "\"/>\n");
}

void picture_map(struct buffer *svg, const struct picture_ground *ground, const struct profile_grid *grid,
                 const double *values, const struct hotspot *places, size_t place_count)
{
    begin(svg, ground->walkable);
    add_ground(svg, ground->walkable);
    for (int i = 0; i < grid->columns * grid->rows; i++) {
        if (values[i] > 0.01) {
            buffer_printf(svg, "<rect x=\"%.4g\" y=\"%.4g\" width=\"%.4g\" height=\"%.4g\" fill=\"%s\"/>\n",
                          grid->x + i % grid->columns * grid->step,
                          -(grid->y + (i / grid->columns + 1) * grid->step), grid->step, grid->step,
                          SCALE[colour_of(values[i])].colour);
        }
    }
    add_walls(svg, ground->walkable);
    if (place_count) {
        add_outline(svg, grid, values);
    }
    for (size_t i = 0; i < place_count; i++) {
        add_place(svg, &places[i]);
    }
    end(svg, ground);
}

/* A step of 1, 2 or 5 times a power of ten that gives at most eight of them. */
static double axis_step(double length)
{
    double step = pow(10, floor(log10(fmax(length, 1e-9))) - 1);
    static const double next[] = {2, 2.5, 2};
    for (int i = 0; length / step > 8; i = (i + 1) % 3) {
        step *= next[i];
    }
    return step;
}

void picture_nt(struct buffer *svg, const struct crossing_event *events, size_t count, int64_t first_frame,
                double frame_rate)
{
    const double seconds = count ? (double)(events[count - 1].frame - first_frame) / frame_rate : 1;
    const double people = count ? (double)count : 1;
    const double x = 560 / fmax(seconds, 1e-9);
    const double y = 280 / people;
    buffer_append_text(
        svg, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"660\" height=\"360\" viewBox=\"-60 -20 660 "
             "360\" font-family=\"sans-serif\" font-size=\"13\">\n<rect x=\"-60\" y=\"-20\" "
             "width=\"660\" height=\"360\" fill=\"#fff\"/>\n");
    for (double t = 0; t <= seconds; t += axis_step(seconds)) {
        buffer_printf(svg,
                      "<path stroke=\"#ddd\" d=\"M%.1f 0v280\"/><text x=\"%.1f\" y=\"298\" "
                      "text-anchor=\"middle\">%g</text>\n",
                      t * x, t * x, t);
    }
    for (double n = 0; n <= people; n += axis_step(people)) {
        buffer_printf(svg,
                      "<path stroke=\"#ddd\" d=\"M0 %.1fh560\"/><text x=\"-8\" y=\"%.1f\" "
                      "text-anchor=\"end\">%g</text>\n",
                      280 - n * y, 284 - n * y, n);
    }
    buffer_append_text(
        svg,
        "<text x=\"280\" y=\"320\" text-anchor=\"middle\">seconds</text><text x=\"-60\" y=\"-6\">people past "
        "the line</text>\n<path fill=\"none\" stroke=\"#d1495b\" stroke-width=\"2\" d=\"M0 280");
    for (size_t i = 0; i < count; i++) {
        buffer_printf(svg, "H%.1fV%.1f", (double)(events[i].frame - first_frame) / frame_rate * x,
                      280 - (double)(i + 1) * y);
    }
    buffer_append_text(svg, "\"/>\n</svg>\n");
}
