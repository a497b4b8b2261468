/* sci eval mot: files in, a table and JSON out; the scores are made in track/motscore.h. */
#include <dirent.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json_write.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/eval.h"
#include "track/motscore.h"

enum { FILE_LIMIT = 1 << 30, NAME_SIZE = 256, PATH_SIZE = 4096, TRUTH_COLUMNS = 6, RESULT_COLUMNS = 6 };

struct job {
    const char *gt, *res, *gt_dir, *res_dir, *seqs, *json;
    bool benchmark_given;
    enum mot_benchmark benchmark;
};

struct score {
    char name[NAME_SIZE];
    struct mot_counts counts;
};

struct scores {
    struct score *items;
    size_t count;
};

static void print_usage(void)
{
    (void)puts(
        "Usage: sci eval mot --gt FILE --res FILE [--benchmark NAME] [--json FILE]\n"
        "       sci eval mot --gt-dir DIR --res-dir DIR [--seqs A,B] [--benchmark NAME] [--json FILE]\n\n"
        "Scores tracks: HOTA, DetA, AssA, MOTA, IDF1 in per cent; identity switches, false positives, "
        "misses.\n\n"
        "  --gt, --res       one sequence: ground truth and tracks, MOTChallenge text\n"
        "  --gt-dir DIR      many: DIR/SEQUENCE/gt/gt.txt ...\n"
        "  --res-dir DIR     ... and DIR/SEQUENCE.txt; adds a COMBINED row\n"
        "  --seqs A,B        only these; else every folder of --gt-dir\n"
        "  --benchmark NAME  rules of MOT15, MOT17 or MOT20; else MOT20 if the path says so, MOT15 if the "
        "truth\n"
        "                    has no classes, else MOT17\n"
        "  --json FILE       the figures as JSON too; - is standard output\n"
        "  --help            print this\n\n"
        "Example: sci eval mot --gt gt.txt --res tracks.txt --json -");
}

static int parse_benchmark(const char *name, struct job *job)
{
    for (int k = BENCHMARK_MOT15; k <= BENCHMARK_MOT20; k++) {
        if (strcmp(name, mot_benchmark_name((enum mot_benchmark)k)) == 0) {
            job->benchmark = (enum mot_benchmark)k;
            job->benchmark_given = true;
            return 0;
        }
    }
    return ERR_INVALID;
}

