/* SPDX-License-Identifier: MIT */
/* What pruning came to. */
#include "cli/edit/edit_out.h"
#include "cli/out/numbers.h"
#include "cli/out/put.h"
#include "cli/out/table.h"

static void say_order(const cli_edit_job *e, const clipspan_prune_info *info)
{
    char rounds[CLI_NUMBER_ROOM], images[CLI_NUMBER_ROOM];
    switch (info->order) {
    case CLIPSPAN_PRUNE_NETWORK:
        cli_say(e->session,
                "order: what moves the network's output least when it goes too, first (%s on "
                "%s)",
                (cli_count_of(rounds, info->rounds, "round"), rounds),
                (cli_count_of(images, info->ranked, "image"), images));
        break;
    case CLIPSPAN_PRUNE_DIRECT:
        cli_say(e->session,
                "order: least direct effect (variance of a head's contribution), first");
        break;
    case CLIPSPAN_PRUNE_CHOSEN: break;
    }
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
    CS_TRY(cli_edit_print_sets(e, check, err));
    say_order(e, info);
    cli_edit_say_role(e);
    cli_edit_words(names, sizeof names, chosen->heads, chosen->count);
    cli_say(e->session, "%s: %s", info->keep_layout ? "mean-ablated" : "removed", names);
    say_savings(e, info, clipspan_edit_check_get_info(check));
    return CLIPSPAN_OK;
}

clipspan_status cli_prune_show(const cli_edit_job *e, clipspan_prune *prune, clipspan_error *err)
{
    if (e->session->form == CLI_FORM_TSV)
        return cli_edit_show_rows(clipspan_prune_get_check(prune), err);
    if (e->session->form == CLI_FORM_TABLE) return show_table(e, prune, err);
    return clipspan_prune_write_json(prune, e->x->out.output, 0, cli_put, stdout, err);
}
