/*
 * One live camera inside the manager: its source thread, mailbox, state and counters. Private to pipeline.
 *
 * Everything marked (L) is guarded by the manager's lock, which is the `lock` of the shared block below.
 */
#ifndef SCI_PIPELINE_CAMERA_H
#define SCI_PIPELINE_CAMERA_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/random.h"
#include "pipeline/manager.h"
#include "pipeline/path.h"
#include "pipeline/rate.h"
#include "pipeline/retry.h"
#include "pipeline/schedule.h"

/* What the cameras of a manager share. */
struct camera_shared {
    pthread_mutex_t lock;
    pthread_cond_t work; /* a mailbox was filled, a camera became free, or the end */
    struct config *config;
    atomic_bool memory_freed;  /* a source was closed: the watchdog gives what it held back to the system */
    struct recorder *recorder; /* lent, may be NULL */
    const struct source_kind *(*find_source)(const char *uri, struct error *error);
    void (*on_state)(void *user, const char *stream_id, enum stream_state state, enum stream_cause cause,
                     const char *reason);
    bool (*find_view)(void *user, const struct stream_config *stream, struct health_memory *memory,
                      bool *recent);
    void (*keep_view)(void *user, const struct stream_config *stream, const struct health_memory *memory);
    void *user;
};

/* What the source says beside its observations (source_options.on_note). */
struct camera_notes {
    int64_t told_ns;   /* monotonic: when `status.note` was said */
    int64_t logged_ns; /* monotonic: when one was logged last */
    int64_t unlogged;  /* since then */
};

struct camera {
    struct camera_shared *shared;
    struct stream_config *stream; /* own copy, immutable */
    struct camera_path *path;     /* used by the worker that serves the camera */
    pthread_t thread;
    bool thread_started;
    atomic_bool cancel;      /* ends the source thread */
    atomic_bool accept_view; /* somebody says that the view is right; the worker does it */
    pthread_cond_t retry;    /* (L) interrupts the wait before a retry */

    struct observation mailbox; /* (L) */
    bool mailbox_full;          /* (L) */
    bool serving;               /* (L) a worker has an observation of it */
    bool removed;               /* (L) */
    int64_t retry_at_ns;        /* (L) monotonic: the attempt after the last failure; past while it is made */
    int64_t last_picture_ns;    /* (L) monotonic, 0 = none yet */
    int64_t stall_after_ns;     /* (L) */
    int64_t rate_times[16];     /* (L) ring: when the last snapshots were published */
    size_t rate_count;          /* (L) */
    struct stream_status status; /* (L) */
    struct camera_notes notes;   /* (L) */

    struct schedule schedule; /* (L) when it may be served next */
    struct rate rate;         /* (L) the target rate, which may follow the scene */
    bool has_ladder;          /* its pictures may be looked at smaller under load */
    int64_t turns;            /* (L) pictures that a worker has taken */
    int64_t unrecorded_ns,
        unrecorded_at_ns;                   /* the worker's: time without being recorded, and when that was */
    int64_t sampled_decoded, sampled_turns; /* (L) at the last sample of the load */

    /* the source thread's own */
    struct packet_tap *tap; /* the recorder's, or NULL */
    struct random_state random;
    struct retry attempts;
    int64_t lived_from_ns;       /* monotonic: the first picture of this attempt; 0 = none */
    struct source_faults faults; /* of the attempts before this one */
    int64_t stream_offset_ns;    /* added to the source's stream time, so that time goes on over reconnects */
    int64_t stream_last_ns;
    int64_t number_offset, number_last;
};

/* Makes a camera and starts its source thread (unless it is disabled). */
int camera_start(struct camera_shared *shared, const struct stream_config *stream, struct camera **camera,
                 struct error *error);
/* Ends the source thread and joins it; must be called without the lock. */
void camera_join_source(struct camera *camera);
/* After camera_join_source, and when no worker serves it. */
void camera_free(struct camera **camera);

/* With the lock held. Tells `on_state` when something changed. */
void camera_set_state(struct camera *camera, enum stream_state state, enum stream_cause cause,
                      const char *reason);
/* With the lock held: a copy of the status as of now. */
void camera_get_status(const struct camera *camera, int64_t now_ns, struct stream_status *status);
/* With the lock held: connected, but no picture for `stall_after`: stalled. */
void camera_watch(struct camera *camera, int64_t now_ns);
/* For source_options.on_note; `user` is the camera. Takes the lock. */
void camera_take_note(void *user, enum source_note note, const char *text);
/* With the lock held: the counters and the last note as of now. */
void camera_get_notes(const struct camera *camera, int64_t now_ns, struct stream_status *status);
/* For MEASURE_UNRECORDED, from the worker that serves the camera: how long it has not been recorded while it
 * gave video, 0 while it is. */
struct measure camera_unrecorded(struct camera *camera, int64_t now_ns);
/* With the lock held: counts a published snapshot. */
void camera_count_snapshot(struct camera *camera, const struct snapshot *snapshot);
/* With the lock held: the target rate for what is going on. `detected`: people whom the network is sure of.
 */
void camera_adapt_rate(struct camera *camera, const struct snapshot *snapshot, size_t detected);

#endif
