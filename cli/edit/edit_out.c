/* SPDX-License-Identifier: MIT */
/* Tables and rows of edit, and what prune shares with it; documents are the library's. */
#include "cli/edit/edit_out.h"
#include "cli/in/heads.h"
#include "cli/out/numbers.h"
#include "cli/out/put.h"
#include "cli/out/rows.h"
#include "cli/out/table.h"

#include <string.h>

void cli_edit_words(char *out, size_t room, const clipspan_head *heads, size_t count)
{
    size_t used = 0, i;
    char name[CLI_HEAD_ROOM];
    *out = '\0';
    for (i = 0; i < count; i++) {
        cli_head_name(name, heads[i]);
        if (used + strlen(name) + 24 > room) break;
        used += (size_t)snprintf(out + used, room - used, "%s%s", i ? " " : "", name);
    }
    if (i < count) snprintf(out + used, room - used, " and %zu more", count - i);
}

/* ---- Rows ---- */

void cli_edit_put_share(cli_rows *rows, const clipspan_share *share)
{
    if (share && share->images)
        cli_rows_real(rows, share->share);
    else
        cli_rows_text(rows, "");
}

void cli_edit_put_role(cli_rows *rows, const clipspan_edit_check_info *info)
{
    cli_rows_text(rows, info->role ? info->role : "");
    cli_rows_text(rows, info->role ? info->pool : "");
}

clipspan_status cli_edit_show_rows(const cli_session *s, const clipspan_edit_check *check,
                                   clipspan_error *err)
{
    const clipspan_edit_check_info *info = clipspan_edit_check_get_info(check);
    const clipspan_edit_check_row *row = clipspan_edit_check_get_rows(check);
    clipspan_status status;
    char names[400];
    cli_rows *rows;
    CS_TRY(cli_rows_open(&rows, s, NULL, 0, err));
    status = cli_rows_header(rows,
                             "set|heads|names|last_layer|distance_mean|distance_median|"
                             "distance_largest|moved_mean|before|predicted|real|role|pool",
                             err);
    for (size_t i = 0; i < info->sets && status == CLIPSPAN_OK; i++, row++) {
        const double reals[] = {row->distance_mean, row->distance_median, row->distance_largest,
                                row->moved_mean};
        cli_edit_words(names, sizeof names, row->heads, row->count);
        cli_rows_text(rows, row->name);
        cli_rows_whole(rows, row->count);
        cli_rows_text(rows, names);
        cli_rows_whole(rows, (uint64_t)row->last_layer);
        for (size_t k = 0; k < 4; k++)
            cli_rows_real(rows, reals[k]);
        cli_edit_put_share(rows, info->before);
        cli_edit_put_share(rows, row->predicted);
        cli_edit_put_share(rows, row->network);
        cli_edit_put_role(rows, info);
        status = cli_rows_next(rows, err);
    }
    if (status == CLIPSPAN_OK) status = cli_rows_finish(rows, err);
    cli_rows_close(&rows);
    return status;
}

/* ---- Tables ---- */

clipspan_status cli_edit_add_distance(cli_table *t, double value, clipspan_error *err)
{
    char text[CLI_NUMBER_ROOM];
    snprintf(text, sizeof text, value < 0.001 && value > 0 ? "%.1e" : "%.3f", value);
    return cli_table_add(t, text, err);
}

static clipspan_status add_share(cli_table *t, const clipspan_share *share, clipspan_error *err)
{
    char text[CLI_NUMBER_ROOM] = "";
    if (share && share->images) cli_format_percent(text, share->share);
    return cli_table_add(t, text, err);
}

static clipspan_status add_set(cli_table *t, const clipspan_edit_check_row *row, int accuracy,
                               clipspan_error *err)
{
    char count[CLI_NUMBER_ROOM];
    cli_format_count(count, row->count);
    CS_TRY(cli_table_add(t, row->name, err));
    CS_TRY(cli_table_add(t, count, err));
    CS_TRY(cli_edit_add_distance(t, row->distance_mean, err));
    CS_TRY(cli_edit_add_distance(t, row->distance_median, err));
    CS_TRY(cli_edit_add_distance(t, row->distance_largest, err));
    CS_TRY(cli_edit_add_distance(t, row->moved_mean, err));
    if (!accuracy) return CLIPSPAN_OK;
    CS_TRY(add_share(t, row->predicted, err));
    return add_share(t, row->network, err);
}

void cli_edit_name_images(char *out, size_t room, const cli_edit_job *e,
                          const clipspan_edit_check_info *info)
{
    char used[CLI_NUMBER_ROOM], all[CLI_NUMBER_ROOM];
    cli_format_count(used, info->used);
    cli_count_of(all, info->of_run ? e->info->used : info->used, "image");
    if (info->of_run)
        snprintf(out, room, "%s of the %s of %.300s", used, all, e->info->path);
    else
        snprintf(out, room, "%s", all);
}

