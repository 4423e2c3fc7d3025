/* SPDX-License-Identifier: MIT */
/* Reasons for which a file cannot be read at this moment, apart from those that lie in the file. */
#ifndef CLIPSPAN_SRC_BASE_AWAY_H
#define CLIPSPAN_SRC_BASE_AWAY_H

#include "base/error.h"

/* Whether an errno of open, read or stat may pass without anything being done to the file: a disk
 * or network share that is away (EIO, ESTALE, ENOTCONN, ETIMEDOUT, EHOSTDOWN …), or a process or
 * machine that is short of something (EMFILE, ENFILE, ENOMEM, EAGAIN). */
int cs_errno_is_away(int code);

/* Adds CLIPSPAN_DETAIL_AWAY to the error that was just made of `code`, where it is one of these;
 * returns status. */
clipspan_status cs_away(clipspan_error *err, int code, clipspan_status status);

#endif
