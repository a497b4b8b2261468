/* sci eval detect: detections of a file, or those that the configured detector makes on a clip, against
 * labelled boxes. The scores are made in vision/detection_score.h. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json_write.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/eval.h"
#include "cli/eval_detect.h"
#include "track/mot_rows.h"

enum { FILE_LIMIT = 1 << 30, TRUTH_COLUMNS = 6, DETECTION_COLUMNS = 7 };

static void print_usage(void)
{
    (void)puts(
        "Usage: sci eval detect --truth FILE (--det FILE | --video FILE) [OPTION]...\n\n"
        "Scores person boxes: average precision, best F1, precision and recall at the threshold.\n\n"
        "  --truth FILE      labelled boxes, MOTChallenge text; rows with flag 0 are neither right nor "
        "wrong\n"
        "  --all             rows with flag 0 count too\n"
        "  --det FILE        detections, MOTChallenge text with a score in the 7th column\n"
        "  --video FILE      a video or image folder, on which the detector is run\n"
        "  -c, --config FILE ... as configured here: model, family, sizes, limits; else the defaults\n"
        "  --model FILE      ... with this model; hog: the built-in detector\n"
        "  --family NAME     ... of this family (auto, nanodet, nanodet-plus, yolov5, yolov8, yolox, hog)\n"
        "  --size WxH        ... with this network input\n"
        "  --write FILE      ... and write its detections (score 0.05 and more) as MOTChallenge text\n"
        "  --frames A-B      only these frames, counted from 1\n"
        "  --iou X           least overlap of a find; default 0.5\n"
        "  --threshold X     for precision and recall; default: the configuration's detection.confidence\n"
        "  --json FILE       the figures as JSON too; - is standard output\n"
        "  --help            print this\n\n"
        "Example: sci eval detect --truth gt.txt --video vtest.avi --frames 1-397");
}

static bool parse_share(const char *text, double *value)
{
    return text_to_double(text, value) && *value >= 0 && *value <= 1;
}

static bool parse_frames(const char *text, struct eval_detect_job *job)
{
    char first[32];
    const char *dash = strchr(text, '-');
    if (dash == NULL || (size_t)(dash - text) >= sizeof first)
        return false;
    text_format(first, sizeof first, "%.*s", (int)(dash - text), text);
    return text_to_int64(first, &job->first) && text_to_int64(dash + 1, &job->last) && job->first >= 1 &&
           job->last >= job->first;
}

/* 0, or what the option should have been. */
static const char *take_option(int option, const char *value, struct eval_detect_job *job)
{
    switch (option) {
    case 't':
        job->truth = value;
        return NULL;
    case 'd':
        job->det = value;
        return NULL;
    case 'v':
        job->video = value;
        return NULL;
    case 'c':
        job->config = value;
        return NULL;
    case 'm':
        job->model = value;
        return NULL;
    case 'f':
        job->family = value;
        return NULL;
    case 'w':
        job->write = value;
        return NULL;
    case 'j':
        job->json = value;
        return NULL;
    case 'a':
        job->all = true;
        return NULL;
    case 's':
        return text_to_size(value, &job->width, &job->height) ? NULL : "WIDTHxHEIGHT";
    case 'F':
        return parse_frames(value, job) ? NULL : "FIRST-LAST, from 1";
    case 'i':
        return parse_share(value, &job->iou) && job->iou > 0 ? NULL : "above 0 and at most 1";
    default:
        return parse_share(value, &job->threshold) ? NULL : "0 to 1";
    }
}

