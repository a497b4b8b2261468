/* The program, the machine, the model, the disk and the port. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/doctor.h"
#include "cli/libraries.h"
#include "pipeline/density_choice.h"
#include "vision/network.h"

#define MIB (1024.0 * 1024.0)

/* Process, model and one worker, then each further worker, then each camera: what was measured, rounded up.
 */
#define MEMORY_BASE_MIB 160.0
#define MEMORY_WORKER_MIB 40.0
#define MEMORY_CAMERA_MIB 15.0
#define DISK_WARN_MIB 4096.0
#define DISK_FAIL_MIB 256.0
/* 2024-01-01: a machine that believes to be before has lost its clock. */
#define EARLIEST_WALL_NS (INT64_C(1704067200) * NS_PER_S)

void examine_program(struct findings *findings)
{
    findings_add(findings, FINDING_OK, "program", "sci %s", SCI_VERSION);
    struct buffer text = {0};
    const char *name = NULL;
    char version[LIBRARY_VERSION_SIZE];
    for (size_t i = 0; (name = library_at(i, version)) != NULL; i++) {
        buffer_printf(&text, "%s%s %s", i > 0 ? ", " : "", name, version);
    }
    if (!text.failed) {
        findings_add(findings, FINDING_OK, "libraries", "%s", text.data);
    }
    buffer_free(&text);
}

/* MemAvailable of /proc/meminfo in MiB; negative when unknown. */
static double available_memory_mib(void)
{
    struct buffer text = {0};
    double mib = -1;
    if (file_read("/proc/meminfo", 65536, &text, NULL) == 0 && text.data != NULL) {
        const char *line = strstr(text.data, "MemAvailable:");
        if (line != NULL) {
            mib = strtod(line + strlen("MemAvailable:"), NULL) / 1024;
        }
    }
    buffer_free(&text);
    return mib;
}

static void examine_memory(struct findings *findings, const struct config *config)
{
    double needed = MEMORY_BASE_MIB + MEMORY_WORKER_MIB * (config->inference.workers - 1) +
                    MEMORY_CAMERA_MIB * (double)config->stream_count;
    double available = available_memory_mib();
    if (available < 0) {
        findings_add(findings, FINDING_WARN, "memory",
                     "unknown how much is available; about %.0f MiB are needed", needed);
        return;
    }
    enum finding_state state = available < needed       ? FINDING_FAIL
                               : available < 2 * needed ? FINDING_WARN
                                                        : FINDING_OK;
    findings_add(findings, state, "memory", "%.0f MiB available, about %.0f MiB needed", available, needed);
}

static void examine_processor(struct findings *findings, const struct config *config)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int threads = config->inference.workers * config->inference.threads_per_worker;
    const char *vectors = "";
#if defined(__x86_64__)
    __builtin_cpu_init();
    vectors = __builtin_cpu_supports("avx2") ? ", AVX2" : ", no AVX2: the network is slower by a multiple";
    bool slow = !__builtin_cpu_supports("avx2");
#else
    bool slow = false;
#endif
    findings_add(findings, slow || threads > cores ? FINDING_WARN : FINDING_OK, "processor",
                 "%ld cores for %d inference threads%s", cores, threads, vectors);
}

void examine_machine(struct findings *findings, const struct config *config)
{
    examine_processor(findings, config);
    examine_memory(findings, config);
    char now[TIME_TEXT_SIZE];
    int64_t wall = clock_wall_ns();
    findings_add(findings, wall < EARLIEST_WALL_NS ? FINDING_FAIL : FINDING_OK, "clock", "%s",
                 time_format(wall, now));
}

static void examine_density_model(struct findings *findings, const struct config *config,
                                  struct network *detector)
{
    struct density_network *network = NULL;
    struct error error = {0};
    int rc =
        density_choice_open(config, detector, config->inference.threads_per_worker, NULL, &network, &error);
    if (rc == 0)
        findings_add(findings, FINDING_OK, "density model", "%s", density_choice_name(config, network));
    else if (rc == ERR_NOT_FOUND)
        findings_add(findings, FINDING_WARN, "density model",
                     "%s: counting is by boxes only, dense crowds are under-counted", error.text);
    else
        findings_add(findings, FINDING_FAIL, "density model", "%s", error.text);
    density_close(&network);
}

static void examine_provider(struct findings *findings, const struct config *config,
                             const struct network *network)
{
    const char *reason, *used = network_provider(network, &reason);
    bool asked = config->inference.provider == INFER_CUDA || config->inference.provider == INFER_TENSORRT;
    findings_add(findings, reason[0] != '\0' && asked ? FINDING_WARN : FINDING_OK, "provider",
                 "%s runs the network%s%s", used, reason[0] != '\0' ? "; not " : "", reason);
}

