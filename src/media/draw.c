#include "media/draw.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "media/font.h"

static void blend(struct picture *p, int x, int y, struct ink ink, double coverage)
{
    uint8_t *at;
    double a = ink.opacity * (coverage < 1 ? coverage : 1);

    if (x < 0 || y < 0 || x >= p->width || y >= p->height || !(a > 0))
        return;
    /* The picture is the caller's own. */
    at = (uint8_t *)(uintptr_t)p->planes[0] + (ptrdiff_t)y * p->strides[0] + (ptrdiff_t)x * 3;
    at[0] = (uint8_t)lround(at[0] + (ink.r - at[0]) * a);
    at[1] = (uint8_t)lround(at[1] + (ink.g - at[1]) * a);
    at[2] = (uint8_t)lround(at[2] + (ink.b - at[2]) * a);
}

static double clamped(double v, double low, double high)
{
    return v < low ? low : v > high ? high : v;
}

static double distance_to_segment(double x, double y, struct point a, struct point b)
{
    double dx = b.x - a.x, dy = b.y - a.y, length2 = dx * dx + dy * dy;
    double t = length2 > 0 ? clamped(((x - a.x) * dx + (y - a.y) * dy) / length2, 0, 1) : 0;

    return hypot(x - (a.x + t * dx), y - (a.y + t * dy));
}

/* Also false for NaN. */
static int in_reach(struct point p)
{
    return fabs(p.x) < DRAW_REACH && fabs(p.y) < DRAW_REACH;
}

/* Shortens a segment to the part near the picture (Liang and Barsky's parametric clipping); 0 when nothing is
 * left. */
static int clip(const struct picture *p, double margin, struct point *a, struct point *b)
{
    double d[2] = {b->x - a->x, b->y - a->y}, from[2] = {a->x, a->y},
           high[2] = {p->width + margin, p->height + margin};
    double t0 = 0, t1 = 1;

    for (int i = 0; i < 2; i++) {
        double enter, leave;

        if (d[i] == 0) {
            if (from[i] < -margin || from[i] > high[i])
                return 0;
            continue;
        }
        enter = (-margin - from[i]) / d[i];
        leave = (high[i] - from[i]) / d[i];
        t0 = fmax(t0, fmin(enter, leave));
        t1 = fmin(t1, fmax(enter, leave));
    }
    if (t0 > t1)
        return 0;
    *b = (struct point){from[0] + t1 * d[0], from[1] + t1 * d[1]};
    *a = (struct point){from[0] + t0 * d[0], from[1] + t0 * d[1]};
    return 1;
}

/*
 * Along its longer axis pixel by pixel; across it, as far as its width reaches. A pixel is covered by how
 * deep its centre lies inside the line's edge.
 */
void draw_line(struct picture *picture, struct point a, struct point b, double width, struct ink ink)
{
    double half = width / 2, length, reach;
    int steep;

    if (!in_reach(a) || !in_reach(b) || !(width > 0 && width < 1000) || !clip(picture, half + 1, &a, &b))
        return;
    steep = fabs(b.y - a.y) > fabs(b.x - a.x);
    double a_long = steep ? a.y : a.x, b_long = steep ? b.y : b.x, a_short = steep ? a.x : a.y,
           b_short = steep ? b.x : b.y;
    length = hypot(b.x - a.x, b.y - a.y);
    reach = (half + 1) * (length > 0 ? length / fabs(b_long - a_long) : 1);
    for (int i = (int)floor(fmin(a_long, b_long) - half - 1); i <= (int)ceil(fmax(a_long, b_long) + half);
         i++) {
        double t = b_long == a_long ? 0 : clamped((i + 0.5 - a_long) / (b_long - a_long), 0, 1);
        double centre = a_short + t * (b_short - a_short);

        for (int k = (int)floor(centre - reach); k <= (int)ceil(centre + reach); k++) {
            int x = steep ? k : i, y = steep ? i : k;

            blend(picture, x, y, ink, half + 0.5 - distance_to_segment(x + 0.5, y + 0.5, a, b));
        }
    }
}

