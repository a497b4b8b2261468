#include "geo/homography.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

enum { REFINE_STEPS = 50, JACOBI_SWEEPS = 60 };

/* Both point sets moved to their centroid and scaled to a mean distance of sqrt 2: without this the direct
 * linear transform mixes numbers of very different size (Hartley and Zisserman, section 4.4). */
struct scaling {
    double cx, cy, s;
};

static bool skipped(size_t i, size_t skip)
{
    return i == skip;
}

static struct scaling scaling_of(const struct point *p, size_t count, size_t skip)
{
    struct scaling out = {0, 0, 1};
    double n = 0;
    for (size_t i = 0; i < count; i++) {
        if (!skipped(i, skip)) {
            out.cx += p[i].x;
            out.cy += p[i].y;
            n += 1;
        }
    }
    out.cx /= n;
    out.cy /= n;
    double spread = 0;
    for (size_t i = 0; i < count; i++) {
        if (!skipped(i, skip)) {
            spread += hypot(p[i].x - out.cx, p[i].y - out.cy);
        }
    }
    out.s = spread > 0 ? sqrt(2) * n / spread : 1;
    return out;
}

static struct point scale(const struct scaling *s, struct point p)
{
    return (struct point){(p.x - s->cx) * s->s, (p.y - s->cy) * s->s};
}

static void rotate(double a[81], double v[81], int p, int q)
{
    const double theta = (a[q * 9 + q] - a[p * 9 + p]) / (2 * a[p * 9 + q]);
    const double t = (theta >= 0 ? 1 : -1) / (fabs(theta) + sqrt(theta * theta + 1));
    const double c = 1 / sqrt(t * t + 1);
    const double s = t * c;
    for (int k = 0; k < 9; k++) {
        const double kp = a[k * 9 + p];
        const double kq = a[k * 9 + q];
        a[k * 9 + p] = c * kp - s * kq;
        a[k * 9 + q] = s * kp + c * kq;
    }
    for (int k = 0; k < 9; k++) {
        const double pk = a[p * 9 + k];
        const double qk = a[q * 9 + k];
        a[p * 9 + k] = c * pk - s * qk;
        a[q * 9 + k] = s * pk + c * qk;
        const double vp = v[k * 9 + p];
        const double vq = v[k * 9 + q];
        v[k * 9 + p] = c * vp - s * vq;
        v[k * 9 + q] = s * vp + c * vq;
    }
}

/* Eigenvectors of a symmetric 9x9 by cyclic Jacobi: the smallest one is the answer of the linear problem; the
 * second smallest eigenvalue says whether there is only one answer. */
static double smallest_vector(double a[81], double out[9])
{
    double v[81] = {0};
    for (int i = 0; i < 9; i++) {
        v[i * 10] = 1;
    }
    for (int sweep = 0; sweep < JACOBI_SWEEPS; sweep++) {
        double off = 0;
        for (int p = 0; p < 9; p++) {
            for (int q = p + 1; q < 9; q++) {
                off += fabs(a[p * 9 + q]);
                if (a[p * 9 + q] != 0) {
                    rotate(a, v, p, q);
                }
            }
        }
        if (off < 1e-300) {
            break;
        }
    }
    int least = 0;
    double greatest = 0;
    for (int i = 0; i < 9; i++) {
        least = a[i * 10] < a[least * 10] ? i : least;
        greatest = fmax(greatest, a[i * 10]);
    }
    double second = INFINITY;
    for (int i = 0; i < 9; i++) {
        out[i] = v[i * 9 + least];
        second = i != least ? fmin(second, a[i * 10]) : second;
    }
    return greatest > 0 ? second / greatest : 0;
}

static void add_row(double m[81], const double row[9])
{
    for (int i = 0; i < 9; i++) {
        for (int j = 0; j < 9; j++) {
            m[i * 9 + j] += row[i] * row[j];
        }
    }
}

