/* SPDX-License-Identifier: MIT */
/* The joint figure: rows are heads, columns those of a head's own texts that this image has most
 * of, each drawn where the head reads it. With c the head's output for this image and m its mean
 * over the run, a text t of the head counts (c - m) . t, and a token its part of c . t less an N-th
 * of m . t: tokens add up to it, and the neutral colour is the run's mean. */
#include "base/file.h"
#include "base/memory.h"
#include "cli/in/classifier.h"
#include "cli/in/heads.h"
#include "cli/visual/explain.h"
#include "cli/visual/map_sheet.h"

#include <clipspan/clipspan.h>
#include <math.h>
#include <string.h>

#define ROWS        4 /* heads, when none are named */
#define COLUMNS     CLI_EXPLAIN_COLUMNS
#define CELL        192
#define BASIS_TEXTS 1000 /* of a head, at most */

typedef struct figure {
    cli_explain_job *job;
    clipspan_head heads[CLI_EXPLAIN_MOST];
    size_t head_count;
    clipspan_texts *texts, *plain; /* of all heads, one after the other; "{}" */
    clipspan_bank *bank;
    clipspan_maps *maps;
    clipspan_view *view;
    clipspan_sheet *sheet;
    uint8_t *rgb;
    float *map; /* [basis_texts, N] of one head, centred */
} figure;

static clipspan_status choose_heads(figure *f, clipspan_error *err)
{
    const cli_explain_job *j = f->job;
    const clipspan_explanation_info *x = j->facts;
    const size_t all = cli_explain_heads(x);
    const clipspan_atlas_info *info = clipspan_atlas_get_info(j->atlas);
    size_t best[CLI_EXPLAIN_MOST], count;
    if (j->head_count > CLI_EXPLAIN_MOST)
        return cs_fail(err, CLIPSPAN_E_LIMIT, "%zu heads were named; a figure has room for %d",
                       j->head_count, CLI_EXPLAIN_MOST);
    for (size_t i = 0; i < j->head_count; i++) {
        const clipspan_atlas_head *known = cli_explain_known(j, j->heads[i]);
        if (!known || !known->basis_texts)
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "L%d.H%d has no texts in the run's atlas, which looked at layers %d to "
                           "%d; choose others with --heads",
                           j->heads[i].layer, j->heads[i].head, info->first_layer,
                           info->last_layer);
        f->heads[f->head_count++] = j->heads[i];
    }
    if (j->head_count) return CLIPSPAN_OK;
    count = cli_explain_choose(best, CLI_EXPLAIN_MOST, x->head + x->order[0] * all, all);
    for (size_t i = 0; i < count && f->head_count < ROWS; i++) {
        const clipspan_head head = cli_explain_head(j, best[i]);
        const clipspan_atlas_head *known = cli_explain_known(j, head);
        if (known && known->basis_texts) f->heads[f->head_count++] = head;
    }
    if (!f->head_count)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "none of the %zu strongest heads has texts in the run's atlas, which looked "
                       "at layers %d to %d; name heads with --heads",
                       count, info->first_layer, info->last_layer);
    return CLIPSPAN_OK;
}

/* The texts of all rows, as vectors, and maps of the heads for them. */
static clipspan_status map_texts(figure *f, clipspan_error *err)
{
    cli_explain_job *j = f->job;
    const clipspan_atlas_text *texts = clipspan_atlas_get_texts(j->atlas);
    clipspan_maps_options o = CLIPSPAN_MAPS_OPTIONS_INIT;
    const char **names = NULL;
    size_t count = 0, room = 0;
    clipspan_status status = CLIPSPAN_OK;
    for (size_t i = 0; i < f->head_count && status == CLIPSPAN_OK; i++) {
        const clipspan_atlas_head *known = cli_explain_known(j, f->heads[i]);
        status = cs_grow(&names, &room, count + (size_t)known->basis_texts, sizeof *names,
                         "texts of a figure", err);
        for (int k = 0; k < known->basis_texts && status == CLIPSPAN_OK; k++)
            names[count++] = texts[known->basis_text[k].basis_text->text].text;
    }
    if (status == CLIPSPAN_OK) status = clipspan_texts_new(&f->texts, names, NULL, count, err);
    cs_free(names);
    CS_TRY(status);
    CS_TRY(clipspan_texts_open(&f->plain, "none", err));
    CS_TRY(cli_bank_open(&f->bank, j->session, j->model, f->texts, f->plain,
                         j->x->encoder.precision, err));
    o.heads = f->heads;
    o.head_count = f->head_count;
    o.each = 1;
    CS_TRY(clipspan_maps_new(&f->maps, j->encoder, f->bank, &o, err));
    return clipspan_maps_run_files(f->maps, NULL, &j->image, 1, err);
}

