#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "media/stream_time.h"

#define MS INT64_C(1000000)
#define NONE STREAM_TIME_NONE

enum { STEPS_MAX = 6 };

/* Stamps, arrivals and what has to come out, in milliseconds (NONE stays NONE). One picture lasts 40 ms. */
static const struct {
    const char *what;
    double rate;
    bool live;
    int count;
    int64_t stamps[STEPS_MAX], arrivals[STEPS_MAX], expected[STEPS_MAX];
} cases[] = {
    {"begins at 0", 0, false, 3, {700, 740, 780}, {0}, {0, 40, 80}},
    {"variable rate is kept", 0, false, 4, {0, 40, 1000, 1040}, {0}, {0, 40, 1000, 1040}},
    {"configured rate", 8, false, 3, {0, 40, 80}, {0}, {0, 125, 250}},
    {"repeated stamp", 0, false, 4, {0, 40, 40, 80}, {0}, {0, 40, 60, 80}},
    {"stamp a little back", 0, false, 4, {0, 80, 40, 120}, {0}, {0, 80, 100, 120}},
    {"far back is a cut", 0, false, 4, {5000, 5040, 0, 40}, {0}, {0, 40, 80, 120}},
    {"far ahead is a cut", 0, false, 4, {0, 40, 99000, 99040}, {0}, {0, 40, 80, 120}},
    {"no stamps in a file", 0, false, 3, {NONE, NONE, NONE}, {0}, {0, 40, 80}},
    {"first stamp missing", 0, false, 3, {NONE, 900, 940}, {0}, {0, 40, 80}},
    {"one stamp missing", 0, false, 4, {0, 40, NONE, 120}, {0}, {0, 40, 80, 120}},
    {"no stamps from a camera", 0, true, 3, {NONE, NONE, NONE}, {100, 170, 270}, {0, 70, 170}},
    {"camera's pause is believed", 0, true, 3, {0, 40, 15040}, {0, 40, 15040}, {0, 40, 15040}},
    {"camera's clock jumps ahead", 0, true, 4, {0, 40, 90000, 90040}, {0, 40, 85, 125}, {0, 40, 85, 125}},
    {"camera's clock is set ahead", 0, true, 4, {0, 40, 3080, 3120}, {0, 40, 80, 120}, {0, 40, 80, 120}},
    {"camera's clock is set back", 0, true, 4, {900, 940, 480, 520}, {0, 40, 80, 120}, {0, 40, 80, 120}},
    {"pictures lost on the way", 0, true, 4, {0, 40, 640, 680}, {0, 40, 640, 680}, {0, 40, 640, 680}},
    {"held up, then at once",
     0,
     true,
     5,
     {0, 40, 80, 120, 160},
     {0, 40, 900, 901, 902},
     {0, 40, 80, 120, 160}},
    {"at once without stamps",
     0,
     true,
     6,
     {NONE, NONE, NONE, NONE, NONE, NONE},
     {0, 40, 120, 121, 160, 200},
     {0, 40, 120, -1, -1, 200}},
    {"repeated by a camera", 0, true, 4, {0, 40, 40, 80}, {0, 40, 80, 120}, {0, 40, 60, 80}},
    {"close to the last one", 0, true, 4, {0, 40, 41, 80}, {0, 40, 80, 120}, {0, 40, 60, 80}},
    {"camera's clock begins anew", 0, true, 4, {7000, 7040, 0, 40}, {0, 40, 80, 120}, {0, 40, 80, 120}},
};

static void stamps_become_stream_time(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stream_time t = {.rate = cases[i].rate, .live = cases[i].live, .duration_ns = 40 * MS};

        for (int k = 0; k < cases[i].count; k++) {
            int64_t stamp = cases[i].stamps[k] == NONE ? NONE : cases[i].stamps[k] * MS;
            int64_t now = stream_time_next(&t, stamp, cases[i].arrivals[k] * MS);

            if (cases[i].expected[k] >= 0 && now != cases[i].expected[k] * MS)
                fail_msg("%s: picture %d is at %g ms, not %g", cases[i].what, k, (double)now / 1e6,
                         (double)cases[i].expected[k]);
        }
    }
}

static void goes_on_over_a_loop(void **state)
{
    struct stream_time t = {.duration_ns = 40 * MS};
    struct stream_time rated = {.duration_ns = 40 * MS, .rate = 10};

    (void)state;
    for (int64_t i = 0; i < 9; i++) {
        assert_int_equal(stream_time_next(&t, (500 + i % 3 * 40) * MS, 0), i * 40 * MS);
        assert_int_equal(stream_time_next(&rated, (500 + i % 3 * 40) * MS, 0), i * 100 * MS);
        if (i % 3 == 2) {
            stream_time_restart(&t);
            stream_time_restart(&rated);
        }
    }
}

