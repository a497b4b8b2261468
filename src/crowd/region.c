#include "crowd/region.h"

#include <math.h>

static double cross(struct point a, struct point b)
{
    return a.x * b.y - a.y * b.x;
}

static double dot(struct point a, struct point b)
{
    return a.x * b.x + a.y * b.y;
}

double arc_angle(struct point a, struct point b)
{
    return fabs(atan2(cross(a, b), dot(a, b)));
}

double region_area(const struct edge *edges, size_t count)
{
    double twice = 0;
    for (size_t i = 0; i < count; i++) {
        const struct edge *e = &edges[i];
        twice += e->arc ? dot(e->a, e->a) * arc_angle(e->a, e->b) : cross(e->a, e->b);
    }
    return twice / 2;
}

/*
 * Clipping. What is cut off is closed again along the cutting line: from every point where the boundary
 * leaves to `base`, and from `base` to every point where it comes back. Base is any point of the line; on one
 * line the detours cancel.
 */
struct clipper {
    struct edge *out;
    size_t count;
    struct point base;
    bool has_base;
};

static void emit(struct clipper *c, struct point a, struct point b, bool arc)
{
    if (a.x != b.x || a.y != b.y) {
        c->out[c->count++] = (struct edge){a, b, arc};
    }
}

static struct point based(struct clipper *c, struct point p)
{
    if (!c->has_base) {
        c->base = p;
        c->has_base = true;
    }
    return c->base;
}

static void leaves(struct clipper *c, struct point p)
{
    emit(c, p, based(c, p), false);
}

static void returns(struct clipper *c, struct point p)
{
    emit(c, based(c, p), p, false);
}

static void clip_straight(struct clipper *c, const struct edge *e, double sa, double sb)
{
    if (sa <= 0 && sb <= 0) {
        emit(c, e->a, e->b, false);
    } else if ((sa <= 0) != (sb <= 0)) {
        const double t = sa / (sa - sb);
        const struct point p = {e->a.x + t * (e->b.x - e->a.x), e->a.y + t * (e->b.y - e->a.y)};
        if (sa <= 0) {
            emit(c, e->a, p, false);
            leaves(c, p);
        } else {
            returns(c, p);
            emit(c, p, e->b, false);
        }
    }
}

static bool on_arc(const struct edge *e, struct point p)
{
    return cross(e->a, p) > 0 && cross(p, e->b) > 0;
}

/* The circle leaves the half-plane at `leave` and comes back at `back`, counter-clockwise. */
static void clip_arc(struct clipper *c, const struct edge *e, double sa, double sb, struct point n, double d)
{
    const double size = hypot(n.x, n.y);
    const struct point u = {n.x / size, n.y / size};
    const double h = d / size;
    const double r2 = dot(e->a, e->a);
    const double w = sqrt(fmax(0, r2 - h * h));
    const struct point leave = {h * u.x + w * u.y, h * u.y - w * u.x};
    const struct point back = {h * u.x - w * u.y, h * u.y + w * u.x};
    const bool crosses = h * h < r2;
    if (sa <= 0 && sb <= 0) {
        if (crosses && on_arc(e, leave) && on_arc(e, back) && cross(leave, back) > 0) {
            emit(c, e->a, leave, true);
            leaves(c, leave);
            returns(c, back);
            emit(c, back, e->b, true);
        } else {
            emit(c, e->a, e->b, true);
        }
    } else if (sa <= 0) {
        emit(c, e->a, leave, true);
        leaves(c, leave);
    } else if (sb <= 0) {
        returns(c, back);
        emit(c, back, e->b, true);
    } else if (crosses && on_arc(e, leave) && on_arc(e, back) && cross(back, leave) > 0) {
        returns(c, back);
        emit(c, back, leave, true);
        leaves(c, leave);
    }
}

size_t region_clip(const struct edge *edges, size_t count, struct point n, double d, struct edge *out)
{
    struct clipper c = {.out = out};
    for (size_t i = 0; i < count; i++) {
        const double sa = dot(n, edges[i].a) - d;
        const double sb = dot(n, edges[i].b) - d;
        if (edges[i].arc) {
            clip_arc(&c, &edges[i], sa, sb, n, d);
        } else {
            clip_straight(&c, &edges[i], sa, sb);
        }
    }
    return c.count;
}

