/*
 * What a density head costs the detector: the detector alone against the detector with its head, in turn on
 * the same pictures, all in (pre-processing, network, boxes, and of the head the map), in milliseconds of the
 * one thread's processor time: the median and the fastest of many runs.
 *
 *   bench_head DETECTOR DETECTOR_WITH_HEAD [WIDTH HEIGHT]     default 640 480: of the picture and of the
 * input
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "timing.h"
#include "vision/density.h"
#include "vision/network.h"

enum { RUNS = 60 };

static void must(int rc, const struct error *error)
{
    if (rc == 0)
        return;
    (void)fprintf(stderr, "bench_head: %s\n", error->text);
    exit(1);
}

static struct picture *noise(int width, int height)
{
    struct random_state random;
    struct picture *p = picture_create(PIXEL_BGR24, width, height);
    if (p == NULL)
        exit(1);
    random_seed(&random, 1);
    for (size_t i = 0; i < (size_t)p->strides[0] * (size_t)height; i++)
        ((uint8_t *)(uintptr_t)p->planes[0])[i] = (uint8_t)random_below(&random, 256);
    return p;
}

struct side {
    struct network *network;
    struct network_context *context;
    double ms[RUNS];
};

static void open_side(struct side *s, const char *model)
{
    struct error error = {0};
    const struct network_options options = {.model_path = model, .threads = 1};
    must(network_open(&options, &s->network, &error), &error);
    must(network_context_create(s->network, &s->context, &error), &error);
}

static double look(const struct side *s, const struct picture *picture, const struct view *view)
{
    struct error error = {0};
    const struct detection *boxes;
    size_t count;
    struct density_result density;
    double begin = timing_thread_ms();
    must(network_infer(s->network, s->context, picture, view, &boxes, &count, &error), &error);
    if (network_has_density(s->network))
        must(network_density(s->context, view, &density, &error), &error);
    return timing_thread_ms() - begin;
}

int main(int argc, char **argv)
{
    if (argc != 3 && argc != 5) {
        (void)fputs("usage: bench_head DETECTOR DETECTOR_WITH_HEAD [WIDTH HEIGHT]\n", stderr);
        return 2;
    }
    int width = argc > 3 ? atoi(argv[3]) : 640, height = argc > 3 ? atoi(argv[4]) : 480;
    static const char *const names[] = {"alone", "with_head"};
    struct error error = {0};
    struct view *view = NULL;
    const struct view_options options = {
        .confidence_low = 0.1, .nms_iou = 0.6, .input_width = width, .input_height = height};
    struct side sides[2];
    struct picture *picture = noise(width, height);
    must(view_create(&options, &view, &error), &error);
    for (int i = 0; i < 2; i++)
        open_side(&sides[i], argv[1 + i]);
    for (int run = -2; run < RUNS; run++)
        for (int i = 0; i < 2; i++)
            sides[i].ms[run > 0 ? run : 0] = look(&sides[i], picture, view);
    for (int i = 0; i < 2; i++) {
        timing_sort(sides[i].ms, RUNS);
        printf("%s_ms=%.2f best=%.2f\n", names[i], sides[i].ms[RUNS / 2], sides[i].ms[0]);
        network_context_destroy(&sides[i].context);
        network_close(&sides[i].network);
    }
    printf("head_ms=%.2f best=%.2f\n", sides[1].ms[RUNS / 2] - sides[0].ms[RUNS / 2],
           sides[1].ms[0] - sides[0].ms[0]);
    view_destroy(&view);
    picture_unref(&picture);
    return 0;
}
