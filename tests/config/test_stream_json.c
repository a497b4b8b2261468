#include "load.h"

#include <stdio.h>
#include <unistd.h>

#include "base/file.h"

struct fields {
    char text[2048];
};

static void on_field(void *user, const char *field, const char *message)
{
    struct fields *fields = user;
    size_t length = strlen(fields->text);
    (void)snprintf(fields->text + length, sizeof fields->text - length, "%s: %s\n", field, message);
}

static int read_stream(const struct config *config, const char *json, struct stream_config **stream,
                       struct fields *fields)
{
    struct json *root = NULL;
    struct error error = {0};
    assert_int_equal(json_parse(json, strlen(json), &root, &error), 0);
    fields->text[0] = '\0';
    int rc = stream_config_from_json(config, root, stream, on_field, fields, &error);
    json_free(root);
    assert_true(rc == 0 || error.text[0] != '\0');
    return rc;
}

static char *write_stream(const struct stream_config *stream, bool with_secrets)
{
    struct buffer text = {0};
    struct json_writer w = json_writer_on(&text);
    stream_config_write_json(&w, stream, with_secrets);
    char *json = buffer_take(&text);
    assert_non_null(json);
    return json;
}

static void test_fields_that_are_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *json, *fields;
    } cases[] = {
        {"[]", ": expected a mapping of keys, got a list\n"},
        {"{}", "stream_id: missing: it has to be given\nuri: missing: it has to be given\n"},
        {"{\"stream_id\": 7, \"uri\": \"rtsp://h\"}",
         "stream_id: expected an identifier (1-64 characters of a-z A-Z 0-9 _ - . , not starting with - or "
         ".), got '7'\n"},
        {"{\"stream_id\": \"a\", \"uri\": 7}", "uri: expected a text, got '7'\n"},
        {"{\"stream_id\": \"a\", \"uri\": \"gopher://h\"}",
         "uri: unknown scheme 'gopher': known are rtsp, rtsps, http, https, v4l2, file, detections, "
         "trajectories, deepstream, and the path of a file or folder\n"},
        {"{\"stream_id\": \"a\", \"uri\": \"rtsp://h\", \"target_fps\": \"9\", \"loop\": 1}",
         "loop: expected true or false, got '1'\ntarget_fps: expected a number, got the text '9'\n"},
        {"{\"stream_id\": \"a\", \"uri\": \"rtsp://h\", \"zones\": [{\"id\": \"z\", \"polygon\": [[0, 0], "
         "[1, 0]]}]}",
         "zones[0].polygon: a polygon needs at least 3 corners, this one has 2\n"},
        {"{\"stream_id\": \"a\", \"uri\": \"rtsp://h\", \"zone\": []}",
         "zone: unknown key (did you mean 'zones'?)\n"},
        {"{\"stream_id\": \"a\", \"uri\": \"detections:///etc/passwd\"}",
         "uri: the file is outside the folders of media.allowed_dirs\n"},
        {"{\"stream_id\": \"a\", \"uri\": \"trajectories:///etc/passwd?unit=ft\"}",
         "uri: unit: expected m or cm, got 'ft'\n"},
        {"{\"stream_id\": \"a\", \"uri\": \"deepstream://u:p@h/s?size=640x480\", \"zones\": [{\"id\": \"z\", "
         "\"polygon\": [[0, 0], [1, 0], [1, 1]], \"coordinates\": \"ground\"}]}",
         "zones[0].coordinates: ground needs a calibration of the stream\n"},
        {"{\"stream_id\": \"a\", \"uri\": \"trajectories:///t\", \"lines\": [{\"id\": \"z\", "
         "\"points\": [[0, 0], [1, 0]]}]}",
         "uri: the file is outside the folders of media.allowed_dirs\nlines[0].coordinates: positions have "
         "no "
         "picture: write ground, or give the calibration of a camera that sees them\n"},
        {"{\"stream_id\": \"a\", \"uri\": \"/etc/passwd\"}",
         "uri: the file is outside the folders of media.allowed_dirs\n"},
        {"{\"stream_id\": \"a\", \"uri\": \"rtsp://h\", \"calibration\": {\"file\": \"/etc/passwd\"}}",
         "calibration.file: outside the folders of media.allowed_dirs\n"},
    };
    struct config *config = load_right("{}");
    assert_int_equal(setenv("SCI_URI", "rtsp://from.the.environment/", 1), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct stream_config *stream = NULL;
        struct fields fields;
        assert_int_equal(read_stream(config, cases[i].json, &stream, &fields), ERR_INVALID);
        assert_null(stream);
        assert_string_equal(fields.text, cases[i].fields);
    }
    config_unref(&config);
}

static const char whole[] =
    "{\"stream_id\": \"gate_a\", \"uri\": \"rtsp://user:secret@10.0.0.7/1?token=abc\", \"location\": "
    "\"Main\", \"enabled\": false, "
    "\"loop\": true, \"paced\": false, \"target_fps\": 2.5, \"frame_rate\": 7, "
    "\"calibration\": {\"size\": \"768x576\", \"homography\": {\"pairs\": [[10, 10, 0, 0], [700, 20, 10, 0], "
    "[690, 500, 10, 8], "
    "[30, 520, 0, 8], [350, 260, 4.9, 4.1]]}}, "
    "\"detection\": {\"confidence\": 0.7, \"input_size\": \"512x384\", \"region\": [[0, 0], [1, 0], [1, 1]], "
    "\"masks\": [[[0, 0], [0.5, 0], [0.5, 0.5]]]}, "
    "\"zones\": [{\"id\": \"z\", \"kind\": \"exit\", \"coordinates\": \"ground\", \"capacity\": 20, "
    "\"polygon\": [[0, 0], [3, 0], [3, 3]]}], "
    "\"lines\": [{\"id\": \"l\", \"points\": [[0.1, 0.2], [0.3, 0.4]], \"width_m\": 1.5}]}";

