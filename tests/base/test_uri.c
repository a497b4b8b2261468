#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/uri.h"

static void test_uri_redaction(void **state)
{
    (void)state;
    static const struct {
        const char *uri, *redacted;
    } cases[] = {
        {"rtsp://10.0.0.7/live", "rtsp://10.0.0.7/live"},
        {"rtsp://10.0.0.7:554/Streaming/Channels/101#udp", "rtsp://10.0.0.7:554/Streaming/Channels/101#udp"},
        {"rtsp://user:secret@10.0.0.7:554/live", "rtsp://***@10.0.0.7:554/live"},
        {"rtsp://user:p%40ss%2F@host/live", "rtsp://***@host/live"},
        /* passwords that should have been escaped, and schemes that are misspelt */
        {"rtsp://user:p@ss@host/live", "rtsp://***@host/live"},
        {"rtsp://user:pa/ss@host/live", "rtsp://***@host/live"},
        {"rtsp://user:pa?ss#1@host/live", "rtsp://***@host/live"},
        {"rtsp:/user:secret@host/live", "***@host/live"},
        {"user:secret@host/live", "***@host/live"},
        /* in the query, and where else cameras have them */
        {"http://host/cam?token=abc&x=1&Password=q", "http://host/cam?token=***&x=1&Password=***"},
        {"http://host/v.cgi?user=guard&pwd=s3cret&size=2", "http://host/v.cgi?user=***&pwd=***&size=2"},
        {"http://host/v.cgi?loginuse=guard&loginpas=s3cret", "http://host/v.cgi?loginuse=***&loginpas=***"},
        {"http://host/v.cgi?u=guard&p=s3cret", "http://host/v.cgi?u=***&p=***"},
        {"http://host/v.cgi?next=a?pwd=s3cret", "http://host/v.cgi?next=a?pwd=***"},
        {"rtsp://host/user=guard&password=s3cret&channel=1", "rtsp://host/user=***&password=***&channel=1"},
        {"rtsp://host/channel=1_password=s_3cret_stream=0.sdp?real",
         "rtsp://host/channel=1_password=***?real"},
        {"rtsp://host/cam;pwd=s3cret#udp", "rtsp://host/cam;pwd=***#udp"},
        {"http://host/cam#token=s3cret", "http://host/cam#token=***"},
        {"http://host/?password=", "http://host/?password=***"},
        /* nothing secret */
        {"http://host/a@b", "http://host/a@b"},
        {"http://host/cam?=x&size=2&", "http://host/cam?=x&size=2&"},
        {"var/sample/vtest.avi", "var/sample/vtest.avi"},
        {"/clips/at@noon.mp4", "/clips/at@noon.mp4"},
        {"", ""},
    };
    char out[128];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_string_equal(uri_redact(cases[i].uri, out, sizeof out), cases[i].redacted);
        assert_int_equal(uri_is_redacted(out), strcmp(cases[i].uri, out) != 0);
        assert_false(uri_is_redacted(cases[i].uri));
    }
    assert_string_equal(uri_redact("rtsp://user:secret@host/live", out, 12), "rtsp://***@");
}

static void test_uri_scheme(void **state)
{
    (void)state;
    char out[16];
    uri_scheme("RTSP://host/", out, sizeof out);
    assert_string_equal(out, "rtsp");
    uri_scheme("a/b.avi", out, sizeof out);
    assert_string_equal(out, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_uri_redaction),
                                       cmocka_unit_test(test_uri_scheme)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
