/*
 * The alerts that were resolved last, as they ended. The engine forgets an alert when it is resolved, the
 * store has it up to a second later; who asks in between must not be told that it is still open.
 *
 * Bounded: the oldest goes first, long after it is stored. Any thread.
 */
#ifndef SCI_SERVICE_RESOLVED_H
#define SCI_SERVICE_RESOLVED_H

#include <stddef.h>

#include "base/error.h"
#include "core/alert.h"

struct resolved; /* opaque */

struct resolved *resolved_create(void); /* NULL without memory */
void resolved_destroy(struct resolved *resolved);
void resolved_put(struct resolved *resolved, const struct alert *alert);
/* Adds them to an allocated list of alerts (may be NULL with count 0), in place of those of the same name.
 * ERR_NOMEM: the list is as it was. */
int resolved_merge(struct resolved *resolved, struct alert **alerts, size_t *count, struct error *error);

#endif
