/*
 * clip: some seconds out of a camera's ring as one MP4, without re-encoding.
 *
 * It begins with the last key frame at or before `from_ns` (the first there is, when the ring begins later)
 * and ends with the last picture at or before `to_ns`. All of it is coded alike: where the camera changed its
 * format, the part that holds `moment_ns` is taken. The segment that is still being written may be among the
 * parts when it has been flushed.
 *
 * Segments keep no decoding times; they are made anew: the presentation times in rising order, moved back by
 * the longest time a picture waits for its turn, are increasing and never after the presentation.
 * Private to the recorder; any thread.
 */
#ifndef SCI_MEDIA_CLIP_H
#define SCI_MEDIA_CLIP_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct clip_part {
    char *path;
    int64_t start_ns; /* wall time of its zero */
};

struct clip_request {
    const struct clip_part *parts; /* in the order of their time */
    size_t part_count;
    int64_t from_ns, moment_ns, to_ns; /* wall times */
    const char *path;                  /* written beside it first, then renamed: it is there wholly or not */
};

struct clip_facts {
    int64_t from_ns, to_ns; /* of its first and last picture */
    size_t pictures;
    int64_t bytes;
};

/* ERR_NOT_FOUND: nothing of that time is there. ERR_UNSUPPORTED: the codec does not go into MP4. ERR_FULL,
 * ERR_IO: the disk. `facts` may be NULL. */
int clip_write(const struct clip_request *request, struct clip_facts *facts, struct error *error);

/* Decoding times for presentation times in decoding order; presentation times that several pictures share are
 * moved on. `scratch` has room for `count`. For tests. */
void clip_decoding_times(int64_t *presentation, size_t count, int64_t *decoding, int64_t *scratch);

#endif
