#include "media/annotate.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "media/convert.h"
#include "media/draw.h"

enum { TAIL_POINTS = 32, TAILS_MAX = 1024 };
#define TAIL_STEP_NS (100 * NS_PER_MS)
#define TAIL_NS (3 * NS_PER_S)

/* Where one track's feet were; a ring. */
struct tail {
    int64_t track_id; /* 0 = free */
    int64_t last_ns;
    int count, next;
    struct point points[TAIL_POINTS];
    int64_t times[TAIL_POINTS];
};

struct annotator {
    struct annotate_options options;
    struct converter *converter;
    struct picture *canvas;
    struct tail *tails;
};

int annotator_create(const struct annotate_options *options, struct annotator **annotator,
                     struct error *error)
{
    struct annotator *a = calloc(1, sizeof *a);

    *annotator = NULL;
    if (!a)
        return error_nomem(error, "an annotator");
    a->options = *options;
    a->converter = converter_create();
    a->tails = calloc(TAILS_MAX, sizeof *a->tails);
    if (!a->converter || !a->tails) {
        annotator_destroy(&a);
        return error_nomem(error, "an annotator");
    }
    *annotator = a;
    return 0;
}

void annotator_destroy(struct annotator **annotator)
{
    struct annotator *a = *annotator;

    *annotator = NULL;
    if (!a)
        return;
    converter_destroy(&a->converter);
    picture_unref(&a->canvas);
    free(a->tails);
    free(a);
}

static int copy_picture(struct annotator *a, const struct picture *picture, struct error *error)
{
    if (!a->canvas || a->canvas->width != picture->width || a->canvas->height != picture->height) {
        picture_unref(&a->canvas);
        a->canvas = picture_create(PIXEL_RGB24, picture->width, picture->height);
        if (!a->canvas)
            return error_nomem(error, "an annotated picture");
        a->canvas->full_range = 1;
    }
    a->canvas->capture = picture->capture;
    a->canvas->stream_ns = picture->stream_ns;
    a->canvas->number = picture->number;
    return converter_run(a->converter, picture, a->canvas, error);
}

/* Dots of letters and widths of lines grow with the picture. */
static int scale_of(const struct picture *p)
{
    int scale = (p->height + 270) / 540;

    return scale < 1 ? 1 : scale;
}

/* A hue per identity, far from that of its neighbours: steps of the golden angle. */
static struct ink track_ink(int64_t id)
{
    double h = fmod((double)(id % 1000000) * 137.50776405, 360) / 60;
    double c[3];

    for (int i = 0; i < 3; i++) {
        double d = fabs(fmod(h - 2 * i + 9, 6) - 3); /* distance from that primary, 0-3 */

        c[i] = 80 + 175 * fmax(0, fmin(1, 2 - d));
    }
    return (struct ink){(unsigned char)c[0], (unsigned char)c[1], (unsigned char)c[2], 1};
}

static bool to_image(const struct annotator *a, struct point ground, struct point *pixel)
{
    return a->options.ground_to_image && a->options.ground_to_image(a->options.user, ground, pixel);
}

static void draw_grid(struct annotator *a, const struct density_grid *g)
{
    bool any = false;

    for (int r = 0; r < g->rows; r++)
        for (int c = 0; c < g->columns; c++) {
            struct ink ink = draw_density_ink(g->values[(size_t)r * (size_t)g->columns + (size_t)c]);
            double x = g->origin_x + c * g->cell_m, y = g->origin_y + r * g->cell_m, s = g->cell_m;
            struct point q[4];

            if (ink.opacity > 0 && to_image(a, (struct point){x, y}, &q[0]) &&
                to_image(a, (struct point){x + s, y}, &q[1]) &&
                to_image(a, (struct point){x + s, y + s}, &q[2]) &&
                to_image(a, (struct point){x, y + s}, &q[3])) {
                draw_fill(a->canvas, q, 4, ink);
                any = true;
            }
        }
    if (any)
        draw_density_legend(a->canvas, scale_of(a->canvas));
}

/* The corners of a zone or line as they are seen; false when one is not. */
static bool seen(const struct annotator *a, enum zone_coordinates coordinates, const struct point *points,
                 size_t count, struct point *out)
{
    for (size_t i = 0; i < count; i++) {
        if (coordinates == COORDINATES_IMAGE)
            out[i] = (struct point){points[i].x * a->canvas->width, points[i].y * a->canvas->height};
        else if (!to_image(a, points[i], &out[i]))
            return false;
    }
    return true;
}

static void label_at(struct annotator *a, struct point p, const char *text, struct ink ink)
{
    if (fabs(p.x) < DRAW_REACH && fabs(p.y) < DRAW_REACH)
        draw_label(a->canvas, (int)p.x, (int)p.y, text, scale_of(a->canvas), ink);
}

