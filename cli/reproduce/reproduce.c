/* SPDX-License-Identifier: MIT */
/* clipspan reproduce: a table of the paper measured anew beside what was published. */
#include "cli/reproduce/reproduce.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/nearest.h"
#include "cli/frame/command.h"
#include "cli/out/numbers.h"
#include "cli/out/target.h"

#include <clipspan/clipspan.h>
#include <ctype.h>
#include <stdarg.h>
#include <string.h>

/* ---- What steps share ---- */

cli_row *cli_reproduce_row(cli_reproduction *r, const char *what, const char *metric,
                           clipspan_error *err)
{
    cli_row *row;
    if (cs_grow(&r->rows, &r->room, r->count + 1, sizeof *r->rows, "rows", err) != CLIPSPAN_OK)
        return NULL;
    row = &r->rows[r->count++];
    memset(row, 0, sizeof *row);
    snprintf(row->what, sizeof row->what, "%s", what);
    snprintf(row->words, sizeof row->words, "%s", what);
    row->metric = metric;
    row->published = cli_figure_find(&r->figures, r->table->name, r->paper->name, what, metric);
    return row;
}

void cli_reproduce_remark(cli_reproduction *r, const char *format, ...)
{
    va_list arguments;
    if (r->remark_count == sizeof r->remarks / sizeof *r->remarks) return;
    va_start(arguments, format);
    vsnprintf(r->remarks[r->remark_count++], sizeof *r->remarks, format, arguments);
    va_end(arguments);
}

/* ---- Before any work ---- */

static const cli_paper_table *find_table(const char *name)
{
    size_t count;
    const cli_paper_table *tables = cli_paper_tables(&count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(tables[i].name, name) == 0) return &tables[i];
    return NULL;
}

static clipspan_status fail_unknown(const char *name, clipspan_error *err)
{
    const char *names[16], *meant;
    size_t count;
    const cli_paper_table *tables = cli_paper_tables(&count);
    for (size_t i = 0; i < count; i++)
        names[i] = tables[i].name;
    meant = cs_nearest(name, names, count);
    return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                   "unknown table \"%s\"%s%s%s; clipspan reproduce lists them", name,
                   meant ? " (did you mean " : "", meant ? meant : "", meant ? "?)" : "");
}

/* Options that mean nothing for this table. */
static clipspan_status check_options(const cli_reproduction *r, clipspan_error *err)
{
    const cli_reproduce_settings *x = r->x;
    const int roles = strcmp(r->table->name, "roles") == 0;
    const int texts = strcmp(r->table->name, "texts") == 0;
    const int birds = r->table->data == CLI_DATA_WATERBIRDS;
    const struct {
        const char *name;
        int given, fits;
    } options[] = {
        {"heads", x->heads != NULL, birds || roles},
        {"texts", x->pool != NULL, texts || roles},
        {"texts-per-head", x->basis_texts != 0, texts},
        {"random", x->random != 0, birds},
        {"seed", x->seed != 0, birds},
        {"templates", x->classes.templates != NULL, !roles},
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (options[i].given && !options[i].fits)
            return cs_fail(err, CLIPSPAN_E_ARGUMENT, "--%s does not apply to the table %s",
                           options[i].name, r->table->name);
    if (x->out.output) CS_TRY(cli_folder_check(x->out.output, "reproduce", "a run or masks", err));
    if (!x->data)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "say where the data is with --data DIR: %s",
                       cli_reproduce_layout(r->table->data));
    if (cs_path_kind(x->data) != 2)
        return cli_reproduce_missing(
            r, x->data, cs_path_kind(x->data) ? "is no folder" : "no such folder", err);
    return CLIPSPAN_OK;
}

/* Whether the text says `tag`, whatever the case and the dashes. */
static int names_tag(const char *text, const char *tag)
{
    for (; *text; text++) {
        size_t i = 0;
        while (tag[i] &&
               (tolower((unsigned char)text[i]) == tag[i] || (tag[i] == '_' && text[i] == '-')))
            i++;
        if (!tag[i]) return 1;
    }
    return 0;
}

static void match_model(cli_reproduction *r, const clipspan_model_info *info)
{
    size_t count;
    const cli_paper_model *models = cli_paper_models(&count);
    const int roles = strcmp(r->table->name, "roles") == 0;
    const int any = !cli_figures_of(&r->figures, r->table->name, NULL);
    r->paper = cli_paper_model_named(r->table->model);
    for (size_t i = 0; i < count; i++) {
        const cli_paper_model *m = &models[i];
        if (m->layers != info->image->layers || m->heads != info->image->heads ||
            m->head_width != info->image->head_width || m->embed_width != info->embed_width ||
            m->patch_size != info->patch_size)
            continue;
        if (roles ? m != r->paper : !any && !cli_figures_of(&r->figures, r->table->name, m->name))
            continue;
        r->paper = m;
        r->same = names_tag(info->name, strchr(m->full, '/') + 1) ||
                          names_tag(info->path, strchr(m->full, '/') + 1)
                      ? CLI_SAME_NAME
                      : CLI_SAME_SHAPE;
    }
}

