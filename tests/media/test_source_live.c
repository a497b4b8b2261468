/* The video source on cameras: a real RTSP server that is killed and frozen, and an HTTP server that
 * misbehaves. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/file.h"
#include "fixture.h"
#include "http_server.h"
#include "media/source.h"

static const struct source_kind *const kind = &source_kind_ffmpeg;

#define OPEN_NS (5 * NS_PER_S)
#define READ_NS (NS_PER_S)

/* ---- an RTSP server of our own, in a process that can be stopped ---- */

struct farm {
    pid_t pid;
    int port;
};

static int free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &size), 0);
    close(fd);
    return ntohs(a.sin_port);
}

/* `options`: what else rtsp_farm is told, at most four words, ended by NULL. */
static void farm_exec(int port, int out, const char *const *options)
{
    char port_text[16];
    const char *words[16] = {
        "rtsp_farm", "--cams", "2", "--port", port_text, "--file", fixture_path("cam.mp4")};

    snprintf(port_text, sizeof port_text, "%d", port);
    dup2(out, STDOUT_FILENO);
    for (size_t i = 0; options && options[i]; i++)
        words[7 + i] = options[i];
    execv(getenv("SCI_RTSP_FARM"), (char *const *)(uintptr_t)words);
    _exit(127);
}

/* False when somebody else was faster to take the port. */
static bool farm_try(struct farm *farm, const char *const *options)
{
    char line[256];
    int ends[2];
    FILE *out;
    bool ready;

    farm->port = free_port();
    assert_int_equal(pipe(ends), 0);
    farm->pid = fork();
    assert_true(farm->pid >= 0);
    if (farm->pid == 0)
        farm_exec(farm->port, ends[1], options);
    close(ends[1]);
    out = fdopen(ends[0], "r");
    assert_non_null(out);
    ready = fgets(line, sizeof line, out) && strncmp(line, "ready", 5) == 0;
    fclose(out);
    if (!ready)
        waitpid(farm->pid, NULL, 0);
    return ready;
}

static struct farm farm_start(const char *const *options)
{
    struct farm farm = {0};

    if (!getenv("SCI_RTSP_FARM"))
        skip();
    fixture_ffmpeg("-f lavfi -i testsrc2=size=320x240:rate=25:duration=4 -c:v libx264 -g 25 -bf 0 -pix_fmt "
                   "yuv420p cam.mp4");
    for (int i = 0; i < 5; i++)
        if (farm_try(&farm, options))
            return farm;
    fail_msg("the RTSP server did not start");
    return farm;
}

static void farm_stop(const struct farm *farm)
{
    kill(farm->pid, SIGKILL);
    waitpid(farm->pid, NULL, 0);
}

static const char *farm_uri(const struct farm *farm, const char *user, const char *rest)
{
    static char uri[256];

    snprintf(uri, sizeof uri, "rtsp://%s127.0.0.1:%d/%s", user, farm->port, rest);
    return uri;
}

static int open_uri(const char *uri, const atomic_bool *cancel, struct source **source, struct error *error)
{
    struct source_options options = {.uri = uri,
                                     .open_timeout_ns = OPEN_NS,
                                     .read_timeout_ns = READ_NS,
                                     .picture_limit = 2,
                                     .cancel = cancel};

    return kind->open(&options, source, error);
}

static struct source *must_open(const char *uri, const atomic_bool *cancel)
{
    struct error error = {0};
    struct source *source;

    if (open_uri(uri, cancel, &source, &error) != 0)
        fail_msg("%s", error.text);
    return source;
}

static void read_pictures(struct source *source, int count)
{
    struct error error = {0};
    int64_t last_ns = -1, last_capture = 0;

    for (int i = 0; i < count; i++) {
        struct observation o;

        if (kind->read(source, &o, &error) != 0)
            fail_msg("picture %d: %s", i + 1, error.text);
        assert_int_equal(o.number, i + 1);
        assert_true(o.stream_ns > last_ns);
        assert_true(o.capture.mono_ns >= last_capture);
        assert_true(o.capture.mono_ns <= clock_monotonic_ns());
        last_ns = o.stream_ns;
        last_capture = o.capture.mono_ns;
        observation_release(&o);
    }
}

/* What comes after the pictures that were on their way. */
static int final_code(struct source *source, struct error *error)
{
    int64_t pictures;
    int code = fixture_read_all(kind, source, &pictures, error);

    assert_true(pictures < 200);
    assert_true(error->text[0]);
    return code;
}

