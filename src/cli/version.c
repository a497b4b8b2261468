/* sci version: which program this is, and what it was built with. */
#include <getopt.h>
#include <stdio.h>

#include "cli/cli.h"

#define COMPILER "gcc-compatible " __VERSION__

static void print_usage(void)
{
    (void)puts("Usage: sci version [--json]\n\n"
               "Prints the version of this program.\n\n"
               "  --json    one JSON object: version, compiler, machine\n"
               "  --help    print this\n\n"
               "Example: sci version --json");
}

static const char *machine(void)
{
#if defined(__x86_64__)
    return "x86_64";
#elif defined(__aarch64__)
    return "aarch64";
#else
    return "other";
#endif
}

int cli_version(int argc, char **argv)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    int json = 0;
    for (int option; (option = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
        switch (option) {
        case 'j':
            json = 1;
            break;
        case 'h':
            print_usage();
            return cli_finish_output();
        default:
            return cli_bad_option("version", option, argv);
        }
    }
    if (optind < argc) {
        return cli_usage("version: unexpected argument '%s' (sci version --help)", argv[optind]);
    }
    if (json) {
        (void)printf("{\"version\":\"%s\",\"compiler\":\"%s\",\"machine\":\"%s\"}\n", SCI_VERSION, COMPILER,
                     machine());
    } else {
        (void)printf("sci %s\n", SCI_VERSION);
    }
    return cli_finish_output();
}
