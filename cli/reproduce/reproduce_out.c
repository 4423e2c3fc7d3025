/* SPDX-License-Identifier: MIT */
/* Published beside measured: tables for people, rows, a document. */
#include "cli/in/heads.h"
#include "cli/out/json_out.h"
#include "cli/out/numbers.h"
#include "cli/out/rows.h"
#include "cli/out/table.h"
#include "cli/reproduce/reproduce.h"

#include <clipspan/clipspan.h>
#include <string.h>

static const char *const sames[] = {"another", "architecture", "name"};

static int is_number(const cli_row *row)
{
    return strcmp(row->metric, "texts") == 0;
}

/* ---- Rows and documents ---- */

static void cell_real(cli_rows *rows, int there, double value)
{
    if (there)
        cli_rows_real(rows, value);
    else
        cli_rows_text(rows, "");
}

static clipspan_status add_figure(cli_rows *rows, const cli_reproduction *r, const cli_row *row,
                                  clipspan_error *err)
{
    const cli_figure *f = row->published;
    cli_rows_text(rows, r->table->name);
    cli_rows_text(rows, row->what);
    cli_rows_text(rows, row->metric);
    cli_rows_text(rows, row->part);
    cell_real(rows, row->measured, row->value);
    cell_real(rows, row->counted, row->low);
    cell_real(rows, row->counted, row->high);
    cell_real(rows, row->counted, (double)row->correct);
    cell_real(rows, row->counted, (double)row->images);
    cell_real(rows, f != NULL, f ? f->value : 0.0);
    cli_rows_text(rows, f ? r->paper->full : "");
    cli_rows_text(rows, f ? f->read : "");
    cell_real(rows, f && row->measured && r->same, f ? row->value - f->value : 0.0);
    return cli_rows_next(rows, err);
}

static clipspan_status add_texts(cli_rows *rows, const cli_role_row *row, clipspan_error *err)
{
    char head[CLI_HEAD_ROOM], place[8];
    cli_head_name(head, row->head);
    for (size_t k = 0; k < CLI_ROLE_TEXTS; k++) {
        cli_rows_text(rows, head);
        cli_rows_text(rows, row->published ? row->published->role : "");
        snprintf(place, sizeof place, "%zu", k + 1);
        cli_rows_text(rows, place);
        cli_rows_text(rows, k < row->count ? row->texts[k] : "");
        cli_rows_text(rows, row->published ? row->published->texts[k] : "");
        CS_TRY(cli_rows_next(rows, err));
    }
    return CLIPSPAN_OK;
}

static clipspan_status show_rows(const cli_reproduction *r, clipspan_error *err)
{
    clipspan_status status;
    cli_rows *rows;
    CS_TRY(cli_rows_open(&rows, r->session, NULL, 0, err));
    status = cli_rows_header(rows,
                             r->role_count ? "head|role|place|measured|published"
                                           : "table|what|metric|part|measured|low|high|correct|"
                                             "images|published|published_model|source|difference",
                             err);
    for (size_t i = 0; i < r->count && status == CLIPSPAN_OK; i++)
        status = add_figure(rows, r, &r->rows[i], err);
    for (size_t i = 0; i < r->role_count && status == CLIPSPAN_OK; i++)
        status = add_texts(rows, &r->roles[i], err);
    if (status == CLIPSPAN_OK) status = cli_rows_finish(rows, err);
    cli_rows_close(&rows);
    return status;
}

static void emit_figure(cli_json *j, const cli_reproduction *r, const cli_row *row)
{
    cli_json_row(j, NULL);
    cli_json_text(j, "what", row->what);
    cli_json_text(j, "metric", row->metric);
    if (*row->part) cli_json_text(j, "part", row->part);
    if (*row->heads) cli_json_text(j, "heads", row->heads);
    if (row->measured) cli_json_real(j, "measured", row->value);
    if (row->counted) {
        cli_json_real(j, "low", row->low);
        cli_json_real(j, "high", row->high);
        cli_json_whole(j, "correct", row->correct);
        cli_json_whole(j, "images", row->images);
    }
    if (row->published) {
        cli_json_real(j, "published", row->published->value);
        cli_json_text(j, "source", row->published->read);
        if (row->measured && r->same)
            cli_json_real(j, "difference", row->value - row->published->value);
    }
    cli_json_end(j);
}

