/* A synthetic place, moved, covered, crowded, darkened: what is said of the view. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "base/clock.h"
#include "base/random.h"
#include "vision/picture_health.h"

enum { WIDTH = 640, HEIGHT = 384, WORLD = 900 };

/* Boxes of all sizes and shades on a grey ground: edges everywhere, no two places alike. */
static uint8_t *make_world(uint64_t seed)
{
    uint8_t *world = malloc((size_t)WORLD * WORLD);
    struct random_state random;
    assert_non_null(world);
    random_seed(&random, seed);
    memset(world, 120, (size_t)WORLD * WORLD);
    for (int i = 0; i < 600; i++) {
        int w = 10 + (int)(random_unit(&random) * 80), h = 10 + (int)(random_unit(&random) * 80);
        int x = (int)(random_unit(&random) * (WORLD - w)), y = (int)(random_unit(&random) * (WORLD - h));
        int level = 40 + (int)(random_unit(&random) * 170);
        for (int r = y; r < y + h; r++)
            memset(world + (size_t)r * WORLD + x, level, (size_t)w);
    }
    return world;
}

struct scene {
    double x, y, angle; /* of the camera over the world, pixels and radians */
    double light;       /* factor */
    double covered;     /* share of the width, from the left, behind something grey */
    int blur;           /* half width of a box filter, 0 = sharp */
    int people;         /* boxes that walk */
    int shake;          /* pixels, another way at every picture */
};
static const struct scene usual = {.light = 1};

static struct picture *take(const uint8_t *world, const struct scene *s, int number)
{
    struct picture *p = picture_create(PIXEL_GRAY8, WIDTH, HEIGHT);
    struct random_state random;
    assert_non_null(p);
    random_seed(&random, (uint64_t)number);
    uint8_t *out = (uint8_t *)p->planes[0];
    double c = cos(s->angle), d = sin(s->angle);
    double ox = 130 + s->x + (s->shake ? s->shake * (2 * random_unit(&random) - 1) : 0);
    double oy = 250 + s->y + (s->shake ? s->shake * (2 * random_unit(&random) - 1) : 0);
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            double u = x - WIDTH / 2, v = y - HEIGHT / 2;
            int wx = (int)(ox + WIDTH / 2 + c * u - d * v), wy = (int)(oy + HEIGHT / 2 + d * u + c * v);
            double level = x < s->covered * WIDTH ? 100 : world[(size_t)wy * WORLD + (size_t)wx];
            double noise = random_unit(&random) * 4 - 2;
            out[(size_t)y * (size_t)p->strides[0] + (size_t)x] =
                (uint8_t)fmax(0, fmin(255, level * s->light + noise));
        }
    for (int i = 0; i < s->people; i++) { /* each on a way of its own */
        int x = (i * 97 + number * (3 + i % 7)) % (WIDTH - 16),
            y = (i * 61 + number * (i % 3)) % (HEIGHT - 40);
        for (int r = y; r < y + 40; r++)
            memset(out + (size_t)r * (size_t)p->strides[0] + x, 20 + i * 37 % 200, 16);
    }
    for (int pass = 0; pass < (s->blur ? 2 : 0); pass++) {
        static uint8_t row[WIDTH];
        for (int y = 0; y < HEIGHT; y++) {
            uint8_t *line = out + (size_t)y * (size_t)p->strides[0];
            memcpy(row, line, WIDTH);
            for (int x = s->blur; x < WIDTH - s->blur; x++) {
                int sum = 0;
                for (int k = -s->blur; k <= s->blur; k++)
                    sum += row[x + k];
                line[x] = (uint8_t)(sum / (2 * s->blur + 1));
            }
        }
    }
    p->full_range = 1;
    p->stream_ns = (int64_t)number * NS_PER_S / 2; /* two pictures a second */
    return p;
}

struct watch {
    uint8_t *world;
    struct picture_health *health;
    struct picture_finding finding;
    int number;
};

