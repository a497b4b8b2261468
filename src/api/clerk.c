/*
 * The clerk: the hub's second thread, for what may take time: reading alerts back from the store, telling the
 * owners of cameras that somebody watches, checking that the clients' keys are still valid, gathering the
 * system's state.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/hub_internal.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#define TICK_NS NS_PER_S
#define REPLAY_WAIT_NS                                                                                       \
    (20 * NS_PER_MS) /* a client that is slow to take what is replayed is looked at again after it */
#define WATCH_EVERY_NS (5 * NS_PER_S)
#define STATUS_EVERY_NS (5 * NS_PER_S)
#define CONFIRM_EVERY_NS (3 * NS_PER_S)

enum { REPLAY_CHUNK = 64, STREAMS_MAX = 1024 };

/* ---- replay ---- */

struct chunk {
    int64_t member;
    int64_t after;
    size_t limit;
    size_t count;
    struct {
        int64_t seq;
        char stream_id[ID_SIZE];
        struct bus_message *message;
    } events[REPLAY_CHUNK];
};

static int keep_event(void *user, const struct alert_event *event)
{
    struct chunk *chunk = user;
    if (chunk->count == chunk->limit)
        return ERR_FULL;
    char topic[BUS_TOPIC_MAX];
    struct buffer out = {0};
    struct json_writer w = json_writer_on(&out);
    alert_event_write_json(&w, event);
    text_format(topic, sizeof topic, "alert/%s", event->alert.stream_id);
    struct bus_message *message =
        out.failed ? NULL : bus_message_create(topic, event->seq, out.data, out.size);
    buffer_free(&out);
    if (message == NULL)
        return ERR_NOMEM;
    chunk->events[chunk->count].seq = event->seq;
    text_copy(chunk->events[chunk->count].stream_id, ID_SIZE, event->alert.stream_id);
    chunk->events[chunk->count++].message = message;
    return 0;
}

static struct member *find_member(struct hub *hub, int64_t number)
{
    for (struct member *m = hub->members; m != NULL; m = m->next) {
        if (m->number == number)
            return m;
    }
    return NULL;
}

/* The next client that replays and has room. *waiting: there is one that replays, with room or not. */
static bool choose_replay(struct hub *hub, int64_t behind, struct chunk *chunk, bool *waiting)
{
    bool found = false;
    pthread_mutex_lock(&hub->lock);
    for (struct member *m = hub->members; m != NULL; m = m->next) {
        if (!m->replaying || m->overrun || m->revoked)
            continue;
        *waiting = true;
        size_t room = outbox_room(m->outbox);
        if (room == 0 || m->number <= behind || (found && m->number > chunk->member))
            continue;
        found = true;
        chunk->member = m->number;
        chunk->after = m->replayed;
        chunk->limit = room < REPLAY_CHUNK ? room : REPLAY_CHUNK;
    }
    pthread_mutex_unlock(&hub->lock);
    return found;
}

static void hand_over(struct hub *hub, struct chunk *chunk, int rc)
{
    pthread_mutex_lock(&hub->lock);
    struct member *m = find_member(hub, chunk->member);
    bool current = m != NULL && m->replaying && m->replayed == chunk->after;
    for (size_t i = 0; i < chunk->count; i++) {
        if (current) {
            m->replayed = chunk->events[i].seq;
            if (subscription_wants_alerts(&m->subscription, chunk->events[i].stream_id))
                outbox_put_replayed(m->outbox, chunk->events[i].message);
        }
        bus_message_unref(&chunk->events[i].message);
    }
    if (current && rc == 0 && chunk->count < chunk->limit) {
        m->replaying = false;
        outbox_release(m->outbox, m->replayed);
    }
    if (current) {
        m->dirty = true;
        hub_signal(hub);
    }
    pthread_mutex_unlock(&hub->lock);
}

/* One chunk for each client that replays. Returns how long to wait before the next: a store that does not
 * answer is asked again after a second, and its failure is logged once. */
static int64_t replay(struct hub *hub, bool *failing)
{
    bool waiting = false, failed = false;
    struct chunk *chunk = calloc(1, sizeof *chunk);
    if (chunk == NULL)
        return TICK_NS;
    for (int64_t behind = 0; choose_replay(hub, behind, chunk, &waiting); behind = chunk->member) {
        struct error error = {.text = ""};
        chunk->count = 0;
        int rc = hub->api->store.kind->read_alert_events(hub->api->store.store, chunk->after, chunk->limit,
                                                         keep_event, chunk, &error);
        failed = rc != 0;
        if (failed && !*failing)
            log_warning("api", "alerts cannot be replayed now: %s", error.text);
        hand_over(hub, chunk, rc);
        if (failed)
            break;
    }
    free(chunk);
    *failing = failed;
    return waiting && !failed ? REPLAY_WAIT_NS : TICK_NS;
}

/* ---- what is done from time to time ---- */

static bool somebody_watches_all(struct hub *hub)
{
    bool every = false;
    pthread_mutex_lock(&hub->lock);
    for (struct member *m = hub->members; m != NULL && !every; m = m->next)
        every = m->subscription.every_pictures;
    pthread_mutex_unlock(&hub->lock);
    return every;
}