static void cameras_over_tcp_and_udp(void **state)
{
    static const struct {
        const char *rest, *description;
    } ways[] = {{"cam1", "RTSP over TCP"}, {"cam2#udp", "RTSP over UDP"}};
    struct farm farm = farm_start(NULL);

    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct source *source = must_open(farm_uri(&farm, "", ways[i].rest), NULL);
        struct source_info info;

        read_pictures(source, 30);
        kind->info(source, &info);
        assert_true(info.live);
        assert_int_equal(info.width, 320);
        assert_int_equal(info.height, 240);
        assert_non_null(strstr(info.description, ways[i].description));
        kind->close(&source);
    }
    farm_stop(&farm);
}

/* One packet in fifty gets lost: pictures are torn or missing, and the camera stays. */
static void lost_packets(void **state)
{
    struct farm farm = farm_start((const char *[]){"--loss", "0.02", NULL});
    struct source *source = must_open(farm_uri(&farm, "", "cam1#udp"), NULL);
    struct source_info info;

    (void)state;
    read_pictures(source, 150);
    kind->info(source, &info);
    assert_int_equal(info.faults.untrusted, 0);
    kind->close(&source);
    farm_stop(&farm);
}

static void passwords(void **state)
{
    struct farm farm = farm_start((const char *[]){"--user", "guard", "--password", "hush9", NULL});
    struct source *source;
    struct error error = {0};

    (void)state;
    assert_int_equal(open_uri(farm_uri(&farm, "guard:Wr0ng@", "cam1"), NULL, &source, &error), ERR_AUTH);
    assert_null(source);
    assert_null(strstr(error.text, "Wr0ng"));
    assert_null(strstr(error.text, "guard"));
    assert_int_equal(open_uri(farm_uri(&farm, "", "cam1"), NULL, &source, &error), ERR_AUTH);
    source = must_open(farm_uri(&farm, "guard:hush9@", "cam1"), NULL);
    read_pictures(source, 3);
    kind->close(&source);
    farm_stop(&farm);
}

static void nobody_there(void **state)
{
    struct farm farm = farm_start(NULL);
    struct source *source;
    struct error error = {0};

    (void)state;
    assert_int_equal(open_uri(farm_uri(&farm, "", "nothing_here"), NULL, &source, &error), ERR_NOT_FOUND);
    farm_stop(&farm);
    assert_int_equal(open_uri(farm_uri(&farm, "guard:hush9@", "cam1"), NULL, &source, &error), ERR_IO);
    assert_null(source);
    assert_null(strstr(error.text, "hush9"));
    assert_non_null(strstr(error.text, "127.0.0.1"));
}

static void killed_while_reading(void **state)
{
    struct farm farm = farm_start(NULL);
    struct source *source = must_open(farm_uri(&farm, "", "cam1"), NULL);
    struct error error = {0};
    struct observation o;

    (void)state;
    read_pictures(source, 5);
    farm_stop(&farm);
    assert_int_equal(final_code(source, &error), ERR_IO);
    assert_int_equal(kind->read(source, &o, &error), ERR_IO);
    kind->close(&source);
}

/* A frozen camera keeps its connection: only the clock tells. */
static void frozen_while_reading(void **state)
{
    struct farm farm = farm_start(NULL);
    struct source *source = must_open(farm_uri(&farm, "", "cam1"), NULL);
    struct error error = {0};
    struct observation o;

    (void)state;
    read_pictures(source, 5);
    kill(farm.pid, SIGSTOP);
    assert_int_equal(final_code(source, &error), ERR_TIMEOUT);
    assert_int_equal(kind->read(source, &o, &error), ERR_TIMEOUT);
    kind->close(&source);
    assert_int_equal(open_uri(farm_uri(&farm, "", "cam1"), NULL, &source, &error), ERR_TIMEOUT);
    kill(farm.pid, SIGCONT);
    source = must_open(farm_uri(&farm, "", "cam1"), NULL);
    read_pictures(source, 5);
    kind->close(&source);
    farm_stop(&farm);
}

static void *set_later(void *flag)
{
    clock_sleep_ns(150 * NS_PER_MS);
    atomic_store((atomic_bool *)flag, true);
    return NULL;
}

