/* SPDX-License-Identifier: MIT */
/* What a search compares and what with: heads by name or role, images, parts of them, texts. */
#include "base/memory.h"
#include "cli/in/classifier.h"
#include "cli/in/heads.h"
#include "cli/in/role_heads.h"
#include "cli/visual/search.h"

#include <clipspan/clipspan.h>
#include <stdlib.h>
#include <string.h>

/* ---- Groups ---- */

/* "NAME[=WEIGHT],..." */
static clipspan_status read_roles(cli_search_job *j, const char *text, clipspan_error *err)
{
    while (j->group_count < 16) {
        cli_search_group *g = &j->groups[j->group_count];
        size_t length = strcspn(text, ","), name = strcspn(text, ",=");
        char *end = NULL;
        g->weight = 1.0;
        if (name < 1 || name >= sizeof g->name)
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "--role: expected NAME or NAME=WEIGHT, joined by commas, found \"%s\"",
                           text);
        memcpy(g->name, text, name);
        g->name[name] = '\0';
        if (text[name] == '=') g->weight = strtod(text + name + 1, &end);
        if (end && (end != text + length || end == text + name + 1 ||
                    !(g->weight > -1e6 && g->weight < 1e6)))
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "--role: expected a number behind %s=, found \"%.*s\"", g->name,
                           (int)(length - name - 1), text + name + 1);
        j->group_count++;
        CS_TRY(cli_role_heads(&g->heads, &g->head_count, j->atlas, g->name, err));
        if (!text[length]) return CLIPSPAN_OK;
        text += length + 1;
    }
    return cs_fail(err, CLIPSPAN_E_ARGUMENT, "--role: 16 roles at most");
}