void draw_dashed_line(struct picture *picture, struct point a, struct point b, double width, double dash,
                      struct ink ink)
{
    double length = hypot(b.x - a.x, b.y - a.y);

    if (!isfinite(length) || length > 1e5 || !(dash >= 1)) {
        draw_line(picture, a, b, width, ink);
        return;
    }
    for (double at = 0; at < length; at += 2 * dash) {
        double end = fmin(at + dash, length);
        struct point from = {a.x + (b.x - a.x) * at / length, a.y + (b.y - a.y) * at / length};
        struct point to = {a.x + (b.x - a.x) * end / length, a.y + (b.y - a.y) * end / length};

        draw_line(picture, from, to, width, ink);
    }
}

void draw_box(struct picture *picture, struct box box, double width, int dashed, struct ink ink)
{
    double x0 = box.x, y0 = box.y, x1 = x0 + box.w, y1 = y0 + box.h;
    const struct point corners[5] = {{x0, y0}, {x1, y0}, {x1, y1}, {x0, y1}, {x0, y0}};

    for (int i = 0; i < 4; i++) {
        if (dashed)
            draw_dashed_line(picture, corners[i], corners[i + 1], width, 3 * width, ink);
        else
            draw_line(picture, corners[i], corners[i + 1], width, ink);
    }
}

void draw_path(struct picture *picture, const struct point *points, size_t count, int closed, double width,
               struct ink ink)
{
    for (size_t i = 0; i + 1 < count; i++)
        draw_line(picture, points[i], points[i + 1], width, ink);
    if (closed && count > 2)
        draw_line(picture, points[count - 1], points[0], width, ink);
}

/* Where the polygon's edges cross the middle of a row, ascending. */
static size_t crossings(const struct point *corners, size_t count, double y, double at[DRAW_CORNERS_MAX])
{
    size_t n = 0;

    for (size_t i = 0; i < count; i++) {
        struct point a = corners[i], b = corners[(i + 1) % count];
        double x;
        size_t k;

        if ((a.y <= y) == (b.y <= y))
            continue;
        x = a.x + (y - a.y) / (b.y - a.y) * (b.x - a.x);
        for (k = n++; k > 0 && at[k - 1] > x; k--)
            at[k] = at[k - 1];
        at[k] = x;
    }
    return n;
}

void draw_fill(struct picture *picture, const struct point *corners, size_t count, struct ink ink)
{
    double top = INFINITY, bottom = -INFINITY;

    if (count < 3 || count > DRAW_CORNERS_MAX)
        return;
    for (size_t i = 0; i < count; i++) {
        if (!in_reach(corners[i]))
            return;
        top = fmin(top, corners[i].y);
        bottom = fmax(bottom, corners[i].y);
    }
    for (int y = (int)clamped(floor(top), 0, picture->height);
         y < (int)clamped(ceil(bottom), 0, picture->height); y++) {
        double at[DRAW_CORNERS_MAX];
        size_t n = crossings(corners, count, y + 0.5, at);

        for (size_t i = 0; i + 1 < n; i += 2) {
            int from = (int)clamped(ceil(at[i] - 0.5), 0, picture->width);
            int to = (int)clamped(ceil(at[i + 1] - 0.5), 0, picture->width);

            for (int x = from; x < to; x++)
                blend(picture, x, y, ink, 1);
        }
    }
}

static void draw_rect(struct picture *picture, int x, int y, int width, int height, struct ink ink)
{
    for (int row = y; row < y + height; row++)
        for (int column = x; column < x + width; column++)
            blend(picture, column, row, ink, 1);
}

static void draw_glyph(struct picture *picture, int x, int y, unsigned char c, int scale, struct ink ink)
{
    const unsigned char *rows = font_glyph(c);

    for (int row = 0; row < FONT_HEIGHT; row++)
        for (int column = 0; column < FONT_WIDTH; column++)
            if (rows[row] >> (FONT_WIDTH - 1 - column) & 1)
                draw_rect(picture, x + column * scale, y + row * scale, scale, scale, ink);
}

