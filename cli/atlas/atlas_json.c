/* SPDX-License-Identifier: MIT */
/* Atlases for programs: one JSON document, or tab-separated rows. */
#include "cli/atlas/atlas_out.h"
#include "cli/atlas/outcome.h"
#include "cli/in/heads.h"
#include "cli/out/json_out.h"
#include "cli/out/table.h"

#include <clipspan/clipspan.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

/* A share that was not tested is null. */
static void tested(cli_json *j, const char *key, double value)
{
    if (value < 0)
        cli_json_text(j, key, NULL);
    else
        cli_json_real(j, key, value);
}

/* whole: the embedding's variance, without which there is no share of it. */
static void variance_share(cli_json *j, const char *key, clipspan_variance_share s, double whole)
{
    cli_json_row(j, key);
    cli_json_real(j, "share", whole > 0 ? s.share : (double)NAN);
    cli_json_real(j, "variance", s.variance);
    cli_json_end(j);
}

void cli_atlas_json_outcomes(cli_json *j, const clipspan_atlas_info *i)
{
    cli_json_row(j, "outcomes");
    cli_json_whole(j, "role", (uint64_t)i->role);
    cli_json_whole(j, "leaning", (uint64_t)i->leaning);
    cli_json_whole(j, "ambiguous", (uint64_t)i->ambiguous);
    cli_json_whole(j, "none", (uint64_t)i->none);
    cli_json_whole(j, "too_few_images", (uint64_t)i->too_few);
    cli_json_whole(j, "pruned", (uint64_t)i->removed);
    cli_json_end(j);
}

static void facts(cli_json *j, const clipspan_atlas_info *i)
{
    cli_json_text(j, "run", i->run->path);
    cli_json_text(j, "model", i->run->model_name);
    cli_json_text(j, "sha256", i->run->model_hash);
    cli_json_whole(j, "images", i->run->used);
    cli_json_whole(j, "blocks", i->run->blocks);
    cli_json_object(j, "pool");
    cli_json_text(j, "name", i->pool);
    cli_json_text(j, "sha256", i->pool_hash);
    cli_json_whole(j, "texts", i->pool_texts);
    cli_json_whole(j, "categories", i->pool_categories);
    cli_json_whole(j, "control_texts", i->control_texts);
    cli_json_end(j);
    cli_json_whole(j, "first_layer", (uint64_t)i->first_layer);
    cli_json_whole(j, "last_layer", (uint64_t)i->last_layer);
    cli_json_whole(j, "basis_texts", (uint64_t)i->basis_texts);
    cli_json_whole(j, "rank", (uint64_t)i->rank);
    cli_json_whole(j, "resamples", (uint64_t)i->resamples);
    cli_json_whole(j, "seed", i->seed);
    cli_json_real(j, "fdr", i->fdr);
    cli_json_whole(j, "rotations", (uint64_t)i->rotations);
    cli_json_whole(j, "control_pools", (uint64_t)i->control_pools);
    cli_json_whole(j, "tested", (uint64_t)i->tested);
    cli_atlas_json_outcomes(j, i);
    cli_json_real(j, "expected_false_claims", i->expected_false_claims);
    cli_json_whole(j, "minor", (uint64_t)i->minor);
    cli_json_real(j, "heads_share", i->heads_share);
    cli_json_real(j, "role_share", i->role_share);
    cli_json_real(j, "leaning_share", i->leaning_share);
    cli_json_real(j, "minor_share", i->minor_share);
    cli_json_whole(j, "distinct_texts", i->distinct);
    tested(j, "named", i->named);
    tested(j, "control_named", i->control_named);
    cli_json_real(j, "embedding_variance", i->embedding_variance);
    variance_share(j, "input", *i->input, i->embedding_variance);
}

static void layers(cli_json *j, const clipspan_atlas *atlas)
{
    const clipspan_atlas_layer *layer = clipspan_atlas_get_layers(atlas);
    const double whole = clipspan_atlas_get_info(atlas)->embedding_variance;
    cli_json_array(j, "layers");
    for (int l = 0; l < clipspan_atlas_get_info(atlas)->run->layers; l++) {
        cli_json_row(j, NULL);
        cli_json_whole(j, "layer", (uint64_t)l);
        variance_share(j, "attention", *layer[l].attention, whole);
        variance_share(j, "class_self_attention", *layer[l].class_self_attention, whole);
        variance_share(j, "mlp", *layer[l].mlp, whole);
        tested(j, "named", layer[l].named);
        tested(j, "control_named", layer[l].control_named);
        cli_json_whole(j, "role", (uint64_t)layer[l].role);
        cli_json_whole(j, "leaning", (uint64_t)layer[l].leaning);
        cli_json_whole(j, "ambiguous", (uint64_t)layer[l].ambiguous);
        cli_json_end(j);
    }
    cli_json_end(j);
}

