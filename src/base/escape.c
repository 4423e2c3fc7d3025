/* SPDX-License-Identifier: MIT */
/* Characters that could steer what shows them, and their escapes. */
#include "base/escape.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t cs_character(const char *p)
{
    const unsigned char *q = (const unsigned char *)p;
    const size_t length = q[0] == 0     ? 0
                          : q[0] < 0x80 ? 1
                          : q[0] < 0xC2 ? 0
                          : q[0] < 0xE0 ? 2
                          : q[0] < 0xF0 ? 3
                          : q[0] < 0xF5 ? 4
                                        : 0;
    for (size_t i = 1; i < length; i++)
        if ((q[i] & 0xC0) != 0x80) return 0;
    if ((q[0] == 0xE0 && q[1] < 0xA0) || (q[0] == 0xED && q[1] > 0x9F) ||
        (q[0] == 0xF0 && q[1] < 0x90) || (q[0] == 0xF4 && q[1] > 0x8F))
        return 0;
    return length;
}

/* The code point of a character of one to three bytes; 0 for a longer one. */
static uint32_t code_of(const char *text, size_t length)
{
    const unsigned char *p = (const unsigned char *)text;
    if (length == 1) return p[0];
    if (length == 2) return (uint32_t)(p[0] & 0x1F) << 6 | (p[1] & 0x3F);
    if (length == 3)
        return (uint32_t)(p[0] & 0x0F) << 12 | (uint32_t)(p[1] & 0x3F) << 6 | (p[2] & 0x3F);
    return 0;
}

static int turns(uint32_t code)
{
    return code == 0x061C || code == 0x200E || code == 0x200F ||
           (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

int cs_is_bidi_control(const char *p)
{
    return turns(code_of(p, cs_character(p)));
}

size_t cs_escape(char out[CS_ESCAPE_ROOM], const char *p, size_t *taken)
{
    static const char raw[] = "\t\n\r", letters[] = "tnr";
    const size_t length = cs_character(p);
    const char *letter = memchr(raw, *p, 3);
    uint32_t code;
    *taken = length ? length : 1;
    if (!length) return (size_t)snprintf(out, CS_ESCAPE_ROOM, "\\x%02x", (unsigned char)*p);
    if (letter) return (size_t)snprintf(out, CS_ESCAPE_ROOM, "\\%c", letters[letter - raw]);
    code = code_of(p, length);
    if (length < 4 && (code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x2028 ||
                       code == 0x2029 || turns(code)))
        return (size_t)snprintf(out, CS_ESCAPE_ROOM, "\\u%04x", (unsigned)code);
    return 0;
}

void cs_escape_put(void (*put)(void *to, const char *text, size_t size), void *to, const char *text,
                   int cell)
{
    const char *plain = text; /* not put yet */
    char escape[CS_ESCAPE_ROOM];
    while (*text) {
        size_t taken = 1, length = 2;
        if (cell && *text == '\\')
            memcpy(escape, "\\\\", 2);
        else
            length = cs_escape(escape, text, &taken);
        if (length) {
            put(to, plain, (size_t)(text - plain));
            put(to, escape, length);
            plain = text + taken;
        }
        text += taken;
    }
    put(to, plain, (size_t)(text - plain));
}

int cs_is_formula(const char *text)
{
    char *end;
    if (!*text || !strchr("=+-@\t\r\n", *text)) return 0;
    (void)strtod(text, &end);
    return end == text || *end != '\0';
}