/* mean : [P] what a head writes on average over the run's images */
static clipspan_status mean_of(double *mean, const cli_explain_job *j, clipspan_head head,
                               clipspan_error *err)
{
    const clipspan_run_info *run = clipspan_run_get_info(j->run);
    const size_t C = (size_t)run->head_width + 3, P = (size_t)run->embed_width;
    double *coefficients = cs_alloc(C, sizeof *coefficients, "a head's mean", err);
    float *rows = coefficients ? cs_alloc(C, P * sizeof *rows, "a head's output map", err) : NULL;
    clipspan_status status = rows ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
    if (status == CLIPSPAN_OK)
        status = clipspan_run_read_head(NULL, coefficients, NULL, j->run, -1, head.layer, head.head,
                                        err);
    if (status == CLIPSPAN_OK)
        status = clipspan_run_read_output_map(rows, j->run, head.layer, head.head, err);
    memset(mean, 0, P * sizeof *mean);
    for (size_t c = 0; c < C && status == CLIPSPAN_OK; c++)
        for (size_t p = 0; p < P; p++)
            mean[p] += coefficients[c] * (double)rows[c * P + p];
    cs_free(rows);
    cs_free(coefficients);
    return status;
}

/* Row `row`, whose texts are the bank's from `first` on: f->map gets their centred tokens, scores
 * their sums. */
static clipspan_status centre(figure *f, double *scores, size_t row, size_t first, size_t count,
                              clipspan_error *err)
{
    const cli_explain_job *j = f->job;
    const size_t P = (size_t)j->info->embed_width, N = j->facts->tokens;
    const float *maps = clipspan_maps_get_head(f->maps, 0, f->heads[row].layer, f->heads[row].head);
    const float *vectors = clipspan_bank_get_vectors(f->bank) + first * P;
    double *mean = cs_alloc(P, sizeof *mean, "a head's mean", err);
    clipspan_status status = mean ? mean_of(mean, j, f->heads[row], err) : CLIPSPAN_E_NOMEM;
    for (size_t k = 0; k < count && status == CLIPSPAN_OK; k++) {
        double usual = 0.0;
        for (size_t p = 0; p < P; p++)
            usual += mean[p] * (double)vectors[k * P + p];
        scores[k] = 0.0;
        for (size_t n = 0; n < N; n++) {
            const double score = (double)maps[(first + k) * N + n] - usual / (double)N;
            f->map[k * N + n] = (float)score;
            scores[k] += score;
        }
    }
    cs_free(mean);
    return status;
}

/* The texts with the highest scores, highest first. */
static size_t highest(size_t *out, const double *scores, size_t n)
{
    size_t held = 0;
    for (size_t i = 0; i < n; i++) {
        size_t at = held < COLUMNS ? held++ : COLUMNS;
        if (at == COLUMNS && scores[i] <= scores[out[COLUMNS - 1]]) continue;
        if (at == COLUMNS) at--;
        for (; at > 0 && scores[i] > scores[out[at - 1]]; at--)
            out[at] = out[at - 1];
        out[at] = i;
    }
    return held;
}

static clipspan_status draw_row(figure *f, size_t row, size_t first, clipspan_error *err)
{
    const cli_explain_job *j = f->job;
    const clipspan_explanation_info *x = j->facts;
    const clipspan_view_info *view = clipspan_view_get_info(f->view);
    const clipspan_head head = f->heads[row];
    const size_t place = (x->order[0] * (size_t)x->layers + (size_t)head.layer) * (size_t)x->heads +
                         (size_t)head.head;
    const size_t count = (size_t)cli_explain_known(j, head)->basis_texts;
    cli_explain_row *said = &f->job->rows[row];
    double scores[BASIS_TEXTS], limit = 0.0;
    size_t best[COLUMNS], columns;
    char name[CLI_HEAD_ROOM], role[64], text[128], note[160];
    CS_TRY(centre(f, scores, row, first, count, err));
    columns = highest(best, scores, count);
    for (size_t c = 0; c < columns; c++)
        limit = fmax(limit, cli_map_limit(f->map + best[c] * x->tokens + 1, x->tokens - 1));
    said->head = head;
    said->count = columns;
    said->limit = limit;
    cli_head_name(name, head);
    cli_explain_role(role, cli_explain_known(j, head));
    snprintf(text, sizeof text, "%s%s%s", name, *role ? " " : "", role);
    snprintf(note, sizeof note, "%+.4f for the title's text", x->head[place]);
    CS_TRY(clipspan_view_run_draw(f->rgb, f->view, NULL, CLIPSPAN_DRAW_IMAGE, 1.0, 1, err));
    clipspan_sheet_set_cell(f->sheet, row, 0, f->rgb, view->height, view->width, text, note);
    for (size_t c = 0; c < columns; c++) {
        CS_TRY(clipspan_view_run_draw(f->rgb, f->view, f->map + best[c] * x->tokens + 1,
                                      CLIPSPAN_DRAW_OVERLAY, limit, 1, err));
        said->texts[c] =
            clipspan_atlas_get_texts(
                j->atlas)[cli_explain_known(j, head)->basis_text[best[c]].basis_text->text]
                .text;
        said->scores[c] = scores[best[c]];
        snprintf(note, sizeof note, "%+.4f above the run's mean", scores[best[c]]);
        clipspan_sheet_set_cell(f->sheet, row, 1 + c, f->rgb, view->height, view->width,
                                said->texts[c], note);
    }
    snprintf(note, sizeof note, "%s: a patch's part, less its share of the run's mean", name);
    clipspan_sheet_set_bar(f->sheet, row, note, limit, 1);
    return CLIPSPAN_OK;
}

