/* SPDX-License-Identifier: MIT */
/* SQLite without a file system: it reads and writes one file that is open already, and cannot open,
 * make, look for or remove any other, whatever the bytes of the index ask for: no journal, no
 * write-ahead log, no temporary file. No lock is taken, so file systems without locks serve as
 * well. */
#ifndef CLIPSPAN_SRC_RUN_INDEX_VFS_H
#define CLIPSPAN_SRC_RUN_INDEX_VFS_H

#include <sqlite3.h>

/* Connects to the database in descriptor `fd`, which stays the caller's and has to outlive the
 * connection. immutable: it is read, and never changes. SQLite's result code; *db may be set after
 * an error too, for sqlite3_close. */
int cs_index_connect(sqlite3 **db, int fd, int immutable);

#endif
