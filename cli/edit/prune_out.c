/* SPDX-License-Identifier: MIT */
/* What pruning came to: sets of heads as a table or rows, forecasts and whether they hold, savings.
 */
#include "cli/edit/edit_out.h"
#include "cli/in/heads.h"
#include "cli/out/numbers.h"
#include "cli/out/put.h"
#include "cli/out/rows.h"
#include "cli/out/table.h"

/* ---- Rows ---- */

static void add_row(cli_rows *rows, const clipspan_edit_check_row *row,
                    const clipspan_prune_forecast *f, int labelled)
{
    char names[400];
    cli_edit_words(names, sizeof names, row->heads, row->count);
    cli_rows_text(rows, row->name);
    cli_rows_whole(rows, row->count);
    cli_rows_text(rows, names);
    cli_rows_real(rows, row->moved_mean);
    cli_rows_real(rows, row->distance_mean);
    cli_edit_put_share(rows, f ? f->predicted : NULL);
    if (f)
        cli_rows_real(rows, f->least);
    else
        cli_rows_text(rows, "");
    cli_edit_put_share(rows, f ? f->network : NULL);
    cli_edit_put_share(rows, f ? f->direct : NULL);
    cli_edit_put_share(rows, labelled ? row->network : NULL);
}

static clipspan_status show_rows(const cli_session *s, clipspan_prune *prune, clipspan_error *err)
{
    const clipspan_edit_check *check = clipspan_prune_get_check(prune);
    const clipspan_edit_check_info *info = clipspan_edit_check_get_info(check);
    const clipspan_edit_check_row *row = clipspan_edit_check_get_rows(check);
    const clipspan_prune_forecast *f = clipspan_prune_get_forecasts(prune);
    clipspan_status status;
    cli_rows *rows;
    CS_TRY(cli_rows_open(&rows, s, NULL, 0, err));
    status = cli_rows_header(rows,
                             "set|heads|names|moved_mean|distance_mean|predicted|least|real|direct|"
                             "accuracy|role|pool",
                             err);
    for (size_t i = 0; i < info->sets && status == CLIPSPAN_OK; i++) {
        add_row(rows, &row[i], f ? &f[i] : NULL, info->labelled > 0);
        cli_edit_put_role(rows, info);
        status = cli_rows_next(rows, err);
    }
    if (status == CLIPSPAN_OK) status = cli_rows_finish(rows, err);
    cli_rows_close(&rows);
    return status;
}

/* ---- Table ---- */

static clipspan_status add_percent(cli_table *t, double share, clipspan_error *err)
{
    char text[CLI_NUMBER_ROOM];
    cli_format_percent(text, share);
    return cli_table_add(t, text, err);
}

static clipspan_status add_set(cli_table *t, const clipspan_edit_check_row *row,
                               const clipspan_prune_forecast *f, int labelled, clipspan_error *err)
{
    char count[CLI_NUMBER_ROOM];
    cli_format_count(count, row->count);
    CS_TRY(cli_table_add(t, row->name, err));
    CS_TRY(cli_table_add(t, count, err));
    CS_TRY(cli_edit_add_distance(t, row->moved_mean, err));
    if (!f) return cli_edit_add_distance(t, row->distance_mean, err);
    CS_TRY(add_percent(t, f->predicted->share, err));
    CS_TRY(add_percent(t, f->least, err));
    CS_TRY(add_percent(t, f->network->share, err));
    return labelled ? add_percent(t, row->network->share, err) : CLIPSPAN_OK;
}

