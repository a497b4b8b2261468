/* Sizes, rates, rotation and interlacing: what a person would see is what comes out. One quarter of the
 * picture is bright, so that it shows which way up it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"
#include "media/source.h"

static const struct source_kind *const kind = &source_kind_ffmpeg;

enum corner { TOP_LEFT, TOP_RIGHT, BOTTOM_RIGHT, BOTTOM_LEFT, CORNERS };
static const char *const corner_names[CORNERS] = {"top left", "top right", "bottom right", "bottom left"};

static const struct {
    const char *name;
    int coded_width, coded_height;
    const char *rate, *encode;
    int turn; /* degrees clockwise, in the container's metadata */
    int width, height, pictures;
    enum corner bright;
} makes[] = {
    {"h264_8.mp4", 640, 360, "8", "-c:v libx264", 0, 640, 360, 16, TOP_LEFT},
    {"h264_60.mp4", 640, 360, "60", "-c:v libx264 -bf 2", 0, 640, 360, 120, TOP_LEFT},
    {"h264_ntsc.ts", 640, 360, "30000/1001", "-c:v libx264 -bf 0", 0, 640, 360, 60, TOP_LEFT},
    {"hevc_25.mp4", 640, 360, "25", "-c:v libx265 -preset ultrafast -x265-params log-level=none", 0, 640, 360,
     50, TOP_LEFT},
    {"hevc_4k.mp4", 3840, 2160, "2", "-c:v libx265 -preset ultrafast -x265-params log-level=none", 0, 3840,
     2160, 4, TOP_LEFT},
    {"h264_4k.mkv", 3840, 2160, "2", "-c:v libx264 -preset ultrafast", 0, 3840, 2160, 4, TOP_LEFT},
    {"mjpeg_15.avi", 640, 480, "15", "-c:v mjpeg -pix_fmt yuvj420p", 0, 640, 480, 30, TOP_LEFT},
    {"mpeg4_12.avi", 352, 288, "12", "-c:v mpeg4", 0, 352, 288, 24, TOP_LEFT},
    {"yuyv_10.avi", 320, 240, "10", "-c:v rawvideo -pix_fmt yuyv422", 0, 320, 240, 20, TOP_LEFT},
    {"odd.mkv", 333, 251, "10", "-c:v libx264 -pix_fmt yuv444p", 0, 333, 251, 20, TOP_LEFT},
    {"tiny.avi", 16, 16, "10", "-c:v mpeg4", 0, 16, 16, 20, TOP_LEFT},
    {"turned_90.mp4", 640, 360, "10", "-c:v libx264", 90, 360, 640, 20, TOP_RIGHT},
    {"turned_180.mp4", 640, 360, "10", "-c:v libx264", 180, 640, 360, 20, BOTTOM_RIGHT},
    {"turned_270.mp4", 640, 360, "10", "-c:v libx264", 270, 360, 640, 20, BOTTOM_LEFT},
    {"pal.ts", 720, 576, "25", "-vf setsar=16/15 -c:v libx264 -flags +ilme+ildct", 0, 768, 576, 50, TOP_LEFT},
};

static double luma_at(const struct picture *p, double x, double y)
{
    int column = (int)(x * p->width), row = (int)(y * p->height);

    return p->planes[0][(ptrdiff_t)row * p->strides[0] + column];
}

static enum corner bright_corner(const struct picture *p)
{
    static const double places[CORNERS][2] = {{0.25, 0.25}, {0.75, 0.25}, {0.75, 0.75}, {0.25, 0.75}};
    int found = CORNERS, count = 0;

    for (int c = 0; c < CORNERS; c++)
        if (luma_at(p, places[c][0], places[c][1]) > 200)
            found = c, count++;
    return count == 1 ? (enum corner)found : CORNERS;
}

