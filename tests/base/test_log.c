/* The log with and without its thread: nothing lost, nobody waits, what is lost is counted and said, and what
 * was queued is written however the process ends. Standard error is a pipe. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"

static const char MISSING[] = " lines are missing here";

enum { SMALL_PIPE = 4096, ROOMY_PIPE = 256 * 1024, TEXT_BYTES = 4 * 1024 * 1024 };

struct capture {
    int read_end, stderr_before;
};

/* Standard error becomes a pipe of `size` bytes. */
static struct capture capture_begin(int size)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    (void)fcntl(ends[1], F_SETPIPE_SZ, size);
    struct capture c = {.read_end = ends[0], .stderr_before = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)};
    assert_true(c.stderr_before >= 0);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    close(ends[1]);
    return c;
}

static void capture_end(struct capture *c)
{
    dup2(c->stderr_before, STDERR_FILENO);
    close(c->stderr_before);
    close(c->read_end);
}

/* Reads on until `end` has been read, or nobody can write any more. The caller frees it. */
static char *read_until(int fd, const char *end)
{
    char *text = calloc(1, TEXT_BYTES);
    assert_non_null(text);
    size_t size = 0;
    for (ssize_t n; (end == NULL || strstr(text, end) == NULL) &&
                    (n = read(fd, text + size, TEXT_BYTES - 1 - size)) > 0;)
        size += (size_t)n;
    return text;
}

static size_t count_of(const char *text, const char *what)
{
    size_t count = 0;
    for (; (text = strstr(text, what)) != NULL; text += strlen(what))
        count++;
    return count;
}

static long long number_before(const char *text, const char *what)
{
    const char *at = strstr(text, what);
    assert_non_null(at);
    while (at > text && (at[-1] == ' ' || (at[-1] >= '0' && at[-1] <= '9')))
        at--;
    return strtoll(at, NULL, 10);
}

static void test_without_thread_lines_are_written_at_once(void **state)
{
    (void)state;
    struct capture c = capture_begin(SMALL_PIPE);
    log_warning("test", "one\ntwo");
    char *text = read_until(c.read_end, "\n");
    capture_end(&c);
    assert_non_null(strstr(text, " warning test: one two\n"));
    free(text);
}

static void test_json_lines(void **state)
{
    (void)state;
    struct capture c = capture_begin(SMALL_PIPE);
    log_configure(LOG_INFO, LOG_JSON);
    log_debug("test", "not said");
    log_error("test", "a \"word\"");
    log_configure(LOG_INFO, LOG_TEXT);
    char *text = read_until(c.read_end, "\n");
    capture_end(&c);
    assert_non_null(strstr(text, "\"level\":\"error\",\"area\":\"test\",\"message\":\"a \\\"word\\\"\"}\n"));
    assert_null(strstr(text, "not said"));
    free(text);
}

enum { THREADS = 4, LINES = 500 };

static void *say_lines(void *user)
{
    for (int i = 0; i < LINES; i++)
        log_info("test", "thread %s line %d.", (const char *)user, i);
    return NULL;
}

static void *read_all(void *user)
{
    return read_until(*(int *)user, "the end.");
}

/* All of several threads' lines come, each thread's in its order, and `log_stop` waits for the last. */
static void test_nothing_is_lost_while_it_is_read(void **state)
{
    (void)state;
    static char names[THREADS][2] = {"a", "b", "c", "d"};
    struct capture c = capture_begin(SMALL_PIPE);
    pthread_t reader, threads[THREADS];
    pthread_create(&reader, NULL, read_all, &c.read_end);
    int64_t lost = log_lines_lost();
    assert_int_equal(log_start(NULL), 0);
    assert_int_equal(log_start(NULL), 0);
    for (int t = 0; t < THREADS; t++)
        pthread_create(&threads[t], NULL, say_lines, names[t]);
    for (int t = 0; t < THREADS; t++)
        pthread_join(threads[t], NULL);
    log_info("test", "the end.");
    log_stop();
    void *text;
    pthread_join(reader, &text);
    capture_end(&c);
    assert_int_equal(log_lines_lost() - lost, 0);
    for (int t = 0; t < THREADS; t++) {
        const char *at = text;
        for (int i = 0; i < LINES; i++) {
            char line[64];
            (void)snprintf(line, sizeof line, "thread %s line %d.\n", names[t], i);
            at = strstr(at, line);
            assert_non_null(at);
        }
    }
    assert_int_equal(count_of(text, "\n"), THREADS * LINES + 1);
    free(text);
}

/* More lines than pipe and queue hold, and nobody reads: whoever logs goes on. Once it is read again, every
 * line is there or counted. */
