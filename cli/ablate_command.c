/* SPDX-License-Identifier: MIT */
/* clipspan ablate: a set of terms at their means, before and after, beside random sets of the same
 * size. */
#include "ablate_out.h"
#include "commands.h"
#include "keep.h"

#include <string.h>

static clipspan_status work_on(cli_session *s, int show, clipspan_error *err)
{
    cli_evaluation ev;
    cli_ablation a;
    clipspan_status status;
    memset(&a, 0, sizeof a);
    status = cli_evaluation_open(&ev, s, 0, err);
    if (status == CLIPSPAN_OK) status = cli_ablation_choose(&a, &ev, err);
    if (status == CLIPSPAN_OK) status = cli_evaluation_start(&ev, NULL, 0, err);
    if (status == CLIPSPAN_OK) status = cli_ablation_run(&a, &ev, err);
    if (status == CLIPSPAN_OK) status = cli_ablation_keep(&ev, &a, err);
    if (status == CLIPSPAN_OK && show) status = cli_ablation_show(&ev, &a, err);
    cli_ablation_fini(&a);
    cli_evaluation_close(&ev);
    return status;
}

clipspan_status cli_run_ablate(cli_session *s, clipspan_error *err)
{
    return work_on(s, 1, err);
}

clipspan_status cli_ablate_beside(const cli_session *s, clipspan_error *err)
{
    cli_session own = *s;
    return work_on(&own, 0, err);
}