static void cancel_interrupts_open_and_read(void **state)
{
    struct farm farm = farm_start(NULL);
    atomic_bool cancel = false;
    struct source *source = must_open(farm_uri(&farm, "", "cam1"), &cancel);
    struct error error = {0};
    pthread_t thread;

    (void)state;
    read_pictures(source, 5);
    kill(farm.pid, SIGSTOP);
    pthread_create(&thread, NULL, set_later, &cancel);
    assert_int_equal(final_code(source, &error), ERR_CANCELED);
    pthread_join(thread, NULL);
    kind->close(&source);
    atomic_store(&cancel, false);
    pthread_create(&thread, NULL, set_later, &cancel);
    assert_int_equal(open_uri(farm_uri(&farm, "", "cam2"), &cancel, &source, &error), ERR_CANCELED);
    pthread_join(thread, NULL);
    farm_stop(&farm);
}

/* Both pictures that may be out are held: the camera goes on, and the newest is there when one comes back. */
static void a_slow_consumer_gets_the_newest(void **state)
{
    struct farm farm = farm_start(NULL);
    struct source *source = must_open(farm_uri(&farm, "", "cam1"), NULL);
    struct error error = {0};
    struct observation held[2], o;

    (void)state;
    assert_int_equal(kind->read(source, &held[0], &error), 0);
    assert_int_equal(kind->read(source, &held[1], &error), 0);
    assert_int_equal(kind->read(source, &o, &error), ERR_FULL);
    observation_release(&held[0]);
    assert_int_equal(kind->read(source, &o, &error), 0);
    assert_true(o.number > held[1].number + 5);
    observation_release(&o);
    observation_release(&held[1]);
    kind->close(&source);
    farm_stop(&farm);
}

/* A reader that was kept from reading goes on with what is new. */
static void what_is_long_past_is_not_decoded(void **state)
{
    struct farm farm = farm_start(NULL);
    struct source *source = must_open(farm_uri(&farm, "", "cam1"), NULL);
    struct source_info info = {.late_s = 1};
    int more = 0;

    (void)state;
    read_pictures(source, 60); /* two key frames */
    clock_sleep_ns(5 * NS_PER_S);
    for (; more < 200 && info.late_s > 0.5; more++) {
        struct observation o;
        struct error error = {0};

        if (kind->read(source, &o, &error) != 0)
            fail_msg("%s", error.text);
        observation_release(&o);
        kind->info(source, &info);
    }
    assert_true(more < 60);
    assert_true(info.faults.skipped > 30);
    kind->close(&source);
    farm_stop(&farm);
}

/* ---- HTTP ---- */

static void video_over_http(void **state)
{
    struct http_server *server = http_server_start(fixture_path("."));
    static const struct {
        const char *name, *make;
        int64_t count;
    } cases[] = {{"clip.mp4", "-c:v libx264 -movflags faststart", 40},
                 {"late_head.mp4", "-c:v libx264", 40},
                 {"list.m3u8", "-c:v libx264 -g 10 -f hls -hls_time 1 -hls_playlist_type vod", 40}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct source *source;
        struct source_info info;
        struct error error = {0};
        int64_t pictures;

        fixture_ffmpeg("-f lavfi -i testsrc2=size=160x120:rate=10:duration=4 %s %s", cases[i].make,
                       cases[i].name);
        source = must_open(http_server_uri(server, cases[i].name), NULL);
        kind->info(source, &info);
        assert_false(info.live);
        assert_int_equal(info.width, 160);
        if (fixture_read_all(kind, source, &pictures, &error) != ERR_END)
            fail_msg("%s", error.text);
        assert_int_equal(pictures, cases[i].count);
        kind->close(&source);
    }
    http_server_stop(server);
}

static void mjpeg_over_http(void **state)
{
    struct http_server *server;
    struct source *source;
    struct source_info info;
    struct error error = {0};

    (void)state;
    fixture_ffmpeg("-f lavfi -i testsrc2=size=160x120 -frames:v 1 -update 1 still.jpg");
    server = http_server_start(fixture_path("."));
    source = must_open(http_server_uri(server, "stream/still.jpg?count=30"), NULL);
    kind->info(source, &info);
    assert_true(info.live);
    read_pictures(source, 20);
    assert_int_equal(final_code(source, &error), ERR_IO);
    kind->close(&source);
    http_server_stop(server);
}

