/* SPDX-License-Identifier: MIT */
/* How much memory there is to plan with, and whether some is left right now. */
#ifndef CLIPSPAN_SRC_BASE_MEMORY_BUDGET_H
#define CLIPSPAN_SRC_BASE_MEMORY_BUDGET_H

#include "base/error.h"

/* Bytes that this process may plan with, 0 when not known: CLIPSPAN_MEMORY in the environment, else
 * the least of the machine's memory, the limits of its cgroup and of all groups above that (version
 * 2 and 1), and RLIMIT_AS and RLIMIT_DATA. */
uint64_t cs_memory_total(void);

/* The same for a file system that begins at `root`, without environment and limits of the process:
 * for tests. 0: no limit. */
uint64_t cs_memory_cgroup(const char *root);

/* "512M", "1.5G", "2048K", "1000000": bytes, by 1,024. 0 for what is no size. */
uint64_t cs_memory_size(const char *text);

/* Whether `bytes` of address space are free at this moment. Libraries that end the process, or try
 * for ever, when memory is short are only called when they are. */
int cs_memory_has_room(size_t bytes);
/* The same as NOMEM, naming what for. */
clipspan_status cs_memory_need_room(size_t bytes, const char *what, clipspan_error *err);

/* Whether the process has a limit of address space. */
int cs_memory_is_limited(void);

/* A pool of bytes that threads share for what they hold for a moment: decoded images. take waits
 * until the bytes fit into a quarter of cs_memory_total; one that is larger is alone. A thread that
 * holds some must not take more. Nothing is allocated. */
void cs_memory_take(uint64_t bytes);
void cs_memory_give(uint64_t bytes);

#endif
