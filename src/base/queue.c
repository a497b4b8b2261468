#include "base/queue.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t not_empty, not_full;
    void (*free_item)(void *item);
    size_t capacity, size, head;
    bool closed;
    void *items[];
};

struct queue *queue_create(size_t capacity, void (*free_item)(void *item))
{
    if (capacity == 0 || capacity > SIZE_MAX / sizeof(void *) / 2)
        return NULL;
    struct queue *q = calloc(1, sizeof *q + capacity * sizeof(void *));
    if (!q)
        return NULL;
    q->capacity = capacity;
    q->free_item = free_item;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->not_empty, &monotonic);
    pthread_cond_init(&q->not_full, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return q;
}

static void *pop(struct queue *q)
{
    void *item = q->items[q->head];
    q->head = (q->head + 1) % q->capacity;
    q->size--;
    return item;
}

static void push(struct queue *q, void *item)
{
    q->items[(q->head + q->size) % q->capacity] = item;
    q->size++;
    pthread_cond_signal(&q->not_empty);
}

void queue_destroy(struct queue *q)
{
    if (!q)
        return;
    while (q->size > 0) {
        void *item = pop(q);
        if (q->free_item)
            q->free_item(item);
    }
    pthread_cond_destroy(&q->not_full);
    pthread_cond_destroy(&q->not_empty);
    pthread_mutex_destroy(&q->lock);
    free(q);
}

/* One wait until `deadline_ns` (monotonic; < 0: for ever). False once the deadline has passed. */
static bool wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t deadline_ns)
{
    if (deadline_ns < 0) {
        pthread_cond_wait(cond, lock);
        return true;
    }
    struct timespec t = {.tv_sec = deadline_ns / NS_PER_S, .tv_nsec = deadline_ns % NS_PER_S};
    return pthread_cond_timedwait(cond, lock, &t) == 0;
}

static int64_t deadline_of(int64_t timeout_ns)
{
    return timeout_ns < 0 ? -1 : clock_monotonic_ns() + timeout_ns;
}

int queue_try_put(struct queue *q, void *item)
{
    int result = queue_put_wait(q, item, 0);
    return result == ERR_TIMEOUT ? ERR_FULL : result;
}

int queue_put_newest(struct queue *q, void *item)
{
    void *dropped = NULL;
    pthread_mutex_lock(&q->lock);
    bool closed = q->closed;
    bool full = !closed && q->size == q->capacity;
    if (full)
        dropped = pop(q);
    if (!closed)
        push(q, item);
    pthread_mutex_unlock(&q->lock);
    if (full && q->free_item)
        q->free_item(dropped);
    return closed ? ERR_CLOSED : full;
}

int queue_put_wait(struct queue *q, void *item, int64_t timeout_ns)
{
    int64_t deadline = deadline_of(timeout_ns);
    pthread_mutex_lock(&q->lock);
    bool in_time = timeout_ns != 0;
    while (!q->closed && q->size == q->capacity && in_time)
        in_time = wait_until(&q->not_full, &q->lock, deadline);
    int result = q->closed ? ERR_CLOSED : q->size == q->capacity ? ERR_TIMEOUT : 0;
    if (result == 0)
        push(q, item);
    pthread_mutex_unlock(&q->lock);
    return result;
}

void *queue_take(struct queue *q, int64_t timeout_ns)
{
    int64_t deadline = deadline_of(timeout_ns);
    pthread_mutex_lock(&q->lock);
    bool in_time = timeout_ns != 0;
    while (!q->closed && q->size == 0 && in_time)
        in_time = wait_until(&q->not_empty, &q->lock, deadline);
    void *item = NULL;
    if (q->size > 0) {
        item = pop(q);
        pthread_cond_signal(&q->not_full);
    }
    pthread_mutex_unlock(&q->lock);
    return item;
}

size_t queue_size(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    size_t size = q->size;
    pthread_mutex_unlock(&q->lock);
    return size;
}

void queue_close(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->closed = true;
    pthread_cond_broadcast(&q->not_empty);
    pthread_cond_broadcast(&q->not_full);
    pthread_mutex_unlock(&q->lock);
}

bool queue_is_closed(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    bool closed = q->closed;
    pthread_mutex_unlock(&q->lock);
    return closed;
}