static clipspan_status check_model(cli_reproduction *r, clipspan_error *err)
{
    const cli_paper_model *usual = cli_paper_model_named(r->table->model);
    const clipspan_model_info *info;
    clipspan_model *model = NULL;
    clipspan_error why;
    clipspan_status status;
    r->model = r->x->model ? r->x->model : usual->full;
    status = cli_model_open(&model, r->session, r->model, &r->x->load, &why);
    if (status == CLIPSPAN_E_NOT_FOUND && !r->x->model)
        return cs_fail(err, status,
                       "%.1100s. It is the model of the table %s; --model names "
                       "another, or the folder that it lies in",
                       why.message, r->table->name);
    if (status != CLIPSPAN_OK) return cs_fail(err, status, "%s", why.message);
    info = clipspan_model_get_info(model);
    r->layers = info->image->layers;
    r->heads = info->image->heads;
    r->model_name = cs_strdup(info->name, err);
    status = r->model_name ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
    if (status == CLIPSPAN_OK && !info->has_text)
        status = cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, info->name,
                            "has no text encoder, so it has no classes and no texts");
    match_model(r, info);
    clipspan_model_close(&model);
    if (status == CLIPSPAN_OK &&
        (r->table->data == CLI_DATA_WATERBIRDS || strcmp(r->table->name, "roles") == 0))
        status = cli_reproduce_check_heads(r, err);
    return status;
}

/* ---- The work ---- */

/* Without measuring: the published figures there are. */
static clipspan_status add_published(cli_reproduction *r, clipspan_error *err)
{
    for (size_t i = 0; i < r->figures.count; i++) {
        const cli_figure *f = &r->figures.items[i];
        if (strcmp(f->table, r->table->name) != 0 || strcmp(f->model, r->paper->name) != 0)
            continue;
        if (!cli_reproduce_row(r, f->what, f->metric, err)) return CLIPSPAN_E_NOMEM;
    }
    return CLIPSPAN_OK;
}

/* What a reader has to know before comparing. */
static void say_what_differs(cli_reproduction *r)
{
    char used[CLI_NUMBER_ROOM], all[CLI_NUMBER_ROOM];
    cli_count_of(used, r->used, "image");
    cli_format_count(all, r->table->images);
    if (r->same == CLI_SAME_NOT)
        cli_reproduce_remark(r,
                             "Published is of %s, %d layers of %d heads; %.120s is another "
                             "architecture (%d of %d), so nothing has to agree.",
                             r->paper->full, r->paper->layers, r->paper->heads, r->model_name,
                             r->layers, r->heads);
    if (r->same == CLI_SAME_SHAPE)
        cli_reproduce_remark(r,
                             "%.150s has the architecture of %s; nothing says that it is the "
                             "same checkpoint.",
                             r->model_name, r->paper->full);
    if (r->used != r->table->images && !r->x->out.dry_run)
        cli_reproduce_remark(r, "Measured on %s, published on %s%s", used, all,
                             r->table->data == CLI_DATA_MASKS || r->role_count
                                 ? "."
                                 : ": the 95 % intervals (Wilson's) say how much that shows, and "
                                   "means are over these images.");
    if (r->table->data == CLI_DATA_IMAGENET && r->filled < 1000)
        cli_reproduce_remark(r, "%zu class%s images, of 1,000.", r->filled,
                             r->filled == 1 ? " has" : "es have");
}

static clipspan_status measure(cli_reproduction *r, clipspan_error *err)
{
    static const char *const folders[] = {"reproduce-imagenet", "reproduce-waterbirds", ""};
    if (r->table->data == CLI_DATA_MASKS) return cli_reproduce_segments(r, err);
    r->out = cs_strdup(r->x->out.output ? r->x->out.output : folders[r->table->data], err);
    if (!r->out) return CLIPSPAN_E_NOMEM;
    CS_TRY(cli_reproduce_scan(r, err));
    if (r->table->data == CLI_DATA_WATERBIRDS) return cli_reproduce_ablation(r, err);
    return strcmp(r->table->name, "roles") == 0 ? cli_reproduce_roles(r, err)
                                                : cli_reproduce_effects(r, err);
}

static clipspan_status reproduce(cli_reproduction *r, clipspan_error *err)
{
    static clipspan_status (*const readers[])(cli_reproduction *, clipspan_error *) = {
        cli_reproduce_imagenet, cli_reproduce_waterbirds, cli_reproduce_masks};
    CS_TRY(check_options(r, err));
    CS_TRY(cli_figures_read(&r->figures, err));
    CS_TRY(readers[r->table->data](r, err));
    CS_TRY(check_model(r, err));
    CS_TRY(r->x->out.dry_run ? add_published(r, err) : measure(r, err));
    say_what_differs(r);
    return cli_reproduce_show(r, err);
}

