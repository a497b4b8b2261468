/* DeepStream's messages in both schemas, and the frames that are gathered from them. Samples:
 * tests/data/deepstream. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "media/deepstream_frame.h"

static struct object_uri uri;

static struct deepstream_message sample(const char *name)
{
    char path[600];
    struct buffer text = {0};
    struct deepstream_message m;
    struct error error;
    snprintf(path, sizeof path, "%s/tests/data/deepstream/%s.json", getenv("SCI_SOURCE_ROOT"), name);
    if (file_read(path, 1 << 20, &text, &error) < 0 ||
        deepstream_message_parse(text.data, text.size, &uri, &m, &error) != 0)
        fail_msg("%s", error.text);
    buffer_free(&text);
    return m;
}

static void assert_box(struct detection d, float x, float y, float w, float h, float score)
{
    assert_true(d.box.x == x && d.box.y == y && d.box.w == w && d.box.h == h && d.score == score);
}

static void minimal_schema(void **state)
{
    struct deepstream_message m = sample("minimal");
    int64_t at;
    (void)state;
    assert_int_equal(time_parse("2026-05-01T18:03:07.125Z", &at, NULL), 0);
    assert_false(m.full);
    assert_string_equal(m.sensor, "gate-north");
    assert_int_equal(m.time_ns, at);
    assert_int_equal(m.count, 3); /* no vehicle, nobody of half a pixel */
    assert_box(m.detections[0], 812.5f, 300.25f, 44, 118, 1);
    assert_box(m.detections[1], 100, 200, 30, 90, 0.75f);
    assert_box(m.detections[2], 20, 30, 40, 120, 0.5f);
    free(m.detections);
}

static void full_schema(void **state)
{
    struct deepstream_message m = sample("full_person");
    (void)state;
    assert_true(m.full);
    assert_string_equal(m.sensor, "gate-north");
    assert_int_equal(m.count, 1);
    assert_box(m.detections[0], 812, 300, 44, 118, 0.75f);
    assert_true(m.object_id != 0);
    free(m.detections);
    m = sample("full_vehicle");
    assert_int_equal(m.count, 0); /* and its box is nobody's business */
    free(m.detections);
}

static void other_sensors(void **state)
{
    static const char text[] = "{\"sensorId\": 3, \"objects\": [7]}";
    struct object_uri asks = uri;
    struct deepstream_message m;
    struct error error;
    (void)state;
    snprintf(asks.sensor, sizeof asks.sensor, "4");
    assert_int_equal(deepstream_message_parse(text, strlen(text), &asks, &m, &error), 1);
    assert_string_equal(m.sensor, "3");
    assert_null(m.detections);
}

#define HEAD "\"@timestamp\":\"2026-05-01T18:03:07.125Z\",\"sensorId\":\"a\","
#define FULL "{\"@timestamp\":\"2026-05-01T18:03:07.125Z\",\"sensor\":{\"id\":\"a\"},\"object\":"
#define MINIMAL(objects) "{" HEAD "\"objects\":[" objects "]}"

