/* sci measure: density, speed and flow of recorded trajectories, held to the references of pedestrian
 * research. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json_write.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/measure_run.h"

static const size_t FILE_LIMIT = (size_t)2 << 30;
enum { WKT_LIMIT = 16 << 20, FRAMES_MAX = 100000 };

enum option_id {
    OPT_TRAJ,
    OPT_FPS,
    OPT_UNIT,
    OPT_COLUMNS,
    OPT_WALKABLE,
    OPT_AREA,
    OPT_CUTOFF,
    OPT_OUT,
    OPT_PROFILE,
    OPT_GAUSS,
    OPT_GAUSS_STEP,
    OPT_RENORMALISE,
    OPT_LINE,
    OPT_FRAMES,
    OPT_SPEED_FRAMES,
    OPT_FLOW_FRAMES,
    OPT_PICTURES,
    OPT_JSON,
    OPT_COUNT
};

static const struct option options[] = {
    {"traj", required_argument, NULL, CLI_OPTION + OPT_TRAJ},
    {"fps", required_argument, NULL, CLI_OPTION + OPT_FPS},
    {"unit", required_argument, NULL, CLI_OPTION + OPT_UNIT},
    {"columns", required_argument, NULL, CLI_OPTION + OPT_COLUMNS},
    {"walkable", required_argument, NULL, CLI_OPTION + OPT_WALKABLE},
    {"area", required_argument, NULL, CLI_OPTION + OPT_AREA},
    {"cutoff", required_argument, NULL, CLI_OPTION + OPT_CUTOFF},
    {"out", required_argument, NULL, CLI_OPTION + OPT_OUT},
    {"profile", required_argument, NULL, CLI_OPTION + OPT_PROFILE},
    {"gauss", required_argument, NULL, CLI_OPTION + OPT_GAUSS},
    {"gauss-step", required_argument, NULL, CLI_OPTION + OPT_GAUSS_STEP},
    {"renormalise", required_argument, NULL, CLI_OPTION + OPT_RENORMALISE},
    {"line", required_argument, NULL, CLI_OPTION + OPT_LINE},
    {"frames", required_argument, NULL, CLI_OPTION + OPT_FRAMES},
    {"speed-frames", required_argument, NULL, CLI_OPTION + OPT_SPEED_FRAMES},
    {"flow-frames", required_argument, NULL, CLI_OPTION + OPT_FLOW_FRAMES},
    {"pictures", no_argument, NULL, CLI_OPTION + OPT_PICTURES},
    {"json", no_argument, NULL, CLI_OPTION + OPT_JSON},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static const char help[] =
    "Usage: sci measure --traj FILE --fps F --walkable WKT --area WKT --out DIR [OPTION]...\n\n"
    "Density, speed and flow of recorded trajectories. Writes individual.csv and frames.csv to DIR, and what "
    "else is asked for.\n"
    "Trajectories: CSV with id,frame,x,y; text of the Juelich laboratory, PeTrack, JuPedSim; obsmat of ETH "
    "and UCY.\n\n"
    "  --traj FILE         trajectories\n"
    "  --fps F             frames per second (may be left out when the file says it)\n"
    "  --unit m|cm         of the positions; default: as the file says, else m\n"
    "  --columns NAMES     order of the columns of a file without a header, such as frame,id,x,y\n"
    "  --walkable WKT      where people can be: POLYGON with holes, metres; @FILE reads it from a file\n"
    "  --area WKT          measurement area: POLYGON, metres\n"
    "  --cutoff R          cells end at R metres; default: no cutoff\n"
    "  --out DIR           made when it does not exist\n"
    "  --profile STEP      Voronoi density and speed on a grid of STEP metres: profile.csv\n"
    "  --gauss FWHM        Gaussian density, full width at half maximum in metres: gauss_profile.csv\n"
    "  --gauss-step STEP   its grid; default: that of --profile, else 0.2\n"
    "  --renormalise on|off  Gaussian that integrates to the number of people within the walls; default off\n"
    "  --frames N,...      frames of the two profiles; default: every frame\n"
    "  --line WKT          LINESTRING: crossings.csv, nt.csv, flow.csv\n"
    "  --speed-frames N    speed from N frames before to N frames after; default 5\n"
    "  --flow-frames N     interval of the flow; default 100\n"
    "  --pictures          SVG of cells, profile, crowded places (of --frames, else of the fullest frame), "
    "N-t curve\n"
    "  --json              summary as one JSON object instead of text\n"
    "  --help\n\n"
    "Example: sci measure --traj traj.csv --fps 25 --walkable 'POLYGON ((0 0, 10 0, 10 5, 0 5, 0 0))' \\\n"
    "           --area 'POLYGON ((4 1, 6 1, 6 4, 4 4, 4 1))' --cutoff 0.8 --out results\n";

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
    static const enum option_id needed[] = {OPT_TRAJ, OPT_WALKABLE, OPT_AREA, OPT_OUT};
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        if (!get(a, needed[i])) {
            return cli_usage("measure: --%s is missing (sci measure --help)", options[needed[i]].name);
        }
    }
    return CLI_GO_ON;
}

static int read_number(const struct arguments *a, enum option_id id, double missing, double *value,
                       struct error *error)
{
    const char *text = get(a, id);
    *value = missing;
    if (text && (!text_to_double(text, value) || !(*value > 0))) {
        return error_set(error, ERR_INVALID, "--%s: '%s' is not a number greater than 0", options[id].name,
                         text);
    }
    return 0;
}

static int read_count(const struct arguments *a, enum option_id id, int64_t missing, int64_t *value,
                      struct error *error)
{
    const char *text = get(a, id);
    *value = missing;
    if (text && (!text_to_int64(text, value) || *value < 1 || *value > 1000000)) {
        return error_set(error, ERR_INVALID, "--%s: '%s' is not a whole number from 1 to 1000000",
                         options[id].name, text);
    }
    return 0;
}

/* The text itself, or that of @FILE, in `text`. */
static int read_wkt(const struct arguments *a, enum option_id id, struct buffer *text, struct error *error)
{
    const char *given = get(a, id);
    if (given[0] == '@') {
        return file_read(given + 1, WKT_LIMIT, text, error);
    }
    buffer_append_text(text, given);
    return text->failed ? error_nomem(error, "a shape") : 0;
}

