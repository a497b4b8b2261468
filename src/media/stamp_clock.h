/*
 * stamp_clock: whether a live camera's time stamps can be believed, and how late its pictures are. Pure; one
 * thread; begin with zeros.
 *
 * The delay of a picture is its arrival minus its stamp, up to a constant that nobody knows. The least delay,
 * the floor, is taken for no delay at all: what a picture has more is how late it is (queues in the network,
 * in the camera, in front of a decoder that does not keep up).
 *
 *  - Camera clocks drift. The floor rises by 5 ms a second, far more than a crystal is wrong by, so that a
 * clock that is a little slow is not taken for a growing queue; one that is fast lowers it at once.
 *  - A picture cannot come from the future: a stamp that is more than 0.1 s above what the floor allows is a
 * jump of the camera's clock.
 *  - Every 5 s the least delay is compared with the one before. Six times in a row more than 1 % up (or down)
 * and alike, or a delay of 8 s: these are no queues, the stamps have another pace than the world (a camera
 * that counts pictures and calls it time). Then they are not believed until they have kept pace for 30 s.
 *
 * Nanoseconds; arrivals on the monotonic clock.
 */
#ifndef SCI_MEDIA_STAMP_CLOCK_H
#define SCI_MEDIA_STAMP_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

enum { STAMP_CLOCK_WINDOWS = 6 };

struct stamp_clock {
    bool wrong;       /* the stamps are not believed */
    bool running;     /* there is a floor */
    int64_t floor_ns; /* least delay */
    int64_t last_ns;  /* arrival of the last picture */
    int64_t began_ns, least_ns,
        before_ns; /* this window: arrival of its first, least delay; that of the one before */
    int windows;   /* complete ones */
    double growth[STAMP_CLOCK_WINDOWS]; /* ring: of the least delay, a share of the time */
};

/* Whether a picture with this stamp, arriving now, would come from the future. */
bool stamp_clock_is_future(const struct stamp_clock *clock, int64_t stamp_ns, int64_t arrival_ns);

/* One picture. How late it is, 0 when that is not known. May set or clear `wrong`. */
int64_t stamp_clock_look(struct stamp_clock *clock, int64_t stamp_ns, int64_t arrival_ns);

/* The camera's clock was set: begin anew, `wrong` stays. */
void stamp_clock_restart(struct stamp_clock *clock);

#endif
