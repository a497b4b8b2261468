#include "load.h"

#include "base/clock.h"
#include "track/tracker.h"

#define STREAM "streams: [{stream_id: a, uri: rtsp://h/x"
#define ZONES STREAM ", zones: ["

struct wrong {
    const char *text, *report;
};

static void check_all(const struct wrong *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_report(cases[i].text, cases[i].report);
    }
}

static void test_yaml_that_is_refused(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {"server: {port: 1, port: 2}\n", "t.yaml:1:19: the key 'port' is repeated (first in line 1)\n"},
        {"server:\n  port: 1\nserver:\n", "t.yaml:3:1: the key 'server' is repeated (first in line 1)\n"},
        {"server: !!str x\n", "t.yaml:1:9: tags (!) are not supported\n"},
        {"a: &x {port: 1}\nserver: {<<: *x}\n",
         "t.yaml:2:10: merge keys (<<) are not supported: write the keys out\n"},
        {"[a, b]: c\n", "t.yaml:1:1: a key has to be a plain text\n"},
        {"? {a: b}\n: c\n", "t.yaml:1:3: a key has to be a plain text\n"},
        {"server: *x\n", "t.yaml:1:9: an alias to an anchor that is not there, or not finished yet\n"},
        {"server: &x {port: *x}\n",
         "t.yaml:1:19: an alias to an anchor that is not there, or not finished yet\n"},
        {"server: {}\n---\nlog: {}\n", "t.yaml:2:1: a second document: one file holds one configuration\n"},
        {"server: \"a\\0b\"\n", "t.yaml:1:9: a text with a NUL character\n"},
        {"server: {'': 1}\n", "t.yaml:1:10: an empty key\n"},
        {"a: &x 1\nb: &x 2\n", "t.yaml:2:4: this anchor's name is used before\n"},
        {"server:\n\tport: 1\n",
         "t.yaml:2:1: while scanning for the next token: found character that cannot start any token\n"},
        {"server: {port: 1\n",
         "t.yaml:2:1: while parsing a flow mapping: did not find expected ',' or '}'\n"},
        {"log: \xff\n", "t.yaml:1:6: invalid leading UTF-8 octet\n"},
    };
    check_all(cases, sizeof cases / sizeof cases[0]);
}

static void test_nested_deeply(void **state)
{
    (void)state;
    char text[200] = "a: ";
    memset(text + 3, '[', 60);
    assert_report(text, "t.yaml:1:27: nested deeper than 24 levels\n");
}

/* Nine levels of nine aliases: 200 bytes that stand for 400 million values. */
static void test_bomb_is_refused(void **state)
{
    (void)state;
    struct buffer text = {0};
    buffer_append_text(&text, "a: &a [x,x,x,x,x,x,x,x,x]\n");
    for (char c = 'b'; c < 'j'; c++) {
        buffer_printf(&text, "%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", c, c, c - 1, c - 1, c - 1,
                      c - 1, c - 1, c - 1, c - 1, c - 1, c - 1);
    }
    struct config *config = NULL;
    struct error error = {0};
    assert_int_equal(config_load_text(text.data, text.size, "t.yaml", &config, NULL, &error), ERR_FORMAT);
    assert_non_null(strstr(error.text, "too large: more than 200000 values, aliases expanded"));
    buffer_free(&text);
}

static void test_sizes_are_bounded(void **state)
{
    (void)state;
    struct buffer text = {0};
    for (int i = 0; i < 513; i++) {
        buffer_printf(&text, "k%d: 1\n", i);
    }
    assert_report(text.data, "t.yaml:513:1: more than 512 keys in one mapping\n");
    while (text.size <= 1 << 20) {
        buffer_append_text(&text, "# a comment that is of no use to anybody\n");
    }
    struct config *config = NULL;
    struct error error = {0};
    assert_int_equal(config_load_text(text.data, text.size, "t.yaml", &config, NULL, &error), ERR_FULL);
    assert_string_equal(error.text, "t.yaml: larger than 1 MiB");
    buffer_free(&text);
}

