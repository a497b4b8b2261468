/* What the density network adds to a camera's measures: people on the ground and in zones, beside boxes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/random.h"
#include "crowd/stage.h"
#include "crowd_test.h"
#include "stage_fixture.h"

enum { COLUMNS = 160, ROWS = 90, CELL = 8, PEOPLE = 400 };

static float cells[COLUMNS * ROWS];

static struct point head_of(const struct camera_model *c, struct point ground)
{
    struct point head = {0, 0};
    assert_true(camera_to_image(c, ground, 0.93 * 1.7, &head));
    return head;
}

static void see(struct point pixel)
{
    const int x = (int)(pixel.x / CELL);
    const int y = (int)(pixel.y / CELL);
    assert_true(x >= 0 && y >= 0 && x < COLUMNS && y < ROWS);
    cells[y * COLUMNS + x] += 1;
}

static struct snapshot update(struct crowd_stage *s, double time_s, struct track *tracks, size_t count,
                              enum counting_mode mode, int64_t reading_ns)
{
    const struct count_reading reading = {
        .map = {COLUMNS, ROWS, CELL, CELL, cells}, .floor = 1, .share_low = 0.2, .share_high = 0.25};
    const struct crowd_input in = {.stream_ns = (int64_t)(time_s * 1e9),
                                   .width = STAGE_WIDTH,
                                   .height = STAGE_HEIGHT,
                                   .tracks = tracks,
                                   .track_count = count,
                                   .reading = reading_ns >= 0 ? &reading : NULL,
                                   .reading_ns = reading_ns,
                                   .counting = mode};
    struct snapshot snapshot = {0};
    struct error error = {0};
    if (crowd_stage_update(s, &in, &snapshot, &error)) {
        fail_msg("%s", error.text);
    }
    return snapshot;
}

/* A packed square of 4 x 4 m, of whom no box is found, and one person beside it, of whom one is. */
static struct track packed_square(const struct camera_model *c)
{
    struct random_state random;
    random_seed(&random, 4);
    memset(cells, 0, sizeof(cells));
    for (int i = 0; i < PEOPLE; i++) {
        see(head_of(c, (struct point){-3 + 4 * random_unit(&random), 9 + 4 * random_unit(&random)}));
    }
    const struct point alone = {3.6, 8.5};
    see(head_of(c, alone));
    return stage_person(c, 1, alone);
}

static void a_packed_square_is_on_the_ground_and_in_its_zone(void **state)
{
    (void)state;
    const struct zone zones[] = {
        {.id = "square",
         .coordinates = COORDINATES_GROUND,
         .corner_count = 4,
         .corners = {{-3.4, 8.6}, {1.4, 8.6}, {1.4, 13.4}, {-3.4, 13.4}}},
        {.id = "beside",
         .coordinates = COORDINATES_GROUND,
         .corner_count = 4,
         .corners = {{2.8, 7.5}, {4.4, 7.5}, {4.4, 9.5}, {2.8, 9.5}}},
    };
    const struct camera_model c = stage_overlook();
    struct crowd_stage *s = stage_make(&c, zones, 2);
    struct track alone = packed_square(&c);
    struct snapshot snap = update(s, 0, &alone, 1, COUNTING_AUTO, 0);
    const struct measure people = snap.measures.of[MEASURE_PEOPLE];
    near(people.value, PEOPLE + 1, 12);
    near(people.low, people.value - 0.2 * people.value - 1, 3);
    near(people.high, people.value + 0.25 * people.value + 1, 5);
    assert_int_equal(snap.regime, REGIME_DENSITY);
    near(snap.zones[0].measures.of[MEASURE_OCCUPANCY].value, PEOPLE, 24);
    assert_int_equal(snap.zones[0].regime, REGIME_DENSITY);
    near(snap.zones[1].measures.of[MEASURE_OCCUPANCY].value, 1, 0.2);
    assert_true(snap.zones[1].regime != REGIME_DENSITY);
    near(stage_people_in(snap.grid), people.value, 0.03 * PEOPLE);
    near(snap.measures.of[MEASURE_DENSITY_PEAK].value, PEOPLE / 16.0, 0.25 * PEOPLE / 16);
    assert_true(snap.measures.of[MEASURE_DENSITY_PEAK].low <
                0.85 * snap.measures.of[MEASURE_DENSITY_PEAK].value);
    assert_non_null(snap.map);
    double sum = 0;
    for (int i = 0; i < snap.map->columns * snap.map->rows; i++) {
        sum += (double)snap.map->people[i];
    }
    near(sum, people.value, 0.01 * PEOPLE);
    crowd_stage_destroy(&s);
}