static void test_reads_back(void **state)
{
    (void)state;
    struct config *config = load_right("{}");
    struct stream_config *stream = NULL, *again = NULL;
    struct fields fields;
    assert_int_equal(read_stream(config, whole, &stream, &fields), 0);
    assert_false(stream->from_file);
    assert_int_equal(stream->camera.kind, CAMERA_HOMOGRAPHY);
    assert_true(stream->camera.residual_m > 0 && stream->camera.residual_m < 1);
    assert_true(stream->detection.confidence == 0.7);
    assert_true(stream->detection.nms_iou == config->detection.nms_iou);

    char *json = write_stream(stream, true);
    assert_int_equal(read_stream(config, json, &again, &fields), 0);
    char *second = write_stream(again, true);
    assert_string_equal(json, second);
    assert_string_equal(again->uri, "rtsp://user:secret@10.0.0.7/1?token=abc");
    assert_true(again->camera.residual_m == stream->camera.residual_m);
    assert_int_equal(again->zones[0].kind, ZONE_EXIT);
    assert_int_equal(again->detection.mask_count, 1);
    free(second);

    struct stream_config *copy = stream_config_copy(stream);
    assert_non_null(copy);
    stream_config_free(&stream);
    second = write_stream(copy, true);
    assert_string_equal(json, second);
    free(json);
    free(second);
    stream_config_free(&copy);
    stream_config_free(&again);
    config_unref(&config);
}

static void test_secrets_are_left_out(void **state)
{
    (void)state;
    struct config *config = load_right("streams: [{stream_id: a, uri: \"rtsp://user:secret@h/x\"}]\n");
    char *json = write_stream(&config->streams[0], false);
    assert_null(strstr(json, "secret"));
    assert_non_null(strstr(json, "rtsp://***@h/x"));
    free(json);
    struct buffer text = {0};
    struct json_writer w = json_writer_on(&text);
    config_write_json(&w, config);
    assert_false(text.failed);
    assert_null(strstr(text.data, "secret"));
    struct json *root = NULL;
    assert_int_equal(json_parse(text.data, text.size, &root, NULL), 0);
    json_free(root);
    buffer_free(&text);
    config_unref(&config);
}

static void test_default_stream(void **state)
{
    (void)state;
    struct config *config = load_right("detection: {confidence: 0.8}\n");
    struct stream_config *stream = stream_config_default(config, "clip", "some file.avi");
    assert_non_null(stream);
    assert_string_equal(stream->stream_id, "clip");
    assert_string_equal(stream->uri, "some file.avi");
    assert_true(stream->enabled && !stream->paced && !stream->loop);
    assert_int_equal(stream->camera.kind, CAMERA_NONE);
    assert_true(stream->detection.confidence == 0.8);
    assert_string_equal(stream->location, "");
    stream_config_free(&stream);
    config_unref(&config);
}

/* A folder with media/clip.avi, and links that lead out of it. */
static void test_files_over_the_api(void **state)
{
    (void)state;
    char folder[] = "/tmp/sci_config_XXXXXX", path[256], text[512];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/media/deep", folder);
    assert_int_equal(file_make_dirs(path, NULL), 0);
    (void)snprintf(path, sizeof path, "%s/media/out", folder);
    assert_int_equal(symlink("/etc", path), 0);
    (void)snprintf(path, sizeof path, "%s/media-not", folder);
    assert_int_equal(file_make_dirs(path, NULL), 0);
    (void)snprintf(text, sizeof text, "media: {allowed_dirs: [%s/nowhere, %s/media]}\n", folder, folder);
    struct config *config = load_right(text);
    static const struct {
        const char *uri;
        bool allowed;
    } cases[] = {
        {"%s/media/clip.avi", true},
        {"%s/media/deep/../clip.avi", false},
        {"%s/media", true},
        {"file://%s/media/clip.avi", true},
        {"%s/media/deep/not/there.avi", true},
        {"%s/media/out/passwd", false},
        {"%s/media/out/not/there", false},
        {"%s/media-not/clip.avi", false},
        {"%s/clip.avi", false},
        {"file://%s/media/%2e%2e/x", false},
        {"file://elsewhere%s/media/x", false},
        {"%s/media/..", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char uri[256], json[512];
        const char *at = strstr(cases[i].uri, "%s");
        (void)snprintf(uri, sizeof uri, "%.*s%s%s", (int)(at - cases[i].uri), cases[i].uri, folder, at + 2);
        (void)snprintf(json, sizeof json, "{\"stream_id\": \"a\", \"uri\": \"%s\"}", uri);
        struct stream_config *stream = NULL;
        struct fields fields;
        int rc = read_stream(config, json, &stream, &fields);
        if ((rc == 0) != cases[i].allowed) {
            fail_msg("%s: %s", uri, fields.text);
        }
        stream_config_free(&stream);
    }
    config_unref(&config);
    static const char *const parts[] = {"media/deep", "media-not", "media", ""};
    (void)snprintf(path, sizeof path, "%s/media/out", folder);
    assert_int_equal(unlink(path), 0);
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, parts[i]);
        assert_int_equal(rmdir(path), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_that_are_wrong), cmocka_unit_test(test_reads_back),
        cmocka_unit_test(test_secrets_are_left_out),  cmocka_unit_test(test_default_stream),
        cmocka_unit_test(test_files_over_the_api),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
