/* sci eval count: pictures counted, against the heads marked in them. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json_write.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/counter.h"
#include "cli/eval.h"

enum { MARKS_LIMIT = 64 << 20, PATH_TEXT = 4096, BANDS = 7 };
static const double band_from[BANDS] = {0, 1, 51, 101, 201, 301, 601};

struct figures {
    int64_t pictures, inside; /* inside: of the 90 % interval */
    double absolute, square, signed_sum;
};

struct job {
    struct counter_options counter;
    const char *json, *list;
};

struct totals {
    struct figures all, band[BANDS];
    int64_t busy_ns;
};

static void print_usage(void)
{
    (void)puts(
        "Usage: sci eval count [OPTION]... IMAGE...\n\n"
        "Counts pictures and compares with the heads marked in them: NAME.csv beside NAME.jpg, a header and\n"
        "one row per head.\n\n"
        "  --list FILE       one line per picture: image, true, count, low, high, regime\n"
        "  --json FILE       the figures as JSON too; - is standard output\n"
        "  --mode MODE, --long-side N, -c, --config FILE, --model FILE, --threads N   as sci count\n"
        "  --help            print this\n\n"
        "Example: sci eval count crowds/*.jpg");
}

/* An exit code, or -1 to go on. */
static int parse_options(int argc, char **argv, struct job *job)
{
    static const struct option options[] = {{"list", required_argument, NULL, 'L'},
                                            {"json", required_argument, NULL, 'j'},
                                            {"config", required_argument, NULL, 'c'},
                                            {"long-side", required_argument, NULL, 'l'},
                                            {"model", required_argument, NULL, 'm'},
                                            {"threads", required_argument, NULL, 't'},
                                            {"mode", required_argument, NULL, 'o'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    for (int option; (option = getopt_long(argc, argv, ":hc:", options, NULL)) != -1;) {
        const char *wanted = NULL;
        if (option == 'h') {
            print_usage();
            return cli_finish_output();
        }
        if (option == '?' || option == ':')
            return cli_bad_option("eval count", option, argv);
        if (option == 'L')
            job->list = optarg;
        else if (option == 'j')
            job->json = optarg;
        else
            wanted = counter_take_option(option, optarg, &job->counter);
        if (wanted != NULL)
            return cli_usage("eval count: '%s' is not %s (sci eval count --help)", optarg, wanted);
    }
    return optind < argc ? -1 : cli_usage("eval count: which pictures? (sci eval count --help)");
}

/* Rows after the header that hold anything. */
static int marked_heads(const char *image, double *heads, struct error *error)
{
    char path[PATH_TEXT];
    const char *dot = strrchr(image, '.');
    struct buffer text = {0};
    text_format(path, sizeof path, "%.*s.csv", dot != NULL ? (int)(dot - image) : (int)strlen(image), image);
    int rc = file_read(path, MARKS_LIMIT, &text, error);
    *heads = -1;
    bool filled = false;
    for (size_t i = 0; rc == 0 && i <= text.size; i++) {
        char c = i < text.size ? text.data[i] : '\n';
        if (c == '\n') {
            *heads += filled;
            filled = false;
        } else if (c != '\r' && c != ' ') {
            filled = true;
        }
    }
    buffer_free(&text);
    if (rc == 0 && *heads < 0)
        return error_set(error, ERR_FORMAT, "%s: no header", path);
    return rc;
}

static void add(struct figures *f, double heads, const struct still_result *r)
{
    double error = r->count - heads;
    f->pictures++;
    f->inside += heads >= r->low && heads <= r->high;
    f->absolute += fabs(error);
    f->square += error * error;
    f->signed_sum += error;
}

static int count_one(struct counter *counter, const char *path, struct totals *totals, struct buffer *list,
                     struct error *error)
{
    struct picture *picture = NULL;
    struct still_result r;
    double heads;
    int rc = marked_heads(path, &heads, error);
    int64_t begin = clock_monotonic_ns();
    rc = rc != 0 ? rc : counter_run(counter, path, &picture, &r, error);
    totals->busy_ns += clock_monotonic_ns() - begin;
    picture_unref(&picture);
    if (rc != 0)
        return rc;
    int band = BANDS - 1;
    while (band > 0 && heads < band_from[band])
        band--;
    add(&totals->all, heads, &r);
    add(&totals->band[band], heads, &r);
    buffer_printf(list, "%s,%.0f,%.2f,%.2f,%.2f,%s\n", path, heads, r.count, r.low, r.high,
                  regime_name(r.regime));
    return 0;
}

static void print_row(const char *name, const struct figures *f)
{
    double n = (double)f->pictures;
    (void)printf("%-12s %8lld %9.2f %9.2f %9.2f %8.1f %%\n", name, (long long)f->pictures, f->absolute / n,
                 sqrt(f->square / n), f->signed_sum / n, 100 * (double)f->inside / n);
}

static void print_figures(const struct totals *t)
{
    (void)printf("%-12s %8s %9s %9s %9s %10s\n", "true count", "pictures", "MAE", "RMSE", "bias", "in 90 %");
    for (int b = 0; b < BANDS; b++) {
        char name[32];
        if (b + 1 < BANDS)
            text_format(name, sizeof name, "%.0f-%.0f", band_from[b], band_from[b + 1] - 1);
        else
            text_format(name, sizeof name, "%.0f-", band_from[b]);
        if (t->band[b].pictures > 0)
            print_row(name, &t->band[b]);
    }
    print_row("all", &t->all);
    (void)printf("ms_per_picture=%.1f\n", (double)t->busy_ns / 1e6 / (double)t->all.pictures);
}

static void write_figures(struct json_writer *w, const struct figures *f)
{
    double n = (double)f->pictures;
    json_put_int(w, "pictures", f->pictures);
    json_put_number(w, "mae", f->absolute / n, 4);
    json_put_number(w, "rmse", sqrt(f->square / n), 4);
    json_put_number(w, "bias", f->signed_sum / n, 4);
    json_put_number(w, "inside_90", (double)f->inside / n, 4);
}

static int write_json(const char *path, const struct totals *t, struct error *error)
{
    struct buffer text = {0};
    struct json_writer w = json_writer_on(&text);
    json_object_begin(&w);
    write_figures(&w, &t->all);
    json_key(&w, "by_true_count");
    json_array_begin(&w);
    for (int b = 0; b < BANDS; b++) {
        if (t->band[b].pictures == 0)
            continue;
        json_object_begin(&w);
        json_put_number(&w, "from", band_from[b], 0);
        write_figures(&w, &t->band[b]);
        json_object_end(&w);
    }
    json_array_end(&w);
    json_object_end(&w);
    buffer_append_char(&text, '\n');
    int rc = text.failed ? error_nomem(error, "figures") : 0;
    if (rc == 0 && strcmp(path, "-") == 0)
        (void)fwrite(text.data, 1, text.size, stdout);
    else if (rc == 0)
        rc = file_write_atomic(path, text.data, text.size, error);
    buffer_free(&text);
    return rc;
}

static int evaluate(int argc, char **argv, const struct job *job, struct error *error)
{
    struct counter counter;
    struct totals totals = {0};
    struct buffer list = {0};
    int rc = counter_open(&job->counter, &counter, error);
    if (rc != 0)
        return rc;
    buffer_append_text(&list, "image,true,count,low,high,regime\n");
    for (int i = optind; i < argc && rc == 0; i++)
        rc = count_one(&counter, argv[i], &totals, &list, error);
    counter_close(&counter);
    if (rc == 0) {
        print_figures(&totals);
        if (list.failed)
            rc = error_nomem(error, "a list");
        else if (job->list != NULL)
            rc = file_write_atomic(job->list, list.data, list.size, error);
    }
    buffer_free(&list);
    return rc == 0 && job->json != NULL ? write_json(job->json, &totals, error) : rc;
}

int cli_eval_count(int argc, char **argv)
{
    struct job job = {.counter = {.mode = COUNTING_DENSITY}};
    struct error error = {0};
    int code = parse_options(argc, argv, &job);
    if (code >= 0)
        return code;
    return evaluate(argc, argv, &job, &error) == 0 ? cli_finish_output() : cli_fail(&error);
}
