#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/random.h"
#include "count_allocations.h"
#include "crowd/stage.h"
#include "crowd_test.h"
#include "stage_fixture.h"

enum { MANY = 10000 };

static struct track standing(const struct camera_model *c, int64_t id, double x, double y)
{
    return stage_person(c, id, (struct point){x, y});
}

static void update(struct crowd_stage *s, double time_s, struct track *tracks, size_t count,
                   struct snapshot *snapshot)
{
    const struct crowd_input in = {.stream_ns = (int64_t)(time_s * 1e9),
                                   .width = STAGE_WIDTH,
                                   .height = STAGE_HEIGHT,
                                   .tracks = tracks,
                                   .track_count = count};
    struct error error = {0};
    memset(snapshot, 0, sizeof(*snapshot));
    if (crowd_stage_update(s, &in, snapshot, &error)) {
        fail_msg("%s", error.text);
    }
}

static void everybody_is_placed(void **state)
{
    (void)state;
    const struct camera_model c = stage_overlook();
    struct crowd_stage *s = stage_make(&c, NULL, 0);
    struct track t[] = {standing(&c, 1, 0, 10), standing(&c, 2, -2, 12), standing(&c, 3, 3, 9)};
    struct snapshot snap;
    update(s, 0, t, 3, &snap);
    near(t[1].ground.position.x, -2, 1e-4);
    near(t[1].ground.position.y, 12, 1e-4);
    assert_true(t[1].ground.error_m > 0.02 && t[1].ground.error_m < 0.5);
    assert_true(t[1].ground.error_m > t[2].ground.error_m * 0.9);
    near(snap.measures.of[MEASURE_PEOPLE].value, 3, 0);
    assert_true(snap.measures.of[MEASURE_PEOPLE].low < 3 && snap.measures.of[MEASURE_PEOPLE].high > 3);
    assert_false(snap.measures.of[MEASURE_SPEED_MEAN].valid);
    crowd_stage_destroy(&s);
}

/* Half way along a cell, one person alone: the kernel's own top, and one person over the whole area. */
static void one_person_has_a_known_density(void **state)
{
    (void)state;
    const struct camera_model c = stage_overlook();
    struct crowd_stage *s = stage_make(&c, NULL, 0);
    struct track t[] = {standing(&c, 1, 0.25, 10.25)};
    struct snapshot snap;
    update(s, 0, t, 1, &snap);
    const double half = erf(0.25 / (0.6 * sqrt(2))); /* share of the kernel within a quarter metre each way */
    near(snap.measures.of[MEASURE_DENSITY_PEAK].value, half * half / 0.25, 2e-4);
    const struct measure mean = snap.measures.of[MEASURE_DENSITY_MEAN];
    assert_true(mean.valid);
    double area = 0;
    for (int i = 0; i < snap.grid->columns * snap.grid->rows; i++) {
        area += isfinite(snap.grid->values[i]) ? 0.25 : 0;
    }
    assert_true(1 / mean.value < area && 1 / mean.value > 0.8 * area);
    crowd_stage_destroy(&s);
}

static void density_integrates_to_the_number(void **state)
{
    (void)state;
    const struct camera_model c = stage_overlook();
    /* The whole view as one zone: its mean density times its area is everybody. */
    const struct zone all = {.id = "all", .corner_count = 4, .corners = {{0, 0}, {1, 0}, {1, 1}, {0, 1}}};
    struct crowd_stage *s = stage_make(&c, &all, 1);
    struct random_state random;
    random_seed(&random, 3);
    static struct track t[400];
    for (size_t n = 0; n <= 400; n += 80) {
        for (size_t i = 0; i < n; i++) {
            t[i] =
                standing(&c, (int64_t)i + 1, -4 + 8 * random_unit(&random), 6.5 + 12 * random_unit(&random));
        }
        struct snapshot snap;
        update(s, (double)n, t, n, &snap);
        const double stream = snap.measures.of[MEASURE_DENSITY_MEAN].value;
        const double zone = snap.zones[0].measures.of[MEASURE_DENSITY_MEAN].value;
        near(zone, stream, 1e-4 * (1 + stream));
        assert_true(stage_people_in(snap.grid) >= (double)n * (1 - 1e-6));
        assert_true(snap.measures.of[MEASURE_DENSITY_PEAK].value >= stream);
    }
    crowd_stage_destroy(&s);
}

