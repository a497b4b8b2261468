/*
 * Leave-one-sequence-out figures of the tracker: for every sequence the parameters are searched on the others
 * alone, from published values, and the sequence is scored with what was found. Prints one row per sequence
 * and, from the summed counts, what the tracker reaches on sequences that had no part in its parameters.
 *
 *     tune_tracker PACK [ROUNDS]     PACK holds SEQUENCE/{det/det.txt, gt/gt.txt, seqinfo.ini}
 *
 * The search goes along one parameter at a time and keeps what raises HOTA + IDF1 + MOTA of the summed
 * counts; its step halves from round to round. One thread, minutes.
 */
#include <dirent.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "track/motscore.h"
#include "track/tracker.h"

enum { SEQUENCES_MAX = 16, PATH_SIZE = 4096, NAME_SIZE = 256, FILE_LIMIT = 1 << 30 };

struct sequence {
    char name[NAME_SIZE];
    double fps;
    int width, height;
    struct mot_rows det, truth;
};

struct pack {
    struct sequence items[SEQUENCES_MAX];
    size_t count;
    enum mot_benchmark benchmark;
};

/* As published: thresholds, gates and fusion of ByteTrack, direction of OC-SORT, widening of C-BIoU, heights
 * of Hybrid-SORT, noise of DeepSORT in seconds at 30 pictures/s; the rest is neutral. */
static const struct tracker_params published = {
    .high_score = 0.6,
    .low_score = 0.1,
    .new_score = 0.7,
    .iou_gate = 0.1,
    .confirm_hits = 2,
    .coast_ns = 0,
    .lost_ns = NS_PER_S,
    .low_gate = 0.5,
    .tentative_gate = 0.3,
    .wide_gate = 0.1,
    .widening = 0.3,
    .score_weight = 1,
    .height_weight = 1,
    .direction_weight = 0.1,
    .low_lost_s = 0.1,
    .new_overlap = 0.7,
    .duplicate_overlap = 0.85,
    .doubt = 4,
    .smoothing = 0.5,
    .steadying = 0.5,
    .noise = {0.4, 0.1, 0.05, 0.05, 1, 0.1},
};

struct knob {
    size_t offset;
    double least, most, step; /* step relative for positive quantities, absolute where least is 0 */
};

#define KNOB(field, least, most, step)                                                                       \
    {                                                                                                        \
        offsetof(struct tracker_params, field), least, most, step                                            \
    }

static const struct knob knobs[] = {
    KNOB(high_score, 0.3, 0.9, 0.12),
    KNOB(new_score, 0.3, 0.98, 0.12),
    KNOB(noise.acceleration, 0.1, 2, 0.5),
    KNOB(noise.centre, 0.01, 0.3, 0.5),
    KNOB(noise.size, 0.01, 0.3, 0.5),
    KNOB(noise.size_acceleration, 0.02, 0.5, 0.5),
    KNOB(iou_gate, 0, 0.5, 0.1),
    KNOB(low_gate, 0.1, 0.7, 0.25),
    KNOB(tentative_gate, 0.05, 0.6, 0.4),
    KNOB(wide_gate, 0, 0.5, 0.1),
    KNOB(widening, 0.1, 0.5, 0.4),
    KNOB(score_weight, 0, 2, 0.4),
    KNOB(height_weight, 0, 2, 0.4),
    KNOB(direction_weight, 0, 0.3, 0.06),
    KNOB(new_overlap, 0.3, 0.9, 0.2),
    KNOB(duplicate_overlap, 0.6, 0.95, 0.08),
    KNOB(doubt, 0, 10, 3),
    KNOB(smoothing, 0, 1, 0.2),
    KNOB(steadying, 0, 1, 0.25),
};
enum { KNOB_COUNT = sizeof knobs / sizeof knobs[0] };

static _Noreturn void give_up(const struct error *error)
{
    (void)fprintf(stderr, "tune_tracker: %s\n", error->text);
    exit(1);
}

