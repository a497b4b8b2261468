/* What the files of the ring share. Nobody else includes it. */
#ifndef SCI_MEDIA_RING_INTERNAL_H
#define SCI_MEDIA_RING_INTERNAL_H

#include "core/zone.h"
#include "media/ring.h"

#define RING_SUFFIX ".mkv"

struct ring_camera {
    char stream_id[ID_SIZE];
    struct ring_segment *segments; /* in the order in which they were begun */
    size_t count, capacity;
    int64_t bytes;
};

struct ring {
    char folder[1024];
    struct ring_camera **cameras;
    size_t count, capacity;
    int64_t bytes;
    size_t segments;
};

/* NULL: nothing of it is known. */
struct ring_camera *ring_find_camera(const struct ring *ring, const char *stream_id);
/* The one that is there, or a new one; NULL without memory. */
struct ring_camera *ring_make_camera(struct ring *ring, const char *stream_id);
void ring_forget(struct ring *ring); /* all cameras; leaves the files */
void ring_free_camera(struct ring_camera *camera);
/* As the youngest of the camera. ERR_NOMEM. */
int ring_add_segment(struct ring *ring, struct ring_camera *camera, const struct ring_segment *segment);

void ring_segment_path(const struct ring *ring, const struct ring_camera *camera, int64_t start_ns,
                       char path[RING_PATH_MAX]);
void ring_camera_path(const struct ring *ring, const char *stream_id, char path[RING_PATH_MAX]);

#endif