static void emit_role(cli_json *j, const cli_role_row *row)
{
    char head[CLI_HEAD_ROOM];
    cli_head_name(head, row->head);
    cli_json_object(j, NULL);
    cli_json_text(j, "head", head);
    if (row->published) {
        cli_json_text(j, "role", row->published->role);
        cli_json_line(j, "published");
        for (size_t k = 0; k < CLI_ROLE_TEXTS; k++)
            cli_json_text(j, NULL, row->published->texts[k]);
        cli_json_end(j);
        cli_json_whole(j, "shared", row->shared);
    }
    cli_json_line(j, "measured");
    for (size_t k = 0; k < row->count; k++)
        cli_json_text(j, NULL, row->texts[k]);
    cli_json_end(j);
    cli_json_end(j);
}

static void show_document(const cli_reproduction *r)
{
    cli_json j;
    cli_json_begin(&j, stdout, 0, "clipspan.reproduce.v1");
    cli_json_text(&j, "table", r->table->name);
    cli_json_text(&j, "place", r->table->place);
    cli_json_text(&j, "data", r->data);
    cli_json_text(&j, "run", r->run_path);
    cli_json_flag(&j, "dry_run", r->x->out.dry_run);
    cli_json_text(&j, "model", r->model_name);
    cli_json_text(&j, "published_model", r->paper->full);
    cli_json_text(&j, "same_model_by", sames[r->same]);
    cli_json_whole(&j, "listed", r->images);
    if (r->table->data == CLI_DATA_IMAGENET) cli_json_whole(&j, "classes_with_images", r->filled);
    cli_json_whole(&j, "images", r->used);
    cli_json_whole(&j, "published_images", r->table->images);
    cli_json_array(&j, r->role_count ? "heads" : "rows");
    for (size_t i = 0; i < r->count; i++)
        emit_figure(&j, r, &r->rows[i]);
    for (size_t i = 0; i < r->role_count; i++)
        emit_role(&j, &r->roles[i]);
    cli_json_end(&j);
    cli_json_array(&j, "remarks");
    for (size_t i = 0; i < r->remark_count; i++)
        cli_json_text(&j, NULL, r->remarks[i]);
    cli_json_text(&j, NULL, r->table->remark);
    cli_json_end(&j);
    cli_json_finish(&j);
}

/* ---- For people ---- */

#define NONE "\xE2\x80\x93" /* an en dash: nothing was published that could be read */

static void format_value(char out[CLI_NUMBER_ROOM], const cli_row *row, double value)
{
    if (is_number(row))
        cli_format_count(out, (uint64_t)value);
    else
        snprintf(out, CLI_NUMBER_ROOM, "%.2f", 100 * value);
}

/* Rows of print_figures: all but those of print_groups. */
static int is_figure(const cli_reproduction *r, const cli_row *row)
{
    return r->table->data != CLI_DATA_WATERBIRDS || strcmp(row->metric, "worst_group") == 0;
}

/* Where all published figures of print_figures were read; NULL when there are none, or in several
 * places, which then have a column. */
static const char *find_source(int *several, const cli_reproduction *r)
{
    const char *source = NULL;
    *several = 0;
    for (size_t i = 0; i < r->count; i++) {
        const cli_row *row = &r->rows[i];
        if (!row->published || !is_figure(r, row)) continue;
        if (source && strcmp(source, row->published->read) != 0) *several = 1;
        source = row->published->read;
    }
    return *several ? NULL : source;
}

static clipspan_status add_line(cli_table *t, const cli_row *row, int source, clipspan_error *err)
{
    char cell[2 * CLI_NUMBER_ROOM];
    CS_TRY(cli_table_add(t, row->words, err));
    cell[0] = '\0';
    if (row->measured) format_value(cell, row, row->value);
    CS_TRY(cli_table_add(t, cell, err));
    cell[0] = '\0';
    if (row->counted) snprintf(cell, sizeof cell, "%.1f to %.1f", 100 * row->low, 100 * row->high);
    CS_TRY(cli_table_add(t, cell, err));
    strcpy(cell, NONE);
    if (row->published) format_value(cell, row, row->published->value);
    CS_TRY(cli_table_add(t, cell, err));
    if (!source) return CLIPSPAN_OK;
    return cli_table_add(t, row->published ? row->published->read : "", err);
}

static clipspan_status print_figures(const cli_reproduction *r, clipspan_error *err)
{
    static const char headers[] = "mean-ablated|>measured, %|>95 %|>published, %|source";
    static const char bird_headers[] =
        "worst group, mean-ablated|>measured, %|>95 %|>published, %|source";
    clipspan_status status = CLIPSPAN_OK;
    char shown[sizeof bird_headers];
    cli_table table;
    int several;
    const char *source = find_source(&several, r);
    strcpy(shown, r->table->data == CLI_DATA_WATERBIRDS ? bird_headers : headers);
    if (!several) *strrchr(shown, '|') = '\0';
    cli_table_init(&table, shown);
    for (size_t i = 0; i < r->count && status == CLIPSPAN_OK; i++)
        if (is_figure(r, &r->rows[i])) status = add_line(&table, &r->rows[i], several, err);
    if (status == CLIPSPAN_OK) cli_table_print(&table, r->session, stdout);
    if (status == CLIPSPAN_OK && source) {
        putchar('\n');
        cli_say(r->session, "published: %s", source);
    }
    cli_table_fini(&table);
    return status;
}

