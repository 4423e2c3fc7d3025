/* SPDX-License-Identifier: MIT */
/* SHA-256 (FIPS 180-4), streaming. */
#ifndef CLIPSPAN_SRC_FORMATS_SHA256_H
#define CLIPSPAN_SRC_FORMATS_SHA256_H

#include <stddef.h>
#include <stdint.h>

typedef struct cs_sha256 {
    uint32_t state[8];
    uint64_t bytes;
    unsigned char block[64];
    int extension; /* this CPU has SHA instructions: some five times as fast, the same digest */
} cs_sha256;

void cs_sha256_init(cs_sha256 *hash);
void cs_sha256_add(cs_sha256 *hash, const void *data, size_t size);
void cs_sha256_end(unsigned char digest[32], cs_sha256 *hash);

/* 64 lower-case hexadecimal digits and a NUL. */
void cs_sha256_print(char text[65], const unsigned char digest[32]);

#endif
