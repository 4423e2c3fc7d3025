/* SPDX-License-Identifier: MIT */
/* The joint figure drawn: rows are heads, columns those of a head's own texts that this image has
 * most of (clipspan_joint), each where the head reads it. */
#include "base/file.h"
#include "base/memory.h"
#include "cli/in/classifier.h"
#include "cli/in/heads.h"
#include "cli/visual/explain.h"

#include <clipspan/clipspan.h>

#define COLUMNS 4 /* texts of a head */
#define CELL    192

typedef struct figure {
    cli_explain_job *job;
    clipspan_texts *texts, *plain; /* of all heads, one after the other; "{}" */
    clipspan_bank *bank;
    clipspan_maps *maps;
    clipspan_view *view;
    clipspan_sheet *sheet;
    uint8_t *rgb;
} figure;

/* Chooses heads and their texts, and maps them. */
static clipspan_status fill_rows(figure *f, clipspan_error *err)
{
    cli_explain_job *j = f->job;
    clipspan_joint_options o = CLIPSPAN_JOINT_OPTIONS_INIT;
    clipspan_maps_options with = CLIPSPAN_MAPS_OPTIONS_INIT;
    const char *const *texts;
    size_t count;
    o.heads = j->heads;
    o.head_count = j->head_count;
    o.columns = COLUMNS;
    CS_TRY(clipspan_joint_new(&j->joint, j->explanation, j->atlas, &o, err));
    texts = clipspan_joint_get_texts(j->joint, &count);
    CS_TRY(clipspan_texts_new(&f->texts, texts, NULL, count, err));
    CS_TRY(clipspan_texts_open(&f->plain, "none", err));
    CS_TRY(cli_bank_open(&f->bank, j->session, j->model, f->texts, f->plain,
                         j->x->encoder.precision, err));
    with.heads = clipspan_joint_get_heads(j->joint, &with.head_count);
    with.each = 1;
    CS_TRY(clipspan_maps_new(&f->maps, j->encoder, f->bank, &with, err));
    CS_TRY(clipspan_maps_run_files(f->maps, NULL, &j->image, 1, err));
    return clipspan_joint_run(j->joint, f->maps, 0, f->bank, j->run, err);
}

static clipspan_status draw_row(figure *f, size_t number, const clipspan_joint_row *row,
                                clipspan_error *err)
{
    const clipspan_view_info *view = clipspan_view_get_info(f->view);
    char name[CLI_HEAD_ROOM], role[64], text[128], note[160];
    cli_head_name(name, row->head);
    cli_explain_role(role, row->role, row->leaning);
    snprintf(text, sizeof text, "%s%s%s", name, *role ? " " : "", role);
    snprintf(note, sizeof note, "%+.4f for the title's text", row->part);
    CS_TRY(clipspan_view_run_draw(f->rgb, f->view, NULL, CLIPSPAN_DRAW_IMAGE, 1.0, 1, err));
    clipspan_sheet_set_cell(f->sheet, number, 0, f->rgb, view->height, view->width, text, note);
    for (size_t c = 0; c < row->cells; c++) {
        const clipspan_joint_cell *cell = &row->cell[c];
        CS_TRY(clipspan_view_run_draw(f->rgb, f->view, cell->map + f->job->facts->class_token,
                                      CLIPSPAN_DRAW_OVERLAY, row->limit, 1, err));
        snprintf(note, sizeof note, "%+.4f above the run's mean", cell->score);
        clipspan_sheet_set_cell(f->sheet, number, 1 + c, f->rgb, view->height, view->width,
                                cell->text, note);
    }
    snprintf(note, sizeof note, "%s: a patch's part, less its share of the run's mean", name);
    clipspan_sheet_set_bar(f->sheet, number, note, row->limit, 1);
    return CLIPSPAN_OK;
}

static clipspan_status set_up(figure *f, clipspan_error *err)
{
    const cli_explain_job *j = f->job;
    const clipspan_view_info *view;
    char title[400];
    size_t heads;
    clipspan_joint_get_heads(j->joint, &heads);
    CS_TRY(cli_explain_view(&f->view, j, CELL, err));
    view = clipspan_view_get_info(f->view);
    f->rgb = cs_alloc((size_t)view->height * (size_t)view->width, 3, "a drawing", err);
    if (!f->rgb) return CLIPSPAN_E_NOMEM;
    CS_TRY(clipspan_sheet_new(&f->sheet, heads, 1 + COLUMNS,
                              view->height < CELL / 4 ? CELL / 4 : view->height,
                              view->width < CELL ? CELL : view->width, heads, err));
    snprintf(title, sizeof title, "%.120s: %.200s", cs_path_name(j->image),
             clipspan_findings_get(j->findings, 0)->name);
    clipspan_sheet_set_title(f->sheet, title);
    clipspan_sheet_set_column(f->sheet, 0, "head");
    clipspan_sheet_set_column(f->sheet, 1, "texts of the head");
    return CLIPSPAN_OK;
}

static clipspan_status draw(figure *f, clipspan_error *err)
{
    const clipspan_joint_row *row;
    CS_TRY(fill_rows(f, err));
    CS_TRY(set_up(f, err));
    for (size_t i = 0; (row = clipspan_joint_get_row(f->job->joint, i)) != NULL; i++)
        CS_TRY(draw_row(f, i, row, err));
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
    cs_free(f.rgb);
    clipspan_sheet_free(&f.sheet);
    clipspan_view_free(&f.view);
    clipspan_maps_free(&f.maps);
    clipspan_bank_free(&f.bank);
    clipspan_texts_free(&f.plain);
    clipspan_texts_free(&f.texts);
    return status;
}