/* Of birds, all groups and each: with nothing ablated beside as published, rows that stand
 * together. */
static clipspan_status print_groups(const cli_reproduction *r, clipspan_error *err)
{
    static const char headers[] = "images|>nothing, %|>95 %|>listed and rest, %|>95 %";
    clipspan_status status = CLIPSPAN_OK;
    char cell[2 * CLI_NUMBER_ROOM];
    cli_table table;
    cli_table_init(&table, headers);
    for (size_t i = 0; i < r->count && status == CLIPSPAN_OK; i++) {
        const cli_row *row = &r->rows[i];
        if (strcmp(row->metric, "worst_group") == 0) continue;
        if (strcmp(row->what, "nothing") == 0) status = cli_table_add(&table, row->words, err);
        format_value(cell, row, row->value);
        if (status == CLIPSPAN_OK) status = cli_table_add(&table, row->measured ? cell : "", err);
        snprintf(cell, sizeof cell, "%.1f to %.1f", 100 * row->low, 100 * row->high);
        if (status == CLIPSPAN_OK) status = cli_table_add(&table, row->counted ? cell : "", err);
    }
    putchar('\n');
    if (status == CLIPSPAN_OK) cli_table_print(&table, r->session, stdout);
    cli_table_fini(&table);
    return status;
}

/* Rows of masks stand three together: accuracy, mIoU, mAP. */
static clipspan_status print_masks(const cli_reproduction *r, clipspan_error *err)
{
    static const char headers[] = "method|masks|>accuracy|>paper|>mIoU|>paper|>mAP|>paper";
    clipspan_status status = CLIPSPAN_OK;
    cli_table table;
    cli_table_init(&table, headers);
    for (size_t i = 0; i + 2 < r->count && status == CLIPSPAN_OK; i += 3) {
        status = cli_table_add(&table, r->rows[i].words, err);
        if (status == CLIPSPAN_OK) status = cli_table_add(&table, r->rows[i].part, err);
        for (size_t k = i; k < i + 3 && status == CLIPSPAN_OK; k++) {
            const cli_row *row = &r->rows[k];
            char cell[CLI_NUMBER_ROOM] = "";
            if (row->measured) format_value(cell, row, row->value);
            status = cli_table_add(&table, cell, err);
            strcpy(cell, NONE);
            if (row->published) format_value(cell, row, row->published->value);
            if (status == CLIPSPAN_OK) status = cli_table_add(&table, cell, err);
        }
    }
    if (status == CLIPSPAN_OK) cli_table_print(&table, r->session, stdout);
    cli_table_fini(&table);
    return status;
}

/* Five lines; the first names the head, the second its published role. */
static clipspan_status add_role(cli_table *t, const cli_role_row *row, clipspan_error *err)
{
    const char *role = row->published ? row->published->role : "";
    char head[CLI_HEAD_ROOM];
    cli_head_name(head, row->head);
    for (size_t k = 0; k < CLI_ROLE_TEXTS; k++) {
        CS_TRY(cli_table_add(t, k == 0 ? head : k == 1 ? role : "", err));
        CS_TRY(cli_table_add(t, k < row->count ? row->texts[k] : "", err));
        CS_TRY(cli_table_add(t, row->published ? row->published->texts[k] : "", err));
    }
    return CLIPSPAN_OK;
}

static clipspan_status print_roles(const cli_reproduction *r, clipspan_error *err)
{
    static const char headers[] = "head|measured|published";
    clipspan_status status = CLIPSPAN_OK;
    size_t all = 0, shared = 0;
    cli_table table;
    cli_table_init(&table, headers);
    for (size_t i = 0; i < r->role_count && status == CLIPSPAN_OK; i++) {
        shared += r->roles[i].shared;
        all += r->roles[i].published ? CLI_ROLE_TEXTS : 0;
        status = add_role(&table, &r->roles[i], err);
    }
    if (status == CLIPSPAN_OK) cli_table_print(&table, r->session, stdout);
    if (status == CLIPSPAN_OK && all) {
        putchar('\n');
        cli_say(r->session, "%zu of the %zu published texts %s among the measured ones.", shared,
                all, shared == 1 ? "is" : "are");
    }
    cli_table_fini(&table);
    return status;
}

