/*
 * bus: topics and bytes. Nobody parses what it only forwards. Implementations: memory (in-process), later
 * Redis.
 *
 * Topics:
 *   stream/<stream_id>   stream_update messages (JSON text)
 *   picture/<stream_id>  live pictures: one JSON header line, a newline, the JPEG
 *   alert/<stream_id>    alert messages (JSON text); alert/ for those of no stream (everybody gets them)
 *   state/<stream_id>    stream_state messages (JSON text)
 *
 * Keys with a time-to-live (row P2): watch/<stream_id> says that somebody looks at the camera's pictures;
 * stream_data/<id> holds the newest stream_update; ...
 *
 * A message is reference-counted and immutable, so that a hub with a hundred clients copies nothing.
 * Threads: every call may come from any thread. `deliver` runs in the publisher's thread (memory) or in the
 * bus's own (Redis): it must not block and must not call back into the bus's publish, subscribe or
 * unsubscribe.
 */
#ifndef SCI_BUS_BUS_H
#define SCI_BUS_BUS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

enum { BUS_TOPIC_MAX = 96 };

struct bus_message {
    atomic_int references;
    char topic[BUS_TOPIC_MAX];
    /* For the receiver's own bookkeeping: seq of stream_update and picture; the store's number of an alert
     * (0: not stored yet), by which a hub knows what it has replayed already; else 0. */
    int64_t number;
    size_t size;
    char bytes[]; /* followed by a NUL */
};

struct bus_message *bus_message_create(const char *topic, int64_t number, const void *bytes,
                                       size_t size); /* NULL: no memory */
struct bus_message *bus_message_ref(struct bus_message *message);
void bus_message_unref(struct bus_message **message);

typedef void bus_deliver(void *user, struct bus_message *message); /* lent; ref it to keep it */

struct bus; /* opaque */
struct bus_subscription;

struct bus_kind {
    const char *name;
    int (*open)(const char *url, struct bus **bus, struct error *error);
    void (*close)(struct bus **bus);
    int (*publish)(struct bus *bus, struct bus_message *message, struct error *error);
    int (*subscribe)(struct bus *bus, const char *prefix, bus_deliver *deliver, void *user,
                     struct bus_subscription **subscription,
                     struct error *error); /* all topics that start with prefix */
    void (*unsubscribe)(struct bus *bus,
                        struct bus_subscription **subscription); /* no delivery runs after it returns */
    /* ttl_ns 0: until it is set again. ERR_FULL when the bus holds as many keys as it may. */
    int (*set)(struct bus *bus, const char *key, const void *bytes, size_t size, int64_t ttl_ns,
               struct error *error);
    int (*get)(struct bus *bus, const char *key, struct buffer *out,
               struct error *error); /* ERR_NOT_FOUND when absent or expired */
    bool (*alive)(struct bus *bus);
};

extern const struct bus_kind bus_memory;

/* What everybody holds: the implementation and its state. */
struct bus_handle {
    const struct bus_kind *kind;
    struct bus *bus;
};

#endif
