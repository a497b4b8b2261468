#include "api/hub_internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json_read.h"
#include "base/log.h"
#include "base/text.h"

#define PING_EVERY_NS (20 * NS_PER_S)
#define SILENCE_NS (60 * NS_PER_S)
#define CLOSE_WAIT_NS (2 * NS_PER_S)    /* for the client's answer to a close */
#define OVERRUN_WAIT_NS (10 * NS_PER_S) /* a slow client must first take what is in its socket */
#define TURN_MS 500
#define COMMANDS_PER_S 20.0
#define COMMANDS_BURST 100.0

/* At most so many bytes wait unsent in the kernel, so that what is dropped is dropped here, where it can be
 * the oldest. */
enum { UNSENT_BYTES = 128 * 1024, EVENTS = 64 };

void hub_signal(struct hub *hub)
{
    if (hub->signalled)
        return;
    hub->signalled = true;
    uint64_t one = 1;
    (void)!write(hub->event, &one, sizeof one);
}

/* ---- from the bus: in the publishers' threads ---- */

static void deliver_update(void *user, struct bus_message *message)
{
    struct hub *hub = user;
    const char *stream_id = message->topic + strlen("stream/");
    pthread_mutex_lock(&hub->lock);
    for (struct member *m = hub->members; m != NULL; m = m->next) {
        if (!subscription_wants(&m->subscription, stream_id))
            continue;
        hub->counts.dropped += (int64_t)outbox_put_update(m->outbox, stream_id, message);
        m->dirty = true;
        hub_signal(hub);
    }
    pthread_mutex_unlock(&hub->lock);
}

static void deliver_picture(void *user, struct bus_message *message)
{
    struct hub *hub = user;
    const char *stream_id = message->topic + strlen("picture/");
    pthread_mutex_lock(&hub->lock);
    for (struct member *m = hub->members; m != NULL; m = m->next) {
        if (!subscription_wants_pictures(&m->subscription, stream_id))
            continue;
        outbox_put_picture(m->outbox, stream_id, message);
        m->dirty = true;
        hub_signal(hub);
    }
    pthread_mutex_unlock(&hub->lock);
}

static void deliver_state(void *user, struct bus_message *message)
{
    struct hub *hub = user;
    const char *stream_id = message->topic + strlen("state/");
    pthread_mutex_lock(&hub->lock);
    for (struct member *m = hub->members; m != NULL; m = m->next) {
        if (!subscription_wants(&m->subscription, stream_id))
            continue;
        outbox_put_state(m->outbox, stream_id, message);
        m->dirty = true;
        hub_signal(hub);
    }
    pthread_mutex_unlock(&hub->lock);
}

static void deliver_alert(void *user, struct bus_message *message)
{
    struct hub *hub = user;
    const char *stream_id = message->topic + strlen("alert/");
    pthread_mutex_lock(&hub->lock);
    for (struct member *m = hub->members; m != NULL; m = m->next) {
        if (!subscription_wants_alerts(&m->subscription, stream_id) || m->overrun)
            continue;
        if (!outbox_put_alert(m->outbox, message)) {
            m->overrun = true;
            hub->counts.overruns++;
        }
        m->dirty = true;
        hub_signal(hub);
    }
    pthread_mutex_unlock(&hub->lock);
}

/* ---- commands ---- */

static void reply(struct member *m, struct buffer *out)
{
    struct bus_message *message = out->failed ? NULL : bus_message_create("reply", 0, out->data, out->size);
    buffer_free(out);
    pthread_mutex_lock(&m->hub->lock);
    bool fits = message != NULL && outbox_put_reply(m->outbox, message);
    pthread_mutex_unlock(&m->hub->lock);
    bus_message_unref(&message);
    if (!fits)
        ws_client_close(m->ws, WS_POLICY, "too many commands without taking the replies");
}

