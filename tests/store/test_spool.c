// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../tools/temporary_folder.h"
#include "base/file.h"
#include "base/text.h"
#include "store/spool.h"
#include "store_fixture.h"

#define NO_LIMIT (INT64_C(1) << 40)

static int set_up(void **state)
{
    char *dir = calloc(1, 256);
    *state = dir;
    return dir ? temporary_folder_make(dir, 256) : -1;
}

static int tear_down(void **state)
{
    temporary_folder_remove(*state);
    free(*state);
    return 0;
}

static struct analytics_row make_row(int64_t number)
{
    return (struct analytics_row){.stream_id = "gate_a",
                                  .zone_id = "north",
                                  .measure = MEASURE_OCCUPANCY,
                                  .step = STEP_1S,
                                  .start_ns = DAY_START + number * NS_PER_S,
                                  .mean = number % 3 ? (double)number : NAN,
                                  .min = number % 3 ? 0 : NAN,
                                  .max = number % 3 ? 1e9 : NAN,
                                  .valid_share = 0.5,
                                  .samples = number};
}

static struct spool *open_spool(const char *dir, int64_t limit)
{
    struct spool *spool;
    struct error error;
    assert_int_equal(spool_open(dir, limit, &spool, &error), 0);
    return spool;
}

static void append_rows(struct spool *spool, int64_t first, size_t count)
{
    struct error error;
    struct analytics_row *rows = calloc(count, sizeof *rows);
    assert_non_null(rows);
    for (size_t i = 0; i < count; i++)
        rows[i] = make_row(first + (int64_t)i);
    assert_int_equal(spool_append_rows(spool, rows, count, &error), 0);
    free(rows);
}

/* Takes everything; rows must be `first`, `first + 1`, ... Returns how many. */
static size_t drain(struct spool *spool, int64_t first)
{
    const struct spool_batch *batch;
    struct error error;
    size_t count = 0;
    int code;
    while ((code = spool_peek(spool, &batch, &error)) > 0) {
        for (size_t i = 0; i < batch->row_count; i++) {
            struct analytics_row expected = make_row(first + (int64_t)count++);
            const struct analytics_row *row = &batch->rows[i];
            assert_string_equal(row->stream_id, "gate_a");
            assert_string_equal(row->zone_id, "north");
            assert_int_equal(row->measure, MEASURE_OCCUPANCY);
            assert_int_equal(row->step, STEP_1S);
            assert_int_equal(row->start_ns, expected.start_ns);
            assert_int_equal(row->samples, expected.samples);
            assert_int_equal(isnan(row->mean), isnan(expected.mean));
            assert_true(isnan(row->mean) || (row->mean == expected.mean && row->max == 1e9));
        }
        assert_int_equal(spool_done(spool, &error), 0);
    }
    assert_int_equal(code, 0);
    return count;
}

static void in_and_out(void **state)
{
    struct spool *spool = open_spool(*state, NO_LIMIT);
    struct error error;
    assert_int_equal(drain(spool, 0), 0);
    append_rows(spool, 0, 1);
    append_rows(spool, 1, 1700);
    assert_true(spool_bytes(spool) > 0);
    assert_int_equal(drain(spool, 0), 1701);
    assert_int_equal(spool_bytes(spool), 0);
    /* After that it goes on, and what was appended while reading comes too. */
    append_rows(spool, 0, 600);
    const struct spool_batch *batch;
    assert_int_equal(spool_peek(spool, &batch, &error), 1);
    append_rows(spool, 600, 5);
    assert_int_equal(drain(spool, 0), 605);
    assert_int_equal(spool_take_damaged(spool), 0);
    spool_close(&spool);
}

static void metrics_too(void **state)
{
    struct spool *spool = open_spool(*state, NO_LIMIT);
    struct error error;
    const struct system_metric metric = {.time_ns = DAY_START, .name = "cpu", .value = 0.25};
    assert_int_equal(spool_append_metrics(spool, &metric, 1, &error), 0);
    const struct spool_batch *batch;
    assert_int_equal(spool_peek(spool, &batch, &error), 1);
    assert_int_equal(batch->row_count, 0);
    assert_int_equal(batch->metric_count, 1);
    assert_string_equal(batch->metrics[0].name, "cpu");
    assert_true(batch->metrics[0].value == 0.25 && batch->metrics[0].time_ns == DAY_START);
    assert_true(batch->ends_segment);
    spool_close(&spool);
}

/* Many segments, closed and opened between; what was peeked but not done comes again. */
static void survives_reopening(void **state)
{
    enum { ROWS = 120000, STEP = 4000 };
    struct spool *spool = open_spool(*state, NO_LIMIT);
    struct error error;
    for (int64_t i = 0; i < ROWS; i += STEP)
        append_rows(spool, i, STEP);
    int64_t bytes = spool_bytes(spool);
    assert_true(bytes > 8 << 20);
    spool_close(&spool);
    spool = open_spool(*state, NO_LIMIT);
    assert_int_equal(spool_bytes(spool), bytes);
    const struct spool_batch *batch;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(spool_peek(spool, &batch, &error), 1);
        assert_int_equal(spool_done(spool, &error), 0);
    }
    spool_close(&spool);
    spool = open_spool(*state, NO_LIMIT);
    append_rows(spool, ROWS, 10);
    assert_int_equal(drain(spool, 0), ROWS + 10);
    spool_close(&spool);
}