static int read_polygon(const struct arguments *a, enum option_id id, struct wkt_polygon *polygon,
                        struct error *error)
{
    struct buffer text = {0};
    int rc = read_wkt(a, id, &text, error);
    rc = rc ? rc : wkt_parse_polygon(text.data, polygon, error);
    if (rc) {
        error_prefix(error, "--%s", options[id].name);
    }
    buffer_free(&text);
    return rc;
}

static int read_shapes(const struct arguments *a, struct measure_job *job, struct error *error)
{
    struct wkt_polygon polygon = {0};
    int rc = read_polygon(a, OPT_WALKABLE, &polygon, error);
    if (rc == 0 && (rc = walkable_create(&polygon, &job->walkable, error))) {
        error_prefix(error, "--walkable");
    }
    wkt_polygon_free(&polygon);
    polygon = (struct wkt_polygon){0};
    if (rc == 0 && (rc = read_polygon(a, OPT_AREA, &polygon, error)) == 0) {
        rc = polygon.ring_count == 1
                 ? section_create(polygon.points, polygon.point_count, &job->area, error)
                 : error_set(error, ERR_UNSUPPORTED, "--area: a measurement area has no holes");
    }
    job->area_shape = polygon;
    if (rc == 0 && get(a, OPT_LINE)) {
        struct buffer text = {0};
        rc = read_wkt(a, OPT_LINE, &text, error);
        rc = rc ? rc : wkt_parse_line(text.data, &job->line, error);
        buffer_free(&text);
    }
    return rc;
}

static int read_frames(const struct arguments *a, struct measure_job *job, struct error *error)
{
    const char *at = get(a, OPT_FRAMES);
    if (!at) {
        return 0;
    }
    size_t n = 1;
    for (const char *p = at; *p; p++) {
        n += *p == ',';
    }
    job->frames = n <= FRAMES_MAX ? calloc(n, sizeof(*job->frames)) : NULL;
    if (!job->frames) {
        return error_set(error, ERR_INVALID, "--frames: too many frames");
    }
    while (*at) {
        char *end = NULL;
        job->frames[job->frame_count++] = strtoll(at, &end, 10);
        if (end == at || (*end && *end != ',') || (*end == ',' && !end[1])) {
            return error_set(error, ERR_INVALID, "--frames: '%s' is not a list of frame numbers",
                             get(a, OPT_FRAMES));
        }
        at = *end ? end + 1 : end;
    }
    return job->frame_count ? 0 : error_set(error, ERR_INVALID, "--frames: no frame is named");
}

static int read_trajectories(const struct arguments *a, struct measure_job *job, struct error *error)
{
    struct trajectory_options o = {.columns = get(a, OPT_COLUMNS)};
    const char *unit = get(a, OPT_UNIT);
    if (unit) {
        o.unit_m = strcmp(unit, "m") == 0 ? 1 : strcmp(unit, "cm") == 0 ? 0.01 : 0;
        if (!(o.unit_m > 0)) {
            return error_set(error, ERR_INVALID, "--unit: '%s' is neither m nor cm", unit);
        }
    }
    struct buffer bytes = {0};
    int rc = file_read(get(a, OPT_TRAJ), FILE_LIMIT, &bytes, error);
    if (rc == 0 && (rc = trajectories_parse(bytes.data, bytes.size, &o, &job->trajectories, error))) {
        error_prefix(error, "%s", get(a, OPT_TRAJ));
    }
    buffer_free(&bytes);
    if (rc == 0 && !(job->frame_rate > 0)) {
        job->frame_rate = job->trajectories.frame_rate;
        if (!(job->frame_rate > 0)) {
            rc = error_set(error, ERR_INVALID, "--fps is missing, and %s does not say it", get(a, OPT_TRAJ));
        }
    }
    return rc;
}

