/*
 * One line of the format of published detections (docs/data.md, "Detections as JSON lines"):
 *
 *   {"time": "2026-05-01T18:03:07.125Z", "width": 1920, "height": 1080,
 *    "detections": [{"x": 812.5, "y": 301, "w": 44, "h": 118, "score": 0.91}]}
 *
 * Pure. Unknown members do no harm.
 */
#ifndef SCI_MEDIA_DETECTION_LINE_H
#define SCI_MEDIA_DETECTION_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "core/detection.h"
#include "core/object_uri.h"

enum { DETECTION_LINE_BYTES_MAX = 1 << 20, DETECTIONS_MAX = 2048 };

enum line_time {
    LINE_HAS_NO_TIME,
    LINE_HAS_WALL_TIME,  /* `time` */
    LINE_HAS_STREAM_TIME /* `time_s`: from any beginning */
};

struct detection_line {
    enum line_time has;
    int64_t time_ns;
    int width, height; /* 0: not said in this line */
    size_t count;
    struct detection *detections; /* malloc'd */
};

/* `uri` says which classes are people. ERR_FORMAT or ERR_INVALID with the field's name ("detections[3].w:
 * ..."); then nothing is owned. */
int detection_line_parse(const char *text, size_t size, const struct object_uri *uri,
                         struct detection_line *line, struct error *error);
/* A box of numbers from outside, pixels. ERR_INVALID without a field's name. */
int detection_check_box(double x, double y, double w, double h, struct error *error);
/* Whether objects of this class are people; case does not matter. */
bool detection_is_person(const struct object_uri *uri, const char *name);

#endif
