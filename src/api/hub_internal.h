/* What hub.c (sockets, queues) and clerk.c (what may take time) share. */
#ifndef SCI_API_HUB_INTERNAL_H
#define SCI_API_HUB_INTERNAL_H

#include <pthread.h>

#include "api/hub.h"
#include "api/outbox.h"
#include "api/subscription.h"
#include "api/ws_client.h"

enum { HUB_TOPICS = 4 };

/* A client of the hub. Under the hub's lock except where it says otherwise. */
struct member {
    struct member *next;
    struct hub *hub;
    int64_t number; /* never used again: by this the clerk finds a client, or that it has gone */
    struct identity who;
    struct subscription subscription;
    struct outbox *outbox;
    bool dirty;   /* something waits in the outbox */
    bool overrun; /* alerts did not fit */
    bool revoked; /* its key is not valid any more */
    bool replaying;
    int64_t replayed; /* seq up to which alerts have been replayed */

    /* the hub's thread alone */
    struct ws_client *ws;
    int fd;
    bool dead, writable_wanted;
    int64_t pinged_ns, deadline_ns;
    double command_tokens;
    int64_t command_ns;
    void (*close_socket)(void *owner);
    void *socket_owner;
};

struct hub {
    struct api *api;
    int epoll, event;
    size_t limit; /* clients */
    struct bus_subscription *subscriptions[HUB_TOPICS];

    pthread_mutex_t lock;
    struct member *members;
    size_t member_count;
    int64_t next_number;
    bool ending, has_thread, has_clerk, signalled;
    pthread_t thread, clerk;
    struct hub_state counts;
    struct bus_message *status; /* the newest, for those who come */

    pthread_cond_t clerk_wake;
    bool clerk_stop, clerk_wanted;
    void (*tick)(struct http *);
    struct http *tick_user;
    pthread_mutex_t tick_lock;
};

void hub_signal(struct hub *hub); /* the hub's thread is to look at dirty members; under the lock */
void clerk_call(struct hub *hub); /* the clerk is to look for work; under the lock */
int clerk_start(struct hub *hub, struct error *error);
void clerk_end(struct hub *hub);

#endif
