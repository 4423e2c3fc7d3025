/* SPDX-License-Identifier: MIT */
/* The demo's chapter on search: are the nearest look scenes of a test scene alike in one property,
 * by whole embeddings and by the heads that have the property for a role? */
#include "base/memory.h"
#include "base/top.h"
#include "cli/demo/demo.h"
#include "cli/out/numbers.h"

#include <clipspan/clipspan.h>
#include <string.h>

#define AT_ONCE CLIPSPAN_DECOMPOSITION_MOST
#define NEAREST 10
#define SHOWN   "colour"               /* the property of which the first query's hits are shown */
#define FACTORS (CLI_DEMO_FACTORS - 1) /* without the bird, which is no property of alike scenes */

/* What one query finds. */
typedef struct hits {
    size_t count, alike;
    size_t scene[NEAREST]; /* of the look split's list */
    double score[NEAREST];
} hits;

typedef struct looking {
    cli_demo_job *demo;
    size_t LH, P, queries, images;
    size_t *query;       /* [queries] scenes of test.csv */
    char scene[64];      /* the first, as commands take it */
    float *heads;        /* [queries, L H, P] what each head wrote for them */
    float *embeddings;   /* [queries, P] */
    uint64_t *number;    /* [images] of the run, in the list, by place */
    float *picked;       /* [L H, P] a query */
    double *scores;      /* [images] */
    clipspan_head *role; /* [L H] */
    hits first[2];       /* of the first query: by whole embedding, and by its colour's heads */
} looking;

typedef struct finding {
    size_t heads;
    double whole, role, chance; /* shares of the nearest that are alike */
} finding;

static int note_number(void *user, const clipspan_run_image *image)
{
    looking *j = user;
    j->number[image->run_index] = image->list_index;
    return 0;
}

/* ---- Queries: the test scenes that have all properties ---- */

static clipspan_status take_some(looking *j, clipspan_decomposition *parts,
                                 const char *const *paths, size_t first, size_t count,
                                 clipspan_error *err)
{
    CS_TRY(clipspan_decomposition_run_files(parts, NULL, paths, count, err));
    memcpy(j->embeddings + first * j->P, clipspan_decomposition_get_embeddings(parts),
           count * j->P * sizeof *j->embeddings);
    for (size_t i = 0; i < count; i++)
        CS_TRY(clipspan_decomposition_run_contributions(j->heads + (first + i) * j->LH * j->P, NULL,
                                                        NULL, NULL, parts, i, err));
    return cli_keep_going(j->demo->session, err);
}

static clipspan_status take_apart(looking *j, const clipspan_inputs *scenes, clipspan_error *err)
{
    clipspan_encoder_options options = CLIPSPAN_ENCODER_OPTIONS_INIT;
    clipspan_encoder *encoder = NULL;
    clipspan_decomposition *parts = NULL;
    clipspan_status status;
    options.threads = (int)j->demo->session->threads;
    CS_TRY_DONE(clipspan_encoder_new(&encoder, j->demo->model, &options, err));
    CS_TRY_DONE(clipspan_decomposition_new(&parts, encoder, NULL, err));
    for (size_t first = 0, some; first < j->queries; first += some) {
        const char *paths[AT_ONCE];
        some = j->queries - first < AT_ONCE ? j->queries - first : AT_ONCE;
        for (size_t i = 0; i < some; i++)
            paths[i] = clipspan_inputs_get_paths(scenes)[j->query[first + i]];
        CS_TRY_DONE(take_some(j, parts, paths, first, some, err));
    }
done:
    clipspan_decomposition_free(&parts);
    clipspan_encoder_free(&encoder);
    return status;
}

static clipspan_status make_room(looking *j, size_t scenes, clipspan_error *err)
{
    const clipspan_run_info *info = clipspan_run_get_info(j->demo->run);
    j->P = (size_t)info->embed_width;
    j->LH = (size_t)info->layers * (size_t)info->heads;
    j->images = (size_t)info->images;
    j->query = cs_alloc(scenes, sizeof *j->query, "scenes", err);
    j->heads = cs_alloc(scenes * j->LH, j->P * sizeof *j->heads, "contributions of scenes", err);
    j->embeddings = cs_alloc(scenes, j->P * sizeof *j->embeddings, "embeddings", err);
    j->number = cs_alloc_zero(j->images, sizeof *j->number, "scenes", err);
    j->picked = cs_alloc(j->LH, j->P * sizeof *j->picked, "a query", err);
    j->scores = cs_alloc(j->images, sizeof *j->scores, "scores", err);
    j->role = cs_alloc(j->LH, sizeof *j->role, "heads", err);
    if (!j->query || !j->heads || !j->embeddings || !j->number || !j->picked || !j->scores ||
        !j->role)
        return CLIPSPAN_E_NOMEM;
    return clipspan_run_read_images(j->demo->run, 0, info->images, note_number, j, err);
}

