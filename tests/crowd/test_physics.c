#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "count_allocations.h"
#include "crowd/hotspots.h"
#include "crowd/physics.h"
#include "crowd_test.h"

enum { SIDE = 20, PEOPLE_MAX = 4000 };
static const int64_t TENTH_NS = 100000000;

/* 20 m x 20 m of ground, all of it seen, in cells of 0.5 m. */
static struct ground_area area(void)
{
    static float share[1600];
    for (size_t i = 0; i < COUNT(share); i++) {
        share[i] = 1;
    }
    return (struct ground_area){0, 0, 0.5, 40, 40, share, 400};
}

/* A lattice of people at so many per m2 over w x h metres from the corner (1, 1). */
static size_t crowd(struct walker *w, double density, double width, double height)
{
    const double step = 1 / sqrt(density);
    size_t n = 0;
    for (double y = 1; y < 1 + height; y += step) {
        for (double x = 1; x < 1 + width; x += step) {
            assert_true(n < PEOPLE_MAX);
            w[n++] = (struct walker){{x, y}, true, {0.3, 0}, 0.02};
        }
    }
    return n;
}

static struct physics_result update(struct physics *p, int64_t now, const struct walker *w, size_t n)
{
    struct physics_result r;
    assert_int_equal(physics_update(p, now, w, n, &r, NULL), 0);
    return r;
}

static struct physics *make(void)
{
    static struct ground_area a;
    a = area();
    struct physics *p = NULL;
    assert_int_equal(physics_create(&a, &p, NULL), 0);
    return p;
}

static void few_people_have_no_physics(void **state)
{
    (void)state;
    static struct walker w[PEOPLE_MAX];
    struct physics *p = make();
    for (size_t n = 0; n <= 2; n++) {
        for (size_t i = 0; i < n; i++) {
            w[i] = (struct walker){{5 + (double)i, 5}, true, {1, 0}, 0.1};
        }
        const struct physics_result r = update(p, (int64_t)n * TENTH_NS, w, n);
        assert_string_equal(r.pressure.reason, REASON_NOT_MEASURABLE);
        assert_string_equal(r.congestion_number.reason, REASON_NOT_MEASURABLE);
        assert_string_equal(r.crowd_danger.reason, REASON_NOT_MEASURABLE);
        assert_string_equal(r.oscillation.reason, REASON_TOO_SHORT);
    }
    physics_destroy(&p);
}

/* Two speeds, half of the people each, in one direction: the variance is known, and the density is the
 * lattice's. */
static void pressure_is_density_times_variance(void **state)
{
    (void)state;
    static struct walker w[PEOPLE_MAX];
    struct random_state random;
    random_seed(&random, 1);
    struct physics *p = make();
    const size_t n = crowd(w, 6, 12, 12);
    for (size_t i = 0; i < n; i++) {
        w[i].velocity.x = i % 2 ? 0.3 : 0.5;
        w[i].velocity_error = 0.001;
    }
    const struct physics_result r = update(p, 0, w, n);
    assert_true(r.pressure.valid);
    near(r.pressure.value, 6 * 0.01, 0.008);
    assert_string_equal(r.pressure_ratio.reason, REASON_TOO_SHORT);
    physics_destroy(&p);
}

static void what_is_no_turbulence_is_not_measured_as_such(void **state)
{
    (void)state;
    static struct walker w[PEOPLE_MAX];
    struct random_state random;
    random_seed(&random, 2);
    struct physics *p = make();
    /* Not dense. */
    size_t n = crowd(w, 2, 12, 12);
    for (size_t i = 0; i < n; i++) {
        w[i].velocity.x = random_unit(&random);
    }
    assert_string_equal(update(p, 0, w, n).pressure.reason, REASON_NOT_MEASURABLE);
    /* Opposite streams: each is uniform. */
    n = crowd(w, 6, 12, 12);
    for (size_t i = 0; i < n; i++) {
        w[i].velocity.x = i % 2 ? 0.8 : -0.8;
    }
    assert_string_equal(update(p, TENTH_NS, w, n).pressure.reason, REASON_NOT_MEASURABLE);
    /* Tracker noise of the size that the velocities' own errors say. */
    for (size_t i = 0; i < n; i++) {
        w[i].velocity = (struct point){1 + 0.1 * random_normal(&random), 0.1 * random_normal(&random)};
        w[i].velocity_error = 0.1;
    }
    const struct measure noise = update(p, 2 * TENTH_NS, w, n).pressure;
    assert_true(!noise.valid || noise.low <= 6 * 0.02);
    physics_destroy(&p);
}

