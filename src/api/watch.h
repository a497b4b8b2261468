/*
 * Which cameras somebody looks at. Counts viewers per stream; `watch_renew`, called every 5 s, tells the
 * owner of each watched camera (control.watch), who encodes live pictures only while he is told. Thread-safe.
 */
#ifndef SCI_API_WATCH_H
#define SCI_API_WATCH_H

#include "base/error.h"
#include "service/control.h"

struct watch; /* opaque */

struct watch *watch_create(struct control control); /* NULL without memory */
void watch_destroy(struct watch *watch);
/* A viewer comes: the owner is told at the next renewal, at the latest. ERR_NOMEM. */
int watch_add(struct watch *watch, const char *stream_id, struct error *error);
void watch_remove(struct watch *watch, const char *stream_id); /* a viewer goes */
void watch_renew(struct watch *watch); /* may block as long as control does: not from the hub's thread */

#endif
