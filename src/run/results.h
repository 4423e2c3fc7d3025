/* SPDX-License-Identifier: MIT */
/* Results of later commands: RUN/results/KIND-NAME.json, one document a file, written whole and
 * renamed. */
#ifndef CLIPSPAN_SRC_RUN_RESULTS_H
#define CLIPSPAN_SRC_RUN_RESULTS_H

#include "base/root.h"

#define CS_RESULT_MOST ((size_t)64 << 20) /* bytes of a document */

/* root: of the run. kind: small letters. name: any text; bytes other than letters, digits, "." and
 * "_" stand in the file's name as %XX. value: JSON; a text that begins with neither "{" nor "[" is
 * kept as a JSON string; NULL removes. Errors: ARGUMENT (kind, name), LIMIT, WRITE, NOMEM. */
clipspan_status cs_results_write(const cs_root *root, const char *kind, const char *name,
                                 const char *value, clipspan_error *err);

/* *value: a copy for cs_free; NULL without an error when there is none. Errors: ARGUMENT, LIMIT,
 * FORMAT, IO, NOMEM. */
clipspan_status cs_results_read(char **value, const cs_root *root, const char *kind,
                                const char *name, clipspan_error *err);

/* Calls `each` with the names of a kind, in order of their bytes. */
clipspan_status cs_results_names(const cs_root *root, const char *kind,
                                 clipspan_status (*each)(void *context, const char *name,
                                                         clipspan_error *err),
                                 void *context, clipspan_error *err);

/* Whether a file's name is one that results have, "KIND-NAME.json". */
int cs_results_is_name(const char *file);

/* Removes all documents: the images that they speak of are no longer those of the run. Arrays of
 * texts stay. */
clipspan_status cs_results_clear(cs_root *root, clipspan_error *err);

#endif
