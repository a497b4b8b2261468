/* sci track: detections of one sequence in, tracks out, both as MOTChallenge text. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/cli.h"
#include "track/mot_rows.h"
#include "track/tracker.h"

enum { FILE_LIMIT = 1 << 30, DET_COLUMNS = 7 };

/* Time stays far from the end of an int64_t. */
#define FRAME_MAX INT64_C(1000000000)

struct job {
    const char *det, *out, *detector;
    double fps;
    int width, height;
};

static void print_usage(void)
{
    (void)puts(
        "Usage: sci track --det FILE --fps F --size WIDTHxHEIGHT --out FILE [--detector KIND]\n\n"
        "Follows people through detections, online: what is said of a picture depends on no later one.\n\n"
        "  --det FILE        detections, MOTChallenge text: frame,id,x,y,w,h,score[,...]; the id is not "
        "used\n"
        "  --fps F           pictures per second\n"
        "  --size WxH        picture size in pixels\n"
        "  --out FILE        tracks, MOTChallenge text: frame,id,x,y,w,h,score,-1,-1,-1\n"
        "  --detector KIND   parameters for nanodet, yolox or frcnn; auto (the default) is frcnn when none "
        "of\n"
        "                    the first hundred scores is below 0.4, else yolox\n"
        "  --help            print this\n\n"
        "Prints the processor time per picture of the tracker alone as ms_per_frame=NUMBER.\n\n"
        "Example: sci track --det det.txt --fps 30 --size 1920x1080 --out tracks.txt");
}

static int parse_fps(const char *text, double *fps)
{
    return text_to_double(text, fps) && *fps >= 0.01 && *fps <= 1000 ? 0 : ERR_INVALID;
}

