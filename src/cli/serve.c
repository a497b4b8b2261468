/* sci serve: the service and, beside it, the API. Signals end it. */
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/server.h"
#include "base/log.h"
#include "cli/cli.h"
#include "config/config.h"
#include "service/service.h"

static const char usage[] = "Usage: sci serve [-c FILE] [--role all]\n\n"
                            "Runs the service: cameras, measures, alerts, history, API and dashboard. SIGINT "
                            "or SIGTERM end it cleanly\n"
                            "(exit 0, at most 10 s); a second signal ends it at once.\n\n"
                            "  -c, --config FILE  the configuration (default: config/sci.yaml if it is "
                            "there, else the built-in defaults)\n"
                            "      --role ROLE    all: cameras and API in one process\n"
                            "      --help         print this\n\n"
                            "Example: sci serve -c config/demo.yaml\n";

struct options {
    const char *config;
    bool help;
};

static int parse_options(int argc, char **argv, struct options *o)
{
    static const struct option names[] = {{"config", required_argument, NULL, 'c'},
                                          {"role", required_argument, NULL, 'r'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    for (int c; (c = getopt_long(argc, argv, ":c:", names, NULL)) != -1;) {
        if (c == 'c')
            o->config = optarg;
        else if (c == 'h')
            o->help = true;
        else if (c == 'r' && strcmp(optarg, "all") != 0)
            return cli_usage("serve: --role %s: this version runs everything in one process: all", optarg);
        else if (c != 'r')
            return cli_bad_option("serve", c, argv);
    }
    if (optind < argc)
        return cli_usage("serve: unexpected argument '%s'", argv[optind]);
    return EXIT_DONE;
}

/* Signals are taken by sigwait in this thread: nothing runs in a handler but the second signal's exit. */
static void block_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void exit_now(int number)
{
    (void)number;
    _exit(EXIT_FAILED);
}

static void exit_at_second_signal(const sigset_t *set)
{
    struct sigaction action = {.sa_handler = exit_now};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    pthread_sigmask(SIG_UNBLOCK, set, NULL);
}

static void say_where(const struct config *config, const struct api_server *server)
{
    log_info("serve", "listening on http://%s:%d/", config->server.bind, api_server_port(server));
    bool loopback = strncmp(config->server.bind, "127.", 4) == 0 || strcmp(config->server.bind, "::1") == 0 ||
                    strcmp(config->server.bind, "localhost") == 0;
    if (!loopback)
        log_warning(
            "serve",
            "bound to %s without TLS: put a TLS proxy in front, keys and pictures travel in the clear",
            config->server.bind);
}

/*
 * Cameras come and go for days, each with a thread and some tens of pictures. Left to itself the C library
 * keeps what they free: it raises the size from which a block is mapped by itself as soon as such a block is
 * freed, and gives every thread an arena, in which blocks of cameras that went lie between those of cameras
 * that stay. Measured: of 32 MB in four arenas 15 were in use after 150 cameras added and removed. Fixed
 * sizes turn the first off; few arenas for small blocks only leave little to the second, and the stream
 * manager gives back what is free (manager_give_memory_back).
 */
static void keep_memory_small(void)
{
    mallopt(M_MMAP_THRESHOLD, 64 * 1024);
    mallopt(M_TRIM_THRESHOLD, 512 * 1024);
    mallopt(M_ARENA_MAX, 2);
}

static int run(struct config *config, struct error *error)
{
    struct service *service = NULL;
    struct api_server *server = NULL;
    sigset_t signals;
    int number;
    block_signals(&signals);
    int result = service_start(config, &service, error);
    if (result < 0)
        return result;
    struct api_server_options options = {
        .config = config,
        .control = service_control(service),
        .store = service_store(service),
        .bus = service_bus(service),
    };
    result = api_server_start(&options, &server, error);
    if (result == 0) {
        say_where(config, server);
        sigwait(&signals, &number);
        log_info("serve", "signal %d: stopping", number);
        exit_at_second_signal(&signals);
        api_server_stop(&server);
    }
    service_stop(&service);
    return result;
}

int cli_serve(int argc, char **argv)
{
    struct options o = {0};
    struct config *config = NULL;
    struct buffer report = {0};
    struct error error;
    int usage_result = parse_options(argc, argv, &o);
    if (usage_result != EXIT_DONE)
        return usage_result;
    if (o.help) {
        (void)fputs(usage, stdout);
        return cli_finish_output();
    }
    if (!o.config && access("config/sci.yaml", R_OK) == 0)
        o.config = "config/sci.yaml";
    if (config_load(o.config, &config, &report, &error) < 0) {
        (void)fprintf(stderr, "sci: the configuration is not valid:\n%s\n",
                      report.size ? report.data : error.text);
        buffer_free(&report);
        return EXIT_FAILED;
    }
    buffer_free(&report);
    log_configure(config->log.level, config->log.format);
    keep_memory_small();
    int result = log_start(&error);
    if (result == 0)
        result = run(config, &error);
    config_unref(&config);
    log_stop();
    return result < 0 ? cli_fail(&error) : EXIT_DONE;
}
