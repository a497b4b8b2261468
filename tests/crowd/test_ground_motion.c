/* Fields of motion made from known velocities on the ground, put back on it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "base/clock.h"
#include "count_allocations.h"
#include "crowd/ground_motion.h"
#include "crowd/stage.h"
#include "crowd_test.h"
#include "stage_fixture.h"

enum { WIDTH = STAGE_WIDTH, HEIGHT = STAGE_HEIGHT, CELL = 16, COLUMNS = WIDTH / CELL, ROWS = HEIGHT / CELL };
#define SPAN_NS (100 * NS_PER_MS)
#define BODY 0.9

typedef struct point velocity_at(struct point ground);

static struct motion_cell cells[COLUMNS * ROWS];
static const struct motion_field field = {COLUMNS, ROWS, CELL, SPAN_NS, cells, false};

/* What the camera sees of bodies (at BODY metres) that move as `velocity` says. */
static void draw(const struct camera_model *c, velocity_at *velocity)
{
    double position[3] = {0};
    assert_true(camera_position(c, position));
    for (int i = 0; i < COLUMNS * ROWS; i++) {
        const struct point pixel = {(i % COLUMNS + 0.5) * CELL, (i / COLUMNS + 0.5) * CELL};
        struct point ground, to;
        cells[i] = (struct motion_cell){0, 0, INFINITY};
        if (!camera_to_ground(c, pixel, &ground))
            continue;
        const double s = (position[2] - BODY) / position[2];
        struct point at = {position[0] + (ground.x - position[0]) * s,
                           position[1] + (ground.y - position[1]) * s};
        const struct point v = velocity(at);
        at.x += v.x * 0.1;
        at.y += v.y * 0.1;
        if (camera_to_image(c, at, BODY, &to))
            cells[i] = (struct motion_cell){(float)(to.x - pixel.x), (float)(to.y - pixel.y), 0.05F};
    }
}

static struct point north_east(struct point ground)
{
    (void)ground;
    return (struct point){0.6, 0.8};
}

static struct point rest(struct point ground)
{
    (void)ground;
    return (struct point){0, 0};
}

static struct point two_ways(struct point ground)
{
    return (struct point){ground.x < 0 ? 1.0 : -1.0, 0};
}

static struct point left_half(struct point ground)
{
    return (struct point){ground.x < 0 ? 1.2 : 0, 0};
}

struct setting {
    struct camera_model camera;
    struct view view;
    struct ground_area area;
    struct ground_motion *motion;
};

static void set_up(struct setting *s, const struct camera_model *camera)
{
    s->camera = *camera;
    view_init(&s->view, &s->camera, WIDTH, HEIGHT, NULL, 0);
    assert_int_equal(ground_area_build(&s->view, 0.5, &s->area, NULL), 0);
    assert_int_equal(ground_motion_create(&s->view, &s->area, &s->motion, NULL), 0);
}

static void tear_down(struct setting *s)
{
    ground_motion_destroy(&s->motion);
    assert_null(s->motion);
    ground_area_free(&s->area);
}

static void add(struct setting *s, int count)
{
    for (int i = 1; i <= count; i++)
        assert_int_equal(ground_motion_add(s->motion, &field, i * SPAN_NS, NULL), 0);
}

static struct measure_set measure(const struct setting *s, int64_t now_ns, const struct zone_area *zone)
{
    struct measure_set set;
    measure_set_clear(&set);
    ground_motion_measure(s->motion, now_ns, zone, &set);
    return set;
}

static void everybody_walks_one_way(void **state)
{
    (void)state;
    const struct camera_model c = stage_overlook();
    struct setting s;
    set_up(&s, &c);
    draw(&c, north_east);
    add(&s, 5);
    const struct velocity_grid *g = ground_motion_grid(s.motion, 5 * SPAN_NS);
    assert_non_null(g);
    near(g->cell_m, 1, 1e-9);
    int valid = 0;
    for (int i = 0; i < g->columns * g->rows; i++) {
        if (!g->cells[i].valid)
            continue;
        valid++;
        near((double)g->cells[i].vx, 0.6, 0.03);
        near((double)g->cells[i].vy, 0.8, 0.03);
        assert_true(g->cells[i].error > 0 && g->cells[i].error < 0.1F);
        assert_true(g->cells[i].moving <= g->cells[i].known);
    }
    assert_true(valid > 50);
    const struct measure_set set = measure(&s, 5 * SPAN_NS, NULL);
    near(set.of[MEASURE_MOTION_SPEED].value, 1, 0.02);
    assert_true(set.of[MEASURE_MOTION_SPEED].low < 1 && set.of[MEASURE_MOTION_SPEED].high > 1);
    near(set.of[MEASURE_MOTION_HEADING].value, atan2(0.8, 0.6), 0.02);
    near(set.of[MEASURE_MOTION_ORDER].value, 1, 0.01);
    near(set.of[MEASURE_MOTION_SHARE].value, 100, 0.1);
    tear_down(&s);
}

