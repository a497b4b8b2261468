/*
 * The key table: everything there is to say about every key, once. Here are the keys of the service as a
 * whole; keys_camera.c has those of a stream, keys_alerts.c those of rules. Order: `streams` and `alerts`
 * last, because they build on what comes before them (a stream's detection on the global one, a rule on the
 * streams' zones).
 *
 * After a change here: scripts/config_documents.sh writes config/sci.yaml and the tables of
 * docs/configuration.md anew; a test holds them equal.
 */
#include "config/keys.h"
#include <math.h>

#include "config/check.h"

static const char *const level_choices[] = {"debug", "info", "warning", "error", NULL};
static const char *const counting_choices[] = {"auto", "boxes", "density", NULL};
static const char *const decoder_choices[] = {"cpu", "auto", "cuda", "vaapi", NULL};
static const char *const loop_filter_choices[] = {"all", "referenced", "none", NULL};
static const char *const provider_choices[] = {"auto", "cpu", "cuda", "tensorrt", NULL};
static const char *const format_choices[] = {"text", "json", NULL};

static const struct config_key server_keys[] = {
    {.name = "bind",
     .type = KEY_TEXT,
     .offset = IN(server, bind),
     .fallback = "127.0.0.1",
     .restarts = RESTARTS_PROCESS,
     .text = "IP address to listen on. Anything but this machine's own (127.0.0.1, ::1) needs TLS in front."},
    {.name = "port",
     .type = KEY_INT,
     .offset = IN(server, port),
     .fallback = "8000",
     .least = 0,
     .most = 65535,
     .restarts = RESTARTS_PROCESS,
     .text = "TCP port; 0 lets the system choose one."},
    {.name = "threads",
     .type = KEY_INT,
     .offset = IN(server, threads),
     .fallback = "4",
     .least = 1,
     .most = 64,
     .restarts = RESTARTS_PROCESS,
     .text = "Threads that answer HTTP requests."},
    {.name = "max_body",
     .type = KEY_BYTES,
     .offset = IN(server, max_body_bytes),
     .fallback = "1MiB",
     .least = 1024,
     .most = 1073741824,
     .unit = "bytes",
     .restarts = RESTARTS_PROCESS,
     .text = "Largest body of a request; a larger one is answered with 413."},
    {.name = "max_picture",
     .type = KEY_BYTES,
     .offset = IN(server, max_picture_bytes),
     .fallback = "16MiB",
     .least = 1024,
     .most = 268435456,
     .unit = "bytes",
     .restarts = RESTARTS_PROCESS,
     .text = "Likewise for POST /analyze/image, whose body is a picture."},
    {.name = "max_clients",
     .type = KEY_COUNT,
     .offset = IN(server, max_clients),
     .fallback = "256",
     .least = 1,
     .most = 10000,
     .restarts = RESTARTS_PROCESS,
     .text = "Most WebSocket clients at once; one more is answered with 503."},
    {.name = "client_queue",
     .type = KEY_COUNT,
     .offset = IN(server, client_queue),
     .fallback = "256",
     .least = 8,
     .most = 65536,
     .unit = "messages",
     .restarts = RESTARTS_PROCESS,
     .text =
         "Messages that wait for one slow WebSocket client before measurements are dropped, oldest first."},
    {.name = "rate_limit",
     .type = KEY_NUMBER,
     .offset = IN(server, rate_limit),
     .fallback = "100",
     .least = 0,
     .most = 1000000,
     .unit = "requests/s",
     .restarts = RESTARTS_PROCESS,
     .text = "Requests per second of one key, four times as many at once; more are answered with 429. 0: no "
             "limit."},
    {.name = "pictures_dir",
     .type = KEY_TEXT,
     .offset = IN(server, pictures_dir),
     .fallback = "var/pictures",
     .restarts = RESTARTS_PROCESS,
     .text = "Folder of the stills of raised alerts."},
};
static NEW_SECTION(section_server, "HTTP server", PART(server), server_keys, .check = check_server);

