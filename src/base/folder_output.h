/* SPDX-License-Identifier: MIT */
/* A folder that appears under its name whole or not at all. */
#ifndef CLIPSPAN_SRC_BASE_FOLDER_OUTPUT_H
#define CLIPSPAN_SRC_BASE_FOLDER_OUTPUT_H

#include "base/error.h"

typedef struct cs_folder_output cs_folder_output;

/* Makes ".NAME.PID.SERIAL.part" beside `path`, to be filled with files; those that killed processes
 * left of the same output go. An empty folder at `path`
 * is taken over; one that holds anything is an EXISTS error, unless `replace` is set and it holds a
 * file called `mark`, so that nothing is thrown away but what was made in this way. Errors: EXISTS,
 * WRITE, NOMEM. */
clipspan_status cs_folder_output_open(cs_folder_output **out, const char *path, int replace,
                                      const char *mark, clipspan_error *err);

/* Where its files go until commit. */
const char *cs_folder_output_path(const cs_folder_output *output);

/* Gives the folder its name, in one step; what was there before is removed then.
 * Errors: WRITE, EXISTS. */
clipspan_status cs_folder_output_commit(cs_folder_output *output, clipspan_error *err);

/* Without commit, nothing remains. */
void cs_folder_output_close(cs_folder_output **output);

/* The check of open alone. */
clipspan_status cs_folder_output_check(const char *path, int replace, const char *mark,
                                       clipspan_error *err);

#endif
