/*
 * Each cell is cut out of a square by the bisectors to its neighbours, nearest first, as in Rycroft's Voro++
 * (Chaos 19, 041111, 2009): a neighbour further away than twice the cell's farthest corner cannot cut it any
 * more. Neighbours come from a grid with about one person per bin, ring by ring. All is relative to the
 * person, so that no digits are lost far from the origin.
 */
#include "crowd/voronoi.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "crowd/voronoi_walls.h"

static const double ON_WALL_M = 1e-9;
/* Shorter sides, as a share of their distance from the person, are rounding: where four people stand at equal
 * distances, a bisector passes through a corner, and what it cuts off has any direction. */
static const double LEAST_SIDE = 1e-11;

struct neighbour {
    double dx, dy, d2;
};

struct polygon_buffer {
    struct point *p;
    size_t count;
};

struct voronoi {
    struct voronoi_cell *cells; /* per position */
    size_t *unique_of;          /* position -> unique place */
    size_t *table;              /* hash of places: unique + 1 */
    size_t table_size;
    struct point *places; /* unique, as they came */
    size_t *sharers;
    size_t *first_cell; /* unique -> a position there */
    size_t capacity, places_count;

    /* places sorted into bins */
    struct point *sorted;
    size_t *sorted_place;
    size_t *bins;
    size_t bin_capacity;
    double bin, origin_x, origin_y;
    int columns, rows;

    struct neighbour *near;
    size_t near_count;
    struct polygon_buffer polygon, spare;
    double *side; /* of the polygon's corners */
    struct edge_list edges, raw;
    struct wall_cutter *walls;
};

struct voronoi *voronoi_create(void)
{
    struct voronoi *v = calloc(1, sizeof(*v));
    if (v && !(v->walls = wall_cutter_create())) {
        free(v);
        v = NULL;
    }
    return v;
}

void voronoi_destroy(struct voronoi **voronoi)
{
    struct voronoi *v = *voronoi;
    if (!v) {
        return;
    }
    wall_cutter_destroy(&v->walls);
    void *all[] = {v->cells,      v->unique_of, v->table,        v->places,      v->sharers,
                   v->first_cell, v->sorted,    v->sorted_place, v->bins,        v->near,
                   v->polygon.p,  v->spare.p,   v->side,         v->edges.items, v->raw.items};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        free(all[i]);
    }
    free(v);
    *voronoi = NULL;
}

/* A larger array in place of `old`; contents are not kept. */
static void *renew(void *old, size_t count, size_t size)
{
    free(old);
    return calloc(count, size);
}

static int reserve(struct voronoi *v, size_t count, struct error *error)
{
    if (count <= v->capacity) {
        return 0;
    }
    size_t capacity = 64;
    while (capacity < count) {
        capacity *= 2;
    }
    v->capacity = 0;
    v->table_size = 2 * capacity;
    /* A cell has at most one side per neighbour, and four of the square that it is cut out of. */
    if (!(v->cells = renew(v->cells, capacity, sizeof(*v->cells))) ||
        !(v->unique_of = renew(v->unique_of, capacity, sizeof(*v->unique_of))) ||
        !(v->table = renew(v->table, v->table_size, sizeof(*v->table))) ||
        !(v->places = renew(v->places, capacity, sizeof(*v->places))) ||
        !(v->sharers = renew(v->sharers, capacity, sizeof(*v->sharers))) ||
        !(v->first_cell = renew(v->first_cell, capacity, sizeof(*v->first_cell))) ||
        !(v->sorted = renew(v->sorted, capacity, sizeof(*v->sorted))) ||
        !(v->sorted_place = renew(v->sorted_place, capacity, sizeof(*v->sorted_place))) ||
        !(v->near = renew(v->near, capacity, sizeof(*v->near))) ||
        !(v->polygon.p = renew(v->polygon.p, capacity + 8, sizeof(*v->polygon.p))) ||
        !(v->spare.p = renew(v->spare.p, capacity + 8, sizeof(*v->spare.p))) ||
        !(v->side = renew(v->side, capacity + 8, sizeof(*v->side)))) {
        return error_nomem(error, "the Voronoi cells");
    }
    v->capacity = capacity;
    return 0;
}

