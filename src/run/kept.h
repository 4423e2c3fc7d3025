/* SPDX-License-Identifier: MIT */
/* Documents of later commands that a run keeps for its report: kind "effects", "ablate" or
 * "shortcut", name "newest". With each stand the hashes of the statistics that it was
 * computed from, so that it is not taken for one of today's when they have changed.
 * docs/run-format.md describes them. */
#ifndef CLIPSPAN_SRC_RUN_KEPT_H
#define CLIPSPAN_SRC_RUN_KEPT_H

#include "run/run_open.h"

struct json_t;

/* document: an object of JSON. other: the run whose means or images took part too, or NULL.
 * Replaces what was kept of that kind. Errors: ARGUMENT (no such kind, no JSON), NOT_FOUND (not
 * merged), WRITE, IO, NOMEM. */
clipspan_status cs_kept_write(const cs_run *run, const cs_run *other, const char *kind,
                              const char *document, clipspan_error *err);

/* *document: for json_decref; NULL when none is kept, or when what is kept was computed by another
 * version, or from other statistics than those there are now of this run or, where it is still
 * there, of the other one: then *stale is 1. Errors: IO, FORMAT, NOMEM. */
clipspan_status cs_kept_read(struct json_t **document, int *stale, const cs_run *run,
                             const char *kind, clipspan_error *err);

#endif
