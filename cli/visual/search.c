/* SPDX-License-Identifier: MIT */
/* clipspan search: the nearest images of a run by heads, roles and texts. */
#include "base/datadir.h"
#include "base/file.h"
#include "base/memory.h"
#include "cli/frame/command.h"
#include "cli/in/classifier.h"
#include "cli/in/heads.h"
#include "cli/out/numbers.h"
#include "cli/out/put.h"
#include "cli/out/rows.h"
#include "cli/out/table.h"
#include "cli/out/target.h"

#include <clipspan/clipspan.h>
#include <stdlib.h>
#include <string.h>

#define ROLES_MOST 16

typedef struct settings {
    cli_text_settings texts;
    cli_output_settings out;
    cli_list like, unlike;
    const char *region, *role, *heads, *root, *model;
    int compare, images_anywhere;
    uint64_t top;
} settings;

typedef struct search_job {
    cli_session *session;
    const settings *x;
    double region[4];
    int has_region;
    clipspan_run *run;
    const clipspan_run_info *info;
    clipspan_model *model; /* NULL: images of the run alone are looked for */
    clipspan_texts *templates;
    clipspan_query *query;
    clipspan_hits *hits;
} search_job;

/* ---- Arguments ---- */

static clipspan_status read_region(search_job *j, clipspan_error *err)
{
    const char *text = j->x->region;
    j->has_region = 1;
    if (!j->x->like.count)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--region is a rectangle of a query image: give --like");
    for (int i = 0; i < 4; i++) {
        char *end;
        j->region[i] = strtod(text, &end);
        if (end == text || *end != (i < 3 ? ',' : '\0') || !(j->region[i] >= 0.0) ||
            j->region[i] > 1e9 || (i > 1 && j->region[i] == 0.0))
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "--region: expected X,Y,WIDTH,HEIGHT in pixels of the image, found "
                           "\"%s\"",
                           j->x->region);
        text = end + 1;
    }
    return CLIPSPAN_OK;
}

static clipspan_status check_arguments(search_job *j, clipspan_error *err)
{
    const settings *x = j->x;
    if (x->like.count + x->texts.text.count == 0)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "no query: give --like IMAGE or --text TEXT");
    if (x->out.output) {
        if (!cli_ends_in(x->out.output, ".html") && !cli_ends_in(x->out.output, ".tsv") &&
            !cli_ends_in(x->out.output, ".csv"))
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "--output: expected a name that ends in .html, .tsv or .csv, found "
                           "\"%s\"",
                           x->out.output);
        CS_TRY(cli_target_check(j->session, x->out.output, x->out.force, err));
    }
    return x->region ? read_region(j, err) : CLIPSPAN_OK;
}

/* ---- The query ---- */

static int is_file(const char *name)
{
    char *path = NULL;
    int file = cs_path_kind(name) == 1;
    if (!file && cs_data_demo(&path, name, NULL) == CLIPSPAN_OK) file = path != NULL;
    cs_free(path);
    return file;
}

/* Whether anything goes through the model, which images of the run do not. */
static int needs_model(const settings *x)
{
    size_t files = x->texts.text.count;
    for (size_t i = 0; i < x->like.count; i++)
        files += (size_t)is_file(x->like.items[i]);
    for (size_t i = 0; i < x->unlike.count; i++)
        files += (size_t)is_file(x->unlike.items[i]);
    return files > 0;
}

/* "NAME[=WEIGHT],..." */
static clipspan_status add_roles(search_job *j, const clipspan_atlas *atlas, clipspan_error *err)
{
    const char *text = j->x->role;
    for (int count = 0; count < ROLES_MOST; count++) {
        const size_t length = strcspn(text, ","), size = strcspn(text, ",=");
        double weight = 1.0;
        char name[64], *end = NULL;
        if (size < 1 || size >= sizeof name)
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "--role: expected NAME or NAME=WEIGHT, joined by commas, found \"%s\"",
                           text);
        memcpy(name, text, size);
        name[size] = '\0';
        if (text[size] == '=') weight = strtod(text + size + 1, &end);
        if (end &&
            (end != text + length || end == text + size + 1 || !(weight > -1e6 && weight < 1e6)))
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "--role: expected a number behind %s=, found \"%.*s\"", name,
                           (int)(length - size - 1), text + size + 1);
        CS_TRY(clipspan_query_add_role(j->query, atlas, name, weight, err));
        if (!text[length]) return CLIPSPAN_OK;
        text += length + 1;
    }
    return cs_fail(err, CLIPSPAN_E_ARGUMENT, "--role: %d roles at most", ROLES_MOST);
}

static clipspan_status add_groups(search_job *j, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    clipspan_atlas *atlas = NULL;
    clipspan_head *heads = NULL;
    size_t count;
    if (j->x->role) status = clipspan_atlas_open(&atlas, j->run, NULL, err);
    if (j->x->role && status == CLIPSPAN_OK) status = add_roles(j, atlas, err);
    if (j->x->heads && status == CLIPSPAN_OK)
        status = cli_heads_read(&heads, &count, j->x->heads, j->info->layers, j->info->heads, err);
    if (j->x->heads && status == CLIPSPAN_OK)
        status = clipspan_query_add_heads(j->query, "heads", heads, count, 1.0, err);
    cs_free(heads);
    clipspan_atlas_free(&atlas);
    return status;
}