static void open_watch(struct watch *w)
{
    *w = (struct watch){.world = make_world(3), .health = calloc(1, sizeof *w->health)};
    assert_non_null(w->health);
}

static void close_watch(struct watch *w)
{
    free(w->world);
    free(w->health);
}

/* Looks at the scene for so many seconds; every flag that was up at any time. */
static unsigned watch_for(struct watch *w, const struct scene *scene, int seconds)
{
    unsigned seen = 0;
    for (int i = 0; i < 2 * seconds; i++) {
        struct picture *p = take(w->world, scene, w->number++);
        picture_health_look(w->health, &picture_health_defaults, p, &w->finding);
        seen |= w->finding.flags;
        picture_unref(&p);
    }
    return seen;
}

#define BIT(flag) (1U << (flag))

/* One after the other on the same camera: what each does, and that it is over afterwards. */
static void what_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        struct scene scene;
        unsigned flags;
    } cases[] = {
        {"nothing", {.light = 1}, 0},
        {"a crowd", {.light = 1, .people = 60}, 0},
        {"half the light", {.light = 0.5}, 0},
        {"a shaking mast", {.light = 1, .shake = 4}, 0},
        {"a touch", {.light = 1, .x = 1}, 0},
        {"moved by a hundredth", {.light = 1, .x = 7}, BIT(HEALTH_MOVED)},
        {"moved, with a crowd", {.light = 1, .x = 7, .people = 40}, BIT(HEALTH_MOVED)},
        {"moved far", {.light = 1, .x = -90, .y = 40}, BIT(HEALTH_MOVED)},
        {"turned by two degrees", {.light = 1, .angle = 0.035}, BIT(HEALTH_MOVED)},
        {"a third covered", {.light = 1, .covered = 0.34}, BIT(HEALTH_COVERED)},
        {"out of focus", {.light = 1, .blur = 4}, BIT(HEALTH_BLURRED)},
        {"night", {.light = 0.18}, BIT(HEALTH_DARK)},
    };
    struct watch w;
    open_watch(&w);
    assert_int_equal(watch_for(&w, &usual, 45), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned flags = watch_for(&w, &cases[i].scene, 30);
        if (flags != cases[i].flags)
            fail_msg("%s: flags %x, expected %x", cases[i].what, flags, cases[i].flags);
        if (w.finding.flags != cases[i].flags)
            fail_msg("%s: the flag does not stay: %x", cases[i].what, w.finding.flags);
        watch_for(&w, &usual, 20);
        if (w.finding.flags != 0)
            fail_msg("%s: %x does not go away", cases[i].what, w.finding.flags);
    }
    close_watch(&w);
}

static void the_shift_is_measured(void **state)
{
    (void)state;
    struct watch w;
    struct scene moved = {.light = 1, .x = 12, .y = -6};
    open_watch(&w);
    watch_for(&w, &usual, 40);
    assert_true(w.finding.shift < 0.001);
    watch_for(&w, &moved, 15);
    assert_true(fabs(w.finding.shift - hypot(12, 6) / WIDTH) < 0.002);
    close_watch(&w);
}

static void another_place_is_moved_until_it_is_accepted(void **state)
{
    (void)state;
    struct watch w;
    open_watch(&w);
    watch_for(&w, &usual, 45);
    uint8_t *here = w.world;
    w.world = make_world(77);
    watch_for(&w, &usual, 45);
    assert_int_equal(w.finding.flags, BIT(HEALTH_MOVED));
    assert_true(isnan(w.finding.shift));
    watch_for(&w, &usual, 60);
    assert_int_equal(w.finding.flags, BIT(HEALTH_MOVED));
    picture_health_accept_view(w.health);
    assert_int_equal(watch_for(&w, &usual, 60), 0);
    free(here);
    close_watch(&w);
}

/* A process after this one goes on with what this one has learnt. */
static void restart(struct watch *w, const struct health_memory *memory, bool recent)
{
    memset(w->health, 0, sizeof *w->health);
    memset(&w->finding, 0, sizeof w->finding);
    picture_health_recall(w->health, memory, recent);
}

