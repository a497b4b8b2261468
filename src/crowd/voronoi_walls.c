/*
 * Weiler-Atherton for a convex cell: every ring of the walkable ground is followed through the cell. Where a
 * ring leaves the cell, the piece goes on along the cell's own boundary, counter-clockwise, to the place
 * where the next ring comes in. So the boundary falls into loops; the one that the person stands in is
 * wanted, less the holes that lie in it whole.
 *
 * Robustness: a corner is in the cell or not by one comparison that all its edges share, so every ring comes
 * in as often as it goes out. Only the order along the cell's boundary can be upset, by crossings that fall
 * together within rounding, or leave no loop around the person; then the cell is shrunk by one part in 10^11
 * and tried again, a hundredth of what the area's accuracy allows, then by ten times as much.
 */
#include "crowd/voronoi_walls.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const double SHRINK = 1e-11;
/* voronoi.c lets people stand a nanometre within a wall. */
static const double TOUCH_M = 2e-9;
enum { TRIES = 6 };

struct crossing {
    struct point at;
    size_t ring;
    size_t corner;  /* the ring's edge from this corner on is the one that crosses */
    size_t element; /* of the cell's boundary */
    double along;   /* how far along that element, 0-1 */
    bool comes_in;
    bool done;
    size_t partner; /* in: the ring's next crossing, which goes out */
};

struct wall_cutter {
    struct crossing *crossings;
    size_t count, capacity;
    size_t *order; /* crossings along the cell's boundary */
    struct edge_list loop, best, cell;
    size_t *whole; /* rings that lie in the cell wholly */
    size_t whole_count, ring_capacity;
    const struct walkable *walkable;
    struct point person;
    double radius, disc;
};

bool edge_list_reserve(struct edge_list *list, size_t more)
{
    if (list->count + more <= list->capacity) {
        return true;
    }
    size_t capacity = list->capacity ? list->capacity : 64;
    while (capacity < list->count + more) {
        capacity *= 2;
    }
    struct edge *items = realloc(list->items, capacity * sizeof(*items));
    if (!items) {
        return false;
    }
    list->items = items;
    list->capacity = capacity;
    return true;
}

static bool push(struct edge_list *list, struct point a, struct point b, bool arc)
{
    if (!edge_list_reserve(list, 1)) {
        return false;
    }
    list->items[list->count++] = (struct edge){a, b, arc};
    return true;
}

struct wall_cutter *wall_cutter_create(void)
{
    return calloc(1, sizeof(struct wall_cutter));
}

void wall_cutter_destroy(struct wall_cutter **cutter)
{
    if (*cutter) {
        free((*cutter)->crossings);
        free((*cutter)->order);
        free((*cutter)->loop.items);
        free((*cutter)->best.items);
        free((*cutter)->cell.items);
        free((*cutter)->whole);
        free(*cutter);
        *cutter = NULL;
    }
}

static double cross(struct point a, struct point b)
{
    return a.x * b.y - a.y * b.x;
}

/* Positive outside of a straight element. */
static double beyond(const struct edge *e, struct point p)
{
    const struct point d = {e->b.x - e->a.x, e->b.y - e->a.y};
    const struct point r = {p.x - e->a.x, p.y - e->a.y};
    return -cross(d, r);
}

static bool in_cell(const struct wall_cutter *c, struct point p)
{
    if (p.x * p.x + p.y * p.y > c->disc * c->disc) {
        return false;
    }
    for (size_t i = 0; i < c->cell.count; i++) {
        if (!c->cell.items[i].arc && beyond(&c->cell.items[i], p) > 0) {
            return false;
        }
    }
    return true;
}

/* Part of the segment a-b within the cell: from t0 on element e0 to t1 on element e1. */
struct chord {
    double t0, t1;
    size_t e0, e1;
};

static void narrow(struct chord *c, double sa, double sb, size_t element)
{
    if (sa > 0 && sb <= 0) {
        const double t = sa / (sa - sb);
        if (t > c->t0) {
            c->t0 = t;
            c->e0 = element;
        }
    } else if (sa <= 0 && sb > 0) {
        const double t = sa / (sa - sb);
        if (t < c->t1) {
            c->t1 = t;
            c->e1 = element;
        }
    } else if (sa > 0) {
        c->t0 = INFINITY;
    }
}