static clipspan_status add_images(search_job *j, const cli_list *names, double weight,
                                  clipspan_error *err)
{
    for (size_t i = 0; i < names->count; i++) {
        const char *name = names->items[i];
        clipspan_status status;
        char *path;
        if (j->has_region && !is_file(name))
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "--region is a part of an image's file, which \"%.200s\" is not", name);
        CS_TRY(cs_data_demo(&path, name, err));
        status = clipspan_query_add_image(j->query, path ? path : name,
                                          j->has_region ? j->region : NULL, weight, err);
        cs_free(path);
        CS_TRY(status);
    }
    return CLIPSPAN_OK;
}

static clipspan_status open_model(search_job *j, clipspan_error *err)
{
    clipspan_progress progress = {cli_progress_step, j->session};
    clipspan_status status;
    cli_progress_begin(j->session, "bytes");
    status = clipspan_run_open_model(&j->model, j->run, j->x->model, &progress, err);
    cli_progress_end(j->session);
    return status;
}

static clipspan_status make_query(search_job *j, clipspan_error *err)
{
    const settings *x = j->x;
    clipspan_query_options o = CLIPSPAN_QUERY_OPTIONS_INIT;
    if (needs_model(x)) CS_TRY(open_model(j, err));
    CS_TRY(cli_templates_open(&j->templates, x->texts.templates, "none", err));
    o.compare = (clipspan_compare)x->compare;
    o.threads = (int)j->session->threads;
    o.model = j->model;
    o.templates = j->templates;
    CS_TRY(clipspan_query_new(&j->query, j->run, &o, err));
    CS_TRY(add_groups(j, err));
    CS_TRY(add_images(j, &x->like, 1.0, err));
    CS_TRY(add_images(j, &x->unlike, -1.0, err));
    for (size_t i = 0; i < x->texts.text.count; i++)
        CS_TRY(clipspan_query_add_text(j->query, x->texts.text.items[i], 1.0, err));
    return CLIPSPAN_OK;
}

static clipspan_status find(search_job *j, clipspan_error *err)
{
    clipspan_hits_options o = CLIPSPAN_HITS_OPTIONS_INIT;
    clipspan_progress progress = {cli_progress_step, j->session};
    clipspan_status status;
    o.top = (size_t)j->x->top;
    o.root = j->x->root;
    o.images_anywhere = j->x->images_anywhere;
    cli_progress_begin(j->session, "chunks");
    status = clipspan_hits_new(&j->hits, j->query, &o, &progress, err);
    cli_progress_end(j->session);
    cli_stage(j->session, "images compared");
    return status;
}

/* ---- Results ---- */

/* Whose roles the groups are; NULL without any. */
static const char *find_pool(const clipspan_hits *hits)
{
    const clipspan_query_group *group;
    for (size_t g = 0; (group = clipspan_hits_get_group(hits, g)) != NULL; g++)
        if (group->pool) return group->pool;
    return NULL;
}

static clipspan_status write_rows(const search_job *j, const char *path, clipspan_error *err)
{
    const size_t count = clipspan_hits_get_info(j->hits)->hits;
    const char *pool = find_pool(j->hits);
    cli_rows *rows = NULL;
    clipspan_status status = cli_rows_open(&rows, j->session, path, j->x->out.force, err);
    if (status == CLIPSPAN_OK)
        status = cli_rows_header(rows, "rank|score|path|label|why|pool", err);
    for (size_t i = 0; i < count && status == CLIPSPAN_OK; i++) {
        const clipspan_hits_row *row = clipspan_hits_get_row(j->hits, i);
        cli_rows_whole(rows, i + 1);
        cli_rows_real(rows, row->score);
        cli_rows_text(rows, row->path);
        cli_rows_text(rows, row->label);
        cli_rows_text(rows, row->why);
        cli_rows_text(rows, pool ? pool : "");
        status = cli_rows_next(rows, err);
    }
    if (status == CLIPSPAN_OK) status = cli_rows_finish(rows, err);
    cli_rows_close(&rows);
    return status;
}

static clipspan_status add_row(cli_table *table, size_t rank, const clipspan_hits_row *row,
                               clipspan_error *err)
{
    char cell[CLI_NUMBER_ROOM];
    cli_format_count(cell, rank);
    CS_TRY(cli_table_add(table, cell, err));
    cli_format_real(cell, row->score);
    CS_TRY(cli_table_add(table, cell, err));
    CS_TRY(cli_table_add(table, row->path, err));
    CS_TRY(cli_table_add(table, row->label, err));
    return cli_table_add(table, row->why, err);
}

