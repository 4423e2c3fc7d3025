/* SPDX-License-Identifier: MIT */
/* SplitMix64, and numbers below a bound by rejection. */
#include "base/random.h"

uint64_t cs_random_next(cs_random *random)
{
    uint64_t z = random->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Numbers from the last, incomplete round of `count` are drawn again. */
uint64_t cs_random_below(cs_random *random, uint64_t count)
{
    uint64_t rest = (UINT64_MAX % count + 1) % count, x;
    do
        x = cs_random_next(random);
    while (x > UINT64_MAX - rest);
    return x % count;
}
