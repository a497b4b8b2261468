#include "cli/calibrate_input.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/text.h"
#include "config/config.h"
#include "geo/projection.h"

enum { NUMBERS_MAX = 4000, LIST_LIMIT = 1 << 20 };

struct numbers {
    double of[NUMBERS_MAX];
    size_t count;
};

static int parse(const char *text, const char *name, struct numbers *n, struct error *error)
{
    n->count = 0;
    for (const char *at = text; *at;) {
        if (*at == '#') {
            at += strcspn(at, "\n");
        } else if (isspace((unsigned char)*at) || strchr(",;[]()", *at)) {
            at++;
        } else {
            char *end = NULL;
            const double value = strtod(at, &end);
            if (end == at || !isfinite(value)) {
                return error_set(error, ERR_FORMAT, "--%s: '%.20s' is not a number", name, at);
            }
            if (n->count == NUMBERS_MAX) {
                return error_set(error, ERR_INVALID, "--%s: more than %d numbers", name, NUMBERS_MAX);
            }
            n->of[n->count++] = value;
            at = end;
        }
    }
    return 0;
}

static int read_list(const char *given, const char *name, struct numbers *n, struct error *error)
{
    struct buffer text = {0};
    int rc = 0;
    if (given[0] == '@') {
        rc = file_read(given + 1, LIST_LIMIT, &text, error);
    } else {
        buffer_append_text(&text, given);
        rc = text.failed ? error_nomem(error, name) : 0;
    }
    rc = rc ? rc : parse(text.data ? text.data : "", name, n, error);
    buffer_free(&text);
    return rc;
}

static int from_pairs(const struct numbers *n, double width, double height, struct calibration *c,
                      struct error *error)
{
    if (n->count % 4 || n->count < 16) {
        return error_set(error, ERR_INVALID,
                         "--pairs: %zu numbers; four a pair (x, y, X, Y) and at least four pairs are needed",
                         n->count);
    }
    struct point from[NUMBERS_MAX / 4];
    struct point to[NUMBERS_MAX / 4];
    c->pair_count = n->count / 4;
    for (size_t i = 0; i < c->pair_count; i++) {
        from[i] = (struct point){n->of[4 * i], n->of[4 * i + 1]};
        to[i] = (struct point){n->of[4 * i + 2], n->of[4 * i + 3]};
    }
    int rc = homography_fit(from, to, c->pair_count, &c->fit, error);
    if (rc) {
        return error_prefix(error, "--pairs");
    }
    c->camera = (struct camera_model){.kind = CAMERA_HOMOGRAPHY, .width = width, .height = height};
    /* Four pairs fit exactly, which says nothing about how good they are. */
    c->camera.residual_m = c->pair_count > 4 ? c->fit.rms : (double)NAN;
    c->camera.u.to_ground = c->fit.map;
    rc = camera_prepare(&c->camera, error);
    c->errors = calloc(c->pair_count, sizeof(*c->errors));
    if (rc == 0 && !c->errors) {
        rc = error_nomem(error, "the pairs");
    }
    for (size_t i = 0; rc == 0 && i < c->pair_count; i++) {
        struct point p;
        c->errors[i] =
            homography_apply(&c->fit.map, from[i], &p) ? hypot(p.x - to[i].x, p.y - to[i].y) : INFINITY;
    }
    return rc;
}

static int from_parts(const struct numbers *in, const struct numbers *ex, double width, double height,
                      struct camera_model *camera, struct error *error)
{
    if (in->count != 4 && in->count != 8 && in->count != 9) {
        return error_set(error, ERR_INVALID, "--intrinsics: %zu numbers, not 4, 8 or 9", in->count);
    }
    if (ex->count != 6 && ex->count != 12) {
        return error_set(error, ERR_INVALID, "--extrinsics: %zu numbers, not 6 or 12", ex->count);
    }
    *camera = (struct camera_model){
        .kind = CAMERA_PINHOLE, .width = width, .height = height, .residual_m = (double)NAN};
    struct camera_pinhole *p = &camera->u.pinhole;
    const double *k = in->of;
    const bool bent = in->count > 4;
    *p = (struct camera_pinhole){.width = width,
                                 .height = height,
                                 .fx = k[0],
                                 .fy = k[1],
                                 .cx = k[2],
                                 .cy = k[3],
                                 .k1 = bent ? k[4] : 0,
                                 .k2 = bent ? k[5] : 0,
                                 .p1 = bent ? k[6] : 0,
                                 .p2 = bent ? k[7] : 0,
                                 .k3 = in->count > 8 ? k[8] : 0};
    if (ex->count == 6) {
        rotation_from_vector(ex->of, p->r);
    } else {
        memcpy(p->r, ex->of, sizeof(p->r));
    }
    memcpy(p->t, ex->of + ex->count - 3, sizeof(p->t));
    return camera_prepare(camera, error);
}

static void find_upright(struct calibration *c)
{
    struct error why = {0};
    if (c->camera.kind != CAMERA_HOMOGRAPHY) {
        c->upright = c->camera;
    } else if (camera_from_plane(&c->camera, &c->upright, &why)) {
        c->upright.kind = CAMERA_NONE;
        text_copy(c->no_upright, sizeof(c->no_upright), why.text);
    }
}

int calibration_read(const struct calibration_input *input, struct calibration *calibration,
                     struct error *error)
{
    struct calibration *c = calibration;
    struct numbers one;
    struct numbers two;
    int width = 0;
    int height = 0;
    if (input->size && !text_to_size(input->size, &width, &height)) {
        return error_set(error, ERR_INVALID, "--size: '%s' is not WIDTHxHEIGHT", input->size);
    }
    int rc;
    if (input->file) {
        rc = calibration_load(input->file, &c->camera, error);
        if (rc == 0 && input->size && (c->camera.width != width || c->camera.height != height)) {
            rc = error_set(error, ERR_INVALID, "--size: %s is for %gx%g", input->file, c->camera.width,
                           c->camera.height);
        }
    } else if (input->pairs) {
        rc = read_list(input->pairs, "pairs", &one, error);
        rc = rc ? rc : from_pairs(&one, width, height, c, error);
    } else if (input->projection) {
        rc = read_list(input->projection, "projection", &one, error);
        if (rc == 0 && one.count != 12) {
            rc = error_set(error, ERR_INVALID, "--projection: %zu numbers, not 12", one.count);
        }
        rc = rc ? rc : camera_from_projection(one.of, width, height, &c->camera, error);
    } else {
        rc = read_list(input->intrinsics, "intrinsics", &one, error);
        rc = rc ? rc : read_list(input->extrinsics, "extrinsics", &two, error);
        rc = rc ? rc : from_parts(&one, &two, width, height, &c->camera, error);
    }
    if (rc == 0) {
        find_upright(c);
    }
    return rc;
}