static void nothing_moves(void **state)
{
    (void)state;
    const struct camera_model c = stage_overlook();
    struct setting s;
    set_up(&s, &c);
    draw(&c, rest);
    for (int i = 0; i < COLUMNS * ROWS; i++)
        cells[i].dx = i % 2 ? 0.1F : -0.1F; /* noise, within three errors */
    add(&s, 5);
    const struct measure_set set = measure(&s, 5 * SPAN_NS, NULL);
    near(set.of[MEASURE_MOTION_SHARE].value, 0, 0);
    assert_true(set.of[MEASURE_MOTION_SHARE].valid);
    assert_false(set.of[MEASURE_MOTION_SPEED].valid);
    assert_string_equal(set.of[MEASURE_MOTION_SPEED].reason, REASON_NOTHING_MOVES);
    assert_string_equal(set.of[MEASURE_MOTION_HEADING].reason, REASON_NOTHING_MOVES);
    tear_down(&s);
}

static void nothing_is_known(void **state)
{
    (void)state;
    const struct camera_model c = stage_overlook();
    struct setting s;
    set_up(&s, &c);
    struct measure_set set = measure(&s, 0, NULL);
    assert_string_equal(set.of[MEASURE_MOTION_SHARE].reason, REASON_TOO_SHORT);
    assert_null(ground_motion_grid(s.motion, 0));
    draw(&c, north_east);
    for (int i = 0; i < COLUMNS * ROWS; i++)
        cells[i].error = INFINITY;
    add(&s, 5);
    set = measure(&s, 5 * SPAN_NS, NULL);
    assert_string_equal(set.of[MEASURE_MOTION_SPEED].reason, REASON_NOT_MEASURABLE);
    assert_string_equal(set.of[MEASURE_MOTION_SHARE].reason, REASON_NOT_MEASURABLE);
    /* Fields stop coming. */
    set = measure(&s, 5 * SPAN_NS + 3 * NS_PER_S, NULL);
    assert_string_equal(set.of[MEASURE_MOTION_SHARE].reason, REASON_TOO_SHORT);
    assert_null(ground_motion_grid(s.motion, 5 * SPAN_NS + 3 * NS_PER_S));
    tear_down(&s);
}

static void opposite_streams_have_no_direction(void **state)
{
    (void)state;
    const struct camera_model c = stage_overlook();
    struct setting s;
    set_up(&s, &c);
    draw(&c, two_ways);
    add(&s, 5);
    const struct measure_set set = measure(&s, 5 * SPAN_NS, NULL);
    near(set.of[MEASURE_MOTION_SPEED].value, 1, 0.05);
    assert_true(set.of[MEASURE_MOTION_ORDER].value < 0.2);
    assert_string_equal(set.of[MEASURE_MOTION_HEADING].reason, REASON_NOT_MEASURABLE);
    tear_down(&s);
}

/* Cars are not people, and a picture of another shape is taken as it comes. */
static void other_fields(void **state)
{
    (void)state;
    const struct camera_model c = stage_overlook();
    struct setting s;
    set_up(&s, &c);
    draw(&c, north_east);
    for (int i = 0; i < COLUMNS * ROWS; i++) {
        cells[i].dx *= 12;
        cells[i].dy *= 12;
    }
    add(&s, 5);
    struct measure_set set = measure(&s, 5 * SPAN_NS, NULL);
    near(set.of[MEASURE_MOTION_SHARE].value, 0, 0);
    const struct motion_cell one = {10, 0, 0.1F};
    const struct motion_field whole = {1, 1, WIDTH, SPAN_NS, &one, false};
    assert_int_equal(ground_motion_add(s.motion, &whole, 6 * SPAN_NS, NULL), 0);
    set = measure(&s, 6 * SPAN_NS, NULL);
    assert_true(set.of[MEASURE_MOTION_SHARE].valid);
    const struct motion_field no_time = {1, 1, WIDTH, 0, &one, false};
    assert_int_equal(ground_motion_add(s.motion, &no_time, 7 * SPAN_NS, NULL), 0);
    tear_down(&s);
}

