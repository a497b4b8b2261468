/* sci eval WHAT: scores against labels. This file only finds what is to be scored. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/eval.h"

struct evaluation {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
};

static const struct evaluation evaluations[] = {
    {"count", cli_eval_count, "counts of crowds against marked heads: MAE, RMSE, coverage"},
    {"detect", cli_eval_detect, "person boxes, of a file or made on a clip: average precision, F1"},
    {"mot", cli_eval_mot, "tracks against MOTChallenge ground truth: CLEAR-MOT, IDF1, HOTA"},
};

enum { EVALUATION_COUNT = sizeof evaluations / sizeof evaluations[0] };

static void print_usage(FILE *out)
{
    (void)fputs("Usage: sci eval WHAT [OPTION]...\n\nScores results against labels.\n\n", out);
    for (size_t i = 0; i < EVALUATION_COUNT; i++) {
        (void)fprintf(out, "  %-10s %s\n", evaluations[i].name, evaluations[i].summary);
    }
    (void)fputs("\nExample: sci eval mot --help\n", out);
}

int cli_eval(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_usage(stdout);
        return cli_finish_output();
    }
    for (size_t i = 0; i < EVALUATION_COUNT; i++) {
        if (strcmp(argv[1], evaluations[i].name) == 0) {
            return evaluations[i].run(argc - 1, argv + 1);
        }
    }
    return cli_usage("eval: cannot score '%s' (sci eval --help)", argv[1]);
}
