/* The video source on real files of many makes, whole and broken. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/file.h"
#include "fixture.h"
#include "media/source.h"

static const struct source_kind *const kind = &source_kind_ffmpeg;

static struct source *open_name(const char *name)
{
    return fixture_open(kind, &(struct source_options){.uri = fixture_path(name)});
}

/* Appends the picture's bytes as a rawvideo file has them. */
static void append_raw(struct buffer *out, const struct picture *picture)
{
    for (int p = 0; p < picture_plane_count(picture->format); p++) {
        int width, height;
        size_t sample = picture->format == PIXEL_RGB24 || picture->format == PIXEL_BGR24 ? 3
                        : picture->format == PIXEL_NV12 && p                             ? 2
                                                                                         : 1;

        picture_plane_size(picture->format, picture->width, picture->height, p, &width, &height);
        for (int y = 0; y < height; y++)
            buffer_append(out, picture->planes[p] + (ptrdiff_t)y * picture->strides[p],
                          (size_t)width * sample);
    }
}

static void expect_same_bytes(const struct buffer *ours, const char *raw_name)
{
    struct buffer theirs = {0};
    struct error error = {0};

    assert_int_equal(file_read(fixture_path(raw_name), 1 << 28, &theirs, &error), 0);
    assert_false(ours->failed);
    assert_int_equal(ours->size, theirs.size);
    assert_memory_equal(ours->data, theirs.data, ours->size);
    buffer_free(&theirs);
}

static const struct {
    const char *name, *size, *encode;
    int width, height;
    enum pixel_format format;
    const char *raw; /* pixel format of the bytes to compare with; NULL = converted by us: not compared */
} makes[] = {
    {"h264.mp4", "320x240", "-c:v libx264 -bf 0", 320, 240, PIXEL_I420, "yuv420p"},
    {"bframes.mp4", "320x240", "-c:v libx264 -bf 3 -g 12", 320, 240, PIXEL_I420, "yuv420p"},
    {"bframes.ts", "320x240", "-c:v libx264 -bf 3 -g 12", 320, 240, PIXEL_I420, "yuv420p"},
    {"odd.mkv", "200x150", "-vf format=yuv444p,scale=101:75 -c:v libx264", 101, 75, PIXEL_I444, "yuv444p"},
    {"odd.avi", "200x150", "-vf scale=101:75 -c:v mpeg4", 101, 75, PIXEL_I420, "yuv420p"},
    {"hevc.mkv", "320x240", "-c:v libx265 -x265-params log-level=none", 320, 240, PIXEL_I420, "yuv420p"},
    {"deep.mp4", "320x240", "-c:v libx265 -pix_fmt yuv420p10le -x265-params log-level=none", 320, 240,
     PIXEL_I420, NULL},
    {"mjpeg.avi", "160x120", "-c:v mjpeg -pix_fmt yuvj422p", 160, 120, PIXEL_I422, "yuvj422p"},
    {"raw.avi", "160x120", "-c:v rawvideo -pix_fmt bgr24", 160, 120, PIXEL_BGR24, "bgr24"},
    {"palette.gif", "160x120", "", 160, 120, PIXEL_RGB24, NULL},
    {"grey.mkv", "160x120", "-c:v ffv1 -pix_fmt gray", 160, 120, PIXEL_GRAY8, "gray"},
    {"wide.avi", "352x288", "-vf setsar=12/11 -c:v mpeg4", 384, 288, PIXEL_I420, NULL},
    {"narrow.mp4", "180x120", "-vf setsar=8/9 -c:v libx264", 180, 135, PIXEL_I420, NULL},
};

