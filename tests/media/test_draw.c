#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "media/annotate.h"
#include "media/draw.h"
#include "media/font.h"

static const struct ink white = {255, 255, 255, 1};

static struct picture *black(int width, int height)
{
    struct picture *p = picture_create(PIXEL_RGB24, width, height);

    assert_non_null(p);
    for (int y = 0; y < height; y++)
        memset((uint8_t *)(uintptr_t)p->planes[0] + (ptrdiff_t)y * p->strides[0], 0, (size_t)width * 3);
    return p;
}

static int red(const struct picture *p, int x, int y)
{
    return p->planes[0][(ptrdiff_t)y * p->strides[0] + (ptrdiff_t)x * 3];
}

/* Pixels brighter than `least`, and the sum of all as whole pixels. */
static int count(const struct picture *p, int least, double *sum)
{
    int n = 0;

    *sum = 0;
    for (int y = 0; y < p->height; y++)
        for (int x = 0; x < p->width; x++) {
            n += red(p, x, y) > least;
            *sum += red(p, x, y) / 255.0;
        }
    return n;
}

static void lines_cover_their_area(void **state)
{
    static const struct {
        struct point a, b;
        double width, area; /* length times width, and half a disc at both ends */
    } cases[] = {{{20, 20}, {80, 20}, 2, 123.1},  {{20, 20}, {20, 80}, 2, 123.1},
                 {{20, 20}, {80, 80}, 4, 352},    {{80, 30}, {20, 50}, 3, 196.8},
                 {{50, 50}, {50, 50}, 6, 28.3},   {{-100, 50}, {200, 50}, 2, 200},
                 {{-1e6, 30}, {1e6, 30}, 4, 400}, {{20, -500}, {20, -600}, 4, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct picture *p = black(100, 100);
        double sum;

        draw_line(p, cases[i].a, cases[i].b, cases[i].width, white);
        count(p, 0, &sum);
        if (fabs(sum - cases[i].area) > 0.05 * cases[i].area + 0.5)
            fail_msg("line %zu covers %g, not %g", i, sum, cases[i].area);
        picture_unref(&p);
    }
}

static void dashed_is_half_of_solid(void **state)
{
    struct picture *solid = black(200, 200), *dashed = black(200, 200);
    struct box box = {20, 30, 150, 140};
    double a, b;

    (void)state;
    draw_box(solid, box, 2, 0, white);
    draw_box(dashed, box, 2, 1, white);
    count(solid, 0, &a);
    count(dashed, 0, &b);
    assert_float_equal(a, 2 * (150 + 140) * 2, 20);
    assert_true(b > 0.4 * a && b < 0.75 * a);
    picture_unref(&solid);
    picture_unref(&dashed);
}

static void fills(void **state)
{
    static const struct {
        size_t count;
        struct point corners[6];
        int area;
    } cases[] = {{4, {{10, 10}, {30, 10}, {30, 20}, {10, 20}}, 200},
                 {3, {{0, 0}, {100, 0}, {0, 100}}, 5000},
                 {6, {{0, 0}, {50, 0}, {50, 50}, {100, 50}, {100, 100}, {0, 100}}, 7500},
                 {4, {{-1000, -1000}, {2000, -1000}, {2000, 2000}, {-1000, 2000}}, 10000},
                 {2, {{0, 0}, {100, 100}}, 0},
                 {3, {{0, 0}, {NAN, 0}, {0, 100}}, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct picture *p = black(100, 100);
        double sum;
        int n;

        draw_fill(p, cases[i].corners, cases[i].count, white);
        n = count(p, 0, &sum);
        if (n < cases[i].area - 60 || n > cases[i].area + 60)
            fail_msg("polygon %zu covers %d, not %d", i, n, cases[i].area);
        picture_unref(&p);
    }
}

static void nonsense_draws_nothing(void **state)
{
    static const double bad[] = {NAN, INFINITY, -INFINITY, 1e300, -1e300};
    struct picture *p = black(50, 50);
    double sum;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        draw_line(p, (struct point){bad[i], 5}, (struct point){10, 10}, 2, white);
        draw_line(p, (struct point){1, 5}, (struct point){10, bad[i]}, 2, white);
        draw_dashed_line(p, (struct point){bad[i], 5}, (struct point){10, 10}, 2, 4, white);
        draw_line(p, (struct point){1, 5}, (struct point){10, 10}, bad[i] > 0 ? 0 : bad[i], white);
    }
    draw_text(p, 60, 10, "beyond", 2, white);
    draw_text(p, -500, 10, "beyond", 2, white);
    assert_int_equal(count(p, 0, &sum), 0);
    picture_unref(&p);
}

/* Every letter has dots and is unlike every other one. */
static void letters_differ(void **state)
{
    (void)state;
    for (int a = FONT_FIRST + 1; a <= FONT_LAST; a++) {
        int dots = 0;

        for (int r = 0; r < FONT_HEIGHT; r++) {
            assert_true(font_glyph((unsigned char)a)[r] < 1 << FONT_WIDTH);
            dots += font_glyph((unsigned char)a)[r] != 0;
        }
        assert_true(dots > 0);
        for (int b = FONT_FIRST; b < a; b++)
            assert_memory_not_equal(font_glyph((unsigned char)a), font_glyph((unsigned char)b), FONT_HEIGHT);
    }
}

static void text(void **state)
{
    struct picture *p = black(100, 20);
    double sum;

    (void)state;
    assert_int_equal(draw_text_width("", 1), 0);
    assert_int_equal(draw_text_width("ab", 1), 11);
    assert_int_equal(draw_text_width("\xc3\xa9", 3), 15);
    draw_text(p, 1, 1, "|", 1, white);
    assert_int_equal(count(p, 128, &sum), 7);
    draw_text(p, 20, 1, "|", 2, white);
    assert_int_equal(count(p, 128, &sum), 7 + 28);
    picture_unref(&p);
}

static void density_colours(void **state)
{
    double last = 1000;

    (void)state;
    assert_true(draw_density_ink(NAN).opacity == 0);
    assert_true(draw_density_ink(-1).opacity == 0);
    assert_true(draw_density_ink(0.05).opacity == 0);
    for (double d = 0.1; d < 12; d += 0.05) {
        struct ink ink = draw_density_ink(d);
        double light = 0.2126 * ink.r + 0.7152 * ink.g + 0.0722 * ink.b;

        assert_true(light <= last + 0.51); /* rounded colours */
        assert_true(ink.opacity > 0 && ink.opacity < 1);
        last = light;
    }
}

/* ---- a whole snapshot ---- */

static bool ten_pixels_a_metre(void *user, struct point ground, struct point *pixel)
{
    (void)user;
    *pixel = (struct point){ground.x * 10, 200 - ground.y * 10};
    return true;
}

static int differing(const struct picture *a, const struct picture *b)
{
    int n = 0;

    for (int y = 0; y < a->height; y++)
        for (int x = 0; x < a->width; x++)
            n += memcmp(a->planes[0] + (ptrdiff_t)y * a->strides[0] + (ptrdiff_t)x * 3,
                        b->planes[0] + (ptrdiff_t)y * b->strides[0] + (ptrdiff_t)x * 3, 3) != 0;
    return n;
}

static void a_snapshot_is_drawn(void **state)
{
    struct zone zone = {.id = "square", .corner_count = 3, .corners = {{0.1, 0.1}, {0.9, 0.1}, {0.5, 0.9}}};
    struct zone ground_zone = {.id = "door",
                               .coordinates = COORDINATES_GROUND,
                               .corner_count = 3,
                               .corners = {{1, 1}, {5, 1}, {3, 5}}};
    struct zone_state zones[2] = {{.zone = &zone}, {.zone = &ground_zone}};
    struct line line = {.id = "exit", .point_count = 2, .points = {{0.2, 0.2}, {0.8, 0.8}}};
    struct line_state line_state = {.line = &line, .count_in = 2};
    float values[4] = {0, 3, NAN, 6};
    struct density_grid grid = {
        .origin_x = 12, .origin_y = 2, .cell_m = 2, .columns = 2, .rows = 2, .values = values};
    struct track track = {.track_id = 7, .box = {100, 60, 30, 70}};
    struct picture *plain = black(300, 200);
    const struct picture *drawn, *again;
    struct annotator *annotator;
    struct snapshot s = {.tracks = &track, .track_count = 1};
    struct error error = {0};

    (void)state;
    measure_set_clear(&s.measures);
    measure_set_clear(&zones[0].measures);
    measure_set_clear(&zones[1].measures);
    assert_int_equal(
        annotator_create(&(struct annotate_options){ten_pixels_a_metre, NULL}, &annotator, &error), 0);
    assert_int_equal(annotator_draw(annotator, &s, plain, &drawn, &error), 0);
    assert_true(red(drawn, 100, 90) + red(drawn, 99, 90) > 50); /* the box */
    assert_int_equal(red(drawn, 115, 90), 0);                   /* its inside */
    assert_true(differing(plain, drawn) > 400);
    s.zones = zones, s.zone_count = 2, s.lines = &line_state, s.line_count = 1, s.grid = &grid;
    assert_int_equal(annotator_draw(annotator, &s, plain, &drawn, &error), 0);
    assert_true(red(drawn, 150, 170) > 100); /* a cell of 3 people/m2 */
    assert_int_equal(red(drawn, 130, 170), 0);
    assert_true(red(drawn, 180, 120) > 60); /* the line */
    /* The tail follows the feet; the picture that came in is untouched. */
    for (int i = 1; i <= 10; i++) {
        s.stream_ns = i * INT64_C(100000000);
        track.box.x += 10;
        assert_int_equal(annotator_draw(annotator, &s, plain, &again, &error), 0);
    }
    assert_true(red(again, 195, 130) + red(again, 195, 129) > 20);
    assert_int_equal(red(plain, 195, 130), 0);
    annotator_destroy(&annotator);
    assert_null(annotator);
    picture_unref(&plain);
}

static void many_tracks_share_the_tails(void **state)
{
    static struct track tracks[3000];
    struct picture *plain = black(64, 64);
    const struct picture *drawn;
    struct annotator *annotator;
    struct snapshot s = {.tracks = tracks, .track_count = 3000};
    struct error error = {0};

    (void)state;
    measure_set_clear(&s.measures);
    for (int i = 0; i < 3000; i++)
        tracks[i] = (struct track){.track_id = i + 1, .box = {(float)(i % 60), 10, 4, 8}};
    assert_int_equal(annotator_create(&(struct annotate_options){NULL, NULL}, &annotator, &error), 0);
    for (int k = 0; k < 2; k++)
        assert_int_equal(annotator_draw(annotator, &s, plain, &drawn, &error), 0);
    annotator_destroy(&annotator);
    picture_unref(&plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lines_cover_their_area),
                                       cmocka_unit_test(dashed_is_half_of_solid),
                                       cmocka_unit_test(fills),
                                       cmocka_unit_test(nonsense_draws_nothing),
                                       cmocka_unit_test(letters_differ),
                                       cmocka_unit_test(text),
                                       cmocka_unit_test(density_colours),
                                       cmocka_unit_test(a_snapshot_is_drawn),
                                       cmocka_unit_test(many_tracks_share_the_tails)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
