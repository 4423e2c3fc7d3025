/* SPDX-License-Identifier: MIT */
/* Tables and documents of edit, and what prune shares with it. */
#include "cli/edit/edit_out.h"
#include "cli/in/heads.h"
#include "cli/out/numbers.h"
#include "cli/out/rows.h"
#include "cli/out/table.h"

#include <clipspan/clipspan.h>
#include <string.h>

/* Images that answers are counted of. */
static uint64_t answered(const cli_edit_job *e)
{
    return e->images.labelled ? e->images.labelled : e->images.asked - e->images.skipped;
}

void cli_edit_words(char *out, size_t room, const cli_edit_job *e, const cli_edit_set *set)
{
    size_t used = 0, i;
    char name[CLI_HEAD_ROOM];
    *out = '\0';
    for (i = 0; i < set->count; i++) {
        cli_head_name(name, e->heads[set->members[i]]);
        if (used + strlen(name) + 24 > room) break;
        used += (size_t)snprintf(out + used, room - used, "%s%s", i ? " " : "", name);
    }
    if (i < set->count) snprintf(out + used, room - used, " and %zu more", set->count - i);
}

/* ---- JSON ---- */

static void emit_share(cli_json *j, const cli_edit_job *e, const char *key, uint64_t right)
{
    if (e->bank && answered(e)) cli_json_real(j, key, (double)right / (double)answered(e));
}

void cli_edit_emit_set(cli_json *j, const cli_edit_job *e, const cli_edit_set *set)
{
    char name[CLI_HEAD_ROOM];
    cli_json_object(j, NULL);
    cli_json_text(j, "set", set->name);
    cli_json_line(j, "heads");
    for (size_t i = 0; i < set->count; i++) {
        cli_head_name(name, e->heads[set->members[i]]);
        cli_json_text(j, NULL, name);
    }
    cli_json_end(j);
    cli_json_flag(j, "last_layer", set->last);
    cli_json_real(j, "distance_mean", set->mean);
    cli_json_real(j, "distance_median", set->median);
    cli_json_real(j, "distance_largest", set->most);
    cli_json_real(j, "moved_mean", set->moved);
    emit_share(j, e, "predicted", set->predicted);
    emit_share(j, e, "real", set->real);
    cli_json_end(j);
}

void cli_edit_emit(cli_json *j, const cli_edit_job *e)
{
    cli_json_flag(j, "dry_run", e->x->out.dry_run);
    cli_json_text(j, "model", clipspan_model_get_info(e->model)->name);
    cli_json_text(j, "run", e->info->path);
    cli_json_text(j, "output", e->x->out.output);
    if (e->x->out.dry_run) return;
    cli_json_whole(j, "images", e->images.asked - e->images.skipped);
    cli_json_whole(j, "skipped", e->images.skipped);
    cli_json_whole(j, "labelled", e->images.labelled);
    if (e->off >= 0) {
        cli_json_whole(j, "compared", e->compared);
        cli_json_real(j, "off", e->off);
    }
    emit_share(j, e, "before", e->before);
}

static void show_document(const cli_edit_job *e)
{
    cli_json j;
    cli_json_begin(&j, stdout, 0, "clipspan.edit.v1");
    cli_edit_emit(&j, e);
    cli_json_array(&j, "sets");
    for (size_t i = 0; i < e->set_count; i++)
        cli_edit_emit_set(&j, e, &e->sets[i]);
    cli_json_end(&j);
    cli_json_finish(&j);
}

/* ---- Rows ---- */

clipspan_status cli_edit_show_rows(const cli_edit_job *e, clipspan_error *err)
{
    const double all = (double)answered(e);
    clipspan_status status;
    char names[400];
    cli_rows *rows;
    CS_TRY(cli_rows_open(&rows, NULL, 0, err));
    status = cli_rows_header(rows,
                             "set|heads|names|last_layer|distance_mean|distance_median|"
                             "distance_largest|moved_mean|before|predicted|real",
                             err);
    for (size_t i = 0; i < e->set_count && status == CLIPSPAN_OK; i++) {
        const cli_edit_set *set = &e->sets[i];
        const double reals[] = {set->mean, set->median, set->most, set->moved};
        const uint64_t right[] = {e->before, set->predicted, set->real};
        cli_edit_words(names, sizeof names, e, set);
        cli_rows_text(rows, set->name);
        cli_rows_whole(rows, set->count);
        cli_rows_text(rows, names);
        cli_rows_whole(rows, (uint64_t)set->last);
        for (size_t k = 0; k < 4; k++)
            cli_rows_real(rows, reals[k]);
        for (size_t k = 0; k < 3; k++)
            if (e->bank)
                cli_rows_real(rows, (double)right[k] / all);
            else
                cli_rows_text(rows, "");
        status = cli_rows_next(rows, err);
    }
    if (status == CLIPSPAN_OK) status = cli_rows_finish(rows, err);
    cli_rows_close(&rows);
    return status;
}

