/* SPDX-License-Identifier: MIT */
/* The folder itself: its lock, what may be in it, throwing a run away. */
#ifndef CLIPSPAN_SRC_RUN_FOLDER_H
#define CLIPSPAN_SRC_RUN_FOLDER_H

#include "base/error.h"

#define CS_INDEX_FILE      "index.sqlite"
#define CS_STATISTICS_FILE "statistics.safetensors"
#define CS_OUTPUT_MAP_FILE "output_maps.safetensors"
#define CS_SEGMENTS_FOLDER "segments" /* with a folder a segment, 000, 001 …, and in each: */
#define CS_PACKS_FOLDER    "packs"
#define CS_NODES_FOLDER    "nodes"
#define CS_RESULTS_FOLDER  "results" /* of later commands */

/* Takes the folder's lock, shared (a scan of one share) or exclusive (everything else that writes);
 * *lock is for cs_folder_unlock, also after a failure.
 *
 * Where the file system has no locks (some network disks), shares go on without: they never write
 * the same file. An exclusive lock is refused there, unless CLIPSPAN_NO_LOCK is set in the
 * environment to something other than 0. Errors: WRITE: another process works on the run, there are
 * no locks, or the lock file cannot be made. */
clipspan_status cs_folder_lock(int *lock, const char *path, int exclusive, clipspan_error *err);
void cs_folder_unlock(int *lock);

/* Fails with EXISTS when a folder without an index holds anything that no interrupted plan leaves.
 */
clipspan_status cs_folder_check_free(const char *path, clipspan_error *err);

/* Removes every file of a run, its index first; folders, and files with names that no run has,
 * stay. Errors: WRITE, also for a symbolic link in the place of a folder: it is not followed. */
clipspan_status cs_folder_clear(const char *path, clipspan_error *err);

/* Removes files that killed processes left half written. Under an exclusive lock only. */
void cs_folder_tidy(const char *path);

/* Calls each name in a folder but "." and ".."; a folder that is not there has none. */
clipspan_status cs_folder_each(const char *path,
                               clipspan_status (*each)(void *context, const char *name,
                                                       clipspan_error *err),
                               void *context, clipspan_error *err);

#endif