static void narrow_by_disc(const struct wall_cutter *c, struct chord *h, struct point a, struct point b)
{
    if (!(c->disc < INFINITY)) {
        return;
    }
    const struct point d = {b.x - a.x, b.y - a.y};
    const double dd = d.x * d.x + d.y * d.y;
    const double ad = a.x * d.x + a.y * d.y;
    const double q = ad * ad - dd * (a.x * a.x + a.y * a.y - c->disc * c->disc);
    if (q <= 0) { /* at most one point, where it touches: out as soon as in */
        h->t0 = INFINITY;
        h->t1 = -INFINITY;
        h->e0 = SIZE_MAX;
        h->e1 = SIZE_MAX;
        return;
    }
    const double root = sqrt(q);
    const double in = (-ad - root) / dd;
    const double out = (-ad + root) / dd;
    if (in > h->t0) {
        h->t0 = in;
        h->e0 = SIZE_MAX;
    }
    if (out < h->t1) {
        h->t1 = out;
        h->e1 = SIZE_MAX;
    }
}

static struct chord chord_of(const struct wall_cutter *c, struct point a, struct point b)
{
    struct chord h = {-INFINITY, INFINITY, SIZE_MAX, SIZE_MAX};
    for (size_t i = 0; i < c->cell.count; i++) {
        const struct edge *e = &c->cell.items[i];
        if (!e->arc) {
            narrow(&h, beyond(e, a), beyond(e, b), i);
        }
    }
    narrow_by_disc(c, &h, a, b);
    return h;
}

/* Which arc a point on the circle is on: the one whose ends it lies between. */
static size_t arc_at(const struct wall_cutter *c, struct point p, double *along)
{
    size_t best = SIZE_MAX;
    double least = INFINITY;
    for (size_t i = 0; i < c->cell.count; i++) {
        const struct edge *e = &c->cell.items[i];
        if (!e->arc) {
            continue;
        }
        const double whole = arc_angle(e->a, e->b);
        const double from = atan2(cross(e->a, p), e->a.x * p.x + e->a.y * p.y);
        const double miss = fmax(fmax(0, -from), from - whole);
        if (miss < least) {
            least = miss;
            best = i;
            *along = whole > 0 ? fmin(1, fmax(0, from / whole)) : 0;
        }
    }
    return best;
}

static bool add_crossing(struct wall_cutter *c, size_t ring, size_t corner, struct point a, struct point b,
                         double t, size_t element, bool comes_in)
{
    if (c->count == c->capacity) {
        const size_t capacity = c->capacity ? 2 * c->capacity : 32;
        struct crossing *crossings = realloc(c->crossings, capacity * sizeof(*crossings));
        c->crossings = crossings ? crossings : c->crossings;
        size_t *order = realloc(c->order, capacity * sizeof(*order));
        c->order = order ? order : c->order;
        if (!crossings || !order) {
            return false;
        }
        c->capacity = capacity;
    }
    t = fmin(1, fmax(0, t));
    struct crossing x = {.at = {a.x + t * (b.x - a.x), a.y + t * (b.y - a.y)},
                         .ring = ring,
                         .corner = corner,
                         .element = element,
                         .comes_in = comes_in};
    if (element == SIZE_MAX) {
        x.element = arc_at(c, x.at, &x.along);
    } else {
        const struct edge *e = &c->cell.items[element];
        const struct point d = {e->b.x - e->a.x, e->b.y - e->a.y};
        x.along = ((x.at.x - e->a.x) * d.x + (x.at.y - e->a.y) * d.y) / (d.x * d.x + d.y * d.y);
    }
    c->crossings[c->count++] = x;
    return true;
}

static double squared_distance(struct point a, struct point b)
{
    const struct point d = {b.x - a.x, b.y - a.y};
    const double dd = d.x * d.x + d.y * d.y;
    double t = dd > 0 ? -(a.x * d.x + a.y * d.y) / dd : 0;
    t = fmin(1, fmax(0, t));
    const struct point p = {a.x + t * d.x, a.y + t * d.y};
    return p.x * p.x + p.y * p.y;
}

