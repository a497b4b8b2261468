/*
 * webcam: a camera of this machine by Video4Linux: v4l2:///dev/video0, with what is asked of it in the query,
 * "?size=1280x720&rate=30&format=mjpeg" (each may be left out: then the device chooses).
 *
 * FFmpeg's device library draws in much of a desktop, so it is loaded when the first webcam is opened and not
 * linked. Thread-safe.
 */
#ifndef SCI_MEDIA_WEBCAM_H
#define SCI_MEDIA_WEBCAM_H

#include "base/error.h"
#include "media/address.h"

struct AVDictionary;
struct AVInputFormat;

/* What FFmpeg is to open, and how. ERR_INVALID: the address is wrong; ERR_NOT_FOUND: there is no such device;
 * ERR_FORMAT: it is no camera; ERR_UNSUPPORTED: the library is not installed. `shown` is the address for
 * messages. */
int webcam_plan(const char *uri, const char *shown, char path[ADDRESS_MAX], struct AVDictionary **how,
                const struct AVInputFormat **format, struct error *error);

/* Sets `error` for what FFmpeg said when it opened a device. */
int webcam_failed(const char *shown, int averror, struct error *error);

#endif
