/* SPDX-License-Identifier: MIT */
/* clipspan edit: a checkpoint in which chosen heads write their mean, and how far its output lies
 * from what their direct effects predict. */
#include "base/memory.h"
#include "commands.h"
#include "edit.h"
#include "edit_out.h"
#include "signals.h"

#include <string.h>

/* All chosen heads; those of the last layer, when there are others too; each, when asked for. */
static clipspan_status make_sets(cli_edit *e, clipspan_error *err)
{
    const int last = e->info->layers - 1;
    const size_t each = e->session->settings.each && e->count > 1 ? e->count : 0;
    cli_edit_set *set;
    size_t i, in_last = 0;
    CS_TRY(cli_edit_add_set(&set, e, "all chosen", e->count, err));
    for (i = 0; i < e->count; i++) {
        set->members[set->count++] = i;
        in_last += e->heads[i].layer == last;
    }
    cli_edit_mark_last(e, set);
    if (in_last && in_last < e->count) {
        CS_TRY(cli_edit_add_set(&set, e, "of the last layer", in_last, err));
        for (i = 0; i < e->count; i++)
            if (e->heads[i].layer == last) set->members[set->count++] = i;
        cli_edit_mark_last(e, set);
    }
    for (i = 0; i < each; i++) {
        char name[32];
        snprintf(name, sizeof name, "L%d.H%d", e->heads[i].layer, e->heads[i].head);
        CS_TRY(cli_edit_add_set(&set, e, name, 1, err));
        set->members[set->count++] = i;
        cli_edit_mark_last(e, set);
    }
    return CLIPSPAN_OK;
}

static clipspan_status run(cli_edit *e, cli_session *s, clipspan_error *err)
{
    CS_TRY(cli_edit_open(e, s, err));
    if (!s->settings.heads && !s->settings.role)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "no head is chosen: name heads with --heads L%d.H0,... or a role with "
                       "--role",
                       e->info->layers - 1);
    CS_TRY(cli_edit_heads(e, err));
    CS_TRY(make_sets(e, err));
    CS_TRY(cli_edit_write(e, &e->sets[0], 0, err)); /* the checks: there are no means yet */
    if (s->settings.dry_run) return cli_edit_announce(e, err);
    CS_TRY(cli_edit_prepare(e, err));
    cli_signals_hold();
    CS_TRY(cli_edit_write(e, &e->sets[0], 0, err));
    s->keeps_files = 1;
    CS_TRY(cli_edit_measure(e, s->settings.output, err));
    return cli_edit_show(e, err);
}

clipspan_status cli_run_edit(cli_session *s, clipspan_error *err)
{
    cli_edit e;
    clipspan_status status;
    memset(&e, 0, sizeof e);
    status = run(&e, s, err);
    cli_edit_close(&e);
    return status;
}
