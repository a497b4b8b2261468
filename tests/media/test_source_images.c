#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "fixture.h"
#include "media/natural_order.h"
#include "media/source.h"

static const struct source_kind *const kind = &source_kind_images;

static void natural_order(void **state)
{
    static const char *const sorted[] = {"",
                                         "a",
                                         "a1",
                                         "a2",
                                         "a02",
                                         "a10",
                                         "a010",
                                         "a10b",
                                         "b0",
                                         "b00",
                                         "b1c2",
                                         "b1c10",
                                         "b18446744073709551616",
                                         "b18446744073709551617",
                                         "c"};
    const int count = (int)(sizeof sorted / sizeof *sorted);

    (void)state;
    for (int i = 0; i < count; i++)
        for (int k = 0; k < count; k++) {
            int order = natural_compare(sorted[i], sorted[k]);

            if ((order < 0) != (i < k) || (order == 0) != (i == k))
                fail_msg("'%s' and '%s': %d", sorted[i], sorted[k], order);
        }
}

static void kinds_by_uri(void **state)
{
    struct error error;
    char uri[600];

    (void)state;
    snprintf(uri, sizeof uri, "file://%s", fixture_path("."));
    assert_ptr_equal(source_kind_for(uri, &error), &source_kind_images);
    assert_ptr_equal(source_kind_for("still.PNG", &error), &source_kind_images);
    assert_ptr_equal(source_kind_for("clip.avi", &error), &source_kind_ffmpeg);
    assert_ptr_equal(source_kind_for("http://h/still.png", &error), &source_kind_ffmpeg);
}

/* Pictures of growing width, so that the order can be seen. */
static void folder_in_order(void **state)
{
    static const char *const names[] = {"img2.png",   "img10.jpg",   "img11.bmp",
                                        "img100.ppm", "img101.tiff", "img200.webp"};
    struct source_options options = {.uri = fixture_path("set"), .frame_rate = 4};
    struct source *source;
    struct source_info info;
    struct error error = {0};
    struct observation o;

    (void)state;
    assert_int_equal(mkdir(fixture_path("set"), 0700), 0);
    for (int i = 0; i < 6; i++)
        fixture_ffmpeg("-f lavfi -i color=red:size=%dx20 -frames:v 1 -update 1 set/%s", 20 + 2 * i, names[i]);
    fixture_write("set/notes.txt", "x", 1);
    fixture_write("set/.hidden.png", "x", 1);
    assert_int_equal(kind->open(&options, &source, &error), 0);
    kind->info(source, &info);
    assert_int_equal(info.frame_count, 6);
    for (int64_t i = 0; i < 6; i++) {
        if (kind->read(source, &o, &error) != 0)
            fail_msg("%s", error.text);
        assert_int_equal(o.width, 20 + 2 * i);
        assert_int_equal(o.picture->height, 20);
        assert_int_equal(o.number, i + 1);
        assert_int_equal(o.stream_ns, i * 250000000);
        observation_release(&o);
    }
    assert_int_equal(kind->read(source, &o, &error), ERR_END);
    kind->close(&source);
    assert_null(source);
}

static void one_image_looped_at_one_a_second(void **state)
{
    struct source *source;
    struct error error = {0};
    struct observation o;

    (void)state;
    fixture_ffmpeg("-f lavfi -i testsrc2=size=64x48 -frames:v 1 -pix_fmt rgba still.png");
    assert_int_equal(
        kind->open(&(struct source_options){.uri = fixture_path("still.png"), .loop = true}, &source, &error),
        0);
    for (int64_t i = 0; i < 3; i++) {
        assert_int_equal(kind->read(source, &o, &error), 0);
        assert_int_equal(o.stream_ns, i * NS_PER_S);
        assert_int_equal(o.picture->format, PIXEL_RGB24);
        observation_release(&o);
    }
    kind->close(&source);
}

static void a_damaged_image_is_named_and_passed_over(void **state)
{
    struct source *source;
    struct error error = {0};
    struct observation o;

    (void)state;
    assert_int_equal(mkdir(fixture_path("set"), 0700), 0);
    for (int i = 1; i <= 4; i++)
        fixture_ffmpeg("-f lavfi -i testsrc2=size=64x48 -frames:v 1 -update 1 set/p%d.%s", i,
                       i % 2 ? "png" : "jpg");
    fixture_truncate("set/p2.jpg", 0.5);
    fixture_truncate("set/p3.png", 0.5);
    assert_int_equal(
        kind->open(&(struct source_options){.uri = fixture_path("set"), .picture_limit = 1}, &source, &error),
        0);
    assert_int_equal(kind->read(source, &o, &error), 0);
    observation_release(&o);
    assert_int_equal(kind->read(source, &o, &error), ERR_FORMAT);
    assert_non_null(strstr(error.text, "p2.jpg"));
    assert_int_equal(kind->read(source, &o, &error), ERR_FORMAT);
    assert_non_null(strstr(error.text, "p3.png"));
    assert_int_equal(kind->read(source, &o, &error), 0);
    assert_int_equal(o.number, 4);
    observation_release(&o);
    assert_int_equal(kind->read(source, &o, &error), ERR_END);
    kind->close(&source);
}

static void what_cannot_be_opened(void **state)
{
    static const struct {
        const char *name;
        int code;
    } cases[] = {{"missing.png", ERR_NOT_FOUND}, {"empty.png", ERR_FORMAT}, {"nothing", ERR_FORMAT}};

    (void)state;
    fixture_write("empty.png", "", 0);
    assert_int_equal(mkdir(fixture_path("nothing"), 0700), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct source *source = (void *)1;
        struct error error = {0};

        assert_int_equal(
            kind->open(&(struct source_options){.uri = fixture_path(cases[i].name)}, &source, &error),
            cases[i].code);
        assert_null(source);
        assert_non_null(strstr(error.text, cases[i].name));
    }
}

static void limit_and_cancel(void **state)
{
    atomic_bool cancel = false;
    struct source_options options = {
        .loop = true, .picture_limit = 1, .read_timeout_ns = 30 * NS_PER_MS, .cancel = &cancel};
    struct source *source;
    struct error error = {0};
    struct observation held, o;

    (void)state;
    fixture_ffmpeg("-f lavfi -i testsrc2=size=64x48 -frames:v 1 still.png");
    options.uri = fixture_path("still.png");
    assert_int_equal(kind->open(&options, &source, &error), 0);
    assert_int_equal(kind->read(source, &held, &error), 0);
    assert_int_equal(kind->read(source, &o, &error), ERR_FULL);
    observation_release(&held);
    assert_int_equal(kind->read(source, &o, &error), 0);
    atomic_store(&cancel, true);
    assert_int_equal(kind->read(source, &held, &error), ERR_CANCELED);
    kind->close(&source);
    observation_release(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(natural_order),
                                       FIXTURE_TEST(kinds_by_uri),
                                       FIXTURE_TEST(folder_in_order),
                                       FIXTURE_TEST(one_image_looped_at_one_a_second),
                                       FIXTURE_TEST(a_damaged_image_is_named_and_passed_over),
                                       FIXTURE_TEST(what_cannot_be_opened),
                                       FIXTURE_TEST(limit_and_cancel)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
