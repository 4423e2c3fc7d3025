/* SPDX-License-Identifier: MIT */
/* The heads of the paper's Table 2, or those of --heads: their first five texts beside the
 * published ones. */
#include "base/memory.h"
#include "base/number_text.h"
#include "cli/in/classifier.h"
#include "cli/in/contributions.h"
#include "cli/in/texts.h"
#include "cli/out/target.h"
#include "cli/reproduce/reproduce.h"

#include <clipspan/clipspan.h>
#include <string.h>
#include <strings.h>

clipspan_status cli_reproduce_heads(const char **heads, const cli_reproduction *r,
                                    clipspan_error *err)
{
    const int birds = r->table->data == CLI_DATA_WATERBIRDS;
    const cli_paper_model *models;
    char list[800];
    size_t count, used = 0;
    *heads = r->x->heads;
    if (*heads) return CLIPSPAN_OK;
    models = cli_paper_models(&count);
    if (r->same != CLI_SAME_NOT && (birds || strcmp(r->paper->name, r->table->model) == 0)) {
        *heads = birds ? r->paper->bird_heads : "";
        return CLIPSPAN_OK;
    }
    for (size_t i = 0; i < count && used < sizeof list; i++)
        if (birds || strcmp(models[i].name, r->table->model) == 0)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s (%d layers of %d)%s%s",
                                     used ? "; " : "", models[i].name, models[i].layers,
                                     models[i].heads, birds ? ": " : "",
                                     birds ? models[i].bird_heads : "");
    return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                   "%s names heads of %s; %.200s has %d layers of %d heads: say which of them with "
                   "--heads L%d.H0,...",
                   r->table->name, list, r->model_name, r->layers, r->heads, r->layers - 1);
}

static const cli_paper_role *published_role(const cli_reproduction *r, clipspan_head head)
{
    size_t count;
    const cli_paper_role *roles = cli_paper_roles(&count);
    for (size_t i = 0; i < count && r->same != CLI_SAME_NOT; i++)
        if (roles[i].layer == head.layer && roles[i].head == head.head) return &roles[i];
    return NULL;
}

/* Heads that --heads names: [*count], given back with cs_free. */
static clipspan_status read_heads(clipspan_head **heads, size_t *count, const cli_reproduction *r,
                                  const char *names, clipspan_error *err)
{
    const clipspan_change mean = {.kind = CLIPSPAN_CHANGE_MEAN};
    clipspan_status status;
    cli_components components;
    CS_TRY(cli_components_init(&components, r->layers, r->heads, err));
    CS_TRY_DONE(cli_components_read(&components, names, mean, err));
    *heads = cs_alloc(components.count, sizeof **heads, "heads", err);
    if (!*heads) status = CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < components.count && status == CLIPSPAN_OK; i++) {
        const clipspan_change *t = &components.changes[i];
        (*heads)[(*count)++] = (clipspan_head){t->layer, t->head};
        if (t->component != CLIPSPAN_COMPONENT_HEAD)
            status =
                cs_fail(err, CLIPSPAN_E_ARGUMENT,
                        "--heads: roles are of heads, and \"%.80s\" names something else", names);
    }
done:
    cli_components_fini(&components);
    return status;
}

clipspan_status cli_reproduce_check_heads(const cli_reproduction *r, clipspan_error *err)
{
    clipspan_head *heads = NULL;
    clipspan_status status;
    const char *names;
    size_t count = 0;
    CS_TRY(cli_reproduce_heads(&names, r, err));
    if (!*names) return CLIPSPAN_OK;
    if (r->table->data == CLI_DATA_WATERBIRDS) {
        cli_components components;
        CS_TRY(cli_components_init(&components, r->layers, r->heads, err));
        status = cli_components_read(&components, names, (clipspan_change){0}, err);
        cli_components_fini(&components);
    } else {
        status = read_heads(&heads, &count, r, names, err);
    }
    cs_free(heads);
    return status;
}

