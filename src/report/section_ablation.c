/* SPDX-License-Identifier: MIT */
/* A set of components mean-ablated, before and after, from the kept ablation (study/ablation.h). */
#include "base/number_text.h"
#include "report/document.h"
#include "report/section.h"

#include <math.h>
#include <stdio.h>

#define CLASSES_SHOWN   20
#define COMPONENTS_SAID 12

static void components(cs_html *html, const cs_report_facts *facts, const cs_ablation *a)
{
    char name[80];
    for (size_t i = 0; i < a->info.changes && i < COMPONENTS_SAID; i++) {
        cs_html_put(html, i ? ", " : "");
        cs_change_name(name, sizeof name, &a->changes[i]);
        cs_head_link(html, facts, name);
    }
    if (a->info.changes > COMPONENTS_SAID)
        cs_html_format(html, " and %zu more", a->info.changes - COMPONENTS_SAID);
}

/* "-12.3 (-17.0 to -7.6)" */
void cs_say_change(cs_html *html, const clipspan_comparison *c)
{
    const double low = c->change_low, high = c->change_high;
    cs_html_format(html, "<td class=n>%s", cs_figure_points(c->change).text);
    cs_html_put(html, "<td class=\"n ci\">");
    if (!isfinite(low) || !isfinite(high) || low == high) return;
    cs_html_format(html, "%s to %s", cs_figure_points(low).text, cs_figure_points(high).text);
}

static cs_share share_after(const clipspan_comparison *c)
{
    return (cs_share){c->after->share, c->after->low, c->after->high};
}

static void row(cs_html *html, const clipspan_comparison *c, const char *name)
{
    cs_html_put(html, "\n<tr><th scope=row>");
    cs_html_name(html, name);
    cs_html_format(html, "<td class=n>%s", cs_figure_count(c->before->images).text);
    cs_html_format(html, "<td class=n>%s", cs_figure_percent(c->before->share).text);
    cs_share_cells(html, share_after(c), c->before->share, name, "att");
    cs_say_change(html, c);
}

/* Those that have images, CLASSES_SHOWN at most; how many were left out. */
static size_t rows(cs_html *html, const cs_comparison *list, const char *const *names, size_t count)
{
    size_t shown = 0;
    for (size_t i = 0; i < count && shown < CLASSES_SHOWN; i++) {
        if (!list[i].before.images) continue;
        row(html, &list[i].shown, names[i]);
        shown++;
    }
    return count - shown;
}

/* Whose heads they are, and which text pool said so. */
static void say_role(cs_html *html, const cs_ablation *a)
{
    if (!a->info.role) return;
    cs_html_put(html, " Heads with the role ");
    cs_html_name(html, a->info.role);
    cs_html_put(html, ", by the text pool ");
    cs_html_name(html, a->info.pool ? a->info.pool : "");
    cs_html_put(html, ".");
}

static void say(cs_html *html, const cs_ablation *a)
{
    const clipspan_comparison *c = a->has_worst ? &a->worst.shown : &a->overall.shown;
    cs_html_format(html, ": %s from %s",
                   a->has_worst               ? "the worst group\xE2\x80\x99s share right"
                   : !a->facts.info.agreement ? "the share right"
                                              : "agreement with the whole model",
                   cs_figure_percent(c->before->share).text);
    cs_html_format(html, " to %s (%s)", cs_figure_percent(c->after->share).text,
                   cs_figure_interval(share_after(c)).text);
    if (a->random.info.sets) cs_say_random(html, &a->random.info);
}

/* Random sets in the table: their mean and range; points against nothing. */
static void random_row(cs_html *html, const cs_ablation *a)
{
    const clipspan_random_sets *r = &a->random.info;
    const clipspan_comparison *c = a->has_worst ? &a->worst.shown : &a->overall.shown;
    const cs_share share = cs_random_share(r);
    const clipspan_share after = {c->before->images, 0, share.share, share.low, share.high};
    clipspan_comparison random = *c;
    char name[96];
    snprintf(name, sizeof name, "%s, %s", a->has_worst ? "worst group" : "all",
             cs_random_name(r).text);
    random.after = &after;
    random.change = share.share - c->before->share;
    random.change_low = share.low - c->before->share;
    random.change_high = share.high - c->before->share;
    row(html, &random, name);
}

void cs_section_ablation(cs_html *html, const cs_report_facts *facts)
{
    const cs_ablation *a = facts->kept.ablate;
    const clipspan_evaluation_info *info;
    size_t left;
    if (!a) return;
    info = &a->facts.info;
    cs_html_put(html, "<section id=ablation><h2>Components mean-ablated</h2>\n<p>");
    components(html, facts, a);
    cs_html_put(html, " mean-ablated, telling ");
    cs_say_classes(html, info);
    cs_html_put(html, " apart");
    say(html, a);
    cs_html_put(html, ".");
    say_role(html, a);
    cs_html_put(html, "</p>\n");
    cs_say_circumstances(html, info, info->means);
    cs_html_format(html,
                   "<div class=scroll tabindex=0 role=region aria-label=\"Ablation\"><table "
                   "class=\"layers shares\"><thead><tr><th scope=col>Images<th scope=col "
                   "class=n>how many<th scope=col class=n>before<th scope=col colspan=2>%s after"
                   "<th scope=col class=n>95\xC2\xA0%%<th scope=col class=n>points<th scope=col "
                   "class=n>95\xC2\xA0%%, bootstrap<tbody>",
                   info->agreement ? "Agreement" : "Accuracy");
    row(html, &a->overall.shown, "all");
    left = rows(html, a->per_class, info->class_names, info->classes);
    left += rows(html, a->per_group, info->group_names, info->groups);
    if (a->has_worst) row(html, &a->worst.shown, "worst group");
    if (a->random.info.sets) random_row(html, a);
    cs_html_put(html, "</table></div>\n");
    if (left)
        cs_html_format(html,
                       "<p class=note>%zu more: without a labelled image, or in clipspan ablate "
                       "--json.</p>\n",
                       left);
    cs_html_put(html, "</section>\n");
}