/* Error of the transfer in the target plane, and its normal equations for Levenberg-Marquardt. */
static double cost_of(const double h[9], const struct point *from, const struct point *to, size_t count,
                      size_t skip, const struct scaling *sf, const struct scaling *st, double jtj[81],
                      double jtr[9])
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        if (skipped(i, skip)) {
            continue;
        }
        const struct point p = scale(sf, from[i]);
        const struct point t = scale(st, to[i]);
        const double w = h[6] * p.x + h[7] * p.y + h[8];
        const double x = (h[0] * p.x + h[1] * p.y + h[2]) / w;
        const double y = (h[3] * p.x + h[4] * p.y + h[5]) / w;
        const double rx = x - t.x;
        const double ry = y - t.y;
        sum += rx * rx + ry * ry;
        if (jtj) {
            const double jx[9] = {p.x / w, p.y / w, 1 / w, 0, 0, 0, -x * p.x / w, -x * p.y / w, -x / w};
            const double jy[9] = {0, 0, 0, p.x / w, p.y / w, 1 / w, -y * p.x / w, -y * p.y / w, -y / w};
            add_row(jtj, jx);
            add_row(jtj, jy);
            for (int k = 0; k < 9; k++) {
                jtr[k] += jx[k] * rx + jy[k] * ry;
            }
        }
    }
    return sum;
}

/* Solves the symmetric positive system in place by Cholesky. False when it is not positive definite. */
static bool solve9(double m[81], double b[9])
{
    for (int j = 0; j < 9; j++) {
        for (int i = j; i < 9; i++) {
            double s = m[i * 9 + j];
            for (int k = 0; k < j; k++) {
                s -= m[i * 9 + k] * m[j * 9 + k];
            }
            if (i == j && !(s > 0)) {
                return false;
            }
            m[i * 9 + j] = i == j ? sqrt(s) : s / m[j * 9 + j];
        }
    }
    for (int i = 0; i < 9; i++) {
        for (int k = 0; k < i; k++) {
            b[i] -= m[i * 9 + k] * b[k];
        }
        b[i] /= m[i * 9 + i];
    }
    for (int i = 8; i >= 0; i--) {
        for (int k = i + 1; k < 9; k++) {
            b[i] -= m[k * 9 + i] * b[k];
        }
        b[i] /= m[i * 9 + i];
    }
    return true;
}

static void unit(double h[9])
{
    double n = 0;
    for (int i = 0; i < 9; i++) {
        n += h[i] * h[i];
    }
    for (int i = 0; i < 9; i++) {
        h[i] /= sqrt(n);
    }
}

/* Nine parameters of length one: the damping takes the one that is too many. */
static void refine(double h[9], const struct point *from, const struct point *to, size_t count, size_t skip,
                   const struct scaling *sf, const struct scaling *st)
{
    double lambda = 1e-4;
    double cost = cost_of(h, from, to, count, skip, sf, st, NULL, NULL);
    for (int step = 0; step < REFINE_STEPS && lambda < 1e12; step++) {
        double jtj[81] = {0};
        double delta[9] = {0};
        cost_of(h, from, to, count, skip, sf, st, jtj, delta);
        double trace = 0;
        for (int i = 0; i < 9; i++) {
            trace += jtj[i * 10];
        }
        for (int i = 0; i < 9; i++) {
            jtj[i * 10] += lambda * jtj[i * 10] + 1e-12 * trace;
        }
        double tried[9];
        if (!solve9(jtj, delta)) {
            return;
        }
        for (int i = 0; i < 9; i++) {
            tried[i] = h[i] - delta[i];
        }
        unit(tried);
        const double now = cost_of(tried, from, to, count, skip, sf, st, NULL, NULL);
        if (now < cost) {
            const bool settled = cost - now <= 1e-14 * cost;
            memcpy(h, tried, sizeof(tried));
            cost = now;
            lambda = fmax(lambda / 10, 1e-12);
            if (settled) {
                return;
            }
        } else {
            lambda *= 10;
        }
    }
}

