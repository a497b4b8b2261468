/* sci analyze: a video, a folder of images or one image, offline and deterministic. */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/analyze_output.h"
#include "cli/analyze_video.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "config/config.h"
#include "media/source.h"
#include "pipeline/density_choice.h"
#include "pipeline/offline.h"

static const char usage[] =
    "Usage: sci analyze INPUT [OPTION]...\n\n"
    "Finds, follows and measures the people in a video, a folder of images or one image. Every picture is\n"
    "analysed; the output is the same bytes on repeat and for any number of workers.\n\n"
    "  -c, --config FILE       settings (default: the built-in defaults)\n"
    "      --stream ID         the stream of FILE whose settings count (default: the one whose uri is "
    "INPUT)\n"
    "      --calibration FILE  a camera calibration (PETS XML, or YAML as under `calibration:`)\n"
    "      --fps F             the true frame rate, where the file's header lies\n"
    "      --format FORMAT     jsonl (one object a frame), csv (one line a person), mot (MOTChallenge)\n"
    "      --out FILE          where to write (default: standard output)\n"
    "      --video FILE        an annotated video (.mp4 or .mkv)\n"
    "      --workers N         threads that run the network (default: inference.workers)\n"
    "      --quiet             no progress\n"
    "      --help              print this\n\n"
    "Example: sci analyze var/sample/vtest.avi -c config/demo.yaml --format csv --out people.csv\n"
    "Exit codes: 0 done; 1 failed, or the input was damaged or interrupted (what came before is written); 2 "
    "usage.\n";

struct options {
    const char *input, *config, *stream, *calibration, *out, *video;
    enum analyze_format format;
    double fps;
    int64_t workers;
    bool quiet, help;
};

struct run {
    struct options options;
    struct config *config;
    struct stream_config *stream;
    const struct source_kind *kind;
    struct source *source;
    struct network *network;
    struct density_network *density; /* NULL: not installed, or boxes count */
    struct camera_path *path;
    FILE *out;
    struct analyze_video *video;
    struct progress progress;
};

static atomic_bool interrupted;

static void on_signal(int number)
{
    (void)number;
    atomic_store(&interrupted, true);
}

static int parse_option(struct options *o, int c, char **argv)
{
    switch (c) {
    case 'c':
        o->config = optarg;
        return EXIT_DONE;
    case 's':
        o->stream = optarg;
        return EXIT_DONE;
    case 'k':
        o->calibration = optarg;
        return EXIT_DONE;
    case 'o':
        o->out = optarg;
        return EXIT_DONE;
    case 'v':
        o->video = optarg;
        return EXIT_DONE;
    case 'q':
        o->quiet = true;
        return EXIT_DONE;
    case 'h':
        o->help = true;
        return EXIT_DONE;
    case 'f':
        if (analyze_format_parse(optarg, &o->format) < 0)
            return cli_usage("analyze: --format %s: expected jsonl, csv or mot", optarg);
        return EXIT_DONE;
    case 'r':
        if (!text_to_double(optarg, &o->fps) || o->fps <= 0 || o->fps > 1000)
            return cli_usage("analyze: --fps %s: expected a rate above 0, up to 1000", optarg);
        return EXIT_DONE;
    case 'w':
        if (!text_to_int64(optarg, &o->workers) || o->workers < 1 || o->workers > 64)
            return cli_usage("analyze: --workers %s: expected 1 to 64", optarg);
        return EXIT_DONE;
    default:
        return cli_bad_option("analyze", c, argv);
    }
}