static clipspan_status prepare(looking *j, clipspan_error *err)
{
    clipspan_inputs *scenes;
    clipspan_status status;
    size_t count;
    CS_TRY(cli_demo_inputs(&scenes, j->demo, "test.csv", NULL, "kind", err));
    count = clipspan_inputs_get_count(scenes);
    status = make_room(j, count, err);
    for (size_t i = 0; i < count && status == CLIPSPAN_OK; i++)
        if (strcmp(clipspan_inputs_get_group(scenes, i), "alike") == 0) j->query[j->queries++] = i;
    if (status == CLIPSPAN_OK && j->queries == 0)
        status = cs_fail(err, CLIPSPAN_E_FORMAT,
                         "test.csv of the demo has no scene of the kind \"alike\"");
    if (status == CLIPSPAN_OK) {
        cli_demo_scene(j->scene, j->demo, clipspan_inputs_get_paths(scenes)[j->query[0]]);
        status = take_apart(j, scenes, err);
    }
    clipspan_inputs_close(&scenes);
    return status;
}

/* ---- Neighbours ---- */

/* The nearest, and how many of them are alike. Of equal scores the earlier counts. */
static void take_nearest(hits *to, const looking *j, const clipspan_search *search,
                         const char *value, const clipspan_inputs *look)
{
    const uint64_t *run_indices = clipspan_search_get_run_indices(search);
    size_t rows[NEAREST];
    to->count =
        cs_top_highest(rows, to->score, NEAREST, j->scores, clipspan_search_get_count(search));
    to->alike = 0;
    for (size_t k = 0; k < to->count; k++) {
        to->scene[k] = (size_t)j->number[run_indices[rows[k]]];
        to->alike += strcmp(clipspan_inputs_get_label(look, to->scene[k]), value) == 0;
    }
}

/* The share of alike ones among the nearest of all queries, by `count` of the role's heads or,
 * without any, by the whole embedding. first: what the first finds, or NULL. */
static clipspan_status precision(double *share, hits *first, looking *j, size_t count,
                                 const clipspan_inputs *test, const clipspan_inputs *look,
                                 clipspan_error *err)
{
    clipspan_search_options options = CLIPSPAN_SEARCH_OPTIONS_INIT;
    const size_t H = (size_t)j->demo->info->image->heads;
    clipspan_search *search;
    clipspan_status status = CLIPSPAN_OK;
    size_t alike = 0;
    hits found;
    options.heads = count ? j->role : NULL;
    options.head_count = count;
    options.threads = (int)j->demo->session->threads;
    CS_TRY(clipspan_search_new(&search, j->demo->run, &options, NULL, err));
    for (size_t q = 0; q < j->queries && status == CLIPSPAN_OK; q++) {
        const float *query = j->embeddings + q * j->P;
        for (size_t h = 0; h < count; h++) {
            size_t head = (size_t)j->role[h].layer * H + (size_t)j->role[h].head;
            memcpy(j->picked + h * j->P, j->heads + (q * j->LH + head) * j->P,
                   j->P * sizeof *j->picked);
        }
        status = clipspan_search_run(j->scores, search, count ? j->picked : query, 0, err);
        if (status != CLIPSPAN_OK) break;
        take_nearest(&found, j, search, clipspan_inputs_get_label(test, j->query[q]), look);
        alike += found.alike;
        if (q == 0 && first) *first = found;
    }
    clipspan_search_free(&search);
    *share = (double)alike / (double)(j->queries * NEAREST);
    return status;
}

/* The same share over all look scenes. */
static double by_chance(const looking *j, const clipspan_inputs *test, const clipspan_inputs *look)
{
    const size_t scenes = clipspan_inputs_get_count(look);
    size_t alike = 0;
    for (size_t q = 0; q < j->queries; q++)
        for (size_t i = 0; i < scenes; i++)
            alike += strcmp(clipspan_inputs_get_label(look, i),
                            clipspan_inputs_get_label(test, j->query[q])) == 0;
    return (double)alike / (double)j->queries / (double)scenes;
}

static clipspan_status find(finding *to, looking *j, const char *factor, clipspan_error *err)
{
    clipspan_inputs *test = NULL, *look = NULL;
    hits *first = strcmp(factor, SHOWN) == 0 ? j->first : NULL;
    clipspan_status status;
    cli_demo_role_heads(j->role, &to->heads, j->demo, factor);
    CS_TRY_DONE(cli_demo_inputs(&test, j->demo, "test.csv", factor, NULL, err));
    CS_TRY_DONE(cli_demo_inputs(&look, j->demo, "look.csv", factor, NULL, err));
    CS_TRY_DONE(precision(&to->whole, first ? &first[0] : NULL, j, 0, test, look, err));
    if (to->heads)
        CS_TRY_DONE(precision(&to->role, first ? &first[1] : NULL, j, to->heads, test, look, err));
    to->chance = by_chance(j, test, look);
done:
    clipspan_inputs_close(&test);
    clipspan_inputs_close(&look);
    return status;
}