static void test_full_pipe_stops_nobody(void **state)
{
    (void)state;
    enum { MANY = 12000 };
    struct capture c = capture_begin(SMALL_PIPE);
    int64_t before = log_lines_lost();
    assert_int_equal(log_start(NULL), 0);
    for (int i = 0; i < MANY; i++)
        log_info("test", "line %d, and so much more that the queue is too small for all of them.", i);
    int64_t lost = log_lines_lost() - before;
    assert_true(lost > 0 && lost < MANY);
    size_t written = 0;
    for (int64_t said = 0; said < lost;) {
        char *text = read_until(c.read_end, MISSING);
        said += number_before(text, MISSING);
        written += count_of(text, " test: line ");
        free(text);
    }
    log_info("test", "there is room again.");
    char *text = read_until(c.read_end, "there is room again.");
    log_stop();
    capture_end(&c);
    assert_int_equal(log_lines_lost() - before, lost);
    assert_int_equal(written + (size_t)lost, MANY);
    assert_null(strstr(text, MISSING));
    free(text);
}

static void test_closed_pipe_counts(void **state)
{
    (void)state;
    struct capture c = capture_begin(SMALL_PIPE);
    int read_end = open("/dev/null", O_RDONLY | O_CLOEXEC);
    dup2(read_end, c.read_end);
    close(read_end);
    int64_t before = log_lines_lost();
    log_info("test", "nobody is there");
    assert_int_equal(log_start(NULL), 0);
    log_info("test", "nobody is there");
    log_stop();
    capture_end(&c);
    assert_int_equal(log_lines_lost() - before, 2);
}

/* ---- ends of the process ---- */

static void return_from_main(void)
{
    exit(7);
}

static void fail_an_assertion(void)
{
    abort();
}

static void die_of_a_fault(void)
{
    (void)raise(SIGSEGV);
}

/* A child ends while its lines are being written: all of them come. The pipe has room for them, so nothing
 * hangs on how soon this process reads. */
static void check_end(void (*end)(void), int *status)
{
    enum { MANY = 1000 };
    struct capture c = capture_begin(ROOMY_PIPE);
    (void)fflush(stdout);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(c.read_end);
        (void)signal(SIGSEGV, SIG_DFL); /* the test's own handler goes on with the next test */
        if (log_start(NULL) < 0)
            _exit(1);
        for (int i = 0; i < MANY; i++)
            log_info("test", "line %d.", i);
        end();
        _exit(1);
    }
    dup2(c.stderr_before, STDERR_FILENO); /* the child's is the last writing end */
    char *text = read_until(c.read_end, NULL);
    assert_int_equal(waitpid(child, status, 0), child);
    capture_end(&c);
    assert_int_equal(count_of(text, " test: line "), MANY);
    free(text);
}

static void test_lines_survive_every_end(void **state)
{
    (void)state;
    int status;
    check_end(return_from_main, &status);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    check_end(fail_an_assertion, &status);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    check_end(die_of_a_fault, &status);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

/* The parent's queue is not the child's, even where it is full. */
static void test_child_writes_at_once(void **state)
{
    (void)state;
    struct capture c = capture_begin(SMALL_PIPE);
    assert_int_equal(log_start(NULL), 0);
    for (int i = 0; i < 200; i++)
        log_info("test", "parent's line %d.", i);
    int ends[2], status;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    (void)fflush(stdout);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[1]);
        log_info("test", "child's line.");
        _exit(0);
    }
    close(ends[1]);
    char *text = read_until(ends[0], NULL);
    assert_int_equal(waitpid(child, &status, 0), child);
    close(ends[0]);
    assert_int_equal(count_of(text, "child's line."), 1);
    assert_int_equal(count_of(text, "\n"), 1);
    free(text);
    text = read_until(c.read_end, "parent's line 199.");
    log_stop();
    capture_end(&c);
    assert_int_equal(count_of(text, "parent's line"), 200);
    free(text);
}

/* The last test: the thread stays behind a pipe that nobody reads, as at the end of a process. */
static void test_stop_waits_for_no_reader(void **state)
{
    (void)state;
    struct capture c = capture_begin(SMALL_PIPE);
    assert_int_equal(log_start(NULL), 0);
    for (int i = 0; i < 200; i++)
        log_info("test", "line %d.", i);
    log_stop();
    log_info("test", "nobody waits for this either.");
    char *text = read_until(c.read_end, "line 199.");
    assert_int_equal(count_of(text, " test: line "), 200);
    free(text);
    capture_end(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_thread_lines_are_written_at_once),
        cmocka_unit_test(test_json_lines),
        cmocka_unit_test(test_nothing_is_lost_while_it_is_read),
        cmocka_unit_test(test_full_pipe_stops_nobody),
        cmocka_unit_test(test_closed_pipe_counts),
        cmocka_unit_test(test_lines_survive_every_end),
        cmocka_unit_test(test_child_writes_at_once),
        cmocka_unit_test(test_stop_waits_for_no_reader),
    };
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