static void role_of(cli_json *j, const clipspan_atlas_head *head)
{
    const clipspan_role *r = head->role;
    cli_json_row(j, "role");
    cli_json_text(j, "outcome", cli_head_outcome_key(head));
    cli_json_text(j, "category", r->category[0]);
    cli_json_text(j, "by", r->by_answers ? "answers" : "texts");
    tested(j, "enrichment", r->category[0] ? r->enrichment[0] : -1);
    tested(j, "p", r->p);
    tested(j, "q", r->q);
    tested(j, "relabelled_p", r->relabelled_p);
    tested(j, "explained_variance", r->category[0] ? r->explained_variance[0] : -1);
    tested(j, "control_variance", r->control_variance);
    cli_json_whole(j, "control_above", (uint64_t)r->control_above);
    cli_json_whole(j, "control_pools", (uint64_t)r->control_pools);
    cli_json_text(j, "runner_up", r->category[1]);
    tested(j, "runner_up_enrichment", r->category[1] ? r->enrichment[1] : -1);
    tested(j, "runner_up_explained_variance", r->category[1] ? r->explained_variance[1] : -1);
    tested(j, "stability", r->stability);
    tested(j, "category_returns", r->category_returns);
    cli_json_text(j, "first_category", r->first_category);
    cli_json_whole(j, "entering", (uint64_t)r->entering);
    tested(j, "named", head->variance > 0 ? r->named : -1.0);
    tested(j, "control_named", head->variance > 0 ? r->control_named : -1.0);
    cli_json_end(j);
}

static void others(cli_json *j, const char *key, const clipspan_runner_up *runner_up, int count,
                   const clipspan_atlas_text *texts)
{
    cli_json_array(j, key);
    for (int i = 0; i < count; i++) {
        cli_json_row(j, NULL);
        cli_json_text(j, "text", texts[runner_up[i].text].text);
        cli_json_real(j, "ratio", runner_up[i].ratio);
        cli_json_end(j);
    }
    cli_json_end(j);
}

static void basis_texts_of(cli_json *j, const clipspan_atlas_head *head,
                           const clipspan_atlas_text *texts)
{
    cli_json_array(j, "basis_texts");
    for (int k = 0; k < head->basis_texts; k++) {
        const clipspan_atlas_basis_text *p = &head->basis_text[k];
        cli_json_row(j, NULL);
        cli_json_text(j, "text", texts[p->basis_text->text].text);
        cli_json_text(j, "category", texts[p->basis_text->text].category);
        cli_json_real(j, "share", p->basis_text->share);
        cli_json_real(j, "cumulated", p->cumulated);
        cli_json_real(j, "control_cumulated", p->control_cumulated);
        cli_json_real(j, "variance", p->basis_text->variance);
        tested(j, "same_place", p->basis_text->same_place);
        tested(j, "any_place", p->basis_text->any_place);
        others(j, "runners_up", p->basis_text->runner_up, p->basis_text->runners_up, texts);
        others(j, "near_duplicates", p->basis_text->near_duplicate, p->basis_text->near_duplicates,
               texts);
        cli_json_end(j);
    }
    cli_json_end(j);
}

static void extremes_of(cli_json *j, const char *key, const clipspan_atlas_extreme *extreme,
                        int count, const clipspan_atlas_image *images)
{
    cli_json_array(j, key);
    for (int i = 0; i < count; i++) {
        cli_json_row(j, NULL);
        cli_json_text(j, "path", images[extreme[i].image].path);
        cli_json_real(j, "projection", extreme[i].projection);
        cli_json_end(j);
    }
    cli_json_end(j);
}

