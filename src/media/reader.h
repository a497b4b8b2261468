/*
 * reader: opens a video (file, RTSP, HTTP, webcam), demuxes and decodes it: one decoded frame per call, with
 * the instant at which its last packet had been read. No pacing, no looping: source_ffmpeg.c does that.
 *
 * Threads: one at a time; `cancel` may be set from any thread and ends a running open or read with
 * ERR_CANCELED. Looking up a host name is the one thing that cannot be interrupted.
 *
 * Time-outs: a deadline per call of open, and per picture when reading, kept here and not by FFmpeg, whose
 * own limits take twice their value (the first expiry only flushes its parser) or are ignored. After it the
 * reader only gives the same error.
 *
 * What may be opened is limited: a file must be a regular file and one of the known containers, so that
 * nothing in it (a play list, a concatenation) can make the program read other files or addresses; an HTTP
 * source cannot lead to local files.
 */
#ifndef SCI_MEDIA_READER_H
#define SCI_MEDIA_READER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"

struct AVFrame;
struct motion_sum;
struct packet_tap;
struct reader;

struct reader_options {
    const char *uri;
    const atomic_bool *cancel;  /* may be NULL */
    int64_t open_timeout_ns;    /* 0 = none */
    int64_t read_timeout_ns;    /* 0 = none */
    struct packet_tap *tap;     /* lent; may be NULL */
    const char *decoder;        /* "auto", "cpu", "cuda", "vaapi"; NULL is "cpu" (hardware.h) */
    const atomic_bool *vectors; /* while true: the coder's motion is added up; may be NULL */
    const char *loop_filter;    /* which pictures it smooths: "all", "referenced", "none"; NULL is "all" */
};

struct reader_facts {
    bool live;             /* it has no end of its own */
    bool in_pieces;        /* live, but some seconds arrive at once (HLS) */
    bool has_stamps;       /* its packets say when they are due */
    double frame_rate;     /* nominal; 0 when unknown */
    int64_t frame_count;   /* 0 when unknown */
    int width, height;     /* displayed; 0 when not known before the first picture */
    const char *codec;     /* "h264": static */
    const char *transport; /* "file", "RTSP over TCP": static */
};

int reader_open(const struct reader_options *options, struct reader **reader, struct error *error);
void reader_close(struct reader **reader); /* clears the pointer; NULL is fine */
void reader_facts(const struct reader *reader, struct reader_facts *facts);

/* What decodes: "CPU", "CUDA", "VA-API"; `why` is why it is not what was wanted, empty when it is. Both may
 * change with every picture. */
const char *reader_decoder(const struct reader *reader, const char **why);

/* Packets and pictures with errors, and packets that were not decoded because what they showed was long past
 * (catch_up.h). */
void reader_losses(const struct reader *reader, int64_t *damaged, int64_t *skipped);

/*
 * The next upright picture (frame_upright.h) in `frame`, which is unreferenced first; its time stamp in
 * nanoseconds or STREAM_TIME_NONE, and when its last packet was read. Of a damaged or truncated file
 * everything that can be decoded comes first, then ERR_FORMAT for ever; a file that is whole ends with
 * ERR_END.
 */
int reader_next(struct reader *reader, struct AVFrame *frame, int64_t *stamp_ns, struct instant *arrival,
                struct error *error);

/* The coder's motion up to the last picture, malloc'd (core/motion_sum.h); NULL where it is not known. */
struct motion_sum *reader_motion(const struct reader *reader);

#endif