/*
 * Coverage. The area of a region in a cell is the sum over its boundary within the cell's row of clamp(x -
 * left, 0, step) dy (Green's theorem; the parts along the row's lower and upper side have dy = 0). A piece of
 * boundary in column k gives step dy to every column left of k, the integral of (x - left) dy to column k and
 * nothing to those on the right: `covers` holds the dy, `areas` the integrals, and one sweep from right to
 * left adds them up.
 */
struct painter {
    const struct coverage_grid *grid;
    struct coverage_window w;
    bool arc;
    double r2;
    double sx, sy; /* the quarter of the circle that the piece is in */
};

static int clamp_int(double value, int low, int high)
{
    return value <= low ? low : value >= high ? high : (int)value;
}

/* x of the piece at height y, and the other way round; between a and b. */
static double x_at(const struct painter *p, struct point a, struct point b, double y)
{
    const double x =
        p->arc ? p->sx * sqrt(fmax(0, p->r2 - y * y)) : a.x + (b.x - a.x) * ((y - a.y) / (b.y - a.y));
    return fmin(fmax(x, fmin(a.x, b.x)), fmax(a.x, b.x));
}

static double y_at(const struct painter *p, struct point a, struct point b, double x)
{
    const double y =
        p->arc ? p->sy * sqrt(fmax(0, p->r2 - x * x)) : a.y + (b.y - a.y) * ((x - a.x) / (b.x - a.x));
    return fmin(fmax(y, fmin(a.y, b.y)), fmax(a.y, b.y));
}

static double integral(const struct painter *p, struct point a, struct point b)
{
    if (!p->arc) {
        return (a.x + b.x) / 2 * (b.y - a.y);
    }
    const double turn = cross(a, b) >= 0 ? arc_angle(a, b) : -arc_angle(a, b);
    return (p->r2 * turn + b.x * b.y - a.x * a.y) / 2;
}

static void paint_cell(const struct painter *p, int row, int column, struct point a, struct point b)
{
    const struct coverage_grid *g = p->grid;
    const size_t at = (size_t)row * (size_t)g->columns + (size_t)column;
    const double left = g->x + column * g->step;
    g->areas[at] += integral(p, a, b) - left * (b.y - a.y);
    g->covers[at] += b.y - a.y;
}

/* A monotonic piece within one row. */
static void paint_row(const struct painter *p, int row, struct point a, struct point b)
{
    const struct coverage_grid *g = p->grid;
    const double x_end = g->x + g->columns * g->step;
    const double low = fmin(a.x, b.x);
    const double high = fmax(a.x, b.x);
    if (high <= g->x || a.y == b.y) {
        return;
    }
    const bool right = b.x >= a.x;
    /* Beyond the right side the piece only covers what is left of it: as if it ran straight up in an extra
     * column. */
    if (low >= x_end) {
        g->covers[(size_t)row * (size_t)g->columns + (size_t)g->columns - 1] += b.y - a.y;
        g->areas[(size_t)row * (size_t)g->columns + (size_t)g->columns - 1] += g->step * (b.y - a.y);
        return;
    }
    const int from = clamp_int(floor((low - g->x) / g->step), -1, g->columns);
    const int to = clamp_int(floor((high - g->x) / g->step), -1, g->columns);
    struct point at = a;
    for (int k = 0; k <= to - from; k++) {
        const int column = right ? from + k : to - k;
        struct point next = b;
        if (k < to - from) {
            const double x = g->x + (right ? column + 1 : column) * g->step;
            next = (struct point){x, y_at(p, a, b, x)};
        }
        if (column >= g->columns) {
            g->covers[(size_t)row * (size_t)g->columns + (size_t)g->columns - 1] += next.y - at.y;
            g->areas[(size_t)row * (size_t)g->columns + (size_t)g->columns - 1] += g->step * (next.y - at.y);
        } else if (column >= 0) {
            paint_cell(p, row, column, at, next);
        }
        at = next;
    }
}

