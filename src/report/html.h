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
 * control characters spaces, and what is not UTF-8 the replacement character. */
void cs_html_text(cs_html *html, const char *text);

/* Bytes in base64, for data addresses. */
void cs_html_base64(cs_html *html, const unsigned char *bytes, size_t size);

/* ---- Figures, for printing at once: cs_figure_percent(x).text ---- */

typedef struct cs_figure {
    char text[40];
} cs_figure;

/* Three significant digits: "0.412", "-1.30e-05" with a real minus; "?" when not finite. */
cs_figure cs_figure_real(double value);
/* A share as a percentage with its unit: "41.2 %", "under 0.01 %", "100 %". */
cs_figure cs_figure_percent(double share);
/* Thousands separated: "12,345". */
cs_figure cs_figure_count(uint64_t count);

#endif
