/* The recorder fed with real coded video: what is kept, what a clip holds, what happens when the disk does
 * not take it or the process is killed. */
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <libavformat/avformat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "fixture.h"
#include "media/clip.h"
#include "media/recorder.h"
#include "media/recorder_internal.h"
#include "media/source.h"
#include "media/tap.h"

#define S NS_PER_S

static struct recorder_options options_for(const char *folder)
{
    static char ring[512], clips[512];

    snprintf(ring, sizeof ring, "%s/ring", fixture_path(folder));
    snprintf(clips, sizeof clips, "%s/clips", fixture_path(folder));
    assert_int_equal(file_make_dirs(clips, NULL), 0);
    return (struct recorder_options){.folder = ring,
                                     .clips_folder = clips,
                                     .keep_ns = 600 * S,
                                     .segment_ns = 2 * S,
                                     .queue_bytes = 64 << 20,
                                     .before_ns = 3 * S,
                                     .after_ns = 2 * S};
}

static struct recorder *start(const struct recorder_options *options)
{
    struct recorder *recorder;
    struct error error = {0};

    if (recorder_start(options, &recorder, &error) != 0)
        fail_msg("%s", error.text);
    return recorder;
}

/* Until the condition holds; fails after a while. */
#define WAIT_FOR(recorder, condition)                                                                        \
    do {                                                                                                     \
        struct recorder_state s;                                                                             \
        int64_t until = clock_monotonic_ns() + 20 * S;                                                       \
        for (;;) {                                                                                           \
            recorder_get_state(recorder, &s);                                                                \
            if (condition)                                                                                   \
                break;                                                                                       \
            if (clock_monotonic_ns() > until)                                                                \
                fail_msg("%s: not within 20 s (%s)", #condition, s.reason);                                  \
            clock_sleep_ns(20 * NS_PER_MS);                                                                  \
        }                                                                                                    \
    } while (0)

/* ---- video that arrives, as if it had begun `ago_s` seconds ago ---- */

struct feed {
    AVFormatContext *format;
    AVPacket *packet;
    struct instant began;
    int64_t count;
};

static void feed_open(struct feed *feed, struct packet_tap *tap, const char *file, int64_t ago_s)
{
    struct instant now = clock_now();

    *feed = (struct feed){.packet = av_packet_alloc(),
                          .began = {now.wall_ns - ago_s * S, now.mono_ns - ago_s * S}};
    assert_int_equal(avformat_open_input(&feed->format, fixture_path(file), NULL, NULL), 0);
    assert_true(avformat_find_stream_info(feed->format, NULL) >= 0);
    tap->begin(tap, feed->format->streams[0]);
}

static bool feed_one(struct feed *feed, struct packet_tap *tap)
{
    if (av_read_frame(feed->format, feed->packet) < 0)
        return false;
    int64_t stamp = feed->packet->dts != AV_NOPTS_VALUE ? feed->packet->dts : feed->packet->pts;
    int64_t ns = av_rescale_q(stamp, feed->format->streams[0]->time_base, (AVRational){1, 1000000000});
    struct instant arrival = {feed->began.wall_ns + ns, feed->began.mono_ns + ns};

    tap->put(tap, feed->packet, &arrival);
    feed->count++;
    av_packet_unref(feed->packet);
    return true;
}

static void feed_close(struct feed *feed, struct packet_tap *tap)
{
    tap->end(tap);
    av_packet_free(&feed->packet);
    avformat_close_input(&feed->format);
}

static int64_t feed_all(struct packet_tap *tap, const char *file, int64_t ago_s)
{
    struct feed feed;

    feed_open(&feed, tap, file, ago_s);
    while (feed_one(&feed, tap))
        ;
    feed_close(&feed, tap);
    return feed.began.wall_ns;
}

static void make_video(const char *name, const char *codec, int seconds)
{
    if (!file_exists(fixture_path(name)))
        fixture_ffmpeg("-f lavfi -i testsrc2=size=160x120:rate=25:duration=%d %s -pix_fmt yuv420p %s",
                       seconds, codec, name);
}

/* Decodes it: how many pictures, and that it ends without damage. */
static int64_t pictures_of(const char *path)
{
    return fixture_count_pictures(&(struct source_options){.uri = path});
}

static size_t files_in(const char *folder)
{
    DIR *dir = opendir(folder);
    size_t count = 0;

    for (struct dirent *e; dir && (e = readdir(dir));)
        count += e->d_name[0] != '.';
    if (dir)
        closedir(dir);
    return count;
}

/* ---- tests ---- */

static void every_codec_gives_a_clip(void **state)
{
    static const struct {
        const char *name, *codec;
        double key_s; /* between key frames */
    } cases[] = {
        {"plain.mp4", "-c:v libx264 -preset ultrafast -g 25 -bf 0", 1},
        {"reordered.mp4",
         "-c:v libx264 -preset ultrafast -g 50 -bf 3 -x264-params open-gop=1:b-pyramid=normal", 2},
        {"bare.ts", "-c:v libx264 -preset ultrafast -g 25 -bf 0 -f mpegts",
         1}, /* parameter sets in the stream alone */
        {"hevc.mp4", "-c:v libx265 -preset ultrafast -x265-params log-level=error:keyint=25 -tag:v hvc1", 1},
        {"old.avi", "-c:v mpeg4 -g 25 -bf 0 -q:v 5", 1},
        {"motion.avi", "-c:v mjpeg -q:v 5", 0.04},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char clip[512], folder[64];
        struct recorder_options options;

        make_video(cases[i].name, cases[i].codec, 12);
        snprintf(folder, sizeof folder, "codec%zu", i);
        options = options_for(folder);
        struct recorder *r = start(&options);
        struct packet_tap *tap = recorder_attach(r, "gate");
        WAIT_FOR(r, s.recording);
        int64_t began = feed_all(tap, cases[i].name, 20);
        recorder_keep(r, "gate", began + 6 * S, "a.mp4");
        WAIT_FOR(r, s.clips_made + s.clips_failed == 1);
        snprintf(clip, sizeof clip, "%s/a.mp4", options.clips_folder);
        if (!file_exists(clip))
            fail_msg("%s: no clip", cases[i].name);
        /* 3 s before to 2 s after, and back to a key frame */
        double seconds = (double)pictures_of(clip) / 25;
        if (seconds < 4.8 || seconds > 5.2 + cases[i].key_s)
            fail_msg("%s: %g s", cases[i].name, seconds);
        assert_int_equal(files_in(options.clips_folder), 1);
        recorder_detach(r, &tap);
        recorder_stop(&r);
        assert_true(files_in(strcat(strcpy(clip, options.folder), "/gate")) >= 4);
    }
}

static void a_clip_of_nothing_says_so(void **state)
{
    struct recorder_options options = options_for("nothing");
    struct recorder *r = start(&options);
    char why[RECORDER_REASON_MAX];

    (void)state;
    assert_int_equal(recorder_clip_state(r, "a.mp4", why), RECORDER_CLIP_UNKNOWN);
    recorder_keep(r, "gate", clock_wall_ns() - 10 * S, "a.mp4");
    assert_int_equal(recorder_clip_state(r, "a.mp4", why), RECORDER_CLIP_WAITING);
    WAIT_FOR(r, s.clips_failed == 1);
    assert_int_equal(recorder_clip_state(r, "a.mp4", why), RECORDER_CLIP_FAILED);
    assert_string_equal(why, "nothing was recorded at that time");
    assert_int_equal(files_in(options.clips_folder), 0);
    recorder_stop(&r);
}

/* A clip across a reconnect is one; across a change of the format it is the part with the moment. */
static void a_clip_is_coded_alike(void **state)
{
    struct recorder_options options = options_for("alike");
    char clip[512];

    (void)state;
    make_video("plain.mp4", "-c:v libx264 -preset ultrafast -g 25 -bf 0", 12);
    if (!file_exists(fixture_path("small.mp4")))
        fixture_ffmpeg("-f lavfi -i testsrc2=size=96x64:rate=25:duration=4 -c:v libx264 -preset ultrafast -g "
                       "25 -bf 0 -pix_fmt "
                       "yuv420p small.mp4");
    options.before_ns = options.after_ns = 30 * S;
    struct recorder *r = start(&options);
    struct packet_tap *tap = recorder_attach(r, "gate");
    WAIT_FOR(r, s.recording);
    feed_all(tap, "small.mp4", 60);
    feed_all(tap, "plain.mp4", 50);
    int64_t began = feed_all(tap, "plain.mp4", 36);
    feed_all(tap, "small.mp4", 20);
    recorder_keep(r, "gate", began + S, "a.mp4");
    WAIT_FOR(r, s.clips_made == 1);
    snprintf(clip, sizeof clip, "%s/a.mp4", options.clips_folder);
    assert_int_equal(pictures_of(clip), 600);
    recorder_detach(r, &tap);
    recorder_stop(&r);
}

static void a_full_queue_drops_up_to_a_key_frame(void **state)
{
    struct recorder_options options = options_for("queue");
    struct recorder_stream_state stream;

    (void)state;
    make_video("plain.mp4", "-c:v libx264 -preset ultrafast -g 25 -bf 0", 12);
    options.queue_bytes = 40000;
    struct recorder *r = start(&options);
    struct packet_tap *tap = recorder_attach(r, "gate");
    struct feed feed;
    WAIT_FOR(r, s.recording);
    feed_open(&feed, tap, "plain.mp4", 20);
    while (feed_one(&feed, tap)) /* far faster than the thread looks */
        if (feed.count == 200)
            clock_sleep_ns(S / 2);
    feed_close(&feed, tap);
    WAIT_FOR(r, s.bytes > 0);
    recorder_get_stream(r, "gate", &stream);
    assert_true(stream.dropped > 0 && stream.dropped < 300);
    recorder_detach(r, &tap);
    recorder_stop(&r);

    /* What was kept can be decoded to the end. */
    char folder[600];
    snprintf(folder, sizeof folder, "%s/gate", options.folder);
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    int64_t pictures = 0;
    for (struct dirent *e; (e = readdir(dir));)
        if (e->d_name[0] != '.') {
            char path[900];
            path_join(path, sizeof path, folder, e->d_name);
            pictures += pictures_of(path);
        }
    closedir(dir);
    assert_int_equal(pictures, 300 - stream.dropped);
}

static void a_deleted_folder_comes_back(void **state)
{
    struct recorder_options options = options_for("deleted");
    char command[600];

    (void)state;
    make_video("plain.mp4", "-c:v libx264 -preset ultrafast -g 25 -bf 0", 12);
    struct recorder *r = start(&options);
    struct packet_tap *tap = recorder_attach(r, "gate");
    struct feed feed;
    WAIT_FOR(r, s.recording);
    feed_open(&feed, tap, "plain.mp4", 20);
    while (feed.count < 60)
        feed_one(&feed, tap);
    WAIT_FOR(r, s.streams == 1);
    snprintf(command, sizeof command, "rm -rf '%s'", options.folder);
    assert_int_equal(system(command), 0);
    WAIT_FOR(r, !s.recording && strstr(s.reason, "the folder is gone"));
    while (feed.count < 120)
        feed_one(&feed, tap); /* to nowhere */
    WAIT_FOR(r, s.recording);
    while (feed_one(&feed, tap))
        ;
    WAIT_FOR(r, s.streams == 1 && s.bytes > 0);
    feed_close(&feed, tap);
    recorder_detach(r, &tap);
    recorder_stop(&r);
    assert_true(files_in(options.folder) == 1);
}

/* ---- disks ---- */

/* A file system of its own; skips where that is not allowed. */
static void mount_disk(const char *folder, const char *size)
{
    char how[64];

    assert_int_equal(file_make_dirs(fixture_path(folder), NULL), 0);
    snprintf(how, sizeof how, "size=%s", size);
    if (mount("none", fixture_path(folder), "tmpfs", 0, how) != 0) {
        print_message("# no right to mount a small disk\n");
        skip();
    }
}

static void fill_disk(const char *name)
{
    static const char bytes[4096];
    FILE *f = fopen(fixture_path(name), "wb");

    assert_non_null(f);
    setvbuf(f, NULL, _IONBF, 0);
    while (fwrite(bytes, 1, sizeof bytes, f) == sizeof bytes)
        ;
    fclose(f);
}

static void a_full_disk_stops_it_for_a_while(void **state)
{
    static const int64_t frees[] = {0, 1 << 20};

    (void)state;
    make_video("plain.mp4", "-c:v libx264 -preset ultrafast -g 25 -bf 0", 12);
    for (size_t i = 0; i < 2; i++) {
        const char *disk = i ? "disk1" : "disk0", *other = i ? "disk1/other" : "disk0/other";
        mount_disk(disk, "8m");
        struct recorder_options options = options_for(disk);
        options.free_bytes = frees[i];
        struct recorder *r = start(&options);
        struct packet_tap *tap = recorder_attach(r, "gate");
        struct feed feed;
        WAIT_FOR(r, s.recording);
        feed_open(&feed, tap, "plain.mp4", 20);
        while (feed.count < 60)
            feed_one(&feed, tap);
        WAIT_FOR(r, s.streams == 1);
        fill_disk(other);
        while (feed.count < 100)
            feed_one(&feed, tap);
        WAIT_FOR(r, !s.recording && s.reason[0]);
        while (feed.count < 150)
            feed_one(&feed, tap); /* never waits, and says what was lost */
        WAIT_FOR(r, s.dropped >= 50);
        assert_int_equal(unlink(fixture_path(other)), 0);
        WAIT_FOR(r, s.recording);
        while (feed_one(&feed, tap))
            ;
        recorder_keep(r, "gate", feed.began.wall_ns + 10 * S, "a.mp4");
        WAIT_FOR(r, s.clips_made == 1);
        feed_close(&feed, tap);
        recorder_detach(r, &tap);
        recorder_stop(&r);
        assert_int_equal(umount(fixture_path(disk)), 0);
    }
}

static void a_read_only_disk_is_waited_for(void **state)
{
    (void)state;
    make_video("plain.mp4", "-c:v libx264 -preset ultrafast -g 25 -bf 0", 12);
    mount_disk("locked", "8m");
    struct recorder_options options = options_for("locked");
    assert_int_equal(mount(NULL, fixture_path("locked"), NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
    struct recorder *r = start(&options);
    struct packet_tap *tap = recorder_attach(r, "gate");
    WAIT_FOR(r, strstr(s.reason, "Read-only"));
    recorder_keep(r, "gate", clock_wall_ns() + S, "a.mp4");
    assert_int_equal(mount(NULL, fixture_path("locked"), NULL, MS_REMOUNT, NULL), 0);
    WAIT_FOR(r, s.recording);
    feed_all(tap, "plain.mp4", 4);
    WAIT_FOR(r, s.clips_made == 1);
    recorder_detach(r, &tap);
    recorder_stop(&r);
    assert_int_equal(umount(fixture_path("locked")), 0);
}

/* ---- kill -9 ---- */

static void record_until_killed(const struct recorder_options *options, int ready)
{
    struct recorder *r;
    struct recorder_state s;
    struct feed feed;

    if (recorder_start(options, &r, NULL) != 0)
        _exit(1);
    struct packet_tap *tap = recorder_attach(r, "gate");
    do {
        clock_sleep_ns(20 * NS_PER_MS);
        recorder_get_state(r, &s);
    } while (!s.recording);
    feed_open(&feed, tap, "plain.mp4", 12);
    recorder_keep(r, "gate", feed.began.wall_ns + 9 * S, "a.mp4");
    while (feed_one(&feed, tap))
        ;
    do {
        clock_sleep_ns(20 * NS_PER_MS);
        recorder_get_state(r, &s);
    } while (s.streams == 0 || s.segments < 6 || !file_exists(fixture_path("killed/clips/a.mp4.wanted")));
    if (write(ready, "", 1) == 1)
        pause();
    _exit(1);
}

static void a_killed_process_leaves_clips_and_ring(void **state)
{
    struct recorder_options options = options_for("killed");
    char clip[512], byte;
    int ends[2];

    (void)state;
    make_video("plain.mp4", "-c:v libx264 -preset ultrafast -g 25 -bf 0", 12);
    options.after_ns = 3600 * S; /* it is waiting when the kill comes */
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0)
        record_until_killed(&options, ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(files_in(options.clips_folder), 1); /* the note */

    struct recorder *r = start(&options);
    WAIT_FOR(r, s.clips_made == 1);
    WAIT_FOR(r, s.segments == 6);
    snprintf(clip, sizeof clip, "%s/a.mp4", options.clips_folder);
    /* from 6 s to the end, but for what was in memory */
    int64_t pictures = pictures_of(clip);
    if (pictures < 120 || pictures > 150)
        fail_msg("%lld pictures", (long long)pictures);
    recorder_stop(&r);

    /* The next one keeps a smaller limit at once. */
    options.bytes_all = 1;
    r = start(&options);
    WAIT_FOR(r, s.recording && s.segments == 0);
    recorder_stop(&r);
    assert_int_equal(files_in(options.clips_folder), 1);
}

static void damaged_notes_do_no_harm(void **state)
{
    struct recorder_options options = options_for("notes");
    static const char *const notes[] = {"",           "gate",          "gate 1 2", "../../etc 1 2 3",
                                        "gate x y z", "\xff\xfe 1 2 3"};

    (void)state;
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++) {
        char name[64];
        snprintf(name, sizeof name, "notes/clips/n%zu.mp4.wanted", i);
        fixture_write(name, notes[i], strlen(notes[i]));
    }
    fixture_write("notes/clips/half.mp4.part", "x", 1);
    fixture_write("notes/clips/kept.jpg", "x", 1);
    struct recorder *r = start(&options);
    WAIT_FOR(r, s.recording && files_in(options.clips_folder) == 1);
    recorder_stop(&r);
}

/* ---- times ---- */

static void time_stamps_are_brought_to_the_clock(void **state)
{
    struct packet_clock clock = {0};
    int64_t t = 1000 * S;

    (void)state;
    assert_int_equal(packet_clock_map(&clock, 5 * S, t), t);
    /* arrival jitters, time stamps do not */
    assert_int_equal(packet_clock_map(&clock, 5 * S + 40 * NS_PER_MS, t + 55 * NS_PER_MS),
                     t + 40 * NS_PER_MS);
    assert_int_equal(packet_clock_map(&clock, 5 * S + 20 * NS_PER_MS, t + 60 * NS_PER_MS),
                     t + 20 * NS_PER_MS);
    /* a jump back, a jump ahead, none at all */
    assert_int_equal(packet_clock_map(&clock, 0, t + S), t + S);
    assert_int_equal(packet_clock_map(&clock, 900 * S, t + 2 * S), t + 2 * S);
    assert_int_equal(packet_clock_map(&clock, INT64_MIN, t + 3 * S), t + 3 * S);
    /* a burst of what is older: never back */
    assert_int_equal(packet_clock_map(&clock, 901 * S, t + 3 * S), t + 3 * S);
    assert_int_equal(packet_clock_map(&clock, 905 * S, t + 3 * S), t + 3 * S + NS_PER_MS);
}

static void decoding_times_rise(void **state)
{
    static const struct {
        size_t count;
        int64_t presentation[8], decoding[8];
    } cases[] = {
        {4, {0, 40, 80, 120}, {0, 40, 80, 120}},
        {5, {0, 160, 80, 40, 120}, {-80, -40, 0, 40, 80}},
        {3, {0, 0, 40}, {0, 20, 40}}, /* two of one time */
        {1, {7}, {7}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t p[8], d[8], scratch[8];
        size_t n = cases[i].count;

        for (size_t k = 0; k < n; k++)
            p[k] = cases[i].presentation[k] * 1000;
        clip_decoding_times(p, n, d, scratch);
        for (size_t k = 0; k < n; k++) {
            assert_int_equal(d[k], cases[i].decoding[k] * 1000);
            assert_true(p[k] >= d[k]);
        }
    }
}

static int end(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        umount2(fixture_path(((const char *[]){"disk0", "disk1", "locked"})[i]), MNT_DETACH);
    return fixture_end(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_stamps_are_brought_to_the_clock),
        cmocka_unit_test(decoding_times_rise),
        cmocka_unit_test(every_codec_gives_a_clip),
        cmocka_unit_test(a_clip_of_nothing_says_so),
        cmocka_unit_test(a_clip_is_coded_alike),
        cmocka_unit_test(a_full_queue_drops_up_to_a_key_frame),
        cmocka_unit_test(a_deleted_folder_comes_back),
        cmocka_unit_test(a_full_disk_stops_it_for_a_while),
        cmocka_unit_test(a_read_only_disk_is_waited_for),
        cmocka_unit_test(a_killed_process_leaves_clips_and_ring),
        cmocka_unit_test(damaged_notes_do_no_harm),
    };

    return cmocka_run_group_tests(tests, fixture_begin, end);
}
