/* SPDX-License-Identifier: MIT */
/* Atlases kept in a run, as JSON texts in its index: kind "atlas", name the pool's; and the name of
 * the main one, which is taken where no pool is named. docs/run-format.md describes them. */
#ifndef CLIPSPAN_SRC_ATLAS_ATLAS_STORE_H
#define CLIPSPAN_SRC_ATLAS_ATLAS_STORE_H

#include "atlas/atlas.h"

#define CS_ATLAS_KIND "atlas" /* of results: an atlas by the name of its pool */
#define CS_MAIN_KIND  "main"  /* by kind: the name that is taken where none is given */

/* as_main: see cs_atlas_write_main. Errors: WRITE when the folder may not be written, ARGUMENT for
 * texts that are not UTF-8, LIMIT, NOMEM. */
clipspan_status cs_atlas_write(const cs_run *run, const cs_atlas *atlas, int as_main,
                               clipspan_error *err);

/* Notes which atlas is the main one: with `replace` in any case, else where none is noted, so that
 * a look at another pool does not change what later calls take. Errors: WRITE, NOMEM. */
clipspan_status cs_atlas_write_main(const cs_run *run, const char *name, int replace,
                                    clipspan_error *err);

/* name: of a pool, or NULL for the main one. Errors: NOT_FOUND (with the names there are), FORMAT
 * (what the index holds was not written by this version, or is damaged), NOMEM. */
clipspan_status cs_atlas_read(cs_atlas **out, const cs_run *run, const char *name,
                              clipspan_error *err);

#endif
