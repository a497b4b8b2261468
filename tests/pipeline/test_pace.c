/* The pace of pictures: rates, and a delay that grows, told from jitter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "pipeline/pace.h"

struct stream {
    struct pace pace;
    struct pace_figures figures;
    double at_s;
    int64_t number;
};

/* `seconds` of pictures, every `every_s`, of which `given` came for each that is analysed, each so late. */
static void run(struct stream *s, double seconds, double every_s, int given, double late_s)
{
    for (int i = 0; i < (int)(seconds / every_s); i++) {
        s->at_s += every_s;
        s->number += given;
        pace_note(&s->pace, (int64_t)(s->at_s * 1e9), s->number, late_s, &s->figures);
    }
}

static void rates(void **state)
{
    (void)state;
    struct stream s = {0};
    run(&s, 3, 0.1, 1, 0);
    assert_false(s.figures.known);
    run(&s, 10, 0.1, 2, 0);
    assert_true(s.figures.known);
    assert_true(fabs(s.figures.analysed - 10) < 0.3);
    assert_true(fabs(s.figures.given - 20) < 0.5);
    run(&s, 20, 1, 20, 0);
    assert_true(fabs(s.figures.analysed - 1) < 0.01);
    assert_true(fabs(s.figures.usual - 20) < 1);
}

static void less_than_one_in_a_window_is_a_gap(void **state)
{
    (void)state;
    struct stream s = {0};
    run(&s, 10, 0.1, 1, 0);
    run(&s, 7, 7, 1, 0);
    assert_false(s.figures.known);
}

static void a_delay_is_what_all_have(void **state)
{
    (void)state;
    struct stream s = {0};
    run(&s, 20, 0.1, 1, 0.02);
    assert_true(s.figures.delay_s == 0.02);
    for (int i = 0; i < 20; i++) { /* a picture a second is late: jitter */
        run(&s, 0.9, 0.1, 1, 0.02);
        run(&s, 0.1, 0.1, 1, 4);
        assert_true(s.figures.delay_s == 0.02);
    }
    run(&s, 11, 0.1, 1, 3);
    assert_true(s.figures.delay_s == 3);
    run(&s, 1, 0.1, 1, 0.01);
    assert_true(s.figures.delay_s == 0.01);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates),
        cmocka_unit_test(less_than_one_in_a_window_is_a_gap),
        cmocka_unit_test(a_delay_is_what_all_have),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