static struct json_writer begin_reply(struct buffer *out, const char *type)
{
    struct json_writer w = json_writer_on(out);
    json_object_begin(&w);
    json_put_string(&w, "type", type);
    json_put_int(&w, "schema", 1);
    return w;
}

static void reply_error(struct member *m, const char *detail)
{
    struct buffer out = {0};
    struct json_writer w = begin_reply(&out, "error");
    json_put_string(&w, "detail", detail);
    json_object_end(&w);
    reply(m, &out);
}

static void reply_pong(struct member *m, const struct command *command)
{
    struct buffer out = {0};
    struct json_writer w = begin_reply(&out, "pong");
    json_put_time(&w, "timestamp", clock_wall_ns());
    if (json_kind(command->id) == JSON_IS_STRING)
        json_put_string(&w, "id", json_as_string(command->id, ""));
    else if (json_kind(command->id) == JSON_IS_NUMBER) {
        json_key(&w, "id");
        json_double(&w, json_as_number(command->id, 0));
    }
    json_object_end(&w);
    reply(m, &out);
}

/* What is subscribed now. */
static void reply_subscribed(struct member *m, const char *type)
{
    struct buffer out = {0};
    struct json_writer w = begin_reply(&out, type);
    const struct subscription *s = &m->subscription;
    json_key(&w, "streams");
    if (s->every) {
        json_text(&w, "*");
    } else {
        json_array_begin(&w);
        for (size_t i = 0; i < s->count; i++)
            json_text(&w, s->streams[i].stream_id);
        json_array_end(&w);
    }
    json_object_end(&w);
    reply(m, &out);
}

static void watch_all(struct member *m, bool come)
{
    for (size_t i = 0; i < m->subscription.count; i++) {
        const struct subscribed *one = &m->subscription.streams[i];
        if (!one->pictures)
            continue;
        if (come)
            (void)watch_add(m->hub->api->watch, one->stream_id, NULL);
        else
            watch_remove(m->hub->api->watch, one->stream_id);
    }
}

static int apply_seen(struct member *m, const struct json *seen, struct error *error)
{
    const char *id;
    const struct json *value;
    int rc = 0;
    for (size_t i = 0; rc == 0 && json_entry(seen, i, &id, &value); i++)
        rc = outbox_seen(m->outbox, id, json_as_string(json_get(value, "epoch"), ""),
                         json_as_int(json_get(value, "seq"), 0), error);
    return rc;
}

static void forget_unwanted(struct member *m, const struct command *command)
{
    if (command->every)
        outbox_forget(m->outbox, NULL);
    for (size_t i = 0; i < json_size(command->streams); i++)
        outbox_forget(m->outbox, json_as_string(json_at(command->streams, i), ""));
}

static int apply(struct member *m, const struct command *command, struct error *error)
{
    watch_all(m, false);
    int rc = subscription_apply(&m->subscription, command, error);
    watch_all(m, true);
    if (command->kind == COMMAND_UNSUBSCRIBE)
        forget_unwanted(m, command);
    if (rc == 0)
        rc = apply_seen(m, command->seen, error);
    if (rc == 0 && command->replay) {
        m->replaying = true;
        m->replayed = command->alerts_after;
        outbox_hold(m->outbox);
    }
    clerk_call(m->hub);
    return rc;
}

static bool command_allowed(struct member *m)
{
    int64_t now = clock_monotonic_ns();
    m->command_tokens += (double)(now - m->command_ns) / (double)NS_PER_S * COMMANDS_PER_S;
    m->command_ns = now;
    if (m->command_tokens > COMMANDS_BURST)
        m->command_tokens = COMMANDS_BURST;
    m->command_tokens -= 1;
    return m->command_tokens >= 0;
}

