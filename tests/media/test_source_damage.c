/* Decoders that fail midway: a bit stream that is damaged for a while, and one that is never sound again.
 * What is wrong is counted, the pictures go on when they can, and a camera whose pictures cannot be decoded
 * any more fails and says so. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "fixture.h"
#include "http_server.h"
#include "media/source.h"

static const struct source_kind *const kind = &source_kind_ffmpeg;

static struct source *must_open(const char *uri, bool paced)
{
    struct source_options options = {.uri = uri,
                                     .paced = paced,
                                     .open_timeout_ns = 20 * NS_PER_S,
                                     .read_timeout_ns = NS_PER_S,
                                     .picture_limit = 2};

    return fixture_open(kind, &options);
}

static struct source_faults faults_of(const struct source *source)
{
    struct source_info info;

    kind->info(source, &info);
    return info.faults;
}

/* The middle third of four seconds is noise, key frames and all; the rest is sound. */
static void a_file_goes_on_behind_the_damage(void **state)
{
    static const struct {
        const char *codec, *name;
    } cases[] = {{"libx264 -g 10 -bf 2", "a.h264"}, {"mpeg4 -g 10", "b.m4v"}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error error = {0};
        struct source *source;
        int64_t pictures;

        fixture_ffmpeg("-f lavfi -i testsrc2=size=160x120:rate=25:duration=4 -pix_fmt yuv420p -c:v %s %s",
                       cases[i].codec, cases[i].name);
        fixture_damage(cases[i].name, 0.35, 0.65, 23);
        source = must_open(fixture_path(cases[i].name), false);
        assert_int_equal(fixture_read_all(kind, source, &pictures, &error), ERR_FORMAT);
        if (!strstr(error.text, "the file is damaged"))
            fail_msg("%s", error.text);
        assert_true(pictures > 50 && pictures <= 100);
        assert_true(faults_of(source).damaged > 0);
        kind->close(&source);
    }
}

/* Pictures keep coming, and none of them can be decoded. */
static void a_camera_that_sends_rubbish_fails(void **state)
{
    struct http_server *server;
    struct source *source;
    struct error error = {0};
    struct observation o;
    int64_t pictures;

    (void)state;
    fixture_ffmpeg("-f lavfi -i testsrc2=size=160x120 -frames:v 1 -update 1 still.jpg");
    fixture_ffmpeg("-f lavfi -i testsrc2=size=160x120 -frames:v 1 -f mjpeg rubbish");
    fixture_damage("rubbish", 0.001, 1, 1);
    server = http_server_start(fixture_path("."));
    source = must_open(http_server_uri(server, "stream/still.jpg?count=150&then=rubbish"), false);
    assert_int_equal(fixture_read_all(kind, source, &pictures, &error), ERR_FORMAT);
    if (!strstr(error.text, "cannot be decoded any more"))
        fail_msg("%s", error.text);
    assert_true(pictures > 0 && pictures <= 150);
    assert_true(faults_of(source).damaged > 0);
    assert_int_equal(kind->read(source, &o, &error), ERR_FORMAT);
    kind->close(&source);
    http_server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {FIXTURE_TEST(a_file_goes_on_behind_the_damage),
                                       FIXTURE_TEST(a_camera_that_sends_rubbish_fails)};

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
