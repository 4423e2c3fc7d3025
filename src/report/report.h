/* SPDX-License-Identifier: MIT */
/* The report: one self-contained HTML file about an atlas. */
#ifndef CLIPSPAN_SRC_REPORT_REPORT_H
#define CLIPSPAN_SRC_REPORT_REPORT_H

#include "report/atlas.h"

typedef struct cs_report_options {
    const char *root; /* where relative paths of pictures start now; NULL: where they did */
    int no_pictures;  /* names only */
    int replace;
    int threads;      /* 0: as many as there are */
    const char *note; /* a paragraph before the findings, or NULL */
} cs_report_options;

/* Writes the file; it appears whole or not at all, and loads nothing. The same atlas and pictures
 * give the same bytes. options may be NULL; progress, which counts pictures, too. Errors: EXISTS,
 * WRITE, INTERRUPTED, NOMEM. */
clipspan_status cs_report_write(const char *path, const cs_atlas *atlas,
                                const cs_report_options *options, const clipspan_progress *progress,
                                clipspan_error *err);

#endif