static const struct config_key store_keys[] = {
    {.name = "path",
     .type = KEY_TEXT,
     .offset = IN(store, path),
     .fallback = "var/sci.db",
     .restarts = RESTARTS_PROCESS,
     .text = "File of the SQLite database."},
    {.name = "spool_dir",
     .type = KEY_TEXT,
     .offset = IN(store, spool_dir),
     .fallback = "var/spool",
     .restarts = RESTARTS_PROCESS,
     .text = "Folder for records that wait while the database fails or lags."},
    {.name = "retention_1s",
     .type = KEY_DURATION,
     .offset = IN(store, retention_1s_ns),
     .fallback = "7d",
     .least = 0,
     .most = INFINITY,
     .unit = "s",
     .restarts = RESTARTS_PROCESS,
     .text = "Age at which rows of one second are deleted; 0 keeps them for ever."},
    {.name = "retention_1min",
     .type = KEY_DURATION,
     .offset = IN(store, retention_1min_ns),
     .fallback = "90d",
     .least = 0,
     .most = INFINITY,
     .unit = "s",
     .restarts = RESTARTS_PROCESS,
     .text = "The same for rows of one minute."},
    {.name = "retention_alerts",
     .type = KEY_DURATION,
     .offset = IN(store, retention_alerts_ns),
     .fallback = "365d",
     .least = 0,
     .most = INFINITY,
     .unit = "s",
     .restarts = RESTARTS_PROCESS,
     .text = "The same for resolved alerts, from the day they were resolved."},
};
static NEW_SECTION(section_store, "Database", PART(store), store_keys);

const char *inference_provider_name(enum inference_provider provider)
{
    return provider_choices[provider];
}

static const struct config_key inference_keys[] = {
    {.name = "model",
     .type = KEY_TEXT,
     .offset = IN(inference, model),
     .fallback = "var/models/nanodet_g_int8.onnx",
     .restarts = RESTARTS_PROCESS,
     .text =
         "File of the detector (ONNX), or hog: the built-in one, which also stands in when the file is not "
         "there and the family is auto."},
    {.name = "density_share",
     .type = KEY_NUMBER,
     .offset = IN(inference, density_share),
     .fallback = "0.3",
     .least = 0,
     .most = 1,
     .restarts = RESTARTS_PROCESS,
     .text =
         "Most of the workers' time that the density network may take in live use; cameras whose turn it is "
         "wait for each other. What is left is the detector's."},
    {.name = "density_ensemble",
     .type = KEY_TEXTS,
     .offset = IN(inference, density_ensemble),
     .count_offset = IN(inference, density_ensemble_count),
     .size = 3,
     .fallback = "",
     .restarts = RESTARTS_PROCESS,
     .text = "Further density models that count together with density_model: the count is their mean, and "
             "where they differ its interval is wider. Each costs as much again."},
    {.name = "density_model",
     .type = KEY_TEXT,
     .offset = IN(inference, density_model),
     .fallback = "models/crowdnet_int8.onnx",
     .restarts = RESTARTS_PROCESS,
     .text = "File of the network that counts dense crowds (ONNX); or detector: the density head in the "
             "detector's own file, which counts on every picture in the pass that finds the boxes and at its "
             "size. A head also stands in where the file is not there; without either, counting is by boxes "
             "alone."},
    {.name = "family",
     .type = KEY_TEXT,
     .offset = IN(inference, family),
     .fallback = "auto",
     .restarts = RESTARTS_PROCESS,
     .text = "How the detector's output is read: auto looks at its shape, or a family's name (nanodet, "
             "nanodet-plus, "
             "yolov5, yolov8, yolox, hog)."},
    {.name = "workers",
     .type = KEY_INT,
     .offset = IN(inference, workers),
     .fallback = "2",
     .least = 1,
     .most = 64,
     .restarts = RESTARTS_PROCESS,
     .text = "Threads that analyse pictures. As many as there are processor cores is a good start."},
    {.name = "threads_per_worker",
     .type = KEY_INT,
     .offset = IN(inference, threads_per_worker),
     .fallback = "1",
     .least = 1,
     .most = 64,
     .restarts = RESTARTS_PROCESS,
     .text = "Threads of the network within one worker. More workers are better than more of these."},
    {.name = "provider",
     .type = KEY_CHOICE,
     .offset = IN(inference, provider),
     .choices = provider_choices,
     .fallback = "auto",
     .restarts = RESTARTS_PROCESS,
     .text = "What runs the networks: cpu, cuda or tensorrt (NVIDIA), or auto: CUDA where it is there. What "
             "is not there "
             "falls back to the CPU and says why."},
    {.name = "max_fps",
     .type = KEY_NUMBER,
     .offset = IN(inference, max_fps),
     .fallback = "10",
     .least = 0.1,
     .most = 120,
     .unit = "pictures/s",
     .restarts = RESTARTS_CAMERA,
     .text = "Most pictures analysed per second and camera where the camera's target_fps is 0."},
    {.name = "min_fps",
     .type = KEY_NUMBER,
     .offset = IN(inference, min_fps),
     .fallback = "5",
     .least = 0.1,
     .most = 120,
     .unit = "pictures/s",
     .restarts = RESTARTS_PROCESS,
     .text = "Under overload a camera's rate falls to this, or to two thirds of its target where that is "
             "less, before the network is given smaller pictures."},
};
static NEW_SECTION(section_inference, "Detector", PART(inference), inference_keys, .check = check_inference);

