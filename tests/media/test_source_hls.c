/* HLS from a server on this machine: a live list whose pieces come and go, and lists that lead elsewhere. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "fixture.h"
#include "http_server.h"
#include "media/source.h"

#define MS NS_PER_MS
enum { PICTURES = 200 };

static const struct source_kind *const kind = &source_kind_ffmpeg;

static int open_list(const struct http_server *server, const char *name, struct source **source,
                     struct error *error)
{
    struct source_options options = {.uri = http_server_uri(server, name),
                                     .open_timeout_ns = 20 * NS_PER_S,
                                     .read_timeout_ns = 20 * NS_PER_S,
                                     .picture_limit = 4};

    return kind->open(&options, source, error);
}

/* An encoder that writes pieces of a second at the speed of life, and keeps five. */
static pid_t start_encoder(void)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        if (chdir(fixture_path(".")) == 0)
            execlp("ffmpeg", "ffmpeg", "-nostdin", "-v", "error", "-re", "-f", "lavfi", "-i",
                   "testsrc2=size=160x120:rate=25", "-c:v", "libx264", "-preset", "ultrafast", "-g", "25",
                   "-f", "hls", "-hls_time", "1", "-hls_list_size", "5", "-hls_flags", "delete_segments",
                   "live.m3u8", (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 1200 && !file_exists(fixture_path("live3.ts")); i++)
        clock_sleep_ns(50 * MS);
    assert_true(file_exists(fixture_path("live3.ts")));
    return pid;
}

static void stop_encoder(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* Eight seconds, more than the list holds. Every picture comes, each due one step after the other: not a
 * piece at once. */
static void a_live_list_is_played_at_the_speed_of_life(void **state)
{
    struct http_server *server;
    struct source *source;
    struct source_info info;
    struct error error = {0};
    struct observation o;
    int64_t last_ns = 0, last_capture = 0;
    int even = 0;
    pid_t encoder;

    (void)state;
    if (!fixture_has("ffmpeg"))
        skip();
    server = http_server_start(fixture_path("."));
    encoder = start_encoder();
    if (open_list(server, "live.m3u8", &source, &error) != 0)
        fail_msg("%s", error.text);
    for (int i = 0; i < PICTURES; i++) {
        if (kind->read(source, &o, &error) != 0)
            fail_msg("picture %d: %s", i + 1, error.text);
        assert_true(i == 0 || o.stream_ns > last_ns);
        assert_true(o.capture.mono_ns > last_capture);
        assert_true(o.capture.mono_ns <= clock_monotonic_ns());
        even += i > 0 && llabs((o.capture.mono_ns - last_capture) - (o.stream_ns - last_ns)) < MS;
        last_ns = o.stream_ns, last_capture = o.capture.mono_ns;
        observation_release(&o);
    }
    kind->info(source, &info);
    assert_true(info.live);
    assert_non_null(strstr(info.description, "HLS"));
    assert_int_equal(info.faults.missing + info.faults.disordered + info.faults.jumps, 0);
    assert_true(even > PICTURES * 3 / 4); /* a piece that came late begins the schedule anew */
    stop_encoder(encoder);
    kind->close(&source);
    http_server_stop(server);
}

#define HEAD "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:4\n"
#define PIECE "#EXTINF:4,\n"
#define END "\n#EXT-X-ENDLIST\n"

/* %s is the path of a video that could be read, if this were allowed. */
static const char *const elsewhere[] = {
    HEAD PIECE "file://%s" END,
    HEAD PIECE "file:%s" END,
    HEAD PIECE "%s" END,
    HEAD PIECE "../../../../../..%s" END,
    HEAD PIECE "concat:%s" END,
    HEAD PIECE "subfile,,start,0,end,0,,:%s" END,
    HEAD PIECE "crypto:%s" END,
    HEAD PIECE "crypto+file://%s" END,
    HEAD PIECE "async:file:%s" END,
    HEAD PIECE "unix:%s" END,
    HEAD PIECE "tcp://127.0.0.1:9%s" END,
    HEAD PIECE "rtsp://127.0.0.1:9%s" END,
    HEAD PIECE "ftp://127.0.0.1:9%s" END,
    HEAD PIECE "data:video/mp2t;base64,%s" END,
    HEAD "#EXT-X-MAP:URI=\"file://%s\"\n" PIECE "none.ts" END,
    HEAD "#EXT-X-KEY:METHOD=AES-128,URI=\"file://%s\"\n" PIECE "none.ts" END,
    "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000\nfile://%s\n",
    "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000\nother.m3u8\n#EXT-X-MEDIA:TYPE=VIDEO,GROUP-ID=\"v\",NAME="
    "\"v\",URI=\"file://%s\"\n",
    "ffconcat version 1.0\nfile 'file://%s'\n",
};

static void lists_that_lead_elsewhere_give_nothing(void **state)
{
    struct http_server *server;
    char folder[512], clip[600], list[2048];

    (void)state;
    fixture_ffmpeg("-f lavfi -i testsrc2=size=160x120:rate=25:duration=4 -c:v libx264 clip.ts");
    snprintf(clip, sizeof clip, "%s", fixture_path("clip.ts"));
    snprintf(folder, sizeof folder, "%s", fixture_path("served"));
    assert_int_equal(file_make_dirs(folder, NULL), 0);
    server = http_server_start(folder);
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++) {
        struct source *source = NULL;
        struct error error = {0};
        int code, size;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        size = snprintf(list, sizeof list, elsewhere[i], clip);
#pragma GCC diagnostic pop
        fixture_write("served/list.m3u8", list, (size_t)size);
        code = open_list(server, "list.m3u8", &source, &error);
        if (code == 0 || source)
            fail_msg("opened: %s", list);
        assert_true(code != ERR_TIMEOUT && error.text[0]);
    }
    http_server_stop(server);
}

/* The same lists with a piece that is where it should be: what is refused is the place, not the list. */
static void the_same_list_with_its_own_piece(void **state)
{
    static const char list[] = HEAD PIECE "clip.ts" END;
    struct http_server *server;
    struct source *source;
    struct error error = {0};
    int64_t pictures;

    (void)state;
    fixture_ffmpeg("-f lavfi -i testsrc2=size=160x120:rate=25:duration=4 -c:v libx264 clip.ts");
    fixture_write("list.m3u8", list, sizeof list - 1);
    server = http_server_start(fixture_path("."));
    assert_int_equal(open_list(server, "list.m3u8", &source, &error), 0);
    assert_int_equal(fixture_read_all(kind, source, &pictures, &error), ERR_END);
    assert_int_equal(pictures, 100);
    kind->close(&source);
    http_server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {FIXTURE_TEST(a_live_list_is_played_at_the_speed_of_life),
                                       FIXTURE_TEST(lists_that_lead_elsewhere_give_nothing),
                                       FIXTURE_TEST(the_same_list_with_its_own_piece)};

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