static void every_make_gives_its_pictures(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof makes / sizeof *makes; i++) {
        struct buffer bytes = {0};
        struct error error = {0};
        struct observation o;
        struct source *source;
        struct source_info info;
        int result;
        int64_t count = 0;

        fixture_ffmpeg("-f lavfi -i testsrc2=size=%s:rate=10:duration=2 %s %s", makes[i].size,
                       makes[i].encode, makes[i].name);
        source = open_name(makes[i].name);
        kind->info(source, &info);
        assert_int_equal(info.width, makes[i].width);
        assert_int_equal(info.height, makes[i].height);
        assert_float_equal(info.frame_rate, 10, 0.5);
        assert_false(info.live);
        while ((result = kind->read(source, &o, &error)) == 0) {
            if (o.stream_ns / 1000000 != count * 100)
                fail_msg("%s: picture %d at %g s", makes[i].name, (int)count, (double)o.stream_ns / 1e9);
            assert_int_equal(o.kind, OBSERVATION_PICTURE);
            assert_int_equal(o.number, ++count);
            assert_int_equal(o.picture->number, count);
            assert_int_equal(o.picture->stream_ns, o.stream_ns);
            assert_int_equal(o.picture->width, makes[i].width);
            assert_int_equal(o.picture->height, makes[i].height);
            assert_int_equal(o.picture->format, makes[i].format);
            append_raw(&bytes, o.picture);
            observation_release(&o);
        }
        if (result != ERR_END)
            fail_msg("%s: %s", makes[i].name, error.text);
        assert_int_equal(count, 20);
        assert_int_equal(kind->read(source, &o, &error), ERR_END);
        kind->close(&source);
        assert_null(source);
        if (makes[i].raw) {
            fixture_ffmpeg("-i %s -fps_mode passthrough -f rawvideo -pix_fmt %s out.raw", makes[i].name,
                           makes[i].raw);
            expect_same_bytes(&bytes, "out.raw");
        }
        buffer_free(&bytes);
    }
}

/* The ffmpeg command applies the rotation of the metadata, too: bytes must be the same. */
static void rotation_is_applied(void **state)
{
    (void)state;
    fixture_ffmpeg("-f lavfi -i testsrc2=size=322x240:rate=10:duration=0.5 -c:v libx264 upright.mp4");
    for (int angle = 90; angle < 360; angle += 90) {
        struct source *source;
        struct source_info info;
        struct buffer bytes = {0};
        struct error error = {0};
        struct observation o;

        fixture_ffmpeg("-i upright.mp4 -c copy -metadata:s:v rotate=%d turned.mp4", angle);
        fixture_ffmpeg("-i turned.mp4 -fps_mode passthrough -f rawvideo -pix_fmt yuv420p out.raw");
        source = open_name("turned.mp4");
        kind->info(source, &info);
        assert_int_equal(info.width, angle == 180 ? 322 : 240);
        assert_int_equal(info.height, angle == 180 ? 240 : 322);
        while (kind->read(source, &o, &error) == 0) {
            assert_int_equal(o.picture->width, info.width);
            append_raw(&bytes, o.picture);
            observation_release(&o);
        }
        assert_int_equal(error.code, ERR_END);
        kind->close(&source);
        expect_same_bytes(&bytes, "out.raw");
        buffer_free(&bytes);
    }
}

static void cut_off_files_give_what_they_have(void **state)
{
    static const struct {
        const char *name, *encode;
        bool notices; /* the container says how long it is */
    } cases[] = {{"cut.mp4", "-c:v libx264 -movflags faststart", true},
                 {"cut.avi", "-c:v mpeg4", true},
                 {"cut.mkv", "-c:v libx264", true},
                 {"cut.flv", "-c:v flv", true},
                 {"cut_fragments.mp4", "-c:v libx264 -movflags frag_keyframe -g 10", true},
                 {"cut_sound.mkv", "-f lavfi -i sine=duration=10 -c:v libx264", true}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct source *source;
        struct error error = {0};
        int64_t pictures, again;
        int result;

        fixture_ffmpeg("-f lavfi -i testsrc2=size=320x240:rate=10:duration=10 %s %s", cases[i].encode,
                       cases[i].name);
        fixture_truncate(cases[i].name, 0.6);
        source = open_name(cases[i].name);
        result = fixture_read_all(kind, source, &pictures, &error);
        if (result != ERR_FORMAT || pictures < 40 || pictures > 75 || !strstr(error.text, cases[i].name))
            fail_msg("%s: %d pictures, then %d: %s", cases[i].name, (int)pictures, result, error.text);
        assert_int_equal(fixture_read_all(kind, source, &again, &error), ERR_FORMAT);
        assert_int_equal(again, 0);
        kind->close(&source);
    }
}