const char *media_decoder_name(enum media_decoder decoder)
{
    return decoder_choices[decoder];
}

const char *loop_filter_name(enum loop_filter filter)
{
    return loop_filter_choices[filter];
}

static const struct config_key media_keys[] = {
    {.name = "allowed_dirs",
     .type = KEY_TEXTS,
     .offset = IN(media, allowed_dirs),
     .count_offset = IN(media, allowed_count),
     .size = 32,
     .fallback = "var/media",
     .restarts = RESTARTS_PROCESS,
     .text =
         "Folders from which a stream made over the API may read files. Streams of this file may read any."},
    {.name = "open_timeout",
     .type = KEY_DURATION,
     .offset = IN(media, open_timeout_ns),
     .fallback = "5s",
     .least = 0.1,
     .most = 300,
     .unit = "s",
     .restarts = RESTARTS_CAMERA,
     .text = "Time a camera has to answer when it is opened."},
    {.name = "read_timeout",
     .type = KEY_DURATION,
     .offset = IN(media, read_timeout_ns),
     .fallback = "5s",
     .least = 0.1,
     .most = 300,
     .unit = "s",
     .restarts = RESTARTS_CAMERA,
     .text = "Silence after which a camera is opened again."},
    {.name = "stall_after",
     .type = KEY_DURATION,
     .offset = IN(media, stall_after_ns),
     .fallback = "3s",
     .least = 0.1,
     .most = 300,
     .unit = "s",
     .restarts = RESTARTS_CAMERA,
     .text = "Age of the last picture at which a stream counts as stalled and its measures as not valid."},
    {.name = "decoder",
     .type = KEY_CHOICE,
     .offset = IN(media, decoder),
     .choices = decoder_choices,
     .fallback = "cpu",
     .restarts = RESTARTS_CAMERA,
     .text = "What decodes cameras' video: cpu, cuda (NVIDIA), vaapi (Intel, AMD), or auto: the first of "
             "these that is "
             "there. What a device cannot do the CPU does, and the stream says why."},
    {.name = "loop_filter",
     .type = KEY_CHOICE,
     .offset = IN(media, loop_filter),
     .choices = loop_filter_choices,
     .fallback = "all",
     .restarts = RESTARTS_CAMERA,
     .text =
         "Which pictures of H.264, HEVC and their kin the processor smooths at the edges of blocks, as their "
         "coders expect it: all; referenced: those that others are made of; none. docs/cameras.md says "
         "what is gained and lost."},
    {.name = "picture_limit",
     .type = KEY_COUNT,
     .offset = IN(media, picture_limit),
     .fallback = "8",
     .least = 3,
     .most = 256,
     .unit = "pictures",
     .restarts = RESTARTS_CAMERA,
     .text = "Decoded pictures of one camera that may be in memory at once."},
    {.name = "live_picture_width",
     .type = KEY_INT,
     .offset = IN(media, live_picture_width),
     .fallback = "960",
     .least = 0,
     .most = 8192,
     .unit = "pixels",
     .restarts = RESTARTS_CAMERA,
     .text =
         "Width of the live pictures that clients see; 0, or more than the camera has, is the camera's own."},
    {.name = "live_picture_quality",
     .type = KEY_INT,
     .offset = IN(media, live_picture_quality),
     .fallback = "75",
     .least = 1,
     .most = 100,
     .restarts = RESTARTS_CAMERA,
     .text = "JPEG quality of the live pictures."},
};
static NEW_SECTION(section_media, "Cameras and files", PART(media), media_keys);

