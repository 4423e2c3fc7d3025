/* SPDX-License-Identifier: MIT */
/* Images that a CSV or TSV names. */
#ifndef CLIPSPAN_SRC_INPUTS_INPUT_CSV_H
#define CLIPSPAN_SRC_INPUTS_INPUT_CSV_H

#include "inputs/input_list.h"

typedef struct clipspan_inputs_options clipspan_inputs_options; /* run.h */

/* Appends every record's image. The path column is options->path_column, or "path", "image" or
 * "file"; labels and groups come from the columns that the options name, groups of several columns
 * as their values joined by "/"; further columns that options->columns names are kept by name.
 * Records in which one of options->where does not hold are left out. Relative paths start at
 * options->root or the CSV's own folder.
 * Errors: ARGUMENT (a column that is not there, with the ones that are), FORMAT (with the line: no
 * header, an empty path, what formats/csv.h lists), NOT_FOUND, IO, LIMIT, NOMEM. */
clipspan_status cs_input_csv_list(cs_input_list *list, const char *path, char separator,
                                  const clipspan_inputs_options *options, clipspan_error *err);

#endif
