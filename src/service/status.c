/* How the whole system is: GET /status, system_status, GET /health. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "infer/session.h"
#include "pipeline/density_choice.h"
#include "service/internal.h"
#include "vision/network.h"

#define DISK_LOW_BYTES (INT64_C(500) << 20)

int64_t process_resident_bytes(void)
{
    long pages = 0, ignored;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f)
        return -1;
    int n = fscanf(f, "%ld %ld", &ignored, &pages);
    (void)fclose(f);
    return n == 2 ? (int64_t)pages * sysconf(_SC_PAGESIZE) : -1;
}

double process_cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void write_process(struct json_writer *w)
{
    json_key(w, "process");
    json_object_begin(w);
    json_put_int(w, "pid", getpid());
    json_put_number(w, "cpu_s", process_cpu_seconds(), 2);
    json_put_int(w, "resident_bytes", process_resident_bytes());
    json_object_end(w);
}

size_t status_live_streams(struct service *s)
{
    struct stream_status *statuses = calloc(MANAGER_STREAMS_MAX, sizeof *statuses);
    size_t count = statuses ? manager_statuses(s->manager, statuses, MANAGER_STREAMS_MAX) : 0, live = 0;
    for (size_t i = 0; i < count; i++)
        live += statuses[i].state == STREAM_LIVE;
    free(statuses);
    return live;
}

static void append_name(char *list, size_t limit, const char *name)
{
    size_t used = strlen(list);
    text_format(list + used, limit - used, "%s%s", used ? ", " : "", name);
}

static size_t write_streams(struct service *s, struct json_writer *w, size_t limit, char *lost, char *ill,
                            size_t *live)
{
    struct stream_status *statuses = calloc(MANAGER_STREAMS_MAX, sizeof *statuses);
    size_t count = statuses ? manager_statuses(s->manager, statuses, MANAGER_STREAMS_MAX) : 0;
    size_t by_state[STREAM_STATE_COUNT] = {0};
    lost[0] = ill[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        by_state[statuses[i].state]++;
        if (statuses[i].state == STREAM_FAILED || statuses[i].state == STREAM_STALLED) {
            append_name(lost, limit, statuses[i].stream_id);
        } else if (statuses[i].state == STREAM_LIVE && statuses[i].health.flags) {
            char text[ID_SIZE + 64];
            text_format(text, sizeof text, "%s (%s)", statuses[i].stream_id,
                        health_info(health_worst(statuses[i].health.flags))->code);
            append_name(ill, limit, text);
        }
    }
    json_key(w, "streams");
    json_object_begin(w);
    json_put_int(w, "total", (int64_t)count);
    for (int i = 0; i < STREAM_STATE_COUNT; i++)
        json_put_int(w, stream_state_name((enum stream_state)i), (int64_t)by_state[i]);
    json_object_end(w);
    free(statuses);
    *live = by_state[STREAM_LIVE];
    return count;
}

static void write_alerts(struct service *s, struct json_writer *w)
{
    struct alert *alerts = NULL;
    size_t count = 0, by_level[LEVEL_COUNT] = {0}, active = 0, blind = 0;
    if (alert_engine_list(s->engine, &alerts, &count, NULL) < 0)
        count = 0;
    for (size_t i = 0; i < count; i++) {
        by_level[alerts[i].level]++;
        active += alerts[i].state == ALERT_ACTIVE;
        blind += alerts[i].blind;
    }
    free(alerts);
    json_key(w, "alerts");
    json_object_begin(w);
    json_put_int(w, "open", (int64_t)count);
    json_put_int(w, "active", (int64_t)active);
    json_put_int(w, "blind", (int64_t)blind);
    for (int i = LEVEL_LOW; i < LEVEL_COUNT; i++)
        json_put_int(w, alert_level_name((enum alert_level)i), (int64_t)by_level[i]);
    json_object_end(w);
}

static void write_store(struct json_writer *w, const char *kind, const struct writer_state *state,
                        int64_t free_bytes)
{
    json_key(w, "store");
    json_object_begin(w);
    json_put_string(w, "kind", kind);
    json_put_bool(w, "ok", state->store_ok);
    json_put_string(w, "error", state->store_ok ? NULL : state->last_error);
    json_put_int(w, "spooled_bytes", state->spooled_bytes);
    json_put_int(w, "dropped_rows", state->dropped_rows);
    json_put_int(w, "rows_written", state->rows_written);
    json_put_int(w, "disk_free_bytes", free_bytes);
    json_object_end(w);
}

void status_counting(struct service *s, struct counting_figures *figures)
{
    *figures = (struct counting_figures){
        .density_model = s->density != NULL ? density_choice_name(s->config, s->density) : NULL};
    if (s->density != NULL)
        density_figures(s->density, &figures->density_runs, &figures->density_s);
    image_desk_figures(s->desk, &figures->images_analyzed, &figures->images_refused);
}

enum counting_mode status_counts_by(const struct service *service, const struct stream_status *stream)
{
    return service->density != NULL ? stream->counting : COUNTING_BOXES;
}

/* Cameras whose dense crowds are under-counted; others' detections and positions are nobody's boxes. */
static size_t write_by_boxes(struct service *s, struct json_writer *w)
{
    struct stream_status *statuses = calloc(MANAGER_STREAMS_MAX, sizeof *statuses);
    size_t count = statuses ? manager_statuses(s->manager, statuses, MANAGER_STREAMS_MAX) : 0, by_boxes = 0;
    json_key(w, "by_boxes");
    json_array_begin(w);
    for (size_t i = 0; i < count; i++) {
        if (statuses[i].gives == OBSERVATION_PICTURE && status_counts_by(s, &statuses[i]) == COUNTING_BOXES) {
            json_text(w, statuses[i].stream_id);
            by_boxes++;
        }
    }
    json_array_end(w);
    free(statuses);
    return by_boxes;
}

