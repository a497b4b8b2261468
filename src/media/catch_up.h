/*
 * catch_up: which of a camera's packets are not worth decoding, because the processor has fallen behind and
 * what they show is long past. A reader that is behind has a queue before it, in the socket; reading goes
 * through that at once, decoding does not. Pure; one thread; begin with zeros.
 *
 *  - A packet is as late as its delay (arrival less stamp) is above the least one so far, which rises by 5 ms
 * a second because clocks drift. More than a second: nothing is decoded until the packets come in time again
 * (0.3 s), and then from the next key frame on.
 *  - That costs what lies before the key frame: it is only done where key frames are known to come at least
 * every 2.5 s.
 *  - What does not get less by half a second's reading, or is not gone after three, is no queue here, but a
 * slow network or a clock: decoding goes on, the delay is taken for the usual one, and it is not tried again
 * for half a minute, then for twice that, up to ten minutes.
 *  - Without stamps, where every packet is a picture (MJPEG over HTTP): of packets that were all there
 * already only the last is decoded, once ten have come without any waiting.
 *
 * Nanoseconds; arrivals on the monotonic clock.
 */
#ifndef SCI_MEDIA_CATCH_UP_H
#define SCI_MEDIA_CATCH_UP_H

#include <stdbool.h>
#include <stdint.h>

struct catch_up {
    bool running, skipping;
    bool drained;                 /* while skipping: in time again, or no queue */
    int64_t floor_ns;             /* least delay */
    int64_t stamp_ns, arrival_ns; /* of the last packet */
    int64_t key_stamp_ns;         /* of the last key frame */
    int64_t key_gap_ns;           /* between the last two; 0 = not known */
    int64_t since_ns, late_ns;    /* when skipping began, and how late it was then */
    int64_t quiet_until_ns, quiet_ns;
    int ready;       /* packets without stamps that were there already, one after the other */
    int64_t skipped; /* packets */
};

struct catch_up_packet {
    int64_t stamp_ns; /* when it is due to be decoded; CATCH_UP_NONE: not known */
    int64_t arrival_ns;
    int64_t waited_ns; /* how long reading it took */
    bool key;
};

#define CATCH_UP_NONE INT64_MIN

enum catch_up_advice {
    CATCH_UP_DECODE,
    CATCH_UP_SKIP,
    CATCH_UP_RESUME /* decode; what the decoder still holds is from before the gap */
};

enum catch_up_advice catch_up_look(struct catch_up *catch_up, const struct catch_up_packet *packet);

#endif
