/*
 * The configuration: one YAML file, every key described in one table (type, unit, range, default, text, what
 * a change restarts), from which come the validation, `sci config check`, docs/configuration.md, and the
 * difference of two configurations.
 *
 * A `struct config` is immutable once loaded and reference-counted. Strings and arrays belong to it.
 * Environment variables override scalars: SCI_ and the path in capitals, SCI_SERVER__PORT for server.port.
 * Relative paths are relative to the working directory of the process.
 */
#ifndef SCI_CONFIG_CONFIG_H
#define SCI_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/log.h"
#include "core/alert.h"
#include "core/count_map.h"
#include "core/zone.h"
#include "geo/camera.h"

/* What has to start again for a changed key to be in force. */
enum config_restarts { RESTARTS_NOTHING, RESTARTS_CAMERA, RESTARTS_PROCESS };

struct detection_config { /* `detection:`, and per stream, where a key that is left out takes the global value
                           */
    double confidence;    /* least score published as a detection for the tracker's first stage, 0-1 */
    double confidence_low; /* least score given to the tracker's second stage, 0-1 */
    double nms_iou;        /* 0-1 */
    double min_height_px;  /* boxes lower than that are ignored, pixels of the displayed picture */
    double min_width_px;
    int input_width, input_height; /* network input, multiples of 32; 0 x 0 = chosen by the picture's shape */
    size_t region_count; /* region of interest: feet outside it are ignored; 0 = everywhere. 0-1 of the
                            picture */
    struct point region[ZONE_CORNERS_MAX];
    size_t mask_count; /* polygons blacked out before the network sees them */
    struct mask_polygon {
        size_t corner_count;
        struct point corners[ZONE_CORNERS_MAX];
    } * masks;
};

struct tracking_config { /* `tracking:` */
    double new_score;    /* least score of a new track */
    int64_t coast_ns;    /* a lost person is published for so long; 0.6 s */
    int64_t lost_ns;     /* a lost track can be found again for so long */
    int confirm_hits;    /* detections before a track is published */
    double iou_gate;     /* least overlap of a match, 0-1 */
};

struct density_config { /* `density:` */
    double cell_m;      /* side of a grid cell */
    double sigma_m;     /* of the kernel, metres */
};

struct counting_config { /* `counting:`, and per stream likewise */
    enum counting_mode mode;
    int64_t interval_ns;      /* least stream time between two runs of the density network */
    int64_t idle_interval_ns; /* likewise while it adds nothing */
    int long_side;            /* of its input, pixels; 0 = by the picture's size */
    bool perspective;         /* a calibrated camera's picture is scaled so that people have a learned size */
};

enum inference_provider { INFER_AUTO, INFER_CPU, INFER_CUDA, INFER_TENSORRT };
const char *inference_provider_name(enum inference_provider provider); /* as it is written */

enum motion_when { MOTION_DENSE, MOTION_ALWAYS, MOTION_NEVER };

enum motion_source { MOTION_AUTO, MOTION_FLOW, MOTION_VECTORS };

struct motion_config { /* `streams[].motion:` */
    enum motion_when when;
    enum motion_source source;
};

enum media_decoder { DECODE_CPU, DECODE_AUTO, DECODE_CUDA, DECODE_VAAPI };
const char *media_decoder_name(enum media_decoder decoder); /* as it is written */

enum loop_filter { LOOP_FILTER_ALL, LOOP_FILTER_REFERENCED, LOOP_FILTER_NONE };
const char *loop_filter_name(enum loop_filter filter); /* as it is written */

struct health_config {      /* `health:`, and per stream, as detection */
    bool watch_view;        /* whether a moved or covered view is looked for */
    double moved_percent;   /* of the picture's width: the view has moved */
    double covered_percent; /* of the view */
    double blurred_percent; /* of its sharpness that a picture has lost */
    int dark_level;         /* of 255 */
    double least_rate;      /* analysed pictures per second that following people needs */
    int64_t late_after_ns;  /* growth of the delay */
};

struct stream_config {
    char stream_id[ID_SIZE];
    char *uri;
    char *location; /* "" if not stated */
    bool enabled;
    bool loop;                  /* files */
    bool paced;                 /* files */
    bool record;                /* by the recorder, where that is enabled */
    double target_fps;          /* analysed pictures per second; 0 = as many as the camera gives, up to
                                   inference.max_fps */
    double quiet_fps;           /* the same while nothing goes on; 0 = always target_fps */
    double frame_rate;          /* 0 = believe the header */
    struct camera_model camera; /* CAMERA_NONE = uncalibrated; prepared */
    struct detection_config detection;
    struct counting_config counting;
    struct motion_config motion;
    struct health_config health;
    size_t zone_count;
    struct zone *zones;
    size_t line_count;
    struct line *lines;
    bool from_file; /* written in the YAML file: read-only over the API */
};

