/* Detections as JSON lines: a file, and a named pipe whose writers come, go, and write what they should not.
 */
#include <fcntl.h>
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

#include "fixture.h"
#include "media/detection_line.h"
#include "media/source.h"

static const struct source_kind *const kind = &source_kind_detections;

struct notes {
    int refused, skipped, remarks;
    char last[512];
};
static struct notes notes;
static atomic_bool cancel;

static void on_note(void *user, enum source_note note, const char *text)
{
    struct notes *n = user;
    n->refused += note == SOURCE_REFUSED;
    n->skipped += note == SOURCE_SKIPPED;
    n->remarks += note == SOURCE_REMARK;
    snprintf(n->last, sizeof n->last, "%s", text);
}

static struct source *opened(const char *name, const char *query, struct source_options options)
{
    char uri[700];
    snprintf(uri, sizeof uri, "detections://%s%s", fixture_path(name), query);
    options.uri = uri;
    options.on_note = on_note;
    options.note_user = &notes;
    return fixture_open(kind, &options);
}

static int next(struct source *source, struct observation *o)
{
    struct error error = {0};
    int result = kind->read(source, o, &error);
    if (result < 0)
        snprintf(notes.last, sizeof notes.last, "%s", error.text);
    return result;
}

static void assert_next(struct source *source, int64_t stream_ms, size_t count)
{
    struct observation o;
    if (next(source, &o) < 0)
        fail_msg("%s", notes.last);
    assert_int_equal(o.kind, OBSERVATION_DETECTIONS);
    assert_int_equal(o.stream_ns / NS_PER_MS, stream_ms);
    assert_int_equal(o.detection_count, count);
    assert_null(o.picture);
    observation_release(&o);
}

#define BOX "{\"x\":10,\"y\":20,\"w\":30,\"h\":60}"
#define HEAD "\"width\":640,\"height\":480,"
static const char three[] = "{\"time_s\":5," HEAD "\"detections\":[" BOX "]}\n"
                            "\n"
                            "{\"time_s\":5.2,\"detections\":[]}\r\n"
                            "{\"time_s\":5.5,\"detections\":[" BOX "," BOX "]}"; /* no end of line */

static void a_file_to_its_end_and_looped(void **state)
{
    (void)state;
    fixture_write("d.jsonl", three, strlen(three));
    struct source *source = opened("d.jsonl", "", (struct source_options){0});
    struct source_info info;
    struct observation o;
    kind->info(source, &info);
    assert_false(info.live);
    assert_int_equal(info.gives, OBSERVATION_DETECTIONS);
    assert_next(source, 0, 1);
    assert_next(source, 200, 0);
    assert_next(source, 500, 2);
    assert_int_equal(next(source, &o), ERR_END);
    kind->close(&source);
    assert_null(source);

    source = opened("d.jsonl", "", (struct source_options){.loop = true});
    for (int64_t pass = 0; pass < 3; pass++) {
        assert_next(source, 540 * pass, 1);
        assert_next(source, 540 * pass + 200, 0);
        assert_next(source, 540 * pass + 500, 2);
    }
    kind->close(&source);
    assert_int_equal(notes.refused, 0);
}

static void frame_rate_instead_of_times(void **state)
{
    static const char text[] = "{" HEAD "\"detections\":[]}\n{\"detections\":[]}\n";
    struct observation o;
    (void)state;
    fixture_write("d.jsonl", text, strlen(text));
    struct source *source = opened("d.jsonl", "", (struct source_options){.frame_rate = 8});
    assert_next(source, 0, 0);
    assert_next(source, 125, 0);
    kind->close(&source);
    source = opened("d.jsonl", "", (struct source_options){0});
    assert_int_equal(next(source, &o), ERR_INVALID);
    assert_non_null(strstr(notes.last, "line 1: time_s: missing"));
    kind->close(&source);
}

static const char flawed[] = "{\"time_s\":0,\"detections\":[]}\n"
                             "{\"time_s\":1," HEAD "\"detections\":[" BOX "]}\n"
                             "nonsense\n"
                             "{\"time_s\":0.5,\"detections\":[]}\n"
                             "{\"time_s\":1.5,\"detections\":[{\"x\":700,\"y\":0,\"w\":9,\"h\":9}]}\n"
                             "{\"time_s\":2,\"detections\":[]}\n";