static void a_view_is_known_after_a_restart(void **state)
{
    (void)state;
    static const struct scene moved = {.light = 1, .x = 12};
    struct watch w;
    struct health_memory memory;
    open_watch(&w);
    watch_for(&w, &usual, 15);
    assert_false(picture_health_remember(w.health, &memory));
    watch_for(&w, &usual, 30);
    assert_true(picture_health_remember(w.health, &memory));
    restart(&w, &memory, true);
    assert_int_equal(watch_for(&w, &usual, 10), 0);
    assert_true(w.finding.shift < 0.001);
    restart(&w, &memory, false);
    watch_for(&w, &moved, 15);
    assert_int_equal(w.finding.flags, BIT(HEALTH_MOVED));
    assert_false(picture_health_remember(w.health, &memory)); /* what is wrong is not worth keeping */
    close_watch(&w);
}

/* Nothing of the old view is left: that is said when it was seen a moment ago. After a night without the
 * service it may be the light. */
static void another_place_after_a_restart(void **state)
{
    (void)state;
    struct watch w;
    struct health_memory memory;
    open_watch(&w);
    watch_for(&w, &usual, 45);
    assert_true(picture_health_remember(w.health, &memory));
    free(w.world);
    w.world = make_world(77);
    restart(&w, &memory, false);
    assert_int_equal(watch_for(&w, &usual, 40), 0);
    restart(&w, &memory, true);
    watch_for(&w, &usual, 40);
    assert_int_equal(w.finding.flags, BIT(HEALTH_MOVED));
    close_watch(&w);
}

static void covered_tiles_are_those_behind_it(void **state)
{
    (void)state;
    struct watch w;
    struct scene hand = {.light = 1, .covered = 0.5};
    open_watch(&w);
    watch_for(&w, &usual, 45);
    watch_for(&w, &hand, 25);
    assert_int_equal(w.finding.flags, BIT(HEALTH_COVERED));
    for (int t = 0; t < HEALTH_TILES; t++) {
        bool left = t % HEALTH_TILE_COLUMNS < HEALTH_TILE_COLUMNS / 2;
        assert_true(left || !(w.finding.covered >> t & 1U));
    }
    close_watch(&w);
}

static void a_place_that_fills_slowly_is_learnt(void **state)
{
    (void)state;
    struct watch w;
    struct scene curtain = usual;
    open_watch(&w);
    watch_for(&w, &usual, 45);
    unsigned seen = 0;
    for (int step = 0; step < 4; step++) { /* lights are set up, one group after the other */
        curtain.light = 1 - 0.1 * step;
        seen |= watch_for(&w, &curtain, 30);
    }
    assert_int_equal(seen, 0);
    close_watch(&w);
}

static void a_flag_needs_time_both_ways(void **state)
{
    (void)state;
    struct health_hold hold = {0};
    assert_false(health_hold_update(&hold, true, 0, 10, 5));
    assert_false(health_hold_update(&hold, false, 6, 10, 5)); /* a moment without begins anew */
    assert_false(health_hold_update(&hold, true, 8, 10, 5));
    assert_false(health_hold_update(&hold, true, 17, 10, 5));
    assert_true(health_hold_update(&hold, true, 18, 10, 5));
    assert_true(health_hold_update(&hold, false, 20, 10, 5));
    assert_true(health_hold_update(&hold, true, 22, 10, 5));
    assert_true(health_hold_update(&hold, false, 23, 10, 5));
    assert_false(health_hold_update(&hold, false, 28, 10, 5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_said),
        cmocka_unit_test(the_shift_is_measured),
        cmocka_unit_test(another_place_is_moved_until_it_is_accepted),
        cmocka_unit_test(a_view_is_known_after_a_restart),
        cmocka_unit_test(another_place_after_a_restart),
        cmocka_unit_test(covered_tiles_are_those_behind_it),
        cmocka_unit_test(a_place_that_fills_slowly_is_learnt),
        cmocka_unit_test(a_flag_needs_time_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
