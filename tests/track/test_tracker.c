/* The tracker on people that walk as the test says: who is who, who is published, and what must not matter.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../crowd/count_allocations.h"
#include "base/clock.h"
#include "base/random.h"
#include "track/tracker.h"

enum { WIDTH = 1000, HEIGHT = 600, BOXES_MAX = 64 };

struct scene {
    struct tracker *tracker;
    struct detection boxes[BOXES_MAX];
    size_t box_count;
    const struct track *tracks;
    size_t track_count;
};

static void open_scene(struct scene *s, const struct tracker_params *params)
{
    memset(s, 0, sizeof *s);
    struct tracker_params defaults = tracker_default_params();
    assert_int_equal(tracker_create(params != NULL ? params : &defaults, &s->tracker, NULL), 0);
}

static void add_box(struct scene *s, double cx, double foot, double h, double score)
{
    double w = 0.4 * h;
    s->boxes[s->box_count++] =
        (struct detection){{(float)(cx - w / 2), (float)(foot - h), (float)w, (float)h}, (float)score};
}

static int step_full(struct scene *s, double time_s, const struct tracker_input *extra)
{
    struct tracker_input input = extra != NULL ? *extra : (struct tracker_input){0};
    input.time_ns = (int64_t)llround(time_s * 1e9);
    input.width = WIDTH;
    input.height = HEIGHT;
    input.detections = s->boxes;
    input.detection_count = s->box_count;
    int rc = tracker_update(s->tracker, &input, &s->tracks, &s->track_count, NULL);
    s->box_count = 0;
    return rc;
}

static void step(struct scene *s, double time_s)
{
    assert_int_equal(step_full(s, time_s, NULL), 0);
}

static const struct track *nearest(const struct scene *s, double cx)
{
    const struct track *best = NULL;
    for (size_t k = 0; k < s->track_count; k++) {
        double x = (double)s->tracks[k].box.x + 0.5 * (double)s->tracks[k].box.w;
        double bx = best == NULL ? INFINITY : (double)best->box.x + 0.5 * (double)best->box.w;
        if (fabs(x - cx) < fabs(bx - cx)) {
            best = &s->tracks[k];
        }
    }
    return best;
}

static void two_walkers_keep_their_names(void **state)
{
    (void)state;
    struct scene s;
    open_scene(&s, NULL);
    int64_t left = 0, right = 0;
    for (int k = 0; k < 70; k++) { /* 7 pictures a second, they pass each other at different depths */
        double t = k / 7.0, x = 100 + 60 * t, y = 800 - 60 * t;
        add_box(&s, x, 300, 90, 0.9);
        add_box(&s, y, 330, 110, 0.9);
        step(&s, t);
        if (k == 10) {
            assert_int_equal(s.track_count, 2);
            left = nearest(&s, x)->track_id;
            right = nearest(&s, y)->track_id;
            assert_int_not_equal(left, right);
        }
    }
    assert_int_equal(s.track_count, 2);
    assert_int_equal(nearest(&s, 100 + 60 * 69 / 7.0)->track_id, left);
    assert_int_equal(nearest(&s, 800 - 60 * 69 / 7.0)->track_id, right);
    tracker_destroy(&s.tracker);
    assert_null(s.tracker);
}

static void is_published_after_confirmation_only(void **state)
{
    (void)state;
    struct scene s;
    struct tracker_params params = tracker_default_params();
    params.confirm_hits = 4;
    open_scene(&s, &params);
    for (int k = 0; k < 6; k++) {
        add_box(&s, 500, 300, 100, 0.9);
        step(&s, k / 10.0);
        assert_int_equal(s.track_count, k >= 3);
    }
    tracker_destroy(&s.tracker);
}

