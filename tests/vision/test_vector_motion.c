/* From sums of a coder's vectors to a field of motion: what is believed and what is not. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "core/motion_sum.h"
#include "vision/vector_motion.h"

enum { COLUMNS = 20, ROWS = 12, CELL = 8, CELLS = COLUMNS * ROWS, SPAN = 40000000 };

struct scene {
    struct motion_sum *sums[2];
    struct picture *pictures[2];
    struct vector_motion *motion;
};

static struct motion_sum *make_sums(uint64_t run, uint32_t pictures)
{
    struct motion_sum *s = calloc(1, sizeof *s + CELLS * sizeof *s->cells);
    assert_non_null(s);
    s->run = run, s->pictures = pictures;
    s->columns = COLUMNS, s->rows = ROWS, s->cell_px = CELL;
    return s;
}

/* Noise, but nothing in the upper left quarter and stripes in the upper right one. */
static struct picture *make_picture(int64_t stream_ns, const struct motion_sum *sums)
{
    struct picture *p = picture_create(PIXEL_GRAY8, COLUMNS * CELL, ROWS * CELL);
    struct random_state random;
    assert_non_null(p);
    random_seed(&random, 7);
    for (int y = 0; y < ROWS * CELL; y++)
        for (int x = 0; x < COLUMNS * CELL; x++) {
            bool upper = y < ROWS * CELL / 2, left = x < COLUMNS * CELL / 2;
            double v = upper && left ? 90 : upper ? 90 + 40 * sin(x) : 255 * random_unit(&random);
            ((uint8_t *)(uintptr_t)p->planes[0])[y * p->strides[0] + x] = (uint8_t)v;
        }
    p->stream_ns = stream_ns;
    p->motion = sums;
    return p;
}

/* All cells move by (x, y) pixels in all, over `pictures`, each known in all of them. */
static void move_all(struct scene *s, double x, double y, int pictures)
{
    for (int i = 0; i < CELLS; i++) {
        const struct motion_sum_cell *from = &s->sums[0]->cells[i];
        s->sums[1]->cells[i] = (struct motion_sum_cell){(uint16_t)(from->x + (int)(x * MOTION_SUM_UNITS)),
                                                        (uint16_t)(from->y + (int)(y * MOTION_SUM_UNITS)),
                                                        (uint16_t)(from->known + pictures)};
    }
}

static void begin(struct scene *s)
{
    s->sums[0] = make_sums(1, UINT32_MAX - 1); /* everything wraps on the way */
    s->sums[1] = make_sums(1, 1);
    for (int i = 0; i < CELLS; i++)
        s->sums[0]->cells[i] = (struct motion_sum_cell){65530, 65535, 65534};
    s->pictures[0] = make_picture(0, s->sums[0]);
    s->pictures[1] = make_picture(SPAN, s->sums[1]);
    s->motion = vector_motion_create();
    assert_non_null(s->motion);
}

static void end(struct scene *s)
{
    vector_motion_destroy(&s->motion);
    for (int i = 0; i < 2; i++) {
        picture_unref(&s->pictures[i]);
        free(s->sums[i]);
    }
}

static const struct motion_field *field_of(struct scene *s)
{
    const struct motion_field *field;
    struct error error;
    vector_motion_forget(s->motion);
    assert_int_equal(vector_motion_update(s->motion, s->pictures[0], &field, &error), 0);
    assert_null(field);
    assert_int_equal(vector_motion_update(s->motion, s->pictures[1], &field, &error), 0);
    return field;
}

static const struct motion_cell *cell(const struct motion_field *f, int column, int row)
{
    return &f->cells[row * f->columns + column];
}

static void test_what_is_believed(void **state)
{
    (void)state;
    struct scene s;
    begin(&s);
    move_all(&s, 6, -3, 3);
    s.sums[1]->cells[9 * COLUMNS + 4].x += 20 * MOTION_SUM_UNITS;         /* nonsense */
    s.sums[1]->cells[9 * COLUMNS + 10].known = s.sums[0]->cells[0].known; /* silence */
    const struct motion_field *f = field_of(&s);
    assert_non_null(f);
    assert_true(f->by_coder);
    assert_int_equal(f->span_ns, SPAN);
    assert_int_equal(f->columns, COLUMNS);
    assert_true(f->cell_px == CELL);
    for (int c = 1; c < COLUMNS - 1; c++) {
        const struct motion_cell *below = cell(f, c, 9), *above = cell(f, c, 2);
        assert_true(isinf(above->error)); /* plain, or stripes: it might as well be anything */
        assert_true(fabsf(below->dx - 6) < 0.1F && fabsf(below->dy + 3) < 0.1F);
        assert_int_equal(isfinite(below->error) != 0, c != 4 && c != 10);
    }
    end(&s);
}

/* Of three pictures the coder said something of two. */
static void test_silence_of_some_pictures_is_made_up_for(void **state)
{
    (void)state;
    struct scene s;
    begin(&s);
    move_all(&s, 4, 2, 2);
    const struct motion_field *f = field_of(&s);
    assert_true(fabsf(cell(f, 5, 9)->dx - 6) < 0.1F && fabsf(cell(f, 5, 9)->dy - 3) < 0.1F);
    move_all(&s, 4, 2, 1); /* of one: too little */
    assert_true(isinf(cell(field_of(&s), 5, 9)->error));
    end(&s);
}

static void test_no_field_without_a_past(void **state)
{
    (void)state;
    struct scene s;
    begin(&s);
    move_all(&s, 6, -3, 3);
    s.sums[1]->run = 2;
    assert_null(field_of(&s));
    s.sums[1]->run = 1;
    s.pictures[1]->stream_ns = 0; /* time stands still */
    assert_null(field_of(&s));
    s.pictures[1]->stream_ns = SPAN;
    s.pictures[1]->motion = NULL;
    assert_null(field_of(&s));
    s.pictures[1]->motion = s.sums[1];
    assert_non_null(field_of(&s));
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_believed),
        cmocka_unit_test(test_silence_of_some_pictures_is_made_up_for),
        cmocka_unit_test(test_no_field_without_a_past),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
