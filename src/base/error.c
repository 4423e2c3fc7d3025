/* SPDX-License-Identifier: MIT */
/* Error sentences: formatting, shortening, names of the status codes. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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

/* Makes one line of the message and, when it was cut at `room`, ends it in "…" after a whole UTF-8
 * character. */
static void finish(char *message, size_t room, int wanted)
{
    static const char dots[] = "\xE2\x80\xA6";
    char *p;
    if (wanted < 0) message[0] = '\0';
    if (wanted > 0 && (size_t)wanted >= room) {
        size_t end = room - sizeof dots;
        while (end > 0 && ((unsigned char)message[end] & 0xC0) == 0x80)
            end--;
        memcpy(message + end, dots, sizeof dots);
    }
    for (p = message; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7F) *p = ' ';
}

clipspan_status cs_fail(clipspan_error *err, clipspan_status code, const char *format, ...)
{
    if (err) {
        va_list args;
        int wanted;
        va_start(args, format);
        wanted = vsnprintf(err->message, sizeof err->message, format, args);
        va_end(args);
        err->code = code;
        finish(err->message, sizeof err->message, wanted);
    }
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
            snprintf(err->message, sizeof err->message, "%.100s\xE2\x80\xA6%s: ", path,
                     path + length - 290);
        else
            snprintf(err->message, sizeof err->message, "%s: ", path);
        used = strlen(err->message);
        va_start(args, format);
        wanted = vsnprintf(err->message + used, sizeof err->message - used, format, args);
        va_end(args);
        err->code = code;
        finish(err->message, sizeof err->message, wanted < 0 ? wanted : (int)used + wanted);
    }
    return code;
}

clipspan_status cs_fail_memory(clipspan_error *err, size_t bytes, const char *what)
{
    return cs_fail(err, CLIPSPAN_E_NOMEM,
                   "out of memory: %zu bytes for %s could not be had; free some memory, use fewer "
                   "threads (-j) or a smaller model",
                   bytes, what);
}

void cs_clear(clipspan_error *err)
{
    if (err) {
        err->code = CLIPSPAN_OK;
        err->message[0] = '\0';
    }
}
