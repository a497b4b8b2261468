/* What every subcommand says in the same way. */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>

#include "cli/cli.h"

static void say(const char *format, va_list args)
{
    (void)fputs("sci: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
}

int cli_fail(const struct error *error)
{
    return cli_failf("%s", error->text);
}

int cli_failf(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
    return EXIT_FAILED;
}

int cli_usage(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
    return EXIT_USAGE;
}

int cli_bad_option(const char *command, int getopt_result, char **argv)
{
    const char *given = argv[optind - 1];
    if (getopt_result == ':') {
        return cli_usage("%s: option '%s' needs a value (sci %s --help)", command, given, command);
    }
    if (optopt > 0 && optopt < 256 && given[0] == '-' && given[1] != '-') {
        return cli_usage("%s: unknown option '-%c' (sci %s --help)", command, optopt, command);
    }
    return cli_usage("%s: unknown option '%s' (sci %s --help)", command, given, command);
}

int cli_read_options(int argc, char **argv, const struct option *options, const char **values)
{
    for (int c; (c = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
        if (c == 'h') {
            return CLI_HELP;
        }
        if (c < CLI_OPTION) {
            return cli_bad_option(argv[0], c, argv);
        }
        values[c - CLI_OPTION] = optarg ? optarg : "";
    }
    return optind == argc
               ? CLI_GO_ON
               : cli_usage("%s: '%s' is one word too many (sci %s --help)", argv[0], argv[optind], argv[0]);
}

int cli_finish_output(void)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        return cli_failf("standard output: cannot write");
    }
    return EXIT_DONE;
}
