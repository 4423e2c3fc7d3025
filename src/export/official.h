/* SPDX-License-Identifier: MIT */
/* A run's components and basis texts in the files of the published program. */
#ifndef CLIPSPAN_SRC_EXPORT_OFFICIAL_H
#define CLIPSPAN_SRC_EXPORT_OFFICIAL_H

#include "atlas/atlas.h"

/* What the names of files are made of. */
typedef struct cs_official {
    const char *folder, *dataset, *model;
    int threads, replace;
} cs_official;

/* As clipspan_run_export. */
clipspan_status cs_official_write_arrays(const cs_official *to, const cs_run *run,
                                         const clipspan_progress *progress, clipspan_error *err);

/* As clipspan_atlas_export; path NULL: named as the published program does. */
clipspan_status cs_official_write_basis_texts(const char *path, const cs_official *to,
                                              const cs_atlas *atlas, clipspan_error *err);

#endif