static void what_is_wrong_is_named(void **state)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"{", "line 1, column"},
        {"[]", "expected an object, got a list"},
        {"{}", "object: missing, and objects too: neither of DeepStream's schemas"},
        {"{\"objects\":[]}", "sensorId: missing"},
        {"{\"object\":{}}", "sensor.id: missing"},
        {"{\"sensorId\":\"a\",\"objects\":[]}", "@timestamp: missing"},
        {"{\"@timestamp\":7,\"sensorId\":\"a\",\"objects\":[]}", "@timestamp: expected a text, got a number"},
        {"{\"@timestamp\":\"now\",\"sensorId\":\"a\",\"objects\":[]}", "@timestamp: 'now' is not a time"},
        {"{" HEAD "\"objects\":{}}", "objects: expected a list, got an object"},
        {MINIMAL("7"), "objects[0]: expected a text, got a number"},
        {MINIMAL("\"1|2|3|4|5\""), "objects[0]: fewer than 6 fields (id|left|top|right|bottom|label)"},
        {MINIMAL("\"1|1|1|9|9|person\",\"2|1|x|9|9|person\""), "objects[1]: top: 'x' is not a number"},
        {MINIMAL("\"1|1|1|9||person\""), "objects[0]: bottom: '' is not a number"},
        {MINIMAL("\"1|9|1|1|9|person\""), "objects[0]: right is before left"},
        {MINIMAL("\"1|9|1|9e9|9|person\""), "objects[0]: a box beyond a million pixels"},
        {FULL "7}", "object: expected an object, got a number"},
        {FULL "{\"person\":{}}}", "object.bbox.topleftx: missing"},
        {FULL "{\"person\":{},\"bbox\":{\"topleftx\":1,\"toplefty\":\"2\"}}}",
         "object.bbox.toplefty: expected a number, got a text"},
        {FULL "{\"person\":{\"confidence\":97.5},\"bbox\":{\"topleftx\":1,\"toplefty\":2,\"bottomrightx\":9,"
              "\"bottomrighty\":9}}}",
         "object.person.confidence: expected a number of at most 1"},
        {FULL
         "{\"person\":{},\"bbox\":{\"topleftx\":1,\"toplefty\":9,\"bottomrightx\":9,\"bottomrighty\":2}}}",
         "object.bbox: bottom is before top"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct deepstream_message m;
        struct error error;
        assert_true(deepstream_message_parse(cases[i].text, strlen(cases[i].text), &uri, &m, &error) < 0);
        assert_null(m.detections);
        if (!strstr(error.text, cases[i].why))
            fail_msg("%s\n  says: %s\n  not:  %s", cases[i].text, error.text, cases[i].why);
    }
}

/* ---- frames ---- */

static struct deepstream_frame frame;

static bool offer(int64_t ms, uint64_t id, bool full)
{
    struct detection d = {{1, 2, 3, 4}, 1};
    struct deepstream_message m = {
        .full = full, .time_ns = ms * NS_PER_MS, .object_id = id, .count = 1, .detections = &d};
    if (frame.open && !deepstream_frame_takes(&frame, &m))
        return false;
    deepstream_frame_add(&frame, &m, (struct instant){0, 0}, 0);
    return true;
}

static void messages_of_one_frame(void **state)
{
    (void)state;
    deepstream_frame_clear(&frame);
    assert_true(offer(1000, 1, true));
    assert_true(offer(1000, 2, true));
    assert_true(offer(1003, 3, true)); /* stamped as it was written */
    assert_true(offer(1000, 0, true)); /* not tracked */
    assert_true(offer(1000, 0, true));
    assert_int_equal(frame.count, 5);
    assert_int_equal(frame.latest_ns, 1003 * NS_PER_MS);
    assert_false(offer(1005, 1, true)); /* the same object again: the next frame */
    assert_false(offer(1040, 4, true));
    assert_false(offer(1000, 9, false)); /* a whole frame of its own */
    deepstream_frame_clear(&frame);
    assert_true(offer(1040, 9, false));
    assert_false(offer(1040, 1, true));
    assert_int_equal(frame.count, 1);
}

static void a_frame_is_bounded(void **state)
{
    (void)state;
    deepstream_frame_clear(&frame);
    for (int i = 0; i < DEEPSTREAM_OBJECTS_MAX; i++)
        assert_true(offer(1000, 0, true));
    assert_false(offer(1000, 0, true));
    assert_int_equal(frame.count, DEEPSTREAM_OBJECTS_MAX);
}

static int setup(void **state)
{
    struct error error;
    (void)state;
    return object_uri_parse("deepstream://h/s?size=1920x1080", &uri, &error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(minimal_schema),        cmocka_unit_test(full_schema),
        cmocka_unit_test(other_sensors),         cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(messages_of_one_frame), cmocka_unit_test(a_frame_is_bounded)};
    return cmocka_run_group_tests(tests, setup, NULL);
}
