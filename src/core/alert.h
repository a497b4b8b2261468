/*
 * Alerts: rules on any published measure, and the life of what they raise.
 *
 * One alert per rule, stream and zone (or line). Its level rises once the next threshold has persisted; a
 * rise needs acknowledging again. An alert whose measure turns invalid stays raised and is blind. Every
 * change is an alert_event: it is appended to the journal, published, and stored, in this order.
 */
#ifndef SCI_CORE_ALERT_H
#define SCI_CORE_ALERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json_write.h"
#include "core/measure.h"
#include "core/zone.h"

enum alert_level { LEVEL_NONE, LEVEL_LOW, LEVEL_MEDIUM, LEVEL_HIGH, LEVEL_CRITICAL, LEVEL_COUNT };

enum {
    RULE_ACTION_MAX = 256,
    ALERT_MESSAGE_MAX = 256,
    ALERT_WHO_MAX = 65,
    ALERT_COMMENT_MAX = 256,
    ALERT_ID_SIZE = 40
};

/* Which side of a threshold is the dangerous one. Most measures have one (measure_info.low_is_bad); a speed,
 * for one, is dangerous on either: people who run, and people who cannot move on. */
enum rule_direction { RULE_OF_MEASURE, RULE_ABOVE, RULE_BELOW };

/* An immutable value out of the configuration. Thresholds that are NaN do not exist. Where low values are
 * bad (alert_rule_low_is_bad), a level is reached at or below its threshold; else at or above. */
struct alert_rule {
    char id[ID_SIZE];
    char stream[ID_SIZE]; /* "*" = every stream */
    char zone[ID_SIZE]; /* zone or line id; empty = the stream itself; "*" = every zone or line that has it */
    unsigned zone_kinds; /* with zone "*": bits 1u << enum zone_kind; 0 = every kind */
    enum measure_id measure;
    enum rule_direction direction;
    double thresholds[LEVEL_COUNT]; /* by level; [LEVEL_NONE] unused */
    int64_t for_ns[LEVEL_COUNT];    /* persistence by level */
    double clear_below;             /* clears when the value has stayed below (low is bad: above) ... */
    int64_t clear_for_ns;           /* ... for so long */
    char action[RULE_ACTION_MAX];   /* what the operator should do */
};

enum alert_state { ALERT_ACTIVE, ALERT_ACKNOWLEDGED, ALERT_RESOLVED };

enum alert_event_kind {
    ALERT_RAISED,
    ALERT_LEVEL_CHANGED,
    ALERT_BLIND_CHANGED,
    ALERT_ACKNOWLEDGED_BY,
    ALERT_RESOLVED_BY,
    ALERT_CLEARED,
    ALERT_COMMENTED
};

/* The whole alert as it stands; small and plain, so that it can be copied, journalled and compared. */
struct alert {
    char alert_id[ALERT_ID_SIZE]; /* unique for ever */
    char rule_id[ID_SIZE];
    char stream_id[ID_SIZE];
    char zone_id[ID_SIZE]; /* empty = the stream itself */
    enum measure_id measure;
    bool is_test; /* raised by an operator to prove the chain works */
    enum alert_level level, peak_level;
    enum alert_state state;
    bool blind;
    double value;                  /* latest valid value */
    double threshold;              /* of the present level */
    int64_t raised_ns, updated_ns; /* wall clock, as are all below; 0 = has not happened */
    int64_t acknowledged_ns;
    char acknowledged_by[ALERT_WHO_MAX];
    int64_t resolved_ns;
    char resolved_by[ALERT_WHO_MAX]; /* "system" when it cleared by itself */
    char resolved_reason[ALERT_COMMENT_MAX];
    char comment[ALERT_COMMENT_MAX]; /* latest */
    char message[ALERT_MESSAGE_MAX]; /* one sentence for the operator */
    char action[RULE_ACTION_MAX];
    char picture[ID_SIZE + 32]; /* file name of the still under pictures/, empty when there is none */
};

/* One change. `version` counts an alert's changes from 1: a later version holds all of the earlier ones. */
struct alert_event {
    enum alert_event_kind kind;
    int64_t version;
    int64_t seq;             /* number given by the store over all streams; 0 = not stored yet */
    char who[ALERT_WHO_MAX]; /* empty = the system */
    struct alert alert;
};

bool alert_rule_low_is_bad(const struct alert_rule *rule);

const char *alert_level_name(enum alert_level level);             /* "LOW", ... "CRITICAL" */
int alert_level_parse(const char *name, enum alert_level *level); /* 0 or ERR_INVALID */
const char *alert_state_name(enum alert_state state);             /* "active", "acknowledged", "resolved" */
int alert_state_parse(const char *name, enum alert_state *state);
const char *alert_event_kind_name(enum alert_event_kind kind);

/* The alert's members (the caller has begun the object). */
void alert_write_json(struct json_writer *w, const struct alert *alert);
/* The whole WebSocket message {"type": "alert", "schema": 1, "seq": n | null, "event": kind, ...}. */
void alert_event_write_json(struct json_writer *w, const struct alert_event *event);

#endif