static void multiply3(const double a[9], const double b[9], double out[9])
{
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 3; j++) {
            out[i * 3 + j] = a[i * 3] * b[j] + a[i * 3 + 1] * b[3 + j] + a[i * 3 + 2] * b[6 + j];
        }
    }
}

static bool fit_once(const struct point *from, const struct point *to, size_t count, size_t skip,
                     struct homography *map)
{
    const struct scaling sf = scaling_of(from, count, skip);
    const struct scaling st = scaling_of(to, count, skip);
    double m[81] = {0};
    for (size_t i = 0; i < count; i++) {
        if (skipped(i, skip)) {
            continue;
        }
        const struct point p = scale(&sf, from[i]);
        const struct point t = scale(&st, to[i]);
        const double one[9] = {-p.x, -p.y, -1, 0, 0, 0, t.x * p.x, t.x * p.y, t.x};
        const double two[9] = {0, 0, 0, -p.x, -p.y, -1, t.y * p.x, t.y * p.y, t.y};
        add_row(m, one);
        add_row(m, two);
    }
    double h[9];
    if (smallest_vector(m, h) < 1e-10) {
        return false;
    }
    refine(h, from, to, count, skip, &sf, &st);
    const double in[9] = {sf.s, 0, -sf.s * sf.cx, 0, sf.s, -sf.s * sf.cy, 0, 0, 1};
    const double out[9] = {1 / st.s, 0, st.cx, 0, 1 / st.s, st.cy, 0, 0, 1};
    double half[9];
    multiply3(h, in, half);
    multiply3(out, half, map->h);
    /* In scaled coordinates the centroid is the origin, so its w is h[8]. */
    if (fabs(h[8]) < 1e-9) {
        return false;
    }
    for (int i = 0; i < 9; i++) {
        map->h[i] /= h[8];
    }
    return true;
}

static bool in_line(struct point a, struct point b, struct point c)
{
    const double area = fabs((b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x));
    const double longest =
        fmax(hypot(b.x - a.x, b.y - a.y), fmax(hypot(c.x - a.x, c.y - a.y), hypot(c.x - b.x, c.y - b.y)));
    return area <= 1e-6 * longest * longest;
}

/* Four points: no three of them may be in line. (With more, the eigenvalues tell.) */
static int check_four(const struct point *p, const char *which, struct error *error)
{
    for (int skip = 0; skip < 4; skip++) {
        int k[3];
        for (int i = 0, n = 0; i < 4; i++) {
            if (i != skip) {
                k[n++] = i;
            }
        }
        if (in_line(p[k[0]], p[k[1]], p[k[2]])) {
            return error_set(error, ERR_INVALID,
                             "%s points %d, %d and %d are in one line: no plane can be fitted", which,
                             k[0] + 1, k[1] + 1, k[2] + 1);
        }
    }
    return 0;
}

static int check_pairs(const struct point *from, const struct point *to, size_t count, struct error *error)
{
    if (count < 4) {
        return error_set(error, ERR_INVALID, "a homography needs at least 4 pairs of points, there are %zu",
                         count);
    }
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(from[i].x) || !isfinite(from[i].y) || !isfinite(to[i].x) || !isfinite(to[i].y)) {
            return error_set(error, ERR_INVALID, "pair %zu holds a number that is not finite", i + 1);
        }
    }
    int rc = 0;
    if (count == 4 && (rc = check_four(from, "image", error)) == 0) {
        rc = check_four(to, "plan", error);
    }
    return rc;
}

static double pair_error(const struct homography *map, struct point from, struct point to)
{
    struct point p;
    return homography_apply(map, from, &p) ? hypot(p.x - to.x, p.y - to.y) : INFINITY;
}