static const char no_model[] =
    "no density model installed: counting is by boxes only, dense crowds are under-counted";
static const char some_boxes[] =
    "cameras in by_boxes are counted by boxes only (counting.mode): their dense crowds are under-counted";

static void write_counting(struct service *s, struct json_writer *w)
{
    struct counting_figures f;
    status_counting(s, &f);
    json_key(w, "counting");
    json_object_begin(w);
    json_put_string(w, "density_model", f.density_model);
    json_put_string(w, "mode", counting_mode_name(s->config->counting.mode));
    size_t by_boxes = write_by_boxes(s, w);
    json_put_string(w, "note", f.density_model == NULL ? no_model : by_boxes > 0 ? some_boxes : NULL);
    json_put_int(w, "density_runs", f.density_runs);
    json_put_number(w, "density_run_s", f.density_runs > 0 ? f.density_s / (double)f.density_runs : NAN, 4);
    json_put_int(w, "images_analyzed", f.images_analyzed);
    json_put_int(w, "images_refused", f.images_refused);
    json_object_end(w);
}

static void warn_of_alerts(struct json_writer *w, struct alert_engine *engine)
{
    struct alert_engine_state state;
    char text[512];
    alert_engine_get_state(engine, &state);
    if (!state.journal_ok) {
        text_format(text, sizeof text, "alerts would not survive a crash: %s", state.last_error);
        json_text(w, text);
    }
    if (state.lost > 0)
        json_text(w, "the store was away for too long: some of the alerts' history was not kept");
}

static void write_load(struct service *s, struct json_writer *w)
{
    struct load_status load;
    manager_load(s->manager, &load);
    json_put_string(w, "degradation", load_level_name(load.level));
    json_key(w, "load");
    json_object_begin(w);
    json_put_number(w, "share", load.share, 3);
    json_put_number(w, "busy", load.busy, 3);
    json_put_int(w, "rung", load.rung);
    json_object_end(w);
}

static void warn_of_overload(struct service *s, struct json_writer *w)
{
    struct load_status load;
    char text[160];
    manager_load(s->manager, &load);
    if (load.level == LOAD_NORMAL)
        return;
    text_format(text, sizeof text, "too much to do: %.0f %% of the pictures asked for are analysed%s",
                100 * load.share, load.level == LOAD_RESOLUTION ? ", at a smaller size" : "");
    json_text(w, text);
}

static void write_warnings(struct service *s, struct json_writer *w, const struct writer_state *state,
                           const char *lost, const char *ill, int64_t free_bytes)
{
    char text[512];
    json_key(w, "warnings");
    json_array_begin(w);
    warn_of_alerts(w, s->engine);
    if (network_degraded(s->network))
        json_text(w, network_degraded(s->network));
    warn_of_overload(s, w);
    if (lost[0]) {
        text_format(text, sizeof text, "cameras without picture: %s", lost);
        json_text(w, text);
    }
    if (ill[0]) {
        text_format(text, sizeof text, "cameras with a fault: %s", ill);
        json_text(w, text);
    }
    recording_write_warning(s, w);
    if (!state->store_ok) {
        text_format(text, sizeof text, "the store fails: %s", state->last_error);
        json_text(w, text);
    }
    if (state->dropped_rows > 0)
        json_text(w, "the disk was full: some history was not kept");
    if (free_bytes >= 0 && free_bytes < DISK_LOW_BYTES) {
        text_format(text, sizeof text, "only %lld MB left on the disk", (long long)(free_bytes >> 20));
        json_text(w, text);
    }
    json_array_end(w);
}

static void write_provider(struct service *s, struct json_writer *w)
{
    const char *reason, *used = network_provider(s->network, &reason);
    json_put_string(w, "inference_provider", used);
    json_put_string(w, "inference_provider_reason", reason[0] ? reason : NULL);
}

void status_write_json(struct service *s, struct json_writer *w)
{
    struct writer_state state;
    struct instant now = clock_now();
    char lost[400], ill[400];
    size_t live;
    writer_get_state(s->writer, &state);
    int64_t free_bytes = file_free_bytes(s->config->store.spool_dir);
    json_put_string(w, "version", SCI_VERSION);
    json_put_string(w, "inference_runtime", session_runtime_version());
    write_provider(s, w);
    json_put_string(w, "detector", network_family(s->network));
    json_put_time(w, "started", s->started.wall_ns);
    json_put_time(w, "timestamp", now.wall_ns);
    json_put_number(w, "uptime_s", (double)(now.mono_ns - s->started.mono_ns) / 1e9, 1);
    write_streams(s, w, sizeof lost, lost, ill, &live);
    write_alerts(s, w);
    write_store(w, s->store.kind->name, &state, free_bytes);
    write_load(s, w);
    recording_write_json(s, w);
    write_process(w);
    write_counting(s, w);
    write_warnings(s, w, &state, lost, ill, free_bytes);
}

bool status_healthy(struct service *s, char *why, size_t why_size)
{
    if (atomic_load(&s->stopping)) {
        text_copy(why, why_size, "the service is stopping");
        return false;
    }
    return true;
}
