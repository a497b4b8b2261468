/* Measures, snapshots and alerts as JSON. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json_read.h"
#include "core/alert.h"
#include "core/snapshot.h"

static void test_every_measure_has_one_name(void **state)
{
    (void)state;
    for (int i = 0; i < MEASURE_COUNT; i++) {
        const struct measure_info *info = measure_info((enum measure_id)i);
        assert_int_equal(info->id, i);
        assert_ptr_equal(measure_find(info->name), info);
        assert_true(info->unit[0] && info->label[0] && info->scopes && info->decimals >= 0 &&
                    info->decimals <= 6);
    }
    assert_null(measure_find("headcount"));
}

static void test_measure_json(void **state)
{
    (void)state;
    struct buffer out = {0};
    struct json_writer w = json_writer_on(&out);
    struct measure m = measure_between(1.83, 1.5, 2.2);
    measure_write_json(&w, measure_info(MEASURE_DENSITY_PEAK), &m);
    assert_string_equal(out.data,
                        "{\"value\":1.83,\"unit\":\"people/m2\",\"low\":1.5,\"high\":2.2,\"valid\":true}");
    buffer_clear(&out);
    w = json_writer_on(&out);
    m = measure_invalid(REASON_UNCALIBRATED);
    measure_write_json(&w, measure_info(MEASURE_DENSITY_PEAK), &m);
    assert_string_equal(
        out.data, "{\"value\":null,\"unit\":\"people/m2\",\"valid\":false,\"reason\":\"uncalibrated\"}");
    assert_false(measure_exact(NAN).valid);
    buffer_free(&out);
}

static struct snapshot example(struct zone_state *zone, struct line_state *line, struct track *tracks)
{
    static const struct zone square = {.id = "square", .kind = ZONE_STANDING, .capacity = 4};
    static const struct line gate = {.id = "gate"};
    static const float cells[2] = {0.25f, NAN};
    static const struct density_grid grid = {-1, 2, 0.5, 2, 1, cells};
    static const struct velocity_cell moves[2] = {{0, 0, 0, 9, 0, false}, {1.25f, -0.75f, 0.1f, 8, 5, true}};
    static const struct velocity_grid motion = {-1, 2, 1, 2, 1, moves, true};
    struct snapshot s = {.stream_id = "cam",
                         .epoch = "e1",
                         .seq = 41,
                         .width = 768,
                         .height = 576,
                         .grid = &grid,
                         .motion = &motion};
    measure_set_clear(&s.measures);
    s.measures.of[MEASURE_PEOPLE] = measure_exact(2);
    s.measures.of[MEASURE_DENSITY_PEAK] = measure_invalid(REASON_UNCALIBRATED);
    zone->zone = &square;
    measure_set_clear(&zone->measures);
    zone->measures.of[MEASURE_OCCUPANCY] = measure_exact(1);
    line->line = &gate;
    line->count_in = 3;
    line->count_out = 1;
    measure_set_clear(&line->measures);
    tracks[0] = (struct track){.track_id = 7, .box = {1, 2, 3, 4}, .score = 0.5f};
    tracks[0].ground = (struct track_ground){.valid = true, .position = {1.5, -2}, .error_m = 0.2};
    tracks[1] =
        (struct track){.track_id = 8, .coasted = true, .velocity_px_valid = true, .velocity_px = {3, -4}};
    s.zones = zone;
    s.zone_count = 1;
    s.lines = line;
    s.line_count = 1;
    s.tracks = tracks;
    s.track_count = 2;
    return s;
}

static void test_update_message(void **state)
{
    (void)state;
    struct zone_state zone;
    struct line_state line;
    struct track tracks[2];
    struct snapshot s = example(&zone, &line, tracks);
    struct buffer out = {0};
    struct json_writer w = json_writer_on(&out);
    snapshot_write_update(&w, &s);
    struct json *root;
    struct error error;
    assert_int_equal(json_parse(out.data, out.size, &root, &error), 0);
    assert_string_equal(json_as_string(json_get(root, "type"), ""), "stream_update");
    assert_int_equal(json_as_int(json_get(root, "schema"), 0), 1);
    assert_int_equal(json_as_int(json_get(root, "seq"), 0), 41);
    const struct json *data = json_get(root, "crowd_data");
    assert_int_equal(json_as_int(json_get(json_get(data, "people"), "value"), -1), 2);
    assert_null(json_get(data, "speed_mean")); /* not measured at all: left out */
    const struct json *density = json_get(data, "density");
    assert_string_equal(json_as_string(json_get(json_get(density, "peak"), "reason"), ""), "uncalibrated");
    const struct json *cells = json_get(json_get(density, "grid"), "cells");
    assert_int_equal(json_size(cells), 2); /* the cell out of view is left out */
    assert_int_equal(json_as_int(json_at(cells, 0), -1), 0);
    assert_true(json_as_number(json_at(cells, 1), 0) == 0.25);
    const struct json *motion = json_get(data, "motion");
    assert_int_equal(json_as_int(json_get(motion, "columns"), 0), 2);
    const struct json *moves = json_get(motion, "cells");
    assert_int_equal(json_size(moves), 4); /* the block at rest is left out */
    assert_int_equal(json_as_int(json_at(moves, 0), -1), 1);
    assert_true(json_as_number(json_at(moves, 2), 0) == -0.75);
    assert_int_equal(json_as_int(json_at(moves, 3), -1), 5);
    const struct json *z = json_at(json_get(data, "zones"), 0);
    assert_string_equal(json_as_string(json_get(z, "kind"), ""), "standing");
    assert_int_equal(json_as_int(json_get(json_get(z, "occupancy"), "value"), -1), 1);
    assert_int_equal(json_as_int(json_get(json_at(json_get(data, "lines"), 0), "count_in"), -1), 3);
    const struct json *second = json_at(json_get(data, "tracks"), 1);
    assert_true(json_as_bool(json_get(second, "coasted"), false));
    assert_int_equal(json_kind(json_get(second, "ground")), JSON_IS_NULL);
    assert_int_equal(json_as_int(json_get(json_get(second, "velocity"), "dy"), 0), -4);
    json_free(root);
    buffer_free(&out);
}