static bool cross_edge(struct wall_cutter *c, size_t ring, size_t corner, struct point a, struct point b,
                       bool a_in, bool b_in)
{
    if (a_in && b_in) {
        return true;
    }
    const struct chord h = chord_of(c, a, b);
    if (a_in) {
        return add_crossing(c, ring, corner, a, b, h.t1, h.e1, false);
    }
    if (b_in) {
        return add_crossing(c, ring, corner, a, b, h.t0, h.e0, true);
    }
    if (!(h.t0 < h.t1) || h.t0 < 0 || h.t1 > 1) {
        return true;
    }
    return add_crossing(c, ring, corner, a, b, h.t0, h.e0, true) &&
           add_crossing(c, ring, corner, a, b, h.t1, h.e1, false);
}

static struct point corner_of(const struct wall_cutter *c, const struct point *ring, size_t i)
{
    return (struct point){ring[i].x - c->person.x, ring[i].y - c->person.y};
}

/* Links each way in of the ring to the way out that follows. */
static bool link_ring(struct wall_cutter *c, size_t first)
{
    const size_t n = c->count - first;
    for (size_t i = 0; i < n; i++) {
        struct crossing *x = &c->crossings[first + i];
        const size_t next = first + (i + 1) % n;
        if (x->comes_in == c->crossings[next].comes_in) {
            return false;
        }
        x->partner = next;
    }
    return true;
}

/* False without memory; *sound tells whether the ring's crossings alternate. */
static bool cross_ring(struct wall_cutter *c, size_t ring, bool *sound)
{
    size_t n;
    const struct point *p = walkable_ring(c->walkable, ring, &n);
    const size_t first = c->count;
    const double near2 = c->radius * c->radius * (1 + 1e-9);
    struct point a = corner_of(c, p, n - 1);
    bool a_in = in_cell(c, a);
    bool all_in = a_in;
    for (size_t i = 0; i < n; i++) {
        const struct point b = corner_of(c, p, i);
        bool b_in = false;
        if (a_in || squared_distance(a, b) <= near2) {
            b_in = in_cell(c, b);
            if (!cross_edge(c, ring, (i + n - 1) % n, a, b, a_in, b_in)) {
                return false;
            }
        }
        all_in = all_in && b_in;
        a = b;
        a_in = b_in;
    }
    if (all_in) {
        c->whole[c->whole_count++] = ring;
    }
    *sound = c->count == first || link_ring(c, first);
    return true;
}

static bool before(const struct crossing *a, const struct crossing *b)
{
    return a->element < b->element || (a->element == b->element && a->along < b->along);
}

/* Along the cell's boundary ways in and out must alternate too. */
static bool sort_crossings(struct wall_cutter *c)
{
    for (size_t i = 0; i < c->count; i++) {
        size_t k = i;
        for (; k > 0 && before(&c->crossings[i], &c->crossings[c->order[k - 1]]); k--) {
            c->order[k] = c->order[k - 1];
        }
        c->order[k] = i;
    }
    for (size_t i = 0; i < c->count; i++) {
        const bool here = c->crossings[c->order[i]].comes_in;
        if (c->count && here == c->crossings[c->order[(i + 1) % c->count]].comes_in) {
            return false;
        }
    }
    return true;
}

static bool follow_ring(struct wall_cutter *c, const struct crossing *in, const struct crossing *out)
{
    size_t n;
    const struct point *p = walkable_ring(c->walkable, in->ring, &n);
    struct point at = in->at;
    size_t corner = in->corner;
    /* A ring that comes in and goes out on one edge, but goes out first, passes all its corners in between.
     */
    const struct point a = corner_of(c, p, in->corner);
    const double from = (in->at.x - a.x) * (in->at.x - a.x) + (in->at.y - a.y) * (in->at.y - a.y);
    const double to = (out->at.x - a.x) * (out->at.x - a.x) + (out->at.y - a.y) * (out->at.y - a.y);
    bool more = in->corner != out->corner || to < from;
    while (more) {
        corner = (corner + 1) % n;
        const struct point next = corner_of(c, p, corner);
        if (!push(&c->loop, at, next, false)) {
            return false;
        }
        at = next;
        more = corner != out->corner;
    }
    return push(&c->loop, at, out->at, false);
}

