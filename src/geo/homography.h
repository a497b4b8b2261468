/*
 * Plane-to-plane projective map H (3x3, row-major): (x', y') = (H p)xy / (H p)z.
 * Fitted by the normalised direct linear transform and refined by Levenberg-Marquardt on the transfer error
 * in the target plane (Hartley and Zisserman, Multiple View Geometry, algorithms 4.2 and 4.3). A fitted map
 * is scaled so that w = (H p)z is 1 at the centroid of `from`: w > 0 is the side of the horizon that the
 * pairs are on.
 */
#ifndef SCI_GEO_HOMOGRAPHY_H
#define SCI_GEO_HOMOGRAPHY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "geo/point.h"

struct homography {
    double h[9];
};

struct homography_fit {
    struct homography map;
    double rms;           /* root mean square transfer error, target units */
    double max;           /* largest transfer error, target units */
    size_t worst;         /* index of the pair with the largest error */
    double leave_one_out; /* rms error of each pair under a fit without it; NaN for exactly four pairs, or
                             where a fit without one is not possible */
};

/* At least 4 pairs, no three of a minimal set in line. ERR_INVALID with the reason when degenerate. */
int homography_fit(const struct point *from, const struct point *to, size_t count, struct homography_fit *fit,
                   struct error *error);
/* False where the point maps to the line at infinity. */
bool homography_apply(const struct homography *map, struct point p, struct point *out);
/* ERR_INVALID when singular. */
int homography_invert(const struct homography *map, struct homography *inverse, struct error *error);
/* Jacobian d(out)/d(p) at p, row-major 2x2. False at infinity. */
bool homography_jacobian(const struct homography *map, struct point p, double jacobian[4]);

#endif
