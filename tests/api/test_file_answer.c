#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/file_answer.h"

static void ranges_are_those_of_the_rfc(void **state)
{
    static const struct {
        const char *header;
        enum range_result result;
        int64_t first, last;
    } cases[] = {
        {NULL, RANGE_WHOLE, 0, 0},
        {"", RANGE_WHOLE, 0, 0},
        {"bytes=0-499", RANGE_PART, 0, 499},
        {"bytes=500-", RANGE_PART, 500, 999},
        {"bytes=-1", RANGE_PART, 999, 999},
        {"bytes=-5000", RANGE_PART, 0, 999},
        {"bytes=990-5000", RANGE_PART, 990, 999},
        {"bytes=0-0", RANGE_PART, 0, 0},
        {"bytes=1000-", RANGE_BEYOND, 0, 0},
        {"bytes=9223372036854775807-", RANGE_BEYOND, 0, 0},
        {"bytes=-0", RANGE_BEYOND, 0, 0},
        {"bytes=5-4", RANGE_WHOLE, 0, 0},
        {"bytes=0-1,5-6", RANGE_WHOLE, 0, 0},
        {"bytes=a-b", RANGE_WHOLE, 0, 0},
        {"bytes=-", RANGE_WHOLE, 0, 0},
        {"bytes=", RANGE_WHOLE, 0, 0},
        {"bytes=+1-2", RANGE_WHOLE, 0, 0},
        {"bytes=99999999999999999999-", RANGE_WHOLE, 0, 0},
        {"lines=0-1", RANGE_WHOLE, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t first = -1, last = -1;
        if (range_parse(cases[i].header, 1000, &first, &last) != cases[i].result)
            fail_msg("%s", cases[i].header);
        if (cases[i].result == RANGE_PART) {
            assert_int_equal(first, cases[i].first);
            assert_int_equal(last, cases[i].last);
        }
    }
}

static void an_answer_is_the_file_or_a_part(void **state)
{
    static const struct {
        const char *range;
        int status;
        int64_t offset, size;
    } cases[] = {{NULL, 200, 0, 10}, {"bytes=2-5", 206, 2, 4}, {"bytes=10-", 416, 0, 0}};
    char path[] = "/tmp/sci_file_answer_XXXXXX";
    int fd = mkstemp(path);

    (void)state;
    assert_int_equal(write(fd, "0123456789", 10), 10);
    close(fd);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct answer answer = {0};
        assert_int_equal(file_answer(path, "video/mp4", cases[i].range, &answer), 0);
        assert_int_equal(answer.status, cases[i].status);
        assert_int_equal(answer.has_file, cases[i].status != 416);
        assert_int_equal(answer.file_offset, cases[i].offset);
        assert_int_equal(answer.file_size, cases[i].size);
        answer_release(&answer);
    }
    unlink(path);
    struct answer answer = {0};
    assert_int_equal(file_answer(path, "video/mp4", NULL, &answer), ERR_NOT_FOUND);
    assert_int_equal(file_answer("/tmp", "video/mp4", NULL, &answer), ERR_NOT_FOUND);
    answer_release(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_are_those_of_the_rfc),
        cmocka_unit_test(an_answer_is_the_file_or_a_part),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
