/*
 * What waits for one WebSocket client: bounded queues, one per kind of message, each with its own answer to
 * "full" (see hub.h). No sockets, no threads: the caller locks.
 *
 * A message that goes in is referenced; one that comes out belongs to the caller.
 */
#ifndef SCI_API_OUTBOX_H
#define SCI_API_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "bus/bus.h"
#include "core/snapshot.h"

struct outbox; /* opaque */

/* `limit`: how many alerts, and how many measurements, may wait. NULL without memory. */
struct outbox *outbox_create(size_t limit);
void outbox_destroy(struct outbox *outbox);

/* False: it does not fit, and the client must be closed. */
bool outbox_put_alert(struct outbox *outbox, struct bus_message *message);
/* Returns how many older ones had to go (0 or 1); their numbers are announced by a `gap`. */
size_t outbox_put_update(struct outbox *outbox, const char *stream_id, struct bus_message *message);
void outbox_put_picture(struct outbox *outbox, const char *stream_id, struct bus_message *message);
/* Of a stream's states, only the newest waits. */
void outbox_put_state(struct outbox *outbox, const char *stream_id, struct bus_message *message);
void outbox_put_status(struct outbox *outbox, struct bus_message *message);
bool outbox_put_reply(struct outbox *outbox, struct bus_message *message); /* false: too many wait */

/* The client has seen this stream up to `seq` of `epoch` ("" = unknown): a gap up to the next update is
 * announced. */
int outbox_seen(struct outbox *outbox, const char *stream_id, const char *epoch, int64_t seq,
                struct error *error);
/* Forgets what waits of one stream (NULL: of all), for a client that does not want it any more. Alerts stay.
 */
void outbox_forget(struct outbox *outbox, const char *stream_id);

/*
 * Replay. While holding, live alerts wait apart; replayed ones are put with outbox_put_replayed, as many as
 * outbox_room says; outbox_release lets the live ones follow, without those numbered up to `last`, which were
 * replayed: neither those that wait nor those that come later.
 */
void outbox_hold(struct outbox *outbox);
size_t outbox_room(const struct outbox *outbox);
void outbox_put_replayed(struct outbox *outbox, struct bus_message *message);
void outbox_release(struct outbox *outbox, int64_t last);

/* The next message to send, NULL when there is none. Alerts first; then replies; then, in turn, the rest. */
struct bus_message *outbox_take(struct outbox *outbox, bool *binary);

#endif