static struct buffer read_text(const char *folder, const char *name, const char *file, char *path)
{
    struct buffer text = {0};
    struct error error;
    (void)snprintf(path, PATH_SIZE, "%s/%s/%s", folder, name, file);
    if (file_read(path, FILE_LIMIT, &text, &error) != 0) {
        give_up(&error);
    }
    return text;
}

static double setting(const struct buffer *text, const char *key)
{
    const char *at = memmem(text->data, text->size, key, strlen(key));
    return at != NULL ? strtod(at + strlen(key), NULL) : 0;
}

static void load(const char *folder, const char *name, struct sequence *s)
{
    static const char *const files[] = {"det/det.txt", "gt/gt.txt"};
    char path[PATH_SIZE];
    struct error error;
    (void)snprintf(s->name, sizeof s->name, "%s", name);
    for (int k = 0; k < 2; k++) {
        struct buffer text = read_text(folder, name, files[k], path);
        if (mot_rows_parse(text.data, text.size, path, 6, k == 0 ? &s->det : &s->truth, &error) != 0) {
            give_up(&error);
        }
        buffer_free(&text);
    }
    struct buffer info = read_text(folder, name, "seqinfo.ini", path);
    s->fps = setting(&info, "frameRate=");
    s->width = (int)setting(&info, "imWidth=");
    s->height = (int)setting(&info, "imHeight=");
    buffer_free(&info);
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct sequence *)a)->name, ((const struct sequence *)b)->name);
}

static void load_pack(const char *folder, struct pack *pack)
{
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        struct error error;
        (void)error_set(&error, ERR_IO, "%s: cannot be opened", folder);
        give_up(&error);
    }
    for (const struct dirent *e; (e = readdir(dir)) != NULL && pack->count < SEQUENCES_MAX;) {
        if (e->d_name[0] != '.') {
            load(folder, e->d_name, &pack->items[pack->count++]);
        }
    }
    (void)closedir(dir);
    qsort(pack->items, pack->count, sizeof pack->items[0], compare);
    pack->benchmark = pack->count > 0 ? motscore_guess(&pack->items[0].truth) : BENCHMARK_MOT15;
}

/* Two decimals, as in a file of tracks. */
static double hundredths(float x)
{
    return round(100 * (double)x) / 100;
}

static void append(struct mot_rows *out, size_t *room, int64_t frame, const struct track *t)
{
    if (out->count == *room) {
        *room = 2 * *room + 1024;
        out->rows = realloc(out->rows, *room * sizeof *out->rows);
        if (out->rows == NULL) {
            abort();
        }
    }
    out->rows[out->count++] = (struct mot_row){frame,
                                               t->track_id,
                                               hundredths(t->box.x),
                                               hundredths(t->box.y),
                                               hundredths(t->box.w),
                                               hundredths(t->box.h),
                                               {1, -1, -1}};
}

static void track(const struct sequence *s, const struct tracker_params *params, struct mot_rows *out)
{
    struct tracker *tracker;
    struct error error;
    struct detection boxes[1024];
    size_t room = 0, at = 0;
    if (tracker_create(params, &tracker, &error) != 0) {
        give_up(&error);
    }
    for (int64_t frame = 1; at < s->det.count; frame++) {
        struct tracker_input input = {.time_ns = llround((double)(frame - 1) / s->fps * 1e9),
                                      .width = s->width,
                                      .height = s->height,
                                      .detections = boxes};
        for (; at < s->det.count && s->det.rows[at].frame == frame && input.detection_count < 1024; at++) {
            const struct mot_row *r = &s->det.rows[at];
            boxes[input.detection_count++] =
                (struct detection){{(float)r->x, (float)r->y, (float)r->w, (float)r->h}, (float)r->extra[0]};
        }
        const struct track *tracks;
        size_t count;
        if (tracker_update(tracker, &input, &tracks, &count, &error) != 0) {
            give_up(&error);
        }
        for (size_t k = 0; k < count; k++) {
            append(out, &room, frame, &tracks[k]);
        }
    }
    tracker_destroy(&tracker);
}