static void without_calibration_there_is_no_density(void **state)
{
    (void)state;
    const struct camera_model none = {.kind = CAMERA_NONE};
    const struct camera_model c = stage_overlook();
    const struct zone zones[] = {
        {.id = "image", .corner_count = 4, .corners = {{0, 0}, {0.5, 0}, {0.5, 1}, {0, 1}}},
        {.id = "ground",
         .coordinates = COORDINATES_GROUND,
         .corner_count = 3,
         .corners = {{0, 5}, {5, 5}, {0, 15}}},
    };
    struct crowd_stage *s = stage_make(&none, zones, 2);
    struct track t[] = {standing(&c, 1, -2, 10), standing(&c, 2, 2, 10)};
    struct snapshot snap;
    update(s, 0, t, 2, &snap);
    near(snap.measures.of[MEASURE_PEOPLE].value, 2, 0);
    static const enum measure_id absent[] = {MEASURE_DENSITY_MEAN, MEASURE_DENSITY_PEAK, MEASURE_SPEED_MEAN};
    for (size_t i = 0; i < COUNT(absent); i++) {
        assert_false(snap.measures.of[absent[i]].valid);
        assert_string_equal(snap.measures.of[absent[i]].reason, REASON_UNCALIBRATED);
        assert_string_equal(snap.zones[0].measures.of[absent[i]].reason, REASON_UNCALIBRATED);
    }
    near(snap.zones[0].measures.of[MEASURE_OCCUPANCY].value, 1, 0);
    assert_string_equal(snap.zones[1].measures.of[MEASURE_OCCUPANCY].reason, REASON_UNCALIBRATED);
    assert_null(snap.grid);
    assert_false(t[0].ground.valid);
    crowd_stage_destroy(&s);
}

static void zones_count_who_is_in_them(void **state)
{
    (void)state;
    const struct camera_model c = stage_overlook();
    const struct zone zones[] = {
        {.id = "left", .corner_count = 4, .corners = {{0, 0}, {0.5, 0}, {0.5, 1}, {0, 1}}, .capacity = 4},
        {.id = "far",
         .coordinates = COORDINATES_GROUND,
         .corner_count = 4,
         .corners = {{-3, 11}, {3, 11}, {3, 15}, {-3, 15}}},
        {.id = "behind",
         .coordinates = COORDINATES_GROUND,
         .corner_count = 4,
         .corners = {{-3, -11}, {3, -11}, {3, -5}, {-3, -5}}},
    };
    struct crowd_stage *s = stage_make(&c, zones, 3);
    struct track t[] = {standing(&c, 1, -1, 9), standing(&c, 2, -2, 13), standing(&c, 3, 2, 13),
                        standing(&c, 4, 1, 10.98)};
    struct snapshot snap;
    update(s, 0, t, 4, &snap);
    near(snap.zones[0].measures.of[MEASURE_OCCUPANCY].value, 2, 0);
    near(snap.zones[0].measures.of[MEASURE_OCCUPANCY_SHARE].value, 50, 0);
    const struct measure far = snap.zones[1].measures.of[MEASURE_OCCUPANCY];
    near(far.value, 2, 0);
    assert_true(far.high > 3); /* one stands two centimetres before it */
    assert_false(snap.zones[1].measures.of[MEASURE_OCCUPANCY_SHARE].valid);
    assert_string_equal(snap.zones[2].measures.of[MEASURE_OCCUPANCY].reason, REASON_NOT_VISIBLE);
    const struct measure density = snap.zones[1].measures.of[MEASURE_DENSITY_MEAN];
    assert_true(density.valid && density.value > 1.8 / 24 && density.value < 2.8 / 24);
    crowd_stage_destroy(&s);
}