void examine_model(struct findings *findings, const struct config *config)
{
    struct network_options options = {.model_path = config->inference.model,
                                      .family = config->inference.family,
                                      .threads = config->inference.threads_per_worker,
                                      .may_fall_back = true,
                                      .provider = inference_provider_name(config->inference.provider)};
    struct network *network = NULL;
    struct error error = {0};
    if (network_open(&options, &network, &error) != 0) {
        findings_add(findings, FINDING_FAIL, "model", "%s", error.text);
    } else {
        if (network_degraded(network) != NULL)
            findings_add(findings, FINDING_WARN, "model", "%s", network_degraded(network));
        else
            findings_add(findings, FINDING_OK, "model", "%s, family %s", config->inference.model,
                         network_family(network));
        examine_provider(findings, config, network);
    }
    if (network != NULL || !density_choice_is_head(config))
        examine_density_model(findings, config, network);
    if (network != NULL)
        network_close(&network);
}

/* The folder itself, or the nearest one above it that exists; what is missing is made by the service. */
static void existing_folder(const char *path, char *out, size_t size)
{
    text_copy(out, size, path);
    while (out[0] != '\0' && !file_exists(out)) {
        char *slash = strrchr(out, '/');
        if (slash == NULL) {
            out[0] = '\0';
        } else {
            slash[slash == out ? 1 : 0] = '\0';
        }
    }
    if (out[0] == '\0') {
        text_copy(out, size, ".");
    }
}

/* Making a file says more than permission bits: a read-only or full disk refuses only that. */
static int try_to_write(const char *folder)
{
    char path[4200];
    text_format(path, sizeof path, "%s/.sci-doctor-XXXXXX", folder);
    int file = mkstemp(path);
    if (file < 0) {
        return errno;
    }
    int failure = write(file, "x", 1) == 1 ? 0 : errno;
    (void)close(file);
    (void)unlink(path);
    return failure;
}

static void examine_folder(struct findings *findings, const char *what, const char *folder)
{
    char existing[4096];
    existing_folder(folder, existing, sizeof existing);
    int failure = try_to_write(existing);
    if (failure != 0) {
        findings_add(findings, FINDING_FAIL, what, "%s: cannot write in %s: %s", folder, existing,
                     strerror(failure));
        return;
    }
    double free_mib = (double)file_free_bytes(existing) / MIB;
    enum finding_state state = free_mib < DISK_FAIL_MIB   ? FINDING_FAIL
                               : free_mib < DISK_WARN_MIB ? FINDING_WARN
                                                          : FINDING_OK;
    findings_add(findings, state, what, "%s: writable, %.1f GiB free", folder, free_mib / 1024);
}

static void examine_folder_of(struct findings *findings, const char *what, const char *file)
{
    char folder[4096];
    text_copy(folder, sizeof folder, file);
    char *slash = strrchr(folder, '/');
    if (slash == NULL) {
        text_copy(folder, sizeof folder, ".");
    } else {
        slash[slash == folder ? 1 : 0] = '\0';
    }
    if (file_exists(file) && access(file, R_OK | W_OK) != 0) {
        findings_add(findings, FINDING_FAIL, what, "%s: %s", file, strerror(errno));
        return;
    }
    examine_folder(findings, what, folder);
}

void examine_disk(struct findings *findings, const struct config *config)
{
    examine_folder_of(findings, "database", config->store.path);
    examine_folder(findings, "spool", config->store.spool_dir);
    examine_folder_of(findings, "alert journal", config->alerts.journal);
    examine_folder(findings, "pictures", config->server.pictures_dir);
}

static int try_to_bind(const char *address, int port)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    bool is_v4 = inet_pton(AF_INET, address, &v4.sin_addr) == 1;
    if (!is_v4 && inet_pton(AF_INET6, address, &v6.sin6_addr) != 1) {
        return EINVAL;
    }
    int listener = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0) {
        return errno;
    }
    int on = 1;
    (void)setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    int rc = is_v4 ? bind(listener, (const struct sockaddr *)(const void *)&v4, sizeof v4)
                   : bind(listener, (const struct sockaddr *)(const void *)&v6, sizeof v6);
    int failure = rc == 0 && listen(listener, 1) == 0 ? 0 : errno;
    (void)close(listener);
    return failure;
}

void examine_port(struct findings *findings, const struct config *config)
{
    int failure = try_to_bind(config->server.bind, config->server.port);
    bool local = text_starts_with(config->server.bind, "127.") || strcmp(config->server.bind, "::1") == 0;
    if (failure == EADDRINUSE) {
        findings_add(findings, FINDING_FAIL, "port",
                     "%d on %s is in use: by this service already, or by something else", config->server.port,
                     config->server.bind);
    } else if (failure != 0) {
        findings_add(findings, FINDING_FAIL, "port", "%d on %s: %s", config->server.port, config->server.bind,
                     strerror(failure));
    } else if (!local) {
        findings_add(findings, FINDING_WARN, "port",
                     "%d on %s is free, and open to the network: put TLS in front", config->server.port,
                     config->server.bind);
    } else {
        findings_add(findings, FINDING_OK, "port", "%d on %s is free", config->server.port,
                     config->server.bind);
    }
}
