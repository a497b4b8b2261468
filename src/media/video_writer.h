/*
 * video_writer: pictures into an MP4 or Matroska file: H.264 where FFmpeg has libx264, else MPEG-4 Part 2.
 * The first picture decides the size (even sides; an odd one loses its last column or row); others are scaled
 * to it. The same pictures give the same bytes. One thread.
 */
#ifndef SCI_MEDIA_VIDEO_WRITER_H
#define SCI_MEDIA_VIDEO_WRITER_H

#include <stdint.h>

#include "base/error.h"
#include "core/picture.h"

struct video_writer;

/* Creates the file at once, so that a wrong path is known early. ERR_INVALID when the name does not end in
 * .mp4 or .mkv. `rate` is nominal (0 = unknown). */
int video_writer_open(const char *path, double rate, struct video_writer **writer, struct error *error);

/* Any format of picture, shown from stream time `stream_ns` on, which has to grow (a picture that does not
 * come later than the one before is put right behind it). */
int video_writer_add(struct video_writer *writer, const struct picture *picture, int64_t stream_ns,
                     struct error *error);

/* Ends the file and frees the writer, also when it fails: ERR_FULL, ERR_IO. Without any picture the file is
 * removed. Clears the pointer; NULL is fine. */
int video_writer_close(struct video_writer **writer, struct error *error);

#endif
