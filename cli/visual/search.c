/* SPDX-License-Identifier: MIT */
/* clipspan search: the nearest images of a run by heads, roles and texts. */
#include "cli/visual/search.h"
#include "base/file.h"
#include "base/memory.h"
#include "cli/frame/command.h"
#include "cli/in/heads.h"
#include "cli/out/json_out.h"
#include "cli/out/numbers.h"
#include "cli/out/rows.h"
#include "cli/out/table.h"
#include "cli/out/target.h"

#include <clipspan/clipspan.h>
#include <stdlib.h>
#include <string.h>

#define WHY 3 /* heads that are named as reasons */

/* Hits with the texts that they show. */
typedef struct found {
    cli_search_job *j;
    size_t count;       /* at most --top */
    size_t *rows;       /* [count] */
    double *scores;     /* [N] */
    clipspan_hit *hits; /* [count] */
    char **texts;       /* [count, 4] file, path, label, why */
    size_t at;
} found;

static clipspan_status check_arguments(cli_search_job *j, clipspan_error *err)
{
    const cli_search_settings *x = j->x;
    const char *text = x->region;
    if (x->like.count + x->texts.text.count == 0)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "nothing to look for: give --like IMAGE or --text TEXT");
    if (x->out.output) {
        if (!cli_ends_in(x->out.output, ".html") && !cli_ends_in(x->out.output, ".tsv") &&
            !cli_ends_in(x->out.output, ".csv"))
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "--output: expected a name that ends in .html, .tsv or .csv, found "
                           "\"%s\"",
                           x->out.output);
        CS_TRY(cli_target_check(j->session, x->out.output, x->out.force, err));
    }
    if (!text) return CLIPSPAN_OK;
    j->has_region = 1;
    if (!x->like.count)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "--region is a part of an image: give --like");
    for (int i = 0; i < 4; i++) {
        char *end;
        j->region[i] = strtod(text, &end);
        if (end == text || *end != (i < 3 ? ',' : '\0') || !(j->region[i] >= 0.0) ||
            j->region[i] > 1e9 || (i > 1 && j->region[i] == 0.0))
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "--region: expected X,Y,WIDTH,HEIGHT in pixels of the image, found "
                           "\"%s\"",
                           x->region);
        text = end + 1;
    }
    return CLIPSPAN_OK;
}

static clipspan_status open_searches(cli_search_job *j, clipspan_error *err)
{
    cli_session *s = j->session;
    clipspan_progress progress = {cli_progress_step, s};
    for (size_t g = 0; g < j->group_count; g++) {
        clipspan_search_options o = CLIPSPAN_SEARCH_OPTIONS_INIT;
        clipspan_status status;
        o.heads = j->groups[g].heads;
        o.head_count = j->groups[g].head_count;
        o.compare = (clipspan_compare)j->x->compare;
        o.threads = (int)s->threads;
        cli_progress_begin(s, "chunks");
        status = clipspan_search_new(&j->groups[g].search, j->run, &o, &progress, err);
        cli_progress_end(s);
        CS_TRY(status);
    }
    cli_stage(s, "coefficients read");
    return CLIPSPAN_OK;
}

/* scores : [N] of all groups and items, weighted. */
static clipspan_status score_all(double *scores, const cli_search_job *j, clipspan_error *err)
{
    const size_t N = clipspan_search_get_count(j->groups[0].search);
    clipspan_status status = CLIPSPAN_OK;
    double *one = cs_alloc(N, sizeof *one, "scores", err);
    if (!one) return CLIPSPAN_E_NOMEM;
    memset(scores, 0, N * sizeof *scores);
    for (size_t k = 0; k < j->group_count * j->item_count && status == CLIPSPAN_OK; k++) {
        const cli_search_group *g = &j->groups[k / j->item_count];
        const cli_search_item *item = &j->items[k % j->item_count];
        float *query = NULL;
        status = cli_search_query(&query, j, g, item, err);
        if (status == CLIPSPAN_OK)
            status = clipspan_search_run(one, g->search, query, item->is_text, err);
        for (size_t n = 0; n < N && status == CLIPSPAN_OK; n++)
            scores[n] += g->weight * item->weight * one[n];
        cs_free(query);
    }
    cs_free(one);
    return status;
}