/* An exit code, or -1 to go on. */
static int parse_options(int argc, char **argv, struct eval_detect_job *job)
{
    static const struct option options[] = {{"truth", required_argument, NULL, 't'},
                                            {"det", required_argument, NULL, 'd'},
                                            {"video", required_argument, NULL, 'v'},
                                            {"config", required_argument, NULL, 'c'},
                                            {"model", required_argument, NULL, 'm'},
                                            {"family", required_argument, NULL, 'f'},
                                            {"size", required_argument, NULL, 's'},
                                            {"write", required_argument, NULL, 'w'},
                                            {"frames", required_argument, NULL, 'F'},
                                            {"iou", required_argument, NULL, 'i'},
                                            {"json", required_argument, NULL, 'j'},
                                            {"threshold", required_argument, NULL, 'T'},
                                            {"all", no_argument, NULL, 'a'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    for (int option; (option = getopt_long(argc, argv, ":hc:", options, NULL)) != -1;) {
        if (option == 'h') {
            print_usage();
            return cli_finish_output();
        }
        if (option == '?' || option == ':')
            return cli_bad_option("eval detect", option, argv);
        const char *wanted = take_option(option, optarg, job);
        if (wanted != NULL)
            return cli_usage("eval detect: '%s' is not %s (sci eval detect --help)", optarg, wanted);
    }
    if (optind < argc)
        return cli_usage("eval detect: unexpected argument '%s' (sci eval detect --help)", argv[optind]);
    if (job->truth == NULL || (job->det == NULL) == (job->video == NULL))
        return cli_usage("eval detect: give --truth and either --det or --video (sci eval detect --help)");
    return -1;
}

static int read_rows(const char *path, int columns, struct mot_rows *rows, struct error *error)
{
    struct buffer text = {0};
    int rc = file_read(path, FILE_LIMIT, &text, error);
    rc = rc != 0 ? rc : mot_rows_parse(text.data, text.size, path, columns, rows, error);
    buffer_free(&text);
    return rc;
}

static struct box row_box(const struct mot_row *r)
{
    return (struct box){(float)r->x, (float)r->y, (float)r->w, (float)r->h};
}

static int read_truth(const struct eval_detect_job *job, struct labelled_box **truth, size_t *count,
                      struct error *error)
{
    struct mot_rows rows = {0};
    int rc = read_rows(job->truth, TRUTH_COLUMNS, &rows, error);
    if (rc != 0)
        return rc;
    *truth = calloc(rows.count + 1, sizeof **truth);
    rc = *truth == NULL ? error_nomem(error, "labelled boxes") : 0;
    for (size_t i = 0; i < rows.count && rc == 0; i++) {
        const struct mot_row *r = &rows.rows[i];
        if (r->frame >= job->first && r->frame <= job->last)
            (*truth)[(*count)++] = (struct labelled_box){r->frame, row_box(r), job->all || r->extra[0] != 0};
    }
    mot_rows_free(&rows);
    return rc;
}

static int read_detections(const struct eval_detect_job *job, struct eval_boxes *boxes, struct error *error)
{
    struct mot_rows rows = {0};
    int rc = read_rows(job->det, DETECTION_COLUMNS, &rows, error);
    for (size_t i = 0; i < rows.count && rc == 0; i++) {
        const struct mot_row *r = &rows.rows[i];
        if (r->frame >= job->first && r->frame <= job->last)
            rc = eval_add_box(boxes, r->frame, row_box(r), (float)r->extra[0], error);
    }
    mot_rows_free(&rows);
    return rc;
}

/* --- results
 * ----------------------------------------------------------------------------------------------------- */

static void print_figures(const struct detection_figures *f, double iou, double threshold,
                          const struct eval_boxes *boxes)
{
    (void)printf("labelled boxes %zu, detections %zu, greatest score %.3f\n", f->truth, f->detections,
                 (double)f->greatest_score);
    (void)printf("AP at IoU %.2f  %.4f\n", iou, f->average_precision);
    (void)printf("best F1        %.4f at score %.3f (precision %.4f, recall %.4f)\n", f->best_f1,
                 f->best_threshold, f->best_precision, f->best_recall);
    (void)printf("at score %.2f  F1 %.4f, precision %.4f, recall %.4f (right %zu, wrong %zu, missed %zu)\n",
                 threshold, f->f1, f->precision, f->recall, f->right, f->wrong, f->missed);
    if (boxes->frames > 0)
        (void)printf("frames %zu\nms_per_frame=%.2f\n", boxes->frames,
                     (double)boxes->busy_ns / 1e6 / (double)boxes->frames);
}

static int write_json(const char *path, const struct detection_figures *f, double iou, double threshold,
                      struct error *error)
{
    const struct {
        const char *key;
        double value;
    } numbers[] = {{"iou", iou},
                   {"average_precision", f->average_precision},
                   {"best_f1", f->best_f1},
                   {"best_threshold", f->best_threshold},
                   {"best_precision", f->best_precision},
                   {"best_recall", f->best_recall},
                   {"threshold", threshold},
                   {"f1", f->f1},
                   {"precision", f->precision},
                   {"recall", f->recall},
                   {"greatest_score", (double)f->greatest_score}};
    struct buffer text = {0};
    struct json_writer w = json_writer_on(&text);
    json_object_begin(&w);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        json_put_number(&w, numbers[i].key, numbers[i].value, 6);
    json_put_int(&w, "right", (int64_t)f->right);
    json_put_int(&w, "wrong", (int64_t)f->wrong);
    json_put_int(&w, "missed", (int64_t)f->missed);
    json_put_int(&w, "truth", (int64_t)f->truth);
    json_put_int(&w, "detections", (int64_t)f->detections);
    json_object_end(&w);
    buffer_append_char(&text, '\n');
    int rc = 0;
    if (text.failed)
        rc = error_nomem(error, "figures");
    else if (strcmp(path, "-") == 0)
        (void)fwrite(text.data, 1, text.size, stdout);
    else
        rc = file_write_atomic(path, text.data, text.size, error);
    buffer_free(&text);
    return rc;
}

static int evaluate(const struct eval_detect_job *job, const struct config *config, struct eval_boxes *boxes,
                    struct error *error)
{
    struct labelled_box *truth = NULL;
    size_t truth_count = 0;
    struct detection_figures figures;
    double threshold = job->threshold >= 0 ? job->threshold : config->detection.confidence;
    int rc = read_truth(job, &truth, &truth_count, error);
    if (rc == 0)
        rc = job->det != NULL ? read_detections(job, boxes, error)
                              : eval_run_detector(job, config, boxes, error);
    if (rc == 0)
        rc = detection_score(truth, truth_count, boxes->items, boxes->count, job->iou, threshold, &figures,
                             error);
    free(truth);
    if (rc != 0)
        return rc;
    print_figures(&figures, job->iou, threshold, boxes);
    return job->json != NULL ? write_json(job->json, &figures, job->iou, threshold, error) : 0;
}

int cli_eval_detect(int argc, char **argv)
{
    struct eval_detect_job job = {.iou = 0.5, .threshold = -1, .first = 1, .last = INT64_MAX};
    struct eval_boxes boxes = {0};
    struct config *config = NULL;
    struct error error = {0};
    int code = parse_options(argc, argv, &job);
    if (code >= 0)
        return code;
    int rc = config_load(job.config, &config, NULL, &error);
    if (rc == 0)
        rc = evaluate(&job, config, &boxes, &error);
    free(boxes.items);
    config_unref(&config);
    return rc == 0 ? cli_finish_output() : cli_fail(&error);
}
