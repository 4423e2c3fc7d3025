/* SPDX-License-Identifier: MIT */
/* Atlases for people: the finding first, the one line that matters last. */
#include "cli/atlas/atlas_out.h"
#include "base/memory.h"
#include "cli/in/heads.h"
#include "cli/out/numbers.h"
#include "cli/out/table.h"

#include <clipspan/clipspan.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN     20 /* heads that a table of roles shows when none were chosen */
#define BAR_CELLS 8

clipspan_status cli_head_list_read(cli_head_list *list, const char *names,
                                   const clipspan_atlas *atlas, clipspan_error *err)
{
    const clipspan_atlas_info *info = clipspan_atlas_get_info(atlas);
    const size_t H = (size_t)info->run->heads;
    clipspan_status status = CLIPSPAN_OK;
    clipspan_head *heads = NULL;
    memset(list, 0, sizeof *list);
    list->count = info->heads;
    if (names) {
        list->chosen = 1;
        CS_TRY(
            cli_heads_read(&heads, &list->count, names, info->run->layers, info->run->heads, err));
    }
    list->at = cs_alloc(list->count, sizeof *list->at, "heads", err);
    if (!list->at) status = CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < list->count && status == CLIPSPAN_OK; i++) {
        list->at[i] = i;
        if (!heads) continue;
        if (heads[i].layer < info->first_layer || heads[i].layer > info->last_layer)
            status = cs_fail(err, CLIPSPAN_E_ARGUMENT,
                             "head L%d.H%d was not looked at: only layers %d to %d were; widen "
                             "--layers",
                             heads[i].layer, heads[i].head, info->first_layer, info->last_layer);
        else
            list->at[i] = (size_t)(heads[i].layer - info->first_layer) * H + (size_t)heads[i].head;
    }
    cs_free(heads);
    return status;
}

static const char *dash(const cli_session *s)
{
    return s->unicode ? "\xE2\x80\x93" : "-";
}

static clipspan_status add_share(cli_table *table, const cli_session *s, double share,
                                 clipspan_error *err)
{
    char text[CLI_NUMBER_ROOM];
    if (share < 0) return cli_table_add(table, dash(s), err);
    cli_format_percent(text, share);
    return cli_table_add(table, text, err);
}

/* A bar as long as its share of `full`. */
static clipspan_status add_bar(cli_table *table, const cli_session *s, double share, double full,
                               clipspan_error *err)
{
    char bar[CLI_BAR_ROOM];
    cli_bar(bar, s, full > 0 ? share / full : 0, BAR_CELLS);
    return cli_table_add(table, bar, err);
}

static clipspan_status add_name(cli_table *table, clipspan_head head, clipspan_error *err)
{
    char name[CLI_HEAD_ROOM];
    cli_head_name(name, head);
    return cli_table_add(table, name, err);
}

/* A name is worth something when its texts explain more than as many control texts. */
static int below_control(const clipspan_role *r)
{
    return r->outcome == CLIPSPAN_OUTCOME_ROLE && r->control_named >= r->named;
}

static void role_words(char *out, size_t room, const clipspan_atlas_head *head)
{
    const clipspan_role *r = head->role;
    if (head->removed)
        snprintf(out, room, "removed");
    else if (!r->category[0])
        snprintf(out, room, "none");
    else if (r->outcome == CLIPSPAN_OUTCOME_ROLE)
        snprintf(out, room, "%s%s", r->category[0], below_control(r) ? " < control texts" : "");
    else if (r->outcome == CLIPSPAN_OUTCOME_AMBIGUOUS)
        snprintf(out, room, "mixed: %s, %s", r->category[0], r->category[1]);
    else
        snprintf(out, room, "%s (%s)",
                 r->outcome == CLIPSPAN_OUTCOME_TOO_FEW_IMAGES ? "untested" : "none",
                 r->category[0]);
}

/* What was looked at, in one line. */
static void print_subject(const cli_session *s, const clipspan_atlas *atlas)
{
    const clipspan_atlas_info *info = clipspan_atlas_get_info(atlas);
    char images[CLI_NUMBER_ROOM], texts[CLI_NUMBER_ROOM];
    size_t at;
    char words[1200];
    cli_format_count(images, info->run->used);
    cli_format_count(texts, info->pool_texts);
    if (s->bold_out) fputs("\033[1m", stdout);
    at = cli_print_text(stdout, s, info->run->model_name, 0, 0);
    if (s->bold_out) fputs("\033[0m", stdout);
    snprintf(words, sizeof words, "on %s image%s, with the %s text%s of %.1000s", images,
             info->run->used == 1 ? "" : "s", texts, info->pool_texts == 1 ? "" : "s", info->pool);
    putchar(' ');
    cli_print_text(stdout, s, words, at + 1, 0);
    fputs("\n\n", stdout);
}

