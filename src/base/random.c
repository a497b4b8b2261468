#include "base/random.h"

#include <math.h>

/* xoshiro256++ by D. Blackman and S. Vigna (public domain description), seeded by splitmix64. */

static uint64_t rotate_left(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

void random_seed(struct random_state *state, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        seed += 0x9E3779B97F4A7C15u;
        uint64_t z = seed;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
        state->s[i] = z ^ (z >> 31);
    }
}

uint64_t random_u64(struct random_state *state)
{
    uint64_t *s = state->s;
    uint64_t result = rotate_left(s[0] + s[3], 23) + s[0];
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

double random_unit(struct random_state *state)
{
    return (double)(random_u64(state) >> 11) * 0x1.0p-53;
}

double random_normal(struct random_state *state)
{
    double u, v, r;
    do {
        u = 2 * random_unit(state) - 1;
        v = 2 * random_unit(state) - 1;
        r = u * u + v * v;
    } while (r >= 1 || r == 0);
    return u * sqrt(-2 * log(r) / r);
}

uint32_t random_below(struct random_state *state, uint32_t bound)
{
    uint32_t threshold = (0u - bound) % bound;
    uint32_t x;
    do
        x = (uint32_t)(random_u64(state) >> 32);
    while (x < threshold);
    return x % bound;
}