static uint64_t bits_of(double value)
{
    uint64_t bits;
    value += 0.0; /* -0 and 0 are one place */
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static size_t hash(struct point p)
{
    uint64_t h = bits_of(p.x) * UINT64_C(0x9E3779B97F4A7C15);
    h ^= (bits_of(p.y) + (h >> 32)) * UINT64_C(0xC2B2AE3D27D4EB4F);
    return (size_t)(h ^ (h >> 29));
}

static void find_places(struct voronoi *v, const struct point *positions, size_t count)
{
    memset(v->table, 0, v->table_size * sizeof(*v->table));
    v->places_count = 0;
    for (size_t i = 0; i < count; i++) {
        size_t at = hash(positions[i]) & (v->table_size - 1);
        while (v->table[at] && (v->places[v->table[at] - 1].x != positions[i].x ||
                                v->places[v->table[at] - 1].y != positions[i].y)) {
            at = (at + 1) & (v->table_size - 1);
        }
        if (!v->table[at]) {
            v->places[v->places_count] = positions[i];
            v->sharers[v->places_count] = 0;
            v->first_cell[v->places_count] = i;
            v->table[at] = ++v->places_count;
        }
        v->unique_of[i] = v->table[at] - 1;
        v->sharers[v->unique_of[i]]++;
    }
}

static int bin_of(double value, double origin, double bin, int count)
{
    const double b = (value - origin) / bin;
    return b <= 0 ? 0 : b >= count - 1 ? count - 1 : (int)b;
}

static size_t bin_index(const struct voronoi *v, struct point p)
{
    return (size_t)bin_of(p.y, v->origin_y, v->bin, v->rows) * (size_t)v->columns +
           (size_t)bin_of(p.x, v->origin_x, v->bin, v->columns);
}

static void size_bins(struct voronoi *v)
{
    struct point low = v->places[0];
    struct point high = low;
    for (size_t i = 1; i < v->places_count; i++) {
        low = (struct point){fmin(low.x, v->places[i].x), fmin(low.y, v->places[i].y)};
        high = (struct point){fmax(high.x, v->places[i].x), fmax(high.y, v->places[i].y)};
    }
    const double w = high.x - low.x;
    const double h = high.y - low.y;
    const double n = (double)v->places_count;
    v->bin = fmax(sqrt(w * h / n), fmax(fmax(w, h) / n, 1e-9));
    v->origin_x = low.x;
    v->origin_y = low.y;
    v->columns = (int)(w / v->bin) + 1;
    v->rows = (int)(h / v->bin) + 1;
}

/* Counting sort: the places of a row of neighbouring bins lie one after the other. */
static int fill_bins(struct voronoi *v, struct error *error)
{
    size_bins(v);
    const size_t count = (size_t)v->columns * (size_t)v->rows + 1;
    if (count > v->bin_capacity) {
        v->bin_capacity = 0;
        if (!(v->bins = renew(v->bins, 2 * count, sizeof(*v->bins)))) {
            return error_nomem(error, "the Voronoi bins");
        }
        v->bin_capacity = 2 * count;
    }
    memset(v->bins, 0, count * sizeof(*v->bins));
    for (size_t i = 0; i < v->places_count; i++) {
        v->bins[bin_index(v, v->places[i]) + 1]++;
    }
    for (size_t b = 1; b < count; b++) {
        v->bins[b] += v->bins[b - 1];
    }
    for (size_t i = v->places_count; i-- > 0;) {
        /* bins[b + 1] is the end of bin b and counts down to its start, which then is the end of the bin
         * before */
        const size_t at = --v->bins[bin_index(v, v->places[i]) + 1];
        v->sorted[at] = v->places[i];
        v->sorted_place[at] = i;
    }
    for (size_t b = 0; b + 1 < count; b++) {
        v->bins[b] = v->bins[b + 1];
    }
    v->bins[count - 1] = v->places_count;
    return 0;
}

/* Corners of the polygon beyond n.x x + n.y y = d are cut off. Returns whether any were. */
static bool cut_polygon(struct voronoi *v, double nx, double ny, double d)
{
    const struct point *p = v->polygon.p;
    const size_t n = v->polygon.count;
    bool any = false;
    for (size_t i = 0; i < n; i++) {
        v->side[i] = nx * p[i].x + ny * p[i].y - d;
        any |= v->side[i] > 0;
    }
    if (!any) {
        return false;
    }
    struct point *out = v->spare.p;
    size_t m = 0;
    for (size_t i = 0, j = n - 1; i < n; j = i++) {
        if ((v->side[i] > 0) != (v->side[j] > 0)) {
            const double t = v->side[j] / (v->side[j] - v->side[i]);
            out[m++] = (struct point){p[j].x + t * (p[i].x - p[j].x), p[j].y + t * (p[i].y - p[j].y)};
        }
        if (v->side[i] <= 0) {
            out[m++] = p[i];
        }
    }
    const struct polygon_buffer t = v->polygon;
    v->polygon = v->spare;
    v->spare = t;
    v->polygon.count = m;
    return true;
}

static double farthest2(const struct voronoi *v)
{
    double most = 0;
    for (size_t i = 0; i < v->polygon.count; i++) {
        const struct point p = v->polygon.p[i];
        const double r2 = p.x * p.x + p.y * p.y;
        most = r2 > most ? r2 : most;
    }
    return most;
}

/* Gathers the places of a run of bins in one row that are near enough to matter. */
static void gather(struct voronoi *v, int row, int from, int to, struct point at, double limit2)
{
    from = from < 0 ? 0 : from;
    to = to >= v->columns ? v->columns - 1 : to;
    if (row < 0 || row >= v->rows || from > to) {
        return;
    }
    const size_t *bins = v->bins + (size_t)row * (size_t)v->columns;
    const size_t end = bins[to + 1];
    for (size_t i = bins[from]; i < end; i++) {
        const double dx = v->sorted[i].x - at.x;
        const double dy = v->sorted[i].y - at.y;
        const double d2 = dx * dx + dy * dy;
        if (d2 < limit2 && d2 > 0) {
            v->near[v->near_count++] = (struct neighbour){dx, dy, d2};
        }
    }
}

static int by_distance(const void *a, const void *b)
{
    const struct neighbour *p = a;
    const struct neighbour *q = b;
    /* Ties in a fixed order: the order of the input must not change a bit of the result. */
    if (p->d2 != q->d2) {
        return p->d2 < q->d2 ? -1 : 1;
    }
    if (p->dx != q->dx) {
        return p->dx < q->dx ? -1 : 1;
    }
    return p->dy < q->dy ? -1 : p->dy > q->dy;
}

static void sort_near(struct voronoi *v)
{
    if (v->near_count > 48) {
        qsort(v->near, v->near_count, sizeof(*v->near), by_distance);
        return;
    }
    for (size_t i = 1; i < v->near_count; i++) {
        const struct neighbour n = v->near[i];
        size_t k = i;
        for (; k > 0 && (n.d2 < v->near[k - 1].d2 ||
                         (n.d2 == v->near[k - 1].d2 && by_distance(&n, &v->near[k - 1]) < 0));
             k--) {
            v->near[k] = v->near[k - 1];
        }
        v->near[k] = n;
    }
}

/* Distance from `at` to the border of the square of bins up to ring k: nobody beyond is nearer. */
static double ring_reach(const struct voronoi *v, struct point at, int column, int row, int k)
{
    const double left = at.x - (v->origin_x + (column - k) * v->bin);
    const double right = v->origin_x + (column + k + 1) * v->bin - at.x;
    const double down = at.y - (v->origin_y + (row - k) * v->bin);
    const double up = v->origin_y + (row + k + 1) * v->bin - at.y;
    const double least = fmin(fmin(left, right), fmin(down, up));
    return least > 0 ? least : 0;
}

static void gather_ring(struct voronoi *v, int column, int row, int k, struct point at, double limit2)
{
    if (k == 1) { /* the first look takes the middle too */
        for (int r = row - 1; r <= row + 1; r++) {
            gather(v, r, column - 1, column + 1, at, limit2);
        }
        return;
    }
    gather(v, row - k, column - k, column + k, at, limit2);
    gather(v, row + k, column - k, column + k, at, limit2);
    for (int r = row - k + 1; r < row + k; r++) {
        gather(v, r, column - k, column - k, at, limit2);
        gather(v, r, column + k, column + k, at, limit2);
    }
}

static bool ring_is_last(const struct voronoi *v, int column, int row, int k)
{
    return column - k <= 0 && row - k <= 0 && column + k >= v->columns - 1 && row + k >= v->rows - 1;
}

/* The cell without walls and circle; returns how far it reaches, squared. */
static double cut_by_neighbours(struct voronoi *v, struct point at, double cutoff2)
{
    const int column = bin_of(at.x, v->origin_x, v->bin, v->columns);
    const int row = bin_of(at.y, v->origin_y, v->bin, v->rows);
    double far2 = farthest2(v);
    for (int k = 1;; k++) {
        double limit2 = 4 * (far2 < cutoff2 ? far2 : cutoff2);
        v->near_count = 0;
        gather_ring(v, column, row, k, at, limit2);
        sort_near(v);
        for (size_t i = 0; i < v->near_count && v->near[i].d2 < limit2; i++) {
            const struct neighbour *n = &v->near[i];
            if (cut_polygon(v, n->dx, n->dy, n->d2 / 2)) {
                far2 = farthest2(v);
                limit2 = 4 * (far2 < cutoff2 ? far2 : cutoff2);
            }
        }
        const double reach = ring_reach(v, at, column, row, k);
        if (reach * reach >= limit2 || ring_is_last(v, column, row, k)) {
            return far2;
        }
    }
}

static void drop_short_sides(struct voronoi *v)
{
    struct point *p = v->polygon.p;
    size_t kept = 0;
    for (size_t i = 0; i < v->polygon.count; i++) {
        const struct point before = kept ? p[kept - 1] : p[v->polygon.count - 1];
        const double dx = p[i].x - before.x;
        const double dy = p[i].y - before.y;
        const double least2 = LEAST_SIDE * LEAST_SIDE * (p[i].x * p[i].x + p[i].y * p[i].y);
        if (dx * dx + dy * dy > least2) {
            p[kept++] = p[i];
        }
    }
    v->polygon.count = kept;
}

static bool push_edge(struct edge_list *list, struct point a, struct point b, bool arc)
{
    if (!edge_list_reserve(list, 1)) {
        return false;
    }
    list->items[list->count++] = (struct edge){a, b, arc};
    return true;
}

/* Starts at no special angle: a ray along an axis must not hit the seam. */
static bool push_circle(struct edge_list *list, double r)
{
    const struct point a = {0.8 * r, 0.6 * r};
    const struct point b = {-a.x, -a.y};
    list->count = 0;
    return push_edge(list, a, b, true) && push_edge(list, b, a, true);
}

/* The way along the circle from a to b, in at most two arcs. */
static bool push_arc(struct edge_list *list, struct point a, struct point b, double r)
{
    const double c = a.x * b.y - a.y * b.x;
    const double d = a.x * b.x + a.y * b.y;
    if (d > 0 && fabs(c) < 1e-12 * r * r) {
        return true; /* the corner lies on the circle */
    }
    if (c >= 0) {
        return push_edge(list, a, b, true);
    }
    const struct point sum = {a.x + b.x, a.y + b.y};
    const double size = hypot(sum.x, sum.y);
    const struct point half =
        size > 1e-6 * r ? (struct point){-sum.x * r / size, -sum.y * r / size} : (struct point){-a.y, a.x};
    return push_edge(list, a, half, true) && push_edge(list, half, b, true);
}

/* What of the side a-b lies within the circle; false where nothing does. */
static bool within_circle(struct point a, struct point b, double r2, struct point *from, struct point *to)
{
    const double aa = a.x * a.x + a.y * a.y;
    const double bb = b.x * b.x + b.y * b.y;
    *from = a;
    *to = b;
    if (aa <= r2 && bb <= r2) {
        return true;
    }
    const struct point d = {b.x - a.x, b.y - a.y};
    const double dd = d.x * d.x + d.y * d.y;
    const double ad = a.x * d.x + a.y * d.y;
    const double q = ad * ad - dd * (aa - r2);
    if (!(q > 0)) {
        return false;
    }
    const double root = sqrt(q);
    const double t0 = aa <= r2 ? 0 : (-ad - root) / dd;
    const double t1 = bb <= r2 ? 1 : (-ad + root) / dd;
    if (!(t0 < t1) || t0 < 0 || t1 > 1) {
        return false;
    }
    if (aa > r2) {
        *from = (struct point){a.x + t0 * d.x, a.y + t0 * d.y};
    }
    if (bb > r2) {
        *to = (struct point){a.x + t1 * d.x, a.y + t1 * d.y};
    }
    return true;
}

/* The polygon's sides, without the circle. */
static bool push_polygon(struct voronoi *v)
{
    const size_t n = v->polygon.count;
    v->raw.count = 0;
    if (!edge_list_reserve(&v->raw, n)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        v->raw.items[i] = (struct edge){v->polygon.p[i], v->polygon.p[i + 1 < n ? i + 1 : 0], false};
    }
    v->raw.count = n;
    return true;
}

/* Polygon and circle together; the person is in both, so the arcs fill the gaps in order. */
static bool push_polygon_in_circle(struct voronoi *v, double r)
{
    const size_t n = v->polygon.count;
    struct point first = {0, 0};
    struct point last = {0, 0};
    double longest2 = 0;
    bool any = false;
    v->raw.count = 0;
    for (size_t i = 0; i < n; i++) {
        struct point a;
        struct point b;
        if (!within_circle(v->polygon.p[i], v->polygon.p[i + 1 < n ? i + 1 : 0], r * r, &a, &b)) {
            continue;
        }
        if ((any && (last.x != a.x || last.y != a.y) && !push_arc(&v->raw, last, a, r)) ||
            !push_edge(&v->raw, a, b, false)) {
            return false;
        }
        first = any ? first : a;
        last = b;
        any = true;
        longest2 = fmax(longest2, (b.x - a.x) * (b.x - a.x) + (b.y - a.y) * (b.y - a.y));
    }
    if (any && (last.x != first.x || last.y != first.y) && !push_arc(&v->raw, last, first, r)) {
        return false;
    }
    /* Sides that only touch the circle leave it whole. */
    const bool whole = !any || (longest2 < 1e-6 * r * r && region_area(v->raw.items, v->raw.count) < r * r);
    return !whole || push_circle(&v->raw, r);
}

static bool is_on_ground(const struct walkable *walkable, struct point p)
{
    return walkable_contains(walkable, p) || walkable_wall_distance(walkable, p) <= ON_WALL_M;
}

/* A box around the ground, well off its walls, and not larger than the circle needs. */
static void start_polygon(struct voronoi *v, const struct rect *box, struct point at, double cutoff)
{
    const double reach = 1.25 * cutoff;
    const double x0 = fmax(box->x - at.x, -reach);
    const double x1 = fmin(box->x + box->w - at.x, reach);
    const double y0 = fmax(box->y - at.y, -reach);
    const double y1 = fmin(box->y + box->h - at.y, reach);
    struct point *p = v->polygon.p;
    p[0] = (struct point){x0, y0};
    p[1] = (struct point){x1, y0};
    p[2] = (struct point){x1, y1};
    p[3] = (struct point){x0, y1};
    v->polygon.count = 4;
}

static int compute_cell(struct voronoi *v, size_t place, const struct walkable *walkable,
                        const struct rect *box, double cutoff, struct voronoi_cell *cell, struct error *error)
{
    const struct point at = v->places[place];
    *cell = (struct voronoi_cell){.sharers = v->sharers[place], .first = v->edges.count};
    if (!is_on_ground(walkable, at)) {
        return 0;
    }
    start_polygon(v, box, at, cutoff);
    const double far = sqrt(cut_by_neighbours(v, at, cutoff * cutoff));
    drop_short_sides(v);
    const bool circle = far > cutoff;
    if (!(circle ? push_polygon_in_circle(v, cutoff) : push_polygon(v))) {
        return error_nomem(error, "a Voronoi cell");
    }
    cell->radius = circle ? cutoff : far;
    if (walkable_clearance(walkable, at) < cell->radius) {
        const int rc = wall_cutter_apply(v->walls, walkable, at, v->raw.items, v->raw.count, cell->radius,
                                         circle ? cutoff : INFINITY, &v->edges);
        if (rc) {
            return error_set(error, rc, "the cell at (%.9g, %.9g) cannot be cut by the walls: %s", at.x, at.y,
                             error_code_name(rc));
        }
    } else {
        if (!edge_list_reserve(&v->edges, v->raw.count)) {
            return error_nomem(error, "a Voronoi cell");
        }
        memcpy(v->edges.items + v->edges.count, v->raw.items, v->raw.count * sizeof(*v->raw.items));
        v->edges.count += v->raw.count;
    }
    cell->count = v->edges.count - cell->first;
    cell->area = fmax(0, region_area(v->edges.items + cell->first, cell->count)) / (double)cell->sharers;
    return 0;
}

static int check(const struct point *positions, size_t count, double cutoff, struct error *error)
{
    if (!(cutoff > 0)) {
        return error_set(error, ERR_INVALID, "the cutoff radius must be greater than 0, it is %g", cutoff);
    }
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(positions[i].x) || !isfinite(positions[i].y)) {
            return error_set(error, ERR_INVALID, "position %zu is not finite", i + 1);
        }
    }
    return 0;
}