/* ---- Basis texts ---- */

static clipspan_status add_basis_text(cli_table *table, const cli_session *s,
                                      const clipspan_atlas_head *head, int k,
                                      const clipspan_atlas_text *texts, clipspan_error *err)
{
    if (k >= head->basis_texts) {
        CS_TRY(cli_table_add(table, "", err));
        return cli_table_add(table, "", err);
    }
    CS_TRY(cli_table_add(table, texts[head->basis_text[k].basis_text->text].text, err));
    return add_share(table, s, head->basis_text[k].basis_text->share, err);
}

static clipspan_status print_heads(const cli_session *s, const clipspan_atlas *atlas,
                                   const cli_head_list *list, clipspan_error *err)
{
    static const char headers[] =
        "head|>named|>by control texts|first text|>share|second text|>share";
    const clipspan_atlas_text *texts = clipspan_atlas_get_texts(atlas);
    clipspan_status status = CLIPSPAN_OK;
    cli_table table;
    cli_table_init(&table, headers);
    for (size_t i = 0; i < list->count; i++) {
        const clipspan_atlas_head *head = &clipspan_atlas_get_heads(atlas)[list->at[i]];
        const clipspan_atlas_basis_text *last =
            head->basis_texts ? &head->basis_text[head->basis_texts - 1] : NULL;
        CS_TRY_DONE(add_name(&table, head->head, err));
        CS_TRY_DONE(add_share(&table, s, last ? last->cumulated : 0, err));
        CS_TRY_DONE(add_share(&table, s, last ? last->control_cumulated : 0, err));
        CS_TRY_DONE(add_basis_text(&table, s, head, 0, texts, err));
        CS_TRY_DONE(add_basis_text(&table, s, head, 1, texts, err));
    }
    cli_table_print(&table, s, stdout);
done:
    cli_table_fini(&table);
    return status;
}

static clipspan_status print_basis_texts(const cli_session *s, const clipspan_atlas *atlas,
                                         const clipspan_atlas_head *head, clipspan_error *err)
{
    static const char headers[] = ">share||text|category|>stability|runner-up|>ratio";
    const clipspan_atlas_text *texts = clipspan_atlas_get_texts(atlas);
    clipspan_status status = CLIPSPAN_OK;
    cli_table table;
    cli_table_init(&table, headers);
    for (int k = 0; k < head->basis_texts; k++) {
        const clipspan_basis_text *p = head->basis_text[k].basis_text;
        char ratio[CLI_NUMBER_ROOM] = "";
        CS_TRY_DONE(add_share(&table, s, p->share, err));
        CS_TRY_DONE(add_bar(&table, s, p->share, head->basis_text[0].basis_text->share, err));
        CS_TRY_DONE(cli_table_add(&table, texts[p->text].text, err));
        CS_TRY_DONE(cli_table_add(&table, texts[p->text].category, err));
        CS_TRY_DONE(add_share(&table, s, p->any_place, err));
        CS_TRY_DONE(
            cli_table_add(&table, p->runners_up ? texts[p->runner_up[0].text].text : "", err));
        if (p->runners_up) cli_format_real(ratio, p->runner_up[0].ratio);
        CS_TRY_DONE(cli_table_add(&table, ratio, err));
    }
    cli_table_print(&table, s, stdout);
done:
    cli_table_fini(&table);
    return status;
}

static void print_extremes(const cli_session *s, const clipspan_atlas *atlas, const char *title,
                           const clipspan_atlas_extreme *extreme, int count)
{
    for (int i = 0; i < count; i++) {
        printf("  %-12s", i ? "" : title);
        cli_print_text(stdout, s, clipspan_atlas_get_images(atlas)[extreme[i].image].path, 14, 14);
        putchar('\n');
    }
}

