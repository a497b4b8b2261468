/* Points and rectangles. Image: pixels, x right, y down. Ground: metres, x right, y up. The type does not say
 * which: names do. */
#ifndef SCI_GEO_POINT_H
#define SCI_GEO_POINT_H

struct point {
    double x, y;
};

/* x, y is the corner with the least coordinates. */
struct rect {
    double x, y, w, h;
};

#endif
