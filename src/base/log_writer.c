/*
 * The log's queue and its thread. There are two batches of bytes: one is filled by whoever logs, the other is
 * being written. The thread exchanges them under the lock and writes without it, so the lock is held for a
 * copy of one line and never for a write. Lines that find the batch full are missing between it and the next
 * one: the thread says so there.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log_internal.h"

struct batch {
    size_t size;
    int64_t lost; /* lines that came when it was full */
    char bytes[LOG_QUEUE_BYTES];
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct batch batches[2];
    struct batch *filling; /* the other one is the thread's */
    bool ending;
    pthread_t thread;
} queue = {
    .lock = PTHREAD_MUTEX_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER, .filling = &queue.batches[0]};

static atomic_bool running; /* cleared with the lock held: no line is put behind the thread's back */
static atomic_bool thread_ended;
static atomic_size_t unwritten; /* bytes in both batches */
static _Atomic int64_t lost;

int64_t log_lines_lost(void)
{
    return atomic_load(&lost);
}

void log_lose_line(void)
{
    atomic_fetch_add(&lost, 1);
}

/* False where standard error takes no more: closed, disk full, ... Waits where it is only busy. */
static bool write_all(const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(STDERR_FILENO, bytes, size);
        if (n < 0 && errno == EAGAIN) {
            struct pollfd until = {.fd = STDERR_FILENO, .events = POLLOUT};
            (void)poll(&until, 1, -1);
        } else if (n < 0 && errno != EINTR) {
            return false;
        } else if (n > 0) {
            bytes += n;
            size -= (size_t)n;
        }
    }
    return true;
}

/* With the lock held. */
static void put_in_batch(struct batch *batch, const char *bytes, size_t size)
{
    bool fits = batch->lost == 0 && size <= sizeof batch->bytes - batch->size;
    if (fits) {
        memcpy(batch->bytes + batch->size, bytes, size);
        batch->size += size;
        atomic_fetch_add(&unwritten, size);
    } else {
        batch->lost++;
        log_lose_line();
    }
}

/* False while no thread runs. */
static bool put_in_queue(const char *bytes, size_t size)
{
    if (!atomic_load(&running))
        return false;
    pthread_mutex_lock(&queue.lock);
    bool put = atomic_load(&running);
    if (put) {
        put_in_batch(queue.filling, bytes, size);
        pthread_cond_signal(&queue.filled);
    }
    pthread_mutex_unlock(&queue.lock);
    return put;
}

void log_put_line(const char *bytes, size_t size)
{
    if (!put_in_queue(bytes, size) && !write_all(bytes, size))
        log_lose_line();
}

/* ---- the thread ---- */

/* Says how many lines are missing at this place. False when that cannot be said yet. */
static bool say_missing(int64_t missing)
{
    char message[96];
    struct buffer line = {0};
    (void)snprintf(message, sizeof message, "%lld lines are missing here: standard error did not take them",
                   (long long)missing);
    log_format_line(&line, LOG_WARNING, "log", message);
    bool said = !line.failed && write_all(line.data, line.size);
    buffer_free(&line);
    return said;
}

/* Writes the lines of `batch`, and empties it. `missing`: lines of which nothing has been said yet. */
static void write_batch(struct batch *batch, int64_t *missing)
{
    for (size_t at = 0; at < batch->size;) {
        const char *line = batch->bytes + at;
        const char *end = memchr(line, '\n', batch->size - at);
        size_t size = end ? (size_t)(end - line) + 1 : batch->size - at;
        if (*missing > 0 && say_missing(*missing))
            *missing = 0;
        if (!write_all(line, size)) {
            log_lose_line();
            ++*missing;
        }
        at += size;
    }
    *missing += batch->lost;
    if (*missing > 0 && say_missing(*missing))
        *missing = 0;
    atomic_fetch_sub(&unwritten, batch->size);
    batch->size = 0;
    batch->lost = 0;
}

