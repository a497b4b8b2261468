/*
 * What the files of the recorder share. Nobody else includes it.
 *
 * (L) is guarded by the recorder's lock; everything else belongs to its thread, once that runs.
 */
#ifndef SCI_MEDIA_RECORDER_INTERNAL_H
#define SCI_MEDIA_RECORDER_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "media/coded_format.h"
#include "media/recorder.h"
#include "media/ring.h"
#include "media/segment.h"
#include "media/tap.h"

enum { CLIP_NAME_MAX = 128, CLIPS_WAITING_MAX = 256, CLIP_FAILURES_KEPT = 64 };

/* What waits in the queue, in the order in which it came. */
enum recorder_item_kind { ITEM_BEGIN, ITEM_PACKET, ITEM_END, ITEM_DETACH };

struct recorder_item {
    struct recorder_item *next;
    enum recorder_item_kind kind;
    struct recorder_camera *camera;
    struct coded_format format; /* of ITEM_BEGIN */
    struct AVPacket *packet;    /* of ITEM_PACKET */
    struct instant arrival;
    size_t bytes; /* as counted against the camera's queue */
};

/* From a stream's time stamps to the monotonic clock. */
struct packet_clock {
    bool begun;
    int64_t offset_ns; /* monotonic - stamp */
    int64_t last_ns;   /* latest that was given */
};

struct recorder_camera {
    struct packet_tap tap; /* first: a tap is its camera */
    struct recorder *recorder;
    char stream_id[ID_SIZE];

    struct recorder_camera *next;       /* (L) */
    size_t queued_bytes;                /* (L) */
    bool skipping;                      /* (L) something was dropped: nothing is taken until a key frame */
    struct recorder_stream_state shown; /* (L) */
    struct recorder_item *detach;       /* made when it was attached, so that detaching cannot fail */

    struct recorder_camera *next_active; /* those whose source is open */
    struct coded_format format;          /* no parameters: it is not */
    struct packet_clock clock;
    struct segment *segment;            /* NULL: waits for a key frame */
    int64_t zero_wall_ns, zero_mono_ns; /* of the segment */
    int64_t first_mono_ns, last_mono_ns;
    char problem[RECORDER_REASON_MAX]; /* why this camera alone is not recorded */
};

struct clip_job {
    char name[CLIP_NAME_MAX];
    char stream_id[ID_SIZE];
    int64_t from_ns, moment_ns, to_ns; /* wall times */
    int64_t due_ns;                    /* monotonic */
    bool noted;                        /* on disk */
};

struct clip_failure {
    char name[CLIP_NAME_MAX];
    char why[RECORDER_REASON_MAX];
};

struct recorder {
    struct recorder_options options; /* its texts are the two below */
    char *folder, *clips_folder;
    pthread_t thread;
    bool thread_started;

    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stopping;                            /* (L) */
    struct recorder_item *first, **end;       /* (L) the queue */
    struct recorder_camera *cameras;          /* (L) those that are attached */
    struct clip_job asked[CLIPS_WAITING_MAX]; /* (L) by recorder_keep */
    size_t asked_count;                       /* (L) */
    struct clip_job jobs[CLIPS_WAITING_MAX];  /* (L) to change; the thread alone changes it */
    size_t job_count;
    struct clip_failure failures[CLIP_FAILURES_KEPT]; /* (L) */
    size_t failure_count;
    struct recorder_state state; /* (L) */
    int64_t shown_ns;            /* (L) monotonic: when the thread last said how it is */
    atomic_bool paused;          /* nothing is to be queued */

    struct recorder_camera *active;
    struct ring *ring;
    bool recording;
    int64_t retry_ns, trimmed_ns; /* monotonic */
};

/* recorder_tap.c */
void recorder_free_item(struct recorder_item *item);
int recorder_camera_create(struct recorder *recorder, const char *stream_id, struct recorder_camera **camera);
void recorder_camera_destroy(struct recorder_camera *camera);

/* recorder_camera.c: a camera's packets into segments */
void recorder_take_item(struct recorder *recorder, struct recorder_item *item);
void recorder_end_segment(struct recorder_camera *camera);
/* What is in memory of its open segment goes to disk. */
void recorder_flush_segment(struct recorder_camera *camera);
int64_t packet_clock_map(struct packet_clock *clock, int64_t stamp_ns, int64_t arrival_ns);

/* recorder_clips.c */
void clips_begin(struct recorder *recorder); /* those that a process before this one left */
void clips_take_asked(struct recorder *recorder);
/* Makes at most one; true when it did. `all`: also those that are not due. */
bool clips_make_one(struct recorder *recorder, bool all);

/* recorder_disk.c */
void recorder_disk_failed(struct recorder *recorder, const char *reason); /* it does not take it */
void recorder_watch_disk(struct recorder *recorder);                      /* while it is recorded */
void recorder_try_again(struct recorder *recorder);                       /* while it is not */
void recorder_trim(struct recorder *recorder);

/* recorder_show.c: how it is, from now on; what is in memory goes to disk */
void recorder_show(struct recorder *recorder);

#endif
