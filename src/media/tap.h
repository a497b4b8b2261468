/*
 * packet_tap: who wants a video's packets as they came, before they are decoded (the recorder). Its functions
 * are called from the thread that reads the source, must not block, and only lend what they are given.
 * Between `begin` and `end` the format stays the same; a source that is opened again (a reconnect, a looped
 * file) begins again.
 */
#ifndef SCI_MEDIA_TAP_H
#define SCI_MEDIA_TAP_H

#include "base/clock.h"

struct AVPacket;
struct AVStream;

struct packet_tap {
    void (*begin)(struct packet_tap *tap, const struct AVStream *stream);
    void (*put)(struct packet_tap *tap, const struct AVPacket *packet, const struct instant *arrival);
    void (*end)(struct packet_tap *tap);
};

#endif