static void test_values_that_are_wrong(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {"7\n", "t.yaml:1:1: expected a mapping of keys, got '7'\n"},
        {"server: [1]\n", "t.yaml:1:9: server: expected a mapping of keys, got a list\n"},
        {"sever: {}\n", "t.yaml:1:1: sever: unknown key (did you mean 'server'?)\n"},
        {"server:\n  prot: 8000\n", "t.yaml:2:3: server.prot: unknown key (did you mean 'port'?)\n"},
        {"server: {quite_another: 1}\n", "t.yaml:1:10: server.quite_another: unknown key\n"},
        {"server: {port: eight}\n", "t.yaml:1:16: server.port: expected a whole number, got 'eight'\n"},
        {"server: {port: \"8000\"}\n",
         "t.yaml:1:16: server.port: expected a whole number, got the text '8000'\n"},
        {"server: {port: 80.5}\n", "t.yaml:1:16: server.port: expected a whole number, got '80.5'\n"},
        {"server: {port: [1]}\n", "t.yaml:1:16: server.port: expected a whole number, got a list\n"},
        {"server: {port: 65536}\n", "t.yaml:1:16: server.port: '65536' is out of range: 0 to 65535\n"},
        {"server: {bind: everywhere}\n",
         "t.yaml:1:16: server.bind: expected an IP address such as 127.0.0.1, got 'everywhere'\n"},
        {"server: {max_body: 1MB}\n", "t.yaml:1:20: server.max_body: expected a number of bytes such as "
                                      "65536, 64KiB or 1MiB, got '1MB'\n"},
        {"server: {max_body: 2GiB}\n",
         "t.yaml:1:20: server.max_body: '2GiB' is out of range: 1024 to 1073741824 bytes\n"},
        {"server: {pictures_dir: {}}\n",
         "t.yaml:1:24: server.pictures_dir: expected a text, got a mapping\n"},
        {"server: {pictures_dir: \"a\\nb\"}\n",
         "t.yaml:1:24: server.pictures_dir: a text with control characters, or not UTF-8\n"},
        {"detection: {confidence: high}\n",
         "t.yaml:1:25: detection.confidence: expected a number, got 'high'\n"},
        {"detection: {confidence: .nan}\n",
         "t.yaml:1:25: detection.confidence: expected a number, got '.nan'\n"},
        {"detection: {confidence: 1.5}\n",
         "t.yaml:1:25: detection.confidence: '1.5' is out of range: 0 to 1\n"},
        {"detection: {confidence: 0.1}\n",
         "t.yaml:1:25: detection.confidence_low: 0.2 is above confidence (0.1)\n"},
        {"detection: {input_size: 512*384}\n", "t.yaml:1:25: detection.input_size: expected auto, or a size "
                                               "WIDTHxHEIGHT such as 640x480, got '512*384'\n"},
        {"detection: {input_size: 500x384}\n",
         "t.yaml:1:25: detection.input_size: 500x384: both sides have to be multiples of 32\n"},
        {"detection: {region: [[0, 0], [1, 1]]}\n",
         "t.yaml:1:21: detection.region: a polygon needs at least 3 corners, this one has 2\n"},
        {"detection: {region: [[0, 0], [1, 0], [1, 2]]}\n",
         "t.yaml:1:21: detection.region: point 3 (1, 2) is outside the picture: image coordinates are 0 to "
         "1\n"},
        {"detection: {masks: [[[0, 0], [1, 0], [x, 1]]]}\n",
         "t.yaml:1:20: detection.masks: polygon 1: point 3: expected a number, got 'x'\n"},
        {"detection: {masks: [[[0, 0], [1, 1], [1, 0], [0, 1]]]}\n",
         "t.yaml:1:21: detection.masks[0]: the edges after corners 1 and 3 cross or touch\n"},
        {"media: {open_timeout: 5}\n",
         "t.yaml:1:23: media.open_timeout: expected a duration such as 5s, 200ms or 2m, got '5'\n"},
        {"media: {open_timeout: 50ms}\n",
         "t.yaml:1:23: media.open_timeout: '50ms' is out of range: 0.1 to 300 s\n"},
        {"media: {allowed_dirs: var}\n",
         "t.yaml:1:23: media.allowed_dirs: expected a list of at most 32 texts, got 'var'\n"},
        {"log: {level: warnings}\n", "t.yaml:1:14: log.level: expected one of debug, info, warning, error, "
                                     "got 'warnings' (did you mean 'warning'?)\n"},
        {"tracking: {coast: 5s}\n", "t.yaml:1:19: tracking.coast: longer than lost\n"},
        {"alerts: {defaults: yes}\n", "t.yaml:1:20: alerts.defaults: expected true or false, got 'yes'\n"},
        {"alerts: {defaults: \"true\"}\n",
         "t.yaml:1:20: alerts.defaults: expected true or false, got the text 'true'\n"},
    };
    check_all(cases, sizeof cases / sizeof cases[0]);
}

