#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json_read.h"
#include "base/json_write.h"
#include "base/random.h"

static void write_number(struct buffer *out, double value, int decimals)
{
    buffer_clear(out);
    struct json_writer w = json_writer_on(out);
    json_number(&w, value, decimals);
}

static void test_numbers_are_rounded_and_short(void **state)
{
    (void)state;
    static const struct {
        double value;
        int decimals;
        const char *text;
    } cases[] = {{0, 3, "0"},           {1.5, 0, "2"},         {-1.25, 1, "-1.3"},
                 {0.1 + 0.2, 6, "0.3"}, {-0.0004, 3, "0"},     {1234.5678, 2, "1234.57"},
                 {100, 2, "100"},       {0.05, 2, "0.05"},     {-7, 2, "-7"},
                 {NAN, 2, "null"},      {INFINITY, 2, "null"}, {1e12, 2, "1000000000000"}};
    struct buffer out = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_number(&out, cases[i].value, cases[i].decimals);
        assert_string_equal(out.data, cases[i].text);
    }
    buffer_free(&out);
}

static void test_random_numbers_read_back(void **state)
{
    (void)state;
    struct random_state r;
    struct buffer out = {0};
    random_seed(&r, 7);
    for (int i = 0; i < 20000; i++) {
        double value = (random_unit(&r) - 0.5) * pow(10, (double)random_below(&r, 8));
        write_number(&out, value, 4);
        assert_true(fabs(strtod(out.data, NULL) - value) <= 0.5e-4 * 1.0000001 + fabs(value) * 1e-15);
        buffer_clear(&out);
        struct json_writer w = json_writer_on(&out);
        json_double(&w, value);
        assert_true(strtod(out.data, NULL) == value);
    }
    buffer_free(&out);
}

static void test_nesting_and_escapes(void **state)
{
    (void)state;
    struct buffer out = {0};
    struct json_writer w = json_writer_on(&out);
    json_object_begin(&w);
    json_put_string(&w, "a\"b", "line\n\x01\\ \xE2\x82\xAC \xFF");
    json_key(&w, "list");
    json_array_begin(&w);
    json_int(&w, INT64_MIN);
    json_bool(&w, true);
    json_null_value(&w);
    json_array_begin(&w);
    json_array_end(&w);
    json_array_end(&w);
    json_put_time(&w, "t", INT64_C(1777658587125000000));
    json_object_end(&w);
    assert_string_equal(
        out.data,
        "{\"a\\\"b\":\"line\\n\\u0001\\\\ \xE2\x82\xAC \xEF\xBF\xBD\",\"list\":[-9223372036854775808,"
        "true,null,[]],\"t\":\"2026-05-01T18:03:07.125Z\"}");
    buffer_free(&out);
}

static void test_reader(void **state)
{
    (void)state;
    const char *text = "{\"a\": 1, \"b\": [true, \"x\", 2.5], \"c\": null}";
    struct json *root;
    assert_int_equal(json_parse(text, strlen(text), &root, NULL), 0);
    assert_int_equal(json_as_int(json_get(root, "a"), -1), 1);
    assert_int_equal(json_size(json_get(root, "b")), 3);
    assert_string_equal(json_as_string(json_at(json_get(root, "b"), 1), ""), "x");
    assert_true(json_as_number(json_at(json_get(root, "b"), 2), 0) == 2.5);
    assert_int_equal(json_as_int(json_at(json_get(root, "b"), 2), -1), -1);
    assert_true(json_as_bool(json_at(json_get(root, "b"), 0), false));
    assert_null(json_at(json_get(root, "b"), 3));
    assert_int_equal(json_kind(json_get(root, "zzz")), JSON_IS_NULL);
    const char *key;
    const struct json *value;
    assert_true(json_entry(root, 2, &key, &value));
    assert_string_equal(key, "c");
    assert_false(json_entry(root, 3, &key, &value));
    json_free(root);
}

static void test_reader_refuses(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "{", "{\"a\":1,\"a\":2}", "[1,]", "{\"a\":1} x", "nul", "\"\xFF\""};
    struct json *root;
    struct error error;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(json_parse(bad[i], strlen(bad[i]), &root, &error), ERR_FORMAT);
        assert_null(root);
        assert_memory_equal(error.text, "line 1, column", 14);
    }
}

static struct json *parsed(const char *text)
{
    struct json *root;
    assert_int_equal(json_parse(text, strlen(text), &root, NULL), 0);
    return root;
}

/* The cases that RFC 7396 gives for objects. */
static void test_merge(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
        {"{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}"},
        {"{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}"},
        {"{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
        {"{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}"},
        {"{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}"},
        {"{\"e\":null}", "{\"a\":1}", "{\"a\":1,\"e\":null}"},
        {"{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct json *base = parsed(cases[i][0]), *patch = parsed(cases[i][1]),
                    *expected = parsed(cases[i][2]);
        struct json *merged = json_merge(base, patch);

        assert_int_equal(json_size(merged), json_size(expected));
        const char *key;
        const struct json *value;
        for (size_t k = 0; json_entry(expected, k, &key, &value); k++) {
            const struct json *got = json_get(merged, key);
            assert_int_equal(json_kind(got), json_kind(value));
            assert_int_equal(json_size(got), json_size(value));
            if (json_kind(value) == JSON_IS_STRING)
                assert_string_equal(json_as_string(got, ""), json_as_string(value, "?"));
        }

        json_free(merged);
        json_free(base);
        json_free(patch);
        json_free(expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_are_rounded_and_short),
        cmocka_unit_test(test_random_numbers_read_back),
        cmocka_unit_test(test_nesting_and_escapes),
        cmocka_unit_test(test_reader),
        cmocka_unit_test(test_reader_refuses),
        cmocka_unit_test(test_merge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