int voronoi_compute(struct voronoi *voronoi, const struct point *positions, size_t count,
                    const struct walkable *walkable, double cutoff, struct error *error)
{
    struct voronoi *v = voronoi;
    int rc = check(positions, count, cutoff, error);
    if (rc || (rc = reserve(v, count, error))) {
        return rc;
    }
    v->edges.count = 0;
    if (count == 0) {
        return 0;
    }
    find_places(v, positions, count);
    rc = fill_bins(v, error);
    const struct rect ground = walkable_bounds(walkable);
    const double margin = 0.137 * (ground.w + ground.h) + 1;
    const struct rect box = {ground.x - margin, ground.y - margin, ground.w + 2 * margin,
                             ground.h + 2 * margin};
    /* In the order of the bins: neighbours' data are still at hand. */
    for (size_t i = 0; rc == 0 && i < v->places_count; i++) {
        const size_t place = v->sorted_place[i];
        rc = compute_cell(v, place, walkable, &box, cutoff, &v->cells[v->first_cell[place]], error);
    }
    for (size_t i = 0; rc == 0 && i < count; i++) {
        v->cells[i] = v->cells[v->first_cell[v->unique_of[i]]];
    }
    return rc;
}

const struct voronoi_cell *voronoi_cells(const struct voronoi *voronoi)
{
    return voronoi->cells;
}

const struct edge *voronoi_edges(const struct voronoi *voronoi)
{
    return voronoi->edges.items;
}
