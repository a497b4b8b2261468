/* GET /ws: the opening handshake. */
#include <string.h>
#include <strings.h>

#include "api/handshake.h"
#include "api/hub.h"
#include "api/problem.h"
#include "api/resources.h"

int websocket_open(struct api *api, struct request *request, struct answer *answer, struct error *error)
{
    (void)error;
    const struct request_headers *h = &request->header;
    if (h->upgrade == NULL || strcasecmp(h->upgrade, "websocket") != 0 || request->method != METHOD_GET) {
        problem_write(answer, 426, "this is a WebSocket: connect with Upgrade: websocket");
        answer_header(answer, "Upgrade", "websocket");
        return 0;
    }
    if (h->websocket_version == NULL || strcmp(h->websocket_version, "13") != 0) {
        problem_write(answer, 426, "only version 13 of the WebSocket protocol is spoken");
        answer_header(answer, "Sec-WebSocket-Version", "13");
        return 0;
    }
    if (!websocket_key_is_valid(h->websocket_key)) {
        problem_write(answer, 400, "Sec-WebSocket-Key is not the base64 of 16 bytes");
        return 0;
    }
    if (hub_is_full(api->hub)) {
        problem_write(answer, 503, "as many WebSocket clients as server.max_clients allows are connected");
        answer_header(answer, "Retry-After", "10");
        return 0;
    }
    char accept[WEBSOCKET_ACCEPT_TEXT];
    websocket_accept(h->websocket_key, accept);
    answer->kind = ANSWER_WEBSOCKET;
    answer->status = 101;
    answer_header(answer, "Upgrade", "websocket");
    answer_header(answer, "Sec-WebSocket-Accept", "%s", accept);
    return 0;
}
