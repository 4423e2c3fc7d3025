/* SPDX-License-Identifier: MIT */
/* Results of studies shown: shares with their intervals, changes, curves. */
#ifndef CLIPSPAN_SRC_REPORT_DOCUMENT_H
#define CLIPSPAN_SRC_REPORT_DOCUMENT_H

#include "report/html.h"

#include <stddef.h>

/* A share of images with its 95 % interval. */
typedef struct cs_share {
    double share, low, high;
} cs_share;

/* "76.1 %" and "69.3 to 81.9 %", the latter "" where there is no interval. */
cs_figure cs_figure_interval(cs_share share);

/* A difference of scores, with four decimals: "-0.0152". */
cs_figure cs_figure_margin(double margin);

/* Three cells: a bar from 0 to 100 % with the interval on it and a mark at `mark` (not a number:
 * none), the share, the interval. what: read aloud, escaped here. look: a class of the style. */
void cs_share_cells(cs_html *html, cs_share share, double mark, const char *what, const char *look);

/* ---- Curves ---- */

typedef struct cs_curve {
    const char *name, *look; /* direct label; class of the style */
    const cs_share *points;  /* [count]; one that is not a number is left out */
    int band;                /* the interval is drawn too */
} cs_curve;

/* A line chart of shares, 0 to 100 %, over `count` places that labels : [count] name. title: what
 * it shows, escaped here. level: a dotted line with `level_name`, or not a number. */
void cs_curves(cs_html *html, const char *title, const cs_curve *curves, size_t curve_count,
               const cs_figure *labels, size_t count, double level, const char *level_name);

#endif
