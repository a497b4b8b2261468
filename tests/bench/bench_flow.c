/*
 * Optical flow on pairs of pictures whose motion is known: error and time. bench_flow.py makes the pairs and
 * compares.
 *
 *   bench_flow WIDTH HEIGHT PAIR...
 *
 * A pair is a file of two grey pictures (bytes) and the motion from the first to the second (two floats a
 * pixel). Prints the mean end-point error over the picture without 16 pixels at its border, in pixels; the
 * same over what moves; of the cells that are known; the share of these; and processor time in milliseconds
 * (least of 9) of one thread: `both`: two new pictures to the motion of every pixel; `next`: one more picture
 * to cells, as on a live camera.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vision/flow.h"

enum { RUNS = 9, BORDER = 16 };

struct totals {
    double error, moving_error, known_error, known, both_ms, next_ms;
};

static double thread_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void die(const char *what, const char *name)
{
    fprintf(stderr, "bench_flow: %s: %s\n", name, what);
    exit(1);
}

static struct picture *read_picture(FILE *file, int width, int height, const char *name)
{
    struct picture *p = picture_create(PIXEL_GRAY8, width, height);
    if (!p)
        die("no memory", name);
    for (int y = 0; y < height; y++)
        if (fread((uint8_t *)(uintptr_t)p->planes[0] + (size_t)y * (size_t)p->strides[0], 1, (size_t)width,
                  file) != (size_t)width)
            die("too short", name);
    return p;
}

static double off(const float *motion, const float *truth, int pixel)
{
    return hypot((double)(motion[2 * pixel] - truth[2 * pixel]),
                 (double)(motion[2 * pixel + 1] - truth[2 * pixel + 1]));
}

static void score(const float *motion, const float *truth, const struct motion_field *field, int width,
                  int height, struct totals *t)
{
    double sum = 0, moving = 0, moving_sum = 0, known = 0, known_sum = 0, pixels = 0;
    for (int y = BORDER; y < height - BORDER; y++) {
        for (int x = BORDER; x < width - BORDER; x++) {
            int i = y * width + x, c = (int)(x / field->cell_px), r = (int)(y / field->cell_px);
            double e = off(motion, truth, i);
            pixels++;
            sum += e;
            if (fabsf(truth[2 * i]) + fabsf(truth[2 * i + 1]) > 0.01F) {
                moving++;
                moving_sum += e;
            }
            if (isfinite(field->cells[r * field->columns + c].error)) {
                known++;
                known_sum += e;
            }
        }
    }
    t->error += sum / pixels;
    t->moving_error += moving > 0 ? moving_sum / moving : 0;
    t->known += known / pixels;
    t->known_error += known > 0 ? known_sum / known : 0;
}

static void measure(struct flow *flow, const char *name, int width, int height, struct totals *t)
{
    FILE *file = fopen(name, "rb");
    size_t count = 2 * (size_t)width * (size_t)height;
    float *truth = malloc(count * sizeof *truth), *motion = malloc(count * sizeof *motion);
    double both = INFINITY, next = INFINITY;
    const struct motion_field *field;
    if (!file || !truth || !motion)
        die("cannot be read", name);
    struct picture *a = read_picture(file, width, height, name), *b = read_picture(file, width, height, name);
    if (fread(truth, sizeof *truth, count, file) != count)
        die("too short", name);
    fclose(file);
    b->stream_ns = 1;
    for (int run = 0; run < RUNS; run++) {
        flow_forget(flow);
        double t0 = thread_ms();
        (void)flow_update(flow, a, &field, NULL);
        double t1 = thread_ms();
        (void)flow_update(flow, b, &field, NULL);
        double t2 = thread_ms();
        motion_field_spread(field, width, height, motion);
        both = fmin(both, thread_ms() - t0);
        next = fmin(next, t2 - t1);
    }
    score(motion, truth, field, width, height, t);
    t->both_ms += both;
    t->next_ms += next;
    picture_unref(&a);
    picture_unref(&b);
    free(truth);
    free(motion);
}

int main(int argc, char **argv)
{
    int width = argc > 3 ? atoi(argv[1]) : 0, height = argc > 3 ? atoi(argv[2]) : 0;
    struct flow *flow = flow_create(FLOW_AUTO);
    struct totals t = {0};
    if (width < FLOW_SIDE_MIN || height < FLOW_SIDE_MIN || !flow)
        die("usage: bench_flow WIDTH HEIGHT PAIR...", "arguments");
    for (int i = 3; i < argc; i++)
        measure(flow, argv[i], width, height, &t);
    double n = argc - 3;
    printf("error=%.4f moving=%.4f known=%.4f share=%.3f both_ms=%.3f next_ms=%.3f\n", t.error / n,
           t.moving_error / n, t.known_error / n, t.known / n, t.both_ms / n, t.next_ms / n);
    flow_destroy(&flow);
    return 0;
}