static void on_command(void *user, const char *text, size_t size)
{
    struct member *m = user;
    struct command command;
    struct error error;
    if (!command_allowed(m)) {
        ws_client_close(m->ws, WS_POLICY, "too many commands");
        return;
    }
    int rc = command_parse(text, size, &command, &error);
    if (rc == 0 && command.kind == COMMAND_PING) {
        reply_pong(m, &command);
    } else if (rc == 0) {
        pthread_mutex_lock(&m->hub->lock);
        rc = apply(m, &command, &error);
        pthread_mutex_unlock(&m->hub->lock);
        if (rc == 0)
            reply_subscribed(m, command.kind == COMMAND_SUBSCRIBE ? "subscribed" : "unsubscribed");
    }
    if (rc != 0)
        reply_error(m, error.text);
    command_release(&command);
}

/* ---- clients: in the hub's thread ---- */

static struct bus_message *next_message(void *user, bool *binary)
{
    struct member *m = user;
    pthread_mutex_lock(&m->hub->lock);
    struct bus_message *message = m->overrun || m->revoked ? NULL : outbox_take(m->outbox, binary);
    m->hub->counts.sent += message != NULL;
    pthread_mutex_unlock(&m->hub->lock);
    return message;
}

static void member_free(struct member *m)
{
    ws_client_destroy(&m->ws);
    outbox_destroy(m->outbox);
    subscription_free(&m->subscription);
    if (m->close_socket != NULL)
        m->close_socket(m->socket_owner);
    free(m);
}

static void close_member(struct member *m, int code, const char *reason, int64_t wait_ns)
{
    ws_client_close(m->ws, code, reason);
    if (m->deadline_ns == 0)
        m->deadline_ns = clock_monotonic_ns() + wait_ns;
}

static void want_writable(struct member *m)
{
    bool wanted = ws_client_wants_write(m->ws);
    if (wanted == m->writable_wanted)
        return;
    struct epoll_event event = {.events = EPOLLIN | (wanted ? (uint32_t)EPOLLOUT : 0), .data.ptr = m};
    if (epoll_ctl(m->hub->epoll, EPOLL_CTL_MOD, m->fd, &event) == 0)
        m->writable_wanted = wanted;
}

static void run_member(struct member *m, bool readable)
{
    if (m->dead)
        return;
    if (!ws_client_run(m->ws, readable))
        m->dead = true;
    else
        want_writable(m);
}

/* Takes those that are dirty, one after another: the list only changes at its head (hub_adopt) and in this
 * thread. */
static void run_dirty(struct hub *hub)
{
    uint64_t count;
    (void)!read(hub->event, &count, sizeof count);
    pthread_mutex_lock(&hub->lock);
    hub->signalled = false;
    struct member *m = hub->members;
    while (m != NULL) {
        struct member *next = m->next;
        bool dirty = m->dirty, overrun = m->overrun, revoked = m->revoked;
        m->dirty = false;
        if (dirty) {
            pthread_mutex_unlock(&hub->lock);
            if (overrun)
                close_member(m, WS_TRY_AGAIN_LATER, "alerts no longer fit: resume with alerts_after",
                             OVERRUN_WAIT_NS);
            if (revoked)
                close_member(m, WS_POLICY, "the key is not valid any more", CLOSE_WAIT_NS);
            run_member(m, false);
            pthread_mutex_lock(&hub->lock);
        }
        m = next;
    }
    pthread_mutex_unlock(&hub->lock);
}

static void look_after(struct member *m, int64_t now)
{
    if (ws_client_is_closing(m->ws) && m->deadline_ns == 0)
        m->deadline_ns = now + CLOSE_WAIT_NS;
    if (m->deadline_ns != 0 && now >= m->deadline_ns) {
        m->dead = true;
    } else if (now - ws_client_heard_ns(m->ws) > SILENCE_NS) {
        m->dead = true;
    } else if (m->deadline_ns == 0 && now - m->pinged_ns > PING_EVERY_NS) {
        m->pinged_ns = now;
        ws_client_ping(m->ws);
        run_member(m, false);
    }
}

