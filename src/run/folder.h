/* SPDX-License-Identifier: MIT */
/* The folder itself: its lock, what may be in it, throwing a run away. */
#ifndef CLIPSPAN_SRC_RUN_FOLDER_H
#define CLIPSPAN_SRC_RUN_FOLDER_H

#include "base/root.h"

#define CS_INDEX_FILE      "index.sqlite"
#define CS_STATISTICS_FILE "statistics.safetensors"
#define CS_OUTPUT_MAP_FILE "output_maps.safetensors"
#define CS_SEGMENTS_FOLDER "segments" /* with a folder a segment, 000, 001 …, and in each: */
#define CS_PACKS_FOLDER    "packs"
#define CS_NODES_FOLDER    "nodes"
#define CS_RESULTS_FOLDER  "results" /* of later commands */

/* The folder of a run, resolved once. Errors: as cs_root_open; NOT_FOUND says what was expected. */
clipspan_status cs_folder_open(cs_root **out, const char *path, clipspan_error *err);

/* Takes the folder's lock, shared (a scan of one share) or exclusive (everything else that writes);
 * *lock is for cs_folder_unlock, also after a failure.
 *
 * Where the file system has no locks (some network disks), shares go on without: they never write
 * the same file. An exclusive lock is refused there, unless CLIPSPAN_NO_LOCK is set in the
 * environment to something other than 0. Errors: WRITE: another process works on the run, there are
 * no locks, or the lock file cannot be made. */
clipspan_status cs_folder_lock(int *lock, const cs_root *root, int exclusive, clipspan_error *err);
void cs_folder_unlock(int *lock);

/* Fails with EXISTS when a folder without an index holds anything that no interrupted plan leaves.
 */
clipspan_status cs_folder_check_free(cs_root *root, clipspan_error *err);

/* Removes every file of a run, its index first; folders, and files with names that no run has,
 * stay. Errors: WRITE, also for anything but a folder or a regular file in the place of one: it is
 * neither followed nor removed, and the message names it. */
clipspan_status cs_folder_clear(const cs_root *root, clipspan_error *err);

/* Removes files that killed processes left half written. Under an exclusive lock only. */
void cs_folder_tidy(const cs_root *root);

#endif