static void walkers_have_their_speed(void **state)
{
    (void)state;
    const struct camera_model c = stage_overlook();
    const struct zone zone = {.id = "z", .corner_count = 4, .corners = {{0, 0}, {1, 0}, {1, 1}, {0, 1}}};
    struct crowd_stage *s = stage_make(&c, &zone, 1);
    struct snapshot snap;
    struct track t[2];
    for (int k = 0; k <= 20; k++) {
        const double time = k / 7.0;
        t[0] = standing(&c, 1, -2 + 1.2 * time, 10);
        t[1] = standing(&c, 2, 1, 14 - 0.8 * time);
        update(s, time, t, 2, &snap);
        assert_int_equal(t[0].ground.velocity_valid, k >= 4); /* half a second of history */
    }
    near(t[0].ground.velocity.x, 1.2, 1e-3);
    near(t[1].ground.velocity.y, -0.8, 1e-3);
    const struct measure speed = snap.measures.of[MEASURE_SPEED_MEAN];
    near(speed.value, 1.0, 1e-3);
    assert_true(speed.low < 1.0 && speed.high > 1.0 && speed.high < 1.2);
    near(snap.zones[0].measures.of[MEASURE_SPEED_MEAN].value, 1.0, 1e-3);
    /* Ten seconds later the same identity starts anew. */
    update(s, 20, t, 2, &snap);
    assert_false(t[0].ground.velocity_valid);
    assert_string_equal(snap.measures.of[MEASURE_SPEED_MEAN].reason, REASON_TOO_SHORT);
    update(s, 21, t, 0, &snap);
    assert_string_equal(snap.measures.of[MEASURE_SPEED_MEAN].reason, REASON_NO_PEOPLE);
    crowd_stage_destroy(&s);
}

/* A picture of half the size shows the same people at the same places. */
static void picture_size_does_not_matter(void **state)
{
    (void)state;
    const struct camera_model c = stage_overlook();
    struct crowd_stage *s = stage_make(&c, NULL, 0);
    struct track t[] = {standing(&c, 1, 2, 11)};
    t[0].box.x /= 2;
    t[0].box.y /= 2;
    t[0].box.w /= 2;
    t[0].box.h /= 2;
    const struct crowd_input in = {
        .width = STAGE_WIDTH / 2, .height = STAGE_HEIGHT / 2, .tracks = t, .track_count = 1};
    struct snapshot snap = {0};
    assert_int_equal(crowd_stage_update(s, &in, &snap, NULL), 0);
    near(t[0].ground.position.x, 2, 1e-4);
    near(t[0].ground.position.y, 11, 1e-4);
    crowd_stage_destroy(&s);
}

/* Positions from elsewhere, no camera: the zones on the ground are the area. */
static void given_positions_are_measured(void **state)
{
    (void)state;
    const struct zone zone = {.id = "hall",
                              .coordinates = COORDINATES_GROUND,
                              .corner_count = 4,
                              .corners = {{0, 0}, {10, 0}, {10, 5}, {0, 5}}};
    const struct camera_model none = {.kind = CAMERA_NONE};
    struct crowd_stage *s = stage_make(&none, &zone, 1);
    struct track t[3] = {
        {.track_id = 1, .score = 1}, {.track_id = 2, .score = 1}, {.track_id = 3, .score = 1}};
    for (size_t i = 0; i < 3; i++) {
        t[i].ground = (struct track_ground){.valid = true, .position = {2.0 + 3 * (double)i, 2}};
    }
    const struct crowd_input in = {
        .width = 100, .height = 100, .tracks = t, .track_count = 3, .ground_is_given = 1};
    struct snapshot snap = {0};
    assert_int_equal(crowd_stage_update(s, &in, &snap, NULL), 0);
    near(snap.measures.of[MEASURE_DENSITY_MEAN].value, 3 / 50.0, 1e-6);
    near(snap.zones[0].measures.of[MEASURE_OCCUPANCY].value, 3, 0);
    near(stage_people_in(snap.grid), 3, 1e-5);
    crowd_stage_destroy(&s);
}

static void one_spot_and_ten_thousand(void **state)
{
    (void)state;
    const struct camera_model c = stage_overlook();
    struct crowd_stage *s = stage_make(&c, NULL, 0);
    struct track *t = calloc(MANY, sizeof(*t));
    assert_non_null(t);
    for (size_t i = 0; i < MANY; i++) {
        t[i] = standing(&c, (int64_t)i + 1, 0, 10);
    }
    struct snapshot snap;
    update(s, 0, t, MANY, &snap);
    near(snap.measures.of[MEASURE_PEOPLE].value, MANY, 0);
    near(stage_people_in(snap.grid), MANY, MANY * 1e-5);
    assert_true(isfinite(snap.measures.of[MEASURE_DENSITY_PEAK].high));
    free(t);
    crowd_stage_destroy(&s);
}