static void weak_boxes_start_nobody_but_keep_somebody(void **state)
{
    (void)state;
    struct scene s;
    struct tracker_params p = tracker_default_params();
    double weak = 0.5 * (p.low_score + p.high_score);
    open_scene(&s, NULL);
    for (int k = 0; k < 40; k++) {
        add_box(&s, 500 + k, 300, 100, k < 10 ? 0.9 : weak);
        add_box(&s, 100, 300, 100, weak);
        step(&s, k / 10.0);
        assert_true(s.track_count <= 1);
    }
    assert_int_equal(s.track_count, 1);
    assert_false(s.tracks[0].coasted);
    tracker_destroy(&s.tracker);
}

static void coasts_for_as_long_as_told_and_comes_back(void **state)
{
    (void)state;
    struct scene s;
    struct tracker_params p = tracker_default_params();
    open_scene(&s, NULL);
    int64_t id = 0;
    for (int k = 0; k < 60; k++) {
        double t = k / 10.0, seen_until = 2.0, back_at = 3.5;
        bool there = t <= seen_until || t >= back_at;
        if (there) {
            add_box(&s, 200 + 50 * t, 300, 100, 0.9);
        }
        step(&s, t);
        id = k == 15 ? s.tracks[0].track_id : id;
        bool coasting = !there && t - seen_until <= (double)p.coast_ns * 1e-9 + 1e-9;
        if (k > 15) {
            assert_int_equal(s.track_count, there || coasting);
        }
        if (coasting) {
            assert_true(s.tracks[0].coasted);
            assert_true(fabs((double)s.tracks[0].box.x + 20 - (200 + 50 * t)) < 10);
        }
    }
    assert_int_equal(s.tracks[0].track_id, id);
    tracker_destroy(&s.tracker);
}

static void leaves_no_ghost_outside_the_picture(void **state)
{
    (void)state;
    struct scene s;
    open_scene(&s, NULL);
    for (int k = 0; k < 40; k++) {
        double x = 880 + 8 * k;
        if (x < WIDTH - 10) {
            add_box(&s, x, 300, 100, 0.9);
        }
        step(&s, k / 10.0);
        for (size_t i = 0; i < s.track_count; i++) {
            assert_true(s.tracks[i].box.x + 0.5F * s.tracks[i].box.w < WIDTH);
        }
    }
    assert_int_equal(s.track_count, 0);
    tracker_destroy(&s.tracker);
}

static void velocity_is_in_pixels_per_second(void **state)
{
    (void)state;
    for (int rate = 5; rate <= 60; rate += 5) {
        struct scene s;
        struct random_state r;
        open_scene(&s, NULL);
        random_seed(&r, (uint64_t)rate);
        for (int k = 0; k < 3 * rate; k++) {
            double t = (double)k / rate;
            add_box(&s, 200 + 70 * t + random_normal(&r), 300 - 20 * t + random_normal(&r), 100, 0.9);
            step(&s, t);
        }
        assert_int_equal(s.track_count, 1);
        assert_true(s.tracks[0].velocity_px_valid);
        assert_true(fabs(s.tracks[0].velocity_px.x - 70) < 6);
        assert_true(fabs(s.tracks[0].velocity_px.y + 20) < 6);
        tracker_destroy(&s.tracker);
    }
}

static void camera_motion_is_followed(void **state)
{
    (void)state;
    struct scene s;
    open_scene(&s, NULL);
    int64_t id = 0;
    for (int k = 0; k < 40; k++) {
        double shift = k % 2 == 0 ? 0 : 150; /* the camera jumps to and fro by more than a box */
        struct camera_motion motion = {{1, 0, 0, 1}, {k % 2 == 0 ? -150 : 150, 0}};
        struct tracker_input extra = {.motion = k > 0 ? &motion : NULL};
        add_box(&s, 400 + 3 * k + shift, 300, 100, 0.9);
        assert_int_equal(step_full(&s, k / 10.0, &extra), 0);
        id = k == 10 ? s.tracks[0].track_id : id;
    }
    assert_int_equal(s.track_count, 1);
    assert_int_equal(s.tracks[0].track_id, id);
    tracker_destroy(&s.tracker);
}