/* 0 to go on, or an exit code with `*done` set. */
static int parse_options(int argc, char **argv, struct job *job, bool *done)
{
    static const struct option options[] = {{"gt", required_argument, NULL, 'g'},
                                            {"res", required_argument, NULL, 'r'},
                                            {"gt-dir", required_argument, NULL, 'G'},
                                            {"res-dir", required_argument, NULL, 'R'},
                                            {"seqs", required_argument, NULL, 's'},
                                            {"benchmark", required_argument, NULL, 'b'},
                                            {"json", required_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    *done = true;
    for (int option; (option = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
        switch (option) {
        case 'g':
            job->gt = optarg;
            break;
        case 'r':
            job->res = optarg;
            break;
        case 'G':
            job->gt_dir = optarg;
            break;
        case 'R':
            job->res_dir = optarg;
            break;
        case 's':
            job->seqs = optarg;
            break;
        case 'j':
            job->json = optarg;
            break;
        case 'b':
            if (parse_benchmark(optarg, job) != 0) {
                return cli_usage("eval mot: --benchmark: '%s' is not MOT15, MOT17 or MOT20", optarg);
            }
            break;
        case 'h':
            print_usage();
            return cli_finish_output();
        default:
            return cli_bad_option("eval mot", option, argv);
        }
    }
    if (optind < argc) {
        return cli_usage("eval mot: unexpected argument '%s' (sci eval mot --help)", argv[optind]);
    }
    bool one = job->gt != NULL && job->res != NULL, many = job->gt_dir != NULL && job->res_dir != NULL;
    if (one == many) {
        return cli_usage(
            "eval mot: give either --gt and --res, or --gt-dir and --res-dir (sci eval mot --help)");
    }
    *done = false;
    return 0;
}

static int read_rows(const char *path, int columns, struct mot_rows *rows, struct error *error)
{
    struct buffer text = {0};
    int rc = file_read(path, FILE_LIMIT, &text, error);
    rc = rc != 0 ? rc : mot_rows_parse(text.data, text.size, path, columns, rows, error);
    buffer_free(&text);
    return rc;
}

static enum mot_benchmark choose_benchmark(const struct job *job, const char *gt_path,
                                           const struct mot_rows *truth)
{
    char full[PATH_MAX];
    if (job->benchmark_given) {
        return job->benchmark;
    }
    if (realpath(gt_path, full) != NULL && strstr(full, "MOT20") != NULL) {
        return BENCHMARK_MOT20;
    }
    return motscore_guess(truth);
}

static int add_sequence(const struct job *job, struct scores *scores, const char *name, const char *gt_path,
                        const char *res_path, struct error *error)
{
    struct mot_rows truth = {0}, results = {0};
    struct score *items = realloc(scores->items, (scores->count + 1) * sizeof *items);
    if (items == NULL) {
        return error_nomem(error, "scores");
    }
    scores->items = items;
    int rc = read_rows(gt_path, TRUTH_COLUMNS, &truth, error);
    rc = rc != 0 ? rc : read_rows(res_path, RESULT_COLUMNS, &results, error);
    if (rc == 0) {
        struct score *s = &items[scores->count];
        text_copy(s->name, sizeof s->name, name);
        rc = motscore_sequence(&truth, &results, choose_benchmark(job, gt_path, &truth), &s->counts, error);
        if (rc != 0) {
            (void)error_prefix(error, "%s", res_path);
        }
        scores->count += rc == 0;
    }
    mot_rows_free(&truth);
    mot_rows_free(&results);
    return rc;
}

static int add_from_folders(const struct job *job, struct scores *scores, const char *name, bool must_exist,
                            struct error *error)
{
    char gt_path[PATH_SIZE], res_path[PATH_SIZE];
    text_format(gt_path, sizeof gt_path, "%s/%s/gt/gt.txt", job->gt_dir, name);
    text_format(res_path, sizeof res_path, "%s/%s.txt", job->res_dir, name);
    if (!must_exist && !file_exists(gt_path)) {
        return 0;
    }
    return add_sequence(job, scores, name, gt_path, res_path, error);
}

static int add_listed(const struct job *job, struct scores *scores, struct error *error)
{
    int rc = 0;
    for (const char *at = job->seqs; rc == 0 && *at != '\0';) {
        size_t n = strcspn(at, ",");
        char name[NAME_SIZE];
        text_format(name, sizeof name, "%.*s", (int)(n < NAME_SIZE ? n : NAME_SIZE - 1), at);
        rc = n > 0 ? add_from_folders(job, scores, name, true, error) : 0;
        at += n + (at[n] == ',');
    }
    return rc;
}

static int add_found(const struct job *job, struct scores *scores, struct error *error)
{
    struct dirent **entries;
    int rc = 0, n = scandir(job->gt_dir, &entries, NULL, alphasort);
    if (n < 0) {
        return error_set(error, ERR_NOT_FOUND, "%s: cannot read the folder", job->gt_dir);
    }
    for (int k = 0; k < n; k++) {
        if (rc == 0 && entries[k]->d_name[0] != '.') {
            rc = add_from_folders(job, scores, entries[k]->d_name, false, error);
        }
        free(entries[k]);
    }
    free(entries);
    return rc;
}

static void print_row(const char *name, int width, const struct mot_counts *c)
{
    struct mot_figures f = motscore_figures(c);
    (void)printf("%-*s%9.2f%9.2f%9.2f%9.2f%9.2f%9lld%9lld%9lld%9lld\n", width, name, f.hota, f.deta, f.assa,
                 f.mota, f.idf1, (long long)c->id_switches, (long long)c->fp, (long long)c->fn,
                 (long long)c->truth);
}

static void print_table(const struct scores *scores)
{
    int width = (int)strlen("sequence");
    for (size_t k = 0; k < scores->count; k++) {
        int n = (int)strlen(scores->items[k].name);
        width = n > width ? n : width;
    }
    (void)printf("%-*s%9s%9s%9s%9s%9s%9s%9s%9s%9s\n", width, "sequence", "HOTA", "DetA", "AssA", "MOTA",
                 "IDF1", "IDs", "FP", "FN", "GT");
    for (size_t k = 0; k < scores->count; k++) {
        print_row(scores->items[k].name, width, &scores->items[k].counts);
    }
}

static void write_figures(struct json_writer *w, const struct score *s)
{
    struct mot_figures f = motscore_figures(&s->counts);
    const struct {
        const char *key;
        double value;
    } shares[] = {{"HOTA", f.hota}, {"DetA", f.deta}, {"AssA", f.assa}, {"MOTA", f.mota}, {"IDF1", f.idf1}};
    json_key(w, s->name);
    json_object_begin(w);
    for (size_t k = 0; k < sizeof shares / sizeof shares[0]; k++) {
        json_key(w, shares[k].key);
        json_double(w, shares[k].value);
    }
    json_put_int(w, "IDs", s->counts.id_switches);
    json_put_int(w, "FP", s->counts.fp);
    json_put_int(w, "FN", s->counts.fn);
    json_put_int(w, "GT", s->counts.truth);
    json_object_end(w);
}

static int write_json(const struct scores *scores, const char *path, struct error *error)
{
    struct buffer text = {0};
    struct json_writer w = json_writer_on(&text);
    json_object_begin(&w);
    for (size_t k = 0; k < scores->count; k++) {
        write_figures(&w, &scores->items[k]);
    }
    json_object_end(&w);
    buffer_append_char(&text, '\n');
    int rc = 0;
    if (text.failed) {
        rc = error_nomem(error, "scores");
    } else if (strcmp(path, "-") == 0) {
        (void)fwrite(text.data, 1, text.size, stdout);
    } else {
        rc = file_write_atomic(path, text.data, text.size, error);
    }
    buffer_free(&text);
    return rc;
}

static int combine(struct scores *scores, struct error *error)
{
    struct score *items = realloc(scores->items, (scores->count + 1) * sizeof *items);
    if (items == NULL) {
        return error_nomem(error, "scores");
    }
    scores->items = items;
    struct score *sum = &items[scores->count];
    memset(sum, 0, sizeof *sum);
    text_copy(sum->name, sizeof sum->name, "COMBINED");
    for (size_t k = 0; k < scores->count; k++) {
        motscore_add(&sum->counts, &items[k].counts);
    }
    scores->count++;
    return 0;
}

static int score_one(const struct job *job, struct scores *scores, struct error *error)
{
    const char *slash = strrchr(job->res, '/');
    char name[NAME_SIZE];
    text_copy(name, sizeof name, slash != NULL ? slash + 1 : job->res);
    char *dot = strrchr(name, '.');
    if (dot != NULL && dot != name) {
        *dot = '\0';
    }
    return add_sequence(job, scores, name, job->gt, job->res, error);
}

static int score_many(const struct job *job, struct scores *scores, struct error *error)
{
    int rc = job->seqs != NULL ? add_listed(job, scores, error) : add_found(job, scores, error);
    if (rc == 0 && scores->count == 0) {
        rc = error_set(error, ERR_NOT_FOUND, "%s: no SEQUENCE/gt/gt.txt in it", job->gt_dir);
    }
    return rc != 0 ? rc : combine(scores, error);
}

int cli_eval_mot(int argc, char **argv)
{
    struct job job = {0};
    struct scores scores = {0};
    struct error error;
    bool done;
    int code = parse_options(argc, argv, &job, &done);
    if (done) {
        return code;
    }
    int rc = job.gt != NULL ? score_one(&job, &scores, &error) : score_many(&job, &scores, &error);
    if (rc == 0) {
        print_table(&scores);
        rc = job.json != NULL ? write_json(&scores, job.json, &error) : 0;
    }
    free(scores.items);
    return rc == 0 ? cli_finish_output() : cli_fail(&error);
}
