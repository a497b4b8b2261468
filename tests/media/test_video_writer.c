#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/file.h"
#include "fixture.h"
#include "media/source.h"
#include "media/video_writer.h"

/* A picture whose brightness says its number. */
static struct picture *numbered(int width, int height, int number)
{
    struct picture *p = picture_create(PIXEL_RGB24, width, height);

    assert_non_null(p);
    p->full_range = 1;
    for (int y = 0; y < height; y++)
        memset((uint8_t *)(uintptr_t)p->planes[0] + (ptrdiff_t)y * p->strides[0], 10 + 10 * number,
               (size_t)width * 3);
    return p;
}

static void write_video(const char *name, int width, int height, int count, int64_t step_ns)
{
    struct video_writer *writer;
    struct error error = {0};

    if (video_writer_open(fixture_path(name), 7, &writer, &error) != 0)
        fail_msg("%s", error.text);
    for (int i = 0; i < count; i++) {
        /* One of another size: scaled. */
        struct picture *p = numbered(i == 5 ? width * 2 : width, i == 5 ? height * 2 : height, i);

        if (video_writer_add(writer, p, i * step_ns, &error) != 0)
            fail_msg("%s", error.text);
        picture_unref(&p);
    }
    if (video_writer_close(&writer, &error) != 0)
        fail_msg("%s", error.text);
    assert_null(writer);
}

static void what_is_written_can_be_read(void **state)
{
    static const struct {
        const char *name;
        int width, height;
        int64_t step_ns;
    } cases[] = {{"a.mp4", 160, 120, 142857142}, {"b.mkv", 161, 121, 40000000}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct source *source;
        struct error error = {0};
        struct observation o;
        int64_t count = 0;

        write_video(cases[i].name, cases[i].width, cases[i].height, 20, cases[i].step_ns);
        if (source_kind_ffmpeg.open(&(struct source_options){.uri = fixture_path(cases[i].name)}, &source,
                                    &error) != 0)
            fail_msg("%s", error.text);
        while (source_kind_ffmpeg.read(source, &o, &error) == 0) {
            int want = 16 + (10 + 10 * (int)count) * 219 / 255;

            assert_int_equal(o.width, cases[i].width & ~1);
            assert_int_equal(o.picture->height, cases[i].height & ~1);
            assert_int_equal(o.picture->colour, COLOUR_BT709);
            assert_true(abs((int)o.picture->planes[0][10 * o.picture->strides[0] + 10] - want) <= 3);
            assert_true(llabs(o.stream_ns - count * cases[i].step_ns) < 1000000);
            count++;
            observation_release(&o);
        }
        assert_int_equal(error.code, ERR_END);
        assert_int_equal(count, 20);
        source_kind_ffmpeg.close(&source);
    }
}

static void the_same_pictures_give_the_same_bytes(void **state)
{
    struct buffer a = {0}, b = {0};
    struct error error = {0};

    (void)state;
    write_video("a.mp4", 160, 120, 12, 100000000);
    write_video("b.mp4", 160, 120, 12, 100000000);
    assert_int_equal(file_read(fixture_path("a.mp4"), 1 << 24, &a, &error), 0);
    assert_int_equal(file_read(fixture_path("b.mp4"), 1 << 24, &b, &error), 0);
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.data, b.data, a.size);
    buffer_free(&a);
    buffer_free(&b);
}

static void paths_that_cannot_be_written(void **state)
{
    struct video_writer *writer = (void *)1;
    struct error error = {0};

    (void)state;
    assert_int_equal(video_writer_open(fixture_path("a.avi"), 7, &writer, &error), ERR_INVALID);
    assert_null(writer);
    assert_int_equal(video_writer_open(fixture_path("no/folder.mp4"), 7, &writer, &error), ERR_NOT_FOUND);
    assert_non_null(strstr(error.text, "folder.mp4"));
}

static void without_pictures_there_is_no_file(void **state)
{
    struct video_writer *writer;
    struct error error = {0};

    (void)state;
    assert_int_equal(video_writer_open(fixture_path("none.mp4"), 7, &writer, &error), 0);
    assert_int_equal(video_writer_close(&writer, &error), 0);
    assert_false(file_exists(fixture_path("none.mp4")));
    assert_int_equal(video_writer_close(&writer, &error), 0);
}

static void a_full_disk_is_said(void **state)
{
    struct video_writer *writer;
    struct error error = {0};
    int result = 0, closed;

    (void)state;
    assert_int_equal(symlink("/dev/full", fixture_path("full.mkv")), 0);
    assert_int_equal(video_writer_open(fixture_path("full.mkv"), 7, &writer, &error), 0);
    for (int i = 0; i < 5 && !result; i++) {
        struct picture *p = numbered(64, 64, i);

        result = video_writer_add(writer, p, i * INT64_C(100000000), &error);
        picture_unref(&p);
    }
    closed = video_writer_close(&writer, result ? NULL : &error);
    assert_int_equal(result ? result : closed, ERR_FULL);
    assert_non_null(strstr(error.text, "full.mkv"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(what_is_written_can_be_read), FIXTURE_TEST(the_same_pictures_give_the_same_bytes),
        FIXTURE_TEST(paths_that_cannot_be_written), FIXTURE_TEST(without_pictures_there_is_no_file),
        FIXTURE_TEST(a_full_disk_is_said)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