static void make(size_t i)
{
    fixture_ffmpeg("-f lavfi -i color=c=gray:size=%dx%d:rate=%s:duration=2,format=yuv444p,"
                   "drawbox=x=0:y=0:w=iw/2:h=ih/2:c=white:t=fill -frames:v %d -pix_fmt yuv420p %s first_%s",
                   makes[i].coded_width, makes[i].coded_height, makes[i].rate, makes[i].pictures,
                   makes[i].encode, makes[i].name);
    if (makes[i].turn)
        fixture_ffmpeg("-i first_%s -c copy -metadata:s:v rotate=%d %s", makes[i].name,
                       (360 - makes[i].turn) % 360, makes[i].name);
}

static void every_make(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof makes / sizeof *makes; i++) {
        char name[80];
        struct source *source;
        struct source_info info;
        struct error error = {0};
        struct observation o;
        int64_t count = 0, last_ns = 0;
        double numerator, denominator = 1, rate;
        int code;

        make(i);
        snprintf(name, sizeof name, "%s%s", makes[i].turn ? "" : "first_", makes[i].name);
        if (kind->open(&(struct source_options){.uri = fixture_path(name)}, &source, &error) != 0)
            fail_msg("%s: %s", makes[i].name, error.text);
        while ((code = kind->read(source, &o, &error)) == 0) {
            if (o.picture->width != makes[i].width || o.picture->height != makes[i].height)
                fail_msg("%s: %dx%d", makes[i].name, o.picture->width, o.picture->height);
            if (bright_corner(o.picture) != makes[i].bright)
                fail_msg("%s: not %s is bright", makes[i].name, corner_names[makes[i].bright]);
            count++;
            last_ns = o.stream_ns;
            observation_release(&o);
        }
        if (code != ERR_END || count != makes[i].pictures)
            fail_msg("%s: %d pictures, %s", makes[i].name, (int)count, error.text);
        kind->info(source, &info);
        sscanf(makes[i].rate, "%lf/%lf", &numerator, &denominator);
        rate = numerator / denominator;
        if (info.frame_rate < rate * 0.99 || info.frame_rate > rate * 1.01)
            fail_msg("%s: %g pictures/s", makes[i].name, info.frame_rate);
        assert_in_range(last_ns / 1000000, (int64_t)((double)(count - 1) / rate * 1000) - 2,
                        (int64_t)((double)(count - 1) / rate * 1000) + 2);
        kind->close(&source);
    }
}

/* Pixels of odd rows that both neighbours differ from in the same direction. */
static int combs(const struct picture *p)
{
    int count = 0;

    for (int y = 1; y + 1 < p->height; y += 2)
        for (int x = 0; x < p->width; x++) {
            const uint8_t *at = p->planes[0] + (ptrdiff_t)y * p->strides[0] + x;

            count += (at[0] - at[-p->strides[0]]) * (at[0] - at[p->strides[0]]) > 100;
        }
    return count;
}

static int combs_of(const char *name)
{
    struct source *source;
    struct error error = {0};
    struct observation o;
    int most = 0;

    if (kind->open(&(struct source_options){.uri = fixture_path(name)}, &source, &error) != 0)
        fail_msg("%s: %s", name, error.text);
    while (kind->read(source, &o, &error) == 0) {
        int now = combs(o.picture);

        most = now > most ? now : most;
        observation_release(&o);
    }
    assert_int_equal(error.code, ERR_END);
    kind->close(&source);
    return most;
}

/* Two moments woven into one picture: marked as interlaced, and not. */
static void combs_of_interlaced_video(void **state)
{
    (void)state;
    fixture_ffmpeg(
        "-f lavfi -i testsrc2=size=320x240:rate=50:duration=1 -vf tinterlace=interleave_top,setfield=tff "
        "-c:v mpeg2video -q:v 2 -flags +ilme+ildct woven.ts");
    fixture_ffmpeg(
        "-f lavfi -i testsrc2=size=320x240:rate=50:duration=1 -vf tinterlace=interleave_top,setfield=prog "
        "-c:v mpeg2video -q:v 2 unmarked.ts");
    assert_true(combs_of("unmarked.ts") > 200);
    assert_int_equal(combs_of("woven.ts"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {FIXTURE_TEST(every_make), FIXTURE_TEST(combs_of_interlaced_video)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