/* One head in full. */
static clipspan_status print_card(const cli_session *s, const clipspan_atlas *atlas,
                                  const clipspan_atlas_head *head, clipspan_error *err)
{
    char name[CLI_HEAD_ROOM], role[256], effect[CLI_NUMBER_ROOM], named[CLI_NUMBER_ROOM],
        control[CLI_NUMBER_ROOM];
    cli_head_name(name, head->head);
    role_words(role, sizeof role, head);
    cli_format_percent(effect, head->variance_share->share);
    printf("%s%s%s  ", s->bold_out ? "\033[1m" : "", name, s->bold_out ? "\033[0m" : "");
    cli_print_text(stdout, s, role, strlen(name) + 2, 4);
    putchar('\n');
    cli_say(s, "  %s of the direct effect, rank %d\n", effect, head->rank);
    CS_TRY(print_basis_texts(s, atlas, head, err));
    if (head->basis_texts) {
        cli_format_percent(named, head->basis_text[head->basis_texts - 1].cumulated);
        cli_format_percent(control, head->basis_text[head->basis_texts - 1].control_cumulated);
        putchar('\n');
        cli_say(s, "  %d text%s explain%s %s of its variance, as many control texts %s",
                head->basis_texts, head->basis_texts == 1 ? "" : "s",
                head->basis_texts == 1 ? "s" : "", named, control);
    }
    print_extremes(s, atlas, "most", head->top, head->top_count);
    print_extremes(s, atlas, "least", head->bottom, head->bottom_count);
    putchar('\n');
    return CLIPSPAN_OK;
}

static clipspan_status print_cards(const cli_session *s, const clipspan_atlas *atlas,
                                   const cli_head_list *list, clipspan_error *err)
{
    for (size_t i = 0; i < list->count; i++)
        CS_TRY(print_card(s, atlas, &clipspan_atlas_get_heads(atlas)[list->at[i]], err));
    return CLIPSPAN_OK;
}

/* How many basis texts heads have: fewer than were asked for where the pool or a head's rank is
 * small. */
static void count_words(char *out, size_t room, const clipspan_atlas *atlas)
{
    const clipspan_atlas_head *heads = clipspan_atlas_get_heads(atlas);
    const size_t count = clipspan_atlas_get_info(atlas)->heads;
    int least = count ? heads[0].basis_texts : 0, most = least;
    for (size_t i = 1; i < count; i++) {
        if (heads[i].basis_texts < least) least = heads[i].basis_texts;
        if (heads[i].basis_texts > most) most = heads[i].basis_texts;
    }
    if (least < most)
        snprintf(out, room, "%d to %d texts a head explain", least, most);
    else
        snprintf(out, room, "%d text%s a head explain%s", most, most == 1 ? "" : "s",
                 most == 1 ? "s" : "");
}

clipspan_status cli_atlas_show_span(const cli_session *s, const clipspan_atlas *atlas,
                                    const cli_head_list *list, clipspan_error *err)
{
    const clipspan_atlas_info *info = clipspan_atlas_get_info(atlas);
    char heads[CLI_NUMBER_ROOM], named[CLI_NUMBER_ROOM], control[CLI_NUMBER_ROOM],
        distinct[CLI_NUMBER_ROOM];
    char texts[64];
    if (s->form == CLI_FORM_JSON) {
        cli_atlas_json(atlas, list, "clipspan.span.v1", 1);
        return CLIPSPAN_OK;
    }
    if (s->form == CLI_FORM_TSV) {
        cli_atlas_tsv_basis_texts(atlas, list);
        return CLIPSPAN_OK;
    }
    print_subject(s, atlas);
    CS_TRY(list->chosen ? print_cards(s, atlas, list, err) : print_heads(s, atlas, list, err));
    cli_count_of(heads, info->heads, "head");
    cli_count_of(distinct, info->distinct, "text");
    cli_format_percent(named, info->named);
    cli_format_percent(control, info->control_named);
    count_words(texts, sizeof texts, atlas);
    cli_say(s,
            "%s%s %s of the variance of %s, control texts %s; %s in all.\n"
            "Next:\n"
            "  clipspan roles %s",
            list->chosen ? "" : "\n", texts, named, heads, control, distinct, info->run->path);
    return CLIPSPAN_OK;
}

/* ---- Roles ---- */

/* How clear a head is: its role first, then its strength; without a role, how near chance it
 * came. */
typedef struct ranked {
    size_t at;
    int kind;
    double above;
} ranked;

static int by_clarity(const void *x, const void *y)
{
    const ranked *a = x, *b = y;
    if (a->kind != b->kind) return b->kind - a->kind;
    if (a->above != b->above) return a->above < b->above ? 1 : -1;
    return a->at < b->at ? -1 : a->at > b->at;
}

