/* The stream manager on the sample clip and the default model; skipped where set-up has not laid them out. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "pipeline/manager.h"

struct seen {
    pthread_mutex_t lock;
    char epoch[EPOCH_SIZE];
    int64_t snapshots, last_seq;
    int out_of_order;
    double people;
    int failed_states;
    char reason[256];
};

static struct seen seen;
static struct config *config;
static struct network *network;
static struct manager *manager;

static void put(void *self, const struct snapshot *snapshot, struct picture *picture)
{
    struct seen *s = self;
    pthread_mutex_lock(&s->lock);
    if (strcmp(s->epoch, snapshot->epoch) == 0 && snapshot->seq != s->last_seq + 1)
        s->out_of_order++;
    text_copy(s->epoch, sizeof s->epoch, snapshot->epoch);
    s->last_seq = snapshot->seq;
    s->snapshots++;
    if (snapshot->measures.of[MEASURE_PEOPLE].value > s->people)
        s->people = snapshot->measures.of[MEASURE_PEOPLE].value;
    if (!picture || picture->number != snapshot->frame || !snapshot->measures.of[MEASURE_PICTURE_AGE].valid)
        s->out_of_order++;
    pthread_mutex_unlock(&s->lock);
}

static void on_state(void *user, const char *stream_id, enum stream_state state, enum stream_cause cause,
                     const char *reason)
{
    struct seen *s = user;
    (void)cause;
    if (strcmp(stream_id, "missing") != 0 || state != STREAM_FAILED)
        return;
    pthread_mutex_lock(&s->lock);
    s->failed_states++;
    text_copy(s->reason, sizeof s->reason, reason);
    pthread_mutex_unlock(&s->lock);
}

static void current_epoch(char *out)
{
    pthread_mutex_lock(&seen.lock);
    text_copy(out, EPOCH_SIZE, seen.epoch);
    pthread_mutex_unlock(&seen.lock);
}

static int out_of_order(void)
{
    pthread_mutex_lock(&seen.lock);
    int n = seen.out_of_order;
    pthread_mutex_unlock(&seen.lock);
    return n;
}

static double most_people(void)
{
    pthread_mutex_lock(&seen.lock);
    double n = seen.people;
    pthread_mutex_unlock(&seen.lock);
    return n;
}

static int64_t snapshots(void)
{
    pthread_mutex_lock(&seen.lock);
    int64_t n = seen.snapshots;
    pthread_mutex_unlock(&seen.lock);
    return n;
}

/* Waits until more than `count` snapshots have come; fails after a minute. */
static void wait_for_more_than(int64_t count)
{
    int64_t until = clock_monotonic_ns() + 60 * NS_PER_S;
    while (snapshots() <= count) {
        assert_true(clock_monotonic_ns() < until);
        clock_sleep_ns(5 * NS_PER_MS);
    }
}

static int set_up(void **state)
{
    (void)state;
    const char *root = getenv("SCI_SOURCE_ROOT");
    char clip[1024], model[1024];
    struct error error;
    path_join(clip, sizeof clip, root ? root : ".", "var/sample/vtest.avi");
    path_join(model, sizeof model, root ? root : ".", "var/models/nanodet_g_int8.onnx");
    pthread_mutex_init(&seen.lock, NULL);
    if (!file_exists(clip) || !file_exists(model))
        return 0;
    struct network_options options = {.model_path = model, .family = "auto", .threads = 1};
    assert_int_equal(config_load(NULL, &config, NULL, &error), 0);
    assert_int_equal(network_open(&options, &network, &error), 0);
    struct snapshot_sink sink = {.put = put, .self = &seen};
    struct manager_options m = {.config = config,
                                .network = network,
                                .sinks = &sink,
                                .sink_count = 1,
                                .on_state = on_state,
                                .user = &seen};
    assert_int_equal(manager_start(&m, &manager, &error), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    manager_stop(&manager);
    if (network)
        network_close(&network);
    config_unref(&config);
    pthread_mutex_destroy(&seen.lock);
    return 0;
}

static int add(const char *id, const char *path, struct error *error)
{
    char uri[1024];
    const char *root = getenv("SCI_SOURCE_ROOT");
    path_join(uri, sizeof uri, root ? root : ".", path);
    struct stream_config *stream = stream_config_default(config, id, uri);
    assert_non_null(stream);
    stream->loop = true;
    stream->paced = true;
    stream->frame_rate = 25;
    int result = manager_add(manager, stream, error);
    stream_config_free(&stream);
    return result;
}

static void test_a_camera_that_fails_leaves_the_other_alone(void **state)
{
    (void)state;
    struct error error;
    struct stream_status status;
    if (!manager)
        skip();
    assert_int_equal(add("square", "var/sample/vtest.avi", &error), 0);
    assert_int_equal(add("missing", "var/sample/no-such.avi", &error), 0);
    assert_int_equal(add("square", "var/sample/vtest.avi", &error), ERR_EXISTS);
    wait_for_more_than(40);
    assert_int_equal(out_of_order(), 0);
    assert_true(most_people() >= 3);
    assert_int_equal(manager_status(manager, "square", &status), 0);
    assert_int_equal(status.state, STREAM_LIVE);
    assert_int_equal(status.width, 768);
    assert_true(isnan(status.retry_in_s));
    assert_true(status.frames_analyzed >= 40 && status.seq >= 40 && status.people.valid);
    assert_int_equal(manager_status(manager, "missing", &status), 0);
    assert_int_equal(status.state, STREAM_FAILED);
    assert_non_null(strstr(status.reason, "no-such.avi"));
    assert_int_equal(status.cause, CAUSE_NOT_FOUND);
    assert_true(status.retry_in_s >= 0); /* whenever it is looked at */
    assert_int_equal(status.entered[STREAM_CONNECTING], 1);
    assert_int_equal(manager_statuses(manager, &status, 1), 2);
    assert_string_equal(status.stream_id, "missing");
}

static void test_nothing_comes_after_removal(void **state)
{
    (void)state;
    struct error error;
    struct stream_status status;
    char epoch[EPOCH_SIZE], next[EPOCH_SIZE];
    if (!manager)
        skip();
    assert_int_equal(manager_remove(manager, "missing", &error), 0);
    assert_int_equal(manager_remove(manager, "missing", &error), ERR_NOT_FOUND);
    assert_int_equal(manager_remove(manager, "square", &error), 0);
    int64_t after = snapshots();
    current_epoch(epoch);
    clock_sleep_ns(200 * NS_PER_MS);
    assert_int_equal(snapshots(), after);
    assert_int_equal(manager_status(manager, "square", &status), ERR_NOT_FOUND);
    assert_int_equal(add("square", "var/sample/vtest.avi", &error), 0);
    wait_for_more_than(after + 2);
    current_epoch(next);
    assert_string_not_equal(next, epoch); /* a new life, numbered anew */
    assert_int_equal(out_of_order(), 0);
}

static void test_added_and_removed_while_others_run(void **state)
{
    (void)state;
    struct error error;
    if (!manager)
        skip();
    for (int i = 0; i < 20; i++) {
        char id[16];
        text_format(id, sizeof id, "extra%d", i % 3);
        assert_int_equal(add(id, "var/sample/vtest.avi", &error), 0);
        clock_sleep_ns((i % 4) * 20 * NS_PER_MS);
        assert_int_equal(manager_remove(manager, id, &error), 0);
    }
    wait_for_more_than(snapshots() + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_camera_that_fails_leaves_the_other_alone),
        cmocka_unit_test(test_nothing_comes_after_removal),
        cmocka_unit_test(test_added_and_removed_while_others_run),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