static void the_modes_and_a_reading_that_is_gone(void **state)
{
    (void)state;
    const struct camera_model c = stage_overlook();
    struct crowd_stage *s = stage_make(&c, NULL, 0);
    struct track alone = packed_square(&c);
    struct snapshot snap = update(s, 0, &alone, 1, COUNTING_BOXES, 0);
    near(snap.measures.of[MEASURE_PEOPLE].value, 1, 0);
    assert_int_equal(snap.regime, REGIME_BOXES);
    assert_null(snap.map);
    snap = update(s, 0.1, &alone, 1, COUNTING_DENSITY, 1);
    near(snap.measures.of[MEASURE_PEOPLE].value, PEOPLE + 1, 1e-3);
    assert_int_equal(snap.regime, REGIME_DENSITY);
    assert_true(crowd_stage_density_share(s) > 0.999);
    snap = update(s, 0.2, &alone, 1, COUNTING_AUTO, -1);
    near(snap.measures.of[MEASURE_PEOPLE].value, 1, 0);
    assert_null(snap.map);
    assert_true(crowd_stage_density_share(s) <= 0);
    crowd_stage_destroy(&s);
}

/* People who walk on after the network has looked are not counted where they were as well. */
static void nobody_is_counted_twice_between_two_readings(void **state)
{
    (void)state;
    const struct camera_model c = stage_overlook();
    struct crowd_stage *s = stage_make(&c, NULL, 0);
    struct track t[6];
    memset(cells, 0, sizeof(cells));
    for (int step = 0; step < 20; step++) {
        for (int i = 0; i < 6; i++) {
            const struct point at = {-4 + 1.5 * i, 9 + 0.15 * step};
            t[i] = stage_person(&c, i + 1, at);
            if (step == 0) {
                see(head_of(&c, at));
            }
        }
        const struct snapshot snap = update(s, 0.1 * step, t, 6, COUNTING_AUTO, 0);
        near(snap.measures.of[MEASURE_PEOPLE].value, 6, 0.2);
        assert_int_equal(snap.regime, REGIME_BOXES);
    }
    crowd_stage_destroy(&s);
}

/* Without a calibration a zone of the picture has the heads that are in it. */
static void uncalibrated(void **state)
{
    (void)state;
    const struct camera_model none = {.kind = CAMERA_NONE};
    const struct zone zone = {
        .id = "left", .corner_count = 4, .corners = {{0, 0}, {0.5, 0}, {0.5, 1}, {0, 1}}};
    struct crowd_stage *s = stage_make(&none, &zone, 1);
    struct random_state random;
    random_seed(&random, 5);
    memset(cells, 0, sizeof(cells));
    for (int i = 0; i < PEOPLE; i++) {
        see((struct point){(i % 4 ? 0 : STAGE_WIDTH / 2) + 10 + 600 * random_unit(&random),
                           100 + 600 * random_unit(&random)});
    }
    const struct snapshot snap = update(s, 0, NULL, 0, COUNTING_AUTO, 0);
    near(snap.measures.of[MEASURE_PEOPLE].value, PEOPLE, 0.05 * PEOPLE);
    near(snap.zones[0].measures.of[MEASURE_OCCUPANCY].value, 0.75 * PEOPLE, 0.05 * PEOPLE);
    assert_null(snap.grid);
    assert_string_equal(snap.measures.of[MEASURE_DENSITY_MEAN].reason, REASON_UNCALIBRATED);
    crowd_stage_destroy(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_packed_square_is_on_the_ground_and_in_its_zone),
        cmocka_unit_test(the_modes_and_a_reading_that_is_gone),
        cmocka_unit_test(nobody_is_counted_twice_between_two_readings),
        cmocka_unit_test(uncalibrated),
    };
    return cmocka_run_group_tests_name("stage density", tests, NULL, NULL);
}