static void steady_state_allocates_nothing(void **state)
{
    (void)state;
    if (!ALLOCATIONS_ARE_COUNTED) {
        skip();
    }
    const struct camera_model c = stage_overlook();
    const struct zone zone = {.id = "z", .corner_count = 4, .corners = {{0, 0}, {1, 0}, {1, 1}, {0, 1}}};
    struct crowd_stage *s = stage_make(&c, &zone, 1);
    static struct track t[200];
    struct snapshot snap;
    size_t before = 0;
    for (int k = 0; k < 200; k++) {
        for (size_t i = 0; i < 200; i++) { /* people come and go: identities move on */
            t[i] = standing(&c, (int64_t)i + 1 + k / 10, -4 + 0.04 * (double)i, 8 + 0.01 * k);
        }
        if (k == 100) {
            before = allocation_count;
        }
        update(s, k / 10.0, t, 200, &snap);
    }
    assert_int_equal(allocation_count, before);
    crowd_stage_destroy(&s);
}

static void bad_options_are_refused(void **state)
{
    (void)state;
    struct crowd_stage *s = NULL;
    const struct crowd_options o = {.cell_m = 0, .sigma_m = 1};
    struct error error = {0};
    assert_int_equal(crowd_stage_create(&o, &s, &error), ERR_INVALID);
    assert_null(s);
    crowd_stage_destroy(&s);
}

/* Twenty people who stand there all the time; for fifteen seconds of it the camera shows nothing. */
static void a_blind_camera_is_no_empty_place(void **state)
{
    (void)state;
    enum { PEOPLE = 20 };
    const struct camera_model c = stage_overlook();
    const struct zone all = {.id = "all", .corner_count = 4, .corners = {{0, 0}, {1, 0}, {1, 1}, {0, 1}}};
    struct crowd_stage *s = stage_make(&c, &all, 1);
    struct snapshot snap;
    struct track t[PEOPLE];
    for (int step = 0; step <= 800; step++) {
        const bool blind = step >= 500 && step < 650;
        for (int i = 0; i < PEOPLE; i++) {
            t[i] = standing(&c, i + 1, -2 + 0.8 * (i % 5), 8 + 0.8 * (i / 5));
        }
        const struct crowd_input in = {.stream_ns = step * INT64_C(100000000),
                                       .width = STAGE_WIDTH,
                                       .height = STAGE_HEIGHT,
                                       .tracks = t,
                                       .track_count = blind ? 0 : PEOPLE,
                                       .blind = blind ? health_info(HEALTH_BLACK)->reason : NULL};
        memset(&snap, 0, sizeof(snap));
        assert_int_equal(crowd_stage_update(s, &in, &snap, NULL), 0);
        if (blind) {
            assert_string_equal(snap.measures.of[MEASURE_PEOPLE].reason, health_info(HEALTH_BLACK)->reason);
            assert_string_equal(snap.zones[0].measures.of[MEASURE_OCCUPANCY].reason,
                                health_info(HEALTH_BLACK)->reason);
            assert_string_equal(snap.zones[0].measures.of[MEASURE_QUEUE_LENGTH].reason, REASON_NOT_MEASURED);
            assert_true(snap.track_count == 0 && snap.grid == NULL);
        }
    }
    const struct measure_set *m = &snap.zones[0].measures;
    near(m->of[MEASURE_OCCUPANCY].value, PEOPLE, 0.5);
    near(m->of[MEASURE_DENSITY_TREND].value, 0, 1e-6);
    assert_string_equal(m->of[MEASURE_TIME_TO_LIMIT].reason, REASON_NOT_RISING);
    crowd_stage_destroy(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_is_placed),
        cmocka_unit_test(one_person_has_a_known_density),
        cmocka_unit_test(density_integrates_to_the_number),
        cmocka_unit_test(without_calibration_there_is_no_density),
        cmocka_unit_test(zones_count_who_is_in_them),
        cmocka_unit_test(walkers_have_their_speed),
        cmocka_unit_test(picture_size_does_not_matter),
        cmocka_unit_test(given_positions_are_measured),
        cmocka_unit_test(one_spot_and_ten_thousand),
        cmocka_unit_test(steady_state_allocates_nothing),
        cmocka_unit_test(bad_options_are_refused),
        cmocka_unit_test(a_blind_camera_is_no_empty_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
