/*
 * stream_time: the stream's own time of each picture, made from time stamps that may be missing, repeated, or
 * jump. What comes out begins at 0, always grows, and goes on over loops, cuts and a camera's restart of its
 * clock. Pure; one thread.
 *
 *  - With a configured rate, time is (number - 1) / rate and the stamps are not looked at.
 *  - A stamp at or before the last one (by less than a second) is replaced by half a picture's duration after
 * it, so that the stamps that follow can still be right.
 *  - A jump back of a second or more, or forward by more than 10 s (and more than five pictures' durations)
 * beyond what the arrival of the pictures explains, is a cut: time goes on by one picture's duration (file)
 * or by the time that passed between the arrivals (camera).
 *  - Without stamps a file's pictures are one duration apart, a camera's as far apart as they arrived.
 */
#ifndef SCI_MEDIA_STREAM_TIME_H
#define SCI_MEDIA_STREAM_TIME_H

#include <stdbool.h>
#include <stdint.h>

#define STREAM_TIME_NONE INT64_MIN /* no time stamp */

struct stream_time {
    double rate;         /* > 0: pictures per second by configuration */
    int64_t duration_ns; /* nominal duration of one picture, > 0 */
    bool live;
    /* state, zero at the start */
    int64_t number;     /* pictures so far */
    int64_t offset_ns;  /* added to a stamp */
    int64_t last_ns;    /* what came out last */
    int64_t arrival_ns; /* when that picture arrived */
    bool anchor;        /* the next stamp begins a new pass */
};

/* The time of the next picture: its stamp (or STREAM_TIME_NONE) and its arrival on the monotonic clock. */
int64_t stream_time_next(struct stream_time *time, int64_t stamp_ns, int64_t arrival_ns);

/* A new pass over the file: the next picture follows the last one by one duration. */
void stream_time_restart(struct stream_time *time);

#endif