static void damage_in_the_middle_is_said_at_the_end(void **state)
{
    struct source *source;
    struct error error = {0};
    int64_t pictures;
    FILE *file;

    (void)state;
    fixture_ffmpeg("-f lavfi -i testsrc2=size=320x240:rate=10:duration=10 -c:v libx264 -g 10 hurt.mp4");
    file = fopen(fixture_path("hurt.mp4"), "r+b");
    assert_non_null(file);
    fseek(file, 40000, SEEK_SET);
    for (int i = 0; i < 3000; i++)
        fputc(i * 37 & 255, file);
    fclose(file);
    source = open_name("hurt.mp4");
    assert_int_equal(fixture_read_all(kind, source, &pictures, &error), ERR_FORMAT);
    assert_true(pictures > 80);
    assert_non_null(strstr(error.text, "damaged"));
    kind->close(&source);
}

static void what_is_no_video_is_refused(void **state)
{
    static const char text[] =
        "hello, this is a letter\nand no video at all\n1\n00:00:01,000 --> 00:00:02,000\nHi\n";
    static const char play_list[] =
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n";
    static const struct {
        const char *name;
        int code;
    } cases[] = {
        {"missing.mp4", ERR_NOT_FOUND},  {"empty.mp4", ERR_FORMAT},   {"letter.txt", ERR_FORMAT},
        {"letter.mp4", ERR_FORMAT},      {"list.m3u8", ERR_FORMAT},   {"list.mp4", ERR_FORMAT},
        {"noise.mp4", ERR_FORMAT},       {".", ERR_INVALID},          {"sound.mp4", ERR_FORMAT},
        {"concat.ffconcat", ERR_FORMAT}, {"no_head.mp4", ERR_FORMAT}, {"cover.mp4", ERR_FORMAT},
    };
    char noise[5000];

    (void)state;
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (char)(i * i * 31 >> 3);
    fixture_write("empty.mp4", "", 0);
    fixture_write("letter.txt", text, sizeof text - 1);
    fixture_write("letter.mp4", text, sizeof text - 1);
    fixture_write("list.m3u8", play_list, sizeof play_list - 1);
    fixture_write("list.mp4", play_list, sizeof play_list - 1);
    fixture_write("noise.mp4", noise, sizeof noise);
    fixture_write("concat.ffconcat", "ffconcat version 1.0\nfile upright.mp4\n", 38);
    fixture_ffmpeg("-f lavfi -i sine=duration=1 sound.mp4");
    fixture_ffmpeg("-f lavfi -i testsrc2=duration=1 -c:v libx264 no_head.mp4");
    fixture_truncate("no_head.mp4", 0.7);
    fixture_ffmpeg("-f lavfi -i color=size=64x64 -frames:v 1 cover.png");
    fixture_ffmpeg(
        "-i sound.mp4 -i cover.png -map 0 -map 1 -c:v png -disposition:v:0 attached_pic cover.mp4");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct source *source = (void *)1;
        struct error error = {0};
        int result =
            kind->open(&(struct source_options){.uri = fixture_path(cases[i].name)}, &source, &error);

        if (result != cases[i].code || error.code != result || source || !strstr(error.text, cases[i].name))
            fail_msg("%s: %d: %s", cases[i].name, result, error.text);
    }
}

