/* SPDX-License-Identifier: MIT */
/* A head's outcome: the category, what its texts and control texts explain, and the test behind it
 * (clipspan_role in span.h). */
#include "report/outcome.h"
#include "base/number_text.h"

#include <clipspan/run.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

cs_figure cs_outcome_bound(double share)
{
    cs_figure figure;
    snprintf(figure.text, sizeof figure.text, "%s\xC2\xA0%%",
             cs_number_digits(100 * share, 1).text);
    return figure;
}

int cs_has_role(const clipspan_atlas_head *head)
{
    return !head->removed && head->role->outcome == CLIPSPAN_OUTCOME_ROLE;
}

int cs_is_claimed(const clipspan_atlas_head *head)
{
    return !head->removed && head->role->outcome >= CLIPSPAN_OUTCOME_LEANING;
}

int cs_is_below_control(const clipspan_atlas_head *head)
{
    return cs_is_claimed(head) && head->role->control_variance >= head->role->explained_variance[0];
}

const char *cs_outcome_word(const clipspan_atlas_head *head)
{
    static const char *const words[] = {"too few images", "none", "ambiguous", "leaning", "role"};
    return head->removed ? "pruned" : words[head->role->outcome];
}

void cs_outcome_text(cs_html *html, const clipspan_atlas_head *head)
{
    const clipspan_role *role = head->role;
    if (head->removed) {
        cs_html_put(html, "pruned");
    } else if (cs_is_claimed(head)) {
        if (!cs_has_role(head)) cs_html_put(html, "leans to ");
        cs_html_text(html, role->category[0]);
    } else if (role->outcome == CLIPSPAN_OUTCOME_AMBIGUOUS) {
        cs_html_put(html, "ambiguous: ");
        cs_html_text(html, role->category[0]);
        if (!role->category[1]) return;
        cs_html_put(html, " or ");
        cs_html_text(html, role->category[1]);
    } else {
        cs_html_put(html, role->outcome == CLIPSPAN_OUTCOME_NONE ? "no category stands out"
                                                                 : "too few images to tell");
    }
}

void cs_outcome_chip(cs_html *html, const cs_report_facts *facts, const clipspan_atlas_head *head)
{
    if (!cs_is_claimed(head)) {
        cs_html_put(html, "<span>");
        cs_outcome_text(html, head);
        cs_html_put(html, "</span>");
        return;
    }
    if (!cs_has_role(head)) cs_html_put(html, "<span>leans to</span> ");
    cs_html_format(html, "<b class=\"chip r%d%s\">", cs_head_hue(facts, head),
                   cs_has_role(head) ? "" : " pale");
    cs_html_name(html, head->role->category[0]);
    cs_html_put(html, "</b>");
}

/* ---- The sentence ---- */

/* "5 colour texts explain 91.3 % of its variance, as many control texts 12.4 % (0 of 10 control
 * pools reach as much)" */
static void say_explained(cs_html *html, const clipspan_role *role, int first)
{
    if (role->by_answers) {
        cs_html_put(html, first ? "The model" : "the model");
        cs_html_put(html, "\xE2\x80\x99s answers to ");
        cs_html_name(html, role->category[0]);
        cs_html_format(html, " part %s of its variance",
                       cs_figure_percent(role->explained_variance[0]).text);
        if (role->control_pools)
            cs_html_format(html,
                           ", answers with control texts %s (%d of %d control pools reach as much)",
                           cs_figure_percent(role->control_variance).text, role->control_above,
                           role->control_pools);
        return;
    }
    cs_html_format(html, "%d ", role->entering);
    cs_html_name(html, role->category[0]);
    cs_html_format(html, " text%s explain%s %s of its variance", role->entering == 1 ? "" : "s",
                   role->entering == 1 ? "s" : "",
                   cs_figure_percent(role->explained_variance[0]).text);
    if (!role->control_pools) return;
    cs_html_format(html, ", as many control texts %s",
                   cs_figure_percent(role->control_variance).text);
    cs_html_format(html, " (%d of %d control pools reach as much)", role->control_above,
                   role->control_pools);
}

static void say_q(cs_html *html, const clipspan_role *role)
{
    cs_html_format(html, "<i>q</i>\xC2\xA0=\xC2\xA0%s", cs_figure_real(role->q).text);
}

static void say_role(cs_html *html, const clipspan_role *role)
{
    say_explained(html, role, 1);
    cs_html_put(html, "; ");
    say_q(html, role);
    if (role->stability >= 0)
        cs_html_format(html, ", stable in %s of resamples",
                       cs_figure_percent(role->stability).text);
    cs_html_put(html, ".");
}

/* Which of the conditions of a role it misses. */
static void say_leaning(cs_html *html, const clipspan_role *role)
{
    cs_html_put(html, "No role, since ");
    if (role->explained_variance[0] < CLIPSPAN_ROLE_EXPLAINED)
        cs_html_format(html,
                       "that takes %s or more: ", cs_outcome_bound(CLIPSPAN_ROLE_EXPLAINED).text);
    else if (role->control_above > 0)
        cs_html_put(html, "that takes more than every control pool: ");
    else
        cs_html_format(html, "%s in only %s of resamples: ",
                       role->by_answers ? "it leads again" : "its first text returns",
                       cs_figure_percent(role->stability).text);
    say_explained(html, role, 0);
    cs_html_put(html, ". But ");
    cs_html_name(html, role->category[0]);
    cs_html_put(html, " stands out, ");
    say_q(html, role);
    cs_html_put(html, ".");
}