static void a_place_knows_its_usual_pressure(void **state)
{
    (void)state;
    static struct walker w[PEOPLE_MAX];
    struct physics *p = make();
    const size_t n = crowd(w, 6, 6, 6);
    struct physics_result r = {0};
    for (int k = 0; k <= 1300; k++) {
        const double swing = k < 1290 ? 0.1 : 0.3;
        for (size_t i = 0; i < n; i++) {
            w[i].velocity.x = 0.5 + (i % 2 ? swing : -swing);
            w[i].velocity_error = 0.001;
        }
        r = update(p, k * TENTH_NS, w, n);
    }
    assert_true(r.pressure_ratio.valid);
    near(r.pressure_ratio.value, 9, 1);
    physics_destroy(&p);
}

/* Everybody at the same speed has no rotation; a shear between two streams has one that can be told in
 * advance. */
static void congestion_follows_rotation(void **state)
{
    (void)state;
    static struct walker w[PEOPLE_MAX];
    struct physics *p = make();
    const size_t n = crowd(w, 4, 14, 14);
    struct physics_result r = {0};
    for (int k = 0; k < 60; k++) {
        r = update(p, k * TENTH_NS, w, n);
    }
    assert_true(r.congestion_number.valid);
    near(r.congestion_number.value, 0, 1e-5);
    for (int k = 60; k < 160; k++) {
        for (size_t i = 0; i < n; i++) {
            w[i].velocity.x = w[i].position.y < 8 ? 0.5 : 1.5;
        }
        r = update(p, k * TENTH_NS, w, n);
    }
    /* rot = -(1.5 - 0.5) / 2 beside the border, 0 elsewhere: 0.5 over a mean speed between 0.5 and 1.5, by 6.
     */
    assert_true(r.congestion_number.value > 0.5 / 1.5 / 6 && r.congestion_number.value < 0.5 / 0.5 / 6);
    near(r.crowd_danger.value, 6 * r.congestion_number.value * 4, 1.2);
    for (size_t i = 0; i < n; i++) { /* standing still: nothing to divide by */
        w[i].velocity = (struct point){0, 0};
    }
    for (int k = 160; k < 400; k++) {
        r = update(p, k * TENTH_NS, w, n);
    }
    assert_string_equal(r.congestion_number.reason, REASON_NOT_MEASURABLE);
    physics_destroy(&p);
}

static struct measure after_two_minutes(double turns, double amplitude, double noise)
{
    static struct walker w[PEOPLE_MAX];
    struct random_state random;
    random_seed(&random, 3);
    struct physics *p = make();
    const size_t n = crowd(w, 6, 12, 12);
    struct physics_result r = {0};
    for (int k = 0; k <= 250; k++) {
        const double t = 0.5 * k;
        const double a = 2 * M_PI * turns * t / 120;
        const double jolt = noise * random_normal(&random); /* all together: it does not average out */
        for (size_t i = 0; i < n; i++) {
            w[i].velocity = (struct point){amplitude * cos(a) + jolt,
                                           amplitude * sin(a) + noise * random_normal(&random)};
        }
        r = update(p, (int64_t)(t * 1e9), w, n);
    }
    physics_destroy(&p);
    return r.oscillation;
}

