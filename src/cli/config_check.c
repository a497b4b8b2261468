/* sci config: check a file, or print what can be in one. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/uri.h"
#include "cli/cli.h"
#include "config/config.h"

static void print_usage(void)
{
    (void)puts("Usage: sci config check [-c FILE] [--json]\n"
               "       sci config keys [--yaml]\n\n"
               "check  Reads the configuration with the environment's overrides, as `sci serve` does, and "
               "prints what is\n"
               "       in force, or everything that is wrong with it as FILE:LINE:COLUMN: KEY: WHAT.\n"
               "keys   Prints every key: as Markdown (docs/configuration.md), or as a file to start from "
               "(config/sci.yaml).\n\n"
               "  -c, --config FILE   the file; without it the defaults are checked\n"
               "      --json          check: the whole configuration in force as JSON, credentials redacted\n"
               "      --yaml          keys: as YAML\n"
               "      --help          print this\n\n"
               "Exit codes: 0 right, 1 wrong or not readable, 2 wrong usage.\n\n"
               "Example: sci config check -c config/sci.yaml");
}

static const char *calibration_words(const struct camera_model *camera, char *out, size_t size)
{
    static const char *const names[] = {[CAMERA_NONE] = "uncalibrated",
                                        [CAMERA_HOMOGRAPHY] = "homography",
                                        [CAMERA_TSAI] = "Tsai",
                                        [CAMERA_PINHOLE] = "pinhole"};
    if (camera->residual_m >= 0 && camera->kind != CAMERA_NONE) {
        (void)snprintf(out, size, "%s, residual %.3f m", names[camera->kind], camera->residual_m);
    } else {
        (void)snprintf(out, size, "%s", names[camera->kind]);
    }
    return out;
}

static void print_stream(const struct stream_config *stream)
{
    char uri[512], calibration[64];
    (void)printf("stream    %s: %s%s\n", stream->stream_id, uri_redact(stream->uri, uri, sizeof uri),
                 stream->enabled ? "" : " (disabled)");
    (void)printf("          %s; %zu zones, %zu lines\n",
                 calibration_words(&stream->camera, calibration, sizeof calibration), stream->zone_count,
                 stream->line_count);
}

static void print_rule(const struct alert_rule *rule)
{
    const struct measure_info *info = measure_info(rule->measure);
    (void)printf("alert     %s: %s of %s%s%s,", rule->id, info->name, rule->stream,
                 rule->zone[0] != '\0' ? "/" : "", rule->zone);
    if (alert_rule_low_is_bad(rule)) {
        (void)printf(" at or below");
    }
    for (int level = LEVEL_LOW; level <= LEVEL_CRITICAL; level++) {
        if (rule->thresholds[level] == rule->thresholds[level]) { /* not NaN */
            (void)printf(" %s %g", alert_level_name((enum alert_level)level), rule->thresholds[level]);
        }
    }
    (void)printf(" %s\n", info->unit);
}

static void print_summary(const struct config *config)
{
    (void)printf("%s: right\n", config->path != NULL ? config->path : "the defaults");
    (void)printf("server    http://%s%s%s:%d\n", strchr(config->server.bind, ':') != NULL ? "[" : "",
                 config->server.bind, strchr(config->server.bind, ':') != NULL ? "]" : "",
                 config->server.port);
    (void)printf("store     %s\n", config->store.path);
    (void)printf("model     %s (%s), %d workers\n", config->inference.model, config->inference.family,
                 config->inference.workers);
    for (size_t i = 0; i < config->stream_count; i++) {
        print_stream(&config->streams[i]);
    }
    for (size_t i = 0; i < config->alerts.rule_count; i++) {
        print_rule(&config->alerts.rules[i]);
    }
}

static int print_json(const struct config *config)
{
    struct buffer text = {0};
    struct json_writer w = json_writer_on(&text);
    config_write_json(&w, config);
    if (text.failed) {
        buffer_free(&text);
        return cli_failf("config: out of memory");
    }
    (void)puts(text.data);
    buffer_free(&text);
    return EXIT_DONE;
}

static int print_problems(const struct buffer *report, const struct error *error)
{
    if (report->failed || report->size == 0) {
        return cli_fail(error);
    }
    for (const char *line = report->data; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        (void)fprintf(stderr, "sci: %.*s\n", (int)length, line);
        line += length + (line[length] == '\n');
    }
    return EXIT_FAILED;
}

static int check(const char *path, int json)
{
    struct config *config = NULL;
    struct buffer report = {0};
    struct error error = {0};
    int code = EXIT_DONE;
    if (config_load(path, &config, &report, &error) != 0) {
        code = print_problems(&report, &error);
    } else if (json) {
        code = print_json(config);
    } else {
        print_summary(config);
    }
    buffer_free(&report);
    if (config != NULL) {
        config_unref(&config);
    }
    return code == EXIT_DONE ? cli_finish_output() : code;
}

static int print_keys(int yaml)
{
    struct buffer text = {0};
    if (yaml) {
        config_write_example(&text);
    } else {
        config_write_documentation(&text);
    }
    if (text.failed) {
        buffer_free(&text);
        return cli_failf("config: out of memory");
    }
    (void)fputs(text.data, stdout);
    buffer_free(&text);
    return cli_finish_output();
}

int cli_config(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"yaml", no_argument, NULL, 'y'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *path = NULL;
    int json = 0, yaml = 0;
    for (int option; (option = getopt_long(argc, argv, ":c:h", options, NULL)) != -1;) {
        switch (option) {
        case 'c':
            path = optarg;
            break;
        case 'j':
            json = 1;
            break;
        case 'y':
            yaml = 1;
            break;
        case 'h':
            print_usage();
            return cli_finish_output();
        default:
            return cli_bad_option("config", option, argv);
        }
    }
    if (optind + 1 != argc) {
        return cli_usage("config: one of check and keys is expected (sci config --help)");
    }
    if (strcmp(argv[optind], "check") == 0) {
        return check(path, json);
    }
    if (strcmp(argv[optind], "keys") == 0) {
        return print_keys(yaml);
    }
    return cli_usage("config: %s: expected check or keys (sci config --help)", argv[optind]);
}
