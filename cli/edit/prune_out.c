/* SPDX-License-Identifier: MIT */
/* What pruning came to. */
#include "cli/edit/edit_out.h"
#include "cli/out/numbers.h"
#include "cli/out/table.h"

#include <clipspan/clipspan.h>
#include <string.h>

static void show_document(const cli_edit_job *e)
{
    cli_json j;
    cli_json_begin(&j, stdout, 0, "clipspan.prune.v1");
    cli_edit_emit(&j, e);
    cli_json_flag(&j, "zero", e->zero);
    cli_json_text(&j, "order", e->order);
    cli_json_whole(&j, "heads_of_all", (uint64_t)clipspan_model_get_info(e->model)->heads_left);
    cli_json_whole(&j, "bytes_before", e->bytes[0]);
    cli_json_whole(&j, "bytes_after", e->bytes[1]);
    cli_json_whole(&j, "parameters_before", e->parameters[0]);
    cli_json_whole(&j, "parameters_after", e->parameters[1]);
    cli_json_real(&j, "seconds_before", e->seconds[0]);
    cli_json_real(&j, "seconds_after", e->seconds[1]);
    cli_json_array(&j, "sets");
    for (size_t i = 0; i < e->set_count; i++)
        cli_edit_emit_set(&j, e, &e->sets[i]);
    cli_json_end(&j);
    cli_json_finish(&j);
}

static clipspan_status show_table(const cli_edit_job *e, clipspan_error *err)
{
    char names[200], bytes[2][CLI_NUMBER_ROOM], numbers[2][CLI_NUMBER_ROOM], heads[CLI_NUMBER_ROOM],
        compared[CLI_NUMBER_ROOM];
    CS_TRY(cli_edit_print_sets(e, err));
    if (strcmp(e->order, "network") == 0)
        cli_say(e->session, "order: what moves the network's output least when it goes too, first");
    else if (strcmp(e->order, "direct") == 0)
        cli_say(e->session, "order: least direct effect (variance of what the head adds), first");
    cli_edit_words(names, sizeof names, e, &e->sets[0]);
    for (int i = 0; i < 2; i++) {
        cli_format_bytes(bytes[i], (double)e->bytes[i]);
        cli_format_millions(numbers[i], (double)e->parameters[i]);
    }
    cli_count_of(compared, e->compared, "image");
    cli_count_of(heads, (uint64_t)clipspan_model_get_info(e->model)->heads_left, "head");
    cli_say(e->session, "%s: %s", e->zero ? "mean-ablated" : "removed", names);
    cli_say(e->session,
            "%s: written with %zu of %s %s; weights %s, before %s; image encoder %s parameters, "
            "before %s",
            e->x->out.output, e->sets[0].count, heads,
            e->zero ? "mean-ablated, layout kept" : "removed", bytes[1], bytes[0], numbers[1],
            numbers[0]);
    cli_say(e->session, "an image's pass takes a core %.2f ms, before %.2f ms (%.2f of it)",
            1e3 * e->seconds[1], 1e3 * e->seconds[0], e->seconds[1] / e->seconds[0]);
    cli_say(e->session,
            "its output is within %.1e of a pass in which these heads are mean-ablated (%s)",
            e->off, compared);
    return CLIPSPAN_OK;
}

clipspan_status cli_prune_show(const cli_edit_job *e, clipspan_error *err)
{
    if (e->session->form == CLI_FORM_TSV) return cli_edit_show_rows(e, err);
    if (e->session->form == CLI_FORM_TABLE) return show_table(e, err);
    show_document(e);
    return CLIPSPAN_OK;
}