static void say_ambiguous(cs_html *html, const clipspan_role *role)
{
    if (role->category[1] && role->enrichment[1] == 0.0) {
        cs_html_put(html, "It writes along texts about ");
        cs_html_name(html, role->category[0]);
        cs_html_format(html, " (%s times enriched), and the model\xE2\x80\x99s answers to ",
                       cs_figure_real(role->enrichment[0]).text);
        cs_html_name(html, role->category[1]);
        cs_html_format(html, " part more of it (%s of its variance).",
                       cs_figure_percent(role->explained_variance[1]).text);
        return;
    }
    cs_html_name(html, role->category[0]);
    cs_html_format(html, " stands out (%s times enriched, ",
                   cs_figure_real(role->enrichment[0]).text);
    say_q(html, role);
    cs_html_put(html, "), and ");
    cs_html_name(html, role->category[1] ? role->category[1] : "another");
    cs_html_format(html, " nearly as much (%s times): a role takes %.1f times the runner-up.",
                   cs_figure_real(role->enrichment[1]).text, CLIPSPAN_ROLE_LEAD);
}

static void say_none(cs_html *html, const clipspan_role *role)
{
    const int rotated = role->p >= role->relabelled_p;
    if (!role->category[0]) {
        cs_html_put(html, "None of its basis texts has a category.");
        return;
    }
    cs_html_put(html, "The most enriched category, ");
    cs_html_name(html, role->category[0]);
    cs_html_format(html, ", is as enriched in %s of random %s (",
                   cs_figure_percent(rotated ? role->p : role->relabelled_p).text,
                   rotated ? "rotations of the head" : "relabellings");
    say_q(html, role);
    cs_html_put(html, ").");
}

/* The claim rests on all texts that enter; the first of them may be of another category. */
static void say_first(cs_html *html, const cs_report_facts *facts, const clipspan_atlas_head *head)
{
    const clipspan_role *role = head->role;
    if (!cs_is_claimed(head) || !head->basis_texts) return;
    if (role->first_category && strcmp(role->first_category, role->category[0]) == 0) return;
    cs_html_put(html, " Its first basis text, \xE2\x80\x9C");
    cs_html_name(html, facts->atlas->texts[head->basis_text[0].basis_text->text].text);
    cs_html_put(html, "\xE2\x80\x9D, is of ");
    if (role->first_category) {
        cs_html_put(html, "another category, ");
        cs_html_name(html, role->first_category);
    } else {
        cs_html_put(html, "no category");
    }
    cs_html_put(html, ".");
}

void cs_outcome_say(cs_html *html, const cs_report_facts *facts, const clipspan_atlas_head *head)
{
    const clipspan_role *role = head->role;
    if (head->removed) {
        cs_html_put(html, "It contributes nothing.");
        return;
    }
    if (role->outcome == CLIPSPAN_OUTCOME_TOO_FEW_IMAGES)
        cs_outcome_say_few(html, &facts->atlas->info);
    else if (role->outcome == CLIPSPAN_OUTCOME_ROLE)
        say_role(html, role);
    else if (role->outcome == CLIPSPAN_OUTCOME_LEANING)
        say_leaning(html, role);
    else if (role->outcome == CLIPSPAN_OUTCOME_AMBIGUOUS)
        say_ambiguous(html, role);
    else
        say_none(html, role);
    say_first(html, facts, head);
}

void cs_outcome_say_false(cs_html *html, const clipspan_atlas_info *info)
{
    const int claims = info->role + info->leaning;
    if (!claims) return;
    cs_html_format(html, "Of %d claim%s at most about %s", claims, claims == 1 ? "" : "s",
                   cs_number_digits(info->expected_false_claims, 2).text);
    cs_html_format(html, " %s expected to be false, at a false discovery rate of %s.",
                   info->expected_false_claims == 1 ? "is" : "are",
                   cs_outcome_bound(info->fdr).text);
}

void cs_outcome_say_resolution(cs_html *html, const clipspan_atlas_info *info)
{
    const double least = info->tested / (info->fdr * (info->rotations + 1.0));
    if (info->role + info->leaning || info->rotations < 1 || least <= 1) return;
    cs_html_format(html,
                   " %d rotations a head are too few to claim fewer than %.0f of %d heads; %.0f "
                   "are enough for one alone.",
                   info->rotations, ceil(least), info->tested, ceil(info->tested / info->fdr));
}

void cs_outcome_say_few(cs_html *html, const clipspan_atlas_info *info)
{
    cs_html_format(html, "Too few images to tell: %s", cs_figure_count(info->run->used).text);
    if (info->run->duplicates)
        cs_html_format(html, " less %s that were named before",
                       cs_figure_count(info->run->duplicates).text);
    cs_html_format(html, ", and roles take %d or more.", CLIPSPAN_ROLE_IMAGES);
}
