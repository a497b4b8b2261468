/* sci doctor: whether this machine can do what the configuration asks. */
#include "cli/doctor.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/cli.h"

static void print_usage(void)
{
    (void)puts(
        "Usage: sci doctor [-c FILE] [--timeout TIME] [--no-cameras] [--json]\n\n"
        "Looks at the program, the machine, its decoders and inference providers, the model, the disk, the "
        "port and\n"
        "the cameras, and says of each whether it is as the configuration needs it.\n\n"
        "  -c, --config FILE   the configuration; without it the defaults\n"
        "      --timeout TIME  how long a camera may take to its first picture (4s)\n"
        "      --no-cameras    leaves the cameras alone\n"
        "      --json          one JSON object a finding: what, state (ok, warn, fail), text\n"
        "      --help          print this\n\n"
        "Exit codes: 0 nothing failed, 1 something did, 2 wrong usage.\n\n"
        "Example: sci doctor -c config/sci.yaml");
}

void findings_add(struct findings *findings, enum finding_state state, const char *what, const char *format,
                  ...)
{
    if (findings->count == findings->capacity) {
        size_t capacity = findings->capacity == 0 ? 16 : findings->capacity * 2;
        struct finding *items = realloc(findings->items, capacity * sizeof *items);
        if (items == NULL) {
            findings->lost++;
            return;
        }
        findings->items = items;
        findings->capacity = capacity;
    }
    struct finding *finding = &findings->items[findings->count++];
    finding->state = state;
    text_copy(finding->what, sizeof finding->what, what);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(finding->text, sizeof finding->text, format, args);
    va_end(args);
}

static const char *const state_names[] = {"ok", "warn", "fail"};

static void print_table(const struct findings *findings)
{
    int width = 0;
    size_t counts[3] = {0};
    for (size_t i = 0; i < findings->count; i++) {
        int length = (int)strlen(findings->items[i].what);
        width = length > width ? length : width;
    }
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        counts[finding->state]++;
        (void)printf("%-4s  %-*s  %s\n", state_names[finding->state], width, finding->what, finding->text);
    }
    (void)printf("\n%zu ok, %zu to look at, %zu failed\n", counts[FINDING_OK], counts[FINDING_WARN],
                 counts[FINDING_FAIL]);
}

static int print_json(const struct findings *findings)
{
    struct buffer text = {0};
    for (size_t i = 0; i < findings->count; i++) {
        struct json_writer w = json_writer_on(&text);
        json_object_begin(&w);
        json_put_string(&w, "what", findings->items[i].what);
        json_put_string(&w, "state", state_names[findings->items[i].state]);
        json_put_string(&w, "text", findings->items[i].text);
        json_object_end(&w);
        buffer_append_char(&text, '\n');
    }
    if (text.failed) {
        buffer_free(&text);
        return cli_failf("doctor: out of memory");
    }
    (void)fputs(text.data, stdout);
    buffer_free(&text);
    return EXIT_DONE;
}

static void examine_configuration(struct findings *findings, const char *path, struct config **config)
{
    struct buffer report = {0};
    struct error error = {0};
    if (config_load(path, config, &report, &error) == 0) {
        findings_add(findings, FINDING_OK, "configuration", "%s: %zu streams, %zu alert rules",
                     path != NULL ? path : "the defaults", (*config)->stream_count,
                     (*config)->alerts.rule_count);
    } else if (report.failed || report.size == 0) {
        findings_add(findings, FINDING_FAIL, "configuration", "%s", error.text);
    } else {
        for (const char *line = report.data; *line != '\0';) {
            size_t length = strcspn(line, "\n");
            findings_add(findings, FINDING_FAIL, "configuration", "%.*s", (int)length, line);
            line += length + (line[length] == '\n');
        }
    }
    buffer_free(&report);
}

struct doctor_options {
    const char *path;
    int64_t limit_ns;
    bool cameras, json;
};

static int examine(const struct doctor_options *options)
{
    struct findings findings = {0};
    struct config *config = NULL;
    examine_program(&findings);
    examine_configuration(&findings, options->path, &config);
    if (config != NULL) {
        examine_machine(&findings, config);
        examine_hardware(&findings, config);
        examine_model(&findings, config);
        examine_disk(&findings, config);
        examine_port(&findings, config);
        if (options->cameras) {
            examine_cameras(&findings, config, options->limit_ns);
        }
        config_unref(&config);
    }
    int code = EXIT_DONE;
    for (size_t i = 0; i < findings.count; i++) {
        code = findings.items[i].state == FINDING_FAIL ? EXIT_FAILED : code;
    }
    if (findings.lost > 0) {
        code = cli_failf("doctor: out of memory, %zu findings are missing", findings.lost);
    }
    if (options->json) {
        int printed = print_json(&findings);
        code = printed != EXIT_DONE ? printed : code;
    } else {
        print_table(&findings);
    }
    free(findings.items);
    int finished = cli_finish_output();
    return finished != EXIT_DONE ? finished : code;
}

int cli_doctor(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"timeout", required_argument, NULL, 't'},
        {"no-cameras", no_argument, NULL, 'n'},   {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    struct doctor_options chosen = {.limit_ns = 4 * NS_PER_S, .cameras = true};
    for (int option; (option = getopt_long(argc, argv, ":c:h", options, NULL)) != -1;) {
        switch (option) {
        case 'c':
            chosen.path = optarg;
            break;
        case 't':
            if (!text_to_duration_ns(optarg, &chosen.limit_ns) || chosen.limit_ns < 100 * NS_PER_MS) {
                return cli_usage(
                    "doctor: --timeout: expected a duration such as 4s, at least 100ms, got '%s'", optarg);
            }
            break;
        case 'n':
            chosen.cameras = false;
            break;
        case 'j':
            chosen.json = true;
            break;
        case 'h':
            print_usage();
            return cli_finish_output();
        default:
            return cli_bad_option("doctor", option, argv);
        }
    }
    if (optind < argc) {
        return cli_usage("doctor: unexpected argument '%s' (sci doctor --help)", argv[optind]);
    }
    return examine(&chosen);
}
