#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

static void test_copy_ends_at_whole_character(void **state)
{
    (void)state;
    char out[5];
    text_copy(out, sizeof out, "abc\xC3\xA9");
    assert_string_equal(out, "abc");
    text_copy(out, sizeof out, "ab\xC3\xA9");
    assert_string_equal(out, "ab\xC3\xA9");
}

static void test_identifiers(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "gate_a", "Gate-1.b", "0"};
    static const char *const bad[] = {"",
                                      ".a",
                                      "-a",
                                      "a b",
                                      "a/b",
                                      "\xC3\xA9",
                                      "0123456789012345678901234567890123456789012345678901234567890123x"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(text_is_identifier(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(text_is_identifier(bad[i]));
}

static void test_numbers(void **state)
{
    (void)state;
    double d;
    int64_t n;
    assert_true(text_to_double("-1.5e3", &d) && d == -1500);
    static const char *const bad[] = {"", " 1", "1 ", "0x10", "nan", "inf", "1e999", "1,5", "abc"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(text_to_double(bad[i], &d));
    assert_true(text_to_int64("-42", &n) && n == -42);
    assert_false(text_to_int64("9223372036854775808", &n));
    assert_false(text_to_int64("1.0", &n));
}

static void test_durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ns;
    } good[] = {{"0", 0},
                {"200ms", 200000000},
                {"5s", 5000000000},
                {"2m", 120000000000},
                {"1.5h", 5400000000000},
                {"7d", 604800000000000}};
    static const char *const bad[] = {"", "5", "s", "-5s", "5 s", "5sec", "1e3s", "99999999999d", "1.2.3s"};
    int64_t ns;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(text_to_duration_ns(good[i].text, &ns));
        assert_int_equal(ns, good[i].ns);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(text_to_duration_ns(bad[i], &ns));
}

static void test_sizes(void **state)
{
    (void)state;
    int w, h;
    assert_true(text_to_size("512x384", &w, &h));
    assert_int_equal(w, 512);
    assert_int_equal(h, 384);
    static const char *const bad[] = {"",          "512",  "x384",      "512x",    "0x1",
                                      "512x384x2", "-1x2", "512 x 384", "100000x2"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(text_to_size(bad[i], &w, &h));
}

static void test_utf8(void **state)
{
    (void)state;
    assert_true(text_is_utf8("a\xE2\x82\xAC\xF0\x9F\x98\x80", 8));
    static const char *const bad[] = {"\x80", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80",
                                      "\xC3", "\xFF"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(text_is_utf8(bad[i], strlen(bad[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copy_ends_at_whole_character),
        cmocka_unit_test(test_identifiers),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