#define DETECTION(member) offsetof(struct detection_config, member)
static const struct config_key detection_keys[] = {
    {.name = "confidence",
     .type = KEY_NUMBER,
     .offset = DETECTION(confidence),
     .fallback = "0.5",
     .least = 0,
     .most = 1,
     .restarts = RESTARTS_CAMERA,
     .text = "Least score of a detection in the tracker's first stage."},
    {.name = "confidence_low",
     .type = KEY_NUMBER,
     .offset = DETECTION(confidence_low),
     .fallback = "0.2",
     .least = 0,
     .most = 1,
     .restarts = RESTARTS_CAMERA,
     .text =
         "Least score of a detection in the second stage, which only prolongs tracks. At most confidence."},
    {.name = "nms_iou",
     .type = KEY_NUMBER,
     .offset = DETECTION(nms_iou),
     .fallback = "0.6",
     .least = 0,
     .most = 1,
     .restarts = RESTARTS_CAMERA,
     .text = "Overlap (intersection over union) above which the weaker of two boxes is dropped."},
    {.name = "min_height_px",
     .type = KEY_NUMBER,
     .offset = DETECTION(min_height_px),
     .fallback = "0",
     .least = 0,
     .most = 16384,
     .unit = "pixels",
     .restarts = RESTARTS_CAMERA,
     .text = "Boxes lower than this are ignored."},
    {.name = "min_width_px",
     .type = KEY_NUMBER,
     .offset = DETECTION(min_width_px),
     .fallback = "0",
     .least = 0,
     .most = 16384,
     .unit = "pixels",
     .restarts = RESTARTS_CAMERA,
     .text = "Boxes narrower than this are ignored."},
    {.name = "input_size",
     .type = KEY_PICTURE_SIZE,
     .offset = DETECTION(input_width),
     .size = 1,
     .fallback = "auto",
     .restarts = RESTARTS_CAMERA,
     .text = "Size WIDTHxHEIGHT to which the network sees the picture scaled, multiples of 32; auto chooses "
             "by the picture's shape."},
    {.name = "region",
     .type = KEY_POINTS,
     .offset = DETECTION(region),
     .count_offset = DETECTION(region_count),
     .optional = true,
     .restarts = RESTARTS_CAMERA,
     .text = "Polygon [[x, y], ...] in 0-1 of the picture: who stands outside is ignored, and the area "
             "outside does not count as measured. Left out: everywhere."},
    {.name = "masks",
     .type = KEY_POLYGONS,
     .offset = DETECTION(masks),
     .count_offset = DETECTION(mask_count),
     .optional = true,
     .restarts = RESTARTS_CAMERA,
     .text = "Polygons in 0-1 of the picture that are blacked out before the network sees them (posters, "
             "screens, neighbours)."},
};
NEW_SECTION(section_detection, "Detection", struct detection_config, detection_keys,
            .check = check_detection);

#define COUNTING(member) offsetof(struct counting_config, member)
static const struct config_key counting_keys[] = {
    {.name = "mode",
     .type = KEY_CHOICE,
     .offset = COUNTING(mode),
     .choices = counting_choices,
     .fallback = "auto",
     .restarts = RESTARTS_CAMERA,
     .text =
         "auto: by boxes where people stand apart, by the density network where they hide each other, each "
         "weighed by its usual error. boxes, density: by that alone. Without inference.density_model: "
         "boxes."},
    {.name = "interval",
     .type = KEY_DURATION,
     .offset = COUNTING(interval_ns),
     .fallback = "1s",
     .least = 0,
     .most = 60,
     .unit = "s",
     .restarts = RESTARTS_CAMERA,
     .text = "Least time between two runs of the density network on a camera; what it costs is its run time "
             "divided by this."},
    {.name = "idle_interval",
     .type = KEY_DURATION,
     .offset = COUNTING(idle_interval_ns),
     .fallback = "5s",
     .least = 0,
     .most = 300,
     .unit = "s",
     .restarts = RESTARTS_CAMERA,
     .text = "The same while boxes do as well (auto), so that a crowd that forms is noticed. At least "
             "interval."},
    {.name = "long_side",
     .type = KEY_INT,
     .offset = COUNTING(long_side),
     .fallback = "0",
     .least = 0,
     .most = 8192,
     .unit = "pixels",
     .restarts = RESTARTS_CAMERA,
     .text =
         "Longer side to which the density network sees the picture scaled; 0: by the picture's size, 1280 "
         "to 1536. Larger for distant crowds in large pictures, at the cost of its area."},
    {.name = "perspective",
     .type = KEY_BOOL,
     .offset = COUNTING(perspective),
     .fallback = "true",
     .restarts = RESTARTS_CAMERA,
     .text = "A calibrated camera's picture is scaled, at most twofold or by half, so that the density "
             "network sees "
             "people at sizes that it has learned: 30 to 300 pixels. Costs up to four times as much where "
             "people are "
             "far away."},
};
NEW_SECTION(section_counting, "Counting", struct counting_config, counting_keys, .check = check_counting);

