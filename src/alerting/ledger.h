/*
 * The ledger: every change of an alert until it is safe in both places, the journal (before it is published)
 * and the store (when it answers). It keeps in memory what the store has not confirmed, and writes the
 * journal anew from that and the open alerts when it is full. So the journal alone is enough to know all open
 * alerts after a crash, whatever the store has.
 *
 * Bounds: the journal's size, and LEDGER_EVENTS_MAX events in memory. When the store is away for so long that
 * they do not fit, changes that a later one of the same alert contains go first.
 *
 * Not thread-safe: it belongs to the alert thread.
 */
#ifndef SCI_ALERTING_LEDGER_H
#define SCI_ALERTING_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "core/alert.h"

enum { LEDGER_EVENTS_MAX = 8192 };

struct ledger; /* opaque */

struct ledger_options {
    const char *journal_path;
    size_t journal_bytes;
    /* The open alerts' newest events; malloc'd, freed by the ledger. 0 or ERR_NOMEM. */
    int (*list_open)(void *user, struct alert_event **events, size_t *count);
    void *user;
};

/* A file that is no journal is put aside as PATH.damaged and a new one begun; *damaged says so. */
int ledger_open(const struct ledger_options *options, struct ledger **ledger, bool *damaged,
                struct error *error);
void ledger_close(struct ledger **ledger);

/* The events that the journal held at opening, oldest first; until closing. */
const struct alert_event *ledger_found(const struct ledger *ledger, size_t *count);

/* One of those that the store may not have: it is handed over again. ERR_NOMEM. */
int ledger_keep(struct ledger *ledger, const struct alert_event *event);

/* Never fails towards the caller: what cannot be journalled now is tried again by later commits. */
void ledger_add(struct ledger *ledger, const struct alert_event *event);
/* 0: all that was added is safe. Negative: it is not, and why. Tries again at most once a second. */
int ledger_commit(struct ledger *ledger, int64_t now_mono_ns, struct error *error);

/* Hands over, in order, what was not handed over yet, until `to_store` says no. */
void ledger_send(struct ledger *ledger, int (*to_store)(void *user, const struct alert_event *event),
                 void *user);
/* One version of an alert. */
struct ledger_name {
    char alert_id[ALERT_ID_SIZE];
    int64_t version;
};
/* The store has these. Quick when they come in the order in which they were handed over. */
void ledger_stored(struct ledger *ledger, const struct ledger_name *names, size_t count);

size_t ledger_waiting(const struct ledger *ledger); /* not confirmed by the store */
size_t ledger_lost(const struct ledger *ledger);    /* given up, since opening */

#endif
