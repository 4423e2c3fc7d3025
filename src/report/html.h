/* SPDX-License-Identifier: MIT */
/* A page being written: markup, escaped texts and figures, in memory. The first failure is kept and
 * everything after it does nothing, so that sections need not look. */
#ifndef CLIPSPAN_SRC_REPORT_HTML_H
#define CLIPSPAN_SRC_REPORT_HTML_H

#include "base/error.h"

typedef struct cs_html {
    char *bytes;
    size_t size, room;
    clipspan_status status; /* of the first call that failed */
    clipspan_error *err;
} cs_html;

void cs_html_init(cs_html *html, clipspan_error *err);
void cs_html_fini(cs_html *html);

/* Markup as it stands, and with printf's directives: nothing that comes from a file. */
void cs_html_put(cs_html *html, const char *markup);
void cs_html_format(cs_html *html, const char *format, ...) CS_PRINTF(2, 3);

/* Text from outside, fit for content and for quoted attributes: & < > " ' become references,
 * control characters and separators of lines spaces, bidirectional controls their escapes
 * (base/escape.h), and what is not UTF-8 the replacement character. */
void cs_html_text(cs_html *html, const char *text);

/* The same inside <bdi>, for content only, with its bidirectional controls: a name or text in any
 * script does not turn the words around it. */
void cs_html_name(cs_html *html, const char *text);

/* Bytes in base64, for data addresses; bytes as they are. */
void cs_html_base64(cs_html *html, const unsigned char *bytes, size_t size);
void cs_html_bytes(cs_html *html, const char *bytes, size_t size);

/* ---- Figures, for printing at once: cs_figure_percent(x).text ----
 * Numbers of base/number_text.h as markup: with a real minus, a unit that stays on its line, "<" as
 * a reference. */

typedef struct cs_figure {
    char text[80];
} cs_figure;

cs_figure cs_figure_real(double value);    /* three significant digits */
cs_figure cs_figure_percent(double share); /* as well */
cs_figure cs_figure_range(double low, double high);
cs_figure cs_figure_points(double change);
cs_figure cs_figure_fixed(double value, int decimals);
cs_figure cs_figure_signed(double value, int decimals);
cs_figure cs_figure_count(uint64_t count);

#endif
