/* SPDX-License-Identifier: MIT */
/* Counting on from what was finished before. */
#include "base/progress_part.h"

static int step_part(void *user, size_t done, size_t total)
{
    const cs_progress_part *p = user;
    (void)total;
    return p->whole->step(p->whole->user, p->before + done, p->total);
}

const clipspan_progress *cs_progress_of(cs_progress_part *part)
{
    if (!part->whole || !part->whole->step) return NULL;
    part->own.step = step_part;
    part->own.user = part;
    return &part->own;
}

clipspan_status cs_progress_step(const clipspan_progress *progress, size_t done, size_t total,
                                 const char *stopped, clipspan_error *err)
{
    const int stop = progress && progress->step ? progress->step(progress->user, done, total) : 0;
    return stop ? cs_stopped(err, stop, "%s", stopped) : CLIPSPAN_OK;
}

clipspan_status cs_progress_tell(const cs_progress_part *part, size_t done, clipspan_error *err)
{
    return cs_progress_step(part->whole, part->before + done, part->total, "interrupted", err);
}
