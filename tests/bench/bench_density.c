/*
 * Time of the density network's parts on one picture, one thread, in milliseconds of that thread's processor
 * time: the fastest and the median of many runs. `around` is what is not the network: pre-processing and the
 * map.
 *
 *   bench_density [MODEL [WIDTH HEIGHT [LONG_SIDE]]]     default models/crowdnet_int8.onnx 640 480 640
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "infer/session.h"
#include "timing.h"
#include "vision/density.h"

enum { RUNS = 25 };

static double report(const char *name, double ms[RUNS])
{
    timing_sort(ms, RUNS);
    printf("%s=%.2f best=%.2f\n", name, ms[RUNS / 2], ms[0]);
    return ms[0];
}

static void must(int rc, const struct error *error)
{
    if (rc == 0)
        return;
    (void)fprintf(stderr, "bench_density: %s\n", error->text);
    exit(1);
}

static struct picture *noise(int width, int height)
{
    struct random_state random;
    random_seed(&random, 1);
    struct picture *p = picture_create(PIXEL_I420, width, height);
    if (p == NULL)
        exit(1);
    for (int k = 0; k < 3; k++) {
        int w, h;
        picture_plane_size(PIXEL_I420, width, height, k, &w, &h);
        for (int i = 0; i < w * h; i++)
            ((uint8_t *)(uintptr_t)p->planes[k])[i / w * p->strides[k] + i % w] =
                (uint8_t)random_below(&random, 256);
    }
    return p;
}

static double whole(const char *model, int width, int height, int long_side)
{
    struct error error = {0};
    struct density_options options = {.model_path = model, .threads = 1};
    struct density_network *network;
    struct density_context *context;
    struct density_result result;
    struct density_view view = {.long_side = long_side};
    struct picture *picture = noise(width, height);
    double ms[RUNS];
    must(density_open(&options, &network, &error), &error);
    must(density_context_create(network, &context, &error), &error);
    must(density_infer(network, context, picture, &view, &result, &error), &error);
    for (int i = 0; i < RUNS; i++) {
        double begin = timing_thread_ms();
        must(density_infer(network, context, picture, &view, &result, &error), &error);
        ms[i] = timing_thread_ms() - begin;
    }
    printf("map %d x %d\n", result.map.columns, result.map.rows);
    density_context_destroy(&context);
    density_close(&network);
    picture_unref(&picture);
    return report("whole_ms", ms);
}

static double network_alone(const char *model, int width, int height)
{
    struct error error = {0};
    struct session_options options = {.path = model, .threads = 1};
    struct session *session;
    double ms[RUNS];
    size_t floats = 3 * (size_t)width * (size_t)height;
    float *input = calloc(floats, sizeof *input);
    struct tensor in = {.rank = 4, .shape = {1, 3, height, width}, .data = input};
    if (input == NULL)
        exit(1);
    for (size_t i = 0; i < floats; i++)
        input[i] = (float)(i * 2654435761U % 1000) / 250 - 2;
    must(session_open(&options, &session, &error), &error);
    for (int i = -1; i < RUNS; i++) {
        struct tensor out[SESSION_TENSORS_MAX];
        struct session_outputs *hold;
        double begin = timing_thread_ms();
        must(session_run(session, &in, out, &hold, &error), &error);
        if (i >= 0)
            ms[i] = timing_thread_ms() - begin;
        session_outputs_release(&hold);
    }
    session_close(&session);
    free(input);
    return report("network_ms", ms);
}

int main(int argc, char **argv)
{
    const char *model = argc > 1 ? argv[1] : "models/crowdnet_int8.onnx";
    int width = argc > 3 ? atoi(argv[2]) : 640, height = argc > 3 ? atoi(argv[3]) : 480;
    int long_side = argc > 4 ? atoi(argv[4]) : 640, w, h;
    struct error error = {0};
    struct density_view view = {.long_side = long_side};
    must(density_input_size(&view, width, height, &w, &h, &error), &error);
    double all = whole(model, width, height, long_side);
    double network = network_alone(model, (w + 31) / 32 * 32, (h + 31) / 32 * 32);
    printf("around_ms=%.2f\n", all - network);
    return 0;
}
