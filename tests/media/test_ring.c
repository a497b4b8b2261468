/* The ring's files: what is found, what goes, in which order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "fixture.h"
#include "media/ring.h"

#define S NS_PER_S

static struct ring *new_ring(const char *folder)
{
    struct ring *ring;
    struct error error = {0};

    if (ring_create(fixture_path(folder), &ring, &error) != 0)
        fail_msg("%s", error.text);
    return ring;
}

/* A segment of `seconds` and `bytes` bytes, on disk too. */
static void add(struct ring *ring, const char *stream_id, int64_t start_s, int64_t seconds, size_t bytes)
{
    int64_t start_ns = start_s * S;
    char path[RING_PATH_MAX];
    struct error error = {0};

    if (ring_begin(ring, stream_id, &start_ns, path, &error) != 0)
        fail_msg("%s", error.text);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    for (size_t i = 0; i < bytes; i++)
        fputc('x', f);
    fclose(f);
    ring_update(ring, stream_id, start_ns + seconds * S, (int64_t)bytes, true);
}

struct found {
    char text[512];
};

static bool note(void *user, const struct ring_segment *segment, const char *path)
{
    struct found *found = user;
    size_t used = strlen(found->text);

    assert_true(file_exists(path));
    snprintf(found->text + used, sizeof found->text - used, "%s%lld", used ? " " : "",
             (long long)(segment->start_ns / S));
    return true;
}

static void expect(const struct ring *ring, const char *stream_id, int64_t from_s, int64_t to_s,
                   const char *starts)
{
    struct found found = {""};

    ring_find(ring, stream_id, from_s * S, to_s * S, note, &found);
    assert_string_equal(found.text, starts);
}

static void what_overlaps_is_found(void **state)
{
    struct ring *ring = new_ring("overlap");

    (void)state;
    for (int i = 0; i < 5; i++)
        add(ring, "gate", 100 + 4 * i, 4, 10);
    add(ring, "other", 108, 4, 10);
    expect(ring, "gate", 0, 1000, "100 104 108 112 116");
    expect(ring, "gate", 105, 109, "104 108");
    expect(ring, "gate", 121, 200, "");
    expect(ring, "nobody", 0, 1000, "");
    assert_int_equal(ring_bytes(ring), 60);
    assert_int_equal(ring_count(ring), 6);
    ring_destroy(&ring);
}

