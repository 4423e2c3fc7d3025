/* SPDX-License-Identifier: MIT */
/* clipspan effects: the published sequence of mean-ablations, and every layer and head on its
 * own. */
#include "commands.h"
#include "effects_rows.h"
#include "keep.h"

#include <string.h>

static clipspan_status run(cli_effect_work *w, cli_evaluation *ev, clipspan_error *err)
{
    const cli_settings *x = &ev->session->settings;
    if (!x->pool && (x->layers || x->picks))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--layers and --picks say which heads become how many texts; name the pool "
                       "of texts with --texts");
    CS_TRY(cli_evaluation_start(ev, NULL, 0, err));
    CS_TRY(cli_effects_sequence(w, ev, err));
    CS_TRY(cli_effects_singles(w, err));
    CS_TRY(cli_effects_run(w, err));
    if (x->pool) CS_TRY(cli_effects_texts(w, err));
    CS_TRY(cli_effects_strengths(w, err));
    return cli_effects_keep(ev, &w->list, err);
}

static clipspan_status work_on(cli_session *s, int show, clipspan_error *err)
{
    cli_effect_work work;
    cli_evaluation ev;
    clipspan_status status;
    memset(&work, 0, sizeof work);
    status = cli_evaluation_open(&ev, s, s->settings.pool != NULL, err);
    if (status == CLIPSPAN_OK) status = run(&work, &ev, err);
    if (status == CLIPSPAN_OK && show) status = cli_effects_show(&ev, &work.list, err);
    cli_effects_fini(&work);
    cli_evaluation_close(&ev);
    return status;
}

clipspan_status cli_run_effects(cli_session *s, clipspan_error *err)
{
    return work_on(s, 1, err);
}

clipspan_status cli_effects_beside(const cli_session *s, clipspan_error *err)
{
    cli_session own = *s;
    return work_on(&own, 0, err);
}
