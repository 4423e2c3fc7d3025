/* SPDX-License-Identifier: MIT */
/* Where the data files that come with the program lie (merges table, templates, the demo). */
#ifndef CLIPSPAN_SRC_BASE_DATADIR_H
#define CLIPSPAN_SRC_BASE_DATADIR_H

#include "base/error.h"

/* Path of data file `name`, to be given back with cs_free. Looks in $CLIPSPAN_DATA (only there
 * when it is set), in share/clipspan beside the folder of the running program, in data/ beside the
 * program and in the three folders above it (a build folder inside the source tree), in the same
 * places from the shared library's folder on where it is one (a Python package), and in the folder
 * compiled in (CLIPSPAN_DATADIR). Errors: NOT_FOUND with the places looked at, NOMEM. */
clipspan_status cs_data_path(char **out, const char *name, clipspan_error *err);

/* Files of the demo go by name: "demo/test.csv" is, where no such file lies in the current folder,
 * the file of that name among the demo's. *out : its full path, to be given back with cs_free; NULL
 * where the name is none of these. Errors: NOMEM. */
clipspan_status cs_data_demo(char **out, const char *name, clipspan_error *err);

#endif