static void live_use_passes_over_what_does_not_fit(void **state)
{
    struct observation o;
    (void)state;
    fixture_write("d.jsonl", flawed, strlen(flawed));
    struct source *source = opened("d.jsonl", "", (struct source_options){.paced = true});
    assert_next(source, 0, 1);
    assert_int_equal(notes.refused, 1);
    assert_string_equal(notes.last, "line 1: width: missing: the first line says the size of the pictures");
    assert_next(source, 1000, 0);
    assert_int_equal(notes.refused, 4);
    assert_string_equal(notes.last, "line 5: detections[0]: outside the picture of 640x480");
    assert_int_equal(next(source, &o), ERR_END);
    kind->close(&source);
}

static void offline_use_ends_at_it(void **state)
{
    struct observation o;
    (void)state;
    fixture_write("d.jsonl", flawed + strcspn(flawed, "\n") + 1, strlen(flawed) - strcspn(flawed, "\n") - 1);
    struct source *source = opened("d.jsonl", "", (struct source_options){0});
    assert_next(source, 0, 1);
    assert_int_equal(next(source, &o), ERR_FORMAT);
    assert_non_null(strstr(notes.last, "d.jsonl: line 2: line 1, column"));
    kind->close(&source);
}

static void a_loop_without_a_good_line_ends(void **state)
{
    struct observation o;
    (void)state;
    fixture_write("d.jsonl", "a\nb\n", 4);
    struct source *source = opened("d.jsonl", "", (struct source_options){.paced = true, .loop = true});
    assert_int_equal(next(source, &o), ERR_FORMAT);
    assert_non_null(strstr(notes.last, "there is no line that can be used"));
    assert_int_equal(notes.refused, 2);
    kind->close(&source);
}

static void what_cannot_be_opened(void **state)
{
    struct source *source = (void *)1;
    struct error error;
    char uri[700];
    (void)state;
    snprintf(uri, sizeof uri, "detections://%s", fixture_path("missing"));
    assert_int_equal(kind->open(&(struct source_options){.uri = uri}, &source, &error), ERR_NOT_FOUND);
    assert_null(source);
    snprintf(uri, sizeof uri, "detections://%s", fixture_path(""));
    assert_int_equal(kind->open(&(struct source_options){.uri = uri}, &source, &error), ERR_INVALID);
    assert_non_null(strstr(error.text, "neither a file nor a named pipe"));
    assert_ptr_equal(source_kind_for(uri, &error), kind);
}

/* ---- pipes ---- */

static struct source *opened_pipe(const char *query, int64_t timeout_ms, bool with_cancel)
{
    assert_int_equal(mkfifo(fixture_path("p"), 0600), 0);
    struct source_options options = {.paced = true, .read_timeout_ns = timeout_ms * NS_PER_MS};
    options.cancel = with_cancel ? &cancel : NULL;
    return opened("p", query, options);
}

