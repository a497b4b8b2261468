/*
 * What a model costs on each provider: 1, 8, 32 and 128 streams' worth of frames, one frame of each stream at
 * a time, from as many threads as there are processors (at most 16); and how far the provider's results are
 * from the CPU's.
 *
 *   bench_gpu MODEL.onnx WIDTHxHEIGHT [PROVIDER...]        cpu and auto without any
 */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "infer/session.h"

enum { THREADS_MAX = 16, FRAMES_MAX = 128 * 8 };
#define SECONDS_MAX 20

struct bench {
    struct session *session;
    float *picture; /* of all streams: what is in it does not change the cost */
    struct tensor in;
    int64_t streams, frames;
    atomic_llong next;
    int64_t until_ns;
    double latency_s[FRAMES_MAX];
};

static struct session *must_open(const char *model, const char *provider)
{
    struct session_options options = {.path = model, .threads = 1, .provider = provider};
    struct session *session;
    struct error error;
    if (session_open(&options, &session, &error) < 0) {
        fprintf(stderr, "bench_gpu: %s\n", error.text);
        exit(1);
    }
    return session;
}

static void must_run(struct session *session, const struct tensor *in, struct tensor *out,
                     struct session_outputs **hold)
{
    struct error error;
    if (session_run(session, in, out, hold, &error) < 0) {
        fprintf(stderr, "bench_gpu: %s\n", error.text);
        exit(1);
    }
}

static void *worker(void *user)
{
    struct bench *b = user;
    struct tensor out[SESSION_TENSORS_MAX];
    for (int64_t at;
         (at = atomic_fetch_add(&b->next, 1)) < b->frames && clock_monotonic_ns() < b->until_ns;) {
        struct session_outputs *hold;
        int64_t began = clock_monotonic_ns();
        must_run(b->session, &b->in, out, &hold);
        session_outputs_release(&hold);
        b->latency_s[at] = (double)(clock_monotonic_ns() - began) / 1e9;
    }
    return NULL;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void measure(struct bench *b, int64_t streams, const char *provider)
{
    pthread_t threads[THREADS_MAX];
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int count = (int)(cores < 1 ? 1 : cores > THREADS_MAX ? THREADS_MAX : cores), started = 0;
    if (count > streams)
        count = (int)streams;
    b->frames = streams * 8;
    atomic_store(&b->next, 0);
    int64_t began = clock_monotonic_ns();
    b->until_ns = began + SECONDS_MAX * NS_PER_S;
    for (; started < count; started++)
        if (pthread_create(&threads[started], NULL, worker, b) != 0)
            break;
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    double seconds = (double)(clock_monotonic_ns() - began) / 1e9;
    size_t done = 0;
    for (int64_t i = 0; i < b->frames; i++)
        if (b->latency_s[i] > 0)
            b->latency_s[done++] = b->latency_s[i];
    qsort(b->latency_s, done, sizeof *b->latency_s, compare);
    printf("provider=%s streams=%lld threads=%d frames=%zu frames_per_s=%.1f p50_ms=%.2f p95_ms=%.2f\n",
           provider, (long long)streams, started, done, (double)done / seconds, 1e3 * b->latency_s[done / 2],
           1e3 * b->latency_s[done * 95 / 100]);
    memset(b->latency_s, 0, sizeof b->latency_s);
}

static void compare_with_cpu(struct session *cpu, struct session *other, const struct tensor *in)
{
    struct tensor a[SESSION_TENSORS_MAX], b[SESSION_TENSORS_MAX];
    struct session_outputs *hold_a, *hold_b;
    double most = 0, largest = 0;
    must_run(cpu, in, a, &hold_a);
    must_run(other, in, b, &hold_b);
    for (size_t t = 0; t < session_output_count(cpu); t++) {
        size_t count = 1;
        for (size_t d = 0; d < a[t].rank; d++)
            count *= (size_t)a[t].shape[d];
        for (size_t k = 0; k < count; k++) {
            most = fmax(most, fabs((double)a[t].data[k] - (double)b[t].data[k]));
            largest = fmax(largest, fabs((double)a[t].data[k]));
        }
    }
    printf("difference_to_cpu=%.3g of values up to %.3g\n", most, largest);
    session_outputs_release(&hold_a);
    session_outputs_release(&hold_b);
}

int main(int argc, char **argv)
{
    static const int64_t streams[] = {1, 8, 32, 128};
    static char *without_any[] = {"cpu", "auto"};
    static struct bench b;
    int width, height;
    if (argc < 3 || !text_to_size(argv[2], &width, &height)) {
        fprintf(stderr, "usage: bench_gpu MODEL.onnx WIDTHxHEIGHT [PROVIDER...]\n");
        return 2;
    }
    size_t count = (size_t)width * (size_t)height * 3;
    b.picture = malloc(count * sizeof *b.picture);
    if (b.picture == NULL)
        return 1;
    for (size_t i = 0; i < count; i++)
        b.picture[i] = (float)(i * 2654435761u % 255);
    b.in = (struct tensor){.rank = 4, .shape = {1, 3, height, width}, .data = b.picture};
    struct session *cpu = must_open(argv[1], "cpu");
    int providers = argc > 3 ? argc - 3 : 2;
    for (int p = 0; p < providers; p++) {
        const char *wanted = argc > 3 ? argv[3 + p] : without_any[p];
        b.session = must_open(argv[1], wanted);
        printf("wanted=%s used=%s %s\n", wanted, session_provider(b.session),
               session_provider_reason(b.session));
        compare_with_cpu(cpu, b.session, &b.in); /* the first run prepares the device */
        for (size_t i = 0; i < sizeof streams / sizeof *streams; i++)
            measure(&b, streams[i], session_provider(b.session));
        session_close(&b.session);
    }
    session_close(&cpu);
    free(b.picture);
    return 0;
}
