/* SPDX-License-Identifier: MIT */
/* Embedding pools. */
#include "cli/in/cue.h"
#include "base/memory.h"
#include "cli/in/texts.h"

#include <clipspan/clipspan.h>

clipspan_status cli_pool_embed(clipspan_bank **out, cli_evaluation *ev, const clipspan_texts *pool,
                               clipspan_error *err)
{
    cli_session *s = ev->session;
    clipspan_progress progress = {cli_progress_step, s};
    const size_t P = clipspan_bank_get_width(ev->bank);
    clipspan_status status;
    float *vectors = cs_alloc(clipspan_texts_get_count(pool), P * sizeof *vectors, "texts", err);
    *out = NULL;
    if (!vectors) return CLIPSPAN_E_NOMEM;
    cli_progress_begin(s, "texts");
    status = clipspan_encoder_run_texts(vectors, ev->encoder, pool, &progress, err);
    cli_progress_end(s);
    if (status == CLIPSPAN_OK) status = clipspan_bank_new_vectors(out, pool, vectors, P, err);
    cs_free(vectors);
    return status;
}
