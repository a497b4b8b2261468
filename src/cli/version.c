/* sci version: which program this is, and what it runs with. */
#include <getopt.h>
#include <stdio.h>

#include "base/buffer.h"
#include "base/json_write.h"
#include "cli/cli.h"
#include "cli/libraries.h"

static void print_usage(void)
{
    (void)puts("Usage: sci version [--json]\n\n"
               "Prints the version of this program.\n\n"
               "  --json    one JSON object: version, compiler, machine, libraries\n"
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

static const char *compiler(void)
{
#if defined(__clang__)
    return "clang " __clang_version__;
#else
    return "gcc " __VERSION__;
#endif
}

static int print_json(void)
{
    struct buffer text = {0};
    struct json_writer w = json_writer_on(&text);
    json_object_begin(&w);
    json_put_string(&w, "version", SCI_VERSION);
    json_put_string(&w, "compiler", compiler());
    json_put_string(&w, "machine", machine());
    json_key(&w, "libraries");
    json_object_begin(&w);
    const char *name = NULL;
    char version[LIBRARY_VERSION_SIZE];
    for (size_t i = 0; (name = library_at(i, version)) != NULL; i++) {
        json_put_string(&w, name, version);
    }
    json_object_end(&w);
    json_object_end(&w);
    if (text.failed) {
        buffer_free(&text);
        return cli_failf("version: out of memory");
    }
    (void)puts(text.data);
    buffer_free(&text);
    return cli_finish_output();
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
        return print_json();
    }
    (void)printf("sci %s\n", SCI_VERSION);
    return cli_finish_output();
}
