/*
 * control: what others (the API) may ask of the process that owns the cameras, whether it is this process or,
 * later, one that is reached over the bus. A table of functions with a `self`. Every call may come from any
 * thread and answers within 2 s (ERR_TIMEOUT otherwise). Strings and buffers that come back belong to the
 * caller.
 */
#ifndef SCI_SERVICE_CONTROL_H
#define SCI_SERVICE_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "core/alert.h"
#include "core/count_map.h"
#include "core/health.h"
#include "core/stream.h"

/* Gathers what is wrong with a request, field by field. */
typedef void control_field_error(void *user, const char *field, const char *message);

enum { CONTROL_WHY_MAX = 256 };

/* Numbers of one stream for /metrics. */
struct stream_counters {
    char stream_id[65];
    enum stream_state state;
    int64_t entered[STREAM_STATE_COUNT]; /* how often it came into each state */
    int64_t frames_decoded, frames_analyzed, frames_replaced, reconnects, snapshots, refused, skipped;
    int64_t damaged;
    int64_t stamps_missing, stamps_disordered, stamps_jumps;
    bool stamps_believed;
    double late_s;        /* by which the last picture came later than it could have */
    double people;        /* NaN when not valid */
    double picture_age_s; /* NaN before the first */
    unsigned health;      /* bits of enum health_flag */
    double target_fps, analyzed_fps;
    int64_t input_pixels; /* of the network's input; 0 before the first */
    int degradation;      /* 0 none, 1 rate, 2 resolution */
    double latency_sum_s; /* capture to published */
    int64_t latency_count;
    int64_t latency_buckets[12]; /* cumulative, bounds in control_latency_bounds */
    bool recording;
    int64_t recorded_bytes;   /* on disk */
    int64_t recorder_dropped; /* packets */
};
extern const double control_latency_bounds[12];

/* One picture to be counted (POST /analyze/image). */
enum control_map { CONTROL_MAP_NONE, CONTROL_MAP_DATA, CONTROL_MAP_JPEG };
struct control_image {
    const char *bytes; /* a JPEG, PNG, ... file; lent until it is done */
    size_t size;
    enum counting_mode mode;
    enum control_map map;
};
struct control_image_result {
    int code; /* 0, or why there is none: ERR_FORMAT, ERR_UNSUPPORTED, ERR_TIMEOUT, ERR_CANCELED, ... */
    const char *reason; /* when not 0 */
    const struct buffer
        *body; /* JSON (docs/api.md), or the picture with its map as JPEG; lent for the call */
    bool is_jpeg;
    double count, low, high;
    const char *regime;
};
/* Called once, from a thread of the service. */
typedef void control_image_done(void *user, const struct control_image_result *result);

/* How crowds are counted, for /health and /metrics. */
struct counting_figures {
    const char *density_model; /* NULL: not installed, boxes alone count */
    int64_t density_runs;
    double density_s; /* the time that they took, all together */
    int64_t images_analyzed, images_refused;
};

/* The recorder, for /metrics. */
struct recorder_figures {
    bool enabled, recording; /* the disk takes what is to be recorded */
    int64_t bytes;           /* on disk */
    int64_t clips_waiting, clips_made, clips_failed;
};

struct control_ops {
    /* JSON of one stream or of all: {"stream_id", "uri" (redacted), "location", "enabled", "state", "cause",
     * "reason", "retry_in_s", "width", "height", "calibrated", "zones", "lines", "source", "fps",
     * "latency_s", "people", "from_file", ...}. docs/api.md shows an example. */
    int (*streams_json)(void *self, struct json_writer *w, struct error *error); /* writes an array */
    int (*stream_json)(void *self, const char *stream_id, struct json_writer *w,
                       struct error *error); /* ERR_NOT_FOUND */
    /* Adds a camera from the body of POST /streams. ERR_INVALID with fields, ERR_EXISTS. `stream_id` receives
     * its id. */
    int (*stream_add)(void *self, const struct json *body, char stream_id[65], control_field_error *on_field,
                      void *user, struct error *error);
    /* Changes a camera that was added so: the body holds the keys that become different (json_merge).
     * ERR_INVALID with fields, ERR_NOT_FOUND, ERR_CONFLICT (written in the file). */
    int (*stream_change)(void *self, const char *stream_id, const struct json *body,
                         control_field_error *on_field, void *user, struct error *error);
    /* Returns when no further snapshot of it can be published. ERR_NOT_FOUND, ERR_CONFLICT (written in the
     * file). */
    int (*stream_remove)(void *self, const char *stream_id, struct error *error);
    /* The view of the camera as it is now is the right one. ERR_NOT_FOUND. */
    int (*view_accept)(void *self, const char *stream_id, const char *who, struct error *error);
    /* The newest picture as JPEG (as published; `width` 0 = full size). ERR_NOT_FOUND: no such stream;
     * ERR_CONFLICT: no picture yet. seq and capture are those of the snapshot it belongs to. */
    int (*picture)(void *self, const char *stream_id, int width, struct buffer *jpeg, int64_t *seq,
                   int64_t *capture_wall_ns, struct error *error);
    /* Somebody watches: live pictures are encoded and published on picture/<stream_id> for the next 10 s. */
    int (*watch)(void *self, const char *stream_id, struct error *error);

    int (*alert_acknowledge)(void *self, const char *alert_id, const char *who, const char *comment,
                             struct alert_event *result, struct error *error);
    int (*alert_resolve)(void *self, const char *alert_id, const char *who, const char *comment,
                         struct alert_event *result, struct error *error);
    int (*alert_test)(void *self, const char *who, struct alert_event *result, struct error *error);
    /* Why an alert's clip is not there: ERR_CONFLICT (not yet) or ERR_NOT_FOUND; `why` is a sentence. */
    int (*alert_clip)(void *self, const char *alert_id, char why[CONTROL_WHY_MAX]);
    /* The open alerts, and those resolved a moment ago, which the store may not have yet. Caller frees, also
     * after a failure. */
    int (*alerts_open)(void *self, struct alert **alerts, size_t *count, struct error *error);

    /* GET /health: true when the service does its work (cameras may still be lost: that is their state).
     * `why` when not. */
    bool (*healthy)(void *self, char *why, size_t why_size);
    /* The members of GET /status and of system_status (the caller has begun the object): version, uptime_s,
     * started, store, spool, streams by state, alerts by level, cpu, memory, warnings[]. */
    void (*status_json)(void *self, struct json_writer *w);
    /* GET /config: the effective configuration, secrets redacted. */
    int (*config_json)(void *self, struct json_writer *w, struct error *error);
    /* For /metrics. Returns how many there are; fills at most `limit`. */
    size_t (*counters)(void *self, struct stream_counters *counters, size_t limit);
    void (*counting)(void *self, struct counting_figures *figures);
    void (*recorder)(void *self, struct recorder_figures *figures);
    /* Returns at once; `done` comes later, after 12 s at most. ERR_FULL: too many pictures wait already, and
     * `done` does not come. */
    int (*image_analyze)(void *self, const struct control_image *image, control_image_done *done, void *user,
                         struct error *error);
    /* Nobody waits any longer: those under way are finished, the others canceled. */
    void (*image_cancel)(void *self);
};

struct control {
    const struct control_ops *ops;
    void *self;
};

#endif
