/*
 * stream_time: the stream's own time of each picture, made from time stamps that may be missing, repeated,
 * out of order, or jump. What comes out begins at 0, always grows, and goes on over loops, cuts and a
 * camera's restart of its clock. What was wrong is counted. Pure; one thread.
 *
 *  - With a configured rate, time is (number - 1) / rate and the stamps are not looked at.
 *  - A stamp a little before the last one, or closer to it than an eighth of the usual step (repeated, out of
 *    order), is replaced by half a step after it, so that the stamps that follow can still be right.
 *  - A cut is a jump back of a second or more, or forward by more than 10 s and five steps. Of a camera
 * already a jump back of 0.2 s and five steps, and a stamp from the future (stamp_clock.h). Over a cut time
 * goes on by one step (file) or by the time that passed between the arrivals (camera).
 *  - A camera whose stamps have another pace than the world gets the times at which its pictures arrived.
 *  - Without stamps a file's pictures are one step apart, a camera's as far apart as they arrived. Of several
 * that arrive at once each is at least half a step after the other, and those that follow give that back.
 */
#ifndef SCI_MEDIA_STREAM_TIME_H
#define SCI_MEDIA_STREAM_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "core/observation.h"
#include "media/stamp_clock.h"

#define STREAM_TIME_NONE INT64_MIN /* no time stamp */

struct stream_time {
    double rate;         /* > 0: pictures per second by configuration */
    int64_t duration_ns; /* nominal duration of one picture, > 0 */
    bool live;           /* a camera: arrivals tell the time too */
    /* state, zero at the start */
    int64_t number;     /* pictures so far */
    int64_t offset_ns;  /* added to a stamp */
    int64_t last_ns;    /* what came out last */
    int64_t stamp_ns;   /* the last stamp */
    int64_t arrival_ns; /* when that picture arrived */
    int64_t usual_ns;   /* the usual step, learnt; 0 = not yet */
    int64_t ahead_ns;   /* by which arrivals that came at once have put time forward */
    int64_t late_ns;    /* how late the last picture was; 0 when not known */
    bool anchor;        /* the next stamp begins a new pass */
    bool stamped;       /* there was a stamp */
    struct stamp_clock clock;
    struct source_faults faults;
};

/* The time of the next picture: its stamp (or STREAM_TIME_NONE) and its arrival on the monotonic clock. */
int64_t stream_time_next(struct stream_time *time, int64_t stamp_ns, int64_t arrival_ns);

/* A new pass over the file: the next picture follows the last one by one duration. */
void stream_time_restart(struct stream_time *time);

#endif