static void looping_goes_on_in_time(void **state)
{
    struct source *source;
    struct error error = {0};
    struct observation o;

    (void)state;
    fixture_ffmpeg("-f lavfi -i testsrc2=size=64x64:rate=10:duration=0.5 -c:v libx264 -bf 2 loop.mp4");
    source = fixture_open(kind, &(struct source_options){.uri = fixture_path("loop.mp4"), .loop = true});
    for (int64_t i = 0; i < 17; i++) {
        assert_int_equal(kind->read(source, &o, &error), 0);
        assert_int_equal(o.number, i + 1);
        assert_int_equal(o.stream_ns, i * 100000000);
        observation_release(&o);
    }
    /* The file goes away: said, and not tried for ever. */
    assert_int_equal(remove(fixture_path("loop.mp4")), 0);
    for (int i = 0; i < 4; i++) {
        int result = kind->read(source, &o, &error);

        if (result == ERR_NOT_FOUND)
            break;
        assert_int_equal(result, 0);
        observation_release(&o);
    }
    assert_int_equal(kind->read(source, &o, &error), ERR_NOT_FOUND);
    kind->close(&source);
}

static void configured_rate_replaces_the_header(void **state)
{
    struct source *source;
    struct source_info info;
    struct error error = {0};
    struct observation o;

    (void)state;
    fixture_ffmpeg("-f lavfi -i testsrc2=size=64x64:rate=10:duration=1 -c:v mpeg4 rate.avi");
    source = fixture_open(kind, &(struct source_options){.uri = fixture_path("rate.avi"), .frame_rate = 7});
    kind->info(source, &info);
    assert_float_equal(info.frame_rate, 7, 0);
    for (int64_t i = 0; i < 10; i++) {
        assert_int_equal(kind->read(source, &o, &error), 0);
        assert_int_equal(o.stream_ns, (i * 2000000000 + 7) / 14); /* rounded */
        observation_release(&o);
    }
    assert_int_equal(kind->read(source, &o, &error), ERR_END);
    kind->close(&source);
}

/* Due times are exact: the first one plus stream time, however late the reader is. */
static void paced_pictures_say_when_they_were_due(void **state)
{
    struct source *source;
    struct error error = {0};
    struct observation o;
    struct instant first = {0};

    (void)state;
    fixture_ffmpeg("-f lavfi -i testsrc2=size=64x64:rate=50:duration=1 -c:v mpeg4 pace.avi");
    source = fixture_open(kind, &(struct source_options){.uri = fixture_path("pace.avi"), .paced = true});
    for (int i = 0; i < 30; i++) {
        assert_int_equal(kind->read(source, &o, &error), 0);
        if (i == 0)
            first = o.capture;
        assert_int_equal(o.capture.mono_ns - first.mono_ns, o.stream_ns);
        assert_true(clock_monotonic_ns() >= o.capture.mono_ns);
        assert_int_equal(o.picture->capture.mono_ns, o.capture.mono_ns);
        if (i == 10)
            clock_sleep_ns(100000000);
        observation_release(&o);
    }
    kind->close(&source);
}

static void pictures_out_are_bounded(void **state)
{
    struct source *source;
    struct error error = {0};
    struct observation o[3];

    (void)state;
    fixture_ffmpeg("-f lavfi -i testsrc2=size=64x64:rate=50:duration=1 -c:v mpeg4 bound.avi");
    source = fixture_open(kind, &(struct source_options){.uri = fixture_path("bound.avi"),
                                                         .picture_limit = 2,
                                                         .read_timeout_ns = 50 * NS_PER_MS});
    assert_int_equal(kind->read(source, &o[0], &error), 0);
    assert_int_equal(kind->read(source, &o[1], &error), 0);
    assert_int_equal(kind->read(source, &o[2], &error), ERR_FULL);
    assert_null(o[2].picture);
    observation_release(&o[0]);
    assert_int_equal(kind->read(source, &o[0], &error), 0);
    /* Pictures outlive their source. */
    kind->close(&source);
    assert_int_equal(o[0].picture->width, 64);
    assert_true(o[0].picture->planes[0][64] + o[1].picture->planes[2][5] >= 0);
    observation_release(&o[0]);
    observation_release(&o[1]);
}