/* The `count` rows with the highest scores, of equal ones the earlier. */
static void choose(size_t *rows, size_t *count, const double *scores, size_t N, size_t top)
{
    *count = 0;
    for (size_t n = 0; n < N; n++) {
        size_t k;
        if (*count == top && scores[n] <= scores[rows[top - 1]]) continue;
        k = *count < top ? (*count)++ : top - 1;
        for (; k > 0 && scores[n] > scores[rows[k - 1]]; k--)
            rows[k] = rows[k - 1];
        rows[k] = n;
    }
}

/* A hit's best reasons so far, the strongest first. */
typedef struct reasons {
    char names[WHY][CLI_HEAD_ROOM];
    double best[WHY];
    size_t held;
} reasons;

static void add_reason(reasons *r, clipspan_head head, double part)
{
    size_t k;
    if (r->held == WHY && part <= r->best[WHY - 1]) return;
    k = r->held < WHY ? r->held++ : WHY - 1;
    for (; k > 0 && part > r->best[k - 1]; k--) {
        r->best[k] = r->best[k - 1];
        memcpy(r->names[k], r->names[k - 1], sizeof *r->names);
    }
    r->best[k] = part;
    cli_head_name(r->names[k], head);
}

/* sum : [heads] what each head of a group gives to a hit, room for as many more behind it. */
static clipspan_status sum_parts(double *sum, const cli_search_job *j,
                                 const cli_search_group *group, size_t row, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    for (size_t i = 0; i < j->item_count && status == CLIPSPAN_OK; i++) {
        double *one = sum + group->head_count;
        float *query = NULL;
        status = cli_search_query(&query, j, group, &j->items[i], err);
        if (status == CLIPSPAN_OK)
            status = clipspan_search_run_contributions(one, group->search, row, query,
                                                       j->items[i].is_text, err);
        for (size_t h = 0; h < group->head_count && status == CLIPSPAN_OK; h++)
            sum[h] += group->weight * j->items[i].weight * one[h];
        cs_free(query);
    }
    return status;
}

/* Which heads gave most to a hit: "L11.H3 0.41, L10.H0 0.12"; nothing for whole embeddings. */
static clipspan_status explain(char **out, const cli_search_job *j, size_t row, clipspan_error *err)
{
    const size_t room = WHY * (CLI_HEAD_ROOM + 32);
    reasons r = {.held = 0};
    size_t used = 0;
    *out = cs_alloc_zero(room, 1, "reasons", err);
    if (!*out) return CLIPSPAN_E_NOMEM;
    for (size_t g = 0; g < j->group_count; g++) {
        const cli_search_group *group = &j->groups[g];
        clipspan_status status;
        double *sum;
        if (!group->heads) continue;
        sum = cs_alloc_zero(2 * group->head_count, sizeof *sum, "reasons", err);
        if (!sum) return CLIPSPAN_E_NOMEM;
        status = sum_parts(sum, j, group, row, err);
        for (size_t h = 0; h < group->head_count && status == CLIPSPAN_OK; h++)
            add_reason(&r, group->heads[h], sum[h]);
        cs_free(sum);
        CS_TRY(status);
    }
    for (size_t k = 0; k < r.held; k++)
        used += (size_t)snprintf(*out + used, room - used, "%s%s %.3g", k ? ", " : "", r.names[k],
                                 r.best[k]);
    return CLIPSPAN_OK;
}