static void renew_watches(struct hub *hub)
{
    struct control *control = &hub->api->control;
    watch_renew(hub->api->watch);
    if (!somebody_watches_all(hub))
        return;
    struct stream_counters *streams = calloc(STREAMS_MAX, sizeof *streams);
    if (streams == NULL)
        return;
    size_t count = control->ops->counters(control->self, streams, STREAMS_MAX);
    for (size_t i = 0; i < count && i < STREAMS_MAX; i++) {
        struct error error;
        (void)control->ops->watch(control->self, streams[i].stream_id, &error);
    }
    free(streams);
}

static void tell_status(struct hub *hub)
{
    struct buffer out = {0};
    struct json_writer w = json_writer_on(&out);
    json_object_begin(&w);
    json_put_string(&w, "type", "system_status");
    json_put_int(&w, "schema", 1);
    json_put_time(&w, "timestamp", clock_wall_ns());
    hub->api->control.ops->status_json(hub->api->control.self, &w);
    json_object_end(&w);
    struct bus_message *message = out.failed ? NULL : bus_message_create("status", 0, out.data, out.size);
    buffer_free(&out);
    if (message == NULL)
        return;
    pthread_mutex_lock(&hub->lock);
    for (struct member *m = hub->members; m != NULL; m = m->next) {
        outbox_put_status(m->outbox, message);
        m->dirty = true;
    }
    bus_message_unref(&hub->status);
    hub->status = message;
    hub_signal(hub);
    pthread_mutex_unlock(&hub->lock);
}

/* One after another by number, because the store may be slow and the lock must not be held so long. */
static void confirm_keys(struct hub *hub)
{
    for (int64_t behind = 0;;) {
        struct member *next = NULL;
        struct identity who;
        pthread_mutex_lock(&hub->lock);
        for (struct member *m = hub->members; m != NULL; m = m->next) {
            if (m->number > behind && (next == NULL || m->number < next->number))
                next = m;
        }
        if (next != NULL) {
            behind = next->number;
            who = next->who;
        }
        pthread_mutex_unlock(&hub->lock);
        if (next == NULL)
            return;
        struct error error;
        if (auth_confirm(hub->api->auth, &who, &error) != ERR_AUTH)
            continue;
        pthread_mutex_lock(&hub->lock);
        struct member *m = find_member(hub, behind);
        if (m != NULL) {
            m->revoked = m->dirty = true;
            hub_signal(hub);
        }
        pthread_mutex_unlock(&hub->lock);
    }
}

static bool is_due(int64_t *next, int64_t now, int64_t every)
{
    if (now < *next)
        return false;
    *next = now + every;
    return true;
}

static void run_tick(struct hub *hub)
{
    pthread_mutex_lock(&hub->tick_lock);
    if (hub->tick != NULL)
        hub->tick(hub->tick_user);
    pthread_mutex_unlock(&hub->tick_lock);
}

/* Waits until called or for `ns`; false when it is to stop. *called: somebody came or wants something now. */
static bool wait_for_work(struct hub *hub, int64_t ns, bool *called)
{
    struct timespec until;
    int64_t end = clock_monotonic_ns() + ns;
    until.tv_sec = end / NS_PER_S;
    until.tv_nsec = end % NS_PER_S;
    pthread_mutex_lock(&hub->lock);
    int rc = 0;
    while (!hub->clerk_stop && !hub->clerk_wanted && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&hub->clerk_wake, &hub->lock, &until);
    *called = hub->clerk_wanted;
    hub->clerk_wanted = false;
    bool goes_on = !hub->clerk_stop;
    pthread_mutex_unlock(&hub->lock);
    return goes_on;
}

static void *run(void *user)
{
    struct hub *hub = user;
    int64_t next_watch = 0, next_status = 0, next_confirm = 0, next_tick = 0;
    int64_t wait = 0;
    bool called = false, failing = false;
    while (wait_for_work(hub, wait, &called)) {
        int64_t now = clock_monotonic_ns();
        wait = replay(hub, &failing);
        if (called)
            next_watch = now;
        if (is_due(&next_watch, now, WATCH_EVERY_NS))
            renew_watches(hub);
        if (is_due(&next_status, now, STATUS_EVERY_NS))
            tell_status(hub);
        if (is_due(&next_confirm, now, CONFIRM_EVERY_NS))
            confirm_keys(hub);
        if (is_due(&next_tick, now, TICK_NS))
            run_tick(hub);
    }
    return NULL;
}

void clerk_call(struct hub *hub)
{
    hub->clerk_wanted = true;
    pthread_cond_signal(&hub->clerk_wake);
}

int clerk_start(struct hub *hub, struct error *error)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&hub->clerk_wake, &attributes);
    pthread_condattr_destroy(&attributes);
    int rc = pthread_create(&hub->clerk, NULL, run, hub);
    hub->has_clerk = rc == 0;
    return rc == 0 ? 0 : error_set_errno(error, rc, "clerk thread");
}

void clerk_end(struct hub *hub)
{
    if (!hub->has_clerk)
        return;
    pthread_mutex_lock(&hub->lock);
    hub->clerk_stop = true;
    pthread_cond_signal(&hub->clerk_wake);
    pthread_mutex_unlock(&hub->lock);
    pthread_join(hub->clerk, NULL);
    hub->has_clerk = false;
}
