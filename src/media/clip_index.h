/*
 * clip_index: which packets of a few segments make a clip: the first of its two passes. Holds their times
 * only. Private to clip.c.
 */
#ifndef SCI_MEDIA_CLIP_INDEX_H
#define SCI_MEDIA_CLIP_INDEX_H

#include <stdbool.h>

#include "media/clip.h"

struct AVCodecParameters;
struct AVFormatContext;

struct clip_packet {
    int64_t time_ns; /* wall */
    bool key;
};

struct clip_segment {
    size_t part;                          /* index into the request */
    struct AVCodecParameters *parameters; /* owned */
    size_t first, count;                  /* of its packets */
};

struct clip_index {
    struct clip_packet *packets; /* of all segments, in decoding order */
    size_t packet_count, packet_capacity;
    struct clip_segment *segments;
    size_t segment_count;
    /* what clip_index_choose finds */
    size_t first, last;                 /* packets of the clip, both included */
    size_t first_segment, last_segment; /* that they are in */
};

/* Opens a segment for reading: its one stream, times in milliseconds. Negative AVERROR. */
int clip_open_segment(const char *path, struct AVFormatContext **format);
/* Segments that are gone or broken are left out. ERR_NOMEM. */
int clip_index_read(struct clip_index *index, const struct clip_request *request);
/* False when there is nothing to make a clip of. */
bool clip_index_choose(struct clip_index *index, const struct clip_request *request);
void clip_index_release(struct clip_index *index);

#endif
