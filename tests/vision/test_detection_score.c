/* Scores of detections on cases small enough to work out on paper. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "vision/detection_score.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static struct box at(float x)
{
    return (struct box){x, 0, 10, 20};
}

static void expect(double value, double expected, const char *what)
{
    if (fabs(value - expected) > 1e-9)
        fail_msg("%s: %.9f, expected %.9f", what, value, expected);
}

/* Four people, by score: right, wrong, right, right (another frame), wrong; one is never found. */
static void test_a_curve_worked_out_on_paper(void **state)
{
    (void)state;
    const struct labelled_box truth[] = {
        {1, at(0), true}, {1, at(100), true}, {2, at(0), true}, {3, at(50), true}};
    const struct scored_box found[] = {
        {1, at(1), 0.9F}, {1, at(300), 0.8F}, {1, at(101), 0.7F}, {2, at(2), 0.6F}, {4, at(50), 0.5F}};
    struct detection_figures f;
    assert_int_equal(detection_score(truth, COUNT(truth), found, COUNT(found), 0.5, 0.65, &f, NULL), 0);
    /* recall .25 at precision 1; .5 and .75 at best 3/4 */
    expect(f.average_precision, 0.25 + 0.5 * 0.75, "average precision");
    expect(f.best_f1, 0.75, "best F1");
    expect(f.best_threshold, (double)0.6F, "its threshold");
    expect(f.precision, 2.0 / 3, "precision");
    expect(f.recall, 0.5, "recall");
    assert_true(f.right == 2 && f.wrong == 1 && f.missed == 2 && f.truth == 4 && f.detections == 5);
    assert_true(f.greatest_score == 0.9F);
}

static void test_a_person_is_found_once(void **state)
{
    (void)state;
    const struct labelled_box truth[] = {{1, at(0), true}};
    const struct scored_box found[] = {{1, at(1), 0.6F}, {1, at(0), 0.9F}};
    struct detection_figures f;
    assert_int_equal(detection_score(truth, 1, found, 2, 0.5, 0.5, &f, NULL), 0);
    assert_true(f.right == 1 && f.wrong == 1);
    expect(f.average_precision, 1, "average precision");
    expect(f.best_f1, 1, "best F1");
}

/* The better overlap wins, and the loser takes what is left. */
static void test_the_greatest_overlap_is_taken(void **state)
{
    (void)state;
    const struct labelled_box truth[] = {{1, at(0), true}, {1, at(3), true}};
    const struct scored_box found[] = {{1, at(2), 0.9F}, {1, at(1), 0.8F}};
    struct detection_figures f;
    assert_int_equal(detection_score(truth, 2, found, 2, 0.7, 0.5, &f, NULL), 0);
    assert_true(f.right == 2 && f.wrong == 0);
}

static void test_boxes_that_do_not_count(void **state)
{
    (void)state;
    const struct labelled_box truth[] = {{1, at(0), true}, {1, at(100), false}, {1, at(200), false}};
    const struct scored_box found[] = {{1, at(100), 0.9F}, {1, at(0), 0.8F}};
    struct detection_figures f;
    assert_int_equal(detection_score(truth, 3, found, 2, 0.5, 0.1, &f, NULL), 0);
    assert_true(f.truth == 1 && f.right == 1 && f.wrong == 0 && f.missed == 0);
    expect(f.average_precision, 1, "average precision");
}

/* Equal scores: both or none. */
static void test_equal_scores_are_one_point(void **state)
{
    (void)state;
    const struct labelled_box truth[] = {{1, at(0), true}};
    const struct scored_box found[] = {{1, at(0), 0.5F}, {1, at(300), 0.5F}};
    struct detection_figures f;
    assert_int_equal(detection_score(truth, 1, found, 2, 0.5, 0.5, &f, NULL), 0);
    expect(f.average_precision, 0.5, "average precision");
    expect(f.best_f1, 2.0 / 3, "best F1");
}

static void test_nothing(void **state)
{
    (void)state;
    const struct labelled_box truth[] = {{1, at(0), true}};
    const struct scored_box found[] = {{1, at(0), 0.5F}};
    struct detection_figures f;
    assert_int_equal(detection_score(truth, 1, NULL, 0, 0.5, 0.5, &f, NULL), 0);
    assert_true(f.missed == 1 && f.average_precision == 0 && f.best_f1 == 0 && f.greatest_score == 0);
    assert_int_equal(detection_score(NULL, 0, found, 1, 0.5, 0.5, &f, NULL), 0);
    assert_true(f.wrong == 1 && f.precision == 0 && f.recall == 0 && f.average_precision == 0);
    assert_int_equal(detection_score(NULL, 0, NULL, 0, 0.5, 0.5, &f, NULL), 0);
    assert_true(f.truth == 0 && f.missed == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_curve_worked_out_on_paper),   cmocka_unit_test(test_a_person_is_found_once),
        cmocka_unit_test(test_the_greatest_overlap_is_taken), cmocka_unit_test(test_boxes_that_do_not_count),
        cmocka_unit_test(test_equal_scores_are_one_point),    cmocka_unit_test(test_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
