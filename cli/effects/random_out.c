/* SPDX-License-Identifier: MIT */
/* What random sets say of a chosen one. */
#include "cli/effects/random_out.h"
#include "cli/effects/ablation_out.h"
#include "cli/out/numbers.h"
#include "cli/out/table.h"

#include <stdio.h>

const clipspan_random_figure *cli_random_judged(const clipspan_random_sets *sets)
{
    return sets->worst_group ? sets->worst_group : sets->overall;
}

static const char *measure(const clipspan_random_sets *sets, int agreement)
{
    return sets->worst_group ? "worst group" : agreement ? "agreement" : "accuracy";
}

static const char *like(clipspan_matching matching)
{
    switch (matching) {
    case CLIPSPAN_MATCH_LAYERS: return "as many heads of each layer";
    case CLIPSPAN_MATCH_EFFECT: return "as many heads of the same total effect, within 10 %";
    case CLIPSPAN_MATCH_NUMBER: break;
    }
    return "as many heads";
}

static void say_best(const cli_session *s, const clipspan_random_sets *r, int agreement)
{
    char share[CLI_NUMBER_ROOM], words[80];
    cli_format_percent(share, (r->best_worst ? r->best_worst : r->best_overall)->after->share);
    cli_head_words(words, sizeof words, r->best_heads, r->heads_of_set);
    cli_say(s, "%s with as many random heads, best of %zu: %s (%s)", measure(r, agreement), r->sets,
            share, words);
}

void cli_random_say(const cli_session *s, const clipspan_random_sets *r, int agreement)
{
    const clipspan_random_figure *f;
    char mean[CLI_NUMBER_ROOM], low[CLI_NUMBER_ROOM], high[CLI_NUMBER_ROOM], few[64] = "";
    if (!r) return;
    if (r->best_overall) {
        say_best(s, r, agreement);
        return;
    }
    f = cli_random_judged(r);
    cli_format_percent(mean, f->mean);
    cli_format_percent(low, f->low);
    cli_format_percent(high, f->high);
    if (r->different < (double)r->sets)
        snprintf(few, sizeof few, ", of which there are %.0f", r->different);
    cli_say(s,
            "%zu random sets (%s%s): %s %s on average, %s to %s in 95 %% of them; %llu do at least "
            "as well, p = %.3f",
            r->sets, like(r->matching), few, measure(r, agreement), mean, low, high,
            (unsigned long long)f->as_good, f->p);
}