/* inference.density_model: no file, but the head in the detector's. */
#define DENSITY_MODEL_DETECTOR "detector"

struct config {
    struct {
        char *bind;
        int port;
        int threads;
        size_t max_body_bytes;
        size_t max_picture_bytes;
        size_t max_clients;
        size_t client_queue;
        double rate_limit; /* requests per second of one key, four times as many at once; 0 = no limit */
        char *pictures_dir;
    } server;
    struct {
        char *path;
        int64_t retention_1s_ns, retention_1min_ns, retention_alerts_ns;
        char *spool_dir;
    } store;
    struct {
        char *model;
        char *density_model; /* a file, or DENSITY_MODEL_DETECTOR */
        size_t density_ensemble_count;
        char **density_ensemble;
        char *family;
        int workers;
        int threads_per_worker;
        enum inference_provider provider;
        double max_fps, min_fps;
        double density_share; /* of the workers' time, that the density network may take */
    } inference;
    struct {
        size_t allowed_count;
        char **allowed_dirs;
        int64_t open_timeout_ns, read_timeout_ns;
        int64_t stall_after_ns;
        enum media_decoder decoder;
        enum loop_filter loop_filter;
        size_t picture_limit;
        int live_picture_width;
        int live_picture_quality;
    } media;
    struct {
        bool enabled;
        char *path;
        int64_t keep_ns;
        size_t max_bytes, max_stream_bytes; /* of the ring; 0 = no limit */
        size_t min_free_bytes;              /* of the disk, for others */
        int64_t segment_ns;
        size_t queue_bytes; /* of one camera, in memory */
        int64_t clip_before_ns, clip_after_ns;
    } recorder;
    struct detection_config detection;
    struct counting_config counting;
    struct health_config health;
    struct tracking_config tracking;
    struct density_config density;
    /* rules: those of the file and, unless `defaults` is off, the built-in ones (one per kind of zone, and
     * the lost camera) */
    struct {
        bool defaults;
        size_t rule_count;
        struct alert_rule *rules;
        char *journal;
        size_t journal_bytes;
    } alerts;
    struct {
        enum log_level level;
        enum log_format format;
    } log;
    size_t stream_count;
    struct stream_config *streams;
    char *path; /* of the file, or NULL for the defaults */
};

/* NULL path: the defaults alone. Errors read "config/sci.yaml:12:7: streams[0].target_fps: expected a number,
 * got 'fast'". At most 20 errors are gathered, one a line, in `report` (may be NULL); `error` has the first.
 */
int config_load(const char *path, struct config **config, struct buffer *report, struct error *error);
int config_load_text(const char *text, size_t size, const char *name, struct config **config,
                     struct buffer *report, struct error *error);
struct config *config_ref(struct config *config);
void config_unref(struct config **config);

const struct stream_config *config_find_stream(const struct config *config, const char *stream_id);

/* A stream as the API takes it (`POST /streams`): the same keys as in the file, on top of the configuration's
 * defaults. The result belongs to the caller: stream_config_free. Each wrong field is reported through
 * `on_field` (may be NULL). */
int stream_config_from_json(const struct config *config, const struct json *object,
                            struct stream_config **stream,
                            void (*on_field)(void *user, const char *field, const char *message), void *user,
                            struct error *error);
/* A stream with the configuration's defaults and nothing else, for an input that no stream is written for
 * (sci analyze): unpaced, not looped, enabled, uncalibrated. NULL without memory. */
struct stream_config *stream_config_default(const struct config *config, const char *stream_id,
                                            const char *uri);
/* A camera's calibration from a file: XML as published with PETS, or YAML with what stands under
 * `calibration:`. Prepared. */
int calibration_load(const char *path, struct camera_model *camera, struct error *error);
struct stream_config *stream_config_copy(const struct stream_config *stream); /* NULL without memory */
void stream_config_free(struct stream_config **stream);

/* The stream as JSON (credentials in the URI redacted unless `with_secrets`, as the store needs it). Reads
 * back. */
void stream_config_write_json(struct json_writer *w, const struct stream_config *stream, bool with_secrets);
/* The whole effective configuration, secrets redacted, for GET /config. */
void config_write_json(struct json_writer *w, const struct config *config);
/* Markdown of the key table, for docs/configuration.md. */
void config_write_documentation(struct buffer *out);
/* One changed key: "streams[gate_a].target_fps", the stream it belongs to (NULL = none, or every one), and
 * what has to start again. Items of lists are compared by their id; one that came or went is one change. */
typedef void config_on_change(void *user, const char *path, const char *stream_id,
                              enum config_restarts restarts);
/* Returns how many keys differ. */
size_t config_diff(const struct config *from, const struct config *to, config_on_change *on_change,
                   void *user);

/* A YAML file with every key of the sections commented out at its default: config/sci.yaml. Valid as it
 * stands. */
void config_write_example(struct buffer *out);

#endif