/* The list's heads, the clearest first; unchanged when they were chosen. */
static clipspan_status rank_heads(ranked **out, const clipspan_atlas *atlas,
                                  const cli_head_list *list, clipspan_error *err)
{
    ranked *r = cs_alloc(list->count, sizeof *r, "heads", err);
    *out = r;
    if (!r) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < list->count; i++) {
        const clipspan_role *role = clipspan_atlas_get_heads(atlas)[list->at[i]].role;
        r[i].at = list->at[i];
        r[i].kind = (int)role->outcome * 2 + (role->outcome == CLIPSPAN_OUTCOME_TOO_FEW_IMAGES) -
                    below_control(role);
        r[i].above = role->explained_variance[0];
        if (role->outcome < CLIPSPAN_OUTCOME_AMBIGUOUS && role->control_variance > 0)
            r[i].above /= role->control_variance;
    }
    if (!list->chosen) qsort(r, list->count, sizeof *r, by_clarity);
    return CLIPSPAN_OK;
}

static clipspan_status add_role(cli_table *table, const cli_session *s,
                                const clipspan_atlas_head *head, double full, clipspan_error *err)
{
    const clipspan_role *r = head->role;
    char words[256];
    role_words(words, sizeof words, head);
    CS_TRY(add_name(table, head->head, err));
    CS_TRY(add_share(table, s, head->variance_share->share > 0 ? head->variance_share->share : 0,
                     err));
    CS_TRY(cli_table_add(table, words, err));
    CS_TRY(add_share(table, s, r->explained_variance[0], err));
    CS_TRY(add_bar(table, s, r->explained_variance[0], full, err));
    CS_TRY(cli_table_add(table, r->category[1] ? r->category[1] : "", err));
    CS_TRY(add_share(table, s, r->explained_variance[1], err));
    CS_TRY(add_share(table, s, r->control_variance, err));
    CS_TRY(add_share(table, s, r->enrichment[0], err));
    return add_share(table, s, r->stability, err);
}

static clipspan_status print_roles(const cli_session *s, const clipspan_atlas *atlas,
                                   const ranked *order, size_t count, clipspan_error *err)
{
    static const char headers[] =
        "head|>share|role|>explained||runner-up|>explained|>chance|>purity|>stability";
    const clipspan_atlas_head *heads = clipspan_atlas_get_heads(atlas);
    clipspan_status status = CLIPSPAN_OK;
    double full = 0;
    cli_table table;
    cli_table_init(&table, headers);
    for (size_t i = 0; i < count; i++)
        if (heads[order[i].at].role->explained_variance[0] > full)
            full = heads[order[i].at].role->explained_variance[0];
    for (size_t i = 0; i < count; i++)
        CS_TRY_DONE(add_role(&table, s, &heads[order[i].at], full, err));
    cli_table_print(&table, s, stdout);
done:
    cli_table_fini(&table);
    return status;
}

/* What --heads asked for: one head in a sentence, of several how many have a role. */
static void print_head(const cli_session *s, const clipspan_atlas_info *info,
                       const clipspan_atlas_head *head)
{
    const clipspan_role *r = head->role;
    char share[CLI_NUMBER_ROOM], bound[CLI_NUMBER_ROOM], name[CLI_HEAD_ROOM];
    cli_head_name(name, head->head);
    cli_format_percent(share, r->explained_variance[0]);
    cli_format_percent(bound, r->control_variance);
    if (head->removed)
        cli_say(s, "%s was pruned and writes nothing.", name);
    else if (!r->category[0])
        cli_say(s, "%s has no role: none of its basis texts has a category.", name);
    else if (r->outcome == CLIPSPAN_OUTCOME_ROLE)
        cli_say(s, "%s has the role %s: %s of its variance, where chance reaches %s%s.", name,
                r->category[0], share, bound,
                below_control(r) ? "; as many control texts explain no less" : "");
    else if (r->outcome == CLIPSPAN_OUTCOME_AMBIGUOUS)
        cli_say(s, "%s is mixed: %s and %s.", name, r->category[0], r->category[1]);
    else if (r->outcome == CLIPSPAN_OUTCOME_TOO_FEW_IMAGES)
        cli_say(s,
                "%s has no role yet: %s, %s of its variance, would need stability, which takes "
                "more than 480 images (%llu here).",
                name, r->category[0], share, (unsigned long long)info->run->used);
    else
        cli_say(s,
                "%s has no role: its strongest category is %s, %s of its variance; chance "
                "reaches %s.",
                name, r->category[0], share, bound);
}

