/* Errors, clock, buffer, arena, random numbers, files, secrets. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/random.h"
#include "base/secret.h"

static void test_error_text(void **state)
{
    (void)state;
    struct error e;
    assert_int_equal(error_set(&e, ERR_FORMAT, "line %d", 3), ERR_FORMAT);
    assert_int_equal(error_prefix(&e, "file %s", "a.yaml"), ERR_FORMAT);
    assert_string_equal(e.text, "file a.yaml: line 3");
    assert_int_equal(error_set_errno(&e, ENOSPC, "%s", "var/sci.db"), ERR_FULL);
    assert_string_equal(e.text, "var/sci.db: No space left on device");
    assert_int_equal(error_set(NULL, ERR_IO, "nobody listens"), ERR_IO);
    char longer[2 * ERROR_TEXT_MAX];
    memset(longer, 'x', sizeof longer);
    memcpy(longer + ERROR_TEXT_MAX - 3, "\xE2\x82\xAC", 3); /* the euro sign does not fit whole */
    longer[sizeof longer - 1] = '\0';
    error_set(&e, ERR_IO, "%s", longer);
    assert_int_equal(strlen(e.text), ERROR_TEXT_MAX - 3);
}

static void test_time(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ns;
    } cases[] = {{"1970-01-01T00:00:00Z", 0},
                 {"2026-05-01T18:03:07.125Z", INT64_C(1777658587125000000)},
                 {"2026-05-01T20:03:07.125+02:00", INT64_C(1777658587125000000)},
                 {"2026-05-01t18:03:07.1250000009z", INT64_C(1777658587125000000)},
                 {"1969-12-31T23:59:59.5Z", -500000000}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t ns;
        assert_int_equal(time_parse(cases[i].text, &ns, NULL), 0);
        assert_int_equal(ns, cases[i].ns);
    }
    static const char *const bad[] = {"",
                                      "2026-05-01",
                                      "2026-13-01T00:00:00Z",
                                      "2026-02-30T00:00:00Z",
                                      "2026-05-01T24:00:00Z",
                                      "2026-05-01T00:00:00",
                                      "2026-05-01T00:00:00.Z",
                                      "2026-05-01T00:00:00Zx",
                                      "now"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t ns;
        assert_int_equal(time_parse(bad[i], &ns, NULL), ERR_FORMAT);
    }
    char text[TIME_TEXT_SIZE];
    assert_string_equal(time_format(INT64_C(1777658587125999999), text), "2026-05-01T18:03:07.125Z");
    assert_string_equal(time_format(-1, text), "1969-12-31T23:59:59.999Z");
    assert_string_equal(time_format(INT64_MAX, text), "2262-04-11T23:47:16.854Z");
}

