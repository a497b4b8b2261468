/*
 * The stream manager: cameras that come and go, their source threads, and the workers that share one network.
 *
 * Each camera has a thread that reads its source into a one-slot mailbox: a newer picture replaces one that
 * nobody has taken yet, so a slow network drops pictures and never lags. Workers take the camera that is most
 * overdue against its target rate (schedule.h, rate.h), run the network, the camera's path, and hand the
 * snapshot to the sinks. At most one picture per camera is with a worker, so a camera's snapshots are in
 * order.
 *
 * Threads: every function may be called from any thread except from a sink. Sinks are called from worker
 * threads.
 */
#ifndef SCI_PIPELINE_MANAGER_H
#define SCI_PIPELINE_MANAGER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "config/config.h"
#include "core/observation.h"
#include "core/snapshot.h"
#include "core/stream.h"
#include "pipeline/load.h"
#include "vision/density.h"
#include "vision/network.h"

struct manager; /* opaque */
struct health_memory;
struct recorder;

enum { MANAGER_REASON_MAX = 256, LATENCY_BUCKETS = 12, MANAGER_STREAMS_MAX = 256, MANAGER_SINKS_MAX = 8 };

/* Upper bounds of the latency histogram, seconds. */
extern const double manager_latency_bounds[LATENCY_BUCKETS];

struct manager_options {
    struct config *config; /* the manager keeps a reference */
    struct network
        *network; /* lent; closed by the caller after manager_stop. NULL: pictures cannot be analysed */
    struct recorder *recorder;         /* lent; NULL: nothing is recorded */
    struct density_network *density;   /* lent likewise; NULL: boxes count */
    const struct snapshot_sink *sinks; /* copied */
    size_t sink_count;
    /* The kind that opens an address; NULL: that of media/source.h. */
    const struct source_kind *(*find_source)(const char *uri, struct error *error);
    /* A camera changed its state, its cause or its reason. Called from source threads and the watchdog; must
     * not block or call the manager. */
    void (*on_state)(void *user, const char *stream_id, enum stream_state state, enum stream_cause cause,
                     const char *reason);
    /* What cameras' views are recognised by, over restarts: NULL, or both. `find_view` is asked when a camera
     * is added (false: nothing is known of it; `recent`: view_watch_recall), `keep_view` is told from worker
     * threads and must not block. */
    bool (*find_view)(void *user, const struct stream_config *stream, struct health_memory *memory,
                      bool *recent);
    void (*keep_view)(void *user, const struct stream_config *stream, const struct health_memory *memory);
    void *user;
};

struct stream_status {
    char stream_id[ID_SIZE];
    char epoch[EPOCH_SIZE];
    enum stream_state state;
    enum stream_cause cause;
    char reason[MANAGER_REASON_MAX];     /* empty when there is none */
    double retry_in_s;                   /* of a failed one; 0 while it tries; else NaN */
    char source[128];                    /* "H.264 1280x720, RTSP over TCP"; empty when not open */
    int width, height;                   /* 0 until known */
    double picture_age_s;                /* NaN before the first picture */
    double analyzed_fps;                 /* over the last seconds */
    int64_t seq;                         /* of the newest snapshot */
    int64_t entered[STREAM_STATE_COUNT]; /* how often it came into each state */
    double late_s;                       /* by which the last picture came later than it could have */
    struct source_faults faults;         /* of the time stamps, since it was added */

    double target_fps;             /* what is aimed at now */
    int input_width, input_height; /* of the network, for the newest picture; 0 x 0 before it */
    enum load_level degradation;   /* what has given way to overload for this camera */
    enum counting_mode counting;   /* as configured */

    int64_t frames_decoded, frames_analyzed, frames_replaced, reconnects;
    enum observation_kind gives;
    int64_t refused, skipped;      /* by sources without pictures: what did not fit, what was too old */
    char note[MANAGER_REASON_MAX]; /* what the source said last, for a minute; empty when there is nothing */
    struct measure people;         /* of the newest snapshot */
    struct health health;          /* likewise */
    double latency_s;              /* of the newest snapshot, capture to published; NaN before */
    double latency_sum_s;
    int64_t latency_buckets[LATENCY_BUCKETS]; /* cumulative */
};

int manager_start(const struct manager_options *options, struct manager **manager, struct error *error);
/* Joins sources, then workers. */
void manager_stop(struct manager **manager);

/* Adds a camera (the manager copies `stream`). ERR_EXISTS, ERR_FULL. Whether it can be reached is its state.
 */
int manager_add(struct manager *manager, const struct stream_config *stream, struct error *error);
/* When it returns no further snapshot of the camera reaches a sink. ERR_NOT_FOUND. */
int manager_remove(struct manager *manager, const char *stream_id, struct error *error);

/* A copy of the camera's configuration: stream_config_free. NULL when there is no such camera, or no memory.
 */
struct stream_config *manager_stream_config(struct manager *manager, const char *stream_id);
/* The view of the camera as it is now is the right one (it was moved on purpose, and calibrated anew).
 * ERR_NOT_FOUND. */
int manager_accept_view(struct manager *manager, const char *stream_id);
/* ERR_NOT_FOUND */
int manager_status(struct manager *manager, const char *stream_id, struct stream_status *status);
/* Fills at most `limit`, ordered by stream_id; returns how many there are. */
size_t manager_statuses(struct manager *manager, struct stream_status *statuses, size_t limit);

/* What has given way to overload, as of the last second (load.h). */
struct load_status {
    enum load_level level;
    int rung;     /* of the ladder of input sizes; 0 = full size */
    double share; /* of the pictures that should have been analysed, 0-1 */
    double busy;  /* of the workers' time, 0-1 */
};
void manager_load(struct manager *manager, struct load_status *status);

#endif