static int parse_options(int argc, char **argv, struct options *o)
{
    static const struct option names[] = {{"config", required_argument, NULL, 'c'},
                                          {"stream", required_argument, NULL, 's'},
                                          {"calibration", required_argument, NULL, 'k'},
                                          {"fps", required_argument, NULL, 'r'},
                                          {"format", required_argument, NULL, 'f'},
                                          {"out", required_argument, NULL, 'o'},
                                          {"video", required_argument, NULL, 'v'},
                                          {"workers", required_argument, NULL, 'w'},
                                          {"quiet", no_argument, NULL, 'q'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    for (int c; (c = getopt_long(argc, argv, ":c:", names, NULL)) != -1;) {
        int result = parse_option(o, c, argv);
        if (result != EXIT_DONE)
            return result;
    }
    if (o->help)
        return EXIT_DONE;
    if (optind >= argc)
        return cli_usage("analyze: which input? (sci analyze --help)");
    if (optind + 1 < argc)
        return cli_usage("analyze: one input at a time, '%s' is too much", argv[optind + 1]);
    o->input = argv[optind];
    return EXIT_DONE;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* --stream, else the stream whose uri is the input (by file name too). NULL: the defaults count. */
static const struct stream_config *find_stream(const struct config *config, const struct options *o)
{
    if (o->stream)
        return config_find_stream(config, o->stream);
    for (size_t i = 0; i < config->stream_count; i++)
        if (strcmp(config->streams[i].uri, o->input) == 0)
            return &config->streams[i];
    for (size_t i = 0; i < config->stream_count; i++)
        if (strcmp(base_name(config->streams[i].uri), base_name(o->input)) == 0)
            return &config->streams[i];
    return NULL;
}

static int load_settings(struct run *run, struct error *error)
{
    const struct options *o = &run->options;
    int result = config_load(o->config, &run->config, NULL, error);
    if (result < 0)
        return result;
    const struct stream_config *found = find_stream(run->config, o);
    if (o->stream && !found)
        return error_set(error, ERR_NOT_FOUND, "--stream %s: there is no such stream in %s", o->stream,
                         o->config ? o->config : "the defaults (give -c)");
    run->stream = found ? stream_config_copy(found) : stream_config_default(run->config, "input", o->input);
    if (!run->stream)
        return error_nomem(error, "settings");
    if (o->fps > 0)
        run->stream->frame_rate = o->fps;
    if (o->calibration)
        result = calibration_load(o->calibration, &run->stream->camera, error);
    return result;
}

static int open_source(struct run *run, int workers, struct error *error)
{
    static const atomic_bool always = true;
    struct source_options options = {
        .uri = run->options.input,
        .vectors = camera_path_may_use_vectors(run->stream) ? &always : NULL,
        .frame_rate = run->stream->frame_rate,
        .open_timeout_ns = run->config->media.open_timeout_ns,
        .read_timeout_ns = run->config->media.read_timeout_ns,
        .picture_limit = (size_t)workers * 2 + 6,
        .cancel = &interrupted,
    };
    run->kind = source_kind_for(run->options.input, error);
    return run->kind ? run->kind->open(&options, &run->source, error) : error->code;
}

static int open_network(struct run *run, struct error *error)
{
    struct network_options options = {
        .model_path = run->config->inference.model,
        .family = run->config->inference.family,
        .threads = run->config->inference.threads_per_worker,
        .may_fall_back = true,
    };
    int result = network_open(&options, &run->network, error);
    if (result == 0 && network_degraded(run->network))
        (void)fprintf(stderr, "sci: warning: %s\n", network_degraded(run->network));
    return result;
}

/* auto without a density model counts boxes, and says so; density does not. */
static int open_density(struct run *run, struct error *error)
{
    if (run->stream->counting.mode == COUNTING_BOXES)
        return 0;
    int result = density_choice_open(run->config, run->network, run->config->inference.threads_per_worker,
                                     NULL, &run->density, error);
    if (result != ERR_NOT_FOUND || run->stream->counting.mode == COUNTING_DENSITY)
        return result;
    if (!run->options.quiet)
        (void)fprintf(stderr, "sci: %s: counting is by boxes only, dense crowds are under-counted\n",
                      error->text);
    return 0;
}

static int open_networks(struct run *run, struct error *error)
{
    int result = open_network(run, error);
    return result < 0 ? result : open_density(run, error);
}

static int open_output(struct run *run, struct error *error)
{
    run->out = run->options.out ? fopen(run->options.out, "we") : stdout;
    if (!run->out)
        return error_set_errno(error, errno, "%s", run->options.out);
    return analyze_write_head(run->out, run->options.format, error);
}

static int deliver(void *user, const struct snapshot *snapshot, struct picture *picture, struct error *error)
{
    struct run *run = user;
    int result = analyze_write_snapshot(run->out, run->options.format, snapshot, error);
    if (result == 0 && run->video && picture)
        result = analyze_video_add(run->video, snapshot, picture, error);
    progress_step(&run->progress);
    return result;
}

static int analyse(struct run *run, struct error *error)
{
    struct source_info info;
    int workers = run->options.workers ? (int)run->options.workers : run->config->inference.workers;
    int result = open_source(run, workers, error);
    if (result < 0)
        return result;
    run->kind->info(run->source, &info);
    if (info.gives == OBSERVATION_PICTURE)
        result = open_networks(run, error);
    else if (run->options.video)
        result = error_set(error, ERR_UNSUPPORTED, "--video: %s has no pictures", run->options.input);
    if (result < 0)
        return result;
    if (run->options.video)
        result =
            analyze_video_open(run->options.video, info.frame_rate, &run->stream->camera, &run->video, error);
    if (result < 0)
        return result;
    result = camera_path_create(run->config, run->stream, info.frame_count == 1 ? PATH_STILL : PATH_VIDEO,
                                &run->path, error);
    if (result == 0)
        result = open_output(run, error);
    if (result < 0)
        return result;
    progress_begin(&run->progress, run->options.quiet, info.frame_count);
    struct offline_options options = {
        .kind = run->kind,
        .source = run->source,
        .network = run->network,
        .density = run->density,
        .path = run->path,
        .workers = workers,
        .cancel = &interrupted,
        .deliver = deliver,
        .user = run,
    };
    result = offline_run(&options, error);
    progress_end(&run->progress);
    return result;
}

/* An error that came before is the one that is told. */
static int close_video(struct run *run, int result, struct error *error)
{
    int closed = analyze_video_close(&run->video, result < 0 ? NULL : error);

    return result < 0 ? result : closed;
}

/* The output counts only once it has arrived on the disk. */
static int close_output(struct run *run, int result, struct error *error)
{
    if (!run->out)
        return result;
    bool failed = fflush(run->out) != 0;
    int code = errno;
    if (run->out != stdout && fclose(run->out) != 0 && !failed) {
        failed = true;
        code = errno;
    }
    if (failed && result == 0)
        return error_set_errno(error, code, "%s", run->options.out ? run->options.out : "standard output");
    return result;
}

static void close_run(struct run *run)
{
    camera_path_destroy(&run->path);
    density_close(&run->density);
    if (run->network)
        network_close(&run->network);
    if (run->source)
        run->kind->close(&run->source);
    stream_config_free(&run->stream);
    config_unref(&run->config);
}

int cli_analyze(int argc, char **argv)
{
    struct run run = {0};
    struct error error = {0};
    int usage_result = parse_options(argc, argv, &run.options);
    if (usage_result != EXIT_DONE)
        return usage_result;
    if (run.options.help) {
        (void)fputs(usage, stdout);
        return cli_finish_output();
    }
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    int result = load_settings(&run, &error);
    if (result == 0)
        result = analyse(&run, &error);
    result = close_video(&run, result, &error);
    result = close_output(&run, result, &error);
    close_run(&run);
    return result < 0 ? cli_fail(&error) : EXIT_DONE;
}
