/* SPDX-License-Identifier: MIT */
/* What pruning came to. */
#include "edit_out.h"
#include "numbers.h"

#include <string.h>

static const char *order_name(const cli_edit *e)
{
    const cli_settings *x = &e->session->settings;
    return !x->share ? "chosen" : x->by ? "network" : "direct";
}

static void show_document(const cli_edit *e)
{
    const cli_settings *x = &e->session->settings;
    cli_json j;
    cli_json_begin(&j, stdout, 0, "clipspan.prune.v1");
    cli_edit_emit(&j, e);
    cli_json_flag(&j, "zero", x->zero);
    cli_json_text(&j, "order", order_name(e));
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

static clipspan_status show_table(const cli_edit *e, clipspan_error *err)
{
    const cli_settings *x = &e->session->settings;
    char names[200], bytes[2][CLI_NUMBER_ROOM], numbers[2][CLI_NUMBER_ROOM];
    CS_TRY(cli_edit_print_sets(e, err));
    if (x->share && x->by)
        puts("order: what moves the network's output least when it goes too, first");
    else if (x->share)
        puts("order: least direct effect (variance of what the head adds), first");
    cli_edit_words(names, sizeof names, e, &e->sets[0]);
    for (int i = 0; i < 2; i++) {
        cli_format_bytes(bytes[i], (double)e->bytes[i]);
        cli_format_millions(numbers[i], (double)e->parameters[i]);
    }
    printf("%s: %s\n", x->zero ? "silent" : "removed", names);
    printf("%s: written with %zu of %d heads %s; weights %s, before %s; image tower %s numbers, "
           "before %s\n",
           x->output, e->sets[0].count, clipspan_model_get_info(e->model)->heads_left,
           x->zero ? "silent, layout kept" : "removed", bytes[1], bytes[0], numbers[1], numbers[0]);
    printf("a picture's pass takes a core %.2f ms, before %.2f ms (%.2f of it)\n",
           1e3 * e->seconds[1], 1e3 * e->seconds[0], e->seconds[1] / e->seconds[0]);
    printf("its output is within %.1e of a pass in which these heads are silent (%zu pictures)\n",
           e->off, e->compared);
    return CLIPSPAN_OK;
}

clipspan_status cli_prune_show(const cli_edit *e, clipspan_error *err)
{
    if (e->session->form == CLI_FORM_TSV) return cli_edit_show_rows(e, err);
    if (e->session->form == CLI_FORM_TABLE) return show_table(e, err);
    show_document(e);
    return CLIPSPAN_OK;
}