static clipspan_status set_up(figure *f, clipspan_error *err)
{
    const cli_explain_job *j = f->job;
    const clipspan_view_info *view;
    size_t most = 1, numbers;
    char title[400];
    for (size_t i = 0; i < f->head_count; i++) {
        const size_t basis_texts = (size_t)cli_explain_known(j, f->heads[i])->basis_texts;
        if (basis_texts > BASIS_TEXTS)
            return cs_fail(err, CLIPSPAN_E_LIMIT, "a head of the atlas has %zu texts; %d at most",
                           basis_texts, BASIS_TEXTS);
        if (basis_texts > most) most = basis_texts;
    }
    if (!cs_size_mul(&numbers, most, j->facts->tokens)) numbers = SIZE_MAX;
    f->map = cs_alloc(numbers, sizeof *f->map, "maps", err);
    if (!f->map) return CLIPSPAN_E_NOMEM;
    CS_TRY(cli_explain_view(&f->view, j, CELL, err));
    view = clipspan_view_get_info(f->view);
    f->rgb = cs_alloc((size_t)view->height * (size_t)view->width, 3, "a drawing", err);
    if (!f->rgb) return CLIPSPAN_E_NOMEM;
    CS_TRY(clipspan_sheet_new(&f->sheet, f->head_count, 1 + COLUMNS,
                              view->height < CELL / 4 ? CELL / 4 : view->height,
                              view->width < CELL ? CELL : view->width, f->head_count, err));
    snprintf(title, sizeof title, "%.120s: %.200s", cs_path_name(j->image),
             j->facts->names[j->facts->order[0]]);
    clipspan_sheet_set_title(f->sheet, title);
    clipspan_sheet_set_column(f->sheet, 0, "head");
    clipspan_sheet_set_column(f->sheet, 1, "texts of the head");
    return CLIPSPAN_OK;
}

static clipspan_status draw(figure *f, clipspan_error *err)
{
    size_t first = 0;
    CS_TRY(choose_heads(f, err));
    CS_TRY(map_texts(f, err));
    CS_TRY(set_up(f, err));
    f->job->rows = cs_alloc_zero(f->head_count, sizeof *f->job->rows, "a figure", err);
    if (!f->job->rows) return CLIPSPAN_E_NOMEM;
    f->job->row_count = f->head_count;
    for (size_t row = 0; row < f->head_count; row++) {
        CS_TRY(draw_row(f, row, first, err));
        first += (size_t)cli_explain_known(f->job, f->heads[row])->basis_texts;
    }
    cli_stage(f->job->session, "figure drawn");
    return CLIPSPAN_OK;
}

clipspan_status cli_explain_figures(cli_explain_job *j, clipspan_error *err)
{
    const cli_list *paths = &j->x->figure;
    figure f = {.job = j};
    clipspan_status status = paths->count ? draw(&f, err) : CLIPSPAN_OK;
    for (size_t i = 0; i < paths->count && status == CLIPSPAN_OK; i++)
        status = clipspan_sheet_write(f.sheet, paths->items[i], j->x->out.force, err);
    cs_free(f.map);
    cs_free(f.rgb);
    clipspan_sheet_free(&f.sheet);
    clipspan_view_free(&f.view);
    clipspan_maps_free(&f.maps);
    clipspan_bank_free(&f.bank);
    clipspan_texts_free(&f.plain);
    clipspan_texts_free(&f.texts);
    return status;
}