/* Live use: the newest counts, the file does not wait for slow consumers. */
static void a_paced_file_drops_what_does_not_fit(void **state)
{
    struct source *source;
    struct error error = {0};
    struct observation held, o;
    pthread_t thread;

    (void)state;
    (void)thread;
    fixture_ffmpeg("-f lavfi -i testsrc2=size=64x64:rate=100:duration=1 -c:v mpeg4 drop.avi");
    source = fixture_open(kind, &(struct source_options){.uri = fixture_path("drop.avi"),
                                                         .paced = true,
                                                         .picture_limit = 1,
                                                         .read_timeout_ns = 200 * NS_PER_MS});
    assert_int_equal(kind->read(source, &held, &error), 0);
    assert_int_equal(kind->read(source, &o, &error), ERR_FULL);
    observation_release(&held);
    assert_int_equal(kind->read(source, &o, &error), 0);
    assert_true(o.number > 10);
    assert_int_equal(o.stream_ns, (o.number - 1) * 10000000);
    observation_release(&o);
    kind->close(&source);
}

static void *set_later(void *flag)
{
    clock_sleep_ns(50000000);
    atomic_store((atomic_bool *)flag, true);
    return NULL;
}

static void cancel_interrupts(void **state)
{
    atomic_bool cancel = false;
    struct source_options options = {.paced = true, .frame_rate = 0.001, .cancel = &cancel};
    struct source *source;
    struct error error = {0};
    struct observation o;
    pthread_t thread;

    (void)state;
    fixture_ffmpeg("-f lavfi -i testsrc2=size=64x64:rate=50:duration=1 -c:v mpeg4 cancel.avi");
    options.uri = fixture_path("cancel.avi");
    source = fixture_open(kind, &options);
    assert_int_equal(kind->read(source, &o, &error), 0);
    observation_release(&o);
    pthread_create(&thread, NULL, set_later, &cancel);
    /* The next one is due in a quarter of an hour. */
    assert_int_equal(kind->read(source, &o, &error), ERR_CANCELED);
    pthread_join(thread, NULL);
    assert_int_equal(kind->read(source, &o, &error), ERR_CANCELED);
    kind->close(&source);
    assert_int_equal(kind->open(&options, &source, &error), ERR_CANCELED);
    assert_null(source);
}

static void the_same_file_gives_the_same_pictures(void **state)
{
    struct buffer bytes[2] = {{0}, {0}};

    (void)state;
    fixture_ffmpeg("-f lavfi -i testsrc2=size=200x100:rate=10:duration=1 -vf setsar=3/2 -c:v libx265 "
                   "-pix_fmt yuv420p10le "
                   "-x265-params log-level=none same.mkv");
    for (int i = 0; i < 2; i++) {
        struct source *source = open_name("same.mkv");
        struct error error = {0};
        struct observation o;

        while (kind->read(source, &o, &error) == 0) {
            append_raw(&bytes[i], o.picture);
            observation_release(&o);
        }
        kind->close(&source);
    }
    assert_int_equal(bytes[0].size, 10 * 300 * 100 * 3 / 2);
    assert_int_equal(bytes[0].size, bytes[1].size);
    assert_memory_equal(bytes[0].data, bytes[1].data, bytes[0].size);
    buffer_free(&bytes[0]);
    buffer_free(&bytes[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {FIXTURE_TEST(every_make_gives_its_pictures),
                                       FIXTURE_TEST(rotation_is_applied),
                                       FIXTURE_TEST(cut_off_files_give_what_they_have),
                                       FIXTURE_TEST(damage_in_the_middle_is_said_at_the_end),
                                       FIXTURE_TEST(what_is_no_video_is_refused),
                                       FIXTURE_TEST(looping_goes_on_in_time),
                                       FIXTURE_TEST(configured_rate_replaces_the_header),
                                       FIXTURE_TEST(paced_pictures_say_when_they_were_due),
                                       FIXTURE_TEST(pictures_out_are_bounded),
                                       FIXTURE_TEST(a_paced_file_drops_what_does_not_fit),
                                       FIXTURE_TEST(cancel_interrupts),
                                       FIXTURE_TEST(the_same_file_gives_the_same_pictures)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