static void test_streams_that_are_wrong(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {"streams: {}\n", "t.yaml:1:10: streams: expected a list, got a mapping\n"},
        {"streams: [a]\n", "t.yaml:1:11: streams[0]: expected a mapping of keys, got 'a'\n"},
        {"streams:\n  - uri: rtsp://h/x\n",
         "t.yaml:2:5: streams[0].stream_id: missing: it has to be given\n"},
        {"streams:\n  - stream_id: a\n", "t.yaml:2:5: streams[0].uri: missing: it has to be given\n"},
        {"streams:\n  - stream_id: a\n    uri:\n",
         "t.yaml:2:5: streams[0].uri: missing: it has to be given\n"},
        {"streams: [{stream_id: \"gate a\", uri: x}]\n",
         "t.yaml:1:23: streams[0].stream_id: expected an identifier (1-64 characters of a-z A-Z 0-9 _ - . , "
         "not starting "
         "with - or .), got the text 'gate a'\n"},
        {STREAM "}, {stream_id: a, uri: rtsp://h/y}]\n",
         "t.yaml:1:56: streams[1].stream_id: 'a' is repeated: streams[0] has this id\n"},
        {"streams: [{stream_id: a, uri: ftp://h/x}]\n",
         "t.yaml:1:31: streams[0].uri: unknown scheme 'ftp': known are rtsp, rtsps, http, https, v4l2, file, "
         "detections, trajectories, deepstream, and the path of a file or folder\n"},
        {"streams: [{stream_id: a, uri: \"concat:/etc/passwd|x\"}]\n",
         "t.yaml:1:31: streams[0].uri: unknown scheme 'concat': known are rtsp, rtsps, http, https, v4l2, "
         "file, "
         "detections, trajectories, deepstream, and the path of a file or folder\n"},
        {"streams: [{stream_id: a, uri: \"rtsp://\"}]\n",
         "t.yaml:1:31: streams[0].uri: there is no host in it\n"},
        {"streams: [{stream_id: a, uri: \"rtsp:/user:secret@h/x\"}]\n",
         "t.yaml:1:31: streams[0].uri: 'rtsp' is followed by ://\n"},
        {"streams: [{stream_id: a, uri: \"user:secret@h/x\"}]\n",
         "t.yaml:1:31: streams[0].uri: unknown scheme '***': known are rtsp, rtsps, http, https, v4l2, file, "
         "detections, trajectories, deepstream, and the path of a file or folder\n"},
        {"streams: [{stream_id: a, uri: \"\"}]\n", "t.yaml:1:31: streams[0].uri: empty\n"},
        {STREAM ", zone: []}]\n", "t.yaml:1:43: streams[0].zone: unknown key (did you mean 'zones'?)\n"},
        {STREAM ", target_fps: -1}]\n",
         "t.yaml:1:55: streams[0].target_fps: '-1' is out of range: 0 to 120 pictures/s\n"},
        {STREAM ", detection: {confidence: 2}}]\n",
         "t.yaml:1:67: streams[0].detection.confidence: '2' is out of range: 0 to 1\n"},
        {ZONES "{id: z, polygon: [[0, 0], [1, 1], [1, 0], [0, 1]]}]}]\n",
         "t.yaml:1:68: streams[0].zones[0].polygon: the edges after corners 1 and 3 cross or touch\n"},
        {ZONES "{id: z, polygon: [[0, 0], [1, 1]]}]}]\n",
         "t.yaml:1:68: streams[0].zones[0].polygon: a polygon needs at least 3 corners, this one has 2\n"},
        {ZONES "{id: z}]}]\n", "t.yaml:1:51: streams[0].zones[0].polygon: missing: it has to be given\n"},
        {ZONES "{id: z, polygon: [[0, 0], [1, 0], [1, 1, 1]]}]}]\n",
         "t.yaml:1:68: streams[0].zones[0].polygon: point 3: expected a list of 2 numbers, got 3 values\n"},
        {ZONES "{id: z, polygon: [[0, 0], [1, 0], [1, 7]]}]}]\n",
         "t.yaml:1:68: streams[0].zones[0].polygon: point 3 (1, 7) is outside the picture: image coordinates "
         "are 0 to 1\n"},
        {ZONES "{id: z, coordinates: ground, polygon: [[0, 0], [9, 0], [9, 7]]}]}]\n",
         "t.yaml:1:72: streams[0].zones[0].coordinates: ground needs a calibration of the stream\n"},
        {ZONES "{id: z, kind: stand, polygon: [[0, 0], [1, 0], [1, 1]]}]}]\n",
         "t.yaml:1:65: streams[0].zones[0].kind: expected one of moving, standing, exit, got 'stand'\n"},
        {ZONES "{id: z, polygon: [[0, 0], [1, 0], [1, 1]]},\n{id: z, polygon: [[0, 0], [1, 0], [1, 1]]}]}]\n",
         "t.yaml:2:6: streams[0].zones[1].id: 'z' is repeated: zones[0] has this id\n"},
        {ZONES "{id: z, polygon: [[0, 0], [1, 0], [1, 1]]}],\nlines: [{id: z, points: [[0, 0], [1, 0]]}]}]\n",
         "t.yaml:2:14: streams[0].lines[0].id: 'z' is repeated: zones[0] has this id\n"},
        {STREAM ",\nlines: [{id: l, points: [[0, 0]]}]}]\n",
         "t.yaml:2:25: streams[0].lines[0].points: 1 points: a line has at least two\n"},
        {STREAM ",\nlines: [{id: l, points: [[0, 0], [0, 0]]}]}]\n",
         "t.yaml:2:25: streams[0].lines[0].points: points 1 and 2 are the same\n"},
    };
    check_all(cases, sizeof cases / sizeof cases[0]);
}