clipspan_status cli_search_groups(cli_search_job *j, clipspan_error *err)
{
    const cli_search_settings *x = j->x;
    cli_search_group *g;
    j->groups = cs_alloc_zero(18, sizeof *j->groups, "groups of heads", err);
    if (!j->groups) return CLIPSPAN_E_NOMEM;
    if (x->role) {
        CS_TRY(clipspan_atlas_open(&j->atlas, j->run, NULL, err));
        CS_TRY(read_roles(j, x->role, err));
    }
    if (x->role && !x->heads) return CLIPSPAN_OK;
    g = &j->groups[j->group_count++];
    g->weight = 1.0;
    snprintf(g->name, sizeof g->name, x->heads || j->has_region ? "heads" : "embedding");
    if (x->heads)
        return cli_heads_read(&g->heads, &g->head_count, x->heads, j->info->layers, j->info->heads,
                              err);
    if (!j->has_region) return CLIPSPAN_OK;
    g->head_count = (size_t)j->info->layers * (size_t)j->info->heads; /* all of them */
    g->heads = cs_alloc(g->head_count, sizeof *g->heads, "heads", err);
    for (size_t i = 0; g->heads && i < g->head_count; i++) {
        g->heads[i].layer = (int)i / j->info->heads;
        g->heads[i].head = (int)i % j->info->heads;
    }
    return g->heads ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

/* ---- Items ---- */

/* Adds up the tokens whose patches' centres lie in the region: heads : [L, H, P]. */
static clipspan_status sum_region(const cli_search_job *j, float *heads,
                                  const clipspan_decomposition *parts, const char *path,
                                  clipspan_error *err)
{
    const clipspan_model_info *info = clipspan_model_get_info(j->model);
    const size_t P = (size_t)info->embed_width, N = (size_t)info->tokens;
    const size_t columns = (size_t)info->grid_width;
    clipspan_view *view = NULL;
    clipspan_status status;
    double window[4], step_x, step_y;
    size_t inside = 0;
    float *tokens = cs_alloc(N, P * sizeof *tokens, "contributions of  ", err);
    if (!tokens) return CLIPSPAN_E_NOMEM;
    CS_TRY_DONE(clipspan_view_new(&view, j->model, path, 16, NULL, err));
    memcpy(window, clipspan_view_get_info(view)->window, sizeof window);
    step_x = (window[2] - window[0]) / (double)info->grid_width;
    step_y = (window[3] - window[1]) / (double)info->grid_height;
    memset(heads, 0, (size_t)(j->info->layers * j->info->heads) * P * sizeof *heads);
    for (int l = 0; l < j->info->layers; l++)
        for (int h = 0; h < j->info->heads; h++) {
            float *sum = heads + (size_t)(l * j->info->heads + h) * P;
            CS_TRY_DONE(clipspan_decomposition_run_tokens(tokens, parts, l, h, err));
            inside = 0;
            for (size_t n = 0; n + 1 < N; n++) {
                const size_t row = n / columns, column = n % columns;
                double cx = window[0] + ((double)column + 0.5) * step_x - j->region[0];
                double cy = window[1] + ((double)row + 0.5) * step_y - j->region[1];
                if (cx < 0.0 || cy < 0.0 || cx >= j->region[2] || cy >= j->region[3]) continue;
                inside++;
                for (size_t p = 0; p < P; p++)
                    sum[p] += tokens[(n + 1) * P + p];
            }
        }
    if (inside == 0)
        status = cs_fail(err, CLIPSPAN_E_ARGUMENT,
                         "--region %g,%g,%g,%g holds the middle of no patch; the model sees pixels "
                         "%.0f to %.0f across and %.0f to %.0f down of %.80s, in patches of %.3g x "
                         "%.3g",
                         j->region[0], j->region[1], j->region[2], j->region[3], window[0],
                         window[2], window[1], window[3], path, step_x, step_y);
done:
    clipspan_view_free(&view);
    cs_free(tokens);
    return status;
}

static clipspan_status take_image(cli_search_job *j, cli_search_item *item,
                                  clipspan_decomposition *parts, clipspan_error *err)
{
    const size_t P = (size_t)j->info->embed_width;
    const size_t heads = (size_t)j->info->layers * (size_t)j->info->heads;
    item->heads = cs_alloc(heads, P * sizeof *item->heads, "contributions of  ", err);
    item->vector = cs_alloc(P, sizeof *item->vector, "an embedding", err);
    if (!item->heads || !item->vector) return CLIPSPAN_E_NOMEM;
    CS_TRY(clipspan_decomposition_run_files(parts, NULL, &item->name, 1, err));
    memcpy(item->vector, clipspan_decomposition_get_embeddings(parts), P * sizeof *item->vector);
    if (j->has_region) return sum_region(j, item->heads, parts, item->name, err);
    return clipspan_decomposition_run_contributions(item->heads, NULL, NULL, NULL, parts, 0, err);
}

static clipspan_status take_images(cli_search_job *j, clipspan_error *err)
{
    clipspan_encoder_options o = CLIPSPAN_ENCODER_OPTIONS_INIT;
    clipspan_decomposition_options with = CLIPSPAN_DECOMPOSITION_OPTIONS_INIT;
    clipspan_encoder *encoder = NULL;
    clipspan_decomposition *parts = NULL;
    clipspan_status status;
    o.precision = j->info->precision;
    o.threads = (int)j->session->threads;
    with.tokens = j->has_region;
    CS_TRY_DONE(clipspan_encoder_new(&encoder, j->model, &o, err));
    CS_TRY_DONE(clipspan_decomposition_new(&parts, encoder, &with, err));
    for (size_t i = 0; i < j->item_count; i++)
        if (!j->items[i].vector) CS_TRY_DONE(take_image(j, &j->items[i], parts, err));
done:
    clipspan_decomposition_free(&parts);
    clipspan_encoder_free(&encoder);
    return status;
}

static clipspan_status take_texts(cli_search_job *j, clipspan_error *err)
{
    const cli_search_settings *x = j->x;
    const size_t P = (size_t)j->info->embed_width;
    clipspan_texts *texts = NULL, *templates = NULL;
    clipspan_bank *bank = NULL;
    clipspan_status status;
    size_t t = 0;
    CS_TRY_DONE(clipspan_texts_new(&texts, x->texts.text.items, NULL, x->texts.text.count, err));
    CS_TRY_DONE(cli_templates_open(&templates, j->x->texts.templates, "none", err));
    CS_TRY_DONE(cli_texts_check(j->model, texts, err));
    CS_TRY_DONE(cli_bank_open(&bank, j->session, j->model, texts, templates, 0, err));
    for (size_t i = 0; i < j->item_count; i++) {
        cli_search_item *item = &j->items[i];
        if (!item->is_text) continue;
        item->vector = cs_alloc(P, sizeof *item->vector, "a text's vector", err);
        if (!item->vector) {
            status = CLIPSPAN_E_NOMEM;
            goto done;
        }
        memcpy(item->vector, clipspan_bank_get_vectors(bank) + t++ * P, P * sizeof(float));
    }
done:
    clipspan_bank_free(&bank);
    clipspan_texts_free(&templates);
    clipspan_texts_free(&texts);
    return status;
}

static void add_items(cli_search_job *j, const cli_list *list, double weight, int is_text)
{
    for (size_t i = 0; i < list->count; i++) {
        cli_search_item *item = &j->items[j->item_count++];
        item->name = list->items[i];
        item->weight = weight;
        item->is_text = is_text;
    }
}

clipspan_status cli_search_items(cli_search_job *j, clipspan_error *err)
{
    const cli_search_settings *x = j->x;
    const size_t count = x->like.count + x->unlike.count + x->texts.text.count;
    clipspan_progress progress = {cli_progress_step, j->session};
    clipspan_status status;
    size_t stored = 0;
    j->items = cs_alloc_zero(count, sizeof *j->items, "what is looked for", err);
    if (!j->items) return CLIPSPAN_E_NOMEM;
    add_items(j, &x->like, 1.0, 0);
    add_items(j, &x->unlike, -1.0, 0);
    add_items(j, &x->texts.text, 1.0, 1);
    for (size_t i = 0; i < count; i++)
        if (!j->items[i].is_text && cli_search_is_stored(j->items[i].name)) {
            CS_TRY(cli_search_stored(j, &j->items[i], err));
            stored++;
        }
    if (stored == count) return CLIPSPAN_OK;
    cli_progress_begin(j->session, "bytes");
    status = clipspan_run_open_model(&j->model, j->run, x->model, &progress, err);
    cli_progress_end(j->session);
    CS_TRY(status);
    if (x->texts.text.count) {
        if (!clipspan_model_get_info(j->model)->has_text)
            return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, j->info->model_name,
                              "has no text encoder, so it cannot look for a text");
        CS_TRY(take_texts(j, err));
    }
    return stored + x->texts.text.count < count ? take_images(j, err) : CLIPSPAN_OK;
}

