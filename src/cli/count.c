/* sci count: how many people there are in pictures of crowds, with an error bar. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json_write.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/counter.h"
#include "core/snapshot.h"
#include "media/heatmap.h"
#include "media/jpeg.h"

enum { MAP_QUALITY = 90, TITLE_TEXT = 96 };

struct count_job {
    struct counter_options counter;
    bool json;
    const char *map, *cells;
};

static void print_usage(void)
{
    (void)puts(
        "Usage: sci count [OPTION]... IMAGE...\n\n"
        "Counts the people in pictures of crowds with the density network. One line per picture.\n\n"
        "  --mode MODE       density (default), boxes, or auto: both, each where it errs less\n"
        "  --json            one JSON object a line: image, count, low, high, regime, crowd; low and high\n"
        "                    bound the 90 % interval\n"
        "  --map FILE        the picture with the density over it, as a JPEG (one IMAGE)\n"
        "  --cells FILE      the density as data: x, y, width, height of each cell in pixels, people (one "
        "IMAGE)\n"
        "  --long-side N     the pixels that the longer side is brought to; default: as trained,\n"
        "                    1280 to 1536. Larger for a distant crowd in a large picture\n"
        "  -c, --config FILE model and threads as configured here (inference.density_model)\n"
        "  --model FILE      another model; several (--model A --model B) count together: their mean, and\n"
        "                    an interval that is wider where they differ\n"
        "  --threads N       of the network\n"
        "  --help            print this\n\n"
        "A picture that cannot be read is an error that names it; the others are counted, and the exit\n"
        "code is 1.\n\n"
        "Example: sci count --json square.jpg gate.png");
}

/* An exit code, or -1 to go on. */
static int parse_options(int argc, char **argv, struct count_job *job)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'},
                                            {"mode", required_argument, NULL, 'o'},
                                            {"map", required_argument, NULL, 'M'},
                                            {"cells", required_argument, NULL, 'C'},
                                            {"long-side", required_argument, NULL, 'l'},
                                            {"config", required_argument, NULL, 'c'},
                                            {"model", required_argument, NULL, 'm'},
                                            {"threads", required_argument, NULL, 't'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    for (int option; (option = getopt_long(argc, argv, ":hc:", options, NULL)) != -1;) {
        if (option == 'h') {
            print_usage();
            return cli_finish_output();
        }
        if (option == '?' || option == ':')
            return cli_bad_option("count", option, argv);
        if (option == 'j') {
            job->json = true;
        } else if (option == 'M') {
            job->map = optarg;
        } else if (option == 'C') {
            job->cells = optarg;
        } else {
            const char *wanted = counter_take_option(option, optarg, &job->counter);
            if (wanted != NULL)
                return cli_usage("count: '%s' is not %s (sci count --help)", optarg, wanted);
        }
    }
    if (optind == argc)
        return cli_usage("count: which pictures? (sci count --help)");
    if ((job->map != NULL || job->cells != NULL) && argc - optind > 1)
        return cli_usage("count: --map and --cells are for one picture (sci count --help)");
    if ((job->map != NULL || job->cells != NULL) && job->counter.mode == COUNTING_BOXES)
        return cli_usage("count: --map and --cells need the density network, not --mode boxes");
    return -1;
}

/* NULL where the density network has not looked. */
static const char *crowd_name(const struct still_result *r)
{
    return r->has_map ? crowd_class_name(r->crowd) : NULL;
}

static int print_json(const char *path, const struct still_result *r, struct error *error)
{
    struct buffer text = {0};
    struct json_writer w = json_writer_on(&text);
    json_object_begin(&w);
    json_put_string(&w, "image", path);
    json_put_number(&w, "count", r->count, 2);
    json_put_number(&w, "low", r->low, 2);
    json_put_number(&w, "high", r->high, 2);
    json_put_string(&w, "regime", regime_name(r->regime));
    json_put_string(&w, "crowd", crowd_name(r));
    json_object_end(&w);
    int rc = text.failed ? error_nomem(error, "a result") : 0;
    if (rc == 0)
        (void)puts(text.data);
    buffer_free(&text);
    return rc;
}

static int write_map(const struct count_job *job, const struct picture *picture, const struct still_result *r,
                     struct error *error)
{
    char title[TITLE_TEXT];
    struct picture *drawn = NULL;
    struct jpeg_encoder *encoder = NULL;
    struct buffer bytes = {0};
    text_format(title, sizeof title, "%.0f people (90 %%: %.0f to %.0f), %s", r->count, r->low, r->high,
                crowd_name(r));
    int rc = heatmap_draw(picture, &r->map, title, &drawn, error);
    rc = rc != 0 ? rc : jpeg_encoder_create(&encoder, error);
    rc = rc != 0 ? rc : jpeg_encode(encoder, drawn, 0, MAP_QUALITY, &bytes, error);
    rc = rc != 0 ? rc : file_write_atomic(job->map, bytes.data, bytes.size, error);
    buffer_free(&bytes);
    jpeg_encoder_destroy(&encoder);
    picture_unref(&drawn);
    return rc;
}

static int write_cells(const char *path, const struct count_map *map, struct error *error)
{
    struct buffer text = {0};
    buffer_append_text(&text, "x,y,width,height,people\n");
    for (int y = 0; y < map->rows; y++)
        for (int x = 0; x < map->columns; x++)
            buffer_printf(&text, "%.2f,%.2f,%.2f,%.2f,%.6f\n", x * map->cell_width, y * map->cell_height,
                          map->cell_width, map->cell_height,
                          (double)map->people[(size_t)y * (size_t)map->columns + (size_t)x]);
    int rc = text.failed ? error_nomem(error, "cells") : file_write_atomic(path, text.data, text.size, error);
    buffer_free(&text);
    return rc;
}

static int count_one(const struct count_job *job, struct counter *counter, const char *path,
                     struct error *error)
{
    struct picture *picture = NULL;
    struct still_result r;
    int rc = counter_run(counter, path, &picture, &r, error);
    if (rc == 0 && job->map != NULL)
        rc = write_map(job, picture, &r, error);
    if (rc == 0 && job->cells != NULL)
        rc = write_cells(job->cells, &r.map, error);
    picture_unref(&picture);
    if (rc != 0)
        return rc;
    if (job->json)
        return print_json(path, &r, error);
    (void)printf("%s: %.1f people (90 %%: %.1f to %.1f), %s\n", path, r.count, r.low, r.high,
                 r.has_map ? crowd_name(&r) : regime_name(r.regime));
    return 0;
}

int cli_count(int argc, char **argv)
{
    struct count_job job = {.counter = {.mode = COUNTING_DENSITY}};
    struct counter counter;
    struct error error = {0};
    int code = parse_options(argc, argv, &job);
    if (code >= 0)
        return code;
    if (counter_open(&job.counter, &counter, &error) != 0)
        return cli_fail(&error);
    code = EXIT_DONE;
    for (int i = optind; i < argc; i++)
        if (count_one(&job, &counter, argv[i], &error) != 0)
            code = cli_fail(&error);
    counter_close(&counter);
    int written = cli_finish_output();
    return code != EXIT_DONE ? code : written;
}
