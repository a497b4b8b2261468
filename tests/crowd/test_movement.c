#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crowd/movement.h"
#include "crowd_test.h"

enum { TEXT = 1 << 20 };

static struct trajectories parse(const char *text)
{
    struct trajectories t;
    struct error error = {0};
    if (trajectories_parse(text, strlen(text), NULL, &t, &error)) {
        fail_msg("%s", error.text);
    }
    return t;
}

static double row_speed(const struct trajectories *t, const double *speeds, int64_t id, int64_t frame)
{
    for (size_t i = 0; i < t->count; i++) {
        if (t->id[i] == id && t->frame[i] == frame) {
            return speeds[i];
        }
    }
    fail_msg("person %d is not in frame %d", (int)id, (int)frame);
    return 0;
}

/* 1 m a frame, then standing; one who has a gap; one who is there once. */
static void speeds_are_taken_across_a_window(void **state)
{
    (void)state;
    char text[TEXT] = "id,frame,x,y\n9,0,1,1\n";
    for (int f = 0; f <= 20; f++) {
        char row[100];
        (void)snprintf(row, sizeof(row), "1,%d,%d,0\n", f, f < 10 ? f : 10);
        (void)strcat(text, row);
        (void)snprintf(row, sizeof(row), "2,%d,0,%d\n", f, 2 * f);
        (void)strcat(text, f == 8 ? "" : row);
    }
    struct trajectories t = parse(text);
    double speeds[64];
    movement_speeds(&t, 3, 10, speeds);
    near(row_speed(&t, speeds, 1, 5), 10, 1e-12);
    near(row_speed(&t, speeds, 1, 0), 10, 1e-12); /* from its first place on */
    near(row_speed(&t, speeds, 1, 10), 5, 1e-12); /* half of the window it stands */
    near(row_speed(&t, speeds, 1, 20), 0, 1e-12);
    near(row_speed(&t, speeds, 2, 5), 20, 1e-12); /* frame 8 is missing: only the half before */
    near(row_speed(&t, speeds, 9, 0), 0, 0);
    trajectories_free(&t);
}

static void crossings_count_as_defined(void **state)
{
    (void)state;
    /* 1 crosses; 2 ends on the line, and has crossed with the step that starts there; 3 passes beside it; 4
     * comes back and counts once; 5 walks along it. */
    struct trajectories t =
        parse("id,frame,x,y\n1,0,-1,1\n1,1,1,1\n2,0,-1,1\n2,1,0,1\n2,2,1,1\n3,0,-1,5\n3,1,1,5\n"
              "4,0,-1,1\n4,1,1,1\n4,2,-1,1\n5,0,3,1\n5,1,4,1\n");
    const struct point line[] = {{0, 0}, {0, 2}};
    static const double speeds[12];
    struct crossing_event *events = NULL;
    size_t count = 0;
    assert_int_equal(movement_crossings(&t, line, 2, speeds, &events, &count, NULL), 0);
    assert_int_equal(count, 3);
    static const int64_t ids[] = {1, 4, 2};
    static const int64_t frames[] = {1, 1, 2};
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(events[i].id, ids[i]);
        assert_int_equal(events[i].frame, frames[i]);
    }
    free(events);
    trajectories_free(&t);
}

/* Everybody who starts on one side of a line through the whole hall and ends on the other has crossed it, and
 * nobody else. */
static void nobody_slips_through(void **state)
{
    (void)state;
    struct random_state random;
    random_seed(&random, 1);
    static char text[TEXT];
    size_t at = (size_t)snprintf(text, sizeof(text), "id,frame,x,y\n");
    size_t crossed = 0;
    for (int id = 0; id < 300; id++) {
        double x = 4 * random_unit(&random) - 2;
        bool beyond = false;
        const bool start = x > 0;
        for (int f = 0; f < 30; f++) {
            at += (size_t)snprintf(text + at, sizeof(text) - at, "%d,%d,%.9f,%.9f\n", id, f, x, 0.1 * f);
            x += 0.3 * random_normal(&random);
            beyond = beyond || (f < 29 && (x > 0) != start);
        }
        crossed += beyond;
    }
    struct trajectories t = parse(text);
    double *speeds = calloc(t.count, sizeof(*speeds));
    const struct point line[] = {{0, -10}, {0, 1.234}, {0, 10}};
    struct crossing_event *events = NULL;
    size_t count = 0;
    assert_int_equal(movement_crossings(&t, line, 3, speeds, &events, &count, NULL), 0);
    assert_int_equal(count, crossed);
    free(events);
    free(speeds);
    trajectories_free(&t);
}

static void flow_is_people_over_time(void **state)
{
    (void)state;
    /* One a second at 10 frames/s for 30 s: 1/s in every interval. */
    struct crossing_event events[31];
    for (int i = 0; i <= 30; i++) {
        events[i] = (struct crossing_event){i, 10 * i, 0.5 + i % 2};
    }
    struct flow_interval *f = NULL;
    size_t n = 0;
    assert_int_equal(movement_flow(events, 31, 100, 10, &f, &n, NULL), 0);
    assert_int_equal(n, 3);
    near(f[0].flow_per_s, 11 / 10.1, 1e-12);
    near(f[1].flow_per_s, 1, 1e-12);
    near(f[2].speed_mean, 1, 1e-12);
    free(f);
    assert_int_equal(movement_flow(events, 0, 100, 10, &f, &n, NULL), 0);
    assert_int_equal(n, 0);
    free(f);
    assert_int_equal(movement_flow(events, 3, 0, 10, &f, &n, NULL), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(speeds_are_taken_across_a_window),
        cmocka_unit_test(crossings_count_as_defined),
        cmocka_unit_test(nobody_slips_through),
        cmocka_unit_test(flow_is_people_over_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
