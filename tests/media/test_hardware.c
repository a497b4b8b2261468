/* Decoding by a device, on machines that have one and on those that have none: the pictures come all the
 * same, and why the processor makes them is told once. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <libavcodec/avcodec.h>

#include "base/text.h"
#include "fixture.h"
#include "media/hardware.h"
#include "media/source.h"

struct told {
    int count;
    char text[256];
};

static void on_note(void *user, enum source_note note, const char *text)
{
    struct told *told = user;

    assert_int_equal(note, SOURCE_REMARK);
    told->count++;
    text_copy(told->text, sizeof told->text, text);
}

static int64_t pictures_with(const char *name, const char *decoder, struct told *told)
{
    struct source_options options = {
        .uri = fixture_path(name), .decoder = decoder, .on_note = on_note, .note_user = told};

    *told = (struct told){0};
    return fixture_count_pictures(&options);
}

static void pictures_come_with_any_decoder(void **state)
{
    static const char *const decoders[] = {NULL, "cpu", "auto", "cuda", "vaapi"};

    (void)state;
    fixture_ffmpeg(
        "-f lavfi -i testsrc2=size=320x240:rate=25:duration=1 -c:v libx264 -preset ultrafast -pix_fmt "
        "yuv420p a.mp4");
    for (size_t i = 0; i < sizeof decoders / sizeof *decoders; i++) {
        struct told told;

        assert_int_equal(pictures_with("a.mp4", decoders[i], &told), 25);
        if (i < 3)
            assert_int_equal(told.count, 0); /* nothing in particular was wanted */
        else if (told.count != 0) {
            assert_int_equal(told.count, 1);
            assert_true(text_starts_with(told.text, "decoded by the CPU: there is no "));
        }
    }
}

static void a_codec_that_no_device_knows_says_so(void **state)
{
    struct told told;

    (void)state;
    fixture_ffmpeg("-f lavfi -i testsrc2=size=64x48:rate=5:duration=1 -c:v ffv1 b.mkv");
    assert_int_equal(pictures_with("b.mkv", "cuda", &told), 5);
    assert_string_equal(told.text, "decoded by the CPU: CUDA does not decode ffv1");
}

/* What takes a device for broken, and what does not. */
static void a_device_is_given_up_for_its_own_failures(void **state)
{
    static const struct {
        int code, times;
        bool failed;
    } cases[] = {{AVERROR_EXTERNAL, 1, true},      {AVERROR(EIO), 1, true},
                 {AVERROR(EAGAIN), 100, false},    {AVERROR_EOF, 100, false},
                 {AVERROR_INVALIDDATA, 15, false}, {AVERROR_INVALIDDATA, 16, true},
                 {AVERROR(ENODEV), 1, true},       {0, 100, false}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hardware h = {.name = "CUDA", .device = av_buffer_alloc(1)};

        for (int k = 0; k < cases[i].times; k++)
            hardware_note(&h, cases[i].code);
        assert_int_equal(h.failed, cases[i].failed);
        assert_int_equal(h.why[0] != '\0', cases[i].failed);
        hardware_release(&h);
        hardware_note(&h, AVERROR_EXTERNAL); /* the processor's */
        assert_int_equal(h.failed, cases[i].failed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_come_with_any_decoder),
        cmocka_unit_test(a_codec_that_no_device_knows_says_so),
        cmocka_unit_test(a_device_is_given_up_for_its_own_failures),
    };

    return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