static void paint(struct painter *p, struct point a, struct point b)
{
    const struct coverage_grid *g = p->grid;
    const double low = fmin(a.y, b.y);
    const double high = fmax(a.y, b.y);
    const double y_end = g->y + g->rows * g->step;
    if (a.y == b.y || high <= g->y || low >= y_end) {
        return;
    }
    const bool up = b.y > a.y;
    const int from = clamp_int(floor((low - g->y) / g->step), -1, g->rows);
    const int to = clamp_int(floor((high - g->y) / g->step), -1, g->rows);
    struct point at = a;
    for (int k = 0; k <= to - from; k++) {
        const int row = up ? from + k : to - k;
        struct point next = b;
        if (k < to - from) {
            const double y = g->y + (up ? row + 1 : row) * g->step;
            next = (struct point){x_at(p, a, b, y), y};
        }
        if (row >= 0 && row < g->rows) {
            paint_row(p, row, at, next);
        }
        at = next;
    }
}

/* Cut at the axes, an arc is monotonic in x and in y. */
static void paint_arc(struct painter *p, const struct edge *e)
{
    static const struct point axes[4] = {{1, 0}, {0, 1}, {-1, 0}, {0, -1}};
    const double r = hypot(e->a.x, e->a.y);
    p->arc = true;
    p->r2 = r * r;
    struct edge rest = *e;
    for (int guard = 0; guard < 4; guard++) {
        /* The next axis counter-clockwise from the start. */
        int quarter = rest.a.x > 0 && rest.a.y >= 0   ? 0
                      : rest.a.x <= 0 && rest.a.y > 0 ? 1
                      : rest.a.x < 0                  ? 2
                                                      : 3;
        const struct point axis = {r * axes[(quarter + 1) % 4].x, r * axes[(quarter + 1) % 4].y};
        p->sx = quarter == 0 || quarter == 3 ? 1 : -1;
        p->sy = quarter < 2 ? 1 : -1;
        if (!on_arc(&rest, axis)) {
            paint(p, rest.a, rest.b);
            return;
        }
        paint(p, rest.a, axis);
        rest.a = axis;
    }
}

static struct coverage_window window_of(const struct edge *edges, size_t count, const struct coverage_grid *g)
{
    double x0 = INFINITY;
    double y0 = INFINITY;
    double x1 = -INFINITY;
    double y1 = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        const struct edge *e = &edges[i];
        const double r = e->arc ? hypot(e->a.x, e->a.y) : 0;
        x0 = fmin(x0, e->arc ? -r : e->a.x);
        x1 = fmax(x1, e->arc ? r : e->a.x);
        y0 = fmin(y0, e->arc ? -r : e->a.y);
        y1 = fmax(y1, e->arc ? r : e->a.y);
    }
    if (count == 0) {
        return (struct coverage_window){0, 0, 0, 0};
    }
    const int c0 = clamp_int(floor((x0 - g->x) / g->step) - 1, 0, g->columns);
    const int r0 = clamp_int(floor((y0 - g->y) / g->step) - 1, 0, g->rows);
    const int c1 = clamp_int(floor((x1 - g->x) / g->step) + 2, 0, g->columns);
    const int r1 = clamp_int(floor((y1 - g->y) / g->step) + 2, 0, g->rows);
    return (struct coverage_window){c0, r0, c1 - c0, r1 - r0};
}

struct coverage_window region_cover(const struct edge *edges, size_t count, const struct coverage_grid *grid)
{
    struct painter p = {.grid = grid, .w = window_of(edges, count, grid)};
    const struct coverage_window w = p.w;
    /* Boundary to the right of the grid is booked in the last column, so the window reaches it when the
     * region does. */
    for (int r = w.row; r < w.row + w.rows; r++) {
        for (int c = w.column; c < w.column + w.columns; c++) {
            grid->areas[(size_t)r * (size_t)grid->columns + (size_t)c] = 0;
            grid->covers[(size_t)r * (size_t)grid->columns + (size_t)c] = 0;
        }
    }
    if (w.columns <= 0 || w.rows <= 0) {
        return w;
    }
    for (size_t i = 0; i < count; i++) {
        if (edges[i].arc) {
            paint_arc(&p, &edges[i]);
        } else {
            p.arc = false;
            paint(&p, edges[i].a, edges[i].b);
        }
    }
    for (int r = w.row; r < w.row + w.rows; r++) {
        double cover = 0;
        for (int c = w.column + w.columns - 1; c >= w.column; c--) {
            const size_t at = (size_t)r * (size_t)grid->columns + (size_t)c;
            grid->areas[at] += grid->step * cover;
            cover += grid->covers[at];
        }
    }
    return w;
}
