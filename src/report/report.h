/* SPDX-License-Identifier: MIT */
/* The report: one self-contained HTML file about an atlas. */
#ifndef CLIPSPAN_SRC_REPORT_REPORT_H
#define CLIPSPAN_SRC_REPORT_REPORT_H

#include "atlas/atlas.h"
#include "study/ablation.h"
#include "study/effects_table.h"
#include "study/remedy.h"

/* Results of studies that a run keeps, each NULL where there is none. */
typedef struct cs_report_kept {
    cs_effects_table *effects;
    cs_ablation *ablate;
    cs_remedy *shortcut;
    int stale; /* one or more are kept, but of other statistics than today's */
} cs_report_kept;

/* To be given back with cs_report_kept_fini in any case. Errors: IO, FORMAT, NOMEM. */
clipspan_status cs_report_kept_read(cs_report_kept *out, const cs_run *run, clipspan_error *err);
void cs_report_kept_fini(cs_report_kept *kept);

typedef struct cs_report_options {
    const char *root; /* where relative paths of images start now; NULL: where they did */
    int no_images;    /* names only */
    int replace;
    int threads;                /* 0: as many as there are */
    const char *note;           /* a paragraph before the findings, or NULL */
    const cs_report_kept *kept; /* what is shown besides the atlas, or NULL */
    int images_anywhere;        /* as in clipspan_report_options */
    int paths;                  /* absolute paths are shown */
} cs_report_options;

/* Writes the file; it appears whole or not at all, and loads nothing. The same atlas and images
 * give the same bytes. options may be NULL; progress, which counts images, too. Errors: EXISTS,
 * WRITE, INTERRUPTED, NOMEM. */
clipspan_status cs_report_write(const char *path, const cs_atlas *atlas,
                                const cs_report_options *options, const clipspan_progress *progress,
                                clipspan_error *err);

#endif
