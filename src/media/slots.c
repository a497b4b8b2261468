#include "media/slots.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"

/* How often a waiting thread looks at the cancel flag, which nobody signals. */
#define LOOK_NS (20 * NS_PER_MS)

struct slots {
    pthread_mutex_t lock;
    pthread_cond_t given_back;
    size_t out, limit;
    bool owned; /* the creator still holds it */
};

struct slots *slots_create(size_t limit)
{
    struct slots *slots = calloc(1, sizeof *slots);
    pthread_condattr_t monotonic;

    if (!slots)
        return NULL;
    slots->limit = limit ? limit : 1;
    slots->owned = true;
    pthread_mutex_init(&slots->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&slots->given_back, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return slots;
}

/* Unlocks, and frees what nobody holds any more. */
static void unlock(struct slots *slots)
{
    bool last = !slots->owned && slots->out == 0;

    pthread_mutex_unlock(&slots->lock);
    if (!last)
        return;
    pthread_cond_destroy(&slots->given_back);
    pthread_mutex_destroy(&slots->lock);
    free(slots);
}

void slots_release(struct slots **slots)
{
    struct slots *held = *slots;

    *slots = NULL;
    if (!held)
        return;
    pthread_mutex_lock(&held->lock);
    held->owned = false;
    unlock(held);
}

bool slots_try(struct slots *slots)
{
    bool taken;

    pthread_mutex_lock(&slots->lock);
    taken = slots->out < slots->limit;
    if (taken)
        slots->out++;
    pthread_mutex_unlock(&slots->lock);
    return taken;
}

static void wait_slice(struct slots *slots, int64_t until_ns)
{
    struct timespec t = {.tv_sec = until_ns / NS_PER_S, .tv_nsec = until_ns % NS_PER_S};

    pthread_cond_timedwait(&slots->given_back, &slots->lock, &t);
}

int slots_wait(struct slots *slots, int64_t deadline_ns, const atomic_bool *cancel)
{
    int result = 0;

    pthread_mutex_lock(&slots->lock);
    while (slots->out >= slots->limit) {
        int64_t now = clock_monotonic_ns();

        if (cancel && atomic_load(cancel))
            result = ERR_CANCELED;
        else if (now >= deadline_ns)
            result = ERR_FULL;
        if (result)
            break;
        wait_slice(slots, deadline_ns - now < LOOK_NS ? deadline_ns : now + LOOK_NS);
    }
    if (!result)
        slots->out++;
    pthread_mutex_unlock(&slots->lock);
    return result;
}

void slots_give_back(struct slots *slots)
{
    pthread_mutex_lock(&slots->lock);
    slots->out--;
    pthread_cond_signal(&slots->given_back);
    unlock(slots);
}

int slots_admit(struct slots *slots, bool drop, int64_t deadline_ns, const atomic_bool *cancel,
                const char *shown, struct error *error)
{
    int result;

    if (slots_try(slots))
        return 0;
    if (drop)
        result = clock_monotonic_ns() < deadline_ns ? 1 : ERR_FULL;
    else
        result = slots_wait(slots, deadline_ns, cancel);
    if (result == ERR_CANCELED)
        return error_set(error, result, "%s: interrupted", shown);
    if (result == ERR_FULL)
        return error_set(error, result, "%s: all %zu pictures are still in use", shown, slots->limit);
    return result;
}
