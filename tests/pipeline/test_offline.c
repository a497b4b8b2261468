/* Offline analysis over a source made here: detections of people who walk, some of them lost on the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/text.h"
#include "pipeline/offline.h"

struct source {
    int64_t number, end;
    int end_code; /* what read gives after the last one */
    struct random_state random;
};

static int read_made(struct source *s, struct observation *o, struct error *error)
{
    if (s->number == s->end)
        return error_set(error, s->end_code, "made source: the end");
    s->number++;
    *o = (struct observation){
        .kind = OBSERVATION_DETECTIONS, .number = s->number, .width = 640, .height = 480};
    o->stream_ns = (s->number - 1) * 100 * NS_PER_MS;
    o->detections = calloc(20, sizeof *o->detections);
    for (size_t i = 0; i < 20; i++) {
        float x = (float)(20 * i) + (float)s->number * (i % 2 ? 1.5f : -1.0f);
        if (random_unit(&s->random) < 0.1)
            continue;
        o->detections[o->detection_count++] =
            (struct detection){{x, 40 + 15 * (float)i, 20, 50}, 0.9f - 0.01f * (float)i};
    }
    return 0;
}

static const struct source_kind made = {.name = "made", .read = read_made};

struct run {
    struct buffer text;
    int delivered, stop_after;
    atomic_bool *cancel;
};

static int deliver(void *user, const struct snapshot *snapshot, struct picture *picture, struct error *error)
{
    struct run *run = user;
    struct json_writer w = json_writer_on(&run->text);
    assert_null(picture);
    json_object_begin(&w);
    json_put_int(&w, "frame", snapshot->frame);
    snapshot_write_crowd_data(&w, snapshot);
    json_object_end(&w);
    run->delivered++;
    if (run->cancel && run->delivered == run->stop_after)
        atomic_store(run->cancel, true);
    else if (run->delivered == run->stop_after)
        return error_set(error, ERR_FULL, "enough");
    return 0;
}

static int analyse(struct run *run, int workers, int64_t frames, int end_code, struct error *error)
{
    struct config *config = NULL;
    struct camera_path *path = NULL;
    struct source source = {.end = frames, .end_code = end_code};
    random_seed(&source.random, 5);
    assert_int_equal(config_load(NULL, &config, NULL, error), 0);
    struct stream_config *stream = stream_config_default(config, "made", "made");
    assert_non_null(stream);
    assert_int_equal(camera_path_create(config, stream, PATH_VIDEO, &path, error), 0);
    struct offline_options options = {.kind = &made,
                                      .source = &source,
                                      .path = path,
                                      .workers = workers,
                                      .cancel = run->cancel,
                                      .deliver = deliver,
                                      .user = run};
    int result = offline_run(&options, error);
    camera_path_destroy(&path);
    stream_config_free(&stream);
    config_unref(&config);
    return result;
}

static void test_same_bytes_for_any_number_of_workers(void **state)
{
    (void)state;
    struct run one = {0}, many = {0};
    struct error error;
    assert_int_equal(analyse(&one, 1, 80, ERR_END, &error), 0);
    assert_int_equal(analyse(&many, 5, 80, ERR_END, &error), 0);
    assert_int_equal(one.delivered, 80);
    assert_int_equal(one.text.size, many.text.size);
    assert_memory_equal(one.text.data, many.text.data, one.text.size);
    assert_non_null(strstr(one.text.data, "\"track_id\":10"));
    buffer_free(&one.text);
    buffer_free(&many.text);
}

static void test_a_failing_source_gives_what_came_before(void **state)
{
    (void)state;
    struct run run = {0};
    struct error error;
    assert_int_equal(analyse(&run, 3, 20, ERR_FORMAT, &error), ERR_FORMAT);
    assert_string_equal(error.text, "made source: the end");
    assert_int_equal(run.delivered, 20);
    buffer_free(&run.text);
}

static void test_a_failing_receiver_ends_the_run(void **state)
{
    (void)state;
    struct run run = {.stop_after = 7};
    struct error error;
    assert_int_equal(analyse(&run, 2, 50, ERR_END, &error), ERR_FULL);
    assert_int_equal(run.delivered, 7);
    buffer_free(&run.text);
}

static void test_interrupted_between_pictures(void **state)
{
    (void)state;
    atomic_bool cancel = false;
    struct run run = {.stop_after = 10, .cancel = &cancel};
    struct error error;
    assert_int_equal(analyse(&run, 2, 500, ERR_END, &error), ERR_CANCELED);
    assert_in_range(run.delivered, 10,
                    10 + 2 * 2 + 1); /* what had been read is delivered, nothing more is read */
    buffer_free(&run.text);
}

static void test_an_empty_source(void **state)
{
    (void)state;
    struct run run = {0};
    struct error error;
    assert_int_equal(analyse(&run, 2, 0, ERR_END, &error), 0);
    assert_int_equal(run.delivered, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bytes_for_any_number_of_workers),
        cmocka_unit_test(test_a_failing_source_gives_what_came_before),
        cmocka_unit_test(test_a_failing_receiver_ends_the_run),
        cmocka_unit_test(test_interrupted_between_pictures),
        cmocka_unit_test(test_an_empty_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