static void limits_are_kept(void **state)
{
    static const struct {
        const char *name;
        struct ring_limits limits;
        const char *gate, *other;
    } cases[] = {
        {"nothing", {.keep_ns = 1000 * S}, "900 910 920 930", "905 915 925 935"},
        {"age", {.keep_ns = 71 * S}, "920 930", "925 935"},
        {"camera", {.keep_ns = 1000 * S, .bytes_camera = 20}, "920 930", "925 935"},
        {"all", {.keep_ns = 1000 * S, .bytes_all = 50}, "920 930", "915 925 935"},
        {"none fits", {.keep_ns = 1000 * S, .bytes_all = 5}, "", ""},
        /* the disk never has so much room: down to the youngest */
        {"disk", {.keep_ns = 1000 * S, .free_bytes = INT64_MAX, .least_ns = 62 * S}, "930", "935"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ring *ring = new_ring(cases[i].name);

        for (int k = 0; k < 4; k++) {
            add(ring, "gate", 900 + 10 * k, 9, 10);
            add(ring, "other", 905 + 10 * k, 9, 10);
        }
        ring_trim(ring, &cases[i].limits, 1000 * S);
        expect(ring, "gate", 0, 10000, cases[i].gate);
        expect(ring, "other", 0, 10000, cases[i].other);
        ring_destroy(&ring);
    }
}

static void an_open_segment_never_goes(void **state)
{
    struct ring *ring = new_ring("open");
    struct ring_limits limits = {.keep_ns = S, .bytes_all = 1, .bytes_camera = 1, .free_bytes = INT64_MAX};
    int64_t start_ns = 100 * S;
    char path[RING_PATH_MAX];

    (void)state;
    assert_int_equal(ring_begin(ring, "gate", &start_ns, path, NULL), 0);
    ring_update(ring, "gate", 104 * S, 100, false);
    assert_int_equal(ring_trim(ring, &limits, 1000 * S), 0);
    assert_int_equal(ring_bytes(ring), 100);
    ring_update(ring, "gate", 105 * S, 110, true);
    assert_int_equal(ring_trim(ring, &limits, 1000 * S), 1);
    assert_int_equal(ring_bytes(ring), 0);
    ring_destroy(&ring);
}

static void names_do_not_collide(void **state)
{
    struct ring *ring = new_ring("names");
    int64_t start_ns = 100 * S;
    char path[RING_PATH_MAX];

    (void)state;
    add(ring, "gate", 100, 1, 1);
    assert_int_equal(ring_begin(ring, "gate", &start_ns, path, NULL), 0);
    assert_int_equal(start_ns, 100 * S + NS_PER_MS);
    ring_destroy(&ring);
}

static void a_new_process_finds_what_is_there(void **state)
{
    int64_t now_s = clock_wall_ns() / S;
    struct ring *ring = new_ring("found");
    struct ring_limits limits = {.keep_ns = 3600 * S};
    struct ring_segment all;
    char text[64];

    (void)state;
    add(ring, "gate", now_s - 20, 4, 30);
    add(ring, "gate", now_s - 10, 4, 40);
    add(ring, "gate", now_s + 4000, 4, 7); /* from before the clock was set back */
    ring_destroy(&ring);
    assert_int_equal(chdir(fixture_path("found")), 0);
    assert_int_equal(mkdir("foreign folder", 0700), 0);
    assert_int_equal(mkdir("empty", 0700), 0);
    assert_int_equal(mkdir("gate/5.mkv", 0700), 0);
    fixture_write("found/gate/notes.txt", "mine", 4);
    fixture_write("found/gate/-5.mkv", "mine", 4);
    fixture_write("found/gate/99999999999999999999999.mkv", "mine", 4);
    fixture_write("found/readme", "mine", 4);

    ring = new_ring("found");
    assert_int_equal(ring_count(ring), 3);
    assert_int_equal(ring_bytes(ring), 77);
    assert_int_equal(ring_trim(ring, &limits, now_s * S), 1);
    snprintf(text, sizeof text, "%lld %lld", (long long)now_s - 20, (long long)now_s - 10);
    expect(ring, "gate", 0, now_s + 10000, text);
    assert_true(ring_span(ring, "gate", &all));
    assert_int_equal(all.bytes, 70);
    assert_false(ring_span(ring, "empty", &all));

    /* All goes, but not what is not the ring's. */
    assert_int_equal(ring_trim(ring, &limits, (now_s + 9000) * S), 2);
    assert_true(file_exists(fixture_path("found/gate/notes.txt")));
    assert_true(file_exists(fixture_path("found/gate/99999999999999999999999.mkv")));
    ring_destroy(&ring);
    assert_int_equal(chdir("/"), 0);
}

static void a_folder_that_cannot_be_is_an_empty_ring(void **state)
{
    struct ring *ring;
    struct error error = {0};

    (void)state;
    fixture_write("file", "x", 1);
    assert_true(ring_create(fixture_path("file/ring"), &ring, &error) < 0);
    assert_non_null(ring);
    assert_int_equal(ring_count(ring), 0);
    assert_int_equal(unlink(fixture_path("file")), 0);
    assert_int_equal(ring_look(ring, &error), 0);
    ring_destroy(&ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_overlaps_is_found),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(an_open_segment_never_goes),
        cmocka_unit_test(names_do_not_collide),
        cmocka_unit_test(a_new_process_finds_what_is_there),
        cmocka_unit_test(a_folder_that_cannot_be_is_an_empty_ring),
    };

    return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
