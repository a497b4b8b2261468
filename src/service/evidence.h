/*
 * Stills and clips of alerts on disk: they live as long as their alert. A still or clip whose alert the store
 * does not know any more, which its retention has deleted, is deleted too.
 */
#ifndef SCI_SERVICE_EVIDENCE_H
#define SCI_SERVICE_EVIDENCE_H

#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

/* Files this young are left: their alert may not be stored yet. */
#define EVIDENCE_YOUNG_NS (600 * NS_PER_S)

/* "ALERT_ID.jpg" or "ALERT_ID.mp4"; other files are not looked at. Returns how many were deleted; stops, and
 * deletes nothing more, when the store fails. `is_open` says whether an alert is known to be open. */
size_t evidence_sweep(const char *folder, struct store_handle store, int64_t now_wall_ns,
                      bool (*is_open)(void *user, const char *alert_id), void *user);

#endif
