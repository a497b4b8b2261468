/* sci calibrate: a camera's calibration out of point pairs or of what other tools give, with what it is
 * worth, and as YAML for the configuration. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/json_write.h"
#include "base/text.h"
#include "cli/calibrate_heights.h"
#include "cli/calibrate_input.h"
#include "cli/calibrate_write.h"
#include "cli/cli.h"

static const size_t FILE_LIMIT = (size_t)256 << 20;

enum option_id {
    OPT_PAIRS,
    OPT_FILE,
    OPT_PROJECTION,
    OPT_INTRINSICS,
    OPT_EXTRINSICS,
    OPT_SIZE,
    OPT_HEIGHTS,
    OPT_OUT,
    OPT_JSON,
    OPT_COUNT
};

static const struct option options[] = {
    {"pairs", required_argument, NULL, CLI_OPTION + OPT_PAIRS},
    {"file", required_argument, NULL, CLI_OPTION + OPT_FILE},
    {"projection", required_argument, NULL, CLI_OPTION + OPT_PROJECTION},
    {"intrinsics", required_argument, NULL, CLI_OPTION + OPT_INTRINSICS},
    {"extrinsics", required_argument, NULL, CLI_OPTION + OPT_EXTRINSICS},
    {"size", required_argument, NULL, CLI_OPTION + OPT_SIZE},
    {"heights", required_argument, NULL, CLI_OPTION + OPT_HEIGHTS},
    {"out", required_argument, NULL, CLI_OPTION + OPT_OUT},
    {"json", no_argument, NULL, CLI_OPTION + OPT_JSON},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static const char help[] =
    "Usage: sci calibrate (--pairs LIST | --file FILE | --projection LIST | --intrinsics LIST --extrinsics "
    "LIST)\n"
    "                     --size WIDTHxHEIGHT [OPTION]...\n\n"
    "Where a pixel lies on the ground: works out a camera's calibration, says how good it is, writes it as "
    "YAML.\n"
    "A LIST is numbers with commas, spaces or line ends between them, or @FILE with such numbers; # begins a "
    "comment.\n\n"
    "  --pairs LIST        four numbers a pair, at least four pairs: pixel x, y, and ground X, Y in metres\n"
    "                      (X right, Y up on the plan). With five or more the residual says what is wrong.\n"
    "  --file FILE         Tsai's model in the XML of PETS 2009, or YAML with the keys of `calibration`\n"
    "  --projection LIST   twelve numbers, row by row: 3x4 matrix from metres (z up) to pixels\n"
    "  --intrinsics LIST   fx, fy, cx, cy, and if known k1, k2, p1, p2, k3 (order of OpenCV)\n"
    "  --extrinsics LIST   world to camera: rotation vector and translation (6), or 3x3 rotation, row by "
    "row, and\n"
    "                      translation (12); metres\n"
    "  --size WxH          of the picture that the pixels belong to; --file may say it itself\n"
    "  --heights FILE      scale check: boxes of walking people, as `sci analyze --format csv` (or mot) "
    "writes them\n"
    "  --out FILE          the calibration as YAML: `file:` of a stream's calibration\n"
    "  --json              the report as JSON\n"
    "  --help\n\n"
    "Example: sci calibrate --pairs '102,540,0,0 655,548,6,0 480,300,6,9 230,296,0,9 371,402,3,4' --size "
    "768x576 \\\n"
    "           --heights tracks.csv --out gate.yaml\n";

struct arguments {
    const char *value[OPT_COUNT];
};

static const char *get(const struct arguments *a, enum option_id id)
{
    return a->value[id];
}

/* CLI_GO_ON, CLI_HELP, or the exit code of a wrong usage. */
static int read_arguments(int argc, char **argv, struct arguments *a)
{
    const int result = cli_read_options(argc, argv, options, a->value);
    if (result != CLI_GO_ON) {
        return result;
    }
    const int given = !!get(a, OPT_PAIRS) + !!get(a, OPT_FILE) + !!get(a, OPT_PROJECTION) +
                      (get(a, OPT_INTRINSICS) || get(a, OPT_EXTRINSICS));
    if (given != 1) {
        return cli_usage(
            "calibrate: %s of --pairs, --file, --projection and --intrinsics with --extrinsics has to be "
            "given (sci calibrate --help)",
            given ? "only one" : "one");
    }
    if (!get(a, OPT_INTRINSICS) != !get(a, OPT_EXTRINSICS)) {
        return cli_usage("calibrate: --intrinsics and --extrinsics belong together");
    }
    if (!get(a, OPT_SIZE) && !get(a, OPT_FILE)) {
        return cli_usage("calibrate: --size is missing (sci calibrate --help)");
    }
    return CLI_GO_ON;
}

static int check_heights(const struct arguments *a, struct calibration *c, struct error *error)
{
    struct buffer text = {0};
    int rc = file_read(get(a, OPT_HEIGHTS), FILE_LIMIT, &text, error);
    if (rc == 0 && c->upright.kind == CAMERA_NONE) {
        rc = error_set(error, ERR_INVALID, "--heights: %s", c->no_upright);
    }
    if (rc == 0 &&
        (rc = heights_measure(text.data, text.size, &c->camera, &c->upright, &c->heights, error))) {
        error_prefix(error, "%s", get(a, OPT_HEIGHTS));
    }
    c->heights_known = rc == 0;
    buffer_free(&text);
    return rc;
}

static int run(const struct arguments *a, struct calibration *c, struct error *error)
{
    const struct calibration_input in = {get(a, OPT_PAIRS),      get(a, OPT_FILE),
                                         get(a, OPT_PROJECTION), get(a, OPT_INTRINSICS),
                                         get(a, OPT_EXTRINSICS), get(a, OPT_SIZE)};
    int rc = calibration_read(&in, c, error);
    if (rc == 0 && get(a, OPT_HEIGHTS)) {
        rc = check_heights(a, c, error);
    }
    if (rc == 0 && get(a, OPT_OUT)) {
        struct buffer yaml = {0};
        calibration_write_yaml(&yaml, c);
        rc = yaml.failed ? error_nomem(error, "the calibration")
                         : file_write_atomic(get(a, OPT_OUT), yaml.data, yaml.size, error);
        buffer_free(&yaml);
    }
    return rc;
}

int cli_calibrate(int argc, char **argv)
{
    struct arguments a = {0};
    const int usage = read_arguments(argc, argv, &a);
    if (usage == CLI_HELP) {
        (void)fputs(help, stdout);
        return cli_finish_output();
    }
    if (usage != CLI_GO_ON) {
        return usage;
    }
    struct error error = {0};
    struct calibration c = {0};
    int exit_code;
    if (run(&a, &c, &error)) {
        exit_code = cli_failf("calibrate: %s", error.text);
    } else {
        struct buffer out = {0};
        if (get(&a, OPT_JSON)) {
            calibration_report_json(&out, &c);
        } else {
            calibration_report_text(&out, &c);
        }
        exit_code = out.failed ? cli_failf("calibrate: out of memory") : EXIT_DONE;
        if (!out.failed) {
            (void)fputs(out.data, stdout);
            exit_code = cli_finish_output();
        }
        buffer_free(&out);
    }
    free(c.errors);
    return exit_code;
}
