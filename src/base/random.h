/* Deterministic random numbers (xoshiro256++): the same seed gives the same numbers everywhere. Not for
 * secrets: base/secret.h. */
#ifndef SCI_BASE_RANDOM_H
#define SCI_BASE_RANDOM_H

#include <stdint.h>

struct random_state {
    uint64_t s[4];
};

void random_seed(struct random_state *state, uint64_t seed);
uint64_t random_u64(struct random_state *state);
double random_unit(struct random_state *state);                    /* [0, 1) */
double random_normal(struct random_state *state);                  /* mean 0, deviation 1 (polar method) */
uint32_t random_below(struct random_state *state, uint32_t bound); /* [0, bound), unbiased; bound > 0 */

#endif
