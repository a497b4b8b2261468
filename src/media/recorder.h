/*
 * recorder: keeps the last minutes of every camera as it came, without re-encoding, and cuts clips out of it.
 *
 * Each camera's reader hands its packets to a tap, which only queues. The recorder's one thread writes them
 * to segments of some seconds (segment.h), lets go what is too old or too much (ring.h), and makes the clips
 * that were asked for, when their time is over (clip.h). It never holds up a camera: when a camera's queue is
 * full, its packets are dropped up to the next key frame and counted; while the disk is full or cannot be
 * written, nothing is queued. It then tries again every few seconds, and goes on by itself. A disk that does
 * not answer for ten seconds counts as one that does not record.
 *
 * A clip that was asked for is noted beside its place (NAME.wanted), so that a process that was killed makes
 * it at its next start of what is in the ring.
 *
 * Threads: every function from any thread; recorder_keep and the taps never wait for the disk. The callbacks
 * come from the recorder's thread and must not call back.
 */
#ifndef SCI_MEDIA_RECORDER_H
#define SCI_MEDIA_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "core/zone.h"

struct packet_tap;
struct recorder; /* opaque */

enum { RECORDER_REASON_MAX = 256 };

struct recorder_state {
    bool recording;                   /* the disk takes it; false: `reason` says why not */
    char reason[RECORDER_REASON_MAX]; /* empty while recording */
    int64_t bytes, segments;          /* in the ring */
    int64_t dropped;                  /* packets, of all cameras */
    size_t streams;                   /* that something of is being written */
    size_t clips_waiting;
    int64_t clips_made, clips_failed;
};

struct recorder_stream_state {
    bool recording; /* something of it is being written */
    bool open;      /* its source gives video that can be recorded */
    char reason[RECORDER_REASON_MAX];
    int64_t dropped;
    int64_t bytes, oldest_ns, newest_ns; /* in the ring; 0 when there is nothing */
};

struct recorder_options {
    const char *folder;       /* of the ring */
    const char *clips_folder; /* must be there, or be made by somebody */
    int64_t keep_ns, segment_ns;
    int64_t bytes_camera, bytes_all; /* of the ring; 0 = no limit */
    int64_t free_bytes;              /* left on the disk for others */
    size_t queue_bytes;              /* of one camera, in memory */
    int64_t before_ns, after_ns;     /* of a clip */
    /* The recorder stopped or goes on. May be NULL. */
    void (*on_state)(void *user, bool recording, const char *reason);
    /* A clip is there (`reason` empty), or will not be. May be NULL. */
    void (*on_clip)(void *user, const char *name, const char *reason);
    void *user;
};

/* A disk that cannot be written is a state, no failure. ERR_NOMEM and the like. */
int recorder_start(const struct recorder_options *options, struct recorder **recorder, struct error *error);
/* Writes what is queued, leaves clips that wait to the next start. Every tap must have been detached. */
void recorder_stop(struct recorder **recorder);

/* A tap for a camera; NULL without memory. One per stream at a time. */
struct packet_tap *recorder_attach(struct recorder *recorder, const char *stream_id);
/* After the source was closed. Clears the pointer; NULL is fine. */
void recorder_detach(struct recorder *recorder, struct packet_tap **tap);

/* Keeps the seconds around `moment_ns` (wall time) as `name` in the folder for clips. */
void recorder_keep(struct recorder *recorder, const char *stream_id, int64_t moment_ns, const char *name);

enum recorder_clip { RECORDER_CLIP_UNKNOWN, RECORDER_CLIP_WAITING, RECORDER_CLIP_FAILED };
/* What has become of a clip that is not there. UNKNOWN: it was never asked for, or too long ago to remember.
 * `why` is filled for FAILED. */
enum recorder_clip recorder_clip_state(struct recorder *recorder, const char *name,
                                       char why[RECORDER_REASON_MAX]);

void recorder_get_state(struct recorder *recorder, struct recorder_state *state);
void recorder_get_stream(struct recorder *recorder, const char *stream_id,
                         struct recorder_stream_state *state);

#endif
