/* The hand-over between boxes and the density network: its ends, its interval, and a crowd that grows through
 * it without a jump. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crowd/handover.h"
#include "crowd_test.h"

enum { COLUMNS = 128, ROWS = 96, CELL = 8, PEOPLE_MAX = 4000 };
#define WIDTH (COLUMNS * CELL)
#define HEIGHT (ROWS * CELL)

struct fixture {
    struct handover *handover;
    struct count_reading reading;
    float cells[COLUMNS * ROWS];
    struct point people[PEOPLE_MAX], heads[PEOPLE_MAX];
    size_t head_count;
};

static struct fixture f;

static int set_up(void **state)
{
    (void)state;
    memset(&f, 0, sizeof f);
    f.handover = handover_create();
    assert_non_null(f.handover);
    f.reading = (struct count_reading){
        .map = {COLUMNS, ROWS, CELL, CELL, f.cells}, .floor = 2, .share_low = 0.25, .share_high = 0.3};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    handover_destroy(&f.handover);
    return 0;
}

/* The network sees each of `count` people times `gain`; boxes are found of the first `found`. */
static void show(size_t count, double gain, size_t found)
{
    memset(f.cells, 0, sizeof f.cells);
    for (size_t i = 0; i < count; i++) {
        int x = (int)(f.people[i].x / CELL), y = (int)(f.people[i].y / CELL);
        f.cells[y * COLUMNS + x] += (float)gain;
    }
    memcpy(f.heads, f.people, found * sizeof *f.heads);
    f.head_count = found;
}

static struct handover_sum look(enum counting_mode mode)
{
    struct handover_sum sum = {0};
    assert_int_equal(handover_weigh(f.handover, &f.reading, f.heads, f.head_count, mode, NULL), 0);
    for (size_t i = 0; i < f.head_count; i++)
        handover_add_box(&sum, handover_weight(f.handover, f.heads[i]));
    for (int i = 0; i < COLUMNS * ROWS; i++) {
        struct point at = {(i % COLUMNS + 0.5) * CELL, (i / COLUMNS + 0.5) * CELL};
        handover_add_cell(&sum, handover_weight(f.handover, at), (double)f.cells[i]);
    }
    return sum;
}

static struct measure boxes_of(double n)
{
    return measure_between(n, 0.95 * n, 1.08 * n + 0.1);
}

static struct measure count(enum counting_mode mode)
{
    struct handover_sum sum = look(mode);
    struct measure boxes = boxes_of((double)f.head_count);
    return handover_measure(f.handover, &sum, &boxes, &f.reading);
}

static void place_people(uint64_t seed)
{
    struct random_state random;
    random_seed(&random, seed);
    scatter(f.people, PEOPLE_MAX, (struct rect){0, 0, WIDTH - 1, HEIGHT - 1}, &random);
}

static void the_modes_are_the_ends(void **state)
{
    (void)state;
    place_people(1);
    show(300, 1.1, 200);
    struct measure m = count(COUNTING_BOXES);
    near(m.value, 200, 1e-9);
    near(m.low, 190, 1e-9);
    near(m.high, 216.1, 1e-9);
    m = count(COUNTING_DENSITY);
    near_relative(m.value, 330, 1e-4);
    near_relative(m.low, 330 * 0.75 - 2, 1e-4);
    near_relative(m.high, 330 * 1.3 + 2, 1e-4);
    assert_int_equal(handover_weigh(f.handover, NULL, f.heads, f.head_count, COUNTING_AUTO, NULL), 0);
    assert_false(handover_has_reading(f.handover));
    near(handover_weight(f.handover, (struct point){5, 5}), 1, 0);
}

static void whoever_misses_people_has_less_weight(void **state)
{
    (void)state;
    assert_true(handover_weight_of(1, 1, 0.15) > 0.8); /* they agree: boxes know who it is */
    assert_true(handover_weight_of(0, 0, 0.15) > 0.7);
    assert_true(handover_weight_of(10, 2, 0.15) < 0.01);    /* packed: boxes hide each other */
    assert_true(handover_weight_of(0.3, 0, 0.15) < 0.1);    /* too small for boxes */
    assert_true(handover_weight_of(0.1, 0.6, 0.15) > 0.98); /* so near that the network sees no heads */
    for (double n = 0; n <= 3; n += 0.01) {
        double w = handover_weight_of(3, n, 0.15), next = handover_weight_of(3, n + 0.01, 0.15);
        assert_true(w > 0 && w < 1 && fabs(next - w) < 0.04); /* no step */
    }
}

