/* SPDX-License-Identifier: MIT */
/* The writer behind every page: a growing text, escaping, base64, figures. */
#include "report/html.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
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

void cs_html_text(cs_html *html, const char *text)
{
    size_t size = strlen(text), taken;
    unsigned char bytes[4];
    int valid;
    for (; size; text += taken, size -= taken) {
        const uint32_t code = cs_utf8_next(text, size, &taken, &valid);
        switch (code) {
        case '&': cs_html_put(html, "&amp;"); break;
        case '<': cs_html_put(html, "&lt;"); break;
        case '>': cs_html_put(html, "&gt;"); break;
        case '"': cs_html_put(html, "&quot;"); break;
        case '\'': cs_html_put(html, "&#39;"); break;
        default:
            if (code < 0x20 || (code >= 0x7F && code < 0xA0))
                cs_html_put(html, " ");
            else
                append(html, (const char *)bytes, cs_utf8_put(bytes, code));
        }
    }
}

void cs_html_base64(cs_html *html, const unsigned char *bytes, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t i;
    for (i = 0; i < size; i += 3) {
        const size_t left = size - i;
        const uint32_t group = (uint32_t)bytes[i] << 16 |
                               (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                               (left > 2 ? bytes[i + 2] : 0);
        const char four[4] = {digits[group >> 18], digits[group >> 12 & 63],
                              left > 1 ? digits[group >> 6 & 63] : '=',
                              left > 2 ? digits[group & 63] : '='};
        append(html, four, sizeof four);
    }
}

/* ---- Figures ---- */

/* Decimals that leave three significant digits of a value once it is rounded to them. */
static int decimals(double size)
{
    return size < 0.9995 ? 3 : size < 9.995 ? 2 : size < 99.95 ? 1 : 0;
}

cs_figure cs_figure_real(double value)
{
    const double size = fabs(value);
    const char *sign = value < 0 ? MINUS : "";
    cs_figure figure;
    if (!isfinite(value))
        snprintf(figure.text, sizeof figure.text, "?");
    else if (size == 0)
        snprintf(figure.text, sizeof figure.text, "0");
    else if (size < 0.0995 || size >= 9.995e5)
        snprintf(figure.text, sizeof figure.text, "%s%.2e", sign, size);
    else
        snprintf(figure.text, sizeof figure.text, "%s%.*f", sign, decimals(size), size);
    return figure;
}

cs_figure cs_figure_percent(double share)
{
    const double size = fabs(100 * share);
    const char *sign = share < 0 ? MINUS : "";
    cs_figure figure;
    if (!isfinite(share))
        snprintf(figure.text, sizeof figure.text, "?");
    else if (size == 0)
        snprintf(figure.text, sizeof figure.text, "0" SPACE "%%");
    else if (size < 0.01)
        snprintf(figure.text, sizeof figure.text, "%s0.01" SPACE "%%",
                 share < 0 ? "above " MINUS : "under ");
    else if (size < 0.0995)
        snprintf(figure.text, sizeof figure.text, "%s%.3g" SPACE "%%", sign, size);
    else
        snprintf(figure.text, sizeof figure.text, "%s%.*f" SPACE "%%", sign, decimals(size), size);
    return figure;
}

cs_figure cs_figure_count(uint64_t count)
{
    cs_figure figure;
    char digits[24];
    int size = snprintf(digits, sizeof digits, "%llu", (unsigned long long)count), i;
    char *to = figure.text;
    for (i = 0; i < size; i++) {
        if (i && (size - i) % 3 == 0) *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return figure;
}
