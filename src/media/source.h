/*
 * The sources of this folder, by URI (the plug-point is in core/observation.h):
 *
 *   /path/clip.mp4, file:///path/clip.mp4   a video file
 *   /path/still.png, /path/folder           one image, or the images of a folder in natural order
 *   rtsp://..., rtsps://...                 a camera; RTP over TCP, or over UDP with "#udp" at the end
 *   http://..., https://...                 a video, HLS, or multipart MJPEG
 *   detections:///path                      boxes that somebody else found (core/object_uri.h)
 *   trajectories:///path                    recorded positions
 *   v4l2:///dev/video0                      a webcam of this machine
 */
#ifndef SCI_MEDIA_SOURCE_H
#define SCI_MEDIA_SOURCE_H

#include "base/error.h"
#include "core/observation.h"

/* The kind that opens this URI; NULL with ERR_INVALID (empty) or ERR_UNSUPPORTED (scheme not known here).
 * Opens nothing: a path that does not exist is a video file until it is opened. */
const struct source_kind *source_kind_for(const char *uri, struct error *error);

extern const struct source_kind source_kind_ffmpeg;       /* video files, RTSP, HTTP */
extern const struct source_kind source_kind_images;       /* one image, or the images of a folder */
extern const struct source_kind source_kind_trajectories; /* recorded positions */
extern const struct source_kind source_kind_detections;   /* JSON lines from a file or a named pipe */

#endif
