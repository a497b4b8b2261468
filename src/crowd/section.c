#include "crowd/section.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "crowd/voronoi_walls.h"
#include "geo/polygon.h"

struct section {
    struct point *corners; /* counter-clockwise */
    size_t count;
    bool convex;
    double area;
    struct rect bounds;
    struct edge_list now, next;
};

static bool is_convex(const struct point *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct point a = p[i];
        const struct point b = p[(i + 1) % n];
        const struct point c = p[(i + 2) % n];
        if ((b.x - a.x) * (c.y - b.y) - (b.y - a.y) * (c.x - b.x) < 0) {
            return false;
        }
    }
    return true;
}

int section_create(const struct point *corners, size_t count, struct section **section, struct error *error)
{
    *section = NULL;
    const int rc = polygon_check_simple(corners, count, error);
    if (rc) {
        return rc;
    }
    struct section *s = calloc(1, sizeof(*s));
    if (!s || !(s->corners = calloc(count, sizeof(*s->corners)))) {
        free(s);
        return error_nomem(error, "the measurement area");
    }
    const bool turned = polygon_signed_area(corners, count) < 0;
    for (size_t i = 0; i < count; i++) {
        s->corners[i] = corners[turned ? count - 1 - i : i];
    }
    s->count = count;
    s->area = polygon_area(corners, count);
    s->bounds = polygon_bounds(corners, count);
    s->convex = is_convex(s->corners, count);
    *section = s;
    return 0;
}

void section_destroy(struct section **section)
{
    if (*section) {
        free((*section)->corners);
        free((*section)->now.items);
        free((*section)->next.items);
        free(*section);
        *section = NULL;
    }
}

double section_area(const struct section *section)
{
    return section->area;
}

bool section_contains(const struct section *section, struct point p)
{
    return polygon_contains(section->corners, section->count, p) &&
           polygon_distance(section->corners, section->count, p) > 0;
}

/* Clips by the convex ring p (counter-clockwise), relative to `at`. */
static double convex_overlap(struct section *s, const struct point *p, size_t n, struct point at,
                             const struct edge *edges, size_t count)
{
    s->now.count = 0;
    if (!edge_list_reserve(&s->now, count)) {
        return -1;
    }
    memcpy(s->now.items, edges, count * sizeof(*edges));
    s->now.count = count;
    for (size_t i = 0; i < n && s->now.count; i++) {
        const struct point a = {p[i].x - at.x, p[i].y - at.y};
        const struct point b = {p[(i + 1) % n].x - at.x, p[(i + 1) % n].y - at.y};
        const struct point normal = {b.y - a.y, a.x - b.x};
        s->next.count = 0;
        if (!edge_list_reserve(&s->next, REGION_CLIP_ROOM(s->now.count))) {
            return -1;
        }
        s->next.count =
            region_clip(s->now.items, s->now.count, normal, normal.x * a.x + normal.y * a.y, s->next.items);
        const struct edge_list t = s->now;
        s->now = s->next;
        s->next = t;
    }
    return region_area(s->now.items, s->now.count);
}

/* Any polygon is the sum of the triangles between its first corner and its sides, each with its sign. */
static double fan_overlap(struct section *s, struct point at, const struct edge *edges, size_t count)
{
    double sum = 0;
    for (size_t i = 1; i + 1 < s->count; i++) {
        struct point t[3] = {s->corners[0], s->corners[i], s->corners[i + 1]};
        const double area = polygon_signed_area(t, 3);
        if (area < 0) {
            const struct point swap = t[1];
            t[1] = t[2];
            t[2] = swap;
        }
        if (area != 0) {
            const double part = convex_overlap(s, t, 3, at, edges, count);
            if (part <= -0.5) {
                return -1;
            }
            sum += area < 0 ? -part : part;
        }
    }
    return sum;
}

double section_overlap(struct section *section, struct point at, const struct edge *edges, size_t count,
                       double radius, double whole)
{
    struct section *s = section;
    const struct rect *b = &s->bounds;
    if (count == 0 || at.x + radius <= b->x || at.x - radius >= b->x + b->w || at.y + radius <= b->y ||
        at.y - radius >= b->y + b->h) {
        return 0;
    }
    if (polygon_distance(s->corners, s->count, at) >= radius) {
        return polygon_contains(s->corners, s->count, at) ? whole : 0;
    }
    const double overlap = s->convex ? convex_overlap(s, s->corners, s->count, at, edges, count)
                                     : fan_overlap(s, at, edges, count);
    return overlap < 0 && overlap > -1e-9 ? 0 : overlap;
}