static void test_alert_message(void **state)
{
    (void)state;
    struct alert_event event = {.kind = ALERT_ACKNOWLEDGED_BY, .version = 2, .who = "control room"};
    event.alert = (struct alert){.alert_id = "a1",
                                 .rule_id = "r",
                                 .stream_id = "cam",
                                 .measure = MEASURE_DENSITY_PEAK,
                                 .level = LEVEL_HIGH,
                                 .peak_level = LEVEL_CRITICAL,
                                 .state = ALERT_ACKNOWLEDGED,
                                 .value = 3.61,
                                 .threshold = 3.5,
                                 .raised_ns = 1,
                                 .updated_ns = 2,
                                 .message = "too dense"};
    struct buffer out = {0};
    struct json_writer w = json_writer_on(&out);
    alert_event_write_json(&w, &event);
    struct json *root;
    assert_int_equal(json_parse(out.data, out.size, &root, NULL), 0);
    assert_string_equal(json_as_string(json_get(root, "type"), ""), "alert");
    assert_int_equal(json_kind(json_get(root, "seq")), JSON_IS_NULL);
    assert_string_equal(json_as_string(json_get(root, "level"), ""), "HIGH");
    assert_string_equal(json_as_string(json_get(root, "state"), ""), "acknowledged");
    assert_string_equal(json_as_string(json_get(root, "measure"), ""), "density_peak");
    assert_int_equal(json_kind(json_get(root, "resolved")), JSON_IS_NULL);
    assert_int_equal(json_kind(json_get(root, "zone_id")), JSON_IS_NULL);
    json_free(root);
    buffer_free(&out);
}

static void test_names_read_back(void **state)
{
    (void)state;
    for (int i = LEVEL_LOW; i < LEVEL_COUNT; i++) {
        enum alert_level level;
        assert_int_equal(alert_level_parse(alert_level_name((enum alert_level)i), &level), 0);
        assert_int_equal(level, i);
    }
    enum alert_level level;
    enum alert_state alert;
    assert_int_equal(alert_level_parse("high", &level), ERR_INVALID);
    assert_int_equal(alert_state_parse("acknowledged", &alert), 0);
    assert_int_equal(alert, ALERT_ACKNOWLEDGED);
    assert_int_equal(alert_state_parse("", &alert), ERR_INVALID);
}

static void test_box_overlap(void **state)
{
    (void)state;
    struct box a = {0, 0, 10, 10};
    assert_true(box_iou(a, a) == 1);
    assert_true(box_iou(a, (struct box){5, 0, 10, 10}) == 50.0f / 150.0f);
    assert_true(box_iou(a, (struct box){10, 0, 10, 10}) == 0);
    assert_true(box_iou(a, (struct box){0, 0, 0, 0}) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_measure_has_one_name),
        cmocka_unit_test(test_measure_json),
        cmocka_unit_test(test_update_message),
        cmocka_unit_test(test_alert_message),
        cmocka_unit_test(test_names_read_back),
        cmocka_unit_test(test_box_overlap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
