/* SPDX-License-Identifier: MIT */
/* Atlases for programs: one JSON document, or tab-separated rows. */
#include "cli/atlas/atlas_out.h"
#include "cli/in/heads.h"
#include "cli/out/json_out.h"
#include "cli/out/table.h"

#include <clipspan/clipspan.h>
#include <inttypes.h>
#include <string.h>

const char *cli_role_word(const clipspan_atlas_head *head)
{
    const clipspan_role *role = &head->role;
    return head->removed                       ? "removed"
           : role->kind == CLIPSPAN_ROLE_CLEAR ? "clear"
           : role->kind == CLIPSPAN_ROLE_MIXED ? "mixed"
                                               : "none";
}

/* A share that was not tested is null. */
static void tested(cli_json *j, const char *key, double value)
{
    if (value < 0)
        cli_json_text(j, key, NULL);
    else
        cli_json_real(j, key, value);
}

static void strength(cli_json *j, const char *key, clipspan_strength s)
{
    cli_json_row(j, key);
    cli_json_real(j, "share", s.share);
    cli_json_real(j, "variance", s.variance);
    cli_json_end(j);
}

static void facts(cli_json *j, const clipspan_atlas_info *i)
{
    cli_json_text(j, "run", i->run->path);
    cli_json_text(j, "model", i->run->model_name);
    cli_json_text(j, "sha256", i->run->model_hash);
    cli_json_whole(j, "pictures", i->run->used);
    cli_json_whole(j, "blocks", i->run->blocks);
    cli_json_object(j, "pool");
    cli_json_text(j, "name", i->pool);
    cli_json_text(j, "sha256", i->pool_hash);
    cli_json_whole(j, "texts", i->pool_texts);
    cli_json_whole(j, "categories", i->pool_categories);
    cli_json_whole(j, "null_texts", i->null_texts);
    cli_json_end(j);
    cli_json_whole(j, "first_layer", (uint64_t)i->first_layer);
    cli_json_whole(j, "last_layer", (uint64_t)i->last_layer);
    cli_json_whole(j, "picks", (uint64_t)i->picks);
    cli_json_whole(j, "rank", (uint64_t)i->rank);
    cli_json_whole(j, "resamples", (uint64_t)i->resamples);
    cli_json_whole(j, "seed", i->seed);
    cli_json_whole(j, "clear", (uint64_t)i->clear);
    cli_json_whole(j, "mixed", (uint64_t)i->mixed);
    cli_json_whole(j, "none", (uint64_t)i->none);
    cli_json_whole(j, "removed", (uint64_t)i->removed);
    cli_json_whole(j, "untested", (uint64_t)i->untested);
    cli_json_whole(j, "distinct_texts", i->distinct);
    cli_json_real(j, "named", i->named);
    cli_json_real(j, "null_named", i->null_named);
    cli_json_real(j, "embedding_variance", i->embedding_variance);
    strength(j, "input", i->input);
}

static void layers(cli_json *j, const clipspan_atlas *atlas)
{
    const clipspan_atlas_layer *layer = clipspan_atlas_get_layers(atlas);
    cli_json_array(j, "layers");
    for (int l = 0; l < clipspan_atlas_get_info(atlas)->run->layers; l++) {
        cli_json_row(j, NULL);
        cli_json_whole(j, "layer", (uint64_t)l);
        strength(j, "attention", layer[l].attention);
        strength(j, "class_part", layer[l].class_part);
        strength(j, "mlp", layer[l].mlp);
        tested(j, "named", layer[l].named);
        tested(j, "null_named", layer[l].null_named);
        cli_json_whole(j, "clear", (uint64_t)layer[l].clear);
        cli_json_whole(j, "mixed", (uint64_t)layer[l].mixed);
        cli_json_end(j);
    }
    cli_json_end(j);
}

static void role_of(cli_json *j, const clipspan_atlas_head *head)
{
    const clipspan_role *r = &head->role;
    cli_json_row(j, "role");
    cli_json_text(j, "kind", cli_role_word(head));
    cli_json_text(j, "category", r->category[0]);
    cli_json_real(j, "strength", r->strength[0]);
    cli_json_text(j, "runner_up", r->category[1]);
    cli_json_real(j, "runner_up_strength", r->strength[1]);
    cli_json_real(j, "bound", r->bound);
    cli_json_real(j, "purity", r->purity);
    tested(j, "stability", r->stability);
    tested(j, "category_returns", r->category_returns);
    cli_json_flag(j, "untested", r->untested);
    cli_json_whole(j, "entering", (uint64_t)r->entering);
    cli_json_real(j, "named", r->named);
    tested(j, "null_named", r->null_named);
    cli_json_end(j);
}

static void others(cli_json *j, const char *key, const clipspan_rival *rival, int count,
                   const clipspan_atlas_text *texts)
{
    cli_json_array(j, key);
    for (int i = 0; i < count; i++) {
        cli_json_row(j, NULL);
        cli_json_text(j, "text", texts[rival[i].text].text);
        cli_json_real(j, "ratio", rival[i].ratio);
        cli_json_end(j);
    }
    cli_json_end(j);
}

static void picks_of(cli_json *j, const clipspan_atlas_head *head, const clipspan_atlas_text *texts)
{
    cli_json_array(j, "picks");
    for (int k = 0; k < head->picks; k++) {
        const clipspan_atlas_pick *p = &head->pick[k];
        cli_json_row(j, NULL);
        cli_json_text(j, "text", texts[p->pick.text].text);
        cli_json_text(j, "category", texts[p->pick.text].category);
        cli_json_real(j, "share", p->pick.share);
        cli_json_real(j, "cumulated", p->cumulated);
        cli_json_real(j, "null_cumulated", p->null_cumulated);
        cli_json_real(j, "variance", p->pick.variance);
        tested(j, "same_place", p->pick.same_place);
        tested(j, "any_place", p->pick.any_place);
        others(j, "rivals", p->pick.rival, p->pick.rivals, texts);
        others(j, "synonyms", p->pick.synonym, p->pick.synonyms, texts);
        cli_json_end(j);
    }
    cli_json_end(j);
}

