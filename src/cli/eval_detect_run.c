/* sci eval detect --video: the detector on a clip. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "cli/eval_detect.h"
#include "media/source.h"
#include "vision/network.h"

/* A curve needs what lies far under the working threshold; still lower there is noise without end. */
static const double least_score = 0.05;

int eval_add_box(struct eval_boxes *boxes, int64_t frame, struct box box, float score, struct error *error)
{
    if (boxes->count == boxes->capacity) {
        size_t capacity = boxes->capacity > 0 ? 2 * boxes->capacity : 1024;
        struct scored_box *items = realloc(boxes->items, capacity * sizeof *items);
        if (items == NULL)
            return error_nomem(error, "detections");
        boxes->items = items;
        boxes->capacity = capacity;
    }
    boxes->items[boxes->count++] = (struct scored_box){frame, box, score};
    return 0;
}

struct detector {
    struct network *network;
    struct network_context *context;
    struct view *view;
    const struct source_kind *kind;
    struct source *source;
};

static int make_view(const struct eval_detect_job *job, const struct config *config, struct view **view,
                     struct error *error)
{
    const struct detection_config *d = &config->detection;
    struct view_options options = {.confidence_low = least_score,
                                   .nms_iou = d->nms_iou,
                                   .min_width_px = d->min_width_px,
                                   .min_height_px = d->min_height_px,
                                   .input_width = job->width > 0 ? job->width : d->input_width,
                                   .input_height = job->height > 0 ? job->height : d->input_height};
    return view_create(&options, view, error);
}

static int open_detector(const struct eval_detect_job *job, const struct config *config, struct detector *d,
                         struct error *error)
{
    struct network_options options = {.model_path = job->model != NULL ? job->model : config->inference.model,
                                      .family = job->family != NULL  ? job->family
                                                : job->model != NULL ? "auto"
                                                                     : config->inference.family,
                                      .threads = config->inference.threads_per_worker,
                                      .may_fall_back = job->model == NULL};
    int rc = make_view(job, config, &d->view, error);
    rc = rc != 0 ? rc : network_open(&options, &d->network, error);
    rc = rc != 0 ? rc : network_context_create(d->network, &d->context, error);
    if (rc != 0)
        return rc;
    if (network_degraded(d->network) != NULL)
        (void)fprintf(stderr, "sci: warning: %s\n", network_degraded(d->network));
    d->kind = source_kind_for(job->video, error);
    if (d->kind == NULL)
        return error->code;
    return d->kind->open(&(struct source_options){.uri = job->video}, &d->source, error);
}

static void close_detector(struct detector *d)
{
    if (d->source != NULL)
        d->kind->close(&d->source);
    network_context_destroy(&d->context);
    network_close(&d->network);
    view_destroy(&d->view);
}

static int detect_one(const struct detector *d, const struct observation *o, struct eval_boxes *boxes,
                      struct error *error)
{
    const struct detection *found;
    size_t count;
    int64_t begin = clock_monotonic_ns();
    int rc = network_infer(d->network, d->context, o->picture, d->view, &found, &count, error);
    boxes->busy_ns += clock_monotonic_ns() - begin;
    boxes->frames++;
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = eval_add_box(boxes, o->number, found[i].box, found[i].score, error);
    return rc;
}

static int detect(const struct eval_detect_job *job, const struct detector *d, struct eval_boxes *boxes,
                  struct error *error)
{
    for (;;) {
        struct observation o = {0};
        int rc = d->kind->read(d->source, &o, error);
        if (rc == ERR_END)
            return 0;
        if (rc != 0)
            return rc;
        bool wanted = o.number >= job->first && o.number <= job->last, past = o.number >= job->last;
        if (wanted && o.kind == OBSERVATION_PICTURE)
            rc = detect_one(d, &o, boxes, error);
        observation_release(&o);
        if (rc != 0 || past)
            return rc;
    }
}

static int write_detections(const char *path, const struct eval_boxes *boxes, struct error *error)
{
    struct buffer text = {0};
    for (size_t i = 0; i < boxes->count; i++) {
        const struct scored_box *b = &boxes->items[i];
        buffer_printf(&text, "%lld,-1,%.4f,%.4f,%.4f,%.4f,%.6f\n", (long long)b->frame, (double)b->box.x,
                      (double)b->box.y, (double)b->box.w, (double)b->box.h, (double)b->score);
    }
    int rc =
        text.failed ? error_nomem(error, "detections") : file_write_atomic(path, text.data, text.size, error);
    buffer_free(&text);
    return rc;
}

int eval_run_detector(const struct eval_detect_job *job, const struct config *config,
                      struct eval_boxes *boxes, struct error *error)
{
    struct detector d = {0};
    int rc = open_detector(job, config, &d, error);
    rc = rc != 0 ? rc : detect(job, &d, boxes, error);
    if (rc == 0 && boxes->frames == 0)
        rc = error_set(error, ERR_NOT_FOUND, "%s: no such frames", job->video);
    close_detector(&d);
    return rc == 0 && job->write != NULL ? write_detections(job->write, boxes, error) : rc;
}
