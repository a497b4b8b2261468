/* A small HTTP and WebSocket client on a plain socket, which can also be rude. Every call asserts, and gives
 * up after ten seconds. */
#ifndef SCI_TESTS_API_CLIENT_H
#define SCI_TESTS_API_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

struct client {
    int fd;
    struct buffer in; /* what was received and not taken yet */
};

void client_open(struct client *c, int port, int receive_bytes); /* > 0: size of the receive buffer */
void client_close(struct client *c);
void client_send(struct client *c, const void *bytes, size_t size);
void client_printf(struct client *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Receives until `size` bytes are there; false at the end of the connection. */
bool client_need(struct client *c, size_t size);
/* Receives until `text` is there; returns its position behind it. Asserts. */
size_t client_until(struct client *c, const char *text);
void client_take(struct client *c, size_t size); /* forgets the first bytes */

/* One answer: status; its body (Content-Length) is at *body, NUL-terminated, until the next call. */
int client_answer(struct client *c, const char **body);

/* Opens a WebSocket with a key; returns the status of the handshake (101). */
int client_upgrade(struct client *c, int port, const char *key, int receive_bytes);
void client_frame(struct client *c, unsigned first_byte, bool mask, const void *bytes, size_t size);
void client_say(struct client *c, const char *text); /* one text frame */

struct frame {
    unsigned opcode;
    size_t size;
    const char *bytes; /* NUL-terminated, until the next call */
};
/* The next frame that is not a ping. False: the connection ended. */
bool client_receive(struct client *c, struct frame *frame);
/* Receives until a text message has "type": type; others are passed over. Asserts. */
const char *client_expect(struct client *c, const char *type);
/* Receives until the close frame; returns its code, 0 when the connection ends without one. */
int client_expect_close(struct client *c);

#endif
