/* SPDX-License-Identifier: MIT */
/* What was found about a text (study/findings.h), in sentences. */
#include "report/explain_page.h"
#include "report/outcome.h"

#include <math.h>

#include "study/findings.h"

#define SAID  3 /* heads that are named */
#define ROLES 3 /* and roles */

static void quote(cs_html *html, const char *text)
{
    cs_html_put(html, "\xE2\x80\x98");
    cs_html_name(html, text);
    cs_html_put(html, "\xE2\x80\x99");
}

/* " (91 %)" of a whole that is large enough and of the same sign for a share to mean something. */
static void share(cs_html *html, double part, double whole)
{
    if (part / whole > 0 && part / whole < 1.5 && fabs(whole) >= 0.001)
        cs_html_format(html, " (%s)", cs_figure_percent(part / whole).text);
}

static void say_rank(cs_html *html, const clipspan_explanation_info *x, const clipspan_finding *f)
{
    if (x->texts == 1) return;
    cs_html_format(html, "<li>Similarity %s, ", cs_explain_plain(f->similarity).text);
    if (f->rank == 0)
        cs_html_put(html, "the highest");
    else
        cs_html_format(html, "number %zu of %zu", f->rank + 1, x->texts);
    cs_html_format(html, ": %s against ", cs_explain_number(f->margin).text);
    quote(html, x->names[f->other]);
    cs_html_put(html, ".</li>\n");
}

static void say_whole(cs_html *html, const clipspan_explanation_info *x, const clipspan_finding *f)
{
    const char *side = f->value < 0 ? "below" : "above";
    cs_html_format(html, "<li>Of the %s%s",
                   x->contrast == CLIPSPAN_CONTRAST_NONE ? "similarity, " : "",
                   x->contrast == CLIPSPAN_CONTRAST_NONE ? cs_explain_plain(f->value).text
                                                         : cs_explain_plain(fabs(f->value)).text);
    if (x->contrast == CLIPSPAN_CONTRAST_MEAN)
        cs_html_format(html, " by which this is %s the mean of the texts", side);
    if (x->contrast == CLIPSPAN_CONTRAST_RUNNER_UP) {
        cs_html_format(html, " by which this is %s ", side);
        quote(html, x->names[f->other]);
    }
    cs_html_put(html, ", ");
}

/* The two layers whose attention is largest: together where they have most of it, else apart. */
static void say_two(cs_html *html, const clipspan_finding *f)
{
    const double both = f->layer_part[0] + f->layer_part[1];
    if (f->layer[0] < 0) return;
    if (f->concentrated) {
        cs_html_format(html, ", most of it in layers L%d and L%d: <b>%s</b>", f->layer[0],
                       f->layer[1], cs_explain_number(both).text);
        share(html, both, f->value);
    } else {
        cs_html_format(html, ", strongest in layers L%d, %s, ", f->layer[0],
                       cs_explain_number(f->layer_part[0]).text);
        cs_html_format(html, "and L%d, %s", f->layer[1], cs_explain_number(f->layer_part[1]).text);
    }
}

static void say_layers(cs_html *html, const clipspan_explanation_info *x, const clipspan_finding *f)
{
    say_whole(html, x, f);
    cs_html_format(html, "attention gives <b>%s</b>", cs_explain_number(f->attention).text);
    share(html, f->attention, f->value);
    say_two(html, f);
    cs_html_format(html, "; all MLPs give %s and what enters the first layer %s.</li>\n",
                   cs_explain_number(f->mlps).text, cs_explain_number(f->input).text);
}

static void say_heads(cs_html *html, const cs_explain_facts *facts, const clipspan_finding *f)
{
    const size_t count = f->heads < SAID ? f->heads : SAID;
    size_t k;
    cs_html_format(html, "<li>Strongest head%s: ", count == 1 ? "" : "s");
    for (k = 0; k < count; k++) {
        const clipspan_finding_head *head = &f->head[k];
        const clipspan_atlas_head *known = cs_explain_head(
            facts, (size_t)head->head.layer * (size_t)facts->x->heads + (size_t)head->head.head);
        cs_html_format(html, "%sL%d.H%d", k ? ", " : "", head->head.layer, head->head.head);
        if (head->role) {
            cs_html_put(html, " ");
            cs_outcome_chip(html, &facts->report, known);
        }
        cs_html_format(html, " %s", cs_explain_number(head->part).text);
    }
    cs_html_put(html, ".</li>\n");
}

/* What heads of each role add together; the rest, leanings too, as one. */
static void say_roles(cs_html *html, const cs_explain_facts *facts, const clipspan_finding *f)
{
    const cs_palette *palette = facts->report.palette;
    double rest = 0, others = 0;
    size_t said = 0, left = 0, i;
    if (!facts->report.atlas || !facts->report.atlas->info.role) return;
    cs_html_put(html, "<li>By the heads\xE2\x80\x99 roles: ");
    for (i = 0; i < f->roles; i++) {
        const clipspan_finding_role *role = &f->role[i];
        if (!role->role || role->leaning) {
            rest += role->part;
        } else if (said < ROLES && fabs(role->part) > 0) {
            cs_html_format(html, "<b class=\"chip r%d\">",
                           cs_palette_find(palette, role->role)->hue);
            cs_html_name(html, role->role);
            cs_html_format(html, "</b> %s, ", cs_explain_number(role->part).text);
            said++;
        } else {
            others += role->part;
            left++;
        }
    }
    if (left) cs_html_format(html, "other roles %s, ", cs_explain_number(others).text);
    cs_html_format(html, "heads without a role %s.</li>\n", cs_explain_number(rest).text);
}

static void say_patches(cs_html *html, const clipspan_finding *f)
{
    if (!f->patches) return;
    cs_html_format(html,
                   "<li>In the image, patches add %s for it and %s against it; class-token "
                   "self-attention adds %s. ",
                   cs_explain_number(f->above).text, cs_explain_number(f->below).text,
                   cs_explain_number(f->class_token).text);
    cs_html_format(html, "The strongest for it lies in row %d, column %d (%s).</li>\n",
                   f->highest->row, f->highest->column, cs_explain_fine(f->highest->part).text);
}

void cs_explain_findings(cs_html *html, const cs_explain_facts *facts, size_t rank)
{
    const clipspan_finding *f = &facts->findings->findings[rank];
    cs_html_put(html, "<ol class=found>");
    say_rank(html, facts->x, f);
    say_layers(html, facts->x, f);
    say_roles(html, facts, f);
    say_heads(html, facts, f);
    say_patches(html, f);
    cs_html_put(html, "</ol>\n");
}
