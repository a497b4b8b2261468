/*
 * coded_format: what a container has to know about coded video before its first packet. Cameras leave out
 * parts of it in their description (the parameter sets, the size) and send them with the key frames;
 * coded_format_complete takes them from there. Private to the recorder.
 */
#ifndef SCI_MEDIA_CODED_FORMAT_H
#define SCI_MEDIA_CODED_FORMAT_H

#include <stdbool.h>

#include "base/error.h"

struct AVCodecParameters;
struct AVPacket;
struct AVStream;

struct coded_format {
    struct AVCodecParameters *parameters; /* owned */
    int time_base_num, time_base_den;     /* seconds per unit of the packets' times */
};

/* ERR_NOMEM */
int coded_format_init(struct coded_format *format, const struct AVStream *stream);
void coded_format_release(struct coded_format *format);
/* Fills in what is missing from a key frame. ERR_FORMAT when something still is. */
int coded_format_complete(struct coded_format *format, const struct AVPacket *key_frame, struct error *error);
/* Packets of both may follow each other in one stream. */
bool coded_format_equal(const struct AVCodecParameters *a, const struct AVCodecParameters *b);

#endif