clipspan_status cli_reproduce_show(const cli_reproduction *r, clipspan_error *err)
{
    const int width = r->session->columns;
    char count[CLI_NUMBER_ROOM];
    if (r->session->form == CLI_FORM_TSV) return show_rows(r, err);
    if (r->session->form == CLI_FORM_JSON) {
        show_document(r);
        return CLIPSPAN_OK;
    }
    cli_say(r->session, "%s: %s; published of %s", r->table->place, r->table->title,
            r->paper->name);
    putchar('\n');
    CS_TRY(r->role_count                      ? print_roles(r, err)
           : r->table->data == CLI_DATA_MASKS ? print_masks(r, err)
                                              : print_figures(r, err));
    if (r->table->data == CLI_DATA_WATERBIRDS && !r->x->out.dry_run) CS_TRY(print_groups(r, err));
    putchar('\n');
    cli_format_count(count, r->x->out.dry_run ? r->images : r->used);
    cli_say(r->session, "%s %s image%s of %s with %s%s%s", r->x->out.dry_run ? "would use" : "used",
            count, strcmp(count, "1") == 0 ? "" : "s", r->data, r->model_name,
            r->run_path ? ", kept in " : "", r->run_path ? r->run_path : "");
    for (size_t i = 0; i < r->remark_count; i++)
        cli_print_wrapped(stdout, r->remarks[i], 0, 0, width);
    cli_print_wrapped(stdout, r->table->remark, 0, 0, width);
    return CLIPSPAN_OK;
}

/* ---- Which tables there are ---- */

static clipspan_status list_rows(const cli_session *s, const cli_paper_table *tables, size_t count,
                                 clipspan_error *err)
{
    clipspan_status status;
    cli_rows *rows;
    CS_TRY(cli_rows_open(&rows, s, NULL, 0, err));
    status = cli_rows_header(rows, "name|place|title|model|images|data", err);
    for (size_t i = 0; i < count && status == CLIPSPAN_OK; i++) {
        cli_rows_text(rows, tables[i].name);
        cli_rows_text(rows, tables[i].place);
        cli_rows_text(rows, tables[i].title);
        cli_rows_text(rows, cli_paper_model_named(tables[i].model)->full);
        cli_rows_whole(rows, tables[i].images);
        cli_rows_text(rows, cli_reproduce_layout(tables[i].data));
        status = cli_rows_next(rows, err);
    }
    if (status == CLIPSPAN_OK) status = cli_rows_finish(rows, err);
    cli_rows_close(&rows);
    return status;
}

static void list_document(const cli_paper_table *tables, size_t count)
{
    cli_json j;
    cli_json_begin(&j, stdout, 0, "clipspan.reproduce_list.v1");
    cli_json_array(&j, "tables");
    for (size_t i = 0; i < count; i++) {
        cli_json_object(&j, NULL);
        cli_json_text(&j, "name", tables[i].name);
        cli_json_text(&j, "place", tables[i].place);
        cli_json_text(&j, "title", tables[i].title);
        cli_json_text(&j, "model", cli_paper_model_named(tables[i].model)->full);
        cli_json_whole(&j, "images", tables[i].images);
        cli_json_text(&j, "data", cli_reproduce_layout(tables[i].data));
        cli_json_end(&j);
    }
    cli_json_end(&j);
    cli_json_finish(&j);
}

clipspan_status cli_reproduce_list(const cli_session *s, clipspan_error *err)
{
    static const char headers[] = "name|paper|what|model";
    size_t count;
    const cli_paper_table *tables = cli_paper_tables(&count);
    clipspan_status status = CLIPSPAN_OK;
    cli_table table;
    if (s->form == CLI_FORM_TSV) return list_rows(s, tables, count, err);
    if (s->form == CLI_FORM_JSON) {
        list_document(tables, count);
        return CLIPSPAN_OK;
    }
    cli_table_init(&table, headers);
    for (size_t i = 0; i < count && status == CLIPSPAN_OK; i++) {
        const char *cells[] = {tables[i].name, tables[i].place, tables[i].title, tables[i].model};
        for (size_t k = 0; k < 4 && status == CLIPSPAN_OK; k++)
            status = cli_table_add(&table, cells[k], err);
    }
    if (status == CLIPSPAN_OK) cli_table_print(&table, s, stdout);
    cli_table_fini(&table);
    CS_TRY(status);
    putchar('\n');
    cli_say(s, "clipspan reproduce NAME --data DIR, where DIR holds");
    for (int kind = CLI_DATA_IMAGENET; kind <= CLI_DATA_MASKS; kind++) {
        char text[400];
        snprintf(text, sizeof text, "- %s", cli_reproduce_layout((cli_data_kind)kind));
        cli_print_wrapped(stdout, text, 0, 2, s->columns);
    }
    return CLIPSPAN_OK;
}
