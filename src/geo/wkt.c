#include "geo/wkt.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "geo/polygon.h"

enum { POINTS_MAX = 100000, RINGS_MAX = 10000 };

struct parser {
    const char *text;
    const char *at;
    struct point *points;
    size_t count, capacity;
    struct error *error;
};

static int complain(struct parser *p, const char *what)
{
    return error_set(p->error, ERR_FORMAT, "WKT, column %zu: %s", (size_t)(p->at - p->text) + 1, what);
}

static void skip_space(struct parser *p)
{
    while (isspace((unsigned char)*p->at)) {
        p->at++;
    }
}

static bool take(struct parser *p, char c)
{
    skip_space(p);
    if (*p->at != c) {
        return false;
    }
    p->at++;
    return true;
}

static int take_word(struct parser *p, const char *word)
{
    skip_space(p);
    const size_t n = strlen(word);
    if (strncasecmp(p->at, word, n) != 0 || isalpha((unsigned char)p->at[n])) {
        return error_set(p->error, ERR_FORMAT, "WKT, column %zu: expected %s", (size_t)(p->at - p->text) + 1,
                         word);
    }
    p->at += n;
    return 0;
}

static int take_number(struct parser *p, double *value)
{
    skip_space(p);
    char *end = NULL;
    *value = strtod(p->at, &end);
    if (end == p->at || !isfinite(*value)) {
        return complain(p, "expected a finite number");
    }
    p->at = end;
    return 0;
}

static int add_point(struct parser *p, struct point point)
{
    if (p->count == POINTS_MAX) {
        return complain(p, "too many points");
    }
    if (p->count == p->capacity) {
        const size_t capacity = p->capacity ? 2 * p->capacity : 32;
        struct point *points = realloc(p->points, capacity * sizeof(*points));
        if (!points) {
            return error_nomem(p->error, "a shape's points");
        }
        p->points = points;
        p->capacity = capacity;
    }
    p->points[p->count++] = point;
    return 0;
}

/* "(x y, x y, ...)" */
static int take_points(struct parser *p)
{
    if (!take(p, '(')) {
        return complain(p, "expected (");
    }
    do {
        struct point point;
        int rc = take_number(p, &point.x);
        if (rc || (rc = take_number(p, &point.y)) || (rc = add_point(p, point))) {
            return rc;
        }
    } while (take(p, ','));
    return take(p, ')') ? 0 : complain(p, "expected , or )");
}

static int take_end(struct parser *p)
{
    skip_space(p);
    return *p->at ? complain(p, "something follows the shape") : 0;
}

static bool same(struct point a, struct point b)
{
    return a.x == b.x && a.y == b.y;
}

static int take_ring(struct parser *p, struct wkt_polygon *polygon)
{
    const size_t start = p->count;
    int rc = take_points(p);
    if (rc) {
        return rc;
    }
    if (p->count - start < 4 || !same(p->points[start], p->points[p->count - 1])) {
        return error_set(p->error, ERR_INVALID, "WKT: ring %zu is not closed by its first corner",
                         polygon->ring_count + 1);
    }
    p->count--;
    rc = polygon_check_simple(p->points + start, p->count - start, p->error);
    if (rc) {
        error_prefix(p->error, "WKT, ring %zu", polygon->ring_count + 1);
        return rc;
    }
    size_t *starts = realloc(polygon->starts, (polygon->ring_count + 2) * sizeof(*starts));
    if (!starts) {
        return error_nomem(p->error, "a polygon's rings");
    }
    polygon->starts = starts;
    starts[polygon->ring_count] = start;
    starts[++polygon->ring_count] = p->count;
    return 0;
}

int wkt_parse_polygon(const char *text, struct wkt_polygon *polygon, struct error *error)
{
    *polygon = (struct wkt_polygon){0};
    struct parser p = {.text = text, .at = text, .error = error};
    int rc = take_word(&p, "POLYGON");
    if (rc == 0 && !take(&p, '(')) {
        rc = complain(&p, "expected (");
    }
    while (rc == 0) {
        rc = polygon->ring_count < RINGS_MAX ? take_ring(&p, polygon) : complain(&p, "too many rings");
        if (rc || !take(&p, ',')) {
            break;
        }
    }
    if (rc == 0 && !take(&p, ')')) {
        rc = complain(&p, "expected , or )");
    }
    if (rc == 0) {
        rc = take_end(&p);
    }
    polygon->points = p.points;
    polygon->point_count = p.count;
    if (rc) {
        wkt_polygon_free(polygon);
    }
    return rc;
}

void wkt_polygon_free(struct wkt_polygon *polygon)
{
    free(polygon->points);
    free(polygon->starts);
    *polygon = (struct wkt_polygon){0};
}

int wkt_parse_line(const char *text, struct wkt_line *line, struct error *error)
{
    *line = (struct wkt_line){0};
    struct parser p = {.text = text, .at = text, .error = error};
    int rc = take_word(&p, "LINESTRING");
    if (rc == 0 && (rc = take_points(&p)) == 0) {
        rc = take_end(&p);
    }
    if (rc == 0 && p.count < 2) {
        rc = error_set(error, ERR_INVALID, "WKT: a line needs at least two points");
    }
    for (size_t i = 1; rc == 0 && i < p.count; i++) {
        if (same(p.points[i - 1], p.points[i])) {
            rc = error_set(error, ERR_INVALID, "WKT: points %zu and %zu of the line are the same", i, i + 1);
        }
    }
    line->points = p.points;
    line->count = p.count;
    if (rc) {
        wkt_line_free(line);
    }
    return rc;
}

void wkt_line_free(struct wkt_line *line)
{
    free(line->points);
    *line = (struct wkt_line){0};
}
