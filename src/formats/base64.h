/* SPDX-License-Identifier: MIT */
/* Base64 (RFC 4648, section 4), for data addresses and for arrays inside JSON. */
#ifndef CLIPSPAN_SRC_FORMATS_BASE64_H
#define CLIPSPAN_SRC_FORMATS_BASE64_H

#include <stddef.h>

/* Hands the text of `size` bytes to `put` in parts. */
void cs_base64_put(void (*put)(void *to, const char *text, size_t size), void *to,
                   const unsigned char *bytes, size_t size);

#endif
