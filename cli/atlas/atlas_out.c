/* SPDX-License-Identifier: MIT */
/* Basis texts of heads for people, and what tables of heads share. */
#include "cli/atlas/atlas_out.h"
#include "base/memory.h"
#include "cli/atlas/outcome.h"
#include "cli/in/heads.h"
#include "cli/out/numbers.h"
#include "cli/out/table.h"

#include <clipspan/clipspan.h>
#include <string.h>

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
        list->chosen = list->all = 1;
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

clipspan_status cli_atlas_add_share(cli_table *table, const cli_session *s, double share,
                                    clipspan_error *err)
{
    char text[CLI_NUMBER_ROOM];
    if (share < 0) return cli_table_add(table, dash(s), err);
    cli_format_percent(text, share);
    return cli_table_add(table, text, err);
}

clipspan_status cli_atlas_add_bar(cli_table *table, const cli_session *s, double share, double full,
                                  clipspan_error *err)
{
    char bar[CLI_BAR_ROOM];
    cli_bar(bar, s, full > 0 ? share / full : 0, BAR_CELLS);
    return cli_table_add(table, bar, err);
}

clipspan_status cli_atlas_add_name(cli_table *table, clipspan_head head, clipspan_error *err)
{
    char name[CLI_HEAD_ROOM];
    cli_head_name(name, head);
    return cli_table_add(table, name, err);
}

void cli_atlas_print_subject(const cli_session *s, const clipspan_atlas *atlas)
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

/* Heads of the list that contribute little. */
static size_t count_minor(const clipspan_atlas *atlas, const cli_head_list *list)
{
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++)
        count += clipspan_atlas_get_heads(atlas)[list->at[i]].minor != 0;
    return count;
}

void cli_atlas_say_minor(const cli_session *s, const clipspan_atlas *atlas,
                         const cli_head_list *list, size_t others)
{
    const size_t minor = list->all ? 0 : count_minor(atlas, list);
    char least[CLI_NUMBER_ROOM], sum[CLI_NUMBER_ROOM];
    cli_format_percent(least, CLIPSPAN_MINOR_SHARE);
    cli_format_percent(sum, clipspan_atlas_get_info(atlas)->minor_share);
    if (minor)
        cli_say(s,
                "  and %zu head%s of little effect (under %s of the embedding's variance each, %s "
                "together); --all shows %s",
                minor, minor == 1 ? "" : "s", least, sum, minor == 1 ? "it" : "them");
    if (others) cli_say(s, "  and %zu more; --all shows all", others);
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
    return cli_atlas_add_share(table, s, head->basis_text[k].basis_text->share, err);
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
        if (head->minor && !list->all) continue;
        CS_TRY_DONE(cli_atlas_add_name(&table, head->head, err));
        CS_TRY_DONE(cli_atlas_add_share(&table, s, last ? last->cumulated : -1.0, err));
        CS_TRY_DONE(cli_atlas_add_share(&table, s, last ? last->control_cumulated : -1.0, err));
        CS_TRY_DONE(add_basis_text(&table, s, head, 0, texts, err));
        CS_TRY_DONE(add_basis_text(&table, s, head, 1, texts, err));
    }
    cli_table_print(&table, s, stdout);
    cli_atlas_say_minor(s, atlas, list, 0);
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
    double full = 0;
    cli_table_init(&table, headers);
    for (int k = 0; k < head->basis_texts; k++)
        if (head->basis_text[k].basis_text->share > full)
            full = head->basis_text[k].basis_text->share;
    for (int k = 0; k < head->basis_texts; k++) {
        const clipspan_basis_text *p = head->basis_text[k].basis_text;
        char ratio[CLI_NUMBER_ROOM] = "";
        CS_TRY_DONE(cli_atlas_add_share(&table, s, p->share, err));
        CS_TRY_DONE(cli_atlas_add_bar(&table, s, p->share, full, err));
        CS_TRY_DONE(cli_table_add(&table, texts[p->text].text, err));
        CS_TRY_DONE(cli_table_add(&table, texts[p->text].category, err));
        CS_TRY_DONE(cli_atlas_add_share(&table, s, p->any_place, err));
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
        printf("  %-6s%+8.3f  ", i ? "" : title, extreme[i].projection);
        cli_print_text(stdout, s, clipspan_atlas_get_images(atlas)[extreme[i].image].path, 18, 18);
        putchar('\n');
    }
}

