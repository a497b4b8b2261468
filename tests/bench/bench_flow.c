/*
 * Optical flow on pairs of pictures whose motion is known: error and time. bench_flow.py makes the pairs and
 * compares.
 *
 *   bench_flow WIDTH HEIGHT PAIR...
 *   bench_flow coded WIDTH HEIGHT PAIR...     of PAIR.mp4: its coder's motion vectors, and flow on its
 * pictures bench_flow decode CLIP                    processor time of decoding without and with vectors
 *
 * A pair is a file of two grey pictures (bytes) and the motion from the first to the second (two floats a
 * pixel). Prints the mean end-point error over the picture without 16 pixels at its border, in pixels; the
 * same over what moves; of the cells that are known; the share of these; and processor time in milliseconds
 * (least of 9) of one thread: `both`: two new pictures to the motion of every pixel; `next`: one more picture
 * to cells, as on a live camera. PAIR.mp4 is a video that begins with the first picture twice and ends
 * with the second.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media/source.h"
#include "timing.h"
#include "vision/flow.h"
#include "vision/vector_motion.h"

enum { RUNS = 9, BORDER = 16 };

struct totals {
    double error, moving_error, known_error, known, both_ms, next_ms;
};

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
        double t0 = timing_thread_ms();
        (void)flow_update(flow, a, &field, NULL);
        double t1 = timing_thread_ms();
        (void)flow_update(flow, b, &field, NULL);
        double t2 = timing_thread_ms();
        motion_field_spread(field, width, height, motion);
        both = fmin(both, timing_thread_ms() - t0);
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

static void print(const char *what, const struct totals *t, double n)
{
    printf("%serror=%.4f moving=%.4f known=%.4f share=%.3f both_ms=%.3f next_ms=%.3f\n", what, t->error / n,
           t->moving_error / n, t->known_error / n, t->known / n, t->both_ms / n, t->next_ms / n);
}

static struct source *open_clip(const char *path, const atomic_bool *vectors)
{
    struct source_options options = {.uri = path, .vectors = vectors, .picture_limit = 8};
    struct source *source;
    struct error error;
    if (source_kind_ffmpeg.open(&options, &source, &error) < 0)
        die(error.text, path);
    return source;
}

/* The first picture with vectors and the last one of a clip. */
static void read_ends(const char *path, struct picture *ends[2])
{
    static const atomic_bool vectors = true;
    struct source *source = open_clip(path, &vectors);
    struct observation o;
    ends[0] = ends[1] = NULL;
    while (source_kind_ffmpeg.read(source, &o, NULL) == 0) {
        struct picture **to = ends[0] ? &ends[1] : &ends[0];
        if (ends[0] || o.picture->motion) {
            picture_unref(to);
            *to = picture_ref(o.picture);
        }
        observation_release(&o);
    }
    source_kind_ffmpeg.close(&source);
    if (!ends[1])
        die("less than two pictures", path);
}

static void read_truth(const char *name, int width, int height, float *truth)
{
    size_t pixels = (size_t)width * (size_t)height;
    FILE *file = fopen(name, "rb");
    if (!file || fseek(file, 2 * (long)pixels, SEEK_SET) != 0 ||
        fread(truth, sizeof *truth, 2 * pixels, file) != 2 * pixels)
        die("cannot be read", name);
    fclose(file);
}

static void measure_coded(const char *name, int width, int height, struct totals *by_vectors,
                          struct totals *by_flow)
{
    size_t count = 2 * (size_t)width * (size_t)height;
    float *truth = malloc(count * sizeof *truth), *motion = malloc(count * sizeof *motion);
    char path[4096];
    struct picture *ends[2];
    const struct motion_field *field;
    struct vector_motion *vectors = vector_motion_create();
    struct flow *flow = flow_create(FLOW_AUTO);
    if (!truth || !motion || !vectors || !flow)
        die("no memory", name);
    snprintf(path, sizeof path, "%s.mp4", name);
    read_truth(name, width, height, truth);
    read_ends(path, ends);
    (void)vector_motion_update(vectors, ends[0], &field, NULL);
    double t0 = timing_thread_ms();
    (void)vector_motion_update(vectors, ends[1], &field, NULL);
    by_vectors->next_ms += timing_thread_ms() - t0;
    if (!field)
        die("no vectors", path);
    motion_field_spread(field, width, height, motion);
    score(motion, truth, field, width, height, by_vectors);
    (void)flow_update(flow, ends[0], &field, NULL);
    t0 = timing_thread_ms();
    (void)flow_update(flow, ends[1], &field, NULL);
    by_flow->next_ms += timing_thread_ms() - t0;
    motion_field_spread(field, width, height, motion);
    score(motion, truth, field, width, height, by_flow);
    picture_unref(&ends[0]);
    picture_unref(&ends[1]);
    vector_motion_destroy(&vectors);
    flow_destroy(&flow);
    free(truth);
    free(motion);
}

static int compare_coded(int argc, char **argv)
{
    struct totals by_vectors = {0}, by_flow = {0};
    for (int i = 4; i < argc; i++)
        measure_coded(argv[i], atoi(argv[2]), atoi(argv[3]), &by_vectors, &by_flow);
    print("vectors ", &by_vectors, argc - 4);
    print("flow ", &by_flow, argc - 4);
    return 0;
}

static int time_decoding(const char *path)
{
    static const atomic_bool wanted[2] = {false, true};
    double best[2] = {INFINITY, INFINITY};
    for (int run = 0; run < 6; run++) {
        struct source *source = open_clip(path, &wanted[run % 2]);
        struct observation o;
        int pictures = 0;
        double t0 = timing_thread_ms();
        for (; source_kind_ffmpeg.read(source, &o, NULL) == 0; pictures++)
            observation_release(&o);
        best[run % 2] = fmin(best[run % 2], (timing_thread_ms() - t0) / (pictures > 0 ? pictures : 1));
        source_kind_ffmpeg.close(&source);
    }
    printf("plain_ms=%.3f vectors_ms=%.3f\n", best[0], best[1]);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "decode") == 0)
        return time_decoding(argv[2]);
    if (argc > 4 && strcmp(argv[1], "coded") == 0)
        return compare_coded(argc, argv);
    int width = argc > 3 ? atoi(argv[1]) : 0, height = argc > 3 ? atoi(argv[2]) : 0;
    struct flow *flow = flow_create(FLOW_AUTO);
    struct totals t = {0};
    if (width < FLOW_SIDE_MIN || height < FLOW_SIDE_MIN || !flow)
        die("usage: bench_flow WIDTH HEIGHT PAIR...", "arguments");
    for (int i = 3; i < argc; i++)
        measure(flow, argv[i], width, height, &t);
    print("", &t, argc - 3);
    flow_destroy(&flow);
    return 0;
}
