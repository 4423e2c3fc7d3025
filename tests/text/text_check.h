/* SPDX-License-Identifier: MIT */
/* What the tests of text share: code points as strings, files for one test, spelled bytes. */
#ifndef CLIPSPAN_TESTS_TEXT_TEXT_CHECK_H
#define CLIPSPAN_TESTS_TEXT_TEXT_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "text/codepoints.h"

/* UTF-8 of codes in a buffer that the next call overwrites. */
static inline const char *check_utf8(const cs_codes *codes)
{
    static char text[4096];
    size_t used = 0, i;
    for (i = 0; i < codes->count && used + 5 < sizeof text; i++)
        used += cs_utf8_put((unsigned char *)text + used, codes->at[i]);
    text[used] = '\0';
    return text;
}

static inline cs_codes check_codes(const char *text)
{
    cs_codes codes = {0};
    assert_int_equal(cs_codes_decode(&codes, text, strlen(text), NULL), CLIPSPAN_OK);
    return codes;
}

/* Writes a file of its own for this test in the folder of tests' files; the path is static. */
static inline const char *check_file(const char *name, const void *data, size_t size)
{
    static char path[512];
    FILE *file;
    snprintf(path, sizeof path, "%s.%ld.%s", TEST_FILES, (long)getpid(), name);
    file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    return path;
}

/* "\xHH" to its byte, in place; returns the length. */
static inline size_t unspell(char *text)
{
    size_t in = 0, out = 0;
    while (text[in]) {
        unsigned value;
        if (text[in] == '\\' && sscanf(text + in, "\\x%2x", &value) == 1) {
            text[out++] = (char)value;
            in += 4;
        } else
            text[out++] = text[in++];
    }
    return out;
}

#endif