/* Along the cell's boundary from one crossing to another. */
static bool follow_cell(struct wall_cutter *c, const struct crossing *from, const struct crossing *to)
{
    const struct edge *cell = c->cell.items;
    struct point at = from->at;
    size_t e = from->element;
    bool wrapped = to->element == e && to->along < from->along;
    while (e != to->element || wrapped) {
        if (!push(&c->loop, at, cell[e].b, cell[e].arc)) {
            return false;
        }
        at = cell[e].b;
        e = (e + 1) % c->cell.count;
        wrapped = false;
    }
    return push(&c->loop, at, to->at, cell[e].arc);
}

static size_t next_on_cell(const struct wall_cutter *c, size_t crossing)
{
    size_t i = 0;
    while (c->order[i] != crossing) {
        i++;
    }
    return c->order[(i + 1) % c->count];
}

static bool trace(struct wall_cutter *c, size_t start)
{
    c->loop.count = 0;
    size_t at = start;
    do {
        struct crossing *in = &c->crossings[at];
        in->done = true;
        const size_t out = in->partner;
        if (!follow_ring(c, in, &c->crossings[out])) {
            return false;
        }
        at = next_on_cell(c, out);
        if (!follow_cell(c, &c->crossings[out], &c->crossings[at])) {
            return false;
        }
    } while (at != start && !c->crossings[at].done);
    return true;
}

/* Is p inside the closed loop? Counts what a ray to the right meets. */
static bool loop_contains(const struct edge_list *loop, struct point p)
{
    bool inside = false;
    for (size_t i = 0; i < loop->count; i++) {
        const struct edge *e = &loop->items[i];
        if (e->arc) {
            const double r2 = e->a.x * e->a.x + e->a.y * e->a.y;
            const struct point hit = {sqrt(fmax(0, r2 - p.y * p.y)), p.y};
            double from = atan2(cross(e->a, hit), e->a.x * hit.x + e->a.y * hit.y);
            from = from < 0 ? from + 2 * M_PI : from;
            inside ^= from < arc_angle(e->a, e->b);
        } else if ((e->a.y > p.y) != (e->b.y > p.y)) {
            inside ^= p.x < (e->b.x - e->a.x) * (p.y - e->a.y) / (e->b.y - e->a.y) + e->a.x;
        }
    }
    return inside;
}

static double loop_distance2(const struct edge_list *loop)
{
    double least = INFINITY;
    for (size_t i = 0; i < loop->count; i++) {
        if (!loop->items[i].arc) {
            least = fmin(least, squared_distance(loop->items[i].a, loop->items[i].b));
        }
    }
    return least;
}

static void keep_loop(struct wall_cutter *c)
{
    const struct edge_list t = c->best;
    c->best = c->loop;
    c->loop = t;
}

/* The loop around the person; where they stand on a wall, the largest of those that touch them. */
static bool find_loop(struct wall_cutter *c)
{
    const double touch = fmax(c->radius * 1e-10, TOUCH_M);
    double best_area = -INFINITY;
    bool best_around = false;
    c->best.count = 0;
    for (size_t i = 0; i < c->count; i++) {
        if (!c->crossings[i].comes_in || c->crossings[i].done) {
            continue;
        }
        if (!trace(c, i)) {
            return false;
        }
        const bool on_wall = loop_distance2(&c->loop) <= touch * touch;
        const bool around = !on_wall && loop_contains(&c->loop, (struct point){0, 0});
        const double area = region_area(c->loop.items, c->loop.count);
        if (around || (on_wall && !best_around && area > best_area)) {
            best_area = area;
            best_around = around;
            keep_loop(c);
        }
    }
    return true;
}

