/* SPDX-License-Identifier: MIT */
/* Patience with images that are away for a moment: waits of 0.5 s, four times as long each time, a
 * minute at most. A disk that spins up, a share that is mounted again and a burst of open files are
 * over by then. */
#define _POSIX_C_SOURCE 200809L
#include "run/scan_state.h"

#include <stdio.h>
#include <time.h>

#define SLICES_FIRST 5   /* of 0.1 s in the first wait */
#define SLICES_MOST  600 /* in any */

static int slices_of(int tried)
{
    int slices = SLICES_FIRST;
    while (tried-- > 0 && slices < SLICES_MOST)
        slices *= 4;
    return slices < SLICES_MOST ? slices : SLICES_MOST;
}

/* What ends a wait: 0 nothing, -1 another lane's failure, else what progress said. */
static int why_stop(cs_scan_state *s)
{
    int stop;
    pthread_mutex_lock(&s->lock);
    stop = s->failed ? -1 : s->stop;
    pthread_mutex_unlock(&s->lock);
    return stop;
}

clipspan_status cs_scan_wait(cs_scan_state *s, const char *path, int tried,
                             void (*tell)(cs_scan_state *state), clipspan_error *err)
{
    const struct timespec slice = {0, 100000000};
    pthread_mutex_lock(&s->lock);
    s->retried++;
    pthread_mutex_unlock(&s->lock);
    for (int i = slices_of(tried); i > 0; i--) {
        int stop;
        if (tell) tell(s);
        stop = why_stop(s);
        if (stop < 0) return cs_fail(err, CLIPSPAN_E_INTERNAL, "another lane of the scan failed");
        if (stop)
            return cs_stopped(err, stop,
                              "interrupted while %.400s was away; the same call goes on from there",
                              path);
        nanosleep(&slice, NULL);
    }
    return CLIPSPAN_OK;
}

clipspan_status cs_scan_give_up(const clipspan_error *error, int tried, clipspan_error *err)
{
    char times[48] = "";
    if (tried > 0)
        snprintf(times, sizeof times, ", also after %d more attempt%s", tried,
                 tried == 1 ? "" : "s");
    return cs_detail(
        err, CLIPSPAN_DETAIL_AWAY,
        cs_fail(err, error->code,
                "%s%s. The image is not skipped, as it may be readable later: the same "
                "call goes on from here. One that stays like this is skipped once its "
                "file is gone",
                error->message, times));
}