static double leave_one_out(const struct point *from, const struct point *to, size_t count)
{
    if (count < 5) {
        return NAN;
    }
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        struct homography map;
        if (!fit_once(from, to, count, i, &map)) {
            return NAN;
        }
        const double e = pair_error(&map, from[i], to[i]);
        sum += e * e;
    }
    return sqrt(sum / (double)count);
}

int homography_fit(const struct point *from, const struct point *to, size_t count, struct homography_fit *fit,
                   struct error *error)
{
    const int rc = check_pairs(from, to, count, error);
    if (rc) {
        return rc;
    }
    if (!fit_once(from, to, count, SIZE_MAX, &fit->map)) {
        return error_set(error, ERR_INVALID,
                         "the pairs do not determine a plane: too many points are the same or in one line");
    }
    /* All pairs must lie on one side of the horizon: a camera cannot see the other side. */
    double sum = 0;
    fit->max = 0;
    fit->worst = 0;
    for (size_t i = 0; i < count; i++) {
        const double *h = fit->map.h;
        if (!(h[6] * from[i].x + h[7] * from[i].y + h[8] > 0)) {
            return error_set(error, ERR_INVALID,
                             "pair %zu lies beyond the horizon that the other pairs make: check their order",
                             i + 1);
        }
        const double e = pair_error(&fit->map, from[i], to[i]);
        sum += e * e;
        if (e > fit->max) {
            fit->max = e;
            fit->worst = i;
        }
    }
    fit->rms = sqrt(sum / (double)count);
    fit->leave_one_out = leave_one_out(from, to, count);
    return 0;
}

bool homography_apply(const struct homography *map, struct point p, struct point *out)
{
    const double *h = map->h;
    const double w = h[6] * p.x + h[7] * p.y + h[8];
    const double size = fabs(h[6] * p.x) + fabs(h[7] * p.y) + fabs(h[8]);
    if (!(fabs(w) > 1e-12 * size)) {
        return false;
    }
    out->x = (h[0] * p.x + h[1] * p.y + h[2]) / w;
    out->y = (h[3] * p.x + h[4] * p.y + h[5]) / w;
    return isfinite(out->x) && isfinite(out->y);
}

int homography_invert(const struct homography *map, struct homography *inverse, struct error *error)
{
    const double *m = map->h;
    double *o = inverse->h;
    o[0] = m[4] * m[8] - m[5] * m[7];
    o[1] = m[2] * m[7] - m[1] * m[8];
    o[2] = m[1] * m[5] - m[2] * m[4];
    o[3] = m[5] * m[6] - m[3] * m[8];
    o[4] = m[0] * m[8] - m[2] * m[6];
    o[5] = m[2] * m[3] - m[0] * m[5];
    o[6] = m[3] * m[7] - m[4] * m[6];
    o[7] = m[1] * m[6] - m[0] * m[7];
    o[8] = m[0] * m[4] - m[1] * m[3];
    const double det = m[0] * o[0] + m[1] * o[3] + m[2] * o[6];
    const double size = fabs(m[0] * o[0]) + fabs(m[1] * o[3]) + fabs(m[2] * o[6]);
    if (!isfinite(det) || !(fabs(det) > 1e-13 * size)) {
        return error_set(error, ERR_INVALID,
                         "the homography is singular: it maps the whole picture to a line or a point");
    }
    for (int i = 0; i < 9; i++) {
        o[i] /= det;
    }
    return 0;
}

bool homography_jacobian(const struct homography *map, struct point p, double jacobian[4])
{
    struct point q;
    if (!homography_apply(map, p, &q)) {
        return false;
    }
    const double *h = map->h;
    const double w = h[6] * p.x + h[7] * p.y + h[8];
    jacobian[0] = (h[0] - q.x * h[6]) / w;
    jacobian[1] = (h[1] - q.x * h[7]) / w;
    jacobian[2] = (h[3] - q.y * h[6]) / w;
    jacobian[3] = (h[4] - q.y * h[7]) / w;
    return true;
}
