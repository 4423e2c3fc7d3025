/* SPDX-License-Identifier: MIT */
/* The demo's chapters on heads: the look split scanned, roles beside the truth, and the report. */
#include "base/memory.h"
#include "cli/atlas/atlas_out.h"
#include "cli/atlas/outcome.h"
#include "cli/demo/demo.h"
#include "cli/in/role_heads.h"
#include "cli/out/numbers.h"

#include <clipspan/clipspan.h>
#include <string.h>

/* ---- Scan ---- */

static clipspan_status scan(clipspan_run **out, clipspan_scan_result *result, cli_demo_job *d,
                            const char *path, const clipspan_inputs *inputs, clipspan_error *err)
{
    cli_session *s = d->session;
    clipspan_plan_options plan = CLIPSPAN_PLAN_OPTIONS_INIT;
    clipspan_scan_options options = CLIPSPAN_SCAN_OPTIONS_INIT;
    clipspan_progress progress = {cli_progress_step, s};
    clipspan_status status;
    plan.replace = d->x->force;
    options.threads = (int)s->threads;
    options.verify_sum = 1;
    CS_TRY(clipspan_run_plan(NULL, path, d->model, inputs, &plan, NULL, err));
    cli_progress_begin(s, "images");
    status = clipspan_run_scan(result, path, d->model, &options, &progress, err);
    cli_progress_end(s);
    CS_TRY(status);
    CS_TRY(clipspan_run_merge(path, NULL, err));
    return clipspan_run_open(out, path, err);
}

clipspan_status cli_demo_take_apart(clipspan_run **out, clipspan_scan_result *result,
                                    cli_demo_job *d, const char *table, const char *name,
                                    clipspan_error *err)
{
    clipspan_inputs *inputs;
    clipspan_status status;
    char *path;
    *out = NULL;
    CS_TRY(cli_demo_output(&path, d, name, err));
    status = cli_demo_inputs(&inputs, d, table, "bird", "bird,background", err);
    if (status == CLIPSPAN_OK) status = scan(out, result, d, path, inputs, err);
    clipspan_inputs_close(&inputs);
    cs_free(path);
    return status;
}

static void show_scan(cli_demo_job *d, const clipspan_scan_result *result, double seconds)
{
    const clipspan_run_info *i = clipspan_run_get_info(d->run);
    char images[CLI_NUMBER_ROOM], rate[CLI_NUMBER_ROOM];
    cli_json_text(&d->json, "run", i->path);
    cli_json_whole(&d->json, "scenes", i->used);
    cli_json_whole(&d->json, "heads", (uint64_t)i->layers * (uint64_t)i->heads);
    cli_json_real(&d->json, "largest_difference", result->residual);
    cli_format_count(images, i->used);
    cli_format_real(rate, (double)i->used / (seconds > 0 ? seconds : 1));
    cli_demo_say(
        d,
        "%s scenes, %s a second, are now the run %s. For each of them the components of %d "
        "heads, %d MLPs and of the class token itself add up to the embedding, within %.1e.",
        images, rate, i->path, i->layers * i->heads, i->layers, result->residual);
}

clipspan_status cli_demo_scan(cli_demo_job *d, clipspan_error *err)
{
    clipspan_scan_result result;
    double start = cli_seconds();
    CS_TRY(cli_demo_take_apart(&d->run, &result, d, "look.csv", "run", err));
    show_scan(d, &result, cli_seconds() - start);
    return CLIPSPAN_OK;
}

/* ---- Atlas ---- */

static clipspan_status make_atlas(cli_demo_job *d, clipspan_error *err)
{
    cli_session *s = d->session;
    clipspan_atlas_options options = CLIPSPAN_ATLAS_OPTIONS_INIT;
    clipspan_progress progress = {cli_progress_step, s};
    clipspan_status status;
    CS_TRY(clipspan_texts_open(&d->pool, "demo", err));
    options.name = "demo";
    options.texts = d->pool;
    options.opened = d->model;
    options.threads = (int)s->threads;
    cli_progress_begin(s, "texts and heads");
    status = clipspan_atlas_new(&d->atlas, d->run, &options, &progress, err);
    cli_progress_end(s);
    return status;
}

void cli_demo_role_heads(clipspan_head *heads, size_t *count, const cli_demo_job *d,
                         const char *role)
{
    const clipspan_atlas_head *h = clipspan_atlas_get_heads(d->atlas);
    *count = 0;
    for (size_t i = 0; i < clipspan_atlas_get_info(d->atlas)->heads; i++)
        if (cli_role_carried(h[i].role) && strcmp(h[i].role->category[0], role) == 0)
            heads[(*count)++] = h[i].head;
}

