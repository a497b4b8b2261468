#include "api/limiter.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum { WAYS = 8 }; /* places that a name may be in */

struct bucket {
    uint64_t name; /* hash; 0 = free */
    double tokens;
    int64_t used_ns;
};

struct limiter {
    pthread_mutex_t lock;
    size_t sets;
    struct bucket *buckets; /* sets * WAYS */
};

struct limiter *limiter_create(size_t buckets)
{
    struct limiter *limiter = calloc(1, sizeof *limiter);
    if (limiter == NULL)
        return NULL;
    limiter->sets = (buckets + WAYS - 1) / WAYS;
    limiter->buckets = calloc(limiter->sets * WAYS, sizeof *limiter->buckets);
    if (limiter->buckets == NULL) {
        free(limiter);
        return NULL;
    }
    pthread_mutex_init(&limiter->lock, NULL);
    return limiter;
}

void limiter_destroy(struct limiter *limiter)
{
    if (limiter == NULL)
        return;
    pthread_mutex_destroy(&limiter->lock);
    free(limiter->buckets);
    free(limiter);
}

/* FNV-1a, 64 bits. Two names that share a value share a bucket: harmless. */
static uint64_t hash_of(const char *name)
{
    uint64_t hash = 14695981039346656037u;
    for (const char *c = name; *c != '\0'; c++)
        hash = (hash ^ (uint8_t)*c) * 1099511628211u;
    return hash == 0 ? 1 : hash;
}

static struct bucket *bucket_of(struct limiter *limiter, uint64_t name, double burst, int64_t now_ns)
{
    struct bucket *set = &limiter->buckets[(name >> 32) % limiter->sets * WAYS];
    struct bucket *oldest = &set[0];
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].name == name)
            return &set[i];
        if (set[i].name == 0 || (oldest->name != 0 && set[i].used_ns < oldest->used_ns))
            oldest = &set[i];
    }
    *oldest = (struct bucket){.name = name, .tokens = burst, .used_ns = now_ns};
    return oldest;
}

bool limiter_take(struct limiter *limiter, const char *name, double per_second, double burst, int64_t now_ns,
                  int *retry_after_s)
{
    uint64_t hash = hash_of(name);
    pthread_mutex_lock(&limiter->lock);
    struct bucket *bucket = bucket_of(limiter, hash, burst, now_ns);
    double elapsed = (double)(now_ns - bucket->used_ns) / (double)NS_PER_S;
    bucket->tokens = fmin(burst, bucket->tokens + fmax(0, elapsed) * per_second);
    bucket->used_ns = now_ns;
    bool granted = bucket->tokens >= 1;
    if (granted)
        bucket->tokens -= 1;
    else
        *retry_after_s = (int)fmax(1, ceil((1 - bucket->tokens) / per_second));
    pthread_mutex_unlock(&limiter->lock);
    return granted;
}