static void circling_is_found_and_nothing_else(void **state)
{
    (void)state;
    for (double turns = 5; turns <= 20; turns += 5) { /* periods of 24 to 6 s, both ways round */
        const struct measure there = after_two_minutes(turns, 0.2, 0.05);
        near(there.value, 0.2, 0.03);
        near(after_two_minutes(-turns, 0.2, 0.05).value, 0.2, 0.03);
        assert_true(there.low <= 0.2 && there.high >= 0.2);
    }
    const struct measure none = after_two_minutes(7, 0, 0.2);
    assert_true(none.valid && none.value == 0);
    const struct measure slow = after_two_minutes(1, 0.2, 0.01);
    assert_true(slow.valid && slow.value < 0.05);
}

static void steady_state_allocates_nothing(void **state)
{
    (void)state;
    if (!ALLOCATIONS_ARE_COUNTED) {
        skip();
    }
    static struct walker w[PEOPLE_MAX];
    struct physics *p = make();
    const size_t n = crowd(w, 5, 12, 12);
    size_t before = 0;
    for (int k = 0; k < 100; k++) {
        before = k == 50 ? allocation_count : before;
        (void)update(p, k * TENTH_NS, w, n - (size_t)k);
    }
    assert_int_equal(allocation_count, before);
    physics_destroy(&p);
}

/* Two dense squares, one of which moves: areas, people, identity, age. */
static void hotspots_keep_their_identity(void **state)
{
    (void)state;
    struct ground_area a = area();
    struct hotspots *h = NULL;
    assert_int_equal(hotspots_create(&a, &h, NULL), 0);
    static float values[1600];
    size_t count = 0;
    int64_t moving = 0;
    for (int k = 0; k <= 400; k++) {
        memset(values, 0, sizeof(values));
        for (int r = 0; r < 4; r++) {
            for (int c = 0; c < 4; c++) {
                values[(20 + r) * 40 + 30 + c] = 3;        /* 4 m2 that stay */
                values[(5 + r) * 40 + 2 + c + k / 50] = 5; /* 4 m2 that move a cell in five seconds */
            }
        }
        values[39] = 9; /* one person's kernel */
        hotspots_update(h, k * TENTH_NS, values);
        const struct hotspot *list = hotspots_list(h, &count);
        assert_int_equal(hotspots_ready(h), k >= 100);
        if (k == 100) {
            assert_int_equal(count, 2);
            moving = list[0].id;
        }
        if (k >= 100) {
            assert_int_equal(list[0].id, moving);
        }
    }
    const struct hotspot *list = hotspots_list(h, &count);
    assert_int_equal(count, 2);
    assert_true(list[0].peak > list[1].peak);
    near(list[1].peak, 3, 0.01);
    near(list[1].area_m2, 4, 1e-6);
    near(list[1].people, 12, 0.05);
    near(list[1].age_s, 40, 1e-6);
    near(list[1].peak_at.x, 15.25, 1.6);
    hotspots_destroy(&h);
}

/* A crowd that is there for a moment is no place that lasts. */
static void what_passes_is_no_hotspot(void **state)
{
    (void)state;
    struct ground_area a = area();
    struct hotspots *h = NULL;
    assert_int_equal(hotspots_create(&a, &h, NULL), 0);
    static float values[1600];
    size_t count = 0;
    for (int k = 0; k < 300; k++) {
        for (size_t i = 0; i < COUNT(values); i++) {
            values[i] = k >= 200 && k < 210 ? 6 : 0.5F; /* one second */
        }
        hotspots_update(h, k * TENTH_NS, values);
        (void)hotspots_list(h, &count);
        assert_int_equal(count, 0);
    }
    hotspots_destroy(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_people_have_no_physics),
        cmocka_unit_test(pressure_is_density_times_variance),
        cmocka_unit_test(what_is_no_turbulence_is_not_measured_as_such),
        cmocka_unit_test(a_place_knows_its_usual_pressure),
        cmocka_unit_test(congestion_follows_rotation),
        cmocka_unit_test(circling_is_found_and_nothing_else),
        cmocka_unit_test(steady_state_allocates_nothing),
        cmocka_unit_test(hotspots_keep_their_identity),
        cmocka_unit_test(what_passes_is_no_hotspot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
