/* What the files of this folder share. Nobody else includes it. */
#ifndef SCI_SERVICE_INTERNAL_H
#define SCI_SERVICE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "alerting/engine.h"
#include "media/recorder.h"
#include "pipeline/manager.h"
#include "service/encoders.h"
#include "service/evidence.h"
#include "service/figures.h"
#include "service/image_desk.h"
#include "service/latest.h"
#include "service/resolved.h"
#include "service/service.h"
#include "service/stills.h"
#include "service/views.h"
#include "store/writer.h"

struct service {
    struct config *config;
    struct store_handle store;
    struct bus_handle bus;
    struct network *network;
    struct density_network *density; /* NULL: no density model is installed, boxes count */
    struct image_desk *desk;
    struct writer *writer;
    struct alert_engine *engine;
    atomic_bool engine_ready;     /* `engine` is set: the writer may be given alerts */
    pthread_mutex_t streams_lock; /* one camera is added, changed or removed at a time */
    pthread_mutex_t engine_lock;  /* keeps the engine alive while the writer tells it what is stored */
    struct manager *manager;
    struct latest *latest;     /* newest picture and geometry per stream */
    struct resolved *resolved; /* alerts that ended a moment ago */
    struct stills *stills;     /* pictures of alerts on their way to disk */
    struct recorder *recorder; /* NULL: nothing is recorded */
    struct views *views;       /* what cameras' views are recognised by */
    struct encoders *encoders;
    struct figures *figures;
    struct instant started;
    atomic_bool stopping;
};

/* publish.c: the sink that puts snapshots on the bus, and alert events and states likewise */
void publish_snapshot(void *self, const struct snapshot *snapshot, struct picture *picture);
void publish_alert(struct service *service, const struct alert_event *event);
void publish_state(void *self, const char *stream_id, enum stream_state state, enum stream_cause cause,
                   const char *reason);
void publish_removed(struct service *service, const char *stream_id);

/* stream_json.c: a stream as the API shows it */
void stream_write_json(struct service *service, struct json_writer *w, const struct stream_config *stream,
                       const struct stream_status *status);

/* streams.c: cameras from the file and from the store; adding and removing */
int streams_start(struct service *service, struct error *error);
int streams_add(struct service *service, const struct json *body, char stream_id[ID_SIZE],
                control_field_error *on_field, void *user, struct error *error);
int streams_change(struct service *service, const char *stream_id, const struct json *patch,
                   control_field_error *on_field, void *user, struct error *error);
int streams_remove(struct service *service, const char *stream_id, struct error *error);

/* recording.c: the recorder, and what of alerts is on disk */
int recording_start(struct service *service, struct error *error);
void recording_keep(struct service *service, const struct alert_event *event);
/* Why there is no clip: ERR_CONFLICT (not yet) or ERR_NOT_FOUND. */
int recording_clip(struct service *service, const char *alert_id, char why[CONTROL_WHY_MAX]);
void recording_write_json(struct service *service, struct json_writer *w);
void recording_write_warning(struct service *service, struct json_writer *w);
void recording_write_stream(struct service *service, struct json_writer *w,
                            const struct stream_config *stream);
void recording_count(struct service *service, struct stream_counters *counters);
void recording_figures(struct service *service, struct recorder_figures *figures);
void recording_sweep(struct service *service);

/* status.c */
void status_write_json(struct service *service, struct json_writer *w);
size_t status_live_streams(struct service *service);
/* How the camera's people are counted: without a density network by boxes, whatever was asked for. */
enum counting_mode status_counts_by(const struct service *service, const struct stream_status *stream);
double process_cpu_seconds(void);
int64_t process_resident_bytes(void); /* -1: unknown */
void status_counting(struct service *service, struct counting_figures *figures);
bool status_healthy(struct service *service, char *why, size_t why_size);

/* control.c */
extern const struct control_ops service_control_ops;

#endif
