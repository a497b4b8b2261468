#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "client.h"

void client_open(struct client *c, int port, int receive_bytes)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct timeval limit = {.tv_sec = 10};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *c = (struct client){.fd = socket(AF_INET, SOCK_STREAM, 0)};
    assert_true(c->fd >= 0);
    if (receive_bytes > 0)
        assert_int_equal(setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes), 0);
    assert_int_equal(setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    assert_int_equal(setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit), 0);
    assert_int_equal(connect(c->fd, (struct sockaddr *)&address, sizeof address), 0);
}

void client_close(struct client *c)
{
    close(c->fd);
    buffer_free(&c->in);
}

void client_send(struct client *c, const void *bytes, size_t size)
{
    const char *at = bytes;
    while (size > 0) {
        ssize_t sent = send(c->fd, at, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* the server hung up: what it said is still to be read */
        at += sent;
        size -= (size_t)sent;
    }
}

void client_printf(struct client *c, const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    int size = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    assert_in_range(size, 0, sizeof text - 1);
    client_send(c, text, (size_t)size);
}

static bool more(struct client *c)
{
    char *room = buffer_reserve(&c->in, 65536);
    assert_non_null(room);
    ssize_t count = recv(c->fd, room, 65536, 0);
    if (count < 0 && errno == EAGAIN)
        fail_msg("nothing came for ten seconds");
    if (count <= 0)
        return false;
    c->in.size += (size_t)count;
    c->in.data[c->in.size] = '\0';
    return true;
}

bool client_need(struct client *c, size_t size)
{
    while (c->in.size < size) {
        if (!more(c))
            return false;
    }
    return true;
}

size_t client_until(struct client *c, const char *text)
{
    for (;;) {
        char *found = c->in.size > 0 ? memmem(c->in.data, c->in.size, text, strlen(text)) : NULL;
        if (found != NULL)
            return (size_t)(found - c->in.data) + strlen(text);
        if (!more(c))
            fail_msg("the connection ended before '%s'", text);
    }
}

void client_take(struct client *c, size_t size)
{
    assert_true(size <= c->in.size);
    memmove(c->in.data, c->in.data + size, c->in.size - size);
    c->in.size -= size;
    c->in.data[c->in.size] = '\0';
}

int client_answer(struct client *c, const char **body)
{
    static char kept[1 << 20];
    size_t head = client_until(c, "\r\n\r\n");
    int status = atoi(c->in.data + strlen("HTTP/1.1 "));
    const char *length = strcasestr(c->in.data, "\r\nContent-Length: ");
    size_t size = length != NULL && length < c->in.data + head ? (size_t)atoi(length + 18) : 0;
    assert_true(size < sizeof kept);
    assert_true(client_need(c, head + size));
    memcpy(kept, c->in.data + head, size);
    kept[size] = '\0';
    client_take(c, head + size);
    *body = kept;
    return status;
}

int client_upgrade(struct client *c, int port, const char *key, int receive_bytes)
{
    client_open(c, port, receive_bytes);
    client_printf(
        c,
        "GET /ws HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        key);
    size_t head = client_until(c, "\r\n\r\n");
    int status = atoi(c->in.data + strlen("HTTP/1.1 "));
    if (status == 101) /* RFC 6455, section 1.3 */
        assert_non_null(strstr(c->in.data, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    client_take(c, head);
    return status;
}

void client_frame(struct client *c, unsigned first_byte, bool mask, const void *bytes, size_t size)
{
    uint8_t head[14] = {(uint8_t)first_byte};
    static const uint8_t key[4] = {0x37, 0xfa, 0x21, 0x3d};
    size_t at = 2;
    if (size < 126) {
        head[1] = (uint8_t)size;
    } else if (size < 65536) {
        head[1] = 126;
        head[2] = (uint8_t)(size >> 8);
        head[3] = (uint8_t)size;
        at = 4;
    } else {
        head[1] = 127;
        for (size_t i = 0; i < 8; i++)
            head[2 + i] = (uint8_t)((uint64_t)size >> (56 - 8 * i));
        at = 10;
    }
    uint8_t *out = malloc(at + 4 + size);
    assert_non_null(out);
    if (mask) {
        head[1] |= 0x80;
        memcpy(head + at, key, 4);
        at += 4;
    }
    memcpy(out, head, at);
    for (size_t i = 0; i < size; i++)
        out[at + i] = (uint8_t)(((const uint8_t *)bytes)[i] ^ (mask ? key[i % 4] : 0));
    client_send(c, out, at + size);
    free(out);
}

void client_say(struct client *c, const char *text)
{
    client_frame(c, 0x81, true, text, strlen(text));
}

static bool receive_any(struct client *c, struct frame *frame)
{
    static char kept[1 << 20];
    if (!client_need(c, 2))
        return false;
    const uint8_t *head = (const uint8_t *)c->in.data;
    size_t size = head[1] & 0x7f, at = size == 127 ? 10 : size == 126 ? 4 : 2;
    assert_false(head[1] & 0x80); /* a server does not mask */
    if (!client_need(c, at))
        return false;
    head = (const uint8_t *)c->in.data;
    if (at > 2) {
        size = 0;
        for (size_t i = 2; i < at; i++)
            size = size << 8 | head[i];
    }
    assert_true(size < sizeof kept);
    if (!client_need(c, at + size))
        return false;
    frame->opcode = (uint8_t)c->in.data[0] & 15;
    frame->size = size;
    memcpy(kept, c->in.data + at, size);
    kept[size] = '\0';
    frame->bytes = kept;
    client_take(c, at + size);
    return true;
}

bool client_receive(struct client *c, struct frame *frame)
{
    do {
        if (!receive_any(c, frame))
            return false;
    } while (frame->opcode == 9);
    return true;
}

const char *client_expect(struct client *c, const char *type)
{
    char wanted[64];
    struct frame frame;
    text_format(wanted, sizeof wanted, "{\"type\":\"%s\"", type);
    for (;;) {
        if (!client_receive(c, &frame))
            fail_msg("the connection ended before a message of type %s", type);
        if (frame.opcode == 8)
            fail_msg("closed before a message of type %s: %s", type, frame.size > 2 ? frame.bytes + 2 : "");
        if (frame.opcode == 1 && text_starts_with(frame.bytes, wanted))
            return frame.bytes;
    }
}

int client_expect_close(struct client *c)
{
    struct frame frame;
    while (client_receive(c, &frame)) {
        if (frame.opcode == 8)
            return frame.size >= 2 ? (uint8_t)frame.bytes[0] << 8 | (uint8_t)frame.bytes[1] : 1005;
    }
    return 0;
}