static void test_problems_are_sorted_and_bounded(void **state)
{
    (void)state;
    assert_report("log: {level: x}\nserver: {port: x, threads: 0}\n",
                  "t.yaml:1:14: log.level: expected one of debug, info, warning, error, got 'x'\n"
                  "t.yaml:2:16: server.port: expected a whole number, got 'x'\n"
                  "t.yaml:2:28: server.threads: '0' is out of range: 1 to 64\n");
    struct buffer text = {0}, report = {0};
    for (int i = 0; i < 30; i++) {
        buffer_printf(&text, "wrong_%d: 1\n", i);
    }
    struct config *config = NULL;
    struct error error = {0};
    assert_int_equal(config_load_text(text.data, text.size, "t.yaml", &config, &report, &error), ERR_INVALID);
    assert_string_equal(error.text, "t.yaml:1:1: wrong_0: unknown key");
    assert_non_null(strstr(report.data, "t.yaml:20:1: wrong_19: unknown key\nt.yaml: and 10 more\n"));
    buffer_free(&text);
    buffer_free(&report);
}

static void test_defaults(void **state)
{
    (void)state;
    struct config *config = NULL;
    struct error error = {0};
    assert_int_equal(config_load(NULL, &config, NULL, &error), 0);
    assert_string_equal(config->server.bind, "127.0.0.1");
    assert_int_equal(config->server.port, 8000);
    assert_int_equal(config->server.max_body_bytes, 1 << 20);
    assert_int_equal(config->store.retention_1s_ns, 7 * 86400 * NS_PER_S);
    assert_int_equal(config->media.allowed_count, 1);
    assert_string_equal(config->media.allowed_dirs[0], "var/media");
    assert_int_equal(config->detection.input_width, 0);
    assert_int_equal(config->log.level, LOG_INFO);
    assert_int_equal(config->stream_count, 0);
    assert_null(config->path);
    struct tracker_params track = tracker_default_params();
    assert_true(config->detection.confidence == track.high_score);
    assert_true(config->detection.confidence_low == track.low_score);
    assert_true(config->tracking.new_score == track.new_score);
    assert_true(config->tracking.iou_gate == track.iou_gate);
    assert_int_equal(config->tracking.confirm_hits, track.confirm_hits);
    assert_int_equal(config->tracking.coast_ns, track.coast_ns);
    assert_int_equal(config->tracking.lost_ns, track.lost_ns);
    struct config *again = config_ref(config);
    config_unref(&config);
    assert_null(config);
    assert_int_equal(again->server.port, 8000);
    config_unref(&again);
}

