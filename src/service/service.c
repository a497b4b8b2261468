#include "service/service.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"
#include "pipeline/density_choice.h"
#include "service/internal.h"
#include "service/sources.h"
#include "vision/network.h"

#define WRITER_FLUSH_NS (5 * NS_PER_S)
enum { STILL_QUALITY = 88 };

/* ---- alerts: from the engine to the bus, the disk and the store ---- */

static void on_alert_event(void *user, const struct alert_event *event, struct picture *picture)
{
    struct service *s = user;
    publish_alert(s, event);
    if (picture && event->alert.picture[0])
        stills_put(s->stills, event->alert.picture, picture);
    recording_keep(s, event);
}

static int alert_to_store(void *user, const struct alert_event *event)
{
    struct service *s = user;
    return atomic_load(&s->engine_ready) ? writer_put_alert(s->writer, event) : ERR_FULL;
}

static void on_alert_stored(void *user, const struct alert_event *event)
{
    struct service *s = user;
    pthread_mutex_lock(&s->engine_lock);
    if (s->engine)
        alert_engine_stored(s->engine, event->alert.alert_id, event->version);
    pthread_mutex_unlock(&s->engine_lock);
    publish_alert(s, event);
}

/* ---- starting, from the bottom up ---- */

static int make_folders(const struct config *config, struct error *error)
{
    char folder[4096];
    strncpy(folder, config->store.path, sizeof folder - 1);
    folder[sizeof folder - 1] = '\0';
    char *slash = strrchr(folder, '/');
    if (slash && slash != folder) {
        *slash = '\0';
        int result = file_make_dirs(folder, error);
        if (result < 0)
            return result;
    }
    return file_make_dirs(config->store.spool_dir, error);
}

static int open_store(struct service *s, struct error *error)
{
    int result = make_folders(s->config, error);
    s->store.kind = &store_sqlite;
    return result < 0 ? result : s->store.kind->open(s->config->store.path, &s->store.store, error);
}

static int open_bus(struct service *s, struct error *error)
{
    s->bus.kind = &bus_memory;
    return s->bus.kind->open("", &s->bus.bus, error);
}

static int start_writer(struct service *s, struct error *error)
{
    struct writer_options options = {
        .store = s->store,
        .spool_dir = s->config->store.spool_dir,
        .retention_1s_ns = s->config->store.retention_1s_ns,
        .retention_1min_ns = s->config->store.retention_1min_ns,
        .retention_alerts_ns = s->config->store.retention_alerts_ns,
        .on_alert_stored = on_alert_stored,
        .user = s,
    };
    return writer_start(&options, &s->writer, error);
}

struct open_alerts {
    struct alert *alerts;
    int64_t *versions;
    size_t count, capacity;
};

static int gather_alert(void *user, const struct alert *alert, int64_t version)
{
    struct open_alerts *open = user;
    if (open->count == open->capacity) {
        size_t capacity = open->capacity ? 2 * open->capacity : 16;
        struct alert *alerts = realloc(open->alerts, capacity * sizeof *alerts);
        if (alerts)
            open->alerts = alerts;
        int64_t *versions = realloc(open->versions, capacity * sizeof *versions);
        if (versions)
            open->versions = versions;
        if (!alerts || !versions)
            return ERR_NOMEM;
        open->capacity = capacity;
    }
    open->alerts[open->count] = *alert;
    open->versions[open->count++] = version;
    return 0;
}

static int start_engine(struct service *s, struct error *error)
{
    struct open_alerts open = {0};
    struct alert_query query = {.state = STORE_OPEN, .limit = 10000};
    struct alert_engine_options options = {
        .rules = s->config->alerts.rules,
        .rule_count = s->config->alerts.rule_count,
        .journal_path = s->config->alerts.journal,
        .journal_bytes = s->config->alerts.journal_bytes,
        .silent_after_ns = s->config->media.stall_after_ns,
        .on_event = on_alert_event,
        .to_store = alert_to_store,
        .user = s,
    };
    int result = s->store.kind->read_alerts(s->store.store, &query, gather_alert, &open, error);
    if (result == 0)
        result = alert_engine_start(&options, open.alerts, open.versions, open.count, &s->engine, error);
    free(open.alerts);
    free(open.versions);
    atomic_store(&s->engine_ready, result == 0);
    return result;
}

/* That there is no GPU is worth a warning only where one was asked for. */
static void tell_provider(const struct service *s)
{
    const char *reason, *used = network_provider(s->network, &reason);
    if (reason[0] && s->config->inference.provider != INFER_AUTO)
        log_warning("service", "the network runs on %s, not on %s: %s", used,
                    inference_provider_name(s->config->inference.provider), reason);
    else
        log_info("service", "the network runs on %s%s%s", used, reason[0] ? ": " : "", reason);
}

static int open_network(struct service *s, struct error *error)
{
    struct network_options options = {
        .model_path = s->config->inference.model,
        .family = s->config->inference.family,
        .threads = s->config->inference.threads_per_worker,
        .may_fall_back = true,
        .provider = inference_provider_name(s->config->inference.provider),
    };
    int result = network_open(&options, &s->network, error);
    if (result == 0 && network_degraded(s->network))
        log_warning("service", "%s", network_degraded(s->network));
    if (result == 0)
        tell_provider(s);
    return result;
}

