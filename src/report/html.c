/* SPDX-License-Identifier: MIT */
/* The writer behind every page: a growing text, escaping, base64, figures. */
#include "report/html.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "base/memory.h"
#include "base/number_text.h"
#include "formats/base64.h"
#include "text/codepoints.h"

#define SPACE "\xC2\xA0"     /* that does not break a line */
#define MINUS "\xE2\x88\x92" /* as long as a plus */

void cs_html_init(cs_html *html, clipspan_error *err)
{
    memset(html, 0, sizeof *html);
    html->err = err;
}

void cs_html_fini(cs_html *html)
{
    cs_free(html->bytes);
    html->bytes = NULL;
}

/* Where the next `size` bytes go, or NULL after a failure. */
static char *reserve(cs_html *html, size_t size)
{
    if (html->status != CLIPSPAN_OK) return NULL;
    html->status =
        size > SIZE_MAX - html->size
            ? cs_fail_memory(html->err, SIZE_MAX, "a report")
            : cs_grow(&html->bytes, &html->room, html->size + size, 1, "a report", html->err);
    return html->status == CLIPSPAN_OK ? html->bytes + html->size : NULL;
}

static void append(cs_html *html, const char *bytes, size_t size)
{
    char *to = reserve(html, size);
    if (!to) return;
    memcpy(to, bytes, size);
    html->size += size;
}

void cs_html_put(cs_html *html, const char *markup)
{
    append(html, markup, strlen(markup));
}

void cs_html_format(cs_html *html, const char *format, ...)
{
    va_list args, again;
    int size;
    char *to;
    va_start(args, format);
    va_copy(again, args);
    size = vsnprintf(NULL, 0, format, args);
    to = size < 0 ? NULL : reserve(html, (size_t)size + 1);
    if (to) {
        vsnprintf(to, (size_t)size + 1, format, again);
        html->size += (size_t)size;
    }
    va_end(again);
    va_end(args);
}

/* marks: bidirectional controls stay; otherwise each is its escape. */
static void put_text(cs_html *html, const char *text, int marks)
{
    size_t size = strlen(text), taken;
    unsigned char bytes[4];
    char escape[CS_ESCAPE_ROOM];
    int valid;
    for (; size; text += taken, size -= taken) {
        const uint32_t code = cs_utf8_next(text, size, &taken, &valid);
        switch (code) {
        case '&': cs_html_put(html, "&amp;"); break;
        case '<': cs_html_put(html, "&lt;"); break;
        case '>': cs_html_put(html, "&gt;"); break;
        case '"': cs_html_put(html, "&quot;"); break;
        case '\'': cs_html_put(html, "&#39;"); break;
        case 0x2028:
        case 0x2029: cs_html_put(html, " "); break;
        default:
            if (code < 0x20 || (code >= 0x7F && code < 0xA0))
                cs_html_put(html, " ");
            else if (!marks && valid && cs_is_bidi_control(text))
                append(html, escape, cs_escape(escape, text, &taken));
            else
                append(html, (const char *)bytes, cs_utf8_put(bytes, code));
        }
    }
}

void cs_html_text(cs_html *html, const char *text)
{
    put_text(html, text, 0);
}

void cs_html_bytes(cs_html *html, const char *bytes, size_t size)
{
    append(html, bytes, size);
}

void cs_html_name(cs_html *html, const char *text)
{
    cs_html_put(html, "<bdi>");
    put_text(html, text, 1);
    cs_html_put(html, "</bdi>");
}

static void append_part(void *to, const char *text, size_t size)
{
    append(to, text, size);
}

void cs_html_base64(cs_html *html, const unsigned char *bytes, size_t size)
{
    cs_base64_put(append_part, html, bytes, size);
}

/* ---- Figures ---- */

/* A number as pages show it: a real minus, a blank that does not break, markup escaped. */
static cs_figure dress(cs_number number)
{
    cs_figure figure;
    char *to = figure.text;
    for (const char *at = number.text; *at; at++) {
        const char *sign = *at == '-' && (at == number.text || at[-1] != 'e') ? MINUS
                           : *at == ' ' && at[1] == '%'                       ? SPACE
                           : *at == '<'                                       ? "&lt;"
                           : *at == '>'                                       ? "&gt;"
                                                                              : NULL;
        if (sign)
            to += strlen(strcpy(to, sign));
        else
            *to++ = *at;
    }
    *to = '\0';
    return figure;
}

cs_figure cs_figure_real(double value)
{
    return dress(cs_number_digits(value, 3));
}

cs_figure cs_figure_percent(double share)
{
    return dress(cs_number_share(share));
}

cs_figure cs_figure_range(double low, double high)
{
    return dress(cs_number_interval(low, high));
}

cs_figure cs_figure_points(double change)
{
    return dress(cs_number_points(change));
}

cs_figure cs_figure_fixed(double value, int decimals)
{
    return dress(cs_number_fixed(value, decimals));
}

cs_figure cs_figure_signed(double value, int decimals)
{
    return dress(cs_number_signed(value, decimals));
}

cs_figure cs_figure_count(uint64_t count)
{
    return dress(cs_number_count(count));
}