static void look_after_all(struct hub *hub)
{
    int64_t now = clock_monotonic_ns();
    pthread_mutex_lock(&hub->lock);
    struct member *first = hub->members;
    bool ending = hub->ending;
    pthread_mutex_unlock(&hub->lock);
    for (struct member *m = first; m != NULL; m = m->next) {
        if (ending && !m->dead) {
            close_member(m, WS_GOING_AWAY, "the service is stopping", CLOSE_WAIT_NS);
            run_member(m, false);
        }
        look_after(m, now);
    }
}

static void bury(struct hub *hub)
{
    struct member *dead = NULL;
    pthread_mutex_lock(&hub->lock);
    for (struct member **at = &hub->members; *at != NULL;) {
        struct member *m = *at;
        if (!m->dead) {
            at = &m->next;
            continue;
        }
        *at = m->next;
        m->next = dead;
        dead = m;
        hub->member_count--;
        watch_all(m, false);
    }
    pthread_mutex_unlock(&hub->lock);
    while (dead != NULL) {
        struct member *m = dead;
        dead = m->next;
        (void)epoll_ctl(hub->epoll, EPOLL_CTL_DEL, m->fd, NULL);
        member_free(m);
    }
}

static bool is_over(struct hub *hub)
{
    pthread_mutex_lock(&hub->lock);
    bool over = hub->ending && hub->members == NULL;
    pthread_mutex_unlock(&hub->lock);
    return over;
}

static void *run(void *user)
{
    struct hub *hub = user;
    struct epoll_event events[EVENTS];
    int64_t looked_ns = 0;
    while (!is_over(hub)) {
        int count = epoll_wait(hub->epoll, events, EVENTS, TURN_MS);
        bool signalled = false;
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == NULL)
                signalled = true;
            else
                run_member(events[i].data.ptr, (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0);
        }
        if (signalled)
            run_dirty(hub);
        int64_t now = clock_monotonic_ns();
        if (signalled || now - looked_ns >= TURN_MS * NS_PER_MS) {
            looked_ns = now;
            look_after_all(hub);
        }
        bury(hub);
    }
    return NULL;
}

/* ---- coming ---- */

static int prepare_member(struct member *m, const void *early, size_t early_size)
{
    int yes = 1, unsent = UNSENT_BYTES;
    (void)setsockopt(m->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    (void)setsockopt(m->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
    m->outbox = outbox_create(m->hub->api->config->server.client_queue);
    struct ws_events events = {.on_message = on_command, .next = next_message, .user = m};
    if (m->outbox == NULL)
        return ERR_NOMEM;
    return ws_client_create(m->fd, early, early_size, &events, &m->ws, NULL);
}

static int enlist(struct hub *hub, struct member *m)
{
    int rc = 0;
    pthread_mutex_lock(&hub->lock);
    if (hub->ending)
        rc = ERR_CLOSED;
    else if (hub->member_count >= hub->limit)
        rc = ERR_FULL;
    if (rc == 0) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = m};
        m->number = ++hub->next_number;
        m->dirty = true;
        if (hub->status != NULL)
            outbox_put_status(m->outbox, hub->status);
        if (epoll_ctl(hub->epoll, EPOLL_CTL_ADD, m->fd, &event) != 0)
            rc = ERR_IO;
    }
    if (rc == 0) {
        m->next = hub->members;
        hub->members = m;
        hub->member_count++;
        hub_signal(hub);
    }
    pthread_mutex_unlock(&hub->lock);
    return rc;
}

int hub_adopt(struct hub *hub, int fd, const void *early, size_t early_size, const struct identity *who,
              void (*close_socket)(void *owner), void *socket_owner)
{
    struct member *m = calloc(1, sizeof *m);
    if (m == NULL) {
        close_socket(socket_owner);
        return ERR_NOMEM;
    }
    m->hub = hub;
    m->fd = fd;
    m->who = *who;
    m->close_socket = close_socket;
    m->socket_owner = socket_owner;
    m->pinged_ns = m->command_ns = clock_monotonic_ns();
    m->command_tokens = COMMANDS_BURST;
    int rc = prepare_member(m, early, early_size);
    if (rc == 0)
        rc = enlist(hub, m);
    if (rc != 0)
        member_free(m);
    return rc;
}

