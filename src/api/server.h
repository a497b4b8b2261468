/*
 * The API server: HTTP (libmicrohttpd), router, authentication, one file per resource, WebSocket hub,
 * OpenAPI, metrics, and the dashboard's files, which are embedded in the binary. It keeps no state of its own
 * beside connections and sessions in the store.
 *
 * Threads: the server starts its own (HTTP pool, hub). `api_server_stop` ends them: requests under way are
 * finished or refused, WebSocket clients closed with 1001.
 */
#ifndef SCI_API_SERVER_H
#define SCI_API_SERVER_H

#include "base/error.h"
#include "bus/bus.h"
#include "config/config.h"
#include "service/control.h"
#include "store/store.h"

struct api_server; /* opaque */

struct api_server_options {
    const struct config *config; /* server.* ; lent for the server's life */
    struct control control;
    struct store_handle store;
    struct bus_handle bus;
};

/* ERR_CONFLICT "port 8000 on 127.0.0.1 is in use" and the like. */
int api_server_start(const struct api_server_options *options, struct api_server **server,
                     struct error *error);
void api_server_stop(struct api_server **server);
int api_server_port(const struct api_server *server); /* the port that is bound (configuration may say 0) */

#endif