/* ---- Tables ---- */

static clipspan_status add_real(cli_table *t, double value, clipspan_error *err)
{
    char text[CLI_NUMBER_ROOM];
    snprintf(text, sizeof text, value < 0.001 && value > 0 ? "%.1e" : "%.3f", value);
    return cli_table_add(t, text, err);
}

static clipspan_status add_share(cli_table *t, const cli_edit_job *e, uint64_t right,
                                 clipspan_error *err)
{
    char text[CLI_NUMBER_ROOM];
    cli_format_percent(text, (double)right / (double)answered(e));
    return cli_table_add(t, text, err);
}

static clipspan_status add_set(cli_table *t, const cli_edit_job *e, const cli_edit_set *set,
                               clipspan_error *err)
{
    char count[CLI_NUMBER_ROOM];
    cli_format_count(count, set->count);
    CS_TRY(cli_table_add(t, set->name, err));
    CS_TRY(cli_table_add(t, count, err));
    CS_TRY(add_real(t, set->mean, err));
    CS_TRY(add_real(t, set->median, err));
    CS_TRY(add_real(t, set->most, err));
    CS_TRY(add_real(t, set->moved, err));
    if (!e->bank) return CLIPSPAN_OK;
    CS_TRY(add_share(t, e, set->predicted, err));
    return add_share(t, e, set->real, err);
}

clipspan_status cli_edit_print_sets(const cli_edit_job *e, clipspan_error *err)
{
    static const char with[] =
        "mean-ablated|>heads|>off: mean|>median|>largest|>moved|>predicted|>network";
    static const char without[] = "mean-ablated|>heads|>off: mean|>median|>largest|>moved";
    clipspan_status status = CLIPSPAN_OK;
    char share[CLI_NUMBER_ROOM], count[CLI_NUMBER_ROOM], images[512];
    cli_table t;
    cli_table_init(&t, e->bank ? with : without);
    for (size_t i = 0; i < e->set_count && status == CLIPSPAN_OK; i++)
        status = add_set(&t, e, &e->sets[i], err);
    if (status == CLIPSPAN_OK) cli_table_print(&t, e->session, stdout);
    cli_table_fini(&t);
    CS_TRY(status);
    cli_edit_images_words(images, e);
    putchar('\n');
    cli_say(e->session,
            "%s; off: L2 distance of the network's unit embedding from the direct-effect "
            "prediction;\nmoved: from the embedding before",
            images);
    if (!e->bank) return CLIPSPAN_OK;
    cli_format_percent(share, (double)e->before / (double)answered(e));
    cli_count_of(count, e->images.labelled, "image");
    if (e->images.labelled)
        cli_say(e->session, "predicted, network: accuracy on %s with a label; before: %s", count,
                share);
    else
        cli_say(e->session, "predicted, network: how many answers stay (no image has a label)");
    return CLIPSPAN_OK;
}

static clipspan_status show_table(const cli_edit_job *e, clipspan_error *err)
{
    char names[200], count[CLI_NUMBER_ROOM];
    CS_TRY(cli_edit_print_sets(e, err));
    cli_edit_words(names, sizeof names, e, &e->sets[0]);
    cli_count_of(count, e->compared, "image");
    cli_say(e->session, "mean-ablated over %s: %s", e->info->path, names);
    cli_say(
        e->session,
        "%s: written, layout kept; its output is within %.1e of a pass in which these heads are "
        "mean-ablated (%s)",
        e->x->out.output, e->off, count);
    return CLIPSPAN_OK;
}

clipspan_status cli_edit_show(const cli_edit_job *e, clipspan_error *err)
{
    if (e->session->form == CLI_FORM_TSV) return cli_edit_show_rows(e, err);
    if (e->session->form == CLI_FORM_TABLE) return show_table(e, err);
    show_document(e);
    return CLIPSPAN_OK;
}

clipspan_status cli_edit_announce(const cli_edit_job *e, clipspan_error *err)
{
    const int removes = e->prunes && !e->zero;
    char names[200];
    cli_json j;
    if (e->session->form == CLI_FORM_JSON) {
        cli_json_begin(&j, stdout, 0, e->prunes ? "clipspan.prune.v1" : "clipspan.edit.v1");
        cli_edit_emit(&j, e);
        cli_json_finish(&j);
        return CLIPSPAN_OK;
    }
    cli_edit_words(names, sizeof names, e, &e->sets[0]);
    cli_say(e->session, "would write %s with %zu head%s %s: %s", e->x->out.output, e->sets[0].count,
            e->sets[0].count == 1 ? "" : "s", removes ? "removed" : "mean-ablated", names);
    return cli_flush(err);
}
