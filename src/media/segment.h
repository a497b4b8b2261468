/*
 * segment: one file of the recorder's ring: some seconds of one camera's coded video, as Matroska. It begins
 * with a key frame. What was written until a kill -9 can be played, but for the last second.
 *
 * Times: a packet's presentation time is in nanoseconds from the segment's zero, never negative. Matroska
 * keeps milliseconds and no decoding times: whoever reads it makes those anew (clip.h).
 * One thread at a time. Private to the recorder.
 */
#ifndef SCI_MEDIA_SEGMENT_H
#define SCI_MEDIA_SEGMENT_H

#include <stdint.h>

#include "base/error.h"
#include "media/coded_format.h"

struct AVPacket;

struct segment; /* opaque */

/* ERR_FULL (disk), ERR_NOT_FOUND (folder), ERR_IO, ERR_UNSUPPORTED (a codec that does not go into Matroska),
 * ERR_NOMEM. On failure *segment is NULL; an empty file may be left. */
int segment_open(const char *path, const struct coded_format *format, struct segment **segment,
                 struct error *error);
/* Lends the packet; its times are not looked at. After an error only segment_close may follow. */
int segment_put(struct segment *segment, const struct AVPacket *packet, int64_t time_ns, struct error *error);
/* Puts on disk what is in memory, so that another reader finds it. */
int segment_flush(struct segment *segment, struct error *error);
int64_t segment_bytes(const struct segment *segment); /* written and to be written */
/* Clears the pointer; NULL is fine. */
int segment_close(struct segment **segment, struct error *error);

#endif
