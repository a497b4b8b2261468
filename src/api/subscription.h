/*
 * What a WebSocket client wants to get, and the commands by which it says so. No sockets, no threads: the
 * caller locks. The grammar of the commands is in docs/api.md.
 */
#ifndef SCI_API_SUBSCRIPTION_H
#define SCI_API_SUBSCRIPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "core/zone.h"

enum { SUBSCRIBED_STREAMS_MAX = 256, COMMAND_MAX = 64 * 1024 };

struct subscription {
    bool any;                   /* something has been subscribed: alerts are wanted */
    bool every, every_pictures; /* "*" */
    size_t count;
    struct subscribed {
        char stream_id[ID_SIZE];
        bool pictures;
    } * streams; /* owned */
};

void subscription_free(struct subscription *subscription);
bool subscription_wants(const struct subscription *s, const char *stream_id);
bool subscription_wants_pictures(const struct subscription *s, const char *stream_id);
/* Alerts of no stream ("") are for everybody who has subscribed to anything. */
bool subscription_wants_alerts(const struct subscription *s, const char *stream_id);

enum command_kind { COMMAND_PING, COMMAND_SUBSCRIBE, COMMAND_UNSUBSCRIBE };

struct command {
    enum command_kind kind;
    bool every, pictures, pictures_given;
    bool replay; /* alerts_after was given */
    int64_t alerts_after;
    struct json *root; /* owned; the arrays below are in it */
    const struct json *streams, *seen, *id;
};

/* ERR_FORMAT: not JSON; ERR_INVALID: not one of the commands. `command_release` in any case. */
int command_parse(const char *text, size_t size, struct command *command, struct error *error);
void command_release(struct command *command);

/* Applies a subscribe or unsubscribe. ERR_FULL: too many streams. */
int subscription_apply(struct subscription *s, const struct command *command, struct error *error);

#endif
