/* SPDX-License-Identifier: MIT */
/* A head's outcome as a sentence: the category, what its texts and control texts explain, and the
 * test behind it (clipspan_role in span.h). */
#include "cli/atlas/outcome.h"
#include "base/number_text.h"
#include "cli/in/heads.h"
#include "cli/in/role_heads.h"
#include "cli/out/numbers.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *cli_head_outcome_key(const clipspan_atlas_head *head)
{
    return head->removed ? "pruned" : cli_outcome_key(head->role->outcome);
}

void cli_format_p(char out[CLI_NUMBER_ROOM], double p)
{
    if (p < 0.0005)
        snprintf(out, CLI_NUMBER_ROOM, "<0.001");
    else
        snprintf(out, CLI_NUMBER_ROOM, "%.3f", p);
}

/* "q = 0.012" */
static void format_q(char out[CLI_NUMBER_ROOM], double q)
{
    char number[CLI_NUMBER_ROOM];
    cli_format_p(number, q);
    snprintf(out, CLI_NUMBER_ROOM, *number == '<' ? "q < %.30s" : "q = %.30s",
             number + (*number == '<'));
}

/* Adds to a text of CLI_OUTCOME_ROOM bytes. */
static void add(char *out, const char *format, ...) CS_PRINTF(2, 3);

static void add(char *out, const char *format, ...)
{
    const size_t used = strlen(out);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out + used, CLI_OUTCOME_ROOM - used, format, arguments);
    va_end(arguments);
}

/* "5 colour texts explain 91.3 % of its variance, control texts 12.4 % (0 of 10 control pools as
 * much)" */
static void add_explained(char *out, const clipspan_role *r)
{
    char own[CLI_NUMBER_ROOM], control[CLI_NUMBER_ROOM];
    cli_format_percent(own, r->explained_variance[0]);
    cli_format_percent(control, r->control_variance > 0 ? r->control_variance : 0);
    if (r->by_answers) {
        add(out, "the model's answers to %s part %s of its variance", r->category[0], own);
        if (r->control_pools)
            add(out, ", answers with control texts %s (%d of %d control pools reach as much)",
                control, r->control_above, r->control_pools);
        return;
    }
    add(out, "%d %s text%s explain%s %s of its variance", r->entering, r->category[0],
        r->entering == 1 ? "" : "s", r->entering == 1 ? "s" : "", own);
    if (r->control_pools)
        add(out, ", as many control texts %s (%d of %d control pools reach as much)", control,
            r->control_above, r->control_pools);
}

static void add_role(char *out, const char *name, const clipspan_role *r)
{
    char q[CLI_NUMBER_ROOM], stability[CLI_NUMBER_ROOM];
    format_q(q, r->q);
    cli_format_percent(stability, r->stability);
    add(out, "%s has the role %s: ", name, r->category[0]);
    add_explained(out, r);
    add(out, "; %s, stable in %s of resamples.", q, stability);
}

/* Which of the conditions of a role a leaning misses. */
static void add_leaning(char *out, const char *name, const clipspan_role *r)
{
    char q[CLI_NUMBER_ROOM], least[CLI_NUMBER_ROOM], stability[CLI_NUMBER_ROOM];
    format_q(q, r->q);
    cli_format_percent(stability, r->stability);
    add(out, "%s leans to %s (%s): ", name, r->category[0], q);
    add_explained(out, r);
    if (r->explained_variance[0] < CLIPSPAN_ROLE_EXPLAINED) {
        cli_format_percent(least, CLIPSPAN_ROLE_EXPLAINED);
        add(out, "; a role takes %s or more.", least);
    } else if (r->control_above > 0) {
        add(out, "; a role takes more than every control pool.");
    } else {
        cli_format_percent(least, CLIPSPAN_ROLE_RETURNS);
        add(out, "; %s in %s of resamples, and a role takes %s or more.",
            r->by_answers ? "it leads again" : "its first text returns", stability, least);
    }
}

static void add_ambiguous(char *out, const char *name, const clipspan_role *r)
{
    char first[CLI_NUMBER_ROOM], second[CLI_NUMBER_ROOM];
    cli_format_real(first, r->enrichment[0]);
    cli_format_real(second, r->enrichment[1]);
    if (r->category[1] && r->enrichment[1] == 0.0) {
        cli_format_percent(second, r->explained_variance[1]);
        add(out,
            "%s is ambiguous: it writes along texts about %s (%s times enriched), and the model's "
            "answers to %s part more of it (%s of its variance).",
            name, r->category[0], first, r->category[1], second);
        return;
    }
    add(out,
        "%s is ambiguous: %s stands out (%s times enriched), and %s nearly as much (%s times); a "
        "role takes %.1f times the runner-up.",
        name, r->category[0], first, r->category[1] ? r->category[1] : "no other", second,
        CLIPSPAN_ROLE_LEAD);
}

