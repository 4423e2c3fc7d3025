/* SPDX-License-Identifier: MIT */
/* SHA-256 as FIPS 180-4 (sections 4.1.2, 5.1.1 and 6.2) defines it. */
#include "formats/sha256.h"

#include <string.h>

#if defined(__GNUC__) && defined(__x86_64__)
#    include <cpuid.h>
#    include <immintrin.h>
#    define HAS_EXTENSION 1
#else
#    define HAS_EXTENSION 0
#endif

/* The first 32 bits of the fractions of the cube roots of the first 64 primes. */
static const uint32_t k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t turn(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

/* Step n of eight: instead of moving the letters a to h up by one, each step finds them one place
 * lower. n is a constant at every call, so the places are too. */
static inline void step(uint32_t v[8], unsigned n, uint32_t word)
{
    uint32_t a = v[(0 - n) & 7], b = v[(1 - n) & 7], c = v[(2 - n) & 7];
    uint32_t e = v[(4 - n) & 7], f = v[(5 - n) & 7], g = v[(6 - n) & 7];
    uint32_t t =
        v[(7 - n) & 7] + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + (g ^ (e & (f ^ g))) + word;
    v[(3 - n) & 7] += t;
    v[(7 - n) & 7] = t + (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) | (c & (a | b)));
}

static void add_block(uint32_t state[8], const unsigned char *block)
{
    uint32_t w[64], v[8];
    int i;
    for (i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (; i < 64; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + (turn(a, 7) ^ turn(a, 18) ^ a >> 3) + w[i - 7] +
               (turn(b, 17) ^ turn(b, 19) ^ b >> 10);
    }
    memcpy(v, state, sizeof v);
    for (i = 0; i < 64; i += 8) {
        step(v, 0, k[i] + w[i]);
        step(v, 1, k[i + 1] + w[i + 1]);
        step(v, 2, k[i + 2] + w[i + 2]);
        step(v, 3, k[i + 3] + w[i + 3]);
        step(v, 4, k[i + 4] + w[i + 4]);
        step(v, 5, k[i + 5] + w[i + 5]);
        step(v, 6, k[i + 6] + w[i + 6]);
        step(v, 7, k[i + 7] + w[i + 7]);
    }
    for (i = 0; i < 8; i++)
        state[i] += v[i];
}

#if HAS_EXTENSION

/* Leaf 7 has SHA in bit 29 of EBX; leaf 1 SSSE3 and SSE4.1 in bits 9 and 19 of ECX. */
static int has_extension(void)
{
    unsigned a, b, c, d, more;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> 9 & c >> 19 & 1)) return 0;
    return __get_cpuid_count(7, 0, &a, &more, &c, &d) && more >> 29 & 1;
}

/* The instructions hold the eight letters as ABEF and CDGH and do two steps at once; a word of w
 * has four words of the message, and each group of four follows from the four groups before it. */
__attribute__((target("sha,sse4.1,ssse3"))) static void
add_blocks(uint32_t state[8], const unsigned char *data, size_t count)
{
    const __m128i order = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i low = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(const void *)state), 0xB1);
    __m128i high =
        _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(const void *)(state + 4)), 0x1B);
    __m128i abef = _mm_alignr_epi8(low, high, 8), cdgh = _mm_blend_epi16(high, low, 0xF0);
    for (; count > 0; count--, data += 64) {
        const __m128i abef_before = abef, cdgh_before = cdgh;
        __m128i w[16];
        for (int i = 0; i < 16; i++) {
            __m128i sum;
            if (i < 4) {
                w[i] = _mm_shuffle_epi8(
                    _mm_loadu_si128((const __m128i *)(const void *)(data + 16 * i)), order);
            } else {
                w[i] = _mm_add_epi32(_mm_sha256msg1_epu32(w[i - 4], w[i - 3]),
                                     _mm_alignr_epi8(w[i - 1], w[i - 2], 4));
                w[i] = _mm_sha256msg2_epu32(w[i], w[i - 1]);
            }
            sum = _mm_add_epi32(w[i], _mm_loadu_si128((const __m128i *)(const void *)(k + 4 * i)));
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0E));
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    low = _mm_shuffle_epi32(abef, 0x1B);
    high = _mm_shuffle_epi32(cdgh, 0xB1);
    _mm_storeu_si128((__m128i *)(void *)state, _mm_blend_epi16(low, high, 0xF0));
    _mm_storeu_si128((__m128i *)(void *)(state + 4), _mm_alignr_epi8(high, low, 8));
}

#else

static int has_extension(void)
{
    return 0;
}

static void add_blocks(uint32_t state[8], const unsigned char *data, size_t count)
{
    (void)state;
    (void)data;
    (void)count;
}

#endif

void cs_sha256_init(cs_sha256 *hash)
{
    static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memcpy(hash->state, start, sizeof start);
    hash->bytes = 0;
    hash->extension = has_extension();
}

void cs_sha256_add(cs_sha256 *hash, const void *data, size_t size)
{
    const unsigned char *p = data;
    size_t used = (size_t)(hash->bytes % 64);
    hash->bytes += size;
    if (used && size) {
        size_t part = size < 64 - used ? size : 64 - used;
        memcpy(hash->block + used, p, part);
        if (used + part < 64) return;
        add_block(hash->state, hash->block);
        p += part;
        size -= part;
    }
    if (hash->extension) {
        add_blocks(hash->state, p, size / 64);
        p += size / 64 * 64;
        size %= 64;
    }
    for (; size >= 64; p += 64, size -= 64)
        add_block(hash->state, p);
    if (size) memcpy(hash->block, p, size);
}

void cs_sha256_end(unsigned char digest[32], cs_sha256 *hash)
{
    static const unsigned char padding[64] = {0x80};
    uint64_t bits = hash->bytes * 8;
    unsigned char length[8];
    int i;
    for (i = 0; i < 8; i++)
        length[i] = (unsigned char)(bits >> (56 - 8 * i));
    cs_sha256_add(hash, padding, (size_t)((119 - hash->bytes % 64) % 64 + 1));
    cs_sha256_add(hash, length, 8);
    for (i = 0; i < 32; i++)
        digest[i] = (unsigned char)(hash->state[i / 4] >> (24 - 8 * (i % 4)));
}

void cs_sha256_print(char text[65], const unsigned char digest[32])
{
    static const char digits[] = "0123456789abcdef";
    int i;
    for (i = 0; i < 32; i++) {
        text[2 * i] = digits[digest[i] >> 4];
        text[2 * i + 1] = digits[digest[i] & 15];
    }
    text[64] = '\0';
}