/* ---- Showing ---- */

static clipspan_status add_finding(cli_table *table, const char *factor, const finding *f,
                                   clipspan_error *err)
{
    char cell[CLI_NUMBER_ROOM];
    CS_TRY(cli_table_add(table, factor, err));
    cli_format_percent(cell, f->whole);
    CS_TRY(cli_table_add(table, cell, err));
    cli_format_percent(cell, f->role);
    CS_TRY(cli_table_add(table, f->heads ? cell : "", err));
    cli_format_count(cell, f->heads);
    CS_TRY(cli_table_add(table, cell, err));
    cli_format_percent(cell, f->chance);
    return cli_table_add(table, cell, err);
}

static clipspan_status tell(const looking *j, const finding *found, clipspan_error *err)
{
    static const char headers[] = "same|>whole embedding|>heads of the role|>heads|>chance";
    clipspan_status status = CLIPSPAN_OK;
    cli_table table;
    int more = 0, roles = 0;
    cli_table_init(&table, headers);
    for (size_t f = 0; f < FACTORS && status == CLIPSPAN_OK; f++) {
        status = add_finding(&table, cli_demo_factors[f], &found[f], err);
        roles += found[f].heads > 0;
        more += found[f].heads > 0 && found[f].role > found[f].whole;
    }
    if (status == CLIPSPAN_OK) cli_demo_table(j->demo, &table);
    cli_table_fini(&table);
    CS_TRY(status);
    cli_demo_say(
        j->demo,
        "%zu test scenes, each against all %zu look scenes. In %d of %d properties the "
        "heads of the role find more that is alike than the whole embedding does. A role's "
        "heads are all that --role takes, also where control texts name one as well. Of the ten "
        "that the first, %s, finds, %zu have its " SHOWN
        " by the whole embedding, %zu by that role's heads.",
        j->queries, j->images, more, roles, j->scene, j->first[0].alike, j->first[1].alike);
    return CLIPSPAN_OK;
}

static clipspan_status emit_first(const looking *j, clipspan_error *err)
{
    static const char *const names[] = {"embedding", "role"};
    cli_json *json = &j->demo->json;
    clipspan_inputs *look;
    CS_TRY(cli_demo_inputs(&look, j->demo, "look.csv", NULL, NULL, err));
    cli_json_object(json, "first");
    cli_json_text(json, "image", j->scene);
    cli_json_text(json, "property", SHOWN);
    for (int by = 0; by < 2; by++) {
        const hits *h = &j->first[by];
        cli_json_object(json, names[by]);
        cli_json_whole(json, "alike", h->alike);
        cli_json_array(json, "hits");
        for (size_t k = 0; k < h->count; k++) {
            cli_json_row(json, NULL);
            cli_json_text(json, "path", clipspan_inputs_get_paths(look)[h->scene[k]]);
            cli_json_real(json, "score", h->score[k]);
            cli_json_end(json);
        }
        cli_json_end(json);
        cli_json_end(json);
    }
    cli_json_end(json);
    clipspan_inputs_close(&look);
    return CLIPSPAN_OK;
}

static void emit(const looking *j, const finding *found)
{
    cli_json *json = &j->demo->json;
    cli_json_whole(json, "queries", j->queries);
    cli_json_whole(json, "nearest", NEAREST);
    cli_json_array(json, "properties");
    for (size_t f = 0; f < FACTORS; f++) {
        cli_json_row(json, NULL);
        cli_json_text(json, "factor", cli_demo_factors[f]);
        cli_json_real(json, "embedding", found[f].whole);
        cli_json_whole(json, "heads", found[f].heads);
        cli_json_real(json, "role", found[f].role);
        cli_json_real(json, "chance", found[f].chance);
        cli_json_end(json);
    }
    cli_json_end(json);
}

static clipspan_status work(looking *j, clipspan_error *err)
{
    finding found[FACTORS] = {{0}};
    CS_TRY(prepare(j, err));
    for (size_t f = 0; f < FACTORS; f++) {
        CS_TRY(find(&found[f], j, cli_demo_factors[f], err));
        CS_TRY(cli_keep_going(j->demo->session, err));
    }
    emit(j, found);
    CS_TRY(emit_first(j, err));
    return j->demo->tells ? tell(j, found, err) : CLIPSPAN_OK;
}

clipspan_status cli_demo_search(cli_demo_job *d, clipspan_error *err)
{
    looking j = {.demo = d};
    clipspan_status status = work(&j, err);
    cs_free(j.query);
    cs_free(j.heads);
    cs_free(j.embeddings);
    cs_free(j.number);
    cs_free(j.picked);
    cs_free(j.scores);
    cs_free(j.role);
    return status;
}
