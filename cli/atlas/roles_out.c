/* SPDX-License-Identifier: MIT */
/* Roles for people: heads by what they matter (clipspan_atlas_head.weight), each with its outcome
 * and evidence; what is claimed, and how much of it is expected to be false, last. */
#include "base/memory.h"
#include "cli/atlas/atlas_out.h"
#include "cli/atlas/outcome.h"
#include "cli/in/heads.h"
#include "cli/in/role_heads.h"
#include "cli/out/numbers.h"
#include "cli/out/table.h"

#include <stdlib.h>
#include <string.h>

#define SHOWN 20 /* heads of a table when none were chosen */

/* ---- Order ---- */

typedef struct ranked {
    size_t at;
    double weight, share;
} ranked;

static int by_weight(const void *x, const void *y)
{
    const ranked *a = x, *b = y;
    if (a->weight != b->weight) return a->weight < b->weight ? 1 : -1;
    if (a->share != b->share) return a->share < b->share ? 1 : -1;
    return a->at < b->at ? -1 : a->at > b->at;
}

/* The list's heads but those of little effect, in *count; unchanged when they were chosen. */
static clipspan_status rank_heads(ranked **out, size_t *count, const clipspan_atlas *atlas,
                                  const cli_head_list *list, clipspan_error *err)
{
    ranked *r = cs_alloc(list->count, sizeof *r, "heads", err);
    *out = r;
    *count = 0;
    if (!r) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < list->count; i++) {
        const clipspan_atlas_head *head = &clipspan_atlas_get_heads(atlas)[list->at[i]];
        if (head->minor && !list->all) continue;
        r[*count].at = list->at[i];
        r[*count].weight = head->weight;
        r[(*count)++].share = head->variance_share->share;
    }
    if (!list->chosen) qsort(r, *count, sizeof *r, by_weight);
    return CLIPSPAN_OK;
}

/* ---- Table ---- */

/* Whether roles were tested at all: with too few images there is neither outcome nor q. */
static int were_tested(const clipspan_atlas_info *info)
{
    return info->tested > 0 || info->too_few == 0;
}

static clipspan_status add_control(cli_table *table, const cli_session *s, const clipspan_role *r,
                                   clipspan_error *err)
{
    char text[64] = "";
    CS_TRY(cli_atlas_add_share(table, s, r->category[0] ? r->control_variance : -1, err));
    if (r->category[0] && r->control_pools)
        snprintf(text, sizeof text, "%d of %d", r->control_above, r->control_pools);
    return cli_table_add(table, text, err);
}

static clipspan_status add_head(cli_table *table, const cli_session *s,
                                const clipspan_atlas_head *head, double full, int tested,
                                clipspan_error *err)
{
    const clipspan_role *r = head->role;
    const double explained = r->category[0] ? r->explained_variance[0] : -1;
    char q[CLI_NUMBER_ROOM] = "";
    CS_TRY(cli_atlas_add_name(table, head->head, err));
    CS_TRY(cli_atlas_add_share(
        table, s, head->variance_share->share > 0 ? head->variance_share->share : 0, err));
    CS_TRY(cli_table_add(table, r->category[0] ? r->category[0] : "", err));
    if (tested)
        CS_TRY(cli_table_add(table, head->removed ? "pruned" : cli_outcome_word(r->outcome), err));
    CS_TRY(cli_atlas_add_share(table, s, explained, err));
    CS_TRY(cli_atlas_add_bar(table, s, explained, full, err));
    CS_TRY(add_control(table, s, r, err));
    if (!tested) return CLIPSPAN_OK;
    if (r->q >= 0) cli_format_p(q, r->q);
    return cli_table_add(table, q, err);
}

static clipspan_status print_heads(const cli_session *s, const clipspan_atlas *atlas,
                                   const ranked *order, size_t count, clipspan_error *err)
{
    const int tested = were_tested(clipspan_atlas_get_info(atlas));
    const clipspan_atlas_head *heads = clipspan_atlas_get_heads(atlas);
    clipspan_status status = CLIPSPAN_OK;
    double full = 0;
    cli_table table;
    cli_table_init(&table, tested ? "head|>variance|category|outcome|>explained||>control|>pools|>q"
                                  : "head|>variance|category|>explained||>control|>pools");
    for (size_t i = 0; i < count; i++)
        if (heads[order[i].at].role->explained_variance[0] > full)
            full = heads[order[i].at].role->explained_variance[0];
    for (size_t i = 0; i < count; i++)
        CS_TRY_DONE(add_head(&table, s, &heads[order[i].at], full, tested, err));
    if (count) cli_table_print(&table, s, stdout);
done:
    cli_table_fini(&table);
    return status;
}

/* ---- What was found ---- */

/* Of the heads with a role, and an effect worth speaking of, the one that matters most, or NULL. */
static const clipspan_atlas_head *find_first(const clipspan_atlas *atlas)
{
    const clipspan_atlas_head *heads = clipspan_atlas_get_heads(atlas), *best = NULL;
    for (size_t i = 0; i < clipspan_atlas_get_info(atlas)->heads; i++)
        if (cli_role_carried(heads[i].role) && !heads[i].minor &&
            (!best || heads[i].weight > best->weight))
            best = &heads[i];
    return best;
}

/* Heads of the list that lean to what control texts explain as well. */
static int count_below(const clipspan_atlas *atlas, const cli_head_list *list)
{
    int below = 0;
    for (size_t i = 0; i < list->count; i++) {
        const clipspan_role *r = clipspan_atlas_get_heads(atlas)[list->at[i]].role;
        below += r->outcome == CLIPSPAN_OUTCOME_LEANING &&
                 r->control_variance >= r->explained_variance[0];
    }
    return below;
}

