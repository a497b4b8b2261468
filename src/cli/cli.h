/*
 * The program's subcommands, one file each. argv[0] is the subcommand's name, options follow (getopt_long;
 * optind is 1). Each returns the exit code: 0 done, 1 failed, 2 wrong usage. Results go to standard output,
 * errors to standard error as "sci: what: why". `--help` prints the usage with an example and returns 0.
 *
 * A new subcommand: its file in src/cli/meson.build, its declaration here, its line in the table of main.c.
 */
#ifndef SCI_CLI_CLI_H
#define SCI_CLI_CLI_H

#include <getopt.h>
#include <stddef.h>

#include "base/error.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* Print "sci: ..." on standard error and return EXIT_FAILED or EXIT_USAGE, so that `return cli_fail(...)`
 * reads well. */
int cli_fail(const struct error *error);
int cli_failf(const char *format, ...) __attribute__((format(printf, 1, 2)));
int cli_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* For '?' of getopt_long with `opterr` 0 and an option string that starts with ':': says which option, and
 * what to try. */
int cli_bad_option(const char *command, int getopt_result, char **argv);
/*
 * Reads a command line that has options alone, and no positional argument. Each option's `val` is
 * CLI_OPTION + its index into `values`, which gets its text (borrowed from argv; "" for one without an
 * argument) and stays as it is for options that are not given; {"help", no_argument, NULL, 'h'} is understood
 * too. CLI_GO_ON, CLI_HELP, or the exit code of a wrong usage, which has been said.
 */
enum { CLI_OPTION = 256, CLI_GO_ON = -1, CLI_HELP = -2 };
int cli_read_options(int argc, char **argv, const struct option *options, const char **values);
/* Flushes standard output: EXIT_DONE, or EXIT_FAILED with a message when what was written did not arrive
 * (disk full). */
int cli_finish_output(void);

int cli_calibrate(int argc, char **argv);
int cli_count(int argc, char **argv);
int cli_config(int argc, char **argv);
int cli_doctor(int argc, char **argv);
int cli_analyze(int argc, char **argv);
int cli_eval(int argc, char **argv);
int cli_track(int argc, char **argv);
int cli_measure(int argc, char **argv);
int cli_serve(int argc, char **argv);
int cli_token(int argc, char **argv);
int cli_version(int argc, char **argv);

#endif