/* NULL at the end. */
static struct batch *take_batch(void)
{
    pthread_mutex_lock(&queue.lock);
    while (queue.filling->size == 0 && !queue.ending)
        pthread_cond_wait(&queue.filled, &queue.lock);
    struct batch *batch = queue.filling->size > 0 ? queue.filling : NULL;
    if (batch)
        queue.filling = &queue.batches[batch == &queue.batches[0]];
    pthread_mutex_unlock(&queue.lock);
    return batch;
}

static void *writer_main(void *user)
{
    (void)user;
    int64_t missing = 0;
    for (struct batch *batch; (batch = take_batch()) != NULL;)
        write_batch(batch, &missing);
    atomic_store(&thread_ended, true);
    return NULL;
}

/* ---- life ---- */

static bool is_written(void)
{
    return atomic_load(&unwritten) == 0;
}

static bool has_ended(void)
{
    return atomic_load(&thread_ended);
}

/* For at most a second. Safe in a signal handler. */
static bool wait_until(bool (*done)(void))
{
    const struct timespec pause = {.tv_nsec = NS_PER_MS};
    int64_t until = clock_monotonic_ns() + NS_PER_S;
    while (!done() && clock_monotonic_ns() < until)
        nanosleep(&pause, NULL);
    return done();
}

static const int fatal_signals[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
enum { FATAL_SIGNAL_COUNT = sizeof fatal_signals / sizeof *fatal_signals };
static struct sigaction fatal_before[FATAL_SIGNAL_COUNT];

static void release_fatal_signals(void)
{
    for (int i = 0; i < FATAL_SIGNAL_COUNT; i++)
        (void)sigaction(fatal_signals[i], &fatal_before[i], NULL);
}

/* The process is about to die: what it said last is what explains it. Then what would have happened happens:
 * a fault comes again as soon as the handler returns, all others are raised again. */
static void on_fatal_signal(int number, siginfo_t *info, void *context)
{
    (void)context;
    release_fatal_signals();
    if (!pthread_equal(pthread_self(), queue.thread))
        (void)wait_until(is_written);
    if (info->si_code <= 0)
        (void)raise(number);
}

static void catch_fatal_signals(void)
{
    struct sigaction action = {.sa_sigaction = on_fatal_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    for (int i = 0; i < FATAL_SIGNAL_COUNT; i++)
        (void)sigaction(fatal_signals[i], &action, &fatal_before[i]);
}

/* In a child that forks off there is no thread, and what is queued is its parent's. */
static void forget_all(void)
{
    if (!atomic_load(&running))
        return;
    release_fatal_signals();
    atomic_store(&running, false);
    atomic_store(&unwritten, 0);
    pthread_mutex_init(&queue.lock, NULL);
    pthread_cond_init(&queue.filled, NULL);
    for (int i = 0; i < 2; i++) {
        queue.batches[i].size = 0;
        queue.batches[i].lost = 0;
    }
}

static void catch_exit_and_fork(void)
{
    static bool caught;
    if (caught)
        return;
    caught = true;
    (void)atexit(log_stop);
    (void)pthread_atfork(NULL, NULL, forget_all);
}

int log_start(struct error *error)
{
    if (atomic_load(&running))
        return 0;
    queue.ending = false;
    atomic_store(&thread_ended, false);
    sigset_t all, before; /* signals are for those who wait for them */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&queue.thread, NULL, writer_main, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed)
        return error_set_errno(error, failed, "cannot start the log's thread");
    catch_fatal_signals();
    catch_exit_and_fork();
    atomic_store(&running, true);
    return 0;
}

void log_stop(void)
{
    if (!atomic_load(&running))
        return;
    pthread_mutex_lock(&queue.lock);
    queue.ending = true;
    pthread_cond_signal(&queue.filled);
    pthread_mutex_unlock(&queue.lock);
    if (!wait_until(has_ended))
        return;
    pthread_mutex_lock(&queue.lock);
    atomic_store(&running, false);
    pthread_mutex_unlock(&queue.lock);
    pthread_join(queue.thread, NULL);
    release_fatal_signals();
    int64_t missing = 0;
    write_batch(queue.filling, &missing); /* what came behind the thread's last look */
}