static bool push_ring(struct wall_cutter *c, struct edge_list *list, size_t ring)
{
    size_t n;
    const struct point *p = walkable_ring(c->walkable, ring, &n);
    for (size_t i = 0; i < n; i++) {
        if (!push(list, corner_of(c, p, i), corner_of(c, p, (i + 1) % n), false)) {
            return false;
        }
    }
    return true;
}

static bool whole_has(const struct wall_cutter *c, size_t ring)
{
    for (size_t i = 0; i < c->whole_count; i++) {
        if (c->whole[i] == ring) {
            return true;
        }
    }
    return false;
}

/* No ring crosses the cell: the piece is the cell, or the whole ground where that lies in the cell. */
static bool uncut(struct wall_cutter *c)
{
    c->best.count = 0;
    if (whole_has(c, 0)) {
        return push_ring(c, &c->best, 0);
    }
    for (size_t i = 0; i < c->cell.count; i++) {
        if (!push(&c->best, c->cell.items[i].a, c->cell.items[i].b, c->cell.items[i].arc)) {
            return false;
        }
    }
    return true;
}

static bool take_holes(struct wall_cutter *c)
{
    const size_t outer = c->best.count;
    for (size_t i = 0; i < c->whole_count; i++) {
        size_t n;
        const size_t ring = c->whole[i];
        if (ring == 0) {
            continue;
        }
        const struct point corner = corner_of(c, walkable_ring(c->walkable, ring, &n), 0);
        const struct edge_list alone = {c->best.items, outer, 0};
        if (loop_contains(&alone, corner) && !push_ring(c, &c->best, ring)) {
            return false;
        }
    }
    return true;
}

static bool prepare(struct wall_cutter *c, const struct edge *cell, size_t count)
{
    const size_t rings = walkable_ring_count(c->walkable);
    if (rings > c->ring_capacity) {
        size_t *whole = realloc(c->whole, rings * sizeof(*whole));
        if (!whole) {
            return false;
        }
        c->whole = whole;
        c->ring_capacity = rings;
    }
    c->cell.count = 0;
    if (!edge_list_reserve(&c->cell, count)) {
        return false;
    }
    memcpy(c->cell.items, cell, count * sizeof(*cell));
    c->cell.count = count;
    return true;
}

static void shrink(struct wall_cutter *c, double factor)
{
    for (size_t i = 0; i < c->cell.count; i++) {
        struct edge *e = &c->cell.items[i];
        e->a = (struct point){e->a.x * factor, e->a.y * factor};
        e->b = (struct point){e->b.x * factor, e->b.y * factor};
    }
    c->disc *= factor;
}

/* One attempt: false without memory; *sound false when crossings fell together. */
static bool cut(struct wall_cutter *c, bool *sound)
{
    c->count = 0;
    c->whole_count = 0;
    *sound = true;
    for (size_t r = 0; r < walkable_ring_count(c->walkable) && *sound; r++) {
        if (!cross_ring(c, r, sound)) {
            return false;
        }
    }
    *sound = *sound && sort_crossings(c);
    if (!*sound) {
        return true;
    }
    if (!(c->count ? find_loop(c) : uncut(c))) {
        return false;
    }
    *sound = c->best.count > 0;
    return take_holes(c);
}

int wall_cutter_apply(struct wall_cutter *cutter, const struct walkable *walkable, struct point person,
                      const struct edge *cell, size_t count, double radius, double disc,
                      struct edge_list *out)
{
    struct wall_cutter *c = cutter;
    c->walkable = walkable;
    c->person = person;
    c->radius = radius;
    c->disc = disc;
    if (!prepare(c, cell, count)) {
        return ERR_NOMEM;
    }
    bool sound = false;
    for (int i = 0; i < TRIES && !sound; i++) {
        if (i > 0) {
            shrink(c, 1 - SHRINK * pow(10, i - 1));
        }
        if (!cut(c, &sound)) {
            return ERR_NOMEM;
        }
    }
    if (!sound) {
        return ERR_INTERNAL;
    }
    if (!edge_list_reserve(out, c->best.count)) {
        return ERR_NOMEM;
    }
    memcpy(out->items + out->count, c->best.items, c->best.count * sizeof(*out->items));
    out->count += c->best.count;
    return 0;
}