/* ---- a camera for minutes ---- */

struct camera {
    struct stream_time time;
    int64_t world_ns, stamp_ns, last_ns, out_ns, late_most_ns;
    int64_t shortest_ns, longest_ns; /* steps of what came out */
    uint64_t random;
};

static struct camera camera(void)
{
    return (struct camera){.time = {.live = true, .duration_ns = 40 * MS},
                           .world_ns = 5000 * MS,
                           .stamp_ns = 77777 * MS,
                           .out_ns = -1,
                           .shortest_ns = INT64_MAX,
                           .random = 88172645463325252u};
}

static int64_t chance(struct camera *c, int64_t below)
{
    c->random ^= c->random << 13, c->random ^= c->random >> 7, c->random ^= c->random << 17;
    return (int64_t)(c->random % (uint64_t)below);
}

/* One picture: the world and the camera's clock go on by so much, and it takes so long to arrive. */
static void picture(struct camera *c, int64_t world_step, int64_t stamp_step, int64_t delay)
{
    c->world_ns += world_step;
    c->stamp_ns += stamp_step;
    c->last_ns = c->out_ns;
    c->out_ns = stream_time_next(&c->time, c->stamp_ns, c->world_ns + delay);
    if (c->last_ns >= 0) {
        int64_t step = c->out_ns - c->last_ns;

        c->shortest_ns = step < c->shortest_ns ? step : c->shortest_ns;
        c->longest_ns = step > c->longest_ns ? step : c->longest_ns;
    }
    if (c->time.late_ns > c->late_most_ns)
        c->late_most_ns = c->time.late_ns;
}

static void forget(struct camera *c)
{
    c->shortest_ns = INT64_MAX;
    c->longest_ns = c->late_most_ns = 0;
}

static void assert_no_faults(const struct camera *c)
{
    const struct source_faults *f = &c->time.faults;

    assert_int_equal(f->missing + f->disordered + f->jumps + f->untrusted, 0);
}

static void a_shaky_network_shows_in_lateness_only(void **state)
{
    struct camera c = camera();

    (void)state;
    for (int i = 0; i < 25 * 600; i++)
        picture(&c, 40 * MS, 40 * MS, 10 * MS + chance(&c, 80 * MS));
    assert_no_faults(&c);
    assert_int_equal(c.shortest_ns, 40 * MS);
    assert_int_equal(c.longest_ns, 40 * MS);
    assert_in_range(c.late_most_ns, 60 * MS, 81 * MS);
}

/* 500 parts in a million are more than the worst crystal is wrong by. */
static void clocks_that_drift_are_believed(void **state)
{
    (void)state;
    for (int sign = -1; sign <= 1; sign += 2) {
        struct camera c = camera();

        for (int i = 0; i < 25 * 7200; i++)
            picture(&c, 40 * MS, 40 * MS + sign * 20000, chance(&c, 5 * MS));
        assert_no_faults(&c);
        assert_int_equal(c.shortest_ns, 40 * MS + sign * 20000);
        assert_int_equal(c.longest_ns, 40 * MS + sign * 20000);
        assert_in_range(c.late_most_ns, 0, 8 * MS);
    }
}

static void a_held_up_network_makes_pictures_late(void **state)
{
    struct camera c = camera();

    (void)state;
    for (int i = 0; i < 500; i++)
        picture(&c, 40 * MS, 40 * MS, 5 * MS);
    for (int i = 0; i < 100; i++) /* four seconds that arrive together */
        picture(&c, 40 * MS, 40 * MS, 4005 * MS - i * 40 * MS + i * MS);
    assert_in_range(c.late_most_ns, 3960 * MS, 4001 * MS);
    for (int i = 0; i < 500; i++)
        picture(&c, 40 * MS, 40 * MS, 5 * MS);
    assert_no_faults(&c);
    assert_int_equal(c.longest_ns, 40 * MS);
    assert_in_range(c.time.late_ns, 0, MS);
}

/* Pictures counted at 25 a second, in truth there are `real_ns` between them; later the camera mends its
 * ways. */
