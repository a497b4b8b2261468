/*
 * live.mjpg: pictures from the bus to HTTP connections that are suspended in between, so that no thread waits
 * for a picture. A viewer holds one picture that is being sent and the newest one that came meanwhile.
 *
 * Inside the wrapper of libmicrohttpd. Thread-safe.
 */
#ifndef SCI_API_HTTP_LIVE_H
#define SCI_API_HTTP_LIVE_H

#include "api/api.h"

struct MHD_Connection;
struct MHD_Response;
struct live; /* opaque */

int live_create(struct api *api, struct live **live, struct error *error);
/* A response that goes on until the client leaves or there was no picture for LIVE_SILENCE_S. NULL without
 * memory. */
struct MHD_Response *live_response(struct live *live, const char *stream_id,
                                   struct MHD_Connection *connection);
void live_tick(struct live *live);
/* Every response ends; no connection is or gets suspended afterwards. */
void live_end(struct live *live);
void live_destroy(struct live **live); /* after the daemon has stopped */

enum { LIVE_SILENCE_S = 30 };

#endif