static void test_values_that_are_right(void **state)
{
    (void)state;
    struct config *config = load_right(
        "server: {bind: \"::1\", port: 0, max_body: 64KiB}\n"
        "store:\n" /* nothing: left out */
        "detection: {confidence: 0.4, input_size: 512x384, masks: [[[0, 0], [1, 0], [1, 1]]]}\n"
        "media: {allowed_dirs: [], open_timeout: 200ms}\n"
        "streams:\n"
        "  - &gate\n"
        "    stream_id: gate\n"
        "    uri: var/a.avi\n"
        "    location: Gate \xc3\xa4\n"
        "    detection: {confidence_low: 0.3, region: [[0, 0], [1, 0], [1, 1]]}\n"
        "    zones: [{id: z, kind: standing, capacity: 12.5, polygon: &corner [[0, 0], [1, 0], [1, 1]]}]\n"
        "    lines: [{id: l, points: *corner, width_m: 2}]\n"
        "  - {stream_id: b, uri: file:///x, enabled: false, loop: true, paced: false, target_fps: 2.5, "
        "frame_rate: 7}\n");
    assert_int_equal(config->server.max_body_bytes, 65536);
    assert_int_equal(config->media.allowed_count, 0);
    assert_int_equal(config->media.open_timeout_ns, 200 * NS_PER_MS);
    const struct stream_config *gate = config_find_stream(config, "gate");
    assert_non_null(gate);
    assert_true(gate->from_file);
    assert_true(gate->enabled && gate->paced && !gate->loop);
    assert_true(gate->detection.confidence == 0.4); /* the global value */
    assert_true(gate->detection.confidence_low == 0.3);
    assert_true(config->detection.confidence_low == 0.2);
    assert_int_equal(gate->detection.input_height, 384);
    assert_int_equal(gate->detection.region_count, 3);
    assert_int_equal(gate->detection.mask_count, 1);
    assert_ptr_not_equal(gate->detection.masks, config->detection.masks);
    assert_int_equal(gate->zones[0].kind, ZONE_STANDING);
    assert_true(gate->zones[0].capacity == 12.5);
    assert_int_equal(gate->lines[0].point_count, 3);
    assert_true(gate->lines[0].points[2].y == 1);
    const struct stream_config *b = config_find_stream(config, "b");
    assert_true(!b->enabled && !b->paced && b->loop);
    assert_true(b->target_fps == 2.5);
    assert_null(config_find_stream(config, "c"));
    config_unref(&config);
}

static void assert_with_variable(const char *name, const char *value, const char *text, const char *report)
{
    assert_int_equal(setenv(name, value, 1), 0);
    if (report != NULL) {
        assert_report(text, report);
    } else {
        struct config *config = load_right(text);
        config_unref(&config);
    }
    assert_int_equal(unsetenv(name), 0);
}

static void test_environment(void **state)
{
    (void)state;
    assert_int_equal(setenv("SCI_SERVER__PORT", "99", 1), 0);
    assert_int_equal(setenv("SCI_STREAMS__0__URI", "rtsp://u:p@h/x", 1), 0);
    assert_int_equal(setenv("SCI_LOG__LEVEL", "", 1), 0);
    struct config *config = load_right("server: {port: 1}\nstreams: [{stream_id: a}]\n");
    assert_int_equal(config->server.port, 99);
    assert_string_equal(config->streams[0].uri, "rtsp://u:p@h/x");
    config_unref(&config);
    assert_int_equal(unsetenv("SCI_STREAMS__0__URI"), 0);
    assert_int_equal(unsetenv("SCI_SERVER__PORT"), 0);
    assert_int_equal(unsetenv("SCI_LOG__LEVEL"), 0);
    assert_with_variable(
        "SCI_SERVER__PORT", "x", "{}",
        "environment variable SCI_SERVER__PORT: server.port: expected a whole number, got 'x'\n");
    assert_with_variable("SCI_SERVER__PROT", "1", "{}",
                         "environment variable SCI_SERVER__PROT: names no key of the configuration\n");
    assert_with_variable("SCI_SOURCE", "1", "{}", NULL);
}

/* What cannot be read leaves nothing behind, wherever memory ends: test_memory. Here: a file that is not
 * there. */
static void test_missing_file(void **state)
{
    (void)state;
    struct config *config = NULL;
    struct buffer report = {0};
    struct error error = {0};
    assert_int_equal(config_load("/nowhere/sci.yaml", &config, &report, &error), ERR_NOT_FOUND);
    assert_null(config);
    assert_non_null(strstr(error.text, "/nowhere/sci.yaml"));
    assert_non_null(strstr(report.data, "/nowhere/sci.yaml"));
    buffer_free(&report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_yaml_that_is_refused),
        cmocka_unit_test(test_nested_deeply),
        cmocka_unit_test(test_bomb_is_refused),
        cmocka_unit_test(test_sizes_are_bounded),
        cmocka_unit_test(test_values_that_are_wrong),
        cmocka_unit_test(test_streams_that_are_wrong),
        cmocka_unit_test(test_problems_are_sorted_and_bounded),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_values_that_are_right),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_missing_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
