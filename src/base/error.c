/* SPDX-License-Identifier: MIT */
/* Error sentences: formatting, shortening, names of the status codes. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"

const char *clipspan_status_name(clipspan_status status)
{
    switch (status) {
    case CLIPSPAN_OK: return "CLIPSPAN_OK";
    case CLIPSPAN_E_INTERNAL: return "CLIPSPAN_E_INTERNAL";
    case CLIPSPAN_E_ARGUMENT: return "CLIPSPAN_E_ARGUMENT";
    case CLIPSPAN_E_NOMEM: return "CLIPSPAN_E_NOMEM";
    case CLIPSPAN_E_LIMIT: return "CLIPSPAN_E_LIMIT";
    case CLIPSPAN_E_IO: return "CLIPSPAN_E_IO";
    case CLIPSPAN_E_WRITE: return "CLIPSPAN_E_WRITE";
    case CLIPSPAN_E_EXISTS: return "CLIPSPAN_E_EXISTS";
    case CLIPSPAN_E_FORMAT: return "CLIPSPAN_E_FORMAT";
    case CLIPSPAN_E_UNSUPPORTED: return "CLIPSPAN_E_UNSUPPORTED";
    case CLIPSPAN_E_SHAPE: return "CLIPSPAN_E_SHAPE";
    case CLIPSPAN_E_NOT_FOUND: return "CLIPSPAN_E_NOT_FOUND";
    case CLIPSPAN_E_INTERRUPTED: return "CLIPSPAN_E_INTERRUPTED";
    case CLIPSPAN_E_NUMBERS: return "CLIPSPAN_E_NUMBERS";
    }
    return "unknown status";
}

/* The first place at or before p, not before `start`, where a character begins. */
static const char *boundary(const char *p, const char *start)
{
    while (p > start && ((unsigned char)*p & 0xC0) == 0x80)
        p--;
    return p;
}

static const char dots[] = "\xE2\x80\xA6";

/* Ends a message that was cut at `room` in "…" after a whole character, and makes it one line of
 * valid UTF-8 that cannot steer a terminal: file names and tensor names may hold anything. */
static void finish(char *message, size_t room, int wanted)
{
    char raw[sizeof(((clipspan_error *)0)->message)], escape[CS_ESCAPE_ROOM];
    const char *p = raw;
    size_t used = 0, whole = 0, taken; /* whole: so much leaves room for dots */
    if (wanted < 0) message[0] = '\0';
    if (wanted > 0 && (size_t)wanted >= room) {
        const char *end = boundary(message + room - sizeof dots, message);
        memcpy(message + (end - message), dots, sizeof dots);
    }
    memcpy(raw, message, strlen(message) + 1);
    for (; *p; p += taken) {
        const size_t escaped = cs_escape(escape, p, &taken), length = escaped ? escaped : taken;
        if (used + length >= room) {
            memcpy(message + whole, dots, sizeof dots);
            return;
        }
        memcpy(message + used, escaped ? escape : p, length);
        used += length;
        if (used + sizeof dots <= room) whole = used;
    }
    message[used] = '\0';
}

/* A new error: whatever was in it goes. */
static void start(clipspan_error *err, clipspan_status code)
{
    err->code = code;
    err->detail = CLIPSPAN_DETAIL_NONE;
    memset(err->reserved, 0, sizeof err->reserved);
}

static CS_PRINTF(3, 0) void fill(clipspan_error *err, clipspan_status code, const char *format,
                                 va_list args)
{
    const int wanted = vsnprintf(err->message, sizeof err->message, format, args);
    start(err, code);
    finish(err->message, sizeof err->message, wanted);
}

clipspan_status cs_fail(clipspan_error *err, clipspan_status code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (err) fill(err, code, format, args);
    va_end(args);
    return code;
}

clipspan_status cs_stopped(clipspan_error *err, int result, const char *format, ...)
{
    va_list args;
    if (result < CLIPSPAN_E_INTERNAL && result >= CLIPSPAN_E_NUMBERS &&
        result != CLIPSPAN_E_INTERRUPTED)
        return cs_fail(err, (clipspan_status)result, "%s in a function that was called back",
                       result == CLIPSPAN_E_NOMEM ? "out of memory"
                                                  : clipspan_status_name((clipspan_status)result));
    va_start(args, format);
    if (err) fill(err, CLIPSPAN_E_INTERRUPTED, format, args);
    va_end(args);
    return CLIPSPAN_E_INTERRUPTED;
}

clipspan_status cs_detail(clipspan_error *err, clipspan_detail detail, clipspan_status code)
{
    if (err) err->detail = detail;
    return code;
}

clipspan_status cs_fail_at(clipspan_error *err, clipspan_status code, const char *path,
                           const char *format, ...)
{
    if (err) {
        va_list args;
        size_t length = strlen(path), used;
        int wanted;
        if (length > 400)
            snprintf(err->message, sizeof err->message,
                     "%.*s\xE2\x80\xA6%s: ", (int)(boundary(path + 100, path) - path), path,
                     boundary(path + length - 290, path));
        else
            snprintf(err->message, sizeof err->message, "%s: ", path);
        used = strlen(err->message);
        va_start(args, format);
        wanted = vsnprintf(err->message + used, sizeof err->message - used, format, args);
        va_end(args);
        start(err, code);
        finish(err->message, sizeof err->message, wanted < 0 ? wanted : (int)used + wanted);
    }
    return code;
}

clipspan_status cs_fail_memory(clipspan_error *err, size_t bytes, const char *what)
{
    return cs_fail(
        err, CLIPSPAN_E_NOMEM,
        "out of memory: %zu bytes for %s could not be had; free some memory, raise "
        "limits of memory (ulimit -v, cgroup), use fewer threads (-j) or a smaller model",
        bytes, what);
}

void cs_clear(clipspan_error *err)
{
    if (err) {
        start(err, CLIPSPAN_OK);
        err->message[0] = '\0';
    }
}