clipspan_status cli_search_query(float **out, const cli_search_job *j, const cli_search_group *g,
                                 const cli_search_item *item, clipspan_error *err)
{
    const size_t P = (size_t)j->info->embed_width, count = g->heads ? g->head_count : 1;
    *out = cs_alloc(count, P * sizeof **out, "a query", err);
    if (!*out) return CLIPSPAN_E_NOMEM;
    for (size_t h = 0; h < count; h++) {
        const float *from = item->vector;
        if (g->heads && !item->is_text)
            from =
                item->heads + (size_t)(g->heads[h].layer * j->info->heads + g->heads[h].head) * P;
        memcpy(*out + h * P, from, P * sizeof **out);
    }
    return CLIPSPAN_OK;
}

void cli_search_free(cli_search_job *j)
{
    for (size_t i = 0; i < j->group_count; i++) {
        clipspan_search_free(&j->groups[i].search);
        cs_free(j->groups[i].heads);
    }
    for (size_t i = 0; i < j->item_count; i++) {
        cs_free(j->items[i].heads);
        cs_free(j->items[i].vector);
    }
    cs_free(j->groups);
    cs_free(j->items);
    clipspan_atlas_free(&j->atlas);
    clipspan_model_close(&j->model);
    clipspan_run_close(&j->run);
}
