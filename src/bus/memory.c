/*
 * The bus inside one process.
 *
 * Deliveries run in the publisher's thread under the read side of a lock whose write side is taken by
 * subscribe and unsubscribe: so publishers never wait for one another, and once `unsubscribe` has the write
 * side no delivery can be under way. The lock prefers writers, else two busy cameras could keep a leaving
 * subscriber waiting for ever; this is why `deliver` must not publish (a reader that reads again behind a
 * waiting writer waits for itself).
 *
 * Keys live in a chained hash table of fixed width. Expired ones are swept when the table is full and, one
 * chain at a time, as chains are written to.
 */
#include "bus/bus.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

enum { CHAINS = 256, KEYS_MAX = 16384 };

struct bus_subscription {
    struct bus_subscription *next;
    bus_deliver *deliver;
    void *user;
    char prefix[BUS_TOPIC_MAX];
};

struct entry {
    struct entry *next;
    int64_t expires_ns; /* monotonic; 0 = never */
    char key[BUS_TOPIC_MAX];
    size_t size;
    char bytes[];
};

struct bus {
    pthread_rwlock_t subscriptions_lock;
    struct bus_subscription *subscriptions;
    pthread_mutex_t keys_lock;
    struct entry *chains[CHAINS];
    size_t key_count;
};

static int memory_open(const char *url, struct bus **bus, struct error *error)
{
    (void)url;
    struct bus *b = calloc(1, sizeof *b);
    if (b == NULL)
        return error_nomem(error, "bus");
    pthread_rwlockattr_t attributes;
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&b->subscriptions_lock, &attributes);
    pthread_rwlockattr_destroy(&attributes);
    pthread_mutex_init(&b->keys_lock, NULL);
    *bus = b;
    return 0;
}

static void memory_close(struct bus **bus)
{
    struct bus *b = *bus;
    *bus = NULL;
    if (b == NULL)
        return;
    while (b->subscriptions != NULL) {
        struct bus_subscription *s = b->subscriptions;
        b->subscriptions = s->next;
        free(s);
    }
    for (size_t i = 0; i < CHAINS; i++) {
        while (b->chains[i] != NULL) {
            struct entry *e = b->chains[i];
            b->chains[i] = e->next;
            free(e);
        }
    }
    pthread_mutex_destroy(&b->keys_lock);
    pthread_rwlock_destroy(&b->subscriptions_lock);
    free(b);
}

static int memory_publish(struct bus *bus, struct bus_message *message, struct error *error)
{
    (void)error;
    pthread_rwlock_rdlock(&bus->subscriptions_lock);
    for (struct bus_subscription *s = bus->subscriptions; s != NULL; s = s->next) {
        if (text_starts_with(message->topic, s->prefix))
            s->deliver(s->user, message);
    }
    pthread_rwlock_unlock(&bus->subscriptions_lock);
    return 0;
}

static int memory_subscribe(struct bus *bus, const char *prefix, bus_deliver *deliver, void *user,
                            struct bus_subscription **subscription, struct error *error)
{
    if (strlen(prefix) >= BUS_TOPIC_MAX)
        return error_set(error, ERR_INVALID, "bus: prefix of %zu bytes is too long", strlen(prefix));
    struct bus_subscription *s = calloc(1, sizeof *s);
    if (s == NULL)
        return error_nomem(error, "bus subscription");
    text_copy(s->prefix, sizeof s->prefix, prefix);
    s->deliver = deliver;
    s->user = user;
    pthread_rwlock_wrlock(&bus->subscriptions_lock);
    s->next = bus->subscriptions;
    bus->subscriptions = s;
    pthread_rwlock_unlock(&bus->subscriptions_lock);
    *subscription = s;
    return 0;
}

static void memory_unsubscribe(struct bus *bus, struct bus_subscription **subscription)
{
    struct bus_subscription *s = *subscription;
    *subscription = NULL;
    if (s == NULL)
        return;
    pthread_rwlock_wrlock(&bus->subscriptions_lock);
    struct bus_subscription **at = &bus->subscriptions;
    while (*at != NULL && *at != s)
        at = &(*at)->next;
    if (*at == s)
        *at = s->next;
    pthread_rwlock_unlock(&bus->subscriptions_lock);
    free(s);
}