/* The bytes say what it is: what looks like a picture's name is no name of a picture on disk. */
static void http_that_is_named_like_a_picture(void **state)
{
    static const char *const files[] = {"clip.mp4?file=x.jpg",     "clip.mp4?f=[1-3]*.png",
                                        "clip.mp4?file=x%2d.jpeg", "renamed.jpg",
                                        "renamed.jpg?a=b",         "list.m3u8?to=x.bmp"};
    static const char *const streams[] = {"stream/still.jpg?count=30&file=x.jpg",
                                          "stream/still.jpg?count=30&file=x%2d.jpg"};
    struct http_server *server = http_server_start(fixture_path("."));
    struct error error = {0};
    struct source *source;

    (void)state;
    fixture_ffmpeg(
        "-f lavfi -i testsrc2=size=160x120:rate=10:duration=2 -c:v libx264 -g 10 clip.mp4 -c:v libx264 "
        "-f mp4 renamed.jpg -c:v libx264 -g 10 -f hls -hls_time 1 -hls_playlist_type vod list.m3u8");
    fixture_ffmpeg("-f lavfi -i testsrc2=size=160x120 -frames:v 1 -update 1 still.jpg");
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        int64_t pictures;

        source = must_open(http_server_uri(server, files[i]), NULL);
        assert_int_equal(fixture_read_all(kind, source, &pictures, &error), ERR_END);
        assert_int_equal(pictures, 20);
        kind->close(&source);
    }
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
        source = must_open(http_server_uri(server, streams[i]), NULL);
        read_pictures(source, 20);
        kind->close(&source);
    }
    http_server_stop(server);
}

static void http_that_fails(void **state)
{
    static const struct {
        const char *rest;
        int code;
    } cases[] = {{"missing.mp4", ERR_NOT_FOUND},     {"status/401", ERR_AUTH},
                 {"status/403", ERR_AUTH},           {"status/500", ERR_IO},
                 {"silence", ERR_TIMEOUT},           {"letter.txt", ERR_FORMAT},
                 {"evil.m3u8", ERR_FORMAT},          {"still.jpg", ERR_FORMAT},
                 {"still.jpg?x=y.jpg", ERR_FORMAT},  {"missing.jpg?x=y.jpg", ERR_NOT_FOUND},
                 {"letter.txt?x=y.jpg", ERR_FORMAT}, {"redirect_file", ERR_FORMAT},
                 {"empty.mp4", ERR_FORMAT}};
    static const char evil[] = "#EXTM3U\n#EXTINF:2,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n";
    struct http_server *server;

    (void)state;
    fixture_ffmpeg("-f lavfi -i testsrc2=size=160x120 -frames:v 1 -update 1 still.jpg");
    fixture_write("letter.txt", "no video\n", 9);
    fixture_write("empty.mp4", "", 0);
    fixture_write("evil.m3u8", evil, sizeof evil - 1);

    server = http_server_start(fixture_path("."));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char uri[300];
        struct source_options options = {.uri = uri, .open_timeout_ns = NS_PER_S, .read_timeout_ns = READ_NS};
        struct source *source;
        struct error error = {0};
        int result;

        snprintf(uri, sizeof uri, "http://guard:hush9@127.0.0.1:%d/%s", http_server_port(server),
                 cases[i].rest);
        result = kind->open(&options, &source, &error);
        if (result != cases[i].code)
            fail_msg("%s: %d: %s", cases[i].rest, result, error.text);
        assert_null(source);
        assert_null(strstr(error.text, "hush9"));
    }
    http_server_stop(server);
}

static void http_that_falls_silent(void **state)
{
    struct http_server *server;
    struct source *source;
    struct error error = {0};

    (void)state;
    fixture_ffmpeg("-f lavfi -i testsrc2=size=160x120 -frames:v 1 -update 1 still.jpg");
    server = http_server_start(fixture_path("."));
    source = must_open(http_server_uri(server, "stream/still.jpg?count=10&then=silence"), NULL);
    assert_int_equal(final_code(source, &error), ERR_TIMEOUT);
    kind->close(&source);
    http_server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {FIXTURE_TEST(cameras_over_tcp_and_udp),
                                       FIXTURE_TEST(lost_packets),
                                       FIXTURE_TEST(passwords),
                                       FIXTURE_TEST(nobody_there),
                                       FIXTURE_TEST(killed_while_reading),
                                       FIXTURE_TEST(frozen_while_reading),
                                       FIXTURE_TEST(cancel_interrupts_open_and_read),
                                       FIXTURE_TEST(a_slow_consumer_gets_the_newest),
                                       FIXTURE_TEST(what_is_long_past_is_not_decoded),
                                       FIXTURE_TEST(video_over_http),
                                       FIXTURE_TEST(mjpeg_over_http),
                                       FIXTURE_TEST(http_that_is_named_like_a_picture),
                                       FIXTURE_TEST(http_that_fails),
                                       FIXTURE_TEST(http_that_falls_silent)};

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