/* One scene of people that appear, wobble, vanish and meet; boxes in the given order, everything shifted. */
struct result {
    size_t count;
    struct {
        struct box box;
        bool coasted;
        int64_t id;
    } rows[4000];
};

static void random_scene(struct result *out, bool reversed, float shift)
{
    struct scene s;
    struct random_state r;
    open_scene(&s, NULL);
    random_seed(&r, 11);
    out->count = 0;
    for (int k = 0; k < 150; k++) {
        double t = k / 10.0;
        for (int i = 0; i < 12; i++) {
            double x = 250 + 30 * i + 90 * sin(0.3 * t + i), y = 250 + 60 * cos(0.2 * t * i + i);
            double score = random_unit(&r), dx = 2 * random_normal(&r), dy = 2 * random_normal(&r);
            if (score > 0.15) {
                add_box(&s, x + dx, y + dy, 80 + 3 * i, 0.3 + 0.7 * score);
            }
        }
        for (size_t i = 0; i < s.box_count; i++) {
            s.boxes[i].box.x += shift;
        }
        for (size_t i = 0; reversed && i < s.box_count / 2; i++) {
            struct detection d = s.boxes[i];
            s.boxes[i] = s.boxes[s.box_count - 1 - i];
            s.boxes[s.box_count - 1 - i] = d;
        }
        step(&s, t);
        for (size_t i = 0; i < s.track_count; i++) {
            out->rows[out->count].box = s.tracks[i].box;
            out->rows[out->count].coasted = s.tracks[i].coasted;
            out->rows[out->count++].id = s.tracks[i].track_id;
        }
    }
    assert_true(out->count > 1000);
    tracker_destroy(&s.tracker);
}

static struct result one, other;

/* Ids may be other ones, but it must be the same people: a one-to-one map of ids, the same boxes. */
static void order_of_boxes_changes_only_ids(void **state)
{
    (void)state;
    random_scene(&one, false, 0);
    random_scene(&other, true, 0);
    static int64_t name[1000];
    assert_int_equal(one.count, other.count);
    size_t begin = 0, matched = 0;
    for (size_t i = 0; i < one.count; i++) {
        /* rows of a picture are ordered by id, so look near by for the same box */
        begin = i > BOXES_MAX ? i - BOXES_MAX : 0;
        for (size_t j = begin; j < other.count && j < i + BOXES_MAX; j++) {
            if (memcmp(&one.rows[i].box, &other.rows[j].box, sizeof one.rows[i].box) == 0) {
                int64_t id = one.rows[i].id;
                assert_true(name[id] == 0 || name[id] == other.rows[j].id);
                name[id] = other.rows[j].id;
                matched++;
                break;
            }
        }
    }
    assert_int_equal(matched, one.count);
}

static void same_input_same_bytes(void **state)
{
    (void)state;
    random_scene(&one, false, 0);
    random_scene(&other, false, 0);
    assert_memory_equal(&one, &other, offsetof(struct result, rows) + one.count * sizeof one.rows[0]);
}

static void refuses_bad_input(void **state)
{
    (void)state;
    struct scene s;
    struct error error = {0};
    struct tracker_params bad = tracker_default_params();
    bad.high_score = NAN;
    assert_int_equal(tracker_create(&bad, &s.tracker, &error), ERR_INVALID);
    assert_null(s.tracker);
    open_scene(&s, NULL);
    step(&s, 1);
    assert_int_equal(step_full(&s, 1, NULL), ERR_INVALID);
    assert_int_equal(step_full(&s, 0.5, NULL), ERR_INVALID);
    static const float wrong[] = {NAN, INFINITY, -INFINITY};
    static const char *const names[] = {"x", "y", "w", "h", "score"};
    for (size_t k = 0; k < 15; k++) {
        char place[64];
        add_box(&s, 200, 300, 100, 0.9);
        add_box(&s, 500, 300, 100, 0.9);
        float *fields[] = {&s.boxes[1].box.x, &s.boxes[1].box.y, &s.boxes[1].box.w, &s.boxes[1].box.h,
                           &s.boxes[1].score};
        *fields[k / 3] = wrong[k % 3];
        struct tracker_input input = {
            .time_ns = 2 * NS_PER_S, .width = WIDTH, .height = HEIGHT, .detections = s.boxes};
        input.detection_count = s.box_count;
        s.box_count = 0;
        assert_int_equal(tracker_update(s.tracker, &input, &s.tracks, &s.track_count, &error), ERR_INVALID);
        (void)snprintf(place, sizeof place, "tracker: detection 1: %s is not finite", names[k / 3]);
        assert_string_equal(error.text, place);
    }
    add_box(&s, 500, 300, 100, 0.9);
    step(&s, 2); /* refused pictures have changed nothing */
    tracker_destroy(&s.tracker);
}