static void wrong_pace(int64_t real_ns, int64_t stamp_ns)
{
    struct camera c = camera();
    int64_t from_ns, out_ns;

    for (int64_t i = 0; i < 120 * 1000 * MS / real_ns && !c.time.faults.now_untrusted; i++)
        picture(&c, real_ns, stamp_ns, chance(&c, 10 * MS));
    if (!c.time.faults.now_untrusted)
        fail_msg("pictures every %g ms, stamps every %g", (double)real_ns / 1e6, (double)stamp_ns / 1e6);
    assert_in_range(c.world_ns, 0, 65 * 1000 * MS);
    forget(&c);
    from_ns = c.world_ns, out_ns = c.out_ns;
    for (int64_t i = 0; i < 60 * 1000 * MS / real_ns; i++)
        picture(&c, real_ns, stamp_ns, chance(&c, 10 * MS));
    assert_in_range(llabs((c.out_ns - out_ns) - (c.world_ns - from_ns)), 0, 20 * MS);
    assert_in_range(c.shortest_ns, real_ns - 15 * MS, real_ns);
    assert_in_range(c.longest_ns, real_ns, real_ns + 15 * MS);
    assert_int_equal(c.late_most_ns, 0);
    assert_int_equal(c.time.faults.untrusted, 1);
    for (int i = 0; i < 25 * 60; i++)
        picture(&c, 40 * MS, 40 * MS, chance(&c, 10 * MS));
    assert_false(c.time.faults.now_untrusted);
    forget(&c);
    for (int i = 0; i < 25 * 60; i++)
        picture(&c, 40 * MS, 40 * MS, chance(&c, 10 * MS));
    assert_int_equal(c.shortest_ns, 40 * MS);
    assert_int_equal(c.longest_ns, 40 * MS);
}

static void clocks_of_another_pace_are_not_believed(void **state)
{
    (void)state;
    wrong_pace(80 * MS, 40 * MS);
    wrong_pace(42 * MS, 40 * MS);
    wrong_pace(38 * MS, 40 * MS);
    wrong_pace(30 * MS, 60 * MS);
    wrong_pace(40 * MS, 0); /* always the same stamp */
}

/* 33 bits at 90 kHz: after 26.5 hours a camera begins again at 0. */
static void a_clock_that_wraps(void **state)
{
    const int64_t wrap_ns = (INT64_C(1) << 33) * 100000 / 9;
    struct camera c = camera();

    (void)state;
    c.stamp_ns = wrap_ns - 10 * 1000 * MS;
    for (int i = 0; i < 25 * 60; i++)
        picture(&c, 40 * MS, i == 250 ? 40 * MS - wrap_ns : 40 * MS, 0);
    assert_int_equal(c.time.faults.jumps, 1);
    assert_int_equal(c.time.faults.untrusted + c.time.faults.disordered, 0);
    assert_int_equal(c.shortest_ns, 40 * MS);
    assert_int_equal(c.longest_ns, 40 * MS);
}

/* Every kind of damage together, one picture in ten. */
static void damaged_stamps_stay_near_the_world(void **state)
{
    struct camera c = camera();
    int64_t began_ns = c.world_ns;

    (void)state;
    for (int i = 0; i < 25 * 120; i++) {
        int64_t kept = c.stamp_ns + 40 * MS, kind = chance(&c, 50);

        picture(&c, 40 * MS,
                kind == 0   ? 700 * MS
                : kind == 1 ? -700 * MS
                : kind == 2 ? 0
                : kind == 3 ? -60 * MS
                            : 40 * MS,
                chance(&c, 10 * MS));
        c.stamp_ns = kept;
    }
    assert_true(c.time.faults.jumps > 50 && c.time.faults.disordered > 50);
    assert_int_equal(c.time.faults.untrusted, 0);
    assert_in_range(llabs(c.out_ns - (c.world_ns - began_ns)), 0, 500 * MS);
    assert_in_range(c.shortest_ns, 4 * MS, 40 * MS);
    assert_in_range(c.longest_ns, 40 * MS, 150 * MS);
}

/* Whatever comes in, what comes out grows. */
static void always_grows(void **state)
{
    uint64_t random = 88172645463325252u;
    struct stream_time t = {.duration_ns = 1};
    int64_t last = -1;

    (void)state;
    for (int i = 0; i < 100000; i++) {
        int64_t stamp, now;

        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        stamp = (int64_t)random >> (random & 31);
        t.live = random & 64;
        now = stream_time_next(&t, stamp, (int64_t)(random >> 20));
        assert_true(now > last);
        last = now;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(stamps_become_stream_time),
                                       cmocka_unit_test(goes_on_over_a_loop),
                                       cmocka_unit_test(a_shaky_network_shows_in_lateness_only),
                                       cmocka_unit_test(clocks_that_drift_are_believed),
                                       cmocka_unit_test(a_held_up_network_makes_pictures_late),
                                       cmocka_unit_test(clocks_of_another_pace_are_not_believed),
                                       cmocka_unit_test(a_clock_that_wraps),
                                       cmocka_unit_test(damaged_stamps_stay_near_the_world),
                                       cmocka_unit_test(always_grows)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
