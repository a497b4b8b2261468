/* What a coder said of the motion of a clip that is moved by known steps, through the source. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/motion_sum.h"
#include "core/picture.h"
#include "media/fixture.h"
#include "media/source.h"

/* The view goes right and down by so many pixels a picture: what it shows goes the other way. */
enum { STEP_X = 3, STEP_Y = 2, PICTURES = 20, MARGIN_CELLS = 4 };

/* Soft noise, seen through a window that moves. */
static void make_clip(const char *name, const char *how)
{
    fixture_ffmpeg(
        "-f lavfi -i nullsrc=s=512x384:r=25:d=0.04,geq=lum='random(1)*255':cb=128:cr=128,boxblur=3:1 "
        "-frames:v 1 still.png");
    fixture_ffmpeg("-loop 1 -framerate 25 -i still.png -frames:v %d -vf crop=320:240:x='60+%d*n':y='40+%d*n' "
                   "-pix_fmt yuv420p %s %s",
                   PICTURES, STEP_X, STEP_Y, how, name);
}

static struct source *open_clip(const char *name, const atomic_bool *vectors)
{
    struct source_options options = {
        .uri = fixture_path(name), .vectors = vectors, .picture_limit = PICTURES + 1};
    struct source *source = NULL;
    struct error error;
    assert_int_equal(source_kind_ffmpeg.open(&options, &source, &error), 0);
    return source;
}

static struct picture *next(struct source *source)
{
    struct observation o;
    struct picture *picture = NULL;
    if (source_kind_ffmpeg.read(source, &o, NULL) == 0) {
        picture = picture_ref(o.picture);
        observation_release(&o);
    }
    return picture;
}

struct agreement {
    int cells, known,
        right; /* away from the border; of which something is known; that are within half a pixel */
};

static struct agreement compare(const struct motion_sum *a, const struct motion_sum *b)
{
    struct agreement g = {0};
    int pictures = (int)(b->pictures - a->pictures);
    for (int r = MARGIN_CELLS; r < a->rows - MARGIN_CELLS; r++)
        for (int c = MARGIN_CELLS; c < a->columns - MARGIN_CELLS; c++) {
            const struct motion_sum_cell *p = &a->cells[r * a->columns + c],
                                         *q = &b->cells[r * a->columns + c];
            int known = (uint16_t)(q->known - p->known);
            double x = (int16_t)(uint16_t)(q->x - p->x) / (double)MOTION_SUM_UNITS;
            double y = (int16_t)(uint16_t)(q->y - p->y) / (double)MOTION_SUM_UNITS;
            g.cells++;
            g.known += known > 0;
            g.right += known > 0 && fabs(x + STEP_X * known) < 0.5 * pictures &&
                       fabs(y + STEP_Y * known) < 0.5 * pictures;
        }
    return g;
}

/* From the first picture with sums to the last. */
static struct agreement agreement_of(const char *name)
{
    static const atomic_bool wanted = true;
    struct source *source = open_clip(name, &wanted);
    struct picture *first = NULL, *last = NULL;
    int pictures = 0;
    for (struct picture *p; (p = next(source)); pictures++) {
        if (!first && p->motion)
            first = picture_ref(p);
        picture_unref(&last);
        last = p;
    }
    source_kind_ffmpeg.close(&source);
    assert_int_equal(pictures, PICTURES);
    assert_non_null(first);
    assert_non_null(last->motion); /* it outlives its source */
    assert_true(first->motion->run == last->motion->run);
    assert_int_equal(last->motion->cell_px, 8);
    assert_int_equal(last->motion->columns, 40);
    assert_int_equal(last->motion->rows, 30);
    struct agreement g = compare(first->motion, last->motion);
    picture_unref(&first);
    picture_unref(&last);
    return g;
}

static void test_vectors_are_the_motion(void **state)
{
    (void)state;
    static const struct {
        const char *name, *how;
    } cases[] = {
        {"plain.mp4", "-c:v libx264 -preset veryfast -bf 0 -refs 1"},
        {"between.mp4", "-c:v libx264 -preset veryfast -bf 2 -refs 1 -x264-params b-adapt=0:b-pyramid=none"},
        {"part2.avi", "-c:v mpeg4 -q:v 3"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        make_clip(cases[i].name, cases[i].how);
        struct agreement g = agreement_of(cases[i].name);
        if (g.known < 0.95 * g.cells || g.right < 0.9 * g.known)
            fail_msg("%s: of %d cells %d known, %d right", cases[i].name, g.cells, g.known, g.right);
    }
}

static int with_sums(const char *name, const atomic_bool *wanted)
{
    struct source *source = open_clip(name, wanted);
    int count = 0;
    for (struct picture *p; (p = next(source)); picture_unref(&p))
        count += p->motion != NULL;
    source_kind_ffmpeg.close(&source);
    return count;
}

static void test_none_where_there_are_none(void **state)
{
    (void)state;
    static const atomic_bool wanted = true, unwanted = false;
    make_clip("plain.mp4", "-c:v libx264 -preset veryfast -bf 0");
    assert_int_equal(with_sums("plain.mp4", NULL), 0);
    assert_int_equal(with_sums("plain.mp4", &unwanted), 0);
    make_clip("still.avi", "-c:v mjpeg");
    assert_int_equal(with_sums("still.avi", &wanted), 0);
    make_clip("wide.mp4", "-c:v libx264 -preset veryfast -aspect 16:9"); /* its pixels are not square */
    assert_int_equal(with_sums("wide.mp4", &wanted), 0);
}

static void test_they_can_be_asked_for_at_any_time(void **state)
{
    (void)state;
    atomic_bool wanted = false;
    make_clip("plain.mp4", "-c:v libx264 -preset veryfast -bf 0 -tune zerolatency");
    struct source *source = open_clip("plain.mp4", &wanted);
    int count[3] = {0};
    uint64_t runs[3] = {0};
    for (int i = 0; i < PICTURES; i++) {
        struct picture *p = next(source);
        assert_non_null(p);
        if (p->motion) {
            count[i / 7]++;
            runs[i / 7] = p->motion->run;
        }
        picture_unref(&p);
        atomic_store(&wanted, i >= 6 && i != 13); /* from the seventh on, with a gap of one */
    }
    source_kind_ffmpeg.close(&source);
    assert_int_equal(count[0], 0);
    assert_true(count[1] >= 5); /* the decoder may have had a picture in hand */
    assert_true(count[2] >= 3);
    assert_true(runs[1] != runs[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors_are_the_motion),
        cmocka_unit_test(test_none_where_there_are_none),
        cmocka_unit_test(test_they_can_be_asked_for_at_any_time),
    };
    return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
