/* An alert event as bytes, for the journal. Names, not numbers of enums: the file may be read by a later
 * version. */
#ifndef SCI_ALERTING_ALERT_RECORD_H
#define SCI_ALERTING_ALERT_RECORD_H

#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"
#include "core/alert.h"

enum { ALERT_RECORD_MAX = 4096 };

void alert_record_encode(const struct alert_event *event, struct buffer *out);
/* ERR_FORMAT when the bytes are no event that could be; then *event is undefined. */
int alert_record_decode(const void *bytes, size_t size, struct alert_event *event, struct error *error);

#endif
