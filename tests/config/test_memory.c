/*
 * Every allocation fails once: the configuration is then not read, the error says so, and nothing is left
 * behind. This file stands in front of the C library's allocator; a sanitizer stands there already, so under
 * one the tests are skipped.
 */
#include "load.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CAN_FAIL 0
static long allocations_left = -1, blocks_live;
#else
#define CAN_FAIL 1
static long allocations_left = -1; /* -1: never fail */
static long blocks_live;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *block);
void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *old, size_t size);
void *aligned_alloc(size_t alignment, size_t size);
void free(void *block);

static bool fails(void)
{
    if (allocations_left == 0) {
        return true;
    }
    if (allocations_left > 0) {
        allocations_left--;
    }
    return false;
}

static void *counted(void *block)
{
    blocks_live += block != NULL;
    return block;
}

void *malloc(size_t size)
{
    return fails() ? NULL : counted(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : counted(__libc_calloc(count, size));
}

void *realloc(void *old, size_t size)
{
    if (fails()) {
        return NULL;
    }
    void *block = __libc_realloc(old, size);
    blocks_live += block != NULL && old == NULL;
    return block;
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : counted(__libc_memalign(alignment, size));
}

void free(void *block)
{
    blocks_live -= block != NULL;
    __libc_free(block);
}
#endif

static const char whole[] = "server: {bind: \"::1\", port: 0}\n"
                            "media: {allowed_dirs: [a, b, c]}\n"
                            "detection: {masks: [[[0, 0], [1, 0], [1, 1]]]}\n"
                            "streams:\n"
                            "  - &gate\n"
                            "    stream_id: gate\n"
                            "    uri: var/a.avi\n"
                            "    zones: [{id: z, polygon: &corner [[0, 0], [1, 0], [1, 1]]}]\n"
                            "    lines: [{id: l, points: *corner}]\n"
                            "    calibration: {size: 9x9, homography: {pairs: [[0, 0, 0, 0], [9, 0, 9, 0], "
                            "[9, 9, 9, 9], [0, 9, 0, 9], [5, 5, 5, 5]]}}\n"
                            "  - {stream_id: b, uri: rtsp://h/x, calibration: {size: 9x9, homography: "
                            "{matrix: [1, 0, 0, 0, 1, 0, 0, 0, 1]}}}\n"
                            "alerts: {rules: [{id: r, zone: z, measure: density_peak}]}\n";

/* Runs `attempt` with ever later failures until it succeeds. */
static void fail_everywhere(int (*attempt)(struct error *error))
{
    long failures = 0;
    for (long at = 0;; at++) {
        long before = blocks_live;
        struct error error = {0};
        allocations_left = at;
        int rc = attempt(&error);
        allocations_left = -1;
        assert_int_equal(blocks_live, before);
        if (rc == 0) {
            break;
        }
        assert_int_equal(rc, ERR_NOMEM);
        failures++;
    }
    assert_true(failures > 5);
}

static int load_whole(struct error *error)
{
    struct config *config = NULL;
    int rc = config_load_text(whole, strlen(whole), "t.yaml", &config, NULL, error);
    if (rc == 0) {
        config_unref(&config);
    }
    return rc;
}

static void test_load(void **state)
{
    (void)state;
    if (!CAN_FAIL) {
        skip();
    }
    fail_everywhere(load_whole);
}

static const struct config *shared;
static const struct json *shared_json;

static int read_stream(struct error *error)
{
    struct stream_config *stream = NULL;
    int rc = stream_config_from_json(shared, shared_json, &stream, NULL, NULL, error);
    stream_config_free(&stream);
    return rc;
}

static int copy_stream(struct error *error)
{
    (void)error;
    struct stream_config *copy = stream_config_copy(&shared->streams[0]);
    if (copy == NULL) {
        return ERR_NOMEM;
    }
    stream_config_free(&copy);
    return 0;
}

static void test_stream(void **state)
{
    (void)state;
    if (!CAN_FAIL) {
        skip();
    }
    struct config *config = load_right(whole);
    struct buffer text = {0};
    struct json_writer w = json_writer_on(&text);
    stream_config_write_json(&w, &config->streams[1], true);
    struct json *root = NULL;
    assert_int_equal(json_parse(text.data, text.size, &root, NULL), 0);
    shared = config;
    shared_json = root;
    fail_everywhere(read_stream);
    long before = blocks_live;
    for (long at = 0; at < 100; at++) {
        allocations_left = at;
        int rc = copy_stream(NULL);
        allocations_left = -1;
        assert_int_equal(blocks_live, before);
        if (rc == 0) {
            assert_true(at > 3);
            break;
        }
    }
    json_free(root);
    buffer_free(&text);
    config_unref(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_load), cmocka_unit_test(test_stream)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