/* The factor that a category of the pool stands for, or -1. */
static int factor_of(const char *category)
{
    for (int f = 0; category && f < CLI_DEMO_FACTORS; f++)
        if (strcmp(category, cli_demo_factors[f]) == 0) return f;
    return -1;
}

static int strongest(const double *shares)
{
    int best = 0;
    for (int f = 1; f < CLI_DEMO_FACTORS; f++)
        if (shares[f] > shares[best]) best = f;
    return best;
}

/* Heads with a role; and of each factor the strongest that has it for a role or, when none has, of
 * those that it truly explains most. */
typedef struct roles {
    int true_ones; /* of those with a role, it is the factor that explains most */
    int count[CLI_DEMO_FACTORS], found[CLI_DEMO_FACTORS];
    size_t best[CLI_DEMO_FACTORS];
} roles;

static const double *shares_of(const cli_demo_job *d, const double *shares, clipspan_head head)
{
    size_t place = (size_t)head.layer * (size_t)clipspan_run_get_info(d->run)->heads;
    return shares + (place + (size_t)head.head) * CLI_DEMO_FACTORS;
}

static void take_stronger(roles *r, int f, const clipspan_atlas_head *heads, size_t i)
{
    if (!r->found[f] || heads[i].variance_share->share > heads[r->best[f]].variance_share->share)
        r->best[f] = i;
    r->found[f] = 1;
}

static void count_roles(roles *r, const cli_demo_job *d, const double *shares)
{
    const clipspan_atlas_head *heads = clipspan_atlas_get_heads(d->atlas);
    const size_t count = clipspan_atlas_get_info(d->atlas)->heads;
    memset(r, 0, sizeof *r);
    for (size_t i = 0; i < count; i++) {
        int f = factor_of(heads[i].role->category[0]);
        if (!cli_role_carried(heads[i].role) || f < 0) continue;
        r->true_ones += strongest(shares_of(d, shares, heads[i].head)) == f;
        r->count[f]++;
        take_stronger(r, f, heads, i);
    }
    for (size_t i = 0; i < count; i++) {
        int f = strongest(shares_of(d, shares, heads[i].head));
        if (r->count[f] == 0 && heads[i].basis_texts) take_stronger(r, f, heads, i);
    }
}

static clipspan_status add_role(cli_table *table, const cli_demo_job *d, const roles *r, int f,
                                const double *shares, clipspan_error *err)
{
    const clipspan_atlas_head *h = &clipspan_atlas_get_heads(d->atlas)[r->best[f]];
    const double *own = shares_of(d, shares, h->head);
    char text[80], percent[CLI_NUMBER_ROOM];
    int truly = strongest(own);
    if (!r->found[f]) return CLIPSPAN_OK;
    CS_TRY(cli_table_add(table, cli_demo_factors[f], err));
    snprintf(text, sizeof text, "%d", r->count[f]);
    CS_TRY(cli_table_add(table, text, err));
    snprintf(text, sizeof text, r->count[f] ? "L%d.H%d" : "(L%d.H%d)", h->head.layer, h->head.head);
    CS_TRY(cli_table_add(table, text, err));
    CS_TRY(cli_table_add(
        table, clipspan_atlas_get_texts(d->atlas)[h->basis_text[0].basis_text->text].text, err));
    cli_format_percent(percent, own[truly]);
    snprintf(text, sizeof text, "%s %s", cli_demo_factors[truly], percent);
    return cli_table_add(table, text, err);
}

static clipspan_status tell_roles(const cli_demo_job *d, const roles *r, const double *shares,
                                  clipspan_error *err)
{
    static const char headers[] = "role|>heads|strongest|its first text|factor (ANOVA)";
    const clipspan_atlas_info *info = clipspan_atlas_get_info(d->atlas);
    clipspan_status status = CLIPSPAN_OK;
    char expected[CLI_OUTCOME_ROOM];
    cli_table table;
    int brackets = 0;
    cli_table_init(&table, headers);
    for (int f = 0; f < CLI_DEMO_FACTORS && status == CLIPSPAN_OK; f++) {
        brackets |= r->found[f] && r->count[f] == 0;
        status = add_role(&table, d, r, f, shares, err);
    }
    if (status == CLIPSPAN_OK) cli_demo_table(d, &table);
    cli_table_fini(&table);
    CS_TRY(status);
    cli_outcome_say_false(expected, info);
    cli_demo_say(d,
                 "%d of %zu heads have a role, with %zu texts of %zu categories to choose from, "
                 "and %d more lean to one. %s For %d of the roles it is the factor that truly "
                 "explains more of the head's output than any other.%s",
                 info->role, info->heads, info->pool_texts, info->pool_categories, info->leaning,
                 expected, r->true_ones,
                 brackets ? " In brackets: no head has the role; the strongest of those that the "
                            "factor explains best."
                          : "");
    return CLIPSPAN_OK;
}