/* It may be missing: then boxes alone count. A file that is there and is none is an error. */
static int open_density(struct service *s, struct error *error)
{
    int result =
        density_choice_open(s->config, s->network, s->config->inference.threads_per_worker,
                            inference_provider_name(s->config->inference.provider), &s->density, error);
    if (result == 0 && density_is_head(s->density))
        log_info("service", "dense crowds are counted by the detector's own head");
    if (result != ERR_NOT_FOUND)
        return result;
    log_warning("service", "%s: counting is by boxes only, dense crowds are under-counted", error->text);
    return 0;
}

static int start_desk(struct service *s, struct error *error)
{
    return image_desk_start(s->config, s->network, s->density, s->encoders, &s->desk, error);
}

static bool find_view(void *user, const struct stream_config *stream, struct health_memory *memory,
                      bool *recent)
{
    struct service *s = user;
    return views_find(s->views, stream, memory, recent);
}

static void keep_view(void *user, const struct stream_config *stream, const struct health_memory *memory)
{
    struct service *s = user;
    views_keep(s->views, stream, memory);
}

/* Beside the database. */
static int make_views(struct service *s, struct error *error)
{
    char folder[1024];
    text_copy(folder, sizeof folder, s->config->store.path);
    char *slash = strrchr(folder, '/');
    text_copy(slash ? slash + 1 : folder, sizeof folder - (slash ? (size_t)(slash + 1 - folder) : 0),
              "views");
    s->views = views_create(folder);
    return s->views ? 0 : error_nomem(error, "views");
}

static int start_manager(struct service *s, struct error *error)
{
    struct snapshot_sink sink = {.put = publish_snapshot, .self = s};
    struct manager_options options = {
        .config = s->config,
        .network = s->network,
        .recorder = s->recorder,
        .density = s->density,
        .sinks = &sink,
        .sink_count = 1,
        .find_source = service_source_kind,
        .on_state = publish_state,
        .find_view = find_view,
        .keep_view = keep_view,
        .user = s,
    };
    return manager_start(&options, &s->manager, error);
}

static int start_stills(struct service *s, struct error *error)
{
    return stills_start(s->config->server.pictures_dir, STILL_QUALITY, s->encoders, &s->stills, error);
}

static int start_figures(struct service *s, struct error *error)
{
    return figures_start(s, &s->figures, error);
}

int service_start(struct config *config, struct service **service, struct error *error)
{
    static int (*const steps[])(struct service *, struct error *) = {
        open_store,   open_bus,   start_stills, recording_start, start_writer,  start_engine, open_network,
        open_density, start_desk, make_views,   start_manager,   streams_start, start_figures};
    *service = NULL;
    int result = secret_init(error);
    if (result < 0)
        return result;
    struct service *s = calloc(1, sizeof *s);
    if (!s)
        return error_nomem(error, "service");
    pthread_mutex_init(&s->engine_lock, NULL);
    pthread_mutex_init(&s->streams_lock, NULL);
    s->config = config_ref(config);
    s->started = clock_now();
    s->latest = latest_create();
    s->encoders = encoders_create();
    s->resolved = resolved_create();
    if (!s->latest || !s->encoders || !s->resolved)
        result = error_nomem(error, "service");
    for (size_t i = 0; result == 0 && i < sizeof steps / sizeof *steps; i++)
        result = steps[i](s, error);
    if (result < 0) {
        service_stop(&s);
        return result;
    }
    *service = s;
    return 0;
}

static void stop_engine(struct service *s)
{
    pthread_mutex_lock(&s->engine_lock);
    struct alert_engine *engine = s->engine;
    s->engine = NULL;
    pthread_mutex_unlock(&s->engine_lock);
    if (engine)
        alert_engine_stop(&engine);
}

void service_stop(struct service **service)
{
    struct service *s = *service;
    *service = NULL;
    if (!s)
        return;
    atomic_store(&s->stopping, true);
    figures_stop(&s->figures);
    manager_stop(&s->manager);
    views_destroy(s->views);
    image_desk_stop(&s->desk);
    density_close(&s->density);
    if (s->network)
        network_close(&s->network);
    stop_engine(s);
    if (s->writer)
        writer_stop(&s->writer, WRITER_FLUSH_NS);
    stills_stop(&s->stills);
    recorder_stop(&s->recorder);
    resolved_destroy(s->resolved);
    latest_destroy(s->latest);
    encoders_destroy(s->encoders);
    if (s->bus.bus)
        s->bus.kind->close(&s->bus.bus);
    if (s->store.store)
        s->store.kind->close(&s->store.store);
    config_unref(&s->config);
    pthread_mutex_destroy(&s->engine_lock);
    pthread_mutex_destroy(&s->streams_lock);
    free(s);
}

struct control service_control(struct service *service)
{
    return (struct control){.ops = &service_control_ops, .self = service};
}

struct store_handle service_store(struct service *service)
{
    return service->store;
}

struct bus_handle service_bus(struct service *service)
{
    return service->bus;
}