/* "3 of 32 heads have a role; 2 lean to a category; 1 is ambiguous; in 26 none stands out." */
static void print_counts(const cli_session *s, const char *heads, int role, int leaning, int below,
                         int ambiguous, int none)
{
    char words[320];
    int used = role ? snprintf(words, sizeof words, "%d of %s %s a role", role, heads,
                               role == 1 ? "has" : "have")
                    : snprintf(words, sizeof words, "None of %s has a role", heads);
    if (leaning)
        used += snprintf(words + used, sizeof words - (size_t)used, "; %d %s to a category",
                         leaning, leaning == 1 ? "leans" : "lean");
    if (below && below < leaning)
        used += snprintf(words + used, sizeof words - (size_t)used, ", %d of them", below);
    if (below)
        used +=
            snprintf(words + used, sizeof words - (size_t)used,
                     "%s explained no better than by control texts", below < leaning ? "" : ",");
    if (ambiguous)
        used += snprintf(words + used, sizeof words - (size_t)used, "; %d %s ambiguous", ambiguous,
                         ambiguous == 1 ? "is" : "are");
    if (none)
        snprintf(words + used, sizeof words - (size_t)used, "; in %d no category stands out", none);
    cli_say(s, "%s.", words);
}

/* Of the heads that --heads asked for. */
static void print_chosen(const cli_session *s, const clipspan_atlas *atlas,
                         const cli_head_list *list)
{
    char words[CLI_OUTCOME_ROOM];
    int by_outcome[CLIPSPAN_OUTCOME_ROLE + 1] = {0};
    for (size_t i = 0; i < list->count; i++) {
        const clipspan_atlas_head *head = &clipspan_atlas_get_heads(atlas)[list->at[i]];
        if (!head->removed) by_outcome[head->role->outcome]++;
    }
    if (list->count == 1) {
        cli_outcome_say(words, atlas, &clipspan_atlas_get_heads(atlas)[list->at[0]]);
        cli_say(s, "%s", words);
    } else if (by_outcome[CLIPSPAN_OUTCOME_TOO_FEW_IMAGES]) {
        cli_outcome_say_few(words, clipspan_atlas_get_info(atlas));
        cli_say(s, "%s", words);
    } else {
        snprintf(words, sizeof words, "these %zu heads", list->count);
        print_counts(s, words, by_outcome[CLIPSPAN_OUTCOME_ROLE],
                     by_outcome[CLIPSPAN_OUTCOME_LEANING], count_below(atlas, list),
                     by_outcome[CLIPSPAN_OUTCOME_AMBIGUOUS], by_outcome[CLIPSPAN_OUTCOME_NONE]);
    }
}

/* Of all heads: how many by outcome, how many false, and the role that matters most. */
static void print_all(const cli_session *s, const clipspan_atlas *atlas, const cli_head_list *list)
{
    const clipspan_atlas_info *info = clipspan_atlas_get_info(atlas);
    const clipspan_atlas_head *first = find_first(atlas);
    char words[CLI_OUTCOME_ROOM], heads[CLI_NUMBER_ROOM], share[CLI_NUMBER_ROOM];
    if (!were_tested(info)) {
        cli_outcome_say_few(words, info);
        cli_say(s, "%s", words);
        return;
    }
    cli_count_of(heads, info->heads, "head");
    print_counts(s, heads, info->role, info->leaning, count_below(atlas, list), info->ambiguous,
                 info->none);
    cli_outcome_say_false(words, info);
    if (*words) cli_say(s, "%s", words);
    cli_outcome_say_resolution(words, info);
    if (*words) cli_say(s, "%s", words);
    if (!first) return;
    cli_outcome_say(words, atlas, first);
    cli_format_percent(share, first->variance_share->share);
    cli_say(s, "%s It contributes %s of the embedding's variance.", words, share);
}

static void print_finding(const cli_session *s, const clipspan_atlas *atlas,
                          const cli_head_list *list, const clipspan_atlas_head *next)
{
    const clipspan_atlas_info *info = clipspan_atlas_get_info(atlas);
    const clipspan_atlas_head *first = find_first(atlas);
    char name[CLI_HEAD_ROOM];
    if (info->pool_categories == 0)
        cli_say(s, "The pool has no categories, so heads have basis texts but no roles.");
    else if (list->chosen)
        print_chosen(s, atlas, list);
    else
        print_all(s, atlas, list);
    cli_head_name(name, first && !list->chosen ? first->head : next->head);
    cli_say(s, "Next:");
    cli_say(s, "  clipspan span %s --heads %s", info->run->path, name);
}

clipspan_status cli_atlas_show_roles(const cli_session *s, const clipspan_atlas *atlas,
                                     const cli_head_list *list, int of_atlas, clipspan_error *err)
{
    clipspan_status status;
    size_t shown, count;
    ranked *order;
    if (s->form == CLI_FORM_JSON) {
        cli_atlas_json(atlas, list, of_atlas ? "clipspan.atlas.v1" : "clipspan.roles.v1", of_atlas);
        return CLIPSPAN_OK;
    }
    if (s->form == CLI_FORM_TSV) {
        cli_atlas_tsv_roles(s, atlas, list);
        return CLIPSPAN_OK;
    }
    CS_TRY(rank_heads(&order, &count, atlas, list, err));
    shown = !list->all && count > SHOWN ? SHOWN : count;
    cli_atlas_print_subject(s, atlas);
    status = print_heads(s, atlas, order, shown, err);
    if (status == CLIPSPAN_OK && list->count) {
        cli_atlas_say_minor(s, atlas, list, count - shown);
        putchar('\n');
        print_finding(s, atlas, list,
                      &clipspan_atlas_get_heads(atlas)[shown ? order[0].at : list->at[0]]);
    }
    cs_free(order);
    return status;
}
