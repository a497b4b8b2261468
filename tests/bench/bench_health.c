/*
 * Runs the health checks over a clip and prints what they say and what they cost.
 *
 *   bench_health CLIP [RATE [SECONDS]] [-v] [-a AT]
 *
 * RATE: pictures looked at per second of stream time (8); SECONDS: how long, the clip looped (once). -a: the
 * view is accepted after AT seconds. One line per change of the flags, "TIME flags"; at the end the mean and
 * the largest cost of a picture. -v: a line of figures every second.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "media/source.h"
#include "vision/picture_health.h"

struct run {
    double rate, seconds, accept_at;
    bool verbose, accepted;
    struct picture_health *health;
    int64_t due_ns, spent_ns, most_ns;
    int pictures;
    unsigned flags;
};

static int64_t thread_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static void print_flags(double time_s, unsigned flags)
{
    printf("%.1f", time_s);
    for (int f = 0; f < HEALTH_FLAG_COUNT; f++)
        if (flags >> f & 1U)
            printf(" %s", health_info((enum health_flag)f)->code);
    printf(flags ? "\n" : " -\n");
}

static void look(struct run *run, const struct picture *picture)
{
    struct picture_finding finding;
    const struct picture_diagnosis *d = &run->health->last;
    int64_t before_look = run->health->look_ns, begin = thread_ns();
    picture_health_look(run->health, &picture_health_defaults, picture, &finding);
    int64_t took = thread_ns() - begin;
    double time_s = (double)picture->stream_ns / 1e9;
    run->spent_ns += took;
    run->most_ns = took > run->most_ns ? took : run->most_ns;
    run->pictures++;
    if (run->verbose && run->health->look_ns != before_look)
        printf("# %.1f sharpness %.3f blurred %.2f found %d/%d%s shift %.4f%s covered %016" PRIx64
               " %.2f ms\n",
               time_s, d->sharpness, d->blurred_share, d->view.found, d->view.known,
               d->view.compared ? "" : " (no)", d->view.shift, d->view.lost ? " lost" : "", d->obscured,
               (double)took / 1e6);
    if (finding.flags != run->flags)
        print_flags(time_s, finding.flags);
    run->flags = finding.flags;
    if (run->accept_at > 0 && !run->accepted && time_s >= run->accept_at) {
        picture_health_accept_view(run->health);
        run->accepted = true;
    }
}

static int read_all(struct run *run, struct source *source, struct error *error)
{
    int result;
    for (struct observation o; (result = source_kind_ffmpeg.read(source, &o, error)) == 0;) {
        double time_s = (double)o.stream_ns / 1e9;
        if (o.stream_ns >= run->due_ns) {
            look(run, o.picture);
            run->due_ns = o.stream_ns + (int64_t)(0.999e9 / run->rate);
        }
        observation_release(&o);
        if (run->seconds > 0 && time_s >= run->seconds)
            return 0;
    }
    return result == ERR_END ? 0 : result;
}

int main(int argc, char **argv)
{
    struct run run = {.rate = 8};
    const char *clip = NULL;
    int given = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-v") == 0)
            run.verbose = true;
        else if (strcmp(argv[i], "-a") == 0 && i + 1 < argc)
            run.accept_at = atof(argv[++i]);
        else if (given++ == 0)
            clip = argv[i];
        else if (given == 2)
            run.rate = atof(argv[i]);
        else
            run.seconds = atof(argv[i]);
    }
    run.health = calloc(1, sizeof *run.health);
    if (!clip || !run.health || !(run.rate > 0))
        return 2;
    struct error error = {0};
    struct source *source = NULL;
    struct source_options options = {.uri = clip, .picture_limit = 4, .loop = run.seconds > 0};
    int result = source_kind_ffmpeg.open(&options, &source, &error);
    if (result == 0)
        result = read_all(&run, source, &error);
    if (result < 0)
        fprintf(stderr, "%s: %s\n", clip, error.text);
    if (run.pictures > 0)
        printf("= %d pictures, %.3f ms mean, %.2f ms most\n", run.pictures,
               (double)run.spent_ns / run.pictures / 1e6, (double)run.most_ns / 1e6);
    source_kind_ffmpeg.close(&source);
    free(run.health);
    return result < 0;
}
