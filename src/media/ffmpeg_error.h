/*
 * FFmpeg's error numbers in our words, and its log kept silent: its lines may hold addresses with
 * credentials, and whoever handles an error logs it. Thread-safe.
 */
#ifndef SCI_MEDIA_FFMPEG_ERROR_H
#define SCI_MEDIA_FFMPEG_ERROR_H

#include "base/error.h"

/* Once per process is enough; may be called again, from any thread. Every function that opens something calls
 * it. */
void ffmpeg_init(void);

/* The code of error.h for a negative AVERROR. ERR_END for the end of the data. */
int ffmpeg_error_code(int averror);

/* Fills `error` with "what: why" and the code. */
int ffmpeg_error_set(struct error *error, int averror, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
