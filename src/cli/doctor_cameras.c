/* The cameras: each is opened, and has to give a picture. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/doctor.h"
#include "core/observation.h"
#include "service/sources.h"

enum { AT_ONCE = 8 };

struct probe {
    const struct stream_config *stream;
    const struct config *config;
    int64_t deadline_ns; /* monotonic */
    int64_t limit_ns;
    bool started;
    pthread_t thread;
    enum finding_state state;
    char text[400];
};

static int64_t shorter(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void describe(struct probe *probe, const struct source_kind *kind, const struct source *source,
                     int64_t begun_ns)
{
    struct source_info info = {0};
    kind->info(source, &info);
    double size_x = probe->stream->camera.width, size_y = probe->stream->camera.height;
    bool other_shape = probe->stream->camera.kind != CAMERA_NONE && info.width > 0 &&
                       (size_x * info.height > 1.02 * size_y * info.width ||
                        size_x * info.height < 0.98 * size_y * info.width);
    probe->state = other_shape ? FINDING_WARN : FINDING_OK;
    text_format(probe->text, sizeof probe->text, "%s; first picture after %.1f s%s%s",
                info.description != NULL ? info.description : "picture",
                (double)(clock_monotonic_ns() - begun_ns) / (double)NS_PER_S,
                probe->stream->camera.kind == CAMERA_NONE ? "; uncalibrated" : "",
                other_shape ? "; its shape is not that of calibration.size" : "");
}

static int read_first(struct probe *probe, const struct source_kind *kind, struct source *source,
                      struct error *error)
{
    while (clock_monotonic_ns() < probe->deadline_ns) {
        struct observation observation = {0};
        int rc = kind->read(source, &observation, error);
        if (rc != 0) {
            return rc;
        }
        observation_release(&observation);
        return 0;
    }
    return error_set(error, ERR_TIMEOUT, "no picture in time");
}

static void *run_probe(void *user)
{
    struct probe *probe = user;
    const struct config *config = probe->config;
    struct error error = {0};
    struct source *source = NULL;
    int64_t begun = clock_monotonic_ns();
    struct source_options options = {
        .uri = probe->stream->uri,
        .frame_rate = probe->stream->frame_rate,
        .open_timeout_ns = shorter(config->media.open_timeout_ns, probe->limit_ns),
        .read_timeout_ns = shorter(config->media.read_timeout_ns, probe->limit_ns),
        .picture_limit = config->media.picture_limit};
    const struct source_kind *kind = service_source_kind(options.uri, &error);
    probe->deadline_ns = begun + probe->limit_ns;
    int rc = kind == NULL ? error.code : kind->open(&options, &source, &error);
    if (rc == 0) {
        rc = read_first(probe, kind, source, &error);
    }
    if (rc == 0) {
        describe(probe, kind, source, begun);
    } else {
        text_copy(probe->text, sizeof probe->text, error.text);
    }
    if (source != NULL) {
        kind->close(&source);
    }
    return NULL;
}

static void start(struct probe *probe)
{
    probe->state = FINDING_FAIL;
    if (probe->stream->enabled) {
        probe->started = pthread_create(&probe->thread, NULL, run_probe, probe) == 0;
        if (!probe->started) {
            text_copy(probe->text, sizeof probe->text, "no thread to look at it");
        }
    } else {
        probe->state = FINDING_OK;
        text_copy(probe->text, sizeof probe->text, "disabled");
    }
}

static void finish(struct findings *findings, struct probe *probe)
{
    char what[80];
    if (probe->started) {
        (void)pthread_join(probe->thread, NULL);
    }
    text_format(what, sizeof what, "stream %s", probe->stream->stream_id);
    findings_add(findings, probe->state, what, "%s", probe->text);
}

void examine_cameras(struct findings *findings, const struct config *config, int64_t limit_ns)
{
    for (size_t first = 0; first < config->stream_count; first += AT_ONCE) {
        struct probe probes[AT_ONCE] = {0};
        size_t count = config->stream_count - first < AT_ONCE ? config->stream_count - first : AT_ONCE;
        for (size_t i = 0; i < count; i++) {
            probes[i].stream = &config->streams[first + i];
            probes[i].config = config;
            probes[i].limit_ns = limit_ns;
            start(&probes[i]);
        }
        for (size_t i = 0; i < count; i++) {
            finish(findings, &probes[i]);
        }
    }
}
