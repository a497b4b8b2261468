/* Rules, samples and a virtual clock for the tests of alerting. */
#ifndef SCI_TESTS_ALERT_FIXTURE_H
#define SCI_TESTS_ALERT_FIXTURE_H

#include "alerting/sample.h"
#include "core/alert.h"
#include "core/snapshot.h"

#define WALL_START (INT64_C(1800000000) * NS_PER_S)

/* density_peak in zone "north" of every stream: LOW 1.6, MEDIUM 2, HIGH 3.5, CRITICAL 5; 10 s, CRITICAL 5 s;
 * clear below 1.36 for 30 s. */
struct alert_rule fixture_density_rule(void);
/* picture_age of every stream: HIGH at 5 s, at once; clear below 4 s for 5 s. */
struct alert_rule fixture_lost_rule(void);

/* Both clocks, `ms` after the start. */
struct instant fixture_instant(int64_t ms);

/* A snapshot of one stream with zone "north" (moving), zone "stage" (standing) and line "door". Lives as long
 * as the thread. */
struct snapshot fixture_alert_snapshot(const char *stream_id, struct instant capture,
                                       struct measure density_north);

struct alert_event fixture_event(int number, int64_t version, enum alert_state state);

#endif