static void emit_roles(cli_demo_job *d, const roles *r, const double *shares)
{
    const clipspan_atlas_info *info = clipspan_atlas_get_info(d->atlas);
    const clipspan_atlas_head *heads = clipspan_atlas_get_heads(d->atlas);
    cli_json *json = &d->json;
    char name[48];
    cli_json_whole(json, "heads", info->heads);
    cli_atlas_json_outcomes(json, info);
    cli_json_real(json, "expected_false_claims", info->expected_false_claims);
    cli_json_whole(json, "true", (uint64_t)r->true_ones);
    cli_json_array(json, "roles");
    for (size_t i = 0; i < info->heads; i++) {
        const double *own = shares_of(d, shares, heads[i].head);
        int truly = strongest(own);
        if (heads[i].basis_texts == 0) continue;
        snprintf(name, sizeof name, "L%d.H%d", heads[i].head.layer, heads[i].head.head);
        cli_json_row(json, NULL);
        cli_json_text(json, "head", name);
        cli_json_text(json, "outcome", cli_head_outcome_key(&heads[i]));
        cli_json_text(json, "category", heads[i].role->category[0]);
        cli_json_real(json, "explained_variance", heads[i].role->explained_variance[0]);
        cli_json_real(json, "control_variance", heads[i].role->control_variance);
        cli_json_whole(json, "control_above", (uint64_t)heads[i].role->control_above);
        cli_json_real(json, "q", heads[i].role->q);
        cli_json_real(json, "stability", heads[i].role->stability);
        cli_json_text(
            json, "text",
            clipspan_atlas_get_texts(d->atlas)[heads[i].basis_text[0].basis_text->text].text);
        cli_json_real(json, "share", heads[i].variance_share->share);
        cli_json_text(json, "factor", cli_demo_factors[truly]);
        cli_json_real(json, "factor_share", own[truly]);
        cli_json_end(json);
    }
    cli_json_end(json);
}

clipspan_status cli_demo_atlas(cli_demo_job *d, clipspan_error *err)
{
    const clipspan_run_info *info = clipspan_run_get_info(d->run);
    const size_t heads = (size_t)info->layers * (size_t)info->heads;
    clipspan_status status;
    double *shares;
    roles r;
    CS_TRY(make_atlas(d, err));
    shares = cs_alloc(heads * CLI_DEMO_FACTORS, sizeof *shares, "shares of factors", err);
    if (!shares) return CLIPSPAN_E_NOMEM;
    status = cli_demo_truth(shares, d, err);
    if (status == CLIPSPAN_OK) {
        count_roles(&r, d, shares);
        if (d->tells) status = tell_roles(d, &r, shares, err);
        emit_roles(d, &r, shares);
    }
    cs_free(shares);
    return status;
}

/* ---- Report ---- */

clipspan_status cli_demo_report(cli_demo_job *d, clipspan_error *err)
{
    cli_session *s = d->session;
    clipspan_report_options options = CLIPSPAN_REPORT_OPTIONS_INIT;
    clipspan_progress progress = {cli_progress_step, s};
    clipspan_status status;
    char *path;
    CS_TRY(cli_demo_output(&path, d, "report.html", err));
    options.run = d->run;
    options.replace = d->x->force;
    options.threads = (int)s->threads;
    options.note =
        "This is the demo: drawn scenes, and a small model that has seen such scenes only "
        "and knows nothing of photographs. Its training encouraged heads to specialise, "
        "so what is found here shows that the tool finds what is there, not how CLIP is "
        "made.";
    cli_progress_begin(s, "images");
    status = clipspan_report_write(path, d->atlas, &options, &progress, err);
    cli_progress_end(s);
    if (status != CLIPSPAN_OK) {
        cs_free(path);
        return status;
    }
    cli_demo_say(d, "The page is %s; it works offline and can be sent to others.", path);
    cli_json_text(&d->json, "report", path);
    cs_free(d->page);
    d->page = path;
    return CLIPSPAN_OK;
}
