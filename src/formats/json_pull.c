/* SPDX-License-Identifier: MIT */
/* RFC 8259, read from left to right. Skipped values are checked for matching brackets and closed
 * strings only; who needs what is in them parses their bytes. */
#include "formats/json_pull.h"
#include "base/memory.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void cs_json_pull_fini(cs_json_pull *pull)
{
    cs_free(pull->string);
    memset(pull, 0, sizeof *pull);
}

static clipspan_status refuse(const cs_json_pull *pull, const char *expected, clipspan_error *err)
{
    if (pull->at >= pull->size)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, pull->path,
                          "is cut short: ends at byte %zu where %s was expected", pull->size,
                          expected);
    return cs_fail_at(err, CLIPSPAN_E_FORMAT, pull->path,
                      "is not valid JSON at byte %zu: expected %s", pull->at, expected);
}

char cs_json_pull_kind(cs_json_pull *pull)
{
    while (pull->at < pull->size) {
        char c = pull->text[pull->at];
        if (c != ' ' && c != '\t' && c != '\n' && c != '\r') return c;
        pull->at++;
    }
    return '\0';
}

clipspan_status cs_json_pull_enter(cs_json_pull *pull, char open, clipspan_error *err)
{
    if (cs_json_pull_kind(pull) != open)
        return refuse(pull, open == '{' ? "an object" : "a list", err);
    pull->at++;
    return CLIPSPAN_OK;
}

clipspan_status cs_json_pull_next(int *more, cs_json_pull *pull, char open, size_t index,
                                  clipspan_error *err)
{
    char close = open == '{' ? '}' : ']';
    *more = cs_json_pull_kind(pull) != close;
    if (!*more) {
        pull->at++;
        return CLIPSPAN_OK;
    }
    if (index > 0) {
        if (cs_json_pull_kind(pull) != ',')
            return refuse(pull, open == '{' ? "a comma or }" : "a comma or ]", err);
        pull->at++;
    }
    if (open == '[') return CLIPSPAN_OK;
    CS_TRY(cs_json_pull_string(pull, err));
    if (cs_json_pull_kind(pull) != ':') return refuse(pull, "a colon", err);
    pull->at++;
    return CLIPSPAN_OK;
}

static int hex(uint32_t *out, const cs_json_pull *pull, size_t at)
{
    *out = 0;
    if (at + 4 > pull->size) return 0;
    for (size_t i = at; i < at + 4; i++) {
        char c = pull->text[i];
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                : 16;
        if (digit == 16) return 0;
        *out = *out * 16 + digit;
    }
    return 1;
}

static size_t put_utf8(char *out, uint32_t code)
{
    size_t count = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = count; i-- > 1; code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)(lead[count] | code);
    return count;
}

/* An escape at the cursor, which stands on the backslash. */
static clipspan_status unescape(cs_json_pull *pull, clipspan_error *err)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    char c = pull->at + 1 < pull->size ? pull->text[pull->at + 1] : '\0';
    const char *plain = c ? strchr(from, c) : NULL;
    uint32_t code, low;
    if (plain) {
        pull->string[pull->length++] = to[plain - from];
        pull->at += 2;
        return CLIPSPAN_OK;
    }
    if (c != 'u' || !hex(&code, pull, pull->at + 2)) return refuse(pull, "an escape", err);
    if (code >= 0xdc00 && code < 0xe000) return refuse(pull, "no lone surrogate", err);
    if (code >= 0xd800 && code < 0xdc00) {
        if (pull->at + 8 > pull->size || pull->text[pull->at + 6] != '\\' ||
            pull->text[pull->at + 7] != 'u' || !hex(&low, pull, pull->at + 8) || low < 0xdc00 ||
            low >= 0xe000)
            return refuse(pull, "no lone surrogate", err);
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        pull->at += 6;
    }
    pull->at += 6;
    pull->length += put_utf8(pull->string + pull->length, code);
    return CLIPSPAN_OK;
}

