/*
 * HTTP: the wrapper of libmicrohttpd. An external pool of threads serves connections with epoll; a request is
 * handed to the router twice (api_begin on its headers, api_finish on its whole body) and its answer is
 * queued on the library's second call: queueing on the first closes the connection and costs five times.
 *
 * Bodies: what does not fit server.max_body_bytes is refused with 413 and never kept. A client that asks
 * first (Expect: 100-continue) or announces more than HTTP_DRAIN_BYTES is answered at once and its connection
 * closed; else the rest is read and thrown away, because a connection that is closed on unread bytes is
 * reset, and the client would never see the answer.
 */
#ifndef SCI_API_HTTP_HTTP_H
#define SCI_API_HTTP_HTTP_H

#include "api/api.h"

enum { HTTP_DRAIN_BYTES = 16 << 20, HTTP_IDLE_S = 30 };

struct http; /* opaque */

/* ERR_CONFLICT: the port is in use. On failure *http stays NULL. */
int http_start(struct api *api, struct http **http, struct error *error);
/* No new connections from now on; what runs goes on. */
void http_refuse(struct http *http);
/* Ends live pictures, finishes what is under way and joins the threads. WebSockets must be closed before
 * (hub_end). */
void http_stop(struct http **http);
int http_port(const struct http *http);
/* To be called about once a second: ends live pictures of cameras that have given none for long. */
void http_tick(struct http *http);

#endif
