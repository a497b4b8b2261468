/* What the tests of the measuring code share. Include after cmocka.h. */
#ifndef SCI_TESTS_CROWD_TEST_H
#define SCI_TESTS_CROWD_TEST_H

#include <math.h>

#include "base/random.h"
#include "crowd/walkable.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static inline void near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance)) {
        fail_msg("%.17g is not %.17g within %g", a, b, tolerance);
    }
}

static inline void near_relative(double a, double b, double tolerance)
{
    near(a, b, tolerance * fabs(b));
}

static inline struct walkable *ground(const char *wkt)
{
    struct wkt_polygon polygon = {0};
    struct walkable *w = NULL;
    struct error error = {0};
    if (wkt_parse_polygon(wkt, &polygon, &error) || walkable_create(&polygon, &w, &error)) {
        fail_msg("%s", error.text);
    }
    wkt_polygon_free(&polygon);
    return w;
}

/* Uniformly at random over a rectangle. */
static inline void scatter(struct point *p, size_t count, struct rect r, struct random_state *random)
{
    for (size_t i = 0; i < count; i++) {
        p[i] = (struct point){r.x + r.w * random_unit(random), r.y + r.h * random_unit(random)};
    }
}

#endif
