#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "core/object_uri.h"

static struct object_uri parsed(const char *uri)
{
    struct object_uri u;
    struct error error;
    if (object_uri_parse(uri, &u, &error) < 0)
        fail_msg("%s: %s", uri, error.text);
    return u;
}

static void which_are_meant(void **state)
{
    (void)state;
    assert_int_equal(object_uri_source("detections:///a"), OBJECT_DETECTIONS);
    assert_int_equal(object_uri_source("Trajectories:///a"), OBJECT_TRAJECTORIES);
    assert_int_equal(object_uri_source("deepstream://h/s"), OBJECT_DEEPSTREAM);
    assert_int_equal(object_uri_source("rtsp://h/detections://"), OBJECT_NONE);
    assert_int_equal(object_uri_source("/detections"), OBJECT_NONE);
    assert_int_equal(object_uri_source(""), OBJECT_NONE);
}

static void files(void **state)
{
    (void)state;
    struct object_uri u = parsed("detections:///var/run/a%20b%3F.fifo?clock=arrival&class=Person,human");
    assert_string_equal(u.path, "/var/run/a b?.fifo");
    assert_true(u.arrival_clock);
    assert_int_equal(u.class_count, 2);
    assert_string_equal(u.classes[1], "human");
    assert_int_equal(u.max_age_ns, 5 * NS_PER_S);
    u = parsed("trajectories:///data/t.txt?unit=cm&columns=frame,id,x,y");
    assert_true(u.unit_m == 0.01);
    assert_string_equal(u.columns, "frame,id,x,y");
    u = parsed("trajectories:///data/t.txt");
    assert_true(u.unit_m == 0);
    assert_string_equal(u.columns, "");
}

static void redis(void **state)
{
    (void)state;
    struct object_uri u = parsed("deepstream://me:s%40crt@[::1]:7000/topic%2F1?sensor=cam%201&size=1920x1080"
                                 "&field=payload&empty_for=30s&max_age=500ms");
    assert_string_equal(u.host, "::1");
    assert_int_equal(u.port, 7000);
    assert_string_equal(u.user, "me");
    assert_string_equal(u.password, "s@crt");
    assert_string_equal(u.path, "topic/1");
    assert_string_equal(u.sensor, "cam 1");
    assert_string_equal(u.field, "payload");
    assert_int_equal(u.width, 1920);
    assert_int_equal(u.height, 1080);
    assert_int_equal(u.empty_for_ns, 30 * NS_PER_S);
    assert_int_equal(u.max_age_ns, 500 * NS_PER_MS);
    u = parsed("deepstream://redis.local/metadata?size=640x480");
    assert_string_equal(u.host, "redis.local");
    assert_int_equal(u.port, 6379);
    assert_string_equal(u.field, "metadata");
    assert_string_equal(u.sensor, "");
    assert_int_equal(u.class_count, 2);
}

static void what_is_wrong_is_named(void **state)
{
    static const struct {
        const char *uri, *why;
    } cases[] = {
        {"detections://relative/path", "three slashes and an absolute path are expected: detections:///path"},
        {"detections:///", "three slashes and an absolute path are expected: detections:///path"},
        {"detections:///a%2", "the path: '%' is not followed by two hexadecimal digits"},
        {"detections:///a%00b", "the path: '%' is not followed by two hexadecimal digits"},
        {"detections:///a?size=1x1", "size: there is no such option of this kind of address"},
        {"detections:///a?clock", "clock: has no value"},
        {"detections:///a?clock=mine", "clock: expected stamps or arrival, got 'mine'"},
        {"detections:///a?class=a,,b",
         "class: expected up to eight names with commas between them, got 'a,,b'"},
        {"detections:///a?max_age=1ms", "max_age: expected a duration from 100ms, such as 5s, got '1ms'"},
        {"trajectories:///a?unit=ft", "unit: expected m or cm, got 'ft'"},
        {"trajectories:///a?clock=arrival", "clock: there is no such option of this kind of address"},
        {"deepstream://host", "the Redis stream's name is missing after the host"},
        {"deepstream://host/", "the Redis stream's name is missing after the host"},
        {"deepstream:///s?size=1x1", "there is no host in it"},
        {"deepstream://host:0/s", "the port '0' is not a number from 1 to 65535"},
        {"deepstream://host:123456789/s", "the port '1234567' is not a number from 1 to 65535"},
        {"deepstream://host/s", "size: missing: WIDTHxHEIGHT of the pictures, which the messages do not say"},
        {"deepstream://host/s?size=0x9", "size: expected WIDTHxHEIGHT, got '0x9'"},
        {"rtsp://host/s", "not an address of detections, trajectories or deepstream"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct object_uri u;
        struct error error;
        assert_int_equal(object_uri_parse(cases[i].uri, &u, &error), ERR_INVALID);
        assert_string_equal(error.text, cases[i].why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(which_are_meant), cmocka_unit_test(files),
                                       cmocka_unit_test(redis), cmocka_unit_test(what_is_wrong_is_named)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
