/* SPDX-License-Identifier: MIT */
/* Random sets of heads in sections: their mean, their range, where the chosen heads stand. */
#include "base/number_text.h"
#include "report/section.h"

#include <stdio.h>

static const clipspan_random_figure *judged(const clipspan_random_sets *sets)
{
    return sets->worst_group ? sets->worst_group : sets->overall;
}

cs_share cs_random_share(const clipspan_random_sets *sets)
{
    const clipspan_comparison *best = sets->best_worst ? sets->best_worst : sets->best_overall;
    const clipspan_random_figure *f = judged(sets);
    if (best) return (cs_share){best->after->share, best->after->low, best->after->high};
    return (cs_share){f->mean, f->low, f->high};
}

cs_figure cs_random_name(const clipspan_random_sets *sets)
{
    cs_figure out;
    snprintf(out.text, sizeof out.text, "%s of %s", sets->best_overall ? "best" : "mean",
             cs_number_of(sets->sets, "random set").text);
    return out;
}

void cs_say_random(cs_html *html, const clipspan_random_sets *sets)
{
    const cs_share share = cs_random_share(sets);
    const char *like = sets->matching == CLIPSPAN_MATCH_LAYERS ? "as many heads of each layer"
                       : sets->matching == CLIPSPAN_MATCH_EFFECT
                           ? "as many heads of the same total effect, within 10\xC2\xA0%"
                           : "as many heads";
    if (sets->best_overall) {
        cs_html_format(html, "; with the best of %s of as many heads, %s",
                       cs_number_of(sets->sets, "random set").text,
                       cs_figure_percent(share.share).text);
        return;
    }
    cs_html_format(html, "; with %s (%s", cs_number_of(sets->sets, "random set").text, like);
    if (sets->different < (double)sets->sets)
        cs_html_format(html, ", of which there are %.0f", sets->different);
    cs_html_format(html, "), %s on average", cs_figure_percent(share.share).text);
    cs_html_format(html, ", %s in 95\xC2\xA0%% of them", cs_figure_interval(share).text);
    cs_html_format(html, "; %llu do at least as well, p\xC2\xA0=\xC2\xA0%.3f",
                   (unsigned long long)judged(sets)->as_good, judged(sets)->p);
}