static clipspan_status print_sets(const cli_edit_job *e, clipspan_prune *prune, clipspan_error *err)
{
    const clipspan_edit_check *check = clipspan_prune_get_check(prune);
    const clipspan_edit_check_info *info = clipspan_edit_check_get_info(check);
    const clipspan_edit_check_row *row = clipspan_edit_check_get_rows(check);
    const clipspan_prune_forecast *f = clipspan_prune_get_forecasts(prune);
    const int labelled = info->labelled > 0;
    clipspan_status status = CLIPSPAN_OK;
    cli_table t;
    cli_table_init(&t, !f         ? "mean-ablated|>heads|>moved|>off: mean"
                       : labelled ? "mean-ablated|>heads|>moved|>predicted|>at "
                                    "least|>network|>accuracy"
                                  : "mean-ablated|>heads|>moved|>predicted|>at least|>network");
    for (size_t i = 0; i < info->sets && status == CLIPSPAN_OK; i++)
        status = add_set(&t, &row[i], f ? &f[i] : NULL, labelled, err);
    if (status == CLIPSPAN_OK) cli_table_print(&t, e->session, stdout);
    cli_table_fini(&t);
    putchar('\n');
    return status;
}

static void say_images(const cli_edit_job *e, const clipspan_edit_check_info *info)
{
    char images[512];
    cli_edit_name_images(images, sizeof images, e, info);
    cli_say(e->session, "measured on %s; moved: L2 distance of the unit embedding from that before",
            images);
    cli_edit_say_left_out(e, info);
}

static void say_accuracy(const cli_edit_job *e, const clipspan_edit_check_info *info)
{
    char share[CLI_NUMBER_ROOM], count[CLI_NUMBER_ROOM];
    if (!info->labelled) return;
    cli_format_percent(share, info->before->share);
    cli_count_of(count, info->labelled, "image");
    cli_say(e->session, "accuracy on %s with a label; before: %s", count, share);
}

static void say_forecast(const cli_edit_job *e, clipspan_prune *prune)
{
    const clipspan_prune_forecast *f = clipspan_prune_get_forecasts(prune);
    const int direct = clipspan_prune_get_info(prune)->order == CLIPSPAN_PRUNE_DIRECT;
    if (!f) {
        cli_say(e->session, "how many predictions stay is not forecast: that needs --classes and "
                            "two images");
        return;
    }
    cli_say(e->session,
            "predicted: predictions kept, %s on %llu images; network: those of the other "
            "%llu; at least: 97.5 %% bound for them",
            direct ? "by direct effects" : "in the network",
            (unsigned long long)f->predicted->images, (unsigned long long)f->network->images);
}

static void say_order(const cli_edit_job *e, const clipspan_prune_info *info)
{
    char rounds[CLI_NUMBER_ROOM], images[CLI_NUMBER_ROOM];
    switch (info->order) {
    case CLIPSPAN_PRUNE_NETWORK:
        cli_say(
            e->session,
            "order: what moves the network's output least when it goes too, first (%s on further "
            "%s)",
            (cli_count_of(rounds, info->rounds, "round"), rounds),
            (cli_count_of(images, info->ranked, "image"), images));
        break;
    case CLIPSPAN_PRUNE_DIRECT:
        cli_say(e->session,
                "order: least direct effect (variance of a head's contribution), first");
        break;
    case CLIPSPAN_PRUNE_PATH:
        cli_say(e->session, "order: least effect through later layers, first (%s on further %s)",
                (cli_count_of(rounds, info->rounds, "round"), rounds),
                (cli_count_of(images, info->ranked, "image"), images));
        break;
    case CLIPSPAN_PRUNE_CHOSEN: break;
    }
}

/* ---- Verdicts ---- */

/* Early heads act through later ones: what --by direct costs is said in any case. */
static void warn_of_direct(cli_session *s, clipspan_prune *prune)
{
    const clipspan_edit_check_row *row =
        clipspan_edit_check_get_rows(clipspan_prune_get_check(prune));
    const clipspan_prune_forecast *f = clipspan_prune_get_forecasts(prune);
    char predicted[CLI_NUMBER_ROOM], real[CLI_NUMBER_ROOM];
    if (clipspan_prune_get_info(prune)->order != CLIPSPAN_PRUNE_DIRECT) return;
    if (!f) {
        cli_complain(s,
                     "warning: --by direct: outputs move by %.3f and lie %.3f from what direct "
                     "effects predict; --by network asks the network",
                     row->moved_mean, row->distance_mean);
        return;
    }
    cli_format_percent(predicted, f->predicted->share);
    cli_format_percent(real, f->network->share);
    cli_complain(s,
                 "warning: --by direct: direct effects predict that %s of predictions stay, in the "
                 "network %s do; --by network asks the network",
                 predicted, real);
}

