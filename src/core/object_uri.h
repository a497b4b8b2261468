/*
 * The addresses of sources that are not pictures:
 *
 *   detections:///path/boxes.jsonl            boxes that somebody else found, as JSON lines in a file or a
 * named pipe (docs/data.md) trajectories:///path/people.txt           recorded positions (core/trajectory.h)
 *   deepstream://[USER:PASSWORD@]HOST[:PORT]/STREAM?sensor=ID&size=WIDTHxHEIGHT
 *                                             an NVIDIA DeepStream application's messages in a Redis stream
 *
 * Options follow "?" as name=value with "&" between them; %XX is decoded in paths and values. Pure.
 */
#ifndef SCI_CORE_OBJECT_URI_H
#define SCI_CORE_OBJECT_URI_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum object_source { OBJECT_NONE, OBJECT_DETECTIONS, OBJECT_TRAJECTORIES, OBJECT_DEEPSTREAM };

enum { OBJECT_PATH_MAX = 4096, OBJECT_TEXT_MAX = 256, OBJECT_CLASSES_MAX = 8, OBJECT_CLASS_MAX = 32 };

struct object_uri {
    enum object_source source;
    char path[OBJECT_PATH_MAX]; /* files: absolute. deepstream: the key of the Redis stream */

    int64_t max_age_ns; /* max_age: what is older when it arrives is skipped; 5 s (deepstream: 2 s) */
    bool arrival_clock; /* clock=arrival: the time stamps are not believed; detections only */
    double unit_m;      /* unit=m or cm; 0 = as the file says; trajectories only */
    char columns[64];   /* columns=id,frame,x,y; trajectories only */

    /* deepstream */
    char host[OBJECT_TEXT_MAX], user[OBJECT_TEXT_MAX], password[OBJECT_TEXT_MAX];
    int port;                     /* 6379 */
    char sensor[OBJECT_TEXT_MAX]; /* whose objects; empty = the stream holds one sensor's alone */
    char field[OBJECT_TEXT_MAX];  /* of the stream's entries that holds the message; "metadata" */
    int width, height;            /* the picture that the boxes belong to, pixels */
    int64_t empty_for_ns;         /* empty_for: for so long silence means that nobody is there; 0 */
    int class_count;              /* class=NAME,...: which objects are people; person, pedestrian */
    char classes[OBJECT_CLASSES_MAX][OBJECT_CLASS_MAX];
};

enum object_source object_uri_source(const char *uri); /* by its scheme; OBJECT_NONE for all others */
/* ERR_INVALID with what is wrong and, where it is an option, its name. */
int object_uri_parse(const char *uri, struct object_uri *out, struct error *error);

#endif
