/* sci: live crowd safety for events. This file only finds the subcommand. */
#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
};

static const struct command commands[] = {
    {"analyze", cli_analyze,
     "find, follow and measure the people in a video, a folder of images or one image"},
    {"calibrate", cli_calibrate,
     "where a pixel lies on the ground: from point pairs or other tools, with its error"},
    {"config", cli_config, "check a configuration file, or print every key that can be in one"},
    {"count", cli_count, "count the people in pictures of dense crowds, with an error bar"},
    {"doctor", cli_doctor, "whether machine, model, disk, port and cameras are as the configuration needs"},
    {"eval", cli_eval, "score results against labels"},
    {"serve", cli_serve, "run the service: cameras, alerts, history, API and dashboard"},
    {"token", cli_token, "make, list and revoke API keys"},
    {"track", cli_track, "follow people through detections: MOTChallenge text in and out"},
    {"measure", cli_measure, "density, speed and flow of recorded trajectories"},
    {"version", cli_version, "print the version, and with --json those of the libraries"},
};

enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

static void print_help(FILE *out)
{
    (void)fputs(
        "Usage: sci COMMAND [OPTION]...\n\n"
        "Live crowd safety for events: cameras in; people, density, movement and alerts out.\n\nCommands:\n",
        out);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        (void)fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
    }
    (void)fputs("  help       print this, or with a COMMAND its options\n\n"
                "Example: sci help version\n"
                "Exit codes: 0 done, 1 failed, 2 wrong usage.\n",
                out);
}

static int run_command(const char *name, int argc, char **argv)
{
    const struct command *command = find_command(name);
    if (command == NULL) {
        return cli_usage("%s: no such command (sci help lists them)", name);
    }
    optind = 1;
    opterr = 0;
    return command->run(argc, argv);
}

static int help_command(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stdout);
        return cli_finish_output();
    }
    char help_option[] = "--help";
    char *asked[] = {argv[1], help_option, NULL};
    return run_command(argv[1], 2, asked);
}

int main(int argc, char **argv)
{
    /* Numbers are read and written with a point everywhere, so the locale stays "C" except for the text of
     * messages. */
    (void)setlocale(LC_MESSAGES, "");
    /* A file that may not grow further is an error to be told, not a silent death. */
    (void)signal(SIGXFSZ, SIG_IGN);
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        return help_command(argc - 1, argv + 1);
    }
    if (strcmp(name, "--version") == 0) {
        char version[] = "version";
        char *asked[] = {version, NULL};
        return run_command(version, 1, asked);
    }
    return run_command(name, argc - 1, argv + 1);
}
