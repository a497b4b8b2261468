/*
 * The HOG detector on a clip: processor time of one thread per frame (grey picture, features, windows,
 * grouping; not the decoding of the video), and its boxes.
 *
 *   bench_hog CLIP OUT.txt [fast|plain] [EVERY]
 *
 * Prints hog_ms_per_frame=MEAN median=M frames=N; OUT.txt are MOTChallenge rows for `sci eval detect --det`.
 * bench_hog.py sets OpenCV's detector beside it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/observation.h"
#include "media/source.h"
#include "timing.h"
#include "vision/hog.h"

enum { FRAMES_MAX = 100000 };

static void die(const char *what)
{
    fprintf(stderr, "bench_hog: %s\n", what);
    exit(1);
}

static double look(struct hog *hog, const struct observation *o, FILE *out)
{
    struct error error = {0};
    int width, height;
    placement_choose_size(o->picture->width, o->picture->height, HOG_PIXELS, HOG_STEP, &width, &height);
    struct placement placement = placement_fit(o->picture->width, o->picture->height, width, height, false);
    struct detection *people;
    size_t count;
    double begin = timing_thread_ms();
    if (hog_run(hog, o->picture, &placement, NULL, 0.05F, &people, &count, &error) < 0)
        die(error.text);
    double ms = timing_thread_ms() - begin;
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%lld,-1,%.2f,%.2f,%.2f,%.2f,%.5f\n", (long long)o->number, (double)people[i].box.x,
                (double)people[i].box.y, (double)people[i].box.w, (double)people[i].box.h,
                (double)people[i].score);
    return ms;
}

int main(int argc, char **argv)
{
    static double ms[FRAMES_MAX];
    if (argc < 3)
        die("CLIP OUT.txt [fast|plain] [EVERY]");
    struct error error = {0};
    struct source *source = NULL;
    const struct source_kind *kind = source_kind_for(argv[1], &error);
    if (kind == NULL || kind->open(&(struct source_options){.uri = argv[1]}, &source, &error) < 0)
        die(error.text);
    struct hog *hog = hog_create(argc < 4 || strcmp(argv[3], "plain") != 0);
    FILE *out = fopen(argv[2], "w");
    long every = argc > 4 ? strtol(argv[4], NULL, 10) : 1;
    if (hog == NULL || out == NULL || every < 1)
        die(argv[2]);
    size_t count = 0;
    double sum = 0;
    struct observation o = {0};
    while (count < FRAMES_MAX && kind->read(source, &o, &error) == 0) {
        if (o.number % every == 0) {
            ms[count] = look(hog, &o, out);
            sum += ms[count++];
        }
        observation_release(&o);
    }
    kind->close(&source);
    hog_destroy(&hog);
    if (fclose(out) != 0 || count == 0)
        die("nothing was read or written");
    timing_sort(ms, count);
    printf("hog_ms_per_frame=%.2f median=%.2f frames=%zu\n", sum / (double)count, ms[count / 2], count);
    return 0;
}