static void draw_places(struct annotator *a, const struct snapshot *s)
{
    const struct ink zone_ink = {90, 200, 250, 0.9}, line_ink = {255, 180, 60, 0.95};
    struct point p[ZONE_CORNERS_MAX];
    int scale = scale_of(a->canvas);
    char text[ID_SIZE + 48];

    for (size_t i = 0; i < s->zone_count; i++) {
        const struct zone *z = s->zones[i].zone;
        const struct measure *m = &s->zones[i].measures.of[MEASURE_OCCUPANCY];

        if (!seen(a, z->coordinates, z->corners, z->corner_count, p))
            continue;
        draw_path(a->canvas, p, z->corner_count, 1, 1.5 * scale, zone_ink);
        if (m->valid)
            snprintf(text, sizeof text, "%s: %.0f", z->id, m->value);
        else
            snprintf(text, sizeof text, "%s: ?", z->id);
        if (z->corner_count)
            label_at(a, p[0], text, zone_ink);
    }
    for (size_t i = 0; i < s->line_count; i++) {
        const struct line *l = s->lines[i].line;

        if (!seen(a, l->coordinates, l->points, l->point_count, p) || !l->point_count)
            continue;
        draw_path(a->canvas, p, l->point_count, 0, 1.5 * scale, line_ink);
        snprintf(text, sizeof text, "%s: %" PRId64 " in, %" PRId64 " out", l->id, s->lines[i].count_in,
                 s->lines[i].count_out);
        label_at(a, p[0], text, line_ink);
    }
}

/* The tail of that track; a free or the longest unseen one for a new track. */
static struct tail *tail_of(struct annotator *a, int64_t id)
{
    struct tail *oldest = &a->tails[0];

    for (int i = 0; i < TAILS_MAX; i++) {
        struct tail *t = &a->tails[i];

        if (t->track_id == id)
            return t;
        if (!oldest->track_id)
            continue;
        if (!t->track_id || t->last_ns < oldest->last_ns)
            oldest = t;
    }
    memset(oldest, 0, sizeof *oldest);
    oldest->track_id = id;
    return oldest;
}

static void draw_tail(struct annotator *a, const struct track *track, int64_t now_ns, struct ink ink)
{
    struct tail *t = tail_of(a, track->track_id);
    struct point feet = {track->box.x + track->box.w / 2, track->box.y + track->box.h}, last = feet;
    double width = 1.2 * scale_of(a->canvas);

    for (int i = 1; i <= t->count; i++) {
        int k = (t->next - i + TAIL_POINTS) % TAIL_POINTS;
        double age = (double)(now_ns - t->times[k]) / (double)TAIL_NS;

        if (age < 0 || age > 1)
            break;
        ink.opacity = 0.9 * (1 - age);
        draw_line(a->canvas, last, t->points[k], width, ink);
        last = t->points[k];
    }
    if (t->count == 0 || now_ns - t->last_ns >= TAIL_STEP_NS) {
        t->points[t->next] = feet;
        t->times[t->next] = t->last_ns = now_ns;
        t->next = (t->next + 1) % TAIL_POINTS;
        if (t->count < TAIL_POINTS)
            t->count++;
    }
}

static void draw_people(struct annotator *a, const struct snapshot *s)
{
    int scale = scale_of(a->canvas);
    char text[64];

    for (size_t i = 0; i < s->track_count; i++)
        draw_tail(a, &s->tracks[i], s->stream_ns, track_ink(s->tracks[i].track_id));
    for (size_t i = 0; i < s->track_count; i++) {
        const struct track *t = &s->tracks[i];
        struct ink ink = track_ink(t->track_id);

        draw_box(a->canvas, t->box, 1.5 * scale, t->coasted, ink);
        if (t->ground.valid && t->ground.velocity_valid)
            snprintf(text, sizeof text, "%" PRId64 " %.1f m/s", t->track_id,
                     hypot(t->ground.velocity.x, t->ground.velocity.y));
        else
            snprintf(text, sizeof text, "%" PRId64, t->track_id);
        label_at(a, (struct point){t->box.x, (double)t->box.y - draw_text_height(scale) - 3.0 * scale}, text,
                 ink);
    }
}

static void draw_headline(struct annotator *a, const struct snapshot *s)
{
    const struct measure *people = &s->measures.of[MEASURE_PEOPLE],
                         *peak = &s->measures.of[MEASURE_DENSITY_PEAK];
    const struct ink white = {255, 255, 255, 1};
    int scale = scale_of(a->canvas);
    char text[160];
    int used;

    if (people->valid)
        used =
            snprintf(text, sizeof text, "people %.0f (%.0f-%.0f)", people->value, people->low, people->high);
    else
        used = snprintf(text, sizeof text, "people ?: %s", people->reason ? people->reason : "not measured");
    if (peak->valid && used > 0 && (size_t)used < sizeof text)
        snprintf(text + used, sizeof text - (size_t)used, "  peak %.2f people/m2", peak->value);
    draw_label(a->canvas, 4 * scale, 4 * scale, text, scale, white);
}

int annotator_draw(struct annotator *a, const struct snapshot *snapshot, const struct picture *picture,
                   const struct picture **result, struct error *error)
{
    int code = copy_picture(a, picture, error);

    *result = NULL;
    if (code)
        return code;
    if (snapshot->grid)
        draw_grid(a, snapshot->grid);
    draw_places(a, snapshot);
    draw_people(a, snapshot);
    draw_headline(a, snapshot);
    *result = a->canvas;
    return 0;
}
