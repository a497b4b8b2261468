/* What a WebSocket client sends: frames, and in them commands. The connection, the commands and a
 * subscription run on it. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/outbox.h"
#include "api/subscription.h"
#include "api/ws_client.h"
#include "base/json_read.h"

struct fuzzed {
    struct subscription subscription;
    struct outbox *outbox;
};

static void on_command(void *user, const char *text, size_t size)
{
    struct fuzzed *f = user;
    struct command command;
    struct error error;
    if (command_parse(text, size, &command, &error) == 0 && command.kind != COMMAND_PING) {
        (void)subscription_apply(&f->subscription, &command, &error);
        const char *id;
        const struct json *value;
        for (size_t i = 0; json_entry(command.seen, i, &id, &value); i++)
            (void)outbox_seen(f->outbox, id, json_as_string(json_get(value, "epoch"), ""),
                              json_as_int(json_get(value, "seq"), 0), &error);
    }
    command_release(&command);
    struct bus_message *message = bus_message_create("stream/gate_a", 7, "{\"epoch\":\"e\"}", 13);
    if (message != NULL && subscription_wants(&f->subscription, "gate_a"))
        (void)outbox_put_update(f->outbox, "gate_a", message);
    bus_message_unref(&message);
}

static struct bus_message *next(void *user, bool *binary)
{
    struct fuzzed *f = user;
    return outbox_take(f->outbox, binary);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fds[2];
    struct fuzzed fuzzed = {.outbox = outbox_create(8)};
    struct ws_events events = {.on_message = on_command, .next = next, .user = &fuzzed};
    struct ws_client *client = NULL;
    if (fuzzed.outbox == NULL || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) != 0)
        abort();
    if (ws_client_create(fds[0], data, size, &events, &client, NULL) == 0) {
        for (int i = 0; i < 4 && ws_client_run(client, true); i++)
            continue;
        ws_client_close(client, WS_GOING_AWAY, "end");
        (void)ws_client_run(client, true);
    }
    ws_client_destroy(&client);
    close(fds[0]);
    close(fds[1]);
    outbox_destroy(fuzzed.outbox);
    subscription_free(&fuzzed.subscription);
    return 0;
}