static void add_none(char *out, const char *name, const clipspan_role *r)
{
    char p[CLI_NUMBER_ROOM], q[CLI_NUMBER_ROOM];
    if (!r->category[0]) {
        add(out, "%s has no role: none of its basis texts has a category.", name);
        return;
    }
    cli_format_percent(p, r->p > r->relabelled_p ? r->p : r->relabelled_p);
    format_q(q, r->q);
    add(out,
        "In %s no category stands out: its most enriched one, %s, is as enriched in %s of %s (%s).",
        name, r->category[0], p,
        r->p >= r->relabelled_p ? "random rotations of the head" : "random relabellings", q);
}

/* The claim rests on all texts that enter; the first of them may be of another category. */
static void add_first(char *out, const clipspan_atlas *atlas, const clipspan_atlas_head *head)
{
    const clipspan_role *r = head->role;
    const char *text;
    if (r->outcome < CLIPSPAN_OUTCOME_LEANING || !head->basis_texts) return;
    if (r->first_category && strcmp(r->first_category, r->category[0]) == 0) return;
    text = clipspan_atlas_get_texts(atlas)[head->basis_text[0].basis_text->text].text;
    if (r->first_category)
        add(out, " Its first basis text, \"%.80s\", is of another category, %s.", text,
            r->first_category);
    else
        add(out, " Its first basis text, \"%.80s\", has no category.", text);
}

void cli_outcome_say(char out[CLI_OUTCOME_ROOM], const clipspan_atlas *atlas,
                     const clipspan_atlas_head *head)
{
    const clipspan_role *r = head->role;
    char name[CLI_HEAD_ROOM];
    cli_head_name(name, head->head);
    out[0] = '\0';
    if (head->removed)
        add(out, "%s was pruned and contributes nothing.", name);
    else if (r->outcome == CLIPSPAN_OUTCOME_TOO_FEW_IMAGES)
        cli_outcome_say_few(out, clipspan_atlas_get_info(atlas));
    else if (r->outcome == CLIPSPAN_OUTCOME_ROLE)
        add_role(out, name, r);
    else if (r->outcome == CLIPSPAN_OUTCOME_LEANING)
        add_leaning(out, name, r);
    else if (r->outcome == CLIPSPAN_OUTCOME_AMBIGUOUS)
        add_ambiguous(out, name, r);
    else
        add_none(out, name, r);
    if (!head->removed) add_first(out, atlas, head);
}

void cli_outcome_say_false(char out[CLI_OUTCOME_ROOM], const clipspan_atlas_info *info)
{
    const int claims = info->role + info->leaning;
    out[0] = '\0';
    if (!claims) return;
    add(out,
        "Of %d claim%s at most about %s %s expected to be false, at a false discovery rate of %s "
        "%%.",
        claims, claims == 1 ? "" : "s", cs_number_digits(info->expected_false_claims, 2).text,
        info->expected_false_claims == 1 ? "is" : "are", cs_number_digits(100 * info->fdr, 1).text);
}

/* The smallest p is 1 / (rotations + 1); k claims need a p of fdr k / tested at most. */
void cli_outcome_say_resolution(char out[CLI_OUTCOME_ROOM], const clipspan_atlas_info *info)
{
    const double least = info->tested / (info->fdr * (info->rotations + 1.0));
    out[0] = '\0';
    if (info->role + info->leaning || info->rotations < 1 || least <= 1) return;
    add(out,
        "%d rotations a head are too few to claim fewer than %.0f of %d heads; --rotations %.0f is "
        "enough for one alone.",
        info->rotations, ceil(least), info->tested, ceil(info->tested / info->fdr));
}

void cli_outcome_say_few(char out[CLI_OUTCOME_ROOM], const clipspan_atlas_info *info)
{
    char images[CLI_NUMBER_ROOM];
    cli_format_count(images, info->run->used);
    out[0] = '\0';
    add(out, "Too few images to tell: %s", images);
    cli_format_count(images, info->run->duplicates);
    if (info->run->duplicates) add(out, " less %s that were named before", images);
    add(out, ", and roles take %d or more.", CLIPSPAN_ROLE_IMAGES);
}