static void judge(cli_session *s, clipspan_prune *prune)
{
    const clipspan_prune_forecast *f = clipspan_prune_get_forecasts(prune);
    char least[CLI_NUMBER_ROOM], real[CLI_NUMBER_ROOM];
    if (!f || f->kept) return;
    cli_format_percent(least, f->least);
    cli_format_percent(real, f->network->share);
    cli_complain(s,
                 "written, but worse than predicted: at least %s of predictions were to stay, "
                 "%s do (%llu of %llu images); exit 8",
                 least, real, (unsigned long long)f->network->correct,
                 (unsigned long long)f->network->images);
    s->worse = 1;
}

static void say_savings(const cli_edit_job *e, const clipspan_prune_info *info,
                        const clipspan_edit_check_info *check)
{
    char bytes[2][CLI_NUMBER_ROOM], numbers[2][CLI_NUMBER_ROOM], heads[CLI_NUMBER_ROOM],
        compared[CLI_NUMBER_ROOM];
    cli_format_bytes(bytes[0], (double)check->bytes_before);
    cli_format_bytes(bytes[1], (double)check->bytes_after);
    cli_format_millions(numbers[0], (double)check->parameters_before);
    cli_format_millions(numbers[1], (double)check->parameters_after);
    cli_count_of(compared, check->compared, "image");
    cli_count_of(heads, info->heads, "head");
    cli_say(e->session,
            "%s: written with %zu of %s %s; weights %s, before %s; image encoder %s parameters, "
            "before %s",
            e->x->out.output, info->chosen, heads,
            info->keep_layout ? "mean-ablated, layout kept" : "removed", bytes[1], bytes[0],
            numbers[1], numbers[0]);
    cli_say(e->session, "an image's pass takes a core %.2f ms, before %.2f ms (%.2f of it)",
            1e3 * check->seconds_after, 1e3 * check->seconds_before,
            check->seconds_before > 0 ? check->seconds_after / check->seconds_before : 0.0);
    cli_say(e->session,
            "its output is within %.1e of a pass in which these heads are mean-ablated (%s)",
            check->off, compared);
}

static clipspan_status show_table(const cli_edit_job *e, clipspan_prune *prune, clipspan_error *err)
{
    const clipspan_prune_info *info = clipspan_prune_get_info(prune);
    const clipspan_head_set *chosen = clipspan_prune_get_sets(prune);
    const clipspan_edit_check *check = clipspan_prune_get_check(prune);
    char names[200];
    CS_TRY(print_sets(e, prune, err));
    say_images(e, clipspan_edit_check_get_info(check));
    say_forecast(e, prune);
    say_accuracy(e, clipspan_edit_check_get_info(check));
    say_order(e, info);
    cli_edit_say_role(e);
    cli_edit_words(names, sizeof names, chosen->heads, chosen->count);
    cli_say(e->session, "%s: %s", info->keep_layout ? "mean-ablated" : "removed", names);
    say_savings(e, info, clipspan_edit_check_get_info(check));
    return CLIPSPAN_OK;
}

static clipspan_status show(const cli_edit_job *e, clipspan_prune *prune, clipspan_error *err)
{
    if (e->session->form == CLI_FORM_TSV) return show_rows(e->session, prune, err);
    if (e->session->form == CLI_FORM_TABLE) return show_table(e, prune, err);
    return clipspan_prune_write_json(prune, e->x->out.output, 0, cli_put, stdout, err);
}

clipspan_status cli_prune_show(const cli_edit_job *e, clipspan_prune *prune, clipspan_error *err)
{
    CS_TRY(show(e, prune, err));
    if (!clipspan_prune_get_check(prune)) return CLIPSPAN_OK; /* --dry-run */
    warn_of_direct(e->session, prune);
    judge(e->session, prune);
    return CLIPSPAN_OK;
}