static void test_buffer(void **state)
{
    (void)state;
    struct buffer b = {0};
    for (int i = 0; i < 1000; i++)
        buffer_printf(&b, "%d,", i);
    assert_int_equal(b.size, 10 * 2 + 90 * 3 + 900 * 4);
    assert_int_equal(strlen(b.data), b.size);
    char longer[3000];
    memset(longer, 'y', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    buffer_clear(&b);
    buffer_printf(&b, "<%s>", longer);
    assert_int_equal(b.size, 3001);
    assert_null(buffer_reserve(&b, SIZE_MAX - 10));
    assert_true(b.failed);
    assert_null(buffer_take(&b));
    char *text = buffer_take(&b);
    assert_string_equal(text, "");
    free(text);
}

static void test_arena_reuses_its_blocks(void **state)
{
    (void)state;
    struct arena *arena = arena_create(1024);
    void *first = arena_alloc(arena, 10, 10);
    assert_int_equal((uintptr_t)first % 64, 0);
    char *large = arena_alloc(arena, 1, 5000);
    memset(large, 1, 5000);
    assert_string_equal(arena_copy_text(arena, "text"), "text");
    arena_reset(arena);
    assert_ptr_equal(arena_alloc(arena, 10, 10), first);
    char *again = arena_alloc(arena, 1, 5000);
    assert_ptr_equal(again, large);
    assert_int_equal(again[4999], 0);
    assert_null(arena_alloc(arena, SIZE_MAX / 2, 4));
    arena_destroy(arena);
}

static void test_random_numbers(void **state)
{
    (void)state;
    struct random_state a, b;
    random_seed(&a, 1);
    random_seed(&b, 1);
    double sum = 0, squares = 0;
    for (int i = 0; i < 100000; i++) {
        double x = random_normal(&a);
        assert_true(x == random_normal(&b));
        sum += x;
        squares += x * x;
    }
    assert_true(fabs(sum / 100000) < 0.02 && fabs(squares / 100000 - 1) < 0.02);
    unsigned counts[7] = {0};
    for (int i = 0; i < 70000; i++)
        counts[random_below(&a, 7)]++;
    for (int i = 0; i < 7; i++)
        assert_true(counts[i] > 9500 && counts[i] < 10500);
}

static void test_files(void **state)
{
    (void)state;
    char folder[] = "/tmp/sci-base-XXXXXX", path[64], inner[64];
    struct buffer b = {0};
    struct error e;
    assert_non_null(mkdtemp(folder));
    path_join(inner, sizeof inner, folder, "a/b");
    assert_int_equal(file_make_dirs(inner, &e), 0);
    path_join(path, sizeof path, inner, "f");
    assert_int_equal(file_write_atomic(path, "hello", 5, &e), 0);
    assert_int_equal(file_write_atomic(path, "world!", 6, &e), 0);
    assert_int_equal(file_read(path, 6, &b, &e), 0);
    assert_string_equal(b.data, "world!");
    assert_int_equal(file_read(path, 5, &b, &e), ERR_FULL);
    assert_string_equal(b.data, "world!");
    assert_int_equal(file_size(path), 6);
    assert_int_equal(file_read("/nonexistent/x", 10, &b, &e), ERR_NOT_FOUND);
    assert_int_equal(file_make_dirs(path, &e), ERR_IO);
    assert_true(file_free_bytes(folder) > 0);
    buffer_free(&b);
    unlink(path);
    rmdir(inner);
    path_join(inner, sizeof inner, folder, "a");
    rmdir(inner);
    rmdir(folder);
}

static void test_crc32(void **state)
{
    (void)state;
    assert_int_equal(crc32_update(0, "123456789", 9), 0xCBF43926u); /* the check value of CRC-32/ISO-HDLC */
    assert_int_equal(crc32_update(crc32_update(0, "1234", 4), "56789", 5), 0xCBF43926u);
}

static void test_secrets(void **state)
{
    (void)state;
    char a[SECRET_KEY_TEXT], b[SECRET_KEY_TEXT], hash[SECRET_HASH_TEXT], password[SECRET_PASSWORD_TEXT];
    assert_int_equal(secret_init(NULL), 0);
    secret_new_key(a);
    secret_new_key(b);
    assert_int_equal(strlen(a), 47);
    assert_memory_equal(a, "sci_", 4);
    assert_string_not_equal(a, b);
    secret_hash_key("abc", hash); /* BLAKE2b-256 of "abc" */
    assert_string_equal(hash, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
    assert_true(secret_equal(a, a));
    assert_false(secret_equal(a, b));
    assert_int_equal(secret_hash_password("correct horse", password, NULL), 0);
    assert_true(secret_check_password("correct horse", password));
    assert_false(secret_check_password("wrong horse", password));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_error_text),     cmocka_unit_test(test_time),
        cmocka_unit_test(test_buffer),         cmocka_unit_test(test_arena_reuses_its_blocks),
        cmocka_unit_test(test_random_numbers), cmocka_unit_test(test_files),
        cmocka_unit_test(test_crc32),          cmocka_unit_test(test_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