static int take_image(void *user, const clipspan_run_image *image)
{
    found *f = user;
    const char *root = f->j->x->root;
    const char *folder = root ? root : clipspan_search_get_folder(f->j->groups[0].search);
    char **texts = f->texts + 4 * f->at;
    texts[0] = cs_path_join(folder, image->path, NULL);
    texts[1] = cs_strdup(image->path, NULL);
    texts[2] = cs_strdup(image->label ? image->label : "", NULL);
    return !texts[0] || !texts[1] || !texts[2];
}

static clipspan_status find(found *f, clipspan_error *err)
{
    cli_search_job *j = f->j;
    const size_t N = clipspan_search_get_count(j->groups[0].search);
    const uint64_t *run_indices = clipspan_search_get_run_indices(j->groups[0].search);
    size_t top = j->x->top ? (size_t)j->x->top : 10;
    double start;
    if (top > N) top = N;
    f->scores = cs_alloc(N, sizeof *f->scores, "scores", err);
    f->rows = cs_alloc(top, sizeof *f->rows, "hits", err);
    f->hits = cs_alloc_zero(top, sizeof *f->hits, "hits", err);
    f->texts = cs_alloc_zero(4 * top, sizeof *f->texts, "hits", err);
    if (!f->scores || !f->rows || !f->hits || !f->texts) return CLIPSPAN_E_NOMEM;
    start = cli_seconds();
    CS_TRY(score_all(f->scores, j, err));
    choose(f->rows, &f->count, f->scores, N, top);
    cli_detail(j->session, "%.1f ms  %zu images compared", 1e3 * (cli_seconds() - start), N);
    for (f->at = 0; f->at < f->count; f->at++) {
        char **texts = f->texts + 4 * f->at;
        CS_TRY(
            clipspan_run_read_images(j->run, run_indices[f->rows[f->at]], 1, take_image, f, err));
        CS_TRY(explain(&texts[3], j, f->rows[f->at], err));
        f->hits[f->at].score = f->scores[f->rows[f->at]];
        f->hits[f->at].file = texts[0];
        f->hits[f->at].path = texts[1];
        f->hits[f->at].label = texts[2];
        f->hits[f->at].why = texts[3];
    }
    return CLIPSPAN_OK;
}

/* ---- Results ---- */

static clipspan_status write_rows(const found *f, const char *path, int replace,
                                  clipspan_error *err)
{
    cli_rows *rows = NULL;
    clipspan_status status = cli_rows_open(&rows, path, replace, err);
    if (status == CLIPSPAN_OK) status = cli_rows_header(rows, "rank|score|path|label|why", err);
    for (size_t i = 0; i < f->count && status == CLIPSPAN_OK; i++) {
        cli_rows_whole(rows, i + 1);
        cli_rows_real(rows, f->hits[i].score);
        cli_rows_text(rows, f->hits[i].path);
        cli_rows_text(rows, f->hits[i].label);
        cli_rows_text(rows, f->hits[i].why);
        status = cli_rows_next(rows, err);
    }
    if (status == CLIPSPAN_OK) status = cli_rows_finish(rows, err);
    cli_rows_close(&rows);
    return status;
}

/* "like a.jpg, not like b.jpg, "red"; by colour, place x -1". */
static void describe(char *out, size_t room, const cli_search_job *j)
{
    size_t used = 0;
    for (size_t i = 0; i < j->item_count && used < room; i++) {
        const cli_search_item *item = &j->items[i];
        used += (size_t)snprintf(out + used, room - used, "%s%s%s", i ? ", " : "",
                                 item->is_text        ? "text "
                                 : item->weight < 0.0 ? "not like "
                                                      : "like ",
                                 item->is_text ? item->name : cs_path_name(item->name));
    }
    for (size_t g = 0; g < j->group_count && used < room; g++) {
        used += (size_t)snprintf(out + used, room - used, "%s%s", g ? ", " : "; by ",
                                 j->groups[g].name);
        if (j->groups[g].weight != 1.0 && used < room)
            used += (size_t)snprintf(out + used, room - used, " times %.3g", j->groups[g].weight);
    }
}

