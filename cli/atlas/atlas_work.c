/* SPDX-License-Identifier: MIT */
/* Making an atlas, or taking the one that is there. */
#include "cli/atlas/atlas_work.h"
#include "base/memory.h"
#include "cli/in/heads.h"
#include "cli/in/texts.h"

#include <clipspan/clipspan.h>
#include <string.h>

void cli_atlas_close(cli_atlas_job *j)
{
    cs_free(j->heads.at);
    clipspan_atlas_free(&j->atlas);
    clipspan_texts_free(&j->pool);
    clipspan_run_close(&j->run);
    clipspan_model_close(&j->model);
}

/* "auto" or an integer from 1. */
static clipspan_status read_rank(int *rank, const char *text, clipspan_error *err)
{
    size_t digits = text ? strspn(text, "0123456789") : 0;
    *rank = 0;
    if (!text || strcmp(text, "auto") == 0) return CLIPSPAN_OK;
    for (size_t i = 0; i < digits && digits < 7; i++)
        *rank = *rank * 10 + (text[i] - '0');
    if (*rank > 0 && !text[digits]) return CLIPSPAN_OK;
    return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                   "--rank: expected auto or an integer from 1 to 999999, found \"%s\"", text);
}

/* Reads all options that can be wrong before any work. */
static clipspan_status take_options(clipspan_atlas_options *o, const cli_atlas_settings *x,
                                    int layers, clipspan_error *err)
{
    o->basis_texts = (int)x->basis_texts;
    o->model = x->model;
    o->fdr = x->fdr;
    o->rotations = (int)x->rotations;
    CS_TRY(read_rank(&o->rank, x->rank, err));
    if (x->layers && layers)
        CS_TRY(cli_layers_read(&o->first_layer, &o->layers, x->layers, layers, err));
    return CLIPSPAN_OK;
}

static clipspan_status check_heads(const cli_atlas_settings *x, const clipspan_run_info *info,
                                   clipspan_error *err)
{
    clipspan_head *heads;
    size_t count;
    if (!x->heads) return CLIPSPAN_OK;
    CS_TRY(cli_heads_read(&heads, &count, x->heads, info->layers, info->heads, err));
    cs_free(heads);
    return CLIPSPAN_OK;
}

clipspan_status cli_atlas_check(const cli_atlas_settings *x, clipspan_error *err)
{
    clipspan_atlas_options options = CLIPSPAN_ATLAS_OPTIONS_INIT;
    return take_options(&options, x, 0, err);
}

static clipspan_status read_list(cli_atlas_job *j, clipspan_error *err)
{
    CS_TRY(cli_head_list_read(&j->heads, j->x->heads, j->atlas, err));
    j->heads.all |= j->x->all;
    return CLIPSPAN_OK;
}

clipspan_status cli_atlas_make(cli_atlas_job *j, clipspan_error *err)
{
    cli_session *s = j->session;
    clipspan_atlas_options options = CLIPSPAN_ATLAS_OPTIONS_INIT;
    clipspan_progress progress = {cli_progress_step, s};
    const clipspan_run_info *info = clipspan_run_get_info(j->run);
    clipspan_status status;
    CS_TRY(take_options(&options, j->x, info->layers, err));
    CS_TRY(check_heads(j->x, info, err));
    CS_TRY(cli_pool_open(&j->pool, &options.name, s, j->x->pool, err));
    options.texts = j->pool;
    options.opened = j->model;
    options.as_main = j->as_main;
    options.threads = (int)s->threads;
    cli_progress_begin(s, "texts and heads");
    status = clipspan_atlas_new(&j->atlas, j->run, &options, &progress, err);
    cli_progress_end(s);
    CS_TRY(status);
    cli_stage(s, "texts compared with heads");
    return read_list(j, err);
}

/* That of the run's main pool, when no option asks for anything else. */
static clipspan_status take_main(cli_atlas_job *j, clipspan_error *err)
{
    const cli_atlas_settings *x = j->x;
    clipspan_status status;
    if (x->pool || x->layers || x->basis_texts || x->rank || x->fdr > 0 || x->rotations)
        return cli_atlas_make(j, err);
    CS_TRY(check_heads(x, clipspan_run_get_info(j->run), err));
    status = clipspan_atlas_open(&j->atlas, j->run, NULL, err);
    if (status == CLIPSPAN_E_NOT_FOUND) return cli_atlas_make(j, err);
    CS_TRY(status);
    return read_list(j, err);
}

clipspan_status cli_atlas_open(cli_atlas_job *j, const char *path, clipspan_error *err)
{
    CS_TRY(clipspan_run_open(&j->run, path, err));
    return take_main(j, err);
}
