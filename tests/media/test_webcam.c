/* What can be told of webcams where there is none: every way in which one is not there. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <libavutil/error.h>

#include "core/stream.h"
#include "media/source.h"
#include "media/webcam.h"

static void devices_that_are_no_camera(void **state)
{
    static const struct {
        const char *uri;
        int code;
        const char *words;
    } cases[] = {
        {"v4l2:///dev/video97", ERR_NOT_FOUND, "there is no such device"},
        {"v4l2:///dev/video97?size=640x480&rate=30&format=mjpeg", ERR_NOT_FOUND, "there is no such device"},
        {"v4l2:///dev/null", ERR_FORMAT, "not a camera"},
        {"v4l2:///etc/passwd", ERR_FORMAT, "not even a device"},
        {"v4l2:///dev", ERR_FORMAT, "not even a device"},
        {"v4l2://dev/video0", ERR_INVALID, "v4l2:///dev/video0"},
        {"v4l2://", ERR_INVALID, "v4l2:///dev/video0"},
        {"v4l2:///dev/null?size=", ERR_INVALID, "can be asked"},
        {"v4l2:///dev/null?colour=red", ERR_INVALID, "can be asked"},
        {"v4l2:///dev/null?size=640x480&", ERR_FORMAT, "not a camera"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct source_options options = {.uri = cases[i].uri, .open_timeout_ns = 5 * NS_PER_S};
        struct error error = {0};
        struct source *source = NULL;
        const struct source_kind *kind = source_kind_for(cases[i].uri, &error);
        int code;

        assert_ptr_equal(kind, &source_kind_ffmpeg);
        code = kind->open(&options, &source, &error);
        assert_null(source);
        if (code == ERR_UNSUPPORTED) /* the library is not installed here */
            assert_non_null(strstr(error.text, "libavdevice"));
        else if (code != cases[i].code || !strstr(error.text, cases[i].words))
            fail_msg("%s: %d, %s", cases[i].uri, code, error.text);
    }
}

static void reasons_that_need_a_camera(void **state)
{
    static const struct {
        int number;
        enum stream_cause cause;
        const char *words;
    } cases[] = {{EBUSY, CAUSE_OTHER, "another program has the camera"},
                 {EACCES, CAUSE_OTHER, "group video"},
                 {ENODEV, CAUSE_FORMAT, "unplugged"},
                 {EINVAL, CAUSE_OTHER, "no such size"},
                 {EIO, CAUSE_NETWORK, "Input/output error"}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error error = {0};

        assert_int_equal(stream_cause_of(webcam_failed("cam", AVERROR(cases[i].number), &error)),
                         cases[i].cause);
        assert_non_null(strstr(error.text, cases[i].words));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(devices_that_are_no_camera),
                                       cmocka_unit_test(reasons_that_need_a_camera)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
