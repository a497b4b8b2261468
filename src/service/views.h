/*
 * views: what the cameras' views are recognised by (vision/picture_health.h), kept over a restart, so that a
 * camera that was moved while the service was down is noticed. A file per camera, FOLDER/STREAM_ID.view: a
 * struct of fixed size with its format's number, the address it belongs to (hashed) and a checksum. One that
 * is damaged, of another format or of another address counts as none.
 *
 * Threads: all from any thread. views_keep only copies; views_write, called now and then, goes to the disk.
 */
#ifndef SCI_SERVICE_VIEWS_H
#define SCI_SERVICE_VIEWS_H

#include "config/config.h"
#include "vision/picture_health.h"

struct views; /* opaque */

/* NULL without memory. The folder is made when it is needed. */
struct views *views_create(const char *folder);
void views_destroy(struct views *views); /* writes what is left; NULL is fine */

void views_keep(struct views *views, const struct stream_config *stream, const struct health_memory *memory);
/* False when nothing is known. `recent`: it was kept less than an hour ago. */
bool views_find(struct views *views, const struct stream_config *stream, struct health_memory *memory,
                bool *recent);
void views_forget(struct views *views, const char *stream_id);
void views_write(struct views *views);

#endif