static int writer(void)
{
    int fd = open(fixture_path("p"), O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static void put(int fd, const char *text)
{
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void put_aged(int fd, int64_t age_ms)
{
    char at[TIME_TEXT_SIZE], text[200];
    time_format(clock_wall_ns() - age_ms * NS_PER_MS, at);
    snprintf(text, sizeof text, "{\"time\":\"%s\"," HEAD "\"detections\":[" BOX "]}\n", at);
    put(fd, text);
}

static void a_writer_goes_and_another_comes(void **state)
{
    struct source_info info;
    struct observation o;
    (void)state;
    struct source *source = opened_pipe("", 30, true);
    kind->info(source, &info);
    assert_true(info.live);
    assert_int_equal(next(source, &o), ERR_TIMEOUT);
    assert_non_null(strstr(notes.last, "nobody writes to the pipe"));
    int fd = writer();
    put_aged(fd, 40);
    assert_int_equal(next(source, &o), 0);
    int64_t age = clock_monotonic_ns() - o.capture.mono_ns;
    assert_true(age >= 40 * NS_PER_MS && age < 5 * NS_PER_S);
    observation_release(&o);
    put(fd, "{\"detections\":[");
    close(fd);
    assert_int_equal(next(source, &o), ERR_CLOSED);
    assert_non_null(strstr(notes.last, "the writer has closed the pipe"));
    assert_int_equal(notes.refused, 1);
    kind->close(&source);

    source = opened("p", "", (struct source_options){.paced = true, .cancel = &cancel});
    fd = writer();
    put_aged(fd, 0);
    assert_next(source, 0, 1);
    close(fd);
    kind->close(&source);
}

static void lines_of_other_ages(void **state)
{
    struct observation o;
    (void)state;
    struct source *source = opened_pipe("?max_age=2s", 0, true);
    int fd = writer();
    put_aged(fd, 60000);
    put_aged(fd, 3000);
    put_aged(fd, 100);
    assert_next(source, 0, 1);
    assert_int_equal(notes.skipped, 2);
    assert_non_null(strstr(notes.last, "line 2 is 3.0 s old: a backlog, or the writer's clock is behind"));
    put_aged(fd, -30000);
    assert_int_equal(next(source, &o), 0);
    assert_int_equal(notes.remarks, 1);
    assert_non_null(strstr(notes.last, "ahead: the arrival counts"));
    assert_true(clock_wall_ns() - o.capture.wall_ns < 5 * NS_PER_S && o.capture.wall_ns <= clock_wall_ns());
    observation_release(&o);
    put_aged(fd, 0); /* its clock was set back: time goes on */
    assert_int_equal(next(source, &o), 0);
    assert_true(o.stream_ns > 0 && o.stream_ns < 40 * NS_PER_S);
    observation_release(&o);
    assert_int_equal(notes.refused, 0);
    close(fd);
    kind->close(&source);
}

static void a_clock_that_is_not_believed(void **state)
{
    (void)state;
    struct source *source = opened_pipe("?clock=arrival", 0, true);
    int fd = writer();
    put_aged(fd, 3600000);
    assert_next(source, 0, 1);
    assert_int_equal(notes.skipped, 0);
    close(fd);
    kind->close(&source);
}

static void a_line_without_end_is_bounded(void **state)
{
    static char many[65536];
    (void)state;
    struct source *source = opened_pipe("", 0, true);
    int fd = writer();
    memset(many, 'x', sizeof many);
    pid_t child = fork();
    if (child == 0) {
        for (size_t i = 0; i < 3 * DETECTION_LINE_BYTES_MAX; i += sizeof many)
            if (write(fd, many, sizeof many) < 0)
                _exit(1);
        dprintf(fd, "\n{" HEAD "\"detections\":[]}\n");
        _exit(0);
    }
    assert_next(source, 0, 0);
    assert_int_equal(notes.refused, 1);
    assert_string_equal(notes.last, "line 1: longer than 1048576 bytes");
    close(fd);
    kind->close(&source);
}

/* A writer who is silent is not cut off while the service waits; who cannot be interrupted does not wait. */
static void a_silent_writer(void **state)
{
    struct observation o;
    (void)state;
    struct source *source = opened_pipe("", 30, false);
    int fd = writer();
    assert_int_equal(next(source, &o), ERR_TIMEOUT);
    assert_non_null(strstr(notes.last, "no line in time"));
    kind->close(&source);
    source = opened("p", "", (struct source_options){.read_timeout_ns = 1, .cancel = &cancel});
    pid_t child = fork();
    if (child == 0) {
        clock_sleep_ns(200 * NS_PER_MS);
        dprintf(fd, "{" HEAD "\"detections\":[]}\n");
        _exit(0);
    }
    assert_next(source, 0, 0);
    atomic_store(&cancel, true);
    assert_int_equal(next(source, &o), ERR_CANCELED);
    close(fd);
    kind->close(&source);
}

static int setup(void **state)
{
    (void)state;
    memset(&notes, 0, sizeof notes);
    atomic_store(&cancel, false);
    return fixture_begin(state);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(a_file_to_its_end_and_looped),
                                       TEST(frame_rate_instead_of_times),
                                       TEST(live_use_passes_over_what_does_not_fit),
                                       TEST(offline_use_ends_at_it),
                                       TEST(a_loop_without_a_good_line_ends),
                                       TEST(what_cannot_be_opened),
                                       TEST(a_writer_goes_and_another_comes),
                                       TEST(lines_of_other_ages),
                                       TEST(a_clock_that_is_not_believed),
                                       TEST(a_line_without_end_is_bounded),
                                       TEST(a_silent_writer)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