/* The bytes of a character after its first are not drawn: one box for one character. */
static int is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

void draw_text(struct picture *picture, int x, int y, const char *text, int scale, struct ink ink)
{
    for (; *text && x < picture->width; text++) {
        if (is_continuation(*text))
            continue;
        draw_glyph(picture, x, y, (unsigned char)*text, scale, ink);
        x += (FONT_WIDTH + 1) * scale;
    }
}

int draw_text_width(const char *text, int scale)
{
    int count = 0;

    for (; *text && count < PICTURE_SIDE_MAX; text++)
        count += !is_continuation(*text);
    return count ? (count * (FONT_WIDTH + 1) - 1) * scale : 0;
}

int draw_text_height(int scale)
{
    return FONT_HEIGHT * scale;
}

void draw_label(struct picture *picture, int x, int y, const char *text, int scale, struct ink ink)
{
    const struct ink plate = {16, 20, 24, 0.7 * ink.opacity};
    int edge = 2 * scale, width = draw_text_width(text, scale), height = draw_text_height(scale);

    x = (int)clamped(x, edge, fmax(edge, picture->width - width - edge));
    y = (int)clamped(y, edge, fmax(edge, picture->height - height - edge));
    draw_rect(picture, x - edge, y - edge, width + 2 * edge, height + 2 * edge, plate);
    draw_text(picture, x, y, text, scale, ink);
}

/*
 * Stops at the levels of the default alerts (2, 3.5, 5 people/m2: amber, red, critical of a moving crowd) and
 * two between: lightness falls all the way, so that it can be read without seeing hue.
 */
static const struct {
    double density;
    struct ink ink;
} stops[] = {{0.1, {255, 245, 170, 0.25}}, {1.0, {254, 217, 100, 0.45}}, {2.0, {253, 165, 50, 0.55}},
             {3.5, {225, 50, 40, 0.62}},   {5.0, {140, 10, 80, 0.70}},   {8.0, {60, 0, 60, 0.75}}};
enum { STOPS = sizeof stops / sizeof *stops };

static unsigned char between(unsigned char a, unsigned char b, double t)
{
    return (unsigned char)lround(a + (b - a) * t);
}

struct ink draw_density_ink(double d)
{
    struct ink a, b;
    double t;
    int i = 0;

    if (!(d >= stops[0].density))
        return (struct ink){0, 0, 0, 0};
    if (d >= stops[STOPS - 1].density)
        return stops[STOPS - 1].ink;
    while (d >= stops[i + 1].density)
        i++;
    a = stops[i].ink, b = stops[i + 1].ink;
    t = (d - stops[i].density) / (stops[i + 1].density - stops[i].density);
    return (struct ink){between(a.r, b.r, t), between(a.g, b.g, t), between(a.b, b.b, t),
                        a.opacity + (b.opacity - a.opacity) * t};
}

void draw_density_legend(struct picture *picture, int scale)
{
    const struct ink plate = {16, 20, 24, 0.7}, white = {255, 255, 255, 1};
    const int step = 4 * scale, bar = 8 * step, height = draw_text_height(scale);
    int width = bar * 2 + 12 * scale, x0 = picture->width - width - 4 * scale,
        y0 = picture->height - 4 * height - 4 * scale;

    draw_rect(picture, x0, y0, width, 4 * height, plate);
    draw_text(picture, x0 + 4 * scale, y0 + height / 2, "people/m2", scale, white);
    for (int i = 0; i < 2 * bar; i++) {
        struct ink ink = draw_density_ink(8.0 * i / (2 * bar));

        ink.opacity = ink.opacity > 0 ? 1 : 0;
        draw_rect(picture, x0 + 4 * scale + i, y0 + 2 * height - height / 4, 1, height / 2, ink);
    }
    for (int d = 0; d <= 8; d += 2) {
        char text[4];

        snprintf(text, sizeof text, "%d", d);
        draw_text(picture, x0 + 4 * scale + 2 * bar * d / 8 - (d ? 2 * scale : 0), y0 + 5 * height / 2, text,
                  scale, white);
    }
}