static void show_json(const found *f)
{
    const cli_search_job *j = f->j;
    char words[1024];
    cli_json json;
    describe(words, sizeof words, j);
    cli_json_begin(&json, stdout, 0, "clipspan.search.v1");
    cli_json_text(&json, "run", j->info->path);
    cli_json_text(&json, "query", words);
    cli_json_whole(&json, "images", clipspan_search_get_count(j->groups[0].search));
    cli_json_array(&json, "groups");
    for (size_t g = 0; g < j->group_count; g++) {
        cli_json_row(&json, NULL);
        cli_json_text(&json, "name", j->groups[g].name);
        cli_json_real(&json, "weight", j->groups[g].weight);
        cli_json_whole(&json, "heads", j->groups[g].head_count);
        cli_json_end(&json);
    }
    cli_json_end(&json);
    cli_json_array(&json, "hits");
    for (size_t i = 0; i < f->count; i++) {
        cli_json_row(&json, NULL);
        cli_json_text(&json, "path", f->hits[i].path);
        cli_json_text(&json, "label", f->hits[i].label);
        cli_json_real(&json, "score", f->hits[i].score);
        cli_json_text(&json, "why", f->hits[i].why);
        cli_json_end(&json);
    }
    cli_json_end(&json);
    cli_json_finish(&json);
}

static clipspan_status show_table(const found *f, clipspan_error *err)
{
    static const char headers[] = ">|>score|image|label|most through";
    clipspan_status status = CLIPSPAN_OK;
    char cell[CLI_NUMBER_ROOM], words[1024];
    cli_table table;
    cli_table_init(&table, headers);
    for (size_t i = 0; i < f->count && status == CLIPSPAN_OK; i++) {
        cli_format_count(cell, i + 1);
        status = cli_table_add(&table, cell, err);
        cli_format_real(cell, f->hits[i].score);
        if (status == CLIPSPAN_OK) status = cli_table_add(&table, cell, err);
        if (status == CLIPSPAN_OK) status = cli_table_add(&table, f->hits[i].path, err);
        if (status == CLIPSPAN_OK) status = cli_table_add(&table, f->hits[i].label, err);
        if (status == CLIPSPAN_OK) status = cli_table_add(&table, f->hits[i].why, err);
    }
    if (status == CLIPSPAN_OK) {
        cli_table_print(&table, f->j->session, stdout);
        describe(words, sizeof words, f->j);
        printf("\n%s\n", words);
    }
    cli_table_fini(&table);
    return status;
}

static clipspan_status show(const found *f, clipspan_error *err)
{
    static const char *const ways[] = {"centred, cosine of what the heads wrote",
                                       "centred products of what the heads wrote",
                                       "plain products of what the heads wrote"};
    const cli_session *s = f->j->session;
    const char *output = f->j->x->out.output;
    char words[1024];
    if (output && cli_ends_in(output, ".html")) {
        describe(words, sizeof words, f->j);
        CS_TRY(clipspan_search_write(output, words, ways[f->j->x->compare], f->hits, f->count,
                                     f->j->x->out.force, err));
    } else if (output) {
        CS_TRY(write_rows(f, output, f->j->x->out.force, err));
    }
    if (s->form == CLI_FORM_JSON)
        show_json(f);
    else if (s->form == CLI_FORM_TABLE)
        return show_table(f, err);
    else if (!output)
        return write_rows(f, NULL, 0, err);
    return CLIPSPAN_OK;
}

static clipspan_status search(cli_search_job *j, found *f, clipspan_error *err)
{
    CS_TRY(check_arguments(j, err));
    CS_TRY(clipspan_run_open(&j->run, j->session->arguments.items[0], err));
    j->info = clipspan_run_get_info(j->run);
    CS_TRY(cli_search_groups(j, err));
    CS_TRY(open_searches(j, err));
    CS_TRY(cli_search_items(j, err));
    CS_TRY(find(f, err));
    return show(f, err);
}