/* Nobody, one, none again, one; boxes without a size; scores beyond any scale. */
static void nobody_and_one(void **state)
{
    (void)state;
    for (int kind = 0; kind < DETECTOR_COUNT; kind++) {
        struct scene s;
        struct tracker_params p = tracker_params_for((enum detector_kind)kind);
        open_scene(&s, &p);
        for (int k = 0; k < 40; k++) {
            if (k >= 10 && k < 30) {
                add_box(&s, 500 + k, 300, 100, k % 2 == 0 ? 100 : 0.99);
                add_box(&s, 300, 300, 0, 0.99);
                add_box(&s, 800, 300, 100, -5);
            }
            step(&s, k / 10.0);
            assert_int_equal(s.track_count, k >= 10 + p.confirm_hits - 1 && k < 30 ? 1 : s.track_count);
            assert_true(s.track_count <= 1);
            for (size_t i = 0; i < s.track_count && k < 30; i++) {
                assert_true(fabs((double)s.tracks[i].box.x + 20 - 500 - k) < 6);
                assert_true(fabs((double)s.tracks[i].box.h - 100) < 3);
            }
        }
        assert_int_equal(s.track_count, 0);
        tracker_destroy(&s.tracker);
    }
}

/* Sixty people to and fro: after the first second no picture takes memory. */
static void takes_no_memory_in_steady_state(void **state)
{
    (void)state;
    if (!ALLOCATIONS_ARE_COUNTED) {
        skip();
    }
    for (int kind = 0; kind < DETECTOR_COUNT; kind++) {
        struct scene s;
        struct tracker_params p = tracker_params_for((enum detector_kind)kind);
        struct random_state r;
        size_t before = 0;
        random_seed(&r, 5);
        open_scene(&s, &p);
        for (int k = 0; k < 200; k++) {
            for (int i = 0; i < 60; i++) {
                double x = 500 + 450 * sin(k * 0.02 + i), luck = k == 0 ? 0 : random_unit(&r);
                add_box(&s, x, 100 + 8 * i, 40 + i, luck < 0.8 ? 0.95 : luck < 0.9 ? 0.3 : 0.05);
            }
            before = k == 10 ? allocation_count : before;
            step(&s, k / 10.0);
        }
        assert_true(s.track_count > 30);
        assert_true(before > 0);
        assert_int_equal(allocation_count, before);
        tracker_destroy(&s.tracker);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_walkers_keep_their_names),
        cmocka_unit_test(is_published_after_confirmation_only),
        cmocka_unit_test(weak_boxes_start_nobody_but_keep_somebody),
        cmocka_unit_test(coasts_for_as_long_as_told_and_comes_back),
        cmocka_unit_test(leaves_no_ghost_outside_the_picture),
        cmocka_unit_test(velocity_is_in_pixels_per_second),
        cmocka_unit_test(camera_motion_is_followed),
        cmocka_unit_test(order_of_boxes_changes_only_ids),
        cmocka_unit_test(same_input_same_bytes),
        cmocka_unit_test(refuses_bad_input),
        cmocka_unit_test(nobody_and_one),
        cmocka_unit_test(takes_no_memory_in_steady_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