/* Bytes of the well-formed UTF-8 sequence at the cursor; 0 when there is none. */
static size_t sequence(const cs_json_pull *pull)
{
    const unsigned char *s = (const unsigned char *)pull->text + pull->at;
    size_t left = pull->size - pull->at, count, i;
    if (s[0] < 0x80) return 1;
    count = s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3 : 4;
    if (s[0] < 0xc2 || s[0] > 0xf4 || left < count) return 0;
    for (i = 1; i < count; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return count;
}

clipspan_status cs_json_pull_string(cs_json_pull *pull, clipspan_error *err)
{
    if (cs_json_pull_kind(pull) != '"') return refuse(pull, "a string", err);
    pull->at++;
    pull->length = 0;
    for (;;) {
        size_t count;
        CS_TRY(cs_grow(&pull->string, &pull->room, pull->length + 5, 1, "a string", err));
        if (pull->at >= pull->size) return refuse(pull, "the end of a string", err);
        if (pull->text[pull->at] == '"') break;
        if (pull->text[pull->at] == '\\') {
            CS_TRY(unescape(pull, err));
            continue;
        }
        count = sequence(pull);
        if (count == 0 || (unsigned char)pull->text[pull->at] < 0x20)
            return refuse(pull, "valid UTF-8 without control characters", err);
        memcpy(pull->string + pull->length, pull->text + pull->at, count);
        pull->length += count;
        pull->at += count;
    }
    pull->string[pull->length] = '\0';
    pull->at++;
    return CLIPSPAN_OK;
}

clipspan_status cs_json_pull_number(double *out, cs_json_pull *pull, clipspan_error *err)
{
    char text[64], *end, *dot;
    size_t length = 0;
    char first = cs_json_pull_kind(pull);
    while (pull->at + length < pull->size && length + 1 < sizeof text &&
           strchr("+-.0123456789eE", pull->text[pull->at + length]) &&
           pull->text[pull->at + length])
        length++;
    memcpy(text, pull->text + pull->at, length);
    text[length] = '\0';
    dot = strchr(text, '.');
    if (dot) *dot = localeconv()->decimal_point[0];
    *out = strtod(text, &end);
    if (length == 0 || first == '+' || first == '.' || *end || !isfinite(*out))
        return refuse(pull, "a number", err);
    pull->at += length;
    return CLIPSPAN_OK;
}

static void skip_string(cs_json_pull *pull)
{
    pull->at++;
    while (pull->at < pull->size && pull->text[pull->at] != '"')
        pull->at += pull->text[pull->at] == '\\' ? 2 : 1;
    pull->at++;
}

clipspan_status cs_json_pull_skip(size_t *first, size_t *length, cs_json_pull *pull,
                                  clipspan_error *err)
{
    char open[CS_JSON_PULL_DEEP];
    size_t depth = 0;
    char c;
    cs_json_pull_kind(pull);
    *first = pull->at;
    do {
        c = cs_json_pull_kind(pull);
        if (c == '"') {
            skip_string(pull);
        } else if (c == '{' || c == '[') {
            if (depth == sizeof open)
                return cs_fail_at(err, CLIPSPAN_E_FORMAT, pull->path,
                                  "is nested more than %d deep at byte %zu", CS_JSON_PULL_DEEP,
                                  pull->at);
            open[depth++] = c == '{' ? '}' : ']';
            pull->at++;
        } else if (depth > 0 && (c == '}' || c == ']')) {
            if (c != open[--depth]) return refuse(pull, "a matching bracket", err);
            pull->at++;
        } else if (c && (depth > 0 || !strchr(",:}]", c))) {
            size_t from = pull->at;
            while (pull->at < pull->size && !strchr(",:]}[{\" \t\r\n", pull->text[pull->at]))
                pull->at++;
            pull->at += pull->at == from; /* a comma or colon inside */
        }
        if (pull->at > pull->size || c == '\0' || pull->at == *first) {
            if (pull->at > pull->size) pull->at = pull->size;
            return refuse(pull, "a value", err);
        }
    } while (depth > 0);
    *length = pull->at - *first;
    return CLIPSPAN_OK;
}

clipspan_status cs_json_pull_end(cs_json_pull *pull, clipspan_error *err)
{
    return cs_json_pull_kind(pull) ? refuse(pull, "the end", err) : CLIPSPAN_OK;
}
