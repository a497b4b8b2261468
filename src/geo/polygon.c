#include "geo/polygon.h"

#include <math.h>

double polygon_signed_area(const struct point *corners, size_t count)
{
    if (count < 3) {
        return 0;
    }
    /* Relative to the first corner: far from the origin the plain shoelace loses digits. */
    const struct point o = corners[0];
    double twice = 0;
    for (size_t i = 1; i + 1 < count; i++) {
        const struct point a = {corners[i].x - o.x, corners[i].y - o.y};
        const struct point b = {corners[i + 1].x - o.x, corners[i + 1].y - o.y};
        twice += a.x * b.y - a.y * b.x;
    }
    return twice / 2;
}

double polygon_area(const struct point *corners, size_t count)
{
    return fabs(polygon_signed_area(corners, count));
}

bool polygon_contains(const struct point *corners, size_t count, struct point p)
{
    bool inside = false;
    for (size_t i = 0, j = count - 1; i < count; j = i++) {
        const struct point a = corners[i];
        const struct point b = corners[j];
        if ((a.y > p.y) != (b.y > p.y) && p.x < (b.x - a.x) * (p.y - a.y) / (b.y - a.y) + a.x) {
            inside = !inside;
        }
    }
    return inside;
}

struct rect polygon_bounds(const struct point *corners, size_t count)
{
    if (count == 0) {
        return (struct rect){0, 0, 0, 0};
    }
    double x0 = corners[0].x;
    double x1 = x0;
    double y0 = corners[0].y;
    double y1 = y0;
    for (size_t i = 1; i < count; i++) {
        x0 = fmin(x0, corners[i].x);
        x1 = fmax(x1, corners[i].x);
        y0 = fmin(y0, corners[i].y);
        y1 = fmax(y1, corners[i].y);
    }
    return (struct rect){x0, y0, x1 - x0, y1 - y0};
}

static double turn(struct point a, struct point b, struct point c)
{
    return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
}

/* c is on the line through a and b: is it between them? */
static bool between(struct point a, struct point b, struct point c)
{
    return c.x >= fmin(a.x, b.x) && c.x <= fmax(a.x, b.x) && c.y >= fmin(a.y, b.y) && c.y <= fmax(a.y, b.y);
}

static bool segments_touch(struct point a, struct point b, struct point c, struct point d)
{
    const double abc = turn(a, b, c);
    const double abd = turn(a, b, d);
    const double cda = turn(c, d, a);
    const double cdb = turn(c, d, b);
    if (((abc > 0) != (abd > 0)) && ((cda > 0) != (cdb > 0)) && abc != 0 && abd != 0 && cda != 0 &&
        cdb != 0) {
        return true;
    }
    return (abc == 0 && between(a, b, c)) || (abd == 0 && between(a, b, d)) ||
           (cda == 0 && between(c, d, a)) || (cdb == 0 && between(c, d, b));
}

static int check_edges(const struct point *p, size_t count, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        const struct point a = p[i];
        const struct point b = p[(i + 1) % count];
        const struct point c = p[(i + 2) % count];
        if (a.x == b.x && a.y == b.y) {
            return error_set(error, ERR_INVALID, "corners %zu and %zu are the same point", i + 1,
                             (i + 1) % count + 1);
        }
        if (turn(a, b, c) == 0 && (b.x - a.x) * (c.x - b.x) + (b.y - a.y) * (c.y - b.y) < 0) {
            return error_set(error, ERR_INVALID, "the edge after corner %zu runs back over the one before it",
                             (i + 1) % count + 1);
        }
        for (size_t j = i + 2; j < count; j++) {
            if ((j + 1) % count != i && segments_touch(a, b, p[j], p[(j + 1) % count])) {
                return error_set(error, ERR_INVALID, "the edges after corners %zu and %zu cross or touch",
                                 i + 1, j + 1);
            }
        }
    }
    return 0;
}

int polygon_check_simple(const struct point *corners, size_t count, struct error *error)
{
    if (count < 3) {
        return error_set(error, ERR_INVALID, "a polygon needs at least 3 corners, this one has %zu", count);
    }
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(corners[i].x) || !isfinite(corners[i].y)) {
            return error_set(error, ERR_INVALID, "corner %zu is not a pair of finite numbers", i + 1);
        }
    }
    const int rc = check_edges(corners, count, error);
    if (rc) {
        return rc;
    }
    const struct rect r = polygon_bounds(corners, count);
    if (!(polygon_area(corners, count) > 1e-12 * (r.w * r.w + r.h * r.h))) {
        return error_set(error, ERR_INVALID, "the polygon has no area");
    }
    return 0;
}

double segment_distance(struct point a, struct point b, struct point p)
{
    const double dx = b.x - a.x;
    const double dy = b.y - a.y;
    const double length2 = dx * dx + dy * dy;
    double t = length2 > 0 ? ((p.x - a.x) * dx + (p.y - a.y) * dy) / length2 : 0;
    t = fmin(1, fmax(0, t));
    const double ex = p.x - a.x - t * dx;
    const double ey = p.y - a.y - t * dy;
    return sqrt(ex * ex + ey * ey);
}

double polygon_distance(const struct point *corners, size_t count, struct point p)
{
    double least = INFINITY;
    for (size_t i = 0; i < count; i++) {
        least = fmin(least, segment_distance(corners[i], corners[(i + 1) % count], p));
    }
    return least;
}

/* Integral of max(y(x) - y0, 0) dx along a straight edge from (xa, ya) to (xb, yb), signed by its direction.
 */
static double area_above(double xa, double ya, double xb, double yb, double y0)
{
    const double ha = ya - y0;
    const double hb = yb - y0;
    if (ha <= 0 && hb <= 0) {
        return 0;
    }
    if (ha >= 0 && hb >= 0) {
        return (xb - xa) * (ha + hb) / 2;
    }
    /* The part above y0 is a triangle. */
    const double top = fmax(ha, hb);
    return (xb - xa) * (top / fabs(hb - ha)) * top / 2;
}

/*
 * A vertical line meets the polygon in intervals; the length of those within [y0, y1] is the alternating sum
 * of the edges' heights clamped to [y0, y1]. Integrated over x this is a sum over edges: no clipped polygon
 * has to be built, and corners of any sort do no harm.
 */
double polygon_rect_area(const struct point *corners, size_t count, struct rect r)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        const struct point a = corners[i];
        const struct point b = corners[(i + 1) % count];
        const double left = fmax(fmin(a.x, b.x), r.x);
        const double right = fmin(fmax(a.x, b.x), r.x + r.w);
        if (!(left < right)) {
            continue;
        }
        const double slope = (b.y - a.y) / (b.x - a.x);
        const double y_left = a.y + slope * (left - a.x);
        const double y_right = a.y + slope * (right - a.x);
        const double part = area_above(left, y_left, right, y_right, r.y) -
                            area_above(left, y_left, right, y_right, r.y + r.h);
        sum += b.x > a.x ? -part : part;
    }
    return fabs(sum);
}
