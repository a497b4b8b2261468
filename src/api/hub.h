/*
 * The hub: every WebSocket client, on one thread with epoll.
 *
 * Messages come from the bus in their publishers' threads and are put, by reference, into each subscribed
 * client's own bounded queues; the hub's thread writes them as each socket takes them. What happens when a
 * client is slow: alerts        never dropped: when they no longer fit, the client is closed with 1013 and
 * resumes by `alerts_after` measurements  the oldest go, and a `gap` message says which sequence numbers,
 * before the stream's next one pictures      the newest replaces the one that waits status        the newest
 * replaces the one that waits
 *
 * The hub never waits for anybody: what may take time (reading alerts back from the store, asking the owners
 * of cameras, checking that keys are still valid) is done by a second thread, the clerk.
 */
#ifndef SCI_API_HUB_H
#define SCI_API_HUB_H

#include <stddef.h>
#include <stdint.h>

#include "api/api.h"

struct http;

struct hub_state {
    size_t clients;
    int64_t sent, dropped, overruns;
};

/* `api`'s other parts must be there already. */
int hub_start(struct api *api, struct hub **hub, struct error *error);
/* `tick(user)` is called about once a second by the clerk; NULL ends that, and no call runs when this has
 * returned. */
void hub_set_tick(struct hub *hub, void (*tick)(struct http *), struct http *user);
/* Says 1001 to everybody, waits at most two seconds, closes the sockets, joins the threads. Sockets that are
 * handed over later are closed at once. NULL is fine. */
void hub_end(struct hub *hub);
void hub_destroy(struct hub **hub); /* after hub_end, when nobody can call any more */
bool hub_is_full(struct hub *hub);  /* as many clients as server.max_clients */
/*
 * Takes over a socket that has been upgraded; `early` are bytes that had been read already.
 * `close_socket(socket_owner)` is called once when the hub is done with it, also when it refuses it
 * (ERR_CLOSED, ERR_FULL, ERR_NOMEM).
 */
int hub_adopt(struct hub *hub, int fd, const void *early, size_t early_size, const struct identity *who,
              void (*close_socket)(void *owner), void *socket_owner);
void hub_get_state(struct hub *hub, struct hub_state *state);

#endif