/* ---- life ---- */

static int subscribe(struct hub *hub, struct error *error)
{
    static const struct {
        const char *prefix;
        bus_deliver *deliver;
    } topics[] = {{"stream/", deliver_update},
                  {"picture/", deliver_picture},
                  {"state/", deliver_state},
                  {"alert/", deliver_alert}};
    struct bus_handle *bus = &hub->api->bus;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < HUB_TOPICS; i++)
        rc = bus->kind->subscribe(bus->bus, topics[i].prefix, topics[i].deliver, hub, &hub->subscriptions[i],
                                  error);
    return rc;
}

static int start_threads(struct hub *hub, struct error *error)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    hub->epoll = epoll_create1(EPOLL_CLOEXEC);
    hub->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (hub->epoll < 0 || hub->event < 0 || epoll_ctl(hub->epoll, EPOLL_CTL_ADD, hub->event, &event) != 0)
        return error_set_errno(error, errno, "WebSocket hub");
    int rc = pthread_create(&hub->thread, NULL, run, hub);
    hub->has_thread = rc == 0;
    return rc == 0 ? clerk_start(hub, error) : error_set_errno(error, rc, "WebSocket hub: thread");
}

int hub_start(struct api *api, struct hub **hub, struct error *error)
{
    struct hub *h = calloc(1, sizeof *h);
    if (h == NULL)
        return error_nomem(error, "WebSocket hub");
    h->api = api;
    h->limit = api->config->server.max_clients;
    h->epoll = h->event = -1;
    pthread_mutex_init(&h->lock, NULL);
    pthread_mutex_init(&h->tick_lock, NULL);
    int rc = start_threads(h, error);
    if (rc == 0)
        rc = subscribe(h, error);
    if (rc != 0) {
        hub_end(h);
        hub_destroy(&h);
        return rc;
    }
    *hub = h;
    return 0;
}

void hub_set_tick(struct hub *hub, void (*tick)(struct http *), struct http *user)
{
    pthread_mutex_lock(&hub->tick_lock);
    hub->tick = tick;
    hub->tick_user = user;
    pthread_mutex_unlock(&hub->tick_lock);
}

void hub_end(struct hub *hub)
{
    if (hub == NULL)
        return;
    for (size_t i = 0; i < HUB_TOPICS; i++)
        hub->api->bus.kind->unsubscribe(hub->api->bus.bus, &hub->subscriptions[i]);
    clerk_end(hub);
    pthread_mutex_lock(&hub->lock);
    hub->ending = true;
    hub->signalled = false;
    hub_signal(hub);
    pthread_mutex_unlock(&hub->lock);
    if (hub->has_thread)
        pthread_join(hub->thread, NULL);
    hub->has_thread = false;
}

void hub_destroy(struct hub **hub)
{
    struct hub *h = *hub;
    *hub = NULL;
    if (h == NULL)
        return;
    bus_message_unref(&h->status);
    if (h->epoll >= 0)
        close(h->epoll);
    if (h->event >= 0)
        close(h->event);
    pthread_mutex_destroy(&h->tick_lock);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

bool hub_is_full(struct hub *hub)
{
    pthread_mutex_lock(&hub->lock);
    bool full = hub->member_count >= hub->limit;
    pthread_mutex_unlock(&hub->lock);
    return full;
}

void hub_get_state(struct hub *hub, struct hub_state *state)
{
    pthread_mutex_lock(&hub->lock);
    *state = hub->counts;
    state->clients = hub->member_count;
    pthread_mutex_unlock(&hub->lock);
}
