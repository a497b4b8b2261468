/*
 * Time of the detector's parts, one thread, in milliseconds of that thread's processor time: the fastest and
 * the median of many runs. Prints NAME=MEDIAN best=FASTEST.
 *
 *   bench_vision [MODEL]      default var/models/nanodet_g_int8.onnx
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "infer/session.h"
#include "timing.h"
#include "vision/network.h"
#include "vision/preprocess.h"

enum { RUNS = 41 };

static void report(const char *name, double ms[RUNS])
{
    timing_sort(ms, RUNS);
    printf("%s=%.3f best=%.3f\n", name, ms[RUNS / 2], ms[0]);
}

static void die(const struct error *error)
{
    fprintf(stderr, "bench_vision: %s\n", error->text);
    exit(1);
}

static struct picture *noise(enum pixel_format format, int width, int height)
{
    struct random_state random;
    random_seed(&random, 1);
    struct picture *p = picture_create(format, width, height);
    if (p == NULL)
        abort();
    for (int k = 0; k < picture_plane_count(format); k++) {
        int w, h;
        picture_plane_size(format, width, height, k, &w, &h);
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++)
                ((uint8_t *)(uintptr_t)p->planes[k])[y * p->strides[k] + x] =
                    (uint8_t)random_below(&random, 256);
    }
    return p;
}

static void bench_preprocess(enum preprocess_path path, const char *path_name, int width, int height, int iw,
                             int ih)
{
    static const struct input_format format = {
        .bgr = true, .scale = {.02F, .02F, .02F}, .offset = {-1, -1, -1}};
    struct preprocess *p = preprocess_create(path);
    struct picture *picture = noise(PIXEL_I420, width, height);
    struct placement placement = placement_fit(width, height, iw, ih, false);
    float *out = malloc(3 * sizeof *out * (size_t)iw * (size_t)ih);
    double ms[RUNS];
    char name[128];
    if (p == NULL || out == NULL)
        abort();
    for (int i = 0; i < RUNS; i++) {
        double begin = timing_thread_ms();
        (void)preprocess_run(p, picture, &format, &placement, NULL, out, NULL);
        ms[i] = timing_thread_ms() - begin;
    }
    snprintf(name, sizeof name, "preprocess_%s_%dx%d_to_%dx%d_ms", path_name, width, height, iw, ih);
    report(name, ms);
    free(out);
    picture_unref(&picture);
    preprocess_destroy(&p);
}

static void bench_session(const char *model, int width, int height)
{
    struct session *s = NULL;
    struct error error;
    if (session_open(&(struct session_options){.path = model, .threads = 1}, &s, &error) < 0)
        die(&error);
    float *data = calloc(3 * (size_t)width * (size_t)height, sizeof *data);
    struct tensor in = {.rank = 4, .shape = {1, 3, height, width}, .data = data}, out[SESSION_TENSORS_MAX];
    double ms[RUNS];
    char name[128];
    for (int i = 0; i < RUNS; i++) {
        struct session_outputs *hold;
        double begin = timing_thread_ms();
        if (session_run(s, &in, out, &hold, &error) < 0)
            die(&error);
        session_outputs_release(&hold);
        ms[i] = timing_thread_ms() - begin;
    }
    snprintf(name, sizeof name, "network_%dx%d_ms", width, height);
    report(name, ms);
    free(data);
    session_close(&s);
}

static void bench_whole(const char *model, int width, int height)
{
    struct network *n = NULL;
    struct network_context *c = NULL;
    struct view *v = NULL;
    struct error error;
    struct view_options options = {.confidence_low = 0.2, .nms_iou = 0.6};
    if (network_open(&(struct network_options){.model_path = model, .threads = 1}, &n, &error) < 0 ||
        network_context_create(n, &c, &error) < 0 || view_create(&options, &v, &error) < 0)
        die(&error);
    struct picture *picture = noise(PIXEL_I420, width, height);
    double ms[RUNS];
    char name[128];
    for (int i = 0; i < RUNS; i++) {
        const struct detection *d;
        size_t count;
        double begin = timing_thread_ms();
        if (network_infer(n, c, picture, v, &d, &count, &error) < 0)
            die(&error);
        ms[i] = timing_thread_ms() - begin;
    }
    snprintf(name, sizeof name, "infer_%dx%d_ms", width, height);
    report(name, ms);
    picture_unref(&picture);
    view_destroy(&v);
    network_context_destroy(&c);
    network_close(&n);
}

int main(int argc, char **argv)
{
    static const int pictures[][2] = {{768, 576}, {1280, 720}, {1920, 1080}, {3840, 2160}};
    static const int inputs[][2] = {{512, 384}, {416, 416}, {608, 352}, {416, 256}, {640, 480}};
    const char *model = argc > 1 ? argv[1] : "var/models/nanodet_g_int8.onnx";
    for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++) {
        int w = pictures[i][0], h = pictures[i][1], iw = i == 0 ? 512 : 608, ih = i == 0 ? 384 : 352;
        bench_preprocess(PREPROCESS_SCALAR, "plain", w, h, iw, ih);
        bench_preprocess(PREPROCESS_AUTO, "fast", w, h, iw, ih);
    }
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
        bench_session(model, inputs[i][0], inputs[i][1]);
    bench_whole(model, 768, 576);
    bench_whole(model, 1920, 1080);
    return 0;
}
