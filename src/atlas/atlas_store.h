/* SPDX-License-Identifier: MIT */
/* Atlases kept in a run, as JSON texts in its index: kind "atlas", name the pool's; and the name of
 * the newest. docs/run-format.md describes them. */
#ifndef CLIPSPAN_SRC_ATLAS_ATLAS_STORE_H
#define CLIPSPAN_SRC_ATLAS_ATLAS_STORE_H

#include "atlas/atlas.h"

#define CS_ATLAS_KIND  "atlas"  /* of results: an atlas by the name of its pool */
#define CS_NEWEST_KIND "newest" /* by kind: the name of the newest of that kind */

/* Errors: WRITE when the folder may not be written, ARGUMENT for texts that are not UTF-8, LIMIT,
 * NOMEM. */
clipspan_status cs_atlas_write(const cs_run *run, const cs_atlas *atlas, clipspan_error *err);

/* Notes which atlas is the newest. Errors: WRITE, NOMEM. */
clipspan_status cs_atlas_write_newest(const cs_run *run, const char *name, clipspan_error *err);

/* name: of a pool, or NULL for the newest. Errors: NOT_FOUND (with the names there are), FORMAT
 * (what the index holds was not written by this version, or is damaged), NOMEM. */
clipspan_status cs_atlas_read(cs_atlas **out, const cs_run *run, const char *name,
                              clipspan_error *err);

#endif