static clipspan_status show_table(const search_job *j, clipspan_error *err)
{
    const clipspan_hits_info *info = clipspan_hits_get_info(j->hits);
    const char *pool = find_pool(j->hits);
    clipspan_status status = CLIPSPAN_OK;
    cli_table table;
    cli_table_init(&table, ">|>score|image|label|most through");
    for (size_t i = 0; i < info->hits && status == CLIPSPAN_OK; i++)
        status = add_row(&table, i + 1, clipspan_hits_get_row(j->hits, i), err);
    if (status == CLIPSPAN_OK) {
        cli_table_print(&table, j->session, stdout);
        putchar('\n');
        cli_say(j->session, "%s", info->query);
        if (pool) cli_say(j->session, "roles by the text pool %s", pool);
    }
    cli_table_fini(&table);
    return status;
}

static clipspan_status show(const search_job *j, clipspan_error *err)
{
    cli_session *s = j->session;
    const char *output = j->x->out.output;
    if (output && cli_ends_in(output, ".html") && !j->info->own && !j->x->root &&
        !j->x->images_anywhere)
        cli_note(s,
                 "%s: was not planned by this user on this machine, so no image that it lists was "
                 "opened: --root FOLDER says where they are, --images-anywhere opens whatever it "
                 "lists",
                 j->info->path);
    if (output && cli_ends_in(output, ".html"))
        CS_TRY(clipspan_hits_write(output, j->hits, j->x->out.force, err));
    else if (output)
        CS_TRY(write_rows(j, output, err));
    if (s->form == CLI_FORM_JSON) return clipspan_hits_write_json(j->hits, 0, cli_put, stdout, err);
    if (s->form == CLI_FORM_TABLE) return show_table(j, err);
    return output ? CLIPSPAN_OK : write_rows(j, NULL, err);
}

static clipspan_status search(search_job *j, clipspan_error *err)
{
    CS_TRY(check_arguments(j, err));
    CS_TRY(clipspan_run_open(&j->run, j->session->arguments.items[0], err));
    j->info = clipspan_run_get_info(j->run);
    CS_TRY(make_query(j, err));
    CS_TRY(find(j, err));
    return show(j, err);
}

static clipspan_status run_command(cli_session *s, const void *given, clipspan_error *err)
{
    search_job j = {.session = s, .x = given};
    clipspan_status status = search(&j, err);
    clipspan_hits_free(&j.hits);
    clipspan_query_free(&j.query);
    clipspan_texts_free(&j.templates);
    clipspan_model_close(&j.model);
    clipspan_run_close(&j.run);
    return status;
}

static const cli_option options[] = {
    CLI_OPT_TEXT,
    CLI_OPT_TEXT_TEMPLATES,
    CLI_LIST("Query", "like", 0, "IMAGE",
             "an image file; or an image of the run, by its path, the end of its path, or #N for "
             "its index in the list, which needs neither file nor model; may be repeated",
             like),
    CLI_LIST("Query", "unlike", 0, "IMAGE", "an image to subtract; may be repeated", unlike),
    CLI_TEXT("Query", "region", 0, "X,Y,WIDTH,HEIGHT",
             "only what heads read from this rectangle of the query images, in pixels", region),
    CLI_TEXT("Query", "role", 0, "NAME[=WEIGHT],...",
             "the heads with these roles in the run's atlas, each with a weight (default 1)", role),
    CLI_TEXT("Query", "heads", 0, "L22.H11,...", "these heads", heads),
    CLI_CHOICE("Query", "compare", 0, "cosine|centred|plain",
               "cosine similarity after the run's mean is subtracted (cosine, default), dot "
               "product after that (centred), or plain dot product, as published",
               compare),
    CLI_WHOLE("Query", "top", 0, "N", "how many images to list (default 10)", top, 1, 100000),
    CLI_TEXT(
        "Query", "root", 0, "FOLDER",
        "the folder that relative paths of the run's images now start from, for the contact sheet",
        root),
    CLI_IMAGES_ANYWHERE("Query", images_anywhere),
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
    .summary = "exact nearest images by the contributions of chosen heads",
    .about = "Compares, exactly, the contributions of chosen heads for every image of a run with "
             "those for the query: images (--like, --unlike), a region of one (--region), texts, "
             "or a sum of several. --role chooses the heads with a role in the run's atlas; "
             "several roles can have weights, such as colour=1,place=-1. Without heads or roles "
             "whole embeddings are compared.\n"
             "Every hit lists the heads that contribute most to its score. The run must have kept "
             "coefficients; its model is needed for image files and texts only, not for images of "
             "the run.",
    .examples =
        "clipspan search run --like photo.jpg --role colour -o hits.html\tthe same colours\n"
        "clipspan search run --like \"#17\" --role colour\tlike image 17 of the run's list\n"
        "clipspan search run --like photo.jpg --role colour=1,place=-1\tthe same colours "
        "elsewhere\n"
        "clipspan search run --text \"a red thing\" --heads L11.H3\tby a text, through one head\n"
        "clipspan search run --like photo.jpg --region 40,60,120,90 --top 50\tby a region of an "
        "image",
    .arguments = {"RUN"},
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .run = run_command,
    .columns =
        "(first)\trank\n"
        "score\tcosine, centred or plain dot product (--compare), weighted over heads and queries\n"
        "image, label\tof the run\n"
        "most through\theads that contribute most to the score, and how much",
};