void cli_atlas_json(const clipspan_atlas *atlas, const cli_head_list *list, const char *schema,
                    int basis_texts)
{
    const clipspan_atlas_text *texts = clipspan_atlas_get_texts(atlas);
    const clipspan_atlas_image *images = clipspan_atlas_get_images(atlas);
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
        variance_share(&j, "variance_share", *head->variance_share,
                       clipspan_atlas_get_info(atlas)->embedding_variance);
        cli_json_real(&j, "weight", head->weight);
        cli_json_flag(&j, "minor", head->minor);
        cli_json_real(&j, "variance", head->variance);
        cli_json_whole(&j, "rank", (uint64_t)head->rank);
        role_of(&j, head);
        if (basis_texts) {
            basis_texts_of(&j, head, texts);
            extremes_of(&j, "positive", head->top, head->top_count, images);
            extremes_of(&j, "negative", head->bottom, head->bottom_count, images);
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

static void put_text(const cli_session *s, const char *text)
{
    putchar('\t');
    cli_print_tsv_cell(stdout, s, text ? text : "");
}

static void put_others(const cli_session *s, const clipspan_runner_up *runner_up, int count,
                       const clipspan_atlas_text *texts)
{
    for (int i = 0; i < CLIPSPAN_RUNNERS_UP; i++) {
        put_text(s, i < count ? texts[runner_up[i].text].text : "");
        put(i < count ? runner_up[i].ratio : -1.0);
    }
}

void cli_atlas_tsv_basis_texts(const cli_session *s, const clipspan_atlas *atlas,
                               const cli_head_list *list)
{
    const clipspan_atlas_text *texts = clipspan_atlas_get_texts(atlas);
    fputs("head\tlayer\tnumber\tbasis_text\ttext\tcategory\tshare\tcumulated\tcontrol_"
          "cumulated\tvariance\t"
          "same_place\tany_place",
          stdout);
    for (int i = 1; i <= CLIPSPAN_RUNNERS_UP; i++)
        printf("\trunner_up_%d\trunner_up_%d_ratio", i, i);
    for (int i = 1; i <= CLIPSPAN_RUNNERS_UP; i++)
        printf("\tnear_duplicate_%d\tnear_duplicate_%d_ratio", i, i);
    puts("\tpool");
    for (size_t i = 0; i < list->count; i++) {
        const clipspan_atlas_head *head = &clipspan_atlas_get_heads(atlas)[list->at[i]];
        for (int k = 0; k < head->basis_texts; k++) {
            const clipspan_atlas_basis_text *p = &head->basis_text[k];
            printf("L%d.H%d\t%d\t%d\t%d", head->head.layer, head->head.head, head->head.layer,
                   head->head.head, k + 1);
            put_text(s, texts[p->basis_text->text].text);
            put_text(s, texts[p->basis_text->text].category);
            put(p->basis_text->share);
            put(p->cumulated);
            put(p->control_cumulated);
            put(p->basis_text->variance);
            put(p->basis_text->same_place);
            put(p->basis_text->any_place);
            put_others(s, p->basis_text->runner_up, p->basis_text->runners_up, texts);
            put_others(s, p->basis_text->near_duplicate, p->basis_text->near_duplicates, texts);
            put_text(s, clipspan_atlas_get_info(atlas)->pool);
            putchar('\n');
        }
    }
}

void cli_atlas_tsv_roles(const cli_session *s, const clipspan_atlas *atlas,
                         const cli_head_list *list)
{
    puts("head\tlayer\tnumber\tshare\tvariance\trank\toutcome\tcategory\tweight\tminor\t"
         "enrichment\tp\tq\trelabelled_p\texplained_variance\tcontrol_variance\t"
         "control_above\tcontrol_pools\trunner_up\trunner_up_enrichment\t"
         "runner_up_explained_variance\tstability\tcategory_returns\tfirst_category\tnamed\t"
         "control_named\tpool");
    for (size_t i = 0; i < list->count; i++) {
        const clipspan_atlas_head *head = &clipspan_atlas_get_heads(atlas)[list->at[i]];
        const clipspan_role *r = head->role;
        printf("L%d.H%d\t%d\t%d\t%.9g\t%.9g\t%d\t%s", head->head.layer, head->head.head,
               head->head.layer, head->head.head, head->variance_share->share, head->variance,
               head->rank, cli_head_outcome_key(head));
        put_text(s, r->category[0]);
        printf("\t%.9g\t%d", head->weight, head->minor);
        put(r->category[0] ? r->enrichment[0] : -1);
        put(r->p);
        put(r->q);
        put(r->relabelled_p);
        put(r->category[0] ? r->explained_variance[0] : -1);
        put(r->control_variance);
        printf("\t%d\t%d", r->control_above, r->control_pools);
        put_text(s, r->category[1]);
        put(r->category[1] ? r->enrichment[1] : -1);
        put(r->category[1] ? r->explained_variance[1] : -1);
        put(r->stability);
        put(r->category_returns);
        put_text(s, r->first_category);
        put(head->variance > 0 ? r->named : -1.0);
        put(head->variance > 0 ? r->control_named : -1.0);
        put_text(s, clipspan_atlas_get_info(atlas)->pool);
        putchar('\n');
    }
}