static struct mot_counts score(const struct pack *pack, size_t i, const struct tracker_params *params)
{
    struct mot_rows out = {0};
    struct mot_counts counts;
    struct error error;
    track(&pack->items[i], params, &out);
    if (motscore_sequence(&pack->items[i].truth, &out, pack->benchmark, &counts, &error) != 0) {
        give_up(&error);
    }
    mot_rows_free(&out);
    return counts;
}

static double worth(const struct pack *pack, size_t left_out, const struct tracker_params *params)
{
    struct mot_counts sum = {0};
    for (size_t i = 0; i < pack->count; i++) {
        if (i != left_out) {
            struct mot_counts c = score(pack, i, params);
            motscore_add(&sum, &c);
        }
    }
    struct mot_figures f = motscore_figures(&sum);
    return f.hota + f.idf1 + f.mota;
}

static double *value_of(struct tracker_params *params, const struct knob *knob)
{
    return (double *)(void *)((char *)params + knob->offset);
}

/* Steps in one direction for as long as that helps. */
static bool climb(const struct pack *pack, size_t left_out, const struct knob *knob, double step,
                  struct tracker_params *best, double *best_worth)
{
    bool better = false;
    for (int k = 0; k < 3; k++) {
        struct tracker_params p = *best;
        double *v = value_of(&p, knob), before = *v;
        *v = fmin(knob->most, fmax(knob->least, knob->least > 0 ? *v * exp(step) : *v + step));
        double w = *v == before || p.new_score < p.high_score ? -INFINITY : worth(pack, left_out, &p);
        if (w <= *best_worth + 0.01) {
            return better;
        }
        *best = p;
        *best_worth = w;
        better = true;
    }
    return better;
}

static struct tracker_params search(const struct pack *pack, size_t left_out, int rounds)
{
    struct tracker_params best = published;
    double best_worth = worth(pack, left_out, &best);
    for (int round = 0; round < rounds; round++) {
        for (size_t k = 0; k < KNOB_COUNT; k++) {
            double step = ldexp(knobs[k].step, -round);
            if (!climb(pack, left_out, &knobs[k], step, &best, &best_worth)) {
                (void)climb(pack, left_out, &knobs[k], -step, &best, &best_worth);
            }
        }
    }
    return best;
}

static void print_row(const char *what, const struct mot_counts *c)
{
    struct mot_figures f = motscore_figures(c);
    (void)printf("%-28s HOTA %6.2f IDF1 %6.2f MOTA %6.2f IDs %4lld\n", what, f.hota, f.idf1, f.mota,
                 (long long)c->id_switches);
    (void)fflush(stdout);
}

static void print_same(const struct pack *pack, const char *what, const struct tracker_params *params)
{
    struct mot_counts sum = {0};
    for (size_t i = 0; i < pack->count; i++) {
        struct mot_counts c = score(pack, i, params);
        motscore_add(&sum, &c);
    }
    print_row(what, &sum);
}

int main(int argc, char **argv)
{
    static struct pack pack;
    int rounds = argc > 2 ? atoi(argv[2]) : 2;
    if (argc < 2) {
        (void)fputs("usage: tune_tracker PACK [ROUNDS]\n", stderr);
        return 2;
    }
    load_pack(argv[1], &pack);
    print_same(&pack, "published values", &published);
    for (int kind = 0; kind < DETECTOR_COUNT; kind++) {
        struct tracker_params params = tracker_params_for((enum detector_kind)kind);
        print_same(&pack, detector_kind_name((enum detector_kind)kind), &params);
    }
    struct mot_counts sum = {0};
    for (size_t i = 0; i < pack.count; i++) {
        struct tracker_params params = search(&pack, i, rounds);
        struct mot_counts c = score(&pack, i, &params);
        motscore_add(&sum, &c);
        print_row(pack.items[i].name, &c);
    }
    print_row("leave-one-out, all", &sum);
    for (size_t i = 0; i < pack.count; i++) {
        mot_rows_free(&pack.items[i].det);
        mot_rows_free(&pack.items[i].truth);
    }
    return 0;
}