void cli_edit_say_left_out(const cli_edit_job *e, const clipspan_edit_check_info *info)
{
    char left_out[CLI_NUMBER_ROOM];
    if (!info->unreadable) return;
    cli_count_of(left_out, info->unreadable, "image");
    cli_say(e->session, "%s could not be read and %s left out of every figure", left_out,
            info->unreadable == 1 ? "is" : "are");
}

static void say_images(const cli_edit_job *e, const clipspan_edit_check_info *info)
{
    char images[512];
    cli_edit_name_images(images, sizeof images, e, info);
    cli_say(e->session,
            "%s; off: L2 distance of the network's unit embedding from the direct-effect "
            "prediction;",
            images);
    cli_say(e->session, "moved: from the embedding before");
    cli_edit_say_left_out(e, info);
}

static void say_accuracy(const cli_edit_job *e, const clipspan_edit_check_info *info)
{
    char share[CLI_NUMBER_ROOM], count[CLI_NUMBER_ROOM];
    if (!info->before || !info->before->images) return;
    cli_format_percent(share, info->before->share);
    cli_count_of(count, info->labelled, "image");
    if (info->labelled)
        cli_say(e->session, "predicted, network: accuracy on %s with a label; before: %s", count,
                share);
    else
        cli_say(e->session, "predicted, network: how many predictions stay (no image has a label)");
}

clipspan_status cli_edit_print_sets(const cli_edit_job *e, const clipspan_edit_check *check,
                                    clipspan_error *err)
{
    const clipspan_edit_check_info *info = clipspan_edit_check_get_info(check);
    const clipspan_edit_check_row *row = clipspan_edit_check_get_rows(check);
    const int accuracy = info->before != NULL;
    clipspan_status status = CLIPSPAN_OK;
    cli_table t;
    cli_table_init(&t, accuracy ? "mean-ablated|>heads|>off: mean|>median|>largest|>moved|"
                                  ">predicted|>network"
                                : "mean-ablated|>heads|>off: mean|>median|>largest|>moved");
    for (size_t i = 0; i < info->sets && status == CLIPSPAN_OK; i++)
        status = add_set(&t, &row[i], accuracy, err);
    if (status == CLIPSPAN_OK) cli_table_print(&t, e->session, stdout);
    cli_table_fini(&t);
    CS_TRY(status);
    putchar('\n');
    say_images(e, info);
    say_accuracy(e, info);
    return CLIPSPAN_OK;
}

void cli_edit_say_role(const cli_edit_job *e)
{
    if (e->atlas)
        cli_say(e->session, "role: %s, by the texts of pool %s", e->x->role,
                clipspan_atlas_get_info(e->atlas)->pool);
}

static clipspan_status show_table(const cli_edit_job *e, const clipspan_edit_check *check,
                                  clipspan_error *err)
{
    const clipspan_edit_check_info *info = clipspan_edit_check_get_info(check);
    char names[200], count[CLI_NUMBER_ROOM];
    CS_TRY(cli_edit_print_sets(e, check, err));
    cli_edit_words(names, sizeof names, e->heads, e->count);
    cli_count_of(count, info->compared, "image");
    cli_edit_say_role(e);
    if (e->change_count) {
        cli_say(e->session, "cue taken out of %s, as recommended",
                e->count ? names : "the embedding, in the projection");
        cli_say(e->session, "%s: written, layout kept", e->x->out.output);
        return CLIPSPAN_OK;
    }
    cli_say(e->session, "mean-ablated over %s: %s", e->info->path, names);
    cli_say(
        e->session,
        "%s: written, layout kept; its output is within %.1e of a pass in which these heads are "
        "mean-ablated (%s)",
        e->x->out.output, info->off, count);
    return CLIPSPAN_OK;
}

clipspan_status cli_edit_show(const cli_edit_job *e, const clipspan_edit_check *check,
                              clipspan_error *err)
{
    if (e->session->form == CLI_FORM_TSV) return cli_edit_show_rows(e->session, check, err);
    if (e->session->form == CLI_FORM_TABLE) return show_table(e, check, err);
    return clipspan_edit_check_write_json(check, e->x->out.output, 0, cli_put, stdout, err);
}

clipspan_status cli_edit_announce(const cli_edit_job *e, const clipspan_head *heads, size_t count,
                                  const char *done, clipspan_error *err)
{
    char names[200], number[CLI_NUMBER_ROOM];
    cli_edit_words(names, sizeof names, heads, count);
    cli_count_of(number, count, "head");
    cli_say(e->session, "would write %s with %s %s: %s", e->x->out.output, number, done, names);
    cli_edit_say_role(e);
    return cli_flush(err);
}