static void poles_of(cli_json *j, const char *key, const clipspan_atlas_pole *pole, int count,
                     const clipspan_atlas_picture *pictures)
{
    cli_json_array(j, key);
    for (int i = 0; i < count; i++) {
        cli_json_row(j, NULL);
        cli_json_text(j, "path", pictures[pole[i].picture].path);
        cli_json_real(j, "projection", pole[i].projection);
        cli_json_end(j);
    }
    cli_json_end(j);
}

void cli_atlas_json(const clipspan_atlas *atlas, const cli_head_list *list, const char *schema,
                    int picks)
{
    const clipspan_atlas_text *texts = clipspan_atlas_get_texts(atlas);
    const clipspan_atlas_picture *pictures = clipspan_atlas_get_pictures(atlas);
    cli_json j;
    cli_json_begin(&j, stdout, 0, schema);
    facts(&j, clipspan_atlas_get_info(atlas));
    layers(&j, atlas);
    cli_json_array(&j, "heads");
    for (size_t i = 0; i < list->count; i++) {
        const clipspan_atlas_head *head = &clipspan_atlas_get_heads(atlas)[list->at[i]];
        char name[CLI_HEAD_ROOM];
        cli_head_name(name, head->head);
        cli_json_object(&j, NULL);
        cli_json_text(&j, "head", name);
        cli_json_whole(&j, "layer", (uint64_t)head->head.layer);
        cli_json_whole(&j, "number", (uint64_t)head->head.head);
        strength(&j, "strength", head->strength);
        cli_json_real(&j, "variance", head->variance);
        cli_json_whole(&j, "rank", (uint64_t)head->rank);
        role_of(&j, head);
        if (picks) {
            picks_of(&j, head, texts);
            poles_of(&j, "positive", head->positive, head->positives, pictures);
            poles_of(&j, "negative", head->negative, head->negatives, pictures);
        }
        cli_json_end(&j);
    }
    cli_json_end(&j);
    cli_json_finish(&j);
}

/* ---- Rows ---- */

/* A number behind a tab; what was not tested is empty. */
static void put(double value)
{
    if (value < 0)
        putchar('\t');
    else
        printf("\t%.9g", value);
}

static void put_text(const char *text)
{
    putchar('\t');
    cli_print_tsv_cell(stdout, text ? text : "");
}

static void put_others(const clipspan_rival *rival, int count, const clipspan_atlas_text *texts)
{
    for (int i = 0; i < CLIPSPAN_RIVALS; i++) {
        put_text(i < count ? texts[rival[i].text].text : "");
        put(i < count ? rival[i].ratio : -1.0);
    }
}

void cli_atlas_tsv_picks(const clipspan_atlas *atlas, const cli_head_list *list)
{
    const clipspan_atlas_text *texts = clipspan_atlas_get_texts(atlas);
    fputs("head\tlayer\tnumber\tpick\ttext\tcategory\tshare\tcumulated\tnull_cumulated\tvariance\t"
          "same_place\tany_place",
          stdout);
    for (int i = 1; i <= CLIPSPAN_RIVALS; i++)
        printf("\trival_%d\trival_%d_ratio", i, i);
    for (int i = 1; i <= CLIPSPAN_RIVALS; i++)
        printf("\tsynonym_%d\tsynonym_%d_ratio", i, i);
    putchar('\n');
    for (size_t i = 0; i < list->count; i++) {
        const clipspan_atlas_head *head = &clipspan_atlas_get_heads(atlas)[list->at[i]];
        for (int k = 0; k < head->picks; k++) {
            const clipspan_atlas_pick *p = &head->pick[k];
            printf("L%d.H%d\t%d\t%d\t%d", head->head.layer, head->head.head, head->head.layer,
                   head->head.head, k + 1);
            put_text(texts[p->pick.text].text);
            put_text(texts[p->pick.text].category);
            put(p->pick.share);
            put(p->cumulated);
            put(p->null_cumulated);
            put(p->pick.variance);
            put(p->pick.same_place);
            put(p->pick.any_place);
            put_others(p->pick.rival, p->pick.rivals, texts);
            put_others(p->pick.synonym, p->pick.synonyms, texts);
            putchar('\n');
        }
    }
}

void cli_atlas_tsv_roles(const clipspan_atlas *atlas, const cli_head_list *list)
{
    puts("head\tlayer\tnumber\tdirect_effect\tvariance\trank\trole\tcategory\tstrength\trunner_up\t"
         "runner_up_strength\tbound\tpurity\tstability\tcategory_returns\tuntested\tnamed\t"
         "null_named");
    for (size_t i = 0; i < list->count; i++) {
        const clipspan_atlas_head *head = &clipspan_atlas_get_heads(atlas)[list->at[i]];
        const clipspan_role *r = &head->role;
        printf("L%d.H%d\t%d\t%d\t%.9g\t%.9g\t%d\t%s", head->head.layer, head->head.head,
               head->head.layer, head->head.head, head->strength.share, head->variance, head->rank,
               cli_role_word(head));
        put_text(r->category[0]);
        put(r->strength[0]);
        put_text(r->category[1]);
        put(r->strength[1]);
        put(r->bound);
        put(r->purity);
        put(r->stability);
        put(r->category_returns);
        printf("\t%d", r->untested);
        put(r->named);
        put(r->null_named);
        putchar('\n');
    }
}
