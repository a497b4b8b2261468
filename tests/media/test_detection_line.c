#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "media/detection_line.h"

static struct object_uri uri;

static void a_whole_line(void **state)
{
    static const char text[] =
        "{\"time\": \"2026-05-01T18:03:07.125Z\", \"width\": 1920, \"height\": 1080, \"camera\": {\"any\": "
        "1},"
        " \"detections\": [{\"x\": 812.5, \"y\": -3, \"w\": 44, \"h\": 118, \"score\": 0.25, \"id\": 9},"
        " {\"class\": \"dog\", \"x\": 1, \"y\": 1, \"w\": 9, \"h\": 9},"
        " {\"class\": \"Person\", \"x\": 1, \"y\": 2, \"w\": 3, \"h\": 4}]}";
    struct detection_line line;
    struct error error;
    int64_t at;
    (void)state;
    assert_int_equal(detection_line_parse(text, strlen(text), &uri, &line, &error), 0);
    assert_int_equal(time_parse("2026-05-01T18:03:07.125Z", &at, &error), 0);
    assert_int_equal(line.has, LINE_HAS_WALL_TIME);
    assert_int_equal(line.time_ns, at);
    assert_int_equal(line.width, 1920);
    assert_int_equal(line.height, 1080);
    assert_int_equal(line.count, 2);
    assert_true(line.detections[0].box.x == 812.5f && line.detections[0].box.y == -3 &&
                line.detections[0].box.w == 44 && line.detections[0].box.h == 118 &&
                line.detections[0].score == 0.25f);
    assert_true(line.detections[1].box.h == 4 && line.detections[1].score == 1);
    free(line.detections);
}

static void the_least_that_a_line_may_say(void **state)
{
    struct detection_line line;
    struct error error;
    (void)state;
    assert_int_equal(detection_line_parse("{\"detections\":[]}", 17, &uri, &line, &error), 0);
    assert_int_equal(line.has, LINE_HAS_NO_TIME);
    assert_int_equal(line.count, 0);
    assert_int_equal(line.width, 0);
    free(line.detections);
    static const char relative[] = "{\"time_s\": 2.5, \"detections\": []}";
    assert_int_equal(detection_line_parse(relative, strlen(relative), &uri, &line, &error), 0);
    assert_int_equal(line.has, LINE_HAS_STREAM_TIME);
    assert_int_equal(line.time_ns, 2500 * NS_PER_MS);
    free(line.detections);
}

#define ONE(box) "{\"detections\": [{\"x\":1,\"y\":1,\"w\":9,\"h\":9}, {" box "}]}"

static void what_is_wrong_is_named(void **state)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"", "line 1, column 0"},
        {"{\"detections\": [}", "line 1, column"},
        {"[]", "expected an object, got a list"},
        {"{}", "detections: missing (nobody is an empty list)"},
        {"{\"detections\": {}}", "detections: expected a list"},
        {"{\"detections\": [], \"detections\": []}", "duplicate"},
        {"{\"time\": 7, \"detections\": []}", "time: expected a text, got a number"},
        {"{\"time\": \"today\", \"detections\": []}", "time: 'today' is not a time like"},
        {"{\"time_s\": \"7\", \"detections\": []}", "time_s: expected a number, got a text"},
        {"{\"time_s\": 1e300, \"detections\": []}", "time_s: 1e+300 is out of reach"},
        {"{\"width\": 640, \"detections\": []}", "height: missing"},
        {"{\"width\": 640.5, \"height\": 480, \"detections\": []}",
         "width: expected a whole number of pixels"},
        {"{\"width\": 640, \"height\": 99999, \"detections\": []}",
         "height: expected a whole number of pixels"},
        {"{\"detections\": [7]}", "detections[0]: expected an object, got a number"},
        {ONE("\"x\":1,\"y\":1,\"w\":9"), "detections[1]: h: missing"},
        {ONE("\"x\":\"1\",\"y\":1,\"w\":9,\"h\":9"), "detections[1]: x: expected a number, got a text"},
        {ONE("\"x\":null,\"y\":1,\"w\":9,\"h\":9"), "detections[1]: x: expected a number, got null"},
        {ONE("\"x\":0.2,\"y\":0.1,\"w\":0.3,\"h\":0.5"), "detections[1]: a box of 0.3 x 0.5"},
        {ONE("\"x\":1,\"y\":1,\"w\":-9,\"h\":9"), "detections[1]: a box of -9 x 9"},
        {ONE("\"x\":1e9,\"y\":1,\"w\":9,\"h\":9"), "detections[1]: a box beyond a million pixels"},
        {ONE("\"x\":1,\"y\":1,\"w\":9,\"h\":9,\"score\":91"), "detections[1]: score: 91 is outside 0 to 1"},
        {ONE("\"x\":1,\"y\":1,\"w\":9,\"h\":9,\"class\":0"),
         "detections[1]: class: expected a text, got a number"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct detection_line line;
        struct error error;
        assert_true(detection_line_parse(cases[i].text, strlen(cases[i].text), &uri, &line, &error) < 0);
        assert_null(line.detections);
        if (!strstr(error.text, cases[i].why))
            fail_msg("%s\n  says: %s\n  not:  %s", cases[i].text, error.text, cases[i].why);
    }
}

static void no_more_than_the_limit(void **state)
{
    static char text[DETECTIONS_MAX * 40];
    struct detection_line line;
    struct error error;
    size_t n = (size_t)snprintf(text, sizeof text, "{\"detections\": [");
    (void)state;
    for (int i = 0; i <= DETECTIONS_MAX; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s{\"x\":1,\"y\":1,\"w\":9,\"h\":9}", i ? "," : "");
    n += (size_t)snprintf(text + n, sizeof text - n, "]}");
    assert_int_equal(detection_line_parse(text, n, &uri, &line, &error), ERR_INVALID);
    assert_string_equal(error.text, "detections: 2049; at most 2048 are possible");
}

static int setup(void **state)
{
    struct error error;
    (void)state;
    return object_uri_parse("detections:///x", &uri, &error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_line), cmocka_unit_test(the_least_that_a_line_may_say),
        cmocka_unit_test(what_is_wrong_is_named), cmocka_unit_test(no_more_than_the_limit)};
    return cmocka_run_group_tests(tests, setup, NULL);
}
