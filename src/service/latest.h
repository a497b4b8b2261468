/*
 * The newest of each stream: its picture with the number of the snapshot it belongs to, where its density
 * grid lies, and who watches. Fed by workers, read by the API. Thread-safe.
 */
#ifndef SCI_SERVICE_LATEST_H
#define SCI_SERVICE_LATEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "core/snapshot.h"

struct latest; /* opaque */

struct latest_grid {
    double origin_x, origin_y, cell_m;
    int columns, rows; /* 0 = there is none */
};

struct latest *latest_create(void); /* NULL without memory */
void latest_destroy(struct latest *latest);

int latest_add(struct latest *latest, const char *stream_id, struct error *error);
void latest_remove(struct latest *latest, const char *stream_id);

void latest_put(struct latest *latest, const struct snapshot *snapshot, struct picture *picture);
/* A reference of the newest picture (picture_unref), its seq and grid. ERR_NOT_FOUND: no such stream;
 * ERR_CONFLICT: no picture yet. */
int latest_get(struct latest *latest, const char *stream_id, struct picture **picture, int64_t *seq,
               int64_t *capture_wall_ns, struct error *error);
bool latest_get_grid(struct latest *latest, const char *stream_id, struct latest_grid *grid);

/* Somebody wants live pictures for the next `for_ns`. ERR_NOT_FOUND. */
int latest_watch(struct latest *latest, const char *stream_id, int64_t for_ns, struct error *error);
bool latest_is_watched(struct latest *latest, const char *stream_id);

#endif