#define TRACKING(member) offsetof(struct tracking_config, member)
static const struct config_key tracking_keys[] = {
    {.name = "new_score",
     .type = KEY_NUMBER,
     .offset = TRACKING(new_score),
     .fallback = "0.6",
     .least = 0,
     .most = 1,
     .restarts = RESTARTS_CAMERA,
     .text = "Least score of a detection that begins a new track."},
    {.name = "iou_gate",
     .type = KEY_NUMBER,
     .offset = TRACKING(iou_gate),
     .fallback = "0.1",
     .least = 0,
     .most = 1,
     .restarts = RESTARTS_CAMERA,
     .text = "Least overlap of a detection with the place where a track is expected."},
    {.name = "confirm_hits",
     .type = KEY_INT,
     .offset = TRACKING(confirm_hits),
     .fallback = "3",
     .least = 1,
     .most = 100,
     .unit = "detections",
     .restarts = RESTARTS_CAMERA,
     .text = "Detections before a track counts as a person."},
    {.name = "coast",
     .type = KEY_DURATION,
     .offset = TRACKING(coast_ns),
     .fallback = "600ms",
     .least = 0,
     .most = 10,
     .unit = "s",
     .restarts = RESTARTS_CAMERA,
     .text = "Time for which somebody who is not detected is still counted, where expected."},
    {.name = "lost",
     .type = KEY_DURATION,
     .offset = TRACKING(lost_ns),
     .fallback = "3s",
     .least = 0,
     .most = 60,
     .unit = "s",
     .restarts = RESTARTS_CAMERA,
     .text = "Time within which somebody who was lost is found again under the same number. At least coast."},
};
static NEW_SECTION(section_tracking, "Tracking", struct tracking_config, tracking_keys,
                   .check = check_tracking);

#define DENSITY(member) offsetof(struct density_config, member)
static const struct config_key density_keys[] = {
    {.name = "cell",
     .type = KEY_NUMBER,
     .offset = DENSITY(cell_m),
     .fallback = "0.5",
     .least = 0.1,
     .most = 10,
     .unit = "m",
     .restarts = RESTARTS_CAMERA,
     .text = "Side of a cell of the density grid on the ground."},
    {.name = "sigma",
     .type = KEY_NUMBER,
     .offset = DENSITY(sigma_m),
     .fallback = "0.7",
     .least = 0.2,
     .most = 5,
     .unit = "m",
     .restarts = RESTARTS_CAMERA,
     .text = "Width (one sigma) of the Gaussian kernel by which a person is spread over the ground; 0.7 is "
             "Helbing's kernel of radius 1 m."},
};
static NEW_SECTION(section_density, "Density", struct density_config, density_keys);

static const struct config_key log_keys[] = {
    {.name = "level",
     .type = KEY_CHOICE,
     .offset = IN(log, level),
     .choices = level_choices,
     .fallback = "info",
     .restarts = RESTARTS_PROCESS,
     .text = "Least level that is logged: debug, info, warning or error."},
    {.name = "format",
     .type = KEY_CHOICE,
     .offset = IN(log, format),
     .choices = format_choices,
     .fallback = "text",
     .restarts = RESTARTS_PROCESS,
     .text = "text, or json: one object a line."},
};
static NEW_SECTION(section_log, "Log", PART(log), log_keys);

#define CONFIG(member) offsetof(struct config, member)
#define PART_KEY(part, description)                                                                          \
    {                                                                                                        \
        .name = #part, .type = KEY_SECTION, .offset = CONFIG(part), .section = &section_##part,              \
        .text = description                                                                                  \
    }
static const struct config_key config_keys[] = {
    PART_KEY(server, "The web server: dashboard, API, WebSocket."),
    PART_KEY(store, "What is kept, where, and for how long."),
    PART_KEY(inference, "The network that finds people."),
    PART_KEY(media, "How cameras and files are read."),
    PART_KEY(recorder, "The last minutes of every camera, as they came, for the clips of alerts."),
    PART_KEY(detection, "Which detections count. Every key may be set per stream as well."),
    PART_KEY(counting, "How crowds are counted. Every key may be set per stream as well."),
    PART_KEY(health,
             "When a camera's pictures are not to be trusted. Every key may be set per stream as well."),
    PART_KEY(tracking, "How detections become people with identities."),
    PART_KEY(density, "How people become people per square metre."),
    PART_KEY(log,
             "What the service writes to standard error. Nothing waits for it: lines that nobody takes are "
             "lost, counted by the metric sci_log_lines_lost_total, and said to be missing."),
    {.name = "streams",
     .type = KEY_LIST,
     .offset = CONFIG(streams),
     .count_offset = CONFIG(stream_count),
     .size = 256,
     .section = &section_stream,
     .restarts = RESTARTS_CAMERA,
     .text = "The cameras. Streams written here are read-only over the API."},
    PART_KEY(alerts, "When people are told, and what they should do."),
};
NEW_SECTION(section_config, NULL, struct config, config_keys, .check = check_config);