/* ---- through the stage ---- */

static struct zone zone_of(const char *id, double x0, double x1)
{
    struct zone z = {.coordinates = COORDINATES_GROUND, .corner_count = 4};
    strcpy(z.id, id);
    z.corners[0] = (struct point){x0, 8};
    z.corners[1] = (struct point){x1, 8};
    z.corners[2] = (struct point){x1, 12};
    z.corners[3] = (struct point){x0, 12};
    return z;
}

static void update(struct crowd_stage *stage, int tick, const struct motion_field *f, const char *blind,
                   struct snapshot *snapshot)
{
    const struct crowd_input in = {
        .stream_ns = tick * SPAN_NS, .width = WIDTH, .height = HEIGHT, .motion = f, .blind = blind};
    struct error error = {0};
    memset(snapshot, 0, sizeof *snapshot);
    if (crowd_stage_update(stage, &in, snapshot, &error))
        fail_msg("%s", error.text);
}

static void zones_have_motion(void **state)
{
    (void)state;
    const struct camera_model c = stage_overlook();
    const struct zone zones[2] = {zone_of("left", -4, -1), zone_of("right", 1, 4)};
    const struct crowd_options o = {
        .camera = &c, .zones = zones, .zone_count = 2, .cell_m = 0.5, .sigma_m = 0.7};
    struct crowd_stage *stage;
    struct snapshot snap;
    assert_int_equal(crowd_stage_create(&o, &stage, NULL), 0);
    update(stage, 0, NULL, NULL, &snap);
    assert_null(snap.motion);
    assert_string_equal(snap.measures.of[MEASURE_MOTION_SPEED].reason,
                        REASON_NOT_MEASURED); /* not published */
    draw(&c, left_half);
    for (int i = 1; i < 6; i++)
        update(stage, i, &field, NULL, &snap);
    const size_t before = allocation_count;
    update(stage, 6, &field, NULL, &snap);
    if (ALLOCATIONS_ARE_COUNTED)
        assert_int_equal(allocation_count, before);
    assert_non_null(snap.motion);
    const struct measure_set *left = &snap.zones[0].measures, *right = &snap.zones[1].measures;
    near(left->of[MEASURE_MOTION_SPEED].value, 1.2, 0.03);
    near(left->of[MEASURE_MOTION_HEADING].value, 0, 0.03);
    near(left->of[MEASURE_MOTION_SHARE].value, 100, 1);
    near(right->of[MEASURE_MOTION_SHARE].value, 0, 0);
    assert_string_equal(right->of[MEASURE_MOTION_SPEED].reason, REASON_NOTHING_MOVES);
    update(stage, 7, NULL, NULL, &snap); /* one picture without a field is no gap */
    near(snap.zones[0].measures.of[MEASURE_MOTION_SPEED].value, 1.2, 0.03);
    update(stage, 8, NULL, health_info(HEALTH_BLACK)->reason, &snap);
    assert_null(snap.motion);
    assert_string_equal(snap.measures.of[MEASURE_MOTION_SPEED].reason, health_info(HEALTH_BLACK)->reason);
    crowd_stage_destroy(&stage);
}

static void without_a_calibration(void **state)
{
    (void)state;
    const struct crowd_options o = {.cell_m = 0.5, .sigma_m = 0.7};
    struct crowd_stage *stage;
    struct snapshot snap;
    assert_int_equal(crowd_stage_create(&o, &stage, NULL), 0);
    update(stage, 1, &field, NULL, &snap);
    assert_string_equal(snap.measures.of[MEASURE_MOTION_SPEED].reason, REASON_UNCALIBRATED);
    assert_null(snap.motion);
    crowd_stage_destroy(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_walks_one_way),
        cmocka_unit_test(nothing_moves),
        cmocka_unit_test(nothing_is_known),
        cmocka_unit_test(opposite_streams_have_no_direction),
        cmocka_unit_test(other_fields),
        cmocka_unit_test(zones_have_motion),
        cmocka_unit_test(without_a_calibration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
