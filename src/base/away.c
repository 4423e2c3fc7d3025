/* SPDX-License-Identifier: MIT */
/* Which values of errno speak of the machine and not of the file. Linux and POSIX document them for
 * open, read and stat of local, NFS, SMB and FUSE file systems. */
#define _GNU_SOURCE /* EREMOTEIO, ENOLINK */
#include "base/away.h"

#include <errno.h>
#include <stddef.h>

int cs_errno_is_away(int code)
{
    static const int codes[] = {
        EIO,          EMFILE,    ENFILE,       ENOMEM,       ESTALE,    EAGAIN,      EINTR,
        ENOTCONN,     ETIMEDOUT, EHOSTUNREACH, ENETDOWN,     ENETRESET, ENETUNREACH, ECONNRESET,
        ECONNREFUSED, ENOBUFS,   EBUSY,        ECONNABORTED, ENOLINK,
#ifdef EREMOTEIO
        EREMOTEIO,
#endif
#ifdef EHOSTDOWN
        EHOSTDOWN,
#endif
#ifdef ESHUTDOWN
        ESHUTDOWN,
#endif
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i] == code) return 1;
    return 0;
}

clipspan_status cs_away(clipspan_error *err, int code, clipspan_status status)
{
    return cs_errno_is_away(code) ? cs_detail(err, CLIPSPAN_DETAIL_AWAY, status) : status;
}
