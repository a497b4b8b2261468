/* What is committed beside the key table agrees with it. */
#include "load.h"

#include <stdio.h>

#include "base/file.h"
#include "base/text.h"
#include "config/key.h"

static void read_committed(const char *name, struct buffer *out)
{
    const char *root = getenv("SCI_SOURCE_ROOT");
    char path[512];
    assert_non_null(root);
    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    struct error error = {0};
    if (file_read(path, 1 << 20, out, &error) != 0) {
        fail_msg("%s", error.text);
    }
}

static void test_documentation(void **state)
{
    (void)state;
    struct buffer file = {0}, table = {0};
    read_committed("docs/configuration.md", &file);
    config_write_documentation(&table);
    assert_false(table.failed);
    const char *tables = strstr(file.data, "\n### `server`");
    assert_non_null(tables);
    assert_string_equal(tables, table.data); /* else: scripts/config_documents.sh */
    buffer_free(&file);
    buffer_free(&table);
}

static void test_example(void **state)
{
    (void)state;
    struct buffer file = {0}, example = {0};
    read_committed("config/sci.yaml", &file);
    config_write_example(&example);
    assert_false(example.failed);
    assert_string_equal(file.data, example.data); /* else: the same */
    buffer_free(&file);
    buffer_free(&example);
}

/* Takes the # away in front of what starts a line with `prefix`. */
static void uncomment(const struct buffer *from, const char *prefix, struct buffer *to)
{
    for (const char *line = from->data; *line != '\0';) {
        size_t length = strcspn(line, "\n") + 1;
        const char *hash = memchr(line, '#', length);
        if (hash != NULL && text_starts_with(line, prefix) && hash[1] != ' ') {
            buffer_append(to, line, (size_t)(hash - line));
            buffer_append(to, hash + 1, length - (size_t)(hash - line) - 1);
        } else {
            buffer_append(to, line, length);
        }
        line += length;
    }
}

static void test_example_has_the_defaults(void **state)
{
    (void)state;
    struct buffer example = {0}, text = {0};
    config_write_example(&example);
    uncomment(&example, "  #", &text);
    assert_true(text.size < example.size - 40); /* something was uncommented */
    struct config *with = load_right(text.data), *without = load_right(example.data), *none = load_right("");
    assert_int_equal(config_diff(with, none, NULL, NULL), 0);
    assert_int_equal(config_diff(without, none, NULL, NULL), 0);
    config_unref(&with);
    config_unref(&without);
    config_unref(&none);
    buffer_free(&example);
    buffer_free(&text);
}

/* The camera and the rule in the comments are right, too. */
static void test_example_in_the_comments(void **state)
{
    (void)state;
    struct buffer example = {0}, text = {0};
    config_write_example(&example);
    for (const char *line = example.data; *line != '\0';) {
        size_t length = strcspn(line, "\n") + 1;
        bool commented = line[0] == '#' && text_starts_with(line, "#  ");
        buffer_append(&text, line + (commented ? 1 : 0), length - (commented ? 1 : 0));
        line += length;
    }
    struct config *config = load_right(text.data);
    assert_int_equal(config->stream_count, 1);
    assert_int_equal(config->streams[0].zone_count, 1);
    assert_int_equal(config->streams[0].line_count, 1);
    assert_true(config->streams[0].camera.residual_m < 0.5);
    assert_int_equal(config->alerts.rule_count, 7);
    config_unref(&config);
    buffer_free(&example);
    buffer_free(&text);
}

static void test_demo(void **state)
{
    (void)state;
    struct buffer file = {0};
    read_committed("config/demo.yaml", &file);
    struct config *config = load_right(file.data);
    const struct stream_config *square = config_find_stream(config, "square");
    assert_non_null(square);
    assert_true(square->frame_rate == 7 && square->loop && square->paced);
    assert_int_equal(square->camera.kind, CAMERA_TSAI);
    assert_int_equal(square->zone_count, 2);
    assert_int_equal(square->line_count, 1);
    /* Where the published calibration puts the foot of the lamp post's sign, by its own formula. */
    struct point ground;
    assert_true(camera_to_ground(&square->camera, (struct point){300, 300}, &ground));
    assert_true(ground.x > -11 && ground.x < -10.5 && ground.y > -6.1 && ground.y < -5.6);
    config_unref(&config);
    buffer_free(&file);
}

static void check_section(const struct config_section *section, unsigned depth)
{
    assert_true(depth < 8);
    for (size_t i = 0; i < section->key_count; i++) {
        const struct config_key *key = &section->keys[i];
        assert_true(key->name != NULL && key->text != NULL && strlen(key->text) > 3);
        assert_true(key->offset < section->struct_size);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(key->name, section->keys[j].name);
        }
        if (key->section != NULL) {
            check_section(key->section, depth + 1);
        }
    }
}

static void test_table_is_sound(void **state)
{
    (void)state;
    check_section(&section_config, 0);
}

struct changes {
    char text[1024];
};

static void on_change(void *user, const char *path, const char *stream_id, enum config_restarts restarts)
{
    static const char *const words[] = {"nothing", "camera", "process"};
    struct changes *changes = user;
    size_t length = strlen(changes->text);
    (void)snprintf(changes->text + length, sizeof changes->text - length, "%s %s %s\n", path,
                   stream_id != NULL ? stream_id : "-", words[restarts]);
}

static void test_difference(void **state)
{
    (void)state;
    struct config *from =
        load_right("server: {port: 1}\n"
                   "streams:\n"
                   "  - {stream_id: a, uri: x, zones: [{id: z, polygon: [[0, 0], [1, 0], [1, 1]]}]}\n"
                   "  - {stream_id: b, uri: y}\n"
                   "  - {stream_id: same, uri: y, calibration: {size: 9x9, homography: {matrix: [1, 0, 0, 0, "
                   "1, 0, 0, 0, 1]}}}\n"
                   "alerts: {rules: [{id: r, measure: people, thresholds: {low: 5}}]}\n");
    struct config *to = load_right(
        "server: {port: 2}\n"
        "streams:\n"
        "  - {stream_id: same, uri: y, calibration: {size: 9x9, homography: {matrix: [1, 0, 0, 0, 1, 0, 0, "
        "0, 1]}}}\n"
        "  - {stream_id: a, uri: x, location: here, zones: [{id: z, polygon: [[0, 0], [1, 0], [0.5, 1]]}]}\n"
        "  - {stream_id: c, uri: y}\n"
        "alerts: {rules: [{id: r, measure: people, thresholds: {low: 6}, clear_below: 4.25}]}\n");
    struct changes changes = {{0}};
    assert_int_equal(config_diff(from, to, on_change, &changes), 6);
    assert_string_equal(changes.text, "server.port - process\n"
                                      "streams[a].location a nothing\n"
                                      "streams[a].zones[z].polygon a camera\n"
                                      "streams[b] b camera\n"
                                      "streams[c] c camera\n"
                                      "alerts.rules[r].thresholds.low - nothing\n");
    assert_int_equal(config_diff(to, to, NULL, NULL), 0);
    config_unref(&from);
    config_unref(&to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documentation),
        cmocka_unit_test(test_example),
        cmocka_unit_test(test_example_has_the_defaults),
        cmocka_unit_test(test_example_in_the_comments),
        cmocka_unit_test(test_demo),
        cmocka_unit_test(test_table_is_sound),
        cmocka_unit_test(test_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