static void fini(cli_reproduction *r)
{
    cli_figures_fini(&r->figures);
    clipspan_texts_free(&r->classes);
    clipspan_texts_free(&r->pool);
    cs_free(r->data);
    cs_free(r->masks);
    cs_free(r->list);
    cs_free(r->out);
    cs_free(r->run_path);
    cs_free(r->list_path);
    cs_free(r->classes_path);
    cs_free(r->classifier);
    cs_free(r->model_name);
    cs_free(r->rows);
    cs_free(r->roles);
}

static clipspan_status run_command(cli_session *s, const void *given, clipspan_error *err)
{
    const cli_list *arguments = &s->arguments;
    cli_reproduction r = {.session = s, .x = given};
    clipspan_status status;
    if (arguments->count == 0 || strcmp(arguments->items[0], "list") == 0)
        return cli_reproduce_list(s, err);
    r.table = find_table(arguments->items[0]);
    if (!r.table) return fail_unknown(arguments->items[0], err);
    status = reproduce(&r, err);
    fini(&r);
    return status;
}

typedef cli_reproduce_settings settings;

static const cli_option options[] = {
    CLI_TEXT("Table", "data", 0, "DIR",
             "the folder of the data set, laid out as its authors distribute it; reproduce without "
             "NAME describes the layout",
             data),
    CLI_TEXT(
        "Table", "model", 0, "MODEL",
        "the model to measure (default: the one in the paper's table, from the Hugging Face cache)",
        model),
    CLI_TEXT("Table", "heads", 0, "L22.H11,...|FILE",
             "for waterbirds and roles: these heads instead of the published ones, which only the "
             "paper's architectures have",
             heads),
    CLI_FILE("Table", "texts", 0, "POOL",
             "for texts and roles: general, the built-in pool (default), or a file with one text "
             "per line",
             pool),
    CLI_WHOLE("Table", "texts-per-head", 0, "N",
              "for texts: at most this many basis texts per head (default 60)", basis_texts, 1,
              1000),
    CLI_OPT_CLASSES,
    CLI_OPT_PRECISION,
    CLI_WHOLE("Computation", "random", 0, "N",
              "random sets of as many heads to compare with (default 5)", random, 1, 1000),
    CLI_WHOLE("Computation", "seed", 0, "N", "seed of random sets and resamples (default 0)", seed,
              0, UINT64_C(1) << 53),
    CLI_OPT_THREADS,
    CLI_OPT_MODEL_FILES,
    CLI_TEXT("Output", "output", 'o', "FOLDER",
             "where the run is kept (default: reproduce-imagenet or reproduce-waterbirds in the "
             "current folder); for segmentation: where masks are written",
             out.output),
    CLI_OPT_WRITES,
    CLI_OPT_FORM,
};

const cli_command cli_reproduce = {
    .name = "reproduce",
    .usage = "[NAME --data DIR [--model MODEL]]",
    .summary = "a table of the paper: published figures beside measured ones",
    .about = "Reads a data set as its authors distribute it, measures one table of the paper with "
             "any model, and prints the published figures, with their sources, beside the measured "
             "ones. Without NAME it lists the tables and the data that each needs. Nothing is "
             "downloaded; missing data is reported.\n"
             "NAME is mlp-ablation, layers, texts, waterbirds, segmentation or roles. Images go "
             "through the model once, into FOLDER/run, which the same command resumes and every "
             "other command reads; tables of one data set share it. A part of a data set is "
             "enough: intervals show how far to trust it.",
    .examples =
        "clipspan reproduce\tthe tables\n"
        "clipspan reproduce waterbirds --data waterbird_complete95_forest2water2\tworst group, as "
        "published\n"
        "clipspan reproduce mlp-ablation --data imagenet --model ViT-B-16/laion2b_s34b_b88k -o "
        "b16\ta smaller model",
    .arguments = {"[NAME]"},
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .run = run_command,
    .columns =
        "mean-ablated; worst group, mean-ablated\tthe mean-ablated components; for waterbirds, "
        "figures are those of the worst group\n"
        "measured, %\ton the data given\n"
        "95 %\tWilson's interval of the figure before it\n"
        "published, %; source\tthe published figure, and its source\n"
        "images; nothing, %; listed and rest, %\tfor waterbirds, of each group: its images, "
        "accuracy with nothing ablated, and accuracy with the listed heads and the rest of the "
        "published components ablated\n"
        "method, masks\tfor segmentation: the method; masks as published or aligned (see segment)\n"
        "accuracy, mIoU, mAP; paper\tmeasured, in percent; paper: the published figure\n"
        "head, measured, published\tfor roles: a head, and its first basis texts\n"
        "name, paper, what, model\twithout NAME: the table, its place in the paper, what it shows, "
        "the paper's model",
};
