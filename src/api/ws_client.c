#include "api/ws_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wslay/wslay.h>

#include "api/subscription.h"
#include "base/clock.h"

/* One client may not keep the hub's thread for longer than this takes; the rest is read at the next turn. */
enum { READ_BUDGET = 64 * 1024 };

struct ws_client {
    int fd;
    wslay_event_context_ptr wslay;
    struct ws_events events;
    char *early;
    size_t early_size, early_at;
    size_t budget;
    bool closing, broken, invalid;
    int64_t heard_ns;
};

static ssize_t take_early(struct ws_client *c, uint8_t *out, size_t room)
{
    size_t count = c->early_size - c->early_at;
    if (count > room)
        count = room;
    memcpy(out, c->early + c->early_at, count);
    c->early_at += count;
    return (ssize_t)count;
}

static ssize_t receive(wslay_event_context_ptr wslay, uint8_t *out, size_t room, int flags, void *user)
{
    (void)flags;
    struct ws_client *c = user;
    if (c->early_at < c->early_size)
        return take_early(c, out, room);
    if (room > c->budget)
        room = c->budget;
    ssize_t count = room > 0 ? recv(c->fd, out, room, 0) : -1;
    if (count > 0) {
        c->budget -= (size_t)count;
        c->heard_ns = clock_monotonic_ns();
        return count;
    }
    if (count < 0 && (room == 0 || errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        wslay_event_set_error(wslay, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    c->broken = true;
    wslay_event_set_error(wslay, WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

/* wslay answers a frame whose head is wrong with a close frame that has no code; RFC 6455, 7.1.7, asks for
 * one. No message of ours ends with these two bytes: JSON ends with a bracket, a picture with its end marker.
 */
static bool is_empty_close(const uint8_t *bytes, size_t size)
{
    return size == 2 && bytes[0] == 0x88 && bytes[1] == 0;
}

static ssize_t send_bytes(wslay_event_context_ptr wslay, const uint8_t *bytes, size_t size, int flags,
                          void *user)
{
    static const uint8_t protocol_error[] = {0x88, 2, WS_PROTOCOL_ERROR >> 8, WS_PROTOCOL_ERROR & 255};
    struct ws_client *c = user;
    if (c->invalid && is_empty_close(bytes, size)) {
        c->broken = send(c->fd, protocol_error, sizeof protocol_error, MSG_NOSIGNAL) != sizeof protocol_error;
        return (ssize_t)size;
    }
    ssize_t count = send(c->fd, bytes, size, MSG_NOSIGNAL | (flags & WSLAY_MSG_MORE ? MSG_MORE : 0));
    if (count >= 0)
        return count;
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
        wslay_event_set_error(wslay, WSLAY_ERR_WOULDBLOCK);
    } else {
        c->broken = true;
        wslay_event_set_error(wslay, WSLAY_ERR_CALLBACK_FAILURE);
    }
    return -1;
}

static void on_message(wslay_event_context_ptr wslay, const struct wslay_event_on_msg_recv_arg *message,
                       void *user)
{
    (void)wslay;
    struct ws_client *c = user;
    if (c->closing)
        return;
    if (message->opcode == WSLAY_TEXT_FRAME)
        c->events.on_message(c->events.user, (const char *)message->msg, message->msg_length);
    else if (message->opcode == WSLAY_BINARY_FRAME)
        ws_client_close(c, WS_UNSUPPORTED, "commands are text");
}

int ws_client_create(int fd, const void *early, size_t early_size, const struct ws_events *events,
                     struct ws_client **client, struct error *error)
{
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = receive, .send_callback = send_bytes, .on_msg_recv_callback = on_message};
    struct ws_client *c = calloc(1, sizeof *c);
    if (c == NULL)
        return error_nomem(error, "WebSocket client");
    c->fd = fd;
    c->events = *events;
    c->heard_ns = clock_monotonic_ns();
    c->early = malloc(early_size + 1);
    if (c->early == NULL || wslay_event_context_server_init(&c->wslay, &callbacks, c) != 0) {
        free(c->early);
        free(c);
        return error_nomem(error, "WebSocket client");
    }
    if (early_size > 0)
        memcpy(c->early, early, early_size);
    c->early_size = early_size;
    wslay_event_config_set_max_recv_msg_length(c->wslay, COMMAND_MAX);
    *client = c;
    return 0;
}

void ws_client_destroy(struct ws_client **client)
{
    struct ws_client *c = *client;
    *client = NULL;
    if (c == NULL)
        return;
    wslay_event_context_free(c->wslay);
    free(c->early);
    free(c);
}

static bool flush(struct ws_client *c)
{
    return wslay_event_want_write(c->wslay) == 0 || wslay_event_send(c->wslay) == 0;
}

/* Hands messages over one at a time, so that what waits waits in the bounded queues. */
static bool write_some(struct ws_client *c)
{
    for (;;) {
        if (!flush(c))
            return false;
        if (wslay_event_want_write(c->wslay) || c->closing || wslay_event_get_write_enabled(c->wslay) == 0)
            return true;
        bool binary;
        struct bus_message *message = c->events.next(c->events.user, &binary);
        if (message == NULL)
            return true;
        struct wslay_event_msg out = {.opcode = binary ? WSLAY_BINARY_FRAME : WSLAY_TEXT_FRAME,
                                      .msg = (const uint8_t *)message->bytes,
                                      .msg_length = message->size};
        int rc = wslay_event_queue_msg(c->wslay, &out);
        bus_message_unref(&message);
        if (rc != 0)
            return false;
    }
}

bool ws_client_run(struct ws_client *client, bool readable)
{
    client->budget = READ_BUDGET;
    if ((readable || client->early_at < client->early_size) && wslay_event_want_read(client->wslay) &&
        wslay_event_recv(client->wslay) != 0) {
        client->invalid = true;
        ws_client_close(client, WS_PROTOCOL_ERROR, "not a valid frame");
        wslay_event_shutdown_read(client->wslay);
    }
    if (client->broken || !write_some(client))
        return false;
    return wslay_event_want_read(client->wslay) || wslay_event_want_write(client->wslay);
}

bool ws_client_wants_write(const struct ws_client *client)
{
    return wslay_event_want_write(client->wslay) != 0;
}

void ws_client_close(struct ws_client *client, int code, const char *reason)
{
    if (client->closing)
        return;
    client->closing = true;
    (void)wslay_event_queue_close(client->wslay, (uint16_t)code, (const uint8_t *)reason, strlen(reason));
}

bool ws_client_is_closing(const struct ws_client *client)
{
    return client->closing || wslay_event_get_close_received(client->wslay) ||
           wslay_event_get_close_sent(client->wslay);
}

void ws_client_ping(struct ws_client *client)
{
    struct wslay_event_msg ping = {.opcode = WSLAY_PING};
    (void)wslay_event_queue_msg(client->wslay, &ping);
}

int64_t ws_client_heard_ns(const struct ws_client *client)
{
    return client->heard_ns;
}
