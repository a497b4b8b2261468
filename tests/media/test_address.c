#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "media/address.h"
#include "media/source.h"

static void paths(void **state)
{
    static const struct {
        const char *uri, *path; /* NULL = refused */
    } cases[] = {
        {"clip.mp4", "clip.mp4"},
        {"/a b/100%.mp4", "/a b/100%.mp4"},
        {"file:///a%20b/c.mp4", "/a b/c.mp4"},
        {"file://localhost/c.mp4", "/c.mp4"},
        {"file://host/c.mp4", NULL},
        {"file:///c%2", NULL},
        {"file:///c%zz", NULL},
        {"file:///c%00d", NULL},
        {"", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[ADDRESS_MAX];
        struct error error = {0};
        int result = address_path(cases[i].uri, out, &error);

        assert_int_equal(result, cases[i].path ? 0 : ERR_INVALID);
        if (cases[i].path)
            assert_string_equal(out, cases[i].path);
        else
            assert_true(error.text[0]);
    }
}

static void long_addresses_are_refused(void **state)
{
    static char uri[ADDRESS_MAX + 32];
    char out[ADDRESS_MAX];
    struct error error;
    bool udp;

    (void)state;
    memset(uri, 'a', sizeof uri - 1);
    assert_int_equal(address_path(uri, out, &error), ERR_INVALID);
    memcpy(uri, "file:///", 8);
    assert_int_equal(address_path(uri, out, &error), ERR_INVALID);
    memcpy(uri, "rtsp://h/", 9);
    assert_int_equal(address_rtsp(uri, out, &udp, &error), ERR_INVALID);
}

static void rtsp_transport(void **state)
{
    char out[ADDRESS_MAX];
    struct error error;
    bool udp;

    (void)state;
    assert_int_equal(address_rtsp("rtsp://u:p@h/cam?x=1", out, &udp, &error), 0);
    assert_string_equal(out, "rtsp://u:p@h/cam?x=1");
    assert_false(udp);
    assert_int_equal(address_rtsp("rtsp://h/cam#udp", out, &udp, &error), 0);
    assert_string_equal(out, "rtsp://h/cam");
    assert_true(udp);
    assert_int_equal(address_rtsp("rtsp://h/cam#tcp", out, &udp, &error), 0);
    assert_false(udp);
    assert_int_equal(address_rtsp("rtsp://h/cam#sctp", out, &udp, &error), ERR_INVALID);
}

static void kinds(void **state)
{
    struct error error = {0};

    (void)state;
    assert_ptr_equal(source_kind_for("clip.mp4", &error), &source_kind_ffmpeg);
    assert_ptr_equal(source_kind_for("rtsp://h/c", &error), &source_kind_ffmpeg);
    assert_ptr_equal(source_kind_for("https://h/c.m3u8", &error), &source_kind_ffmpeg);
    assert_null(source_kind_for("", &error));
    assert_int_equal(error.code, ERR_INVALID);
    assert_null(source_kind_for("gopher://user:secret@h/c", &error));
    assert_int_equal(error.code, ERR_UNSUPPORTED);
    assert_non_null(strstr(error.text, "gopher"));
    assert_null(strstr(error.text, "secret"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(paths), cmocka_unit_test(long_addresses_are_refused),
                                       cmocka_unit_test(rtsp_transport), cmocka_unit_test(kinds)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
