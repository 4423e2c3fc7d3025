/* SPDX-License-Identifier: MIT */
/* Figures of segment: methods beside each other, in both protocols. */
#include "cli/out/numbers.h"
#include "cli/out/put.h"
#include "cli/out/table.h"
#include "cli/visual/segment.h"

#include <clipspan/clipspan.h>

static clipspan_status show_document(const cli_segment_job *j, clipspan_error *err)
{
    const cli_session *s = j->session;
    clipspan_segmentation_document d = CLIPSPAN_SEGMENTATION_DOCUMENT_INIT;
    d.dry_run = j->x->out.dry_run;
    d.output = j->x->out.output;
    d.masks = j->x->masks;
    d.run = j->x->run;
    d.role = j->x->role;
    d.heads = j->head_count;
    d.skipped = s->skipped;
    d.images = j->written;
    d.predicted = !j->text_of[0];
    return clipspan_segmentation_write_json(j->segmentation, &d, cli_flat(s), cli_put, stdout, err);
}

/* "clipspan", "role:colour" */
static void format_method(char out[80], const clipspan_segmentation_row *row)
{
    snprintf(out, 80, "%s%s%.60s", row->method, row->role ? ":" : "", row->role ? row->role : "");
}

static clipspan_status add_row(cli_table *table, const clipspan_segmentation_row *row,
                               clipspan_error *err)
{
    const double figures[4] = {row->accuracy, row->miou, row->map, row->pointing};
    char cell[CLI_NUMBER_ROOM], name[80];
    format_method(name, row);
    CS_TRY(cli_table_add(table, name, err));
    CS_TRY(cli_table_add(table, row->protocol == CLIPSPAN_ALIGNED ? "aligned" : "published", err));
    CS_TRY(cli_table_add(table, row->threshold == CLIPSPAN_THRESHOLD_MEAN ? "mean" : "otsu", err));
    for (int k = 0; k < 4; k++) {
        cli_format_percent(cell, figures[k]);
        CS_TRY(cli_table_add(table, k == 3 && row->protocol != CLIPSPAN_ALIGNED ? "" : cell, err));
    }
    return CLIPSPAN_OK;
}

static void say_nearer(const clipspan_segmentation_row *row, const cli_session *s)
{
    char name[80], count[CLI_NUMBER_ROOM];
    if (!row->runners_up || row->protocol != CLIPSPAN_ALIGNED ||
        row->threshold != CLIPSPAN_THRESHOLD_MEAN)
        return;
    cli_count_of(count, row->runners_up, "mask");
    format_method(name, row);
    cli_say(s,
            "  %s: of %s with something else as well, the highest pixel lies nearer to what was "
            "asked for in %llu",
            name, count, (unsigned long long)row->nearer);
}

static clipspan_status show_figures(const cli_segment_job *j, clipspan_error *err)
{
    const clipspan_segmentation_info *info = clipspan_segmentation_get_info(j->segmentation);
    const cli_session *s = j->session;
    clipspan_status status = CLIPSPAN_OK;
    cli_table table;
    cli_table_init(&table, "method|masks|threshold|>accuracy|>mIoU|>mAP|>highest pixel inside");
    for (size_t i = 0; i < info->rows && status == CLIPSPAN_OK; i++)
        status = add_row(&table, clipspan_segmentation_get_row(j->segmentation, i), err);
    if (status == CLIPSPAN_OK) {
        cli_table_print(&table, s, stdout);
        putchar('\n');
        for (size_t i = 0; i < info->rows; i++)
            say_nearer(clipspan_segmentation_get_row(j->segmentation, i), s);
        cli_say(s, "%llu image%s, %s; %s.", (unsigned long long)j->written,
                j->written == 1 ? "" : "s",
                j->texts        ? "targets given"
                : j->text_of[0] ? "classes given"
                                : "classes predicted",
                info->contrast);
        cli_say(s, "Published masks are squashed whole although images are cropped; aligned masks "
                   "are resized and cropped with their images.");
        if (info->pool) cli_say(s, "Roles by the text pool %s.", info->pool);
    }
    cli_table_fini(&table);
    return status;
}

clipspan_status cli_segment_show(const cli_segment_job *j, clipspan_error *err)
{
    const cli_output_settings *out = &j->x->out;
    if (j->session->form != CLI_FORM_TABLE) return show_document(j, err);
    if (out->output)
        cli_say(j->session, "%s%s: %llu mask%s, and rows.csv", out->dry_run ? "would write " : "",
                out->output, (unsigned long long)j->written, j->written == 1 ? "" : "s");
    return j->has_masks && !out->dry_run ? show_figures(j, err) : CLIPSPAN_OK;
}