static void sparse_is_boxes_packed_is_density(void **state)
{
    (void)state;
    place_people(2);
    show(30, 1.05, 30);
    struct handover_sum sum = look(COUNTING_AUTO);
    assert_true(fabs(count(COUNTING_AUTO).value - 30) < 1);
    assert_true(sum.boxes_kept > 0.6 * sum.boxes);
    show(3000, 1, 300);
    sum = look(COUNTING_AUTO);
    assert_true(fabs(count(COUNTING_AUTO).value - 3000) < 60);
    assert_true(sum.boxes_kept < 0.1 * sum.boxes);
    assert_int_equal(handover_regime(f.handover, &sum, REGIME_BOXES), REGIME_DENSITY);
    /* The left half is packed, the right one is not. */
    for (size_t i = 0; i < 2000; i++)
        f.people[i].x /= 2;
    size_t far = 0;
    for (size_t i = 2000; i < 2030; i++)
        f.heads[far++] = f.people[i] = (struct point){WIDTH * 0.7 + 9.0 * (double)(i - 2000), f.people[i].y};
    struct point apart[30];
    memcpy(apart, f.heads, sizeof apart);
    show(2030, 1, 0);
    memcpy(f.heads, apart, sizeof apart);
    f.head_count = 30;
    sum = look(COUNTING_AUTO);
    assert_true(handover_weight(f.handover, (struct point){WIDTH * 0.2, HEIGHT / 2}) < 0.05);
    assert_true(handover_weight(f.handover, (struct point){WIDTH * 0.9, HEIGHT / 2}) > 0.5);
    assert_true(fabs(count(COUNTING_AUTO).value - 2030) < 60);
}

/*
 * People come one after another; the more there are, the fewer of them boxes find, and both flicker. The
 * count follows: no step is larger than those of the truth and of what flickers.
 */
static void a_crowd_that_grows_makes_no_jump(void **state)
{
    (void)state;
    struct random_state random;
    random_seed(&random, 9);
    place_people(3);
    enum regime regime = REGIME_BOXES, seen[4096];
    double last = -1, last_density = 0, last_found = 0;
    int changes = 0, steps = 0;
    for (size_t n = 10; n < 3000; n += 10, steps++) {
        double recall = 0.97 / (1 + pow((double)n / 600, 2));
        double gain = 1 + 0.04 * (random_unit(&random) - 0.5);
        size_t found = (size_t)((double)n * recall * (1 + 0.04 * (random_unit(&random) - 0.5)));
        show(n, gain, found < n ? found : n);
        struct handover_sum sum = look(COUNTING_AUTO);
        double value = count(COUNTING_AUTO).value;
        double flicker = fabs((double)n * gain - last_density) + fabs((double)found - last_found);
        if (last >= 0 && fabs(value - last) > 10 + 1.3 * flicker)
            fail_msg("%zu people: from %.1f to %.1f", n, last, value);
        if (fabs(value - (double)n) > 0.12 * (double)n + 3)
            fail_msg("%zu people: counted %.1f", n, value);
        enum regime now = handover_regime(f.handover, &sum, regime);
        changes += now != regime;
        regime = now;
        seen[steps] = now;
        last = value;
        last_density = (double)n * gain;
        last_found = (double)found;
    }
    assert_int_equal(regime, REGIME_DENSITY);
    assert_true(seen[0] != REGIME_DENSITY);
    assert_true(changes >= 1 && changes <= 4); /* it does not flap */
}

static void the_interval_follows_from_its_parts(void **state)
{
    (void)state;
    show(10, 1, 10);
    look(COUNTING_AUTO);
    struct handover_sum sum = {.boxes = 10, .boxes_kept = 6, .density = 50, .density_kept = 42};
    struct measure boxes = measure_between(10, 8, 11);
    struct measure m = handover_measure(f.handover, &sum, &boxes, &f.reading);
    near(m.value, 6 + 42, 1e-12);
    near(m.low, 48 - hypot(2 * 0.6, 2 * 42 / 50.0 + 0.25 * 42), 1e-12);
    near(m.high, 48 + hypot(1 * 0.6 + 2, 2 * 42 / 50.0 + 0.3 * 42),
         1e-12); /* 8 of the network's for 6 boxes */
    struct measure blind = measure_invalid(health_info(HEALTH_BLACK)->reason);
    assert_false(handover_measure(f.handover, &sum, &blind, &f.reading).valid);
    assert_true(
        handover_measure(f.handover, &(struct handover_sum){0}, &(struct measure){.valid = true}, &f.reading)
            .low <= 0);
}

static void a_regime_is_left_later_than_entered(void **state)
{
    (void)state;
    static const struct {
        double density_share;
        enum regime before, after;
    } cases[] = {
        {0.05, REGIME_BLENDED, REGIME_BOXES},   {0.12, REGIME_BOXES, REGIME_BOXES},
        {0.12, REGIME_BLENDED, REGIME_BLENDED}, {0.16, REGIME_BOXES, REGIME_BLENDED},
        {0.88, REGIME_DENSITY, REGIME_DENSITY}, {0.88, REGIME_BLENDED, REGIME_BLENDED},
        {0.84, REGIME_DENSITY, REGIME_BLENDED}, {0.95, REGIME_BOXES, REGIME_DENSITY},
    };
    place_people(4);
    show(10, 1, 10);
    look(COUNTING_AUTO);
    for (size_t i = 0; i < COUNT(cases); i++) {
        double d = cases[i].density_share;
        struct handover_sum sum = {
            .boxes = 100, .boxes_kept = 100 * (1 - d), .density = 100, .density_kept = 100 * d};
        assert_int_equal(handover_regime(f.handover, &sum, cases[i].before), cases[i].after);
    }
    struct handover_sum nobody = {0};
    assert_int_equal(handover_regime(f.handover, &nobody, REGIME_DENSITY), REGIME_BOXES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_modes_are_the_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(whoever_misses_people_has_less_weight, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sparse_is_boxes_packed_is_density, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_crowd_that_grows_makes_no_jump, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_interval_follows_from_its_parts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_regime_is_left_later_than_entered, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("handover", tests, NULL, NULL);
}