static int read_switch(const struct arguments *a, enum option_id id, bool *value, struct error *error)
{
    const char *text = get(a, id);
    *value = text && strcmp(text, "on") == 0;
    return !text || *value || strcmp(text, "off") == 0
               ? 0
               : error_set(error, ERR_INVALID, "--%s: '%s' is neither on nor off", options[id].name, text);
}

static int read_options(const struct arguments *a, struct measure_job *job, struct error *error)
{
    int64_t speed_frames = 0;
    int rc = read_number(a, OPT_FPS, 0, &job->frame_rate, error);
    rc = rc ? rc : read_number(a, OPT_CUTOFF, INFINITY, &job->cutoff, error);
    rc = rc ? rc : read_number(a, OPT_PROFILE, 0, &job->profile_step, error);
    rc = rc ? rc : read_number(a, OPT_GAUSS, 0, &job->gauss_fwhm, error);
    rc = rc ? rc
            : read_number(a, OPT_GAUSS_STEP, job->profile_step > 0 ? job->profile_step : 0.2,
                          &job->gauss_step, error);
    rc = rc ? rc : read_count(a, OPT_SPEED_FRAMES, 5, &speed_frames, error);
    rc = rc ? rc : read_count(a, OPT_FLOW_FRAMES, 100, &job->flow_frames, error);
    rc = rc ? rc : read_switch(a, OPT_RENORMALISE, &job->renormalise, error);
    rc = rc ? rc : read_frames(a, job, error);
    job->speed_frames = (int)speed_frames;
    job->out = get(a, OPT_OUT);
    job->pictures = get(a, OPT_PICTURES) != NULL;
    return rc;
}

static void print_json(const struct measure_result *r)
{
    struct buffer out = {0};
    struct json_writer w = json_writer_on(&out);
    json_object_begin(&w);
    json_put_int(&w, "frames", (int64_t)r->frames);
    json_put_int(&w, "rows", (int64_t)r->rows);
    json_put_int(&w, "off_ground", (int64_t)r->persons_off_ground);
    json_put_int(&w, "crossings", (int64_t)r->crossings);
    json_put_number(&w, "voronoi_density_mean", r->density_mean, 9);
    json_put_number(&w, "voronoi_density_max", r->density_max, 9);
    json_put_number(&w, "voronoi_speed_mean", r->speed_mean, 9);
    json_put_number(&w, "profile_ms_per_frame", r->profile_ms_per_frame, 6);
    json_put_number(&w, "gauss_ms_per_frame", r->gauss_ms_per_frame, 6);
    json_put_number(&w, "ms_per_frame", r->ms_per_frame, 6);
    json_object_end(&w);
    if (!out.failed) {
        (void)puts(out.data);
    }
    buffer_free(&out);
}

static void print_text(const struct measure_result *r)
{
    (void)printf("%zu frames, %zu positions\n", r->frames, r->rows);
    (void)printf("Voronoi density in the area: mean %.4g, largest %.4g people/m2\n", r->density_mean,
                 r->density_max);
    if (isfinite(r->profile_ms_per_frame)) {
        (void)printf("profile_ms_per_frame=%.6g\n", r->profile_ms_per_frame);
    }
    if (isfinite(r->gauss_ms_per_frame)) {
        (void)printf("gauss_ms_per_frame=%.6g\n", r->gauss_ms_per_frame);
    }
    (void)printf("ms_per_frame=%.6g\n", r->ms_per_frame);
}

static void warn(const struct measure_result *r)
{
    if (r->persons_off_ground) {
        (void)fprintf(
            stderr,
            "sci: measure: warning: %zu of %zu positions are outside the walkable area and have no cell\n",
            r->persons_off_ground, r->rows);
    }
    if (r->missing_frames) {
        (void)fprintf(stderr, "sci: measure: warning: nobody is in %zu of the frames asked for\n",
                      r->missing_frames);
    }
}

int cli_measure(int argc, char **argv)
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
    struct measure_job job = {0};
    struct measure_result result;
    int exit_code = EXIT_DONE;
    if (read_options(&a, &job, &error) || read_shapes(&a, &job, &error)) {
        exit_code = error.code == ERR_INVALID || error.code == ERR_FORMAT || error.code == ERR_UNSUPPORTED
                        ? cli_usage("measure: %s", error.text)
                        : cli_failf("measure: %s", error.text);
    } else if (read_trajectories(&a, &job, &error) || measure_run(&job, &result, &error)) {
        exit_code = cli_failf("measure: %s", error.text);
    } else {
        warn(&result);
        if (get(&a, OPT_JSON)) {
            print_json(&result);
        } else {
            print_text(&result);
        }
        exit_code = cli_finish_output();
    }
    trajectories_free(&job.trajectories);
    walkable_destroy(&job.walkable);
    section_destroy(&job.area);
    wkt_polygon_free(&job.area_shape);
    wkt_line_free(&job.line);
    free(job.frames);
    return exit_code;
}