static void only_file(const char *dir, char *path, size_t size)
{
    DIR *listing = opendir(dir);
    assert_non_null(listing);
    path[0] = '\0';
    for (const struct dirent *entry; (entry = readdir(listing));)
        if (entry->d_name[0] != '.') {
            assert_string_equal(path, "");
            path_join(path, size, dir, entry->d_name);
        }
    closedir(listing);
    assert_string_not_equal(path, "");
}

/* Cut anywhere: whole records come out, the rest is left out, nothing fails. */
static void torn_tail(void **state)
{
    char path[512];
    struct spool *spool = open_spool(*state, NO_LIMIT);
    for (int64_t i = 0; i < 20; i++)
        append_rows(spool, i, 1);
    int64_t bytes = spool_bytes(spool);
    spool_close(&spool);
    only_file(*state, path, sizeof path);
    int64_t record = (bytes - 12) / 20;
    for (int64_t size = bytes - 1; size > 12; size -= 37) {
        assert_int_equal(truncate(path, size), 0);
        struct buffer copy = {0};
        struct error error;
        assert_int_equal(file_read(path, 1 << 20, &copy, &error), 0);
        spool = open_spool(*state, NO_LIMIT);
        assert_int_equal(drain(spool, 0), (size - 12) / record);
        spool_close(&spool);
        assert_false(file_exists(path));
        assert_int_equal(file_write_atomic(path, copy.data, copy.size, &error), 0);
        buffer_free(&copy);
    }
}

/* A byte that changed costs its record, and is told. */
static void damaged_record(void **state)
{
    char path[512];
    struct spool *spool = open_spool(*state, NO_LIMIT);
    append_rows(spool, 100, 1);
    int64_t first = spool_bytes(spool);
    append_rows(spool, 0, 3);
    spool_close(&spool);
    only_file(*state, path, sizeof path);
    int fd = open(path, O_RDWR);
    assert_int_equal(pwrite(fd, "!", 1, first - 5), 1);
    close(fd);
    spool = open_spool(*state, NO_LIMIT);
    assert_int_equal(drain(spool, 0), 3);
    assert_int_equal(spool_take_damaged(spool), 1);
    assert_int_equal(spool_take_damaged(spool), 0);
    spool_close(&spool);
}

static void foreign_files(void **state)
{
    char path[512];
    struct error error;
    path_join(path, sizeof path, *state, "notes.txt");
    assert_int_equal(file_write_atomic(path, "hello", 5, &error), 0);
    path_join(path, sizeof path, *state, "spool-0000000000000003.dat");
    assert_int_equal(file_write_atomic(path, "no segment at all", 17, &error), 0);
    struct spool *spool = open_spool(*state, NO_LIMIT);
    append_rows(spool, 0, 3);
    assert_int_equal(drain(spool, 0), 3);
    assert_int_equal(spool_take_damaged(spool), 1);
    spool_close(&spool);
    path_join(path, sizeof path, *state, "notes.txt");
    assert_true(file_exists(path));
}

static void limit_kept(void **state)
{
    struct spool *spool = open_spool(*state, 20000);
    struct error error;
    struct analytics_row row = make_row(0);
    int64_t count = 0;
    while (spool_append_rows(spool, &row, 1, &error) == 0)
        row = make_row(++count);
    assert_int_equal(error.code, ERR_FULL);
    assert_true(count > 50 && spool_bytes(spool) <= 20000);
    assert_int_equal(drain(spool, 0), count);
    assert_int_equal(spool_append_rows(spool, &row, 1, &error), 0);
    spool_close(&spool);
}

/* In a child: the file may not grow past 64 KiB. What does not fit leaves no trace. */
static int fill_until_full(const char *dir)
{
    struct spool *spool;
    struct error error;
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &(struct rlimit){65536, 65536}) < 0 ||
        spool_open(dir, NO_LIMIT, &spool, &error) < 0)
        return 1;
    static struct analytics_row rows[100];
    int64_t count = 0;
    int code = 0;
    while (code == 0 && count < 100000) {
        for (int i = 0; i < 100; i++)
            rows[i] = make_row(count + i);
        code = spool_append_rows(spool, rows, 100, &error);
        count += code == 0 ? 100 : 0;
    }
    if (code != ERR_FULL || count == 0)
        return 2;
    if (spool_append_rows(spool, rows, 1, &error) !=
        0) /* a smaller one still fits, behind the last whole one */
        return 3;
    spool_close(&spool);
    return 0;
}

static void full_disk(void **state)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(fill_until_full(*state));
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    struct spool *spool = open_spool(*state, NO_LIMIT);
    assert_true(drain(spool, 0) % 100 == 1);
    assert_int_equal(spool_take_damaged(spool), 0);
    spool_close(&spool);
}

int main(void)
{
#define CASE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(in_and_out),     CASE(metrics_too),   CASE(survives_reopening), CASE(torn_tail),
        CASE(damaged_record), CASE(foreign_files), CASE(limit_kept),         CASE(full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
