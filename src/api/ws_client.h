/*
 * One WebSocket connection: the wrapper of wslay. Speaks the protocol on a socket that is not to block,
 * assembles messages, answers pings, closes. Used by the hub's thread alone.
 *
 * `on_message` gets each whole text message; `next` is asked for something to send whenever the connection
 * can take it.
 */
#ifndef SCI_API_WS_CLIENT_H
#define SCI_API_WS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "bus/bus.h"

/* Status codes of RFC 6455, section 7.4.1, and 1013 of the IANA registry. */
enum ws_close_code {
    WS_GOING_AWAY = 1001,
    WS_PROTOCOL_ERROR = 1002,
    WS_UNSUPPORTED = 1003,
    WS_POLICY = 1008,
    WS_TRY_AGAIN_LATER = 1013
};

struct ws_events {
    void (*on_message)(void *user, const char *text, size_t size);
    /* The next message and whether it is binary; NULL: nothing. The connection unrefs it. */
    struct bus_message *(*next)(void *user, bool *binary);
    void *user;
};

struct ws_client; /* opaque */

/* Copies `early`. Does not own the socket. */
int ws_client_create(int fd, const void *early, size_t early_size, const struct ws_events *events,
                     struct ws_client **client, struct error *error);
void ws_client_destroy(struct ws_client **client);

/* Reads and writes what the socket gives and takes now. False: the connection is over and is to be destroyed.
 */
bool ws_client_run(struct ws_client *client, bool readable);
bool ws_client_wants_write(const struct ws_client *client); /* bytes wait for the socket */
void ws_client_close(struct ws_client *client, int code,
                     const char *reason); /* once; later ones do nothing */
bool ws_client_is_closing(const struct ws_client *client);
void ws_client_ping(struct ws_client *client);
int64_t ws_client_heard_ns(const struct ws_client *client); /* when bytes came last, monotonic */

#endif
