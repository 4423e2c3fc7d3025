/* SPDX-License-Identifier: MIT */
/* Documents written to memory, and from there into runs. */
#define _POSIX_C_SOURCE 200809L
#include "cli/effects/keep.h"

#include <clipspan/clipspan.h>
#include <stdlib.h>

static clipspan_status keep(const cli_evaluation *ev, const clipspan_run *run,
                            const clipspan_run *other, const char *kind, const char *text,
                            clipspan_error *err)
{
    clipspan_error failed;
    if (clipspan_run_keep(run, other, kind, text, &failed) == CLIPSPAN_OK) return CLIPSPAN_OK;
    if (failed.code == CLIPSPAN_E_NOMEM)
        return cs_fail(err, CLIPSPAN_E_NOMEM, "%s", failed.message);
    cli_note(ev->session, "not kept for the run's report: %s", failed.message);
    return CLIPSPAN_OK;
}

clipspan_status cli_keep(const cli_evaluation *ev, const char *kind, cli_document *write,
                         const void *what, clipspan_error *err)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    clipspan_status status = CLIPSPAN_OK;
    int whole;
    if (!out) return cs_fail_memory(err, 1, "a document");
    write(out, ev, what);
    whole = !ferror(out);
    if (fclose(out) != 0 || !whole) status = cs_fail_memory(err, size, "a document");
    if (status == CLIPSPAN_OK) status = keep(ev, ev->run, ev->mean_run, kind, text, err);
    if (status == CLIPSPAN_OK && ev->mean_run)
        status = keep(ev, ev->mean_run, ev->run, kind, text, err);
    free(text);
    return status;
}
