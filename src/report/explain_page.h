/* SPDX-License-Identifier: MIT */
/* An explanation as one self-contained HTML page, and what the files that make it share. */
#ifndef CLIPSPAN_SRC_REPORT_EXPLAIN_PAGE_H
#define CLIPSPAN_SRC_REPORT_EXPLAIN_PAGE_H

#include <clipspan/report.h>

#include "decompose/explanation.h"
#include "draw/view.h"
#include "report/section.h"
#include "study/findings.h"

typedef struct cs_explain_facts {
    const clipspan_explanation_info *x;
    const cs_view *view;
    const char *model, *image;   /* names as readers see them */
    size_t top;                  /* heads and patches listed for a text */
    cs_report_facts report;      /* atlas (NULL: none) and palette of the heads' roles */
    double head_limit;           /* largest size of a head's part, over all texts */
    double map_limit;            /* of a patch's, all heads together */
    double least, most;          /* of a layer's attention or MLP, and 0 */
    const cs_findings *findings; /* of x */
    uint8_t *canvas;             /* [height, width, 3] of the view, to draw on */
} cs_explain_facts;

/* atlas: NULL or one of a model with the same heads. Errors: EXISTS unless `replace`, WRITE,
 * NOMEM. */
clipspan_status cs_explain_write(const char *path, const cs_explanation *explanation,
                                 const cs_view *view, const cs_atlas *atlas,
                                 const clipspan_explain_options *options, clipspan_error *err);

/* ---- Between its files ---- */

#define CS_EXPLAIN_DRAWN 8 /* texts whose heads have drawings that need no script */

/* Everything about one text; `rank` is its place by similarity. */
void cs_explain_text(cs_html *html, const cs_explain_facts *facts, size_t text, size_t rank);

/* What was found about it, as items of a list. */
void cs_explain_findings(cs_html *html, const cs_explain_facts *facts, size_t rank);

/* All maps in 16 bits, and where they lie in the image, for the script. */
void cs_explain_data(cs_html *html, const cs_explain_facts *facts);

/* The atlas's words on a head, NULL without. */
const clipspan_atlas_head *cs_explain_head(const cs_explain_facts *facts, size_t index);

/* "+0.0123", with a real minus. */
cs_figure cs_explain_number(double value);
cs_figure cs_explain_plain(double value); /* without the plus */
cs_figure cs_explain_fine(double value);  /* with more digits when it is small, for patches */

/* Pixels as an <img>; alt is not escaped. */
void cs_explain_image(cs_html *html, const uint8_t *rgb, int height, int width, const char *alt);

/* The largest size of a patch's score in maps of a head, over all texts; at least a tiny one. */
double cs_explain_limit(const cs_explain_facts *facts, size_t head);

/* A bar of colours from -limit to limit. */
void cs_explain_bar(cs_html *html, double limit);

#endif
