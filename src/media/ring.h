/*
 * ring: which segments there are on disk, per camera in the order of their time, and which have to go. A
 * segment is FOLDER/STREAM_ID/START.mkv, START being the wall time of its zero in milliseconds. What a
 * process that was killed left behind is found again; foreign files are left alone.
 *
 * Retention: a segment goes when it is older than `keep_ns`; then the oldest of a camera that holds more than
 * `bytes_camera`; then the oldest of all while they hold more than `bytes_all`, so every camera keeps the
 * same time; then the oldest of all while the disk has less than `free_bytes` left, down to the youngest
 * `least_ns`. A segment that is still being written never goes. One from the future (the clock was set back)
 * goes at once. Times are wall times in nanoseconds.
 *
 * Uses files and no FFmpeg. One thread at a time.
 */
#ifndef SCI_MEDIA_RING_H
#define SCI_MEDIA_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { RING_PATH_MAX = 1200 };

struct ring; /* opaque */

struct ring_limits {
    int64_t keep_ns, least_ns;
    int64_t bytes_camera, bytes_all; /* 0 = no limit */
    int64_t free_bytes;
};

struct ring_segment {
    int64_t start_ns, end_ns;
    int64_t bytes;
    bool open; /* being written */
};

/* Makes the folder and looks what is in it. When it cannot be made or read, the ring is there and empty, and
 * `error` says why (ring_look tries again). Only ERR_NOMEM gives no ring. */
int ring_create(const char *folder, struct ring **ring, struct error *error);
void ring_destroy(struct ring **ring); /* leaves the files */
/* Forgets what it knows, and looks what is there. Nothing may be open. */
int ring_look(struct ring *ring, struct error *error);

/* A new open segment: makes the camera's folder and writes the file's path to `path`. `start_ns` is moved on
 * by milliseconds where that name is taken. */
int ring_begin(struct ring *ring, const char *stream_id, int64_t *start_ns, char path[RING_PATH_MAX],
               struct error *error);
/* What has been written of the camera's open segment so far; `done` ends it. */
void ring_update(struct ring *ring, const char *stream_id, int64_t end_ns, int64_t bytes, bool done);
/* Deletes what has to go; returns how many segments went. */
size_t ring_trim(struct ring *ring, const struct ring_limits *limits, int64_t now_ns);

/* The camera's segments that overlap the time, oldest first. `visit` returns true to go on. */
void ring_find(const struct ring *ring, const char *stream_id, int64_t from_ns, int64_t to_ns,
               bool (*visit)(void *user, const struct ring_segment *segment, const char *path), void *user);
int64_t ring_bytes(const struct ring *ring);
size_t ring_count(const struct ring *ring);
/* False when nothing of the camera is there. */
bool ring_span(const struct ring *ring, const char *stream_id, struct ring_segment *all);

#endif
