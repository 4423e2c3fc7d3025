/* SPDX-License-Identifier: MIT */
/* Tables of before and after. */
#include "cli/out/comparison_out.h"
#include "cli/out/numbers.h"

#include <clipspan/clipspan.h>

void cli_comparison_table(cli_table *t, char *headers, size_t room, const char *what)
{
    snprintf(headers, room,
             "%s|>images|>before|>95 %% interval|>after|>95 %% interval|>points|"
             ">95 %% of resamples",
             what);
    cli_table_init(t, headers);
}

static void interval(char out[3 * CLI_NUMBER_ROOM], double low, double high)
{
    snprintf(out, 3 * CLI_NUMBER_ROOM, "%.1f to %.1f", 100 * low, 100 * high);
}

clipspan_status cli_comparison_add(cli_table *t, const char *name, const clipspan_comparison *c,
                                   clipspan_error *err)
{
    char text[3 * CLI_NUMBER_ROOM];
    CS_TRY(cli_table_add(t, name, err));
    cli_format_count(text, c->before->images);
    CS_TRY(cli_table_add(t, text, err));
    if (c->before->images == 0) {
        for (int i = 0; i < 6; i++)
            CS_TRY(cli_table_add(t, i ? "" : "no images", err));
        return CLIPSPAN_OK;
    }
    cli_format_percent(text, c->before->share);
    CS_TRY(cli_table_add(t, text, err));
    interval(text, c->before->low, c->before->high);
    CS_TRY(cli_table_add(t, text, err));
    cli_format_percent(text, c->after->share);
    CS_TRY(cli_table_add(t, text, err));
    interval(text, c->after->low, c->after->high);
    CS_TRY(cli_table_add(t, text, err));
    snprintf(text, sizeof text, "%+.1f", 100 * c->change);
    CS_TRY(cli_table_add(t, text, err));
    snprintf(text, sizeof text, "%+.1f to %+.1f", 100 * c->change_low, 100 * c->change_high);
    return cli_table_add(t, text, err);
}

void cli_comparison_cells(cli_rows *rows, const clipspan_comparison *c)
{
    const double cells[] = {c->before->share, c->before->low, c->before->high,
                            c->after->share,  c->after->low,  c->after->high,
                            c->change,        c->change_low,  c->change_high};
    cli_rows_whole(rows, c->before->images);
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
        if (c->before->images)
            cli_rows_real(rows, cells[i]);
        else
            cli_rows_text(rows, "");
}
