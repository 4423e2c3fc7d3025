/* SPDX-License-Identifier: MIT */
/* The model of segment and whose components count: all heads, some, or those with a role in a
 * run. */
#include "base/memory.h"
#include "cli/in/classifier.h"
#include "cli/in/role_heads.h"
#include "cli/out/target.h"
#include "cli/visual/segment.h"

#include <clipspan/clipspan.h>
#include <string.h>

static clipspan_status check_arguments(const cli_segment_settings *x, clipspan_error *err)
{
    if (x->role && !x->run)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--role needs --run RUN, whose heads have roles (clipspan roles RUN)");
    if (x->role && (x->heads || x->layers))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--role chooses heads, as --heads and --layers do: give one of them");
    if (x->run && x->method > 1)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--run chooses heads by role, and the chosen --method has no heads");
    if (x->run && !x->role && !x->masks)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--run compares roles on ground-truth masks (--masks); to write masks, "
                       "choose a role with --role");
    return CLIPSPAN_OK;
}

static clipspan_status open_run(cli_segment_job *j, clipspan_error *err)
{
    cli_session *s = j->session;
    clipspan_progress progress = {cli_progress_step, s};
    clipspan_status status;
    CS_TRY(clipspan_run_open(&j->run, j->x->run, err));
    status = clipspan_atlas_open(&j->atlas, j->run, NULL, err);
    if (status == CLIPSPAN_E_NOT_FOUND)
        return cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, j->x->run,
                          "its heads have no roles yet; clipspan roles finds them");
    CS_TRY(status);
    cli_progress_begin(s, "bytes");
    status = clipspan_run_open_model(&j->model, j->run, j->model_path, &progress, err);
    cli_progress_end(s);
    return status;
}

/* Which of the chosen heads has which role. */
static clipspan_status group_heads(cli_segment_job *j, clipspan_error *err)
{
    const clipspan_atlas_head *heads = clipspan_atlas_get_heads(j->atlas);
    const size_t count = clipspan_atlas_get_info(j->atlas)->heads;
    j->role_count = cli_role_names(j->roles, CLI_ROLES_MOST, j->atlas);
    if (!j->role_count)
        return cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, j->x->run,
                          "none of its heads has a role, so there is none to show apart; leave out "
                          "--run, or find roles with other texts (clipspan span --texts)");
    j->groups = cs_alloc(j->head_count, sizeof *j->groups, "roles of heads", err);
    if (!j->groups) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < j->head_count; i++) {
        j->groups[i] = -1;
        for (size_t h = 0; h < count; h++) {
            if (heads[h].head.layer != j->heads[i].layer ||
                heads[h].head.head != j->heads[i].head || !cli_role_carried(heads[h].role))
                continue;
            for (size_t k = 0; k < j->role_count; k++)
                if (strcmp(j->roles[k], heads[h].role->category[0]) == 0) j->groups[i] = (int)k;
        }
    }
    return CLIPSPAN_OK;
}

clipspan_status cli_segment_open(cli_segment_job *j, clipspan_error *err)
{
    const cli_segment_settings *x = j->x;
    CS_TRY(check_arguments(x, err));
    CS_TRY(x->run ? open_run(j, err)
                  : cli_model_open(&j->model, j->session, j->model_path, &x->load, err));
    j->info = clipspan_model_get_info(j->model);
    if (!j->info->has_text)
        return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, j->info->name,
                          "has no text encoder, so it cannot map a text");
    if (x->role) return cli_role_heads(&j->heads, &j->head_count, j->atlas, x->role, err);
    CS_TRY(cli_heads_open(&j->heads, &j->head_count, x->heads, x->layers, j->info, err));
    return x->run ? group_heads(j, err) : CLIPSPAN_OK;
}