/* 0 to go on, or an exit code with `*done` set. */
static int parse_options(int argc, char **argv, struct job *job, bool *done)
{
    static const struct option options[] = {{"det", required_argument, NULL, 'd'},
                                            {"fps", required_argument, NULL, 'f'},
                                            {"size", required_argument, NULL, 's'},
                                            {"out", required_argument, NULL, 'o'},
                                            {"help", no_argument, NULL, 'h'},
                                            {"detector", required_argument, NULL, 'k'},
                                            {NULL, 0, NULL, 0}};
    *done = true;
    for (int option; (option = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
        switch (option) {
        case 'd':
            job->det = optarg;
            break;
        case 'o':
            job->out = optarg;
            break;
        case 'k':
            job->detector = optarg;
            break;
        case 'f':
            if (parse_fps(optarg, &job->fps) != 0) {
                return cli_usage("track: --fps: '%s' is not a number from 0.01 to 1000", optarg);
            }
            break;
        case 's':
            if (!text_to_size(optarg, &job->width, &job->height)) {
                return cli_usage("track: --size: '%s' is not WIDTHxHEIGHT", optarg);
            }
            break;
        case 'h':
            print_usage();
            return cli_finish_output();
        default:
            return cli_bad_option("track", option, argv);
        }
    }
    if (optind < argc) {
        return cli_usage("track: unexpected argument '%s' (sci track --help)", argv[optind]);
    }
    if (job->det == NULL || job->out == NULL || job->fps <= 0 || job->width <= 0) {
        return cli_usage("track: --det, --fps, --size and --out are needed (sci track --help)");
    }
    *done = false;
    return 0;
}

static int read_detections(const char *path, struct mot_rows *rows, struct error *error)
{
    struct buffer text = {0};
    int rc = file_read(path, FILE_LIMIT, &text, error);
    rc = rc != 0 ? rc : mot_rows_parse(text.data, text.size, path, DET_COLUMNS, rows, error);
    buffer_free(&text);
    if (rc == 0 && rows->count > 0 &&
        (rows->rows[0].frame < 1 || rows->rows[rows->count - 1].frame > FRAME_MAX)) {
        mot_rows_free(rows);
        return error_set(error, ERR_FORMAT, "%s: frames are counted from 1 to %lld", path,
                         (long long)FRAME_MAX);
    }
    return rc;
}

static struct detection *to_detections(const struct mot_rows *rows)
{
    struct detection *d = malloc((rows->count + 1) * sizeof *d);
    for (size_t i = 0; d != NULL && i < rows->count; i++) {
        const struct mot_row *r = &rows->rows[i];
        d[i] = (struct detection){{(float)r->x, (float)r->y, (float)r->w, (float)r->h}, (float)r->extra[0]};
    }
    return d;
}

static enum detector_kind choose_kind(const struct job *job, const struct detection *d, size_t count)
{
    enum detector_kind kind;
    float scores[100];
    size_t n = 0;
    if (job->detector != NULL && detector_kind_parse(job->detector, &kind) == 0) {
        return kind;
    }
    for (; n < count && n < sizeof scores / sizeof scores[0]; n++) {
        scores[n] = d[n].score;
    }
    return detector_kind_guess(scores, n);
}

static void write_tracks(struct buffer *out, int64_t frame, const struct track *tracks, size_t count)
{
    for (size_t k = 0; k < count; k++) {
        const struct track *t = &tracks[k];
        struct mot_row row = {frame,
                              t->track_id,
                              (double)t->box.x,
                              (double)t->box.y,
                              (double)t->box.w,
                              (double)t->box.h,
                              {(double)t->score, -1, -1}};
        mot_row_write(out, &row);
    }
}

struct run {
    int64_t spent_ns, frames;
};

/* Processor time of this thread: what other programs do on the machine is not the tracker's. */
static int64_t processor_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* Every picture from the first on, also those without detections; long empty stretches, after which nobody
 * can be found again, are passed over. */
static int track_all(const struct job *job, const struct mot_rows *rows, const struct detection *detections,
                     const struct tracker_params *params, struct buffer *out, struct run *run,
                     struct error *error)
{
    struct tracker *tracker;
    int rc = tracker_create(params, &tracker, error);
    int64_t patience = (int64_t)ceil((double)(params->lost_ns + params->coast_ns) * 1e-9 * job->fps) + 2,
            last = 0;
    size_t at = 0;
    for (int64_t frame = 1; rc == 0 && at < rows->count; frame++) {
        if (rows->rows[at].frame > frame && frame - last > patience) {
            frame = rows->rows[at].frame;
        }
        size_t end = at;
        while (end < rows->count && rows->rows[end].frame == frame) {
            end++;
        }
        last = end > at ? frame : last;
        struct tracker_input input = {.time_ns = (int64_t)llround((double)(frame - 1) / job->fps * 1e9),
                                      .width = job->width,
                                      .height = job->height,
                                      .detections = detections + at,
                                      .detection_count = end - at};
        const struct track *tracks;
        size_t count;
        int64_t start = processor_ns();
        rc = tracker_update(tracker, &input, &tracks, &count, error);
        run->spent_ns += processor_ns() - start;
        run->frames++;
        if (rc == 0) {
            write_tracks(out, frame, tracks, count);
        }
        at = end;
    }
    tracker_destroy(&tracker);
    return rc != 0 || !out->failed ? rc : error_nomem(error, "tracks");
}

static int track_file(const struct job *job, struct run *run, struct error *error)
{
    struct mot_rows rows;
    struct buffer out = {0};
    int rc = read_detections(job->det, &rows, error);
    if (rc != 0) {
        return rc;
    }
    struct detection *detections = to_detections(&rows);
    if (detections == NULL) {
        rc = error_nomem(error, "detections");
    } else {
        struct tracker_params params = tracker_params_for(choose_kind(job, detections, rows.count));
        rc = track_all(job, &rows, detections, &params, &out, run, error);
    }
    rc = rc != 0 ? rc : file_write_atomic(job->out, out.data != NULL ? out.data : "", out.size, error);
    free(detections);
    buffer_free(&out);
    mot_rows_free(&rows);
    return rc;
}

int cli_track(int argc, char **argv)
{
    struct job job = {0};
    struct run run = {0};
    struct error error;
    enum detector_kind kind;
    bool done;
    int code = parse_options(argc, argv, &job, &done);
    if (done) {
        return code;
    }
    if (job.detector != NULL && strcmp(job.detector, "auto") != 0 &&
        detector_kind_parse(job.detector, &kind) != 0) {
        return cli_usage("track: --detector: '%s' is not auto, nanodet, yolox or frcnn", job.detector);
    }
    if (track_file(&job, &run, &error) != 0) {
        return cli_fail(&error);
    }
    (void)printf("ms_per_frame=%.6f\n",
                 run.frames > 0 ? (double)run.spent_ns * 1e-6 / (double)run.frames : 0);
    return cli_finish_output();
}
