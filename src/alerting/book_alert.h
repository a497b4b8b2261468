/* The changes of one alert, as values: who may do what to which field. book.c decides when. */
#ifndef SCI_ALERTING_BOOK_ALERT_H
#define SCI_ALERTING_BOOK_ALERT_H

#include "base/clock.h"
#include "core/alert.h"

void alert_begin(struct alert *alert, const struct alert_rule *rule, const char *stream_id,
                 const char *zone_id, struct instant now);
void alert_begin_test(struct alert *alert, const char *who, struct instant now);
void alert_set_level(struct alert *alert, const struct alert_rule *rule, enum alert_level level,
                     double value);
void alert_acknowledge(struct alert *alert, const char *who, struct instant now);
/* A rise needs acknowledging again; who had done it before is in the history. */
void alert_unacknowledge(struct alert *alert);
void alert_event_resolve(struct alert_event *event, const char *who, const char *reason, struct instant now);
/* The next version of it. */
void alert_event_advance(struct alert_event *event, enum alert_event_kind kind, const char *who,
                         struct instant now);

#endif