/* One head in full. */
static clipspan_status print_card(const cli_session *s, const clipspan_atlas *atlas,
                                  const clipspan_atlas_head *head, clipspan_error *err)
{
    char name[CLI_HEAD_ROOM], role[CLI_OUTCOME_ROOM], effect[CLI_NUMBER_ROOM],
        named[CLI_NUMBER_ROOM], control[CLI_NUMBER_ROOM];
    cli_head_name(name, head->head);
    cli_outcome_say(role, atlas, head);
    cli_format_percent(effect, head->variance_share->share);
    printf("%s%s%s\n", s->bold_out ? "\033[1m" : "", name, s->bold_out ? "\033[0m" : "");
    cli_say(s, "  %s", role);
    cli_say(s, "  %s of the embedding's variance, rank %d", effect, head->rank);
    CS_TRY(print_basis_texts(s, atlas, head, err));
    if (head->basis_texts) {
        cli_format_percent(named, head->basis_text[head->basis_texts - 1].cumulated);
        cli_format_percent(control, head->basis_text[head->basis_texts - 1].control_cumulated);
        putchar('\n');
        cli_say(s, "  %d text%s explain%s %s of its variance, as many control texts %s",
                head->basis_texts, head->basis_texts == 1 ? "" : "s",
                head->basis_texts == 1 ? "s" : "", named, control);
    }
    if (head->top_count + head->bottom_count) {
        putchar('\n');
        cli_say(s, "  images farthest along the first basis text, with their centred projections");
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
        snprintf(out, room, "%d to %d texts per head explain", least, most);
    else
        snprintf(out, room, "%d text%s a head explain%s", most, most == 1 ? "" : "s",
                 most == 1 ? "s" : "");
}

/* How much of what varies basis texts explain. */
static void say_explained(const cli_session *s, const clipspan_atlas *atlas)
{
    const clipspan_atlas_info *info = clipspan_atlas_get_info(atlas);
    char heads[CLI_NUMBER_ROOM], named[CLI_NUMBER_ROOM], control[CLI_NUMBER_ROOM],
        distinct[CLI_NUMBER_ROOM], texts[64];
    if (info->named < 0) {
        cli_say(s, "No head's output varies over the images, so there is nothing to explain.");
        return;
    }
    cli_count_of(heads, info->heads, "head");
    cli_count_of(distinct, info->distinct, "text");
    cli_format_percent(named, info->named);
    cli_format_percent(control, info->control_named);
    count_words(texts, sizeof texts, atlas);
    cli_say(s, "%s %s of the variance of %s, control texts %s; %s in all.", texts, named, heads,
            control, distinct);
}

clipspan_status cli_atlas_show_span(const cli_session *s, const clipspan_atlas *atlas,
                                    const cli_head_list *list, clipspan_error *err)
{
    const clipspan_atlas_info *info = clipspan_atlas_get_info(atlas);
    if (s->form == CLI_FORM_JSON) {
        cli_atlas_json(atlas, list, "clipspan.span.v1", 1);
        return CLIPSPAN_OK;
    }
    if (s->form == CLI_FORM_TSV) {
        cli_atlas_tsv_basis_texts(s, atlas, list);
        return CLIPSPAN_OK;
    }
    cli_atlas_print_subject(s, atlas);
    CS_TRY(list->chosen ? print_cards(s, atlas, list, err) : print_heads(s, atlas, list, err));
    if (!list->chosen) putchar('\n');
    say_explained(s, atlas);
    cli_say(s, "Next:");
    cli_say(s, "  clipspan roles %s", info->run->path);
    return CLIPSPAN_OK;
}
