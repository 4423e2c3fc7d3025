/* SPDX-License-Identifier: MIT */
/* The folder itself: its lock, what may be in it, throwing a run away. */
#ifndef CLIPSPAN_SRC_RUN_FOLDER_H
#define CLIPSPAN_SRC_RUN_FOLDER_H

#include "base/error.h"

#define CS_INDEX_FILE      "index.sqlite"
#define CS_STATISTICS_FILE "statistics.safetensors"
#define CS_BASIS_FILE      "basis.safetensors"
#define CS_CHUNKS_FOLDER   "chunks"
#define CS_NODES_FOLDER    "nodes"
#define CS_RESULTS_FOLDER  "results" /* arrays of later commands */

/* Takes the folder's lock, shared (a scan of one share) or exclusive (everything else that writes);
 * *lock is for cs_folder_unlock, also after a failure. A file system without locks gives none and
 * no error. Errors: WRITE: another process works on the run, or the lock file cannot be made. */
clipspan_status cs_folder_lock(int *lock, const char *path, int exclusive, clipspan_error *err);
void cs_folder_unlock(int *lock);

/* Fails with EXISTS when a folder without an index holds anything that no interrupted plan leaves.
 */
clipspan_status cs_folder_check_free(const char *path, clipspan_error *err);

/* Removes every file of a run, its index first; the folder and strange files stay. */
clipspan_status cs_folder_clear(const char *path, clipspan_error *err);

/* Removes files that killed processes left half written. Under an exclusive lock only. */
void cs_folder_tidy(const char *path);

/* Calls each name in a folder but "." and ".."; a folder that is not there has none. */
clipspan_status cs_folder_each(const char *path,
                               clipspan_status (*each)(void *context, const char *name,
                                                       clipspan_error *err),
                               void *context, clipspan_error *err);

#endif
