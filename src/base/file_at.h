/* SPDX-License-Identifier: MIT */
/* Files below an open folder: what file.c does for paths and root.c for the inside of a folder that
 * may come from a stranger. `folder` is a descriptor, or AT_FDCWD; `name` starts there; `shown` is
 * what messages call the file. */
#ifndef CLIPSPAN_SRC_BASE_FILE_AT_H
#define CLIPSPAN_SRC_BASE_FILE_AT_H

#include "base/file.h"

/* As cs_file_open. follow 0: a symbolic link is refused. Nothing but a regular file is opened: a
 * device or FIFO is recognised without being touched. */
clipspan_status cs_file_open_at(cs_file **out, int folder, const char *name, int follow,
                                const char *shown, clipspan_error *err);

/* As cs_output_open; `folder` is the output's from here on, also after an error, unless it is
 * AT_FDCWD. follow 0: `name` is a bare name, and only a regular file is replaced, no link. */
clipspan_status cs_output_open_at(cs_output **out, int folder, const char *name, int follow,
                                  const char *shown, int replace, clipspan_error *err);

/* The descriptor, to read and write in other ways until commit. */
int cs_output_descriptor(const cs_output *output);

/* Whether that is the name of an unfinished file or folder, ".NAME.PID.SERIAL.part"; NAME is that
 * of `of` where it is given. */
int cs_is_part_name(const char *part, const char *of);

/* Removes an unfinished file that no living process writes (it holds a lock on it). */
void cs_part_remove_at(int folder, const char *part);

#endif
