/*
 * source: where a camera's observations come from. An observation is a picture, or somebody else's
 * detections, or ground positions with identities, with its times.
 *
 * Threads: one thread calls `read` and, after it, `close`; `interrupt` may be called from any thread at any
 * time between open and close, makes a running or future `read` return ERR_CANCELED soon, and may be called
 * before `open` has returned (it is given the flag, below). What `read` gives belongs to the caller
 * (observation_release).
 */
#ifndef SCI_CORE_OBSERVATION_H
#define SCI_CORE_OBSERVATION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "core/detection.h"
#include "core/picture.h"
#include "geo/point.h"

struct packet_tap; /* media/tap.h */

enum observation_kind { OBSERVATION_PICTURE, OBSERVATION_DETECTIONS, OBSERVATION_POSITIONS };

struct ground_position {
    int64_t id;
    struct point position; /* metres */
};

struct observation {
    enum observation_kind kind;
    struct picture *picture; /* one reference, for OBSERVATION_PICTURE */
    struct instant capture;
    int64_t stream_ns;
    int64_t number; /* from 1 */
    int width, height;
    size_t detection_count;
    struct detection *detections; /* malloc'd */
    size_t position_count;
    struct ground_position *positions; /* malloc'd */
};

const char *observation_kind_name(enum observation_kind kind); /* "pictures", "detections", "positions" */
void observation_release(struct observation *observation);     /* frees and clears */

/*
 * What a source says beside its observations. Refused: something that does not fit its format and is left
 * out. Skipped: something too old to be told as live. Remark: worth knowing, nothing is left out.
 */
enum source_note { SOURCE_REFUSED, SOURCE_SKIPPED, SOURCE_REMARK };

struct source_options {
    const char *uri;
    double frame_rate; /* > 0: the true rate of a file whose header lies; stream time is number / rate */
    bool paced;        /* files: deliver each picture when it is due (live use), else as fast as possible */
    bool loop;         /* files: start again at the end; stream time goes on */
    int64_t open_timeout_ns;
    int64_t read_timeout_ns;   /* ERR_TIMEOUT when nothing arrives for so long */
    size_t picture_limit;      /* pictures that may be out at once */
    const atomic_bool *cancel; /* becomes true to interrupt open and read; may be NULL */
    struct packet_tap
        *tap;            /* gets the packets of a paced or live video, before decoding; lent; may be NULL */
    const char *decoder; /* of a video: "auto", "cpu", "cuda", "vaapi"; NULL is "cpu". Static text */
    const char *loop_filter;    /* of a video: "all", "referenced", "none"; NULL is "all". Static text */
    const atomic_bool *vectors; /* while true: pictures come with their coder's motion; NULL: never */
    /* Called from the thread that reads, once for each; must not block. May be NULL. */
    void (*on_note)(void *user, enum source_note note, const char *text);
    void *note_user;
};

struct source; /* opaque to everybody but the implementation */

/* What was wrong with a source's pictures and time stamps (media/stream_time.h), counted since it was opened.
 */
struct source_faults {
    int64_t damaged;    /* packets and pictures that could not be decoded without errors */
    int64_t skipped;    /* packets that were not decoded: the processor had fallen behind */
    int64_t missing;    /* a picture without one, among others that have one */
    int64_t disordered; /* repeated, or a little before the last one */
    int64_t jumps;      /* the clock was set, or wrapped */
    int64_t untrusted;  /* times that they began to have another pace than the world */
    bool now_untrusted; /* that is so */
};

struct source_info {
    int width, height;   /* displayed; 0 until known */
    double frame_rate;   /* nominal, 0 when unknown */
    int64_t frame_count; /* 0 when unknown */
    bool live;           /* a camera: reconnect when it ends */
    double late_s;       /* by which the last picture came later than it could have; 0 when not known */
    struct source_faults faults;
    enum observation_kind gives;
    const char *description; /* "H.264 1280x720, RTSP over TCP"; lives as long as the source */
};

/* One implementation, chosen by the URI's scheme. */
struct source_kind {
    const char *name;
    bool (*accepts)(const char *uri);
    /* On failure *source stays NULL. Errors: ERR_NOT_FOUND, ERR_AUTH, ERR_FORMAT, ERR_TIMEOUT, ERR_IO,
     * ERR_CANCELED, ... */
    int (*open)(const struct source_options *options, struct source **source, struct error *error);
    /* 0 and an observation; ERR_END at the end of a file; ERR_FORMAT for a damaged or truncated file (after
     * the last good picture was given); ERR_TIMEOUT, ERR_IO for cameras. */
    int (*read)(struct source *source, struct observation *observation, struct error *error);
    void (*info)(const struct source *source, struct source_info *info);
    void (*close)(struct source **source); /* clears the pointer; NULL is fine */
};

#endif