/* FNV-1a */
static size_t chain_of(const char *key)
{
    uint32_t hash = 2166136261u;
    for (const char *c = key; *c != '\0'; c++)
        hash = (hash ^ (uint8_t)*c) * 16777619u;
    return hash % CHAINS;
}

static bool has_expired(const struct entry *e, int64_t now)
{
    return e->expires_ns != 0 && e->expires_ns <= now;
}

/* Frees what has expired in one chain, and `key` itself when it is given. */
static void sweep_chain(struct bus *bus, size_t chain, int64_t now, const char *key)
{
    struct entry **at = &bus->chains[chain];
    while (*at != NULL) {
        struct entry *e = *at;
        if (has_expired(e, now) || (key != NULL && strcmp(e->key, key) == 0)) {
            *at = e->next;
            free(e);
            bus->key_count--;
        } else {
            at = &e->next;
        }
    }
}

static struct entry *entry_create(const char *key, const void *bytes, size_t size, int64_t ttl_ns,
                                  int64_t now)
{
    if (size > SIZE_MAX - sizeof(struct entry))
        return NULL;
    struct entry *e = malloc(sizeof *e + size);
    if (e == NULL)
        return NULL;
    text_copy(e->key, sizeof e->key, key);
    e->expires_ns = ttl_ns > 0 ? now + ttl_ns : 0;
    e->size = size;
    if (size > 0)
        memcpy(e->bytes, bytes, size);
    return e;
}

static int memory_set(struct bus *bus, const char *key, const void *bytes, size_t size, int64_t ttl_ns,
                      struct error *error)
{
    if (strlen(key) >= BUS_TOPIC_MAX)
        return error_set(error, ERR_INVALID, "bus: key of %zu bytes is too long", strlen(key));
    int64_t now = clock_monotonic_ns();
    struct entry *e = entry_create(key, bytes, size, ttl_ns, now);
    if (e == NULL)
        return error_nomem(error, "bus key");
    size_t chain = chain_of(key);
    pthread_mutex_lock(&bus->keys_lock);
    sweep_chain(bus, chain, now, key);
    for (size_t i = 0; bus->key_count >= KEYS_MAX && i < CHAINS; i++)
        sweep_chain(bus, i, now, NULL);
    bool full = bus->key_count >= KEYS_MAX;
    if (!full) {
        e->next = bus->chains[chain];
        bus->chains[chain] = e;
        bus->key_count++;
    }
    pthread_mutex_unlock(&bus->keys_lock);
    if (full) {
        free(e);
        return error_set(error, ERR_FULL, "bus: cannot set %s: %d keys are there already", key, KEYS_MAX);
    }
    return 0;
}

static int memory_get(struct bus *bus, const char *key, struct buffer *out, struct error *error)
{
    int64_t now = clock_monotonic_ns();
    int rc = ERR_NOT_FOUND;
    pthread_mutex_lock(&bus->keys_lock);
    for (struct entry *e = bus->chains[chain_of(key)]; e != NULL && rc != 0; e = e->next) {
        if (strcmp(e->key, key) == 0 && !has_expired(e, now)) {
            buffer_append(out, e->bytes, e->size);
            rc = 0;
        }
    }
    pthread_mutex_unlock(&bus->keys_lock);
    if (rc != 0)
        return error_set(error, rc, "bus: no key %s", key);
    return out->failed ? error_nomem(error, "bus key") : 0;
}

static bool memory_alive(struct bus *bus)
{
    (void)bus;
    return true;
}

const struct bus_kind bus_memory = {
    .name = "memory",
    .open = memory_open,
    .close = memory_close,
    .publish = memory_publish,
    .subscribe = memory_subscribe,
    .unsubscribe = memory_unsubscribe,
    .set = memory_set,
    .get = memory_get,
    .alive = memory_alive,
};