static clipspan_status run_command(cli_session *s, const void *given, clipspan_error *err)
{
    cli_search_job j = {.session = s, .x = given};
    found f = {.j = &j};
    clipspan_status status = search(&j, &f, err);
    for (size_t i = 0; f.texts && i < 4 * f.count; i++)
        cs_free(f.texts[i]);
    cs_free(f.texts);
    cs_free(f.hits);
    cs_free(f.rows);
    cs_free(f.scores);
    cli_search_free(&j);
    return status;
}

typedef cli_search_settings settings;

static const cli_option options[] = {
    CLI_OPT_TEXT,
    CLI_OPT_TEXT_TEMPLATES,
    CLI_LIST(
        "Query", "like", 0, "IMAGE",
        "an image; or one of the run by its path, the end of it, or #N for its place in the list, "
        "for which neither file nor model are needed; may be repeated",
        like),
    CLI_LIST("Query", "unlike", 0, "IMAGE", "an image that is taken off; may be repeated", unlike),
    CLI_TEXT("Query", "region", 0, "X,Y,WIDTH,HEIGHT",
             "only what heads read there in the images of the query, in their pixels", region),
    CLI_TEXT("Query", "role", 0, "NAME[=WEIGHT],...",
             "the heads with these roles in the run's atlas, each with a weight (default 1)", role),
    CLI_TEXT("Query", "heads", 0, "L22.H11,...", "these heads", heads),
    CLI_CHOICE("Query", "compare", 0, "cosine|centred|plain",
               "cosines of what differs from the run's mean (default), products of it, or plain "
               "products, as published",
               compare),
    CLI_WHOLE("Query", "top", 0, "N", "how many images to give (default 10)", top, 1, 100000),
    CLI_TEXT("Query", "root", 0, "FOLDER",
             "where relative paths of the run's images start now, for the contact sheet", root),
    CLI_OPT_MODEL,
    CLI_OPT_THREADS,
    CLI_TEXT("Output", "output", 'o', "FILE.html|FILE.tsv|FILE.csv",
             "a contact sheet for a browser, or a table", out.output),
    CLI_OPT_FORCE,
    CLI_OPT_FORM,
};

const cli_command cli_search = {
    .name = "search",
    .usage = "RUN --like IMAGE... | --text TEXT... [--role NAME|--heads L.H,...]",
    .summary = "exact nearest images by chosen heads' contributions",
    .about =
        "Compares, exactly, what chosen heads wrote for every image of a run with what they write "
        "for the query: images (--like, --unlike), a part of one (--region), texts, or several of "
        "them, which are added up. --role takes the heads that carry a role in the run's atlas, "
        "several with weights, such as colour=1,place=-1; without heads or roles whole embeddings "
        "are compared.\n"
        "Every hit names the heads that gave most to its score. The run must have kept "
        "coefficients; its model is needed for files and texts only, not for images of the run.",
    .examples =
        "clipspan search run --like photo.jpg --role colour -o hits.html\tthe same colours\n"
        "clipspan search run --like \"#17\" --role colour\tlike the run's own image 17\n"
        "clipspan search run --like photo.jpg --role colour=1,place=-1\tthe same colours "
        "elsewhere\n"
        "clipspan search run --text \"a red thing\" --heads L11.H3\tby a text, through one head\n"
        "clipspan search run --like photo.jpg --region 40,60,120,90 --top 50\tby a part of an "
        "image",
    .arguments = {"RUN"},
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .run = run_command,
    .columns =
        "(first)\trank\n"
        "score\tcosine, centred product or product (--compare), weighted over heads and queries\n"
        "image, label\tof the run\n"
        "most through\theads that contribute most to the score, and how much",
};
