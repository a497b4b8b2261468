/* The opening handshake of a WebSocket (RFC 6455, section 4). */
#ifndef SCI_API_HANDSHAKE_H
#define SCI_API_HANDSHAKE_H

#include <stdbool.h>

enum { WEBSOCKET_ACCEPT_TEXT = 29 };

/* The value of Sec-WebSocket-Accept for a client's Sec-WebSocket-Key. */
void websocket_accept(const char *key, char out[WEBSOCKET_ACCEPT_TEXT]);
bool websocket_key_is_valid(const char *key); /* base64 of 16 bytes */

#endif