static void print_chosen(const cli_session *s, const clipspan_atlas *atlas,
                         const cli_head_list *list)
{
    const clipspan_atlas_head *heads = clipspan_atlas_get_heads(atlas);
    int clear = 0, mixed = 0;
    if (list->count == 1) {
        print_head(s, clipspan_atlas_get_info(atlas), &heads[list->at[0]]);
        return;
    }
    for (size_t i = 0; i < list->count; i++) {
        clear += heads[list->at[i]].role->outcome == CLIPSPAN_OUTCOME_ROLE;
        mixed += heads[list->at[i]].role->outcome == CLIPSPAN_OUTCOME_AMBIGUOUS;
    }
    if (clear + mixed == 0)
        cli_say(s, "None of these %zu heads has a role.", list->count);
    else
        cli_say(s, "%d of these %zu heads %s a clear role, %d %s mixed.", clear, list->count,
                clear == 1 ? "has" : "have", mixed, mixed == 1 ? "is" : "are");
}

/* The one line that matters, and what to run next. */
static void print_finding(const cli_session *s, const clipspan_atlas *atlas,
                          const cli_head_list *list, const clipspan_atlas_head *clearest)
{
    const clipspan_atlas_info *info = clipspan_atlas_get_info(atlas);
    const clipspan_role *r = clearest->role;
    char heads[CLI_NUMBER_ROOM], share[CLI_NUMBER_ROOM], back[CLI_NUMBER_ROOM], name[CLI_HEAD_ROOM];
    int below = 0;
    for (size_t i = 0; i < info->heads; i++)
        below += below_control(clipspan_atlas_get_heads(atlas)[i].role);
    cli_count_of(heads, info->heads, "head");
    cli_format_percent(share, r->explained_variance[0]);
    cli_format_percent(back, r->stability > 0 ? r->stability : 0);
    cli_head_name(name, clearest->head);
    if (info->pool_categories == 0)
        cli_say(s, "The pool has no categories, so heads have basis texts but no roles.");
    else if (list->chosen)
        print_chosen(s, atlas, list);
    else if (r->outcome == CLIPSPAN_OUTCOME_ROLE)
        cli_say(s,
                "%d of %s %s a clear role (%d of them no better named than by control texts), %d "
                "%s mixed.\n%s answers to %s: %s of its variance, back in %s of resamples.",
                info->role, heads, info->role == 1 ? "has" : "have", below, info->ambiguous,
                info->ambiguous == 1 ? "is" : "are", name, r->category[0], share, back);
    else if (info->resamples == 0)
        cli_say(s,
                "No role is claimed without stability, which takes more than 480 images (%llu "
                "here);\n%d of %s would pass otherwise.",
                (unsigned long long)info->run->used, info->too_few, heads);
    else
        cli_say(s, "None of %s has a clear role, %d %s mixed.", heads, info->ambiguous,
                info->ambiguous == 1 ? "is" : "are");
    cli_say(s, "Next:\n  clipspan span %s --heads %s", info->run->path, name);
}

clipspan_status cli_atlas_show_roles(const cli_session *s, const clipspan_atlas *atlas,
                                     const cli_head_list *list, int of_atlas, clipspan_error *err)
{
    clipspan_status status;
    size_t shown = list->count;
    ranked *order;
    if (s->form == CLI_FORM_JSON) {
        cli_atlas_json(atlas, list, of_atlas ? "clipspan.atlas.v1" : "clipspan.roles.v1", of_atlas);
        return CLIPSPAN_OK;
    }
    if (s->form == CLI_FORM_TSV) {
        cli_atlas_tsv_roles(atlas, list);
        return CLIPSPAN_OK;
    }
    CS_TRY(rank_heads(&order, atlas, list, err));
    if (!list->chosen && shown > SHOWN) shown = SHOWN;
    print_subject(s, atlas);
    status = print_roles(s, atlas, order, shown, err);
    if (status == CLIPSPAN_OK && list->count) {
        if (shown < list->count)
            cli_say(s, "  and %zu more, less clear; --tsv has all", list->count - shown);
        putchar('\n');
        print_finding(s, atlas, list, &clipspan_atlas_get_heads(atlas)[order[0].at]);
    }
    cs_free(order);
    return status;
}
