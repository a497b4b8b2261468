/*
 * A message of NVIDIA DeepStream's converter (Gst-nvmsgconv), in either of its documented JSON schemas:
 *
 *   minimal, one a frame: "@timestamp", "sensorId", "objects": ["id|left|top|right|bottom|label...", ...]
 *   full, one an object:  "@timestamp", "sensor": {"id"}, "object": {"id", "person": {"confidence"}, "bbox":
 * {...}}
 *
 * Other members do no harm. Only people's boxes are kept; a message about a car tells that its frame was
 * seen. Pure. Written from NVIDIA's documentation of the schemas.
 */
#ifndef SCI_MEDIA_DEEPSTREAM_MESSAGE_H
#define SCI_MEDIA_DEEPSTREAM_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "core/detection.h"
#include "core/object_uri.h"

enum { DEEPSTREAM_BYTES_MAX = 1 << 20, DEEPSTREAM_OBJECTS_MAX = 2048 };

struct deepstream_message {
    bool full;
    char sensor[OBJECT_TEXT_MAX];
    int64_t time_ns;    /* "@timestamp", wall clock */
    uint64_t object_id; /* full: a hash of the object's tracking id; 0 = it has none */
    size_t count;
    struct detection *detections; /* malloc'd */
};

/* 0; 1: of another sensor than `uri` asks for (nothing is owned, only `sensor` is set). ERR_FORMAT or
 * ERR_INVALID with the field's name: "objects[2]: left: ...", "object.bbox.toplefty: missing". */
int deepstream_message_parse(const char *text, size_t size, const struct object_uri *uri,
                             struct deepstream_message *message, struct error *error);

#endif
