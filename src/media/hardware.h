/*
 * hardware: lets a graphics device decode a video, through FFmpeg: NVIDIA's (CUDA, its decoder library) or
 * one of VA-API (Intel, AMD). Pictures come back into system memory. What a device cannot do the processor
 * does, and `why` says so: no driver, no device, a codec or profile that it does not know, or that it stopped
 * working while it decoded.
 *
 * A device is opened once per process and shared by all cameras; one that could not be opened is not tried
 * again for a minute. A struct hardware is one thread's, the reader's.
 */
#ifndef SCI_MEDIA_HARDWARE_H
#define SCI_MEDIA_HARDWARE_H

#include <stdbool.h>

struct AVBufferRef;
struct AVCodec;
struct AVCodecContext;
struct AVFrame;

struct hardware {
    const char *wanted;         /* "auto", "cpu", "cuda", "vaapi"; NULL is "cpu" */
    const char *name;           /* of what decodes: "CPU", "CUDA", "VA-API" */
    char why[192];              /* why it is not what was wanted; empty when it is, or nothing was */
    struct AVBufferRef *device; /* NULL: the processor */
    int format;                 /* enum AVPixelFormat, of the device's pictures */
    int failures;               /* in a row */
    bool failed;                /* the device does not decode (any more) */
};

/* One that could decode, wanted or not. */
struct hardware_device {
    const char *wanted, *name; /* "cuda", "CUDA" */
    bool found;
    char why[192]; /* it is not there */
};
/* The device number `index`, from 0 in the order in which "auto" tries them: it is opened to see. False past
 * the last. From any thread. */
bool hardware_look(int index, struct hardware_device *device);

/* Before avcodec_open2; the decoder keeps a pointer to `hardware`. */
void hardware_attach(struct hardware *hardware, struct AVCodecContext *decoder, const struct AVCodec *codec);
/* What the decoder said (an AVERROR, or 0): sets `failed` when it is the device's failure. */
void hardware_note(struct hardware *hardware, int averror);
/* Brings a picture of the device into system memory; leaves others as they are. Negative AVERROR. */
int hardware_fetch(struct hardware *hardware, struct AVFrame *frame);
/* The processor is to go on: attach leaves the device out from now on. */
void hardware_give_up(struct hardware *hardware);
void hardware_release(struct hardware *hardware);

#endif