/* The heads in their order: [*count], given back with cs_free. */
static clipspan_status list_heads(clipspan_head **heads, size_t *count, const cli_reproduction *r,
                                  clipspan_error *err)
{
    const cli_paper_role *roles;
    const char *names;
    *count = 0;
    CS_TRY(cli_reproduce_heads(&names, r, err));
    if (*names) return read_heads(heads, count, r, names, err);
    roles = cli_paper_roles(count);
    *heads = cs_alloc(*count, sizeof **heads, "heads", err);
    for (size_t i = 0; *heads && i < *count; i++)
        (*heads)[i] = (clipspan_head){roles[i].layer, roles[i].head};
    return *heads ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

static void take_texts(cli_reproduction *r, cli_role_row *row, const clipspan_span *span)
{
    const clipspan_basis_text *basis_texts = clipspan_span_get_basis_texts(span);
    row->head = clipspan_span_get_info(span)->head;
    row->published = published_role(r, row->head);
    for (int k = 0; k < clipspan_span_get_info(span)->basis_texts && k < CLI_ROLE_TEXTS; k++) {
        row->texts[k] = clipspan_texts_get_text(r->pool, basis_texts[k].text);
        row->count++;
        for (size_t p = 0; row->published && p < CLI_ROLE_TEXTS; p++)
            row->shared += strcasecmp(row->published->texts[p], row->texts[k]) == 0;
    }
}

static clipspan_status embed_pool(clipspan_bank **bank, cli_reproduction *r, clipspan_error *err)
{
    clipspan_texts *bare = NULL;
    clipspan_model *model = NULL;
    clipspan_status status;
    status = cli_model_open(&model, r->session, r->model, &r->x->load, err);
    if (status == CLIPSPAN_OK) status = clipspan_texts_open(&bare, "none", err);
    if (status == CLIPSPAN_OK)
        status =
            cli_bank_open(bank, r->session, model, r->pool, bare, r->x->encoder.precision, err);
    clipspan_texts_free(&bare);
    clipspan_model_close(&model);
    return status;
}

static clipspan_status find_texts(cli_reproduction *r, const clipspan_run *run,
                                  const clipspan_head *heads, size_t count,
                                  const clipspan_bank *bank, clipspan_error *err)
{
    cli_session *s = r->session;
    clipspan_span_options options = CLIPSPAN_SPAN_OPTIONS_INIT;
    clipspan_progress progress = {cli_progress_step, s};
    clipspan_span **spans = cs_alloc_zero(count, sizeof *spans, "heads", err);
    clipspan_status status;
    r->roles = cs_alloc_zero(count, sizeof *r->roles, "heads", err);
    options.basis_texts = CLI_ROLE_TEXTS;
    options.resamples = -1;
    options.threads = (int)s->threads;
    status = spans && r->roles ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
    if (status == CLIPSPAN_OK) {
        cli_progress_begin(s, "heads");
        status = clipspan_span_new_run(spans, run, heads, count, bank, &options, &progress, err);
        cli_progress_end(s);
    }
    for (size_t i = 0; i < count && status == CLIPSPAN_OK; i++)
        take_texts(r, &r->roles[r->role_count++], spans[i]);
    for (size_t i = 0; spans && i < count; i++)
        clipspan_span_free(&spans[i]);
    cs_free(spans);
    return status;
}

clipspan_status cli_reproduce_roles(cli_reproduction *r, clipspan_error *err)
{
    clipspan_head *heads = NULL;
    clipspan_run *run = NULL;
    clipspan_bank *bank = NULL;
    const char *name;
    size_t count;
    clipspan_status status;
    CS_TRY_DONE(list_heads(&heads, &count, r, err));
    CS_TRY_DONE(cli_pool_open(&r->pool, &name, r->session, r->x->pool, err));
    CS_TRY_DONE(clipspan_run_open(&run, r->run_path, err));
    CS_TRY_DONE(embed_pool(&bank, r, err));
    CS_TRY_DONE(find_texts(r, run, heads, count, bank, err));
    cli_reproduce_remark(r, "Texts are of the pool %.200s, %s.", name,
                         cs_number_of(clipspan_texts_get_count(r->pool), "line").text);
done:
    clipspan_bank_free(&bank);
    clipspan_run_close(&run);
    cs_free(heads);
    return status;
}
