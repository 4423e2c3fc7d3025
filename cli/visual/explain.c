/* SPDX-License-Identifier: MIT */
/* clipspan explain: what an image's similarities with texts are made of. */
#include "cli/visual/explain.h"
#include "base/file.h"
#include "base/memory.h"
#include "cli/frame/command.h"
#include "cli/frame/signals.h"
#include "cli/in/classifier.h"
#include "cli/in/heads.h"
#include "cli/in/images.h"
#include "cli/in/texts.h"
#include "cli/out/target.h"
#include "cli/visual/map_contrast.h"

#include <clipspan/clipspan.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#define TOP   5    /* heads and patches listed */
#define SIZE  640  /* pixels of the image in a page */
#define TEXTS 1000 /* at a time */
#define PAGED 100  /* in a page, which has all maps of all heads for each */

const clipspan_atlas_head *cli_explain_known(const cli_explain_job *j, clipspan_head head)
{
    const clipspan_atlas_info *info = j->atlas ? clipspan_atlas_get_info(j->atlas) : NULL;
    const clipspan_atlas_head *heads = j->atlas ? clipspan_atlas_get_heads(j->atlas) : NULL;
    size_t i;
    if (!info || head.layer < info->first_layer) return NULL;
    i = (size_t)(head.layer - info->first_layer) * (size_t)info->run->heads + (size_t)head.head;
    return i < info->heads ? &heads[i] : NULL;
}

void cli_explain_role(char out[64], const clipspan_atlas_head *head)
{
    out[0] = '\0';
    if (!head || head->role->kind == CLIPSPAN_ROLE_NONE || !head->role->category[0]) return;
    snprintf(out, 64, "%.40s%s", head->role->category[0],
             head->role->kind == CLIPSPAN_ROLE_MIXED ? ", mixed" : "");
}

size_t cli_explain_choose(size_t *out, size_t most, const double *numbers, size_t n)
{
    size_t held = 0;
    for (size_t i = 0; i < n; i++) {
        size_t at = held < most ? held : most;
        while (at > 0 && fabs(numbers[i]) > fabs(numbers[out[at - 1]])) {
            if (at < most) out[at] = out[at - 1];
            at--;
        }
        if (at == most) continue;
        out[at] = i;
        if (held < most) held++;
    }
    return held;
}

clipspan_head cli_explain_head(const cli_explain_job *j, size_t i)
{
    const clipspan_head head = {(int)(i / (size_t)j->facts->heads),
                                (int)(i % (size_t)j->facts->heads)};
    return head;
}

size_t cli_explain_heads(const clipspan_explanation_info *x)
{
    return (size_t)x->layers * (size_t)x->heads;
}

double cli_explain_sum(const double *numbers, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += numbers[i];
    return sum;
}

size_t cli_explain_shares(cli_explain_share *out, size_t most, const cli_explain_job *j,
                          size_t text)
{
    const clipspan_explanation_info *x = j->facts;
    const size_t all = cli_explain_heads(x);
    size_t count = 0;
    for (size_t i = 0; i < all; i++) {
        char role[64];
        size_t at = 0;
        cli_explain_role(role, cli_explain_known(j, cli_explain_head(j, i)));
        while (at < count && strcmp(out[at].role, role) != 0)
            at++;
        if (at == most) continue;
        if (at == count) {
            memset(&out[count++], 0, sizeof *out);
            memcpy(out[at].role, role, sizeof role);
        }
        out[at].heads++;
        out[at].part += x->head[text * all + i];
    }
    for (size_t i = 1; i < count; i++) {
        const cli_explain_share share = out[i];
        size_t at = i;
        for (; at > 0 && fabs(share.part) > fabs(out[at - 1].part); at--)
            out[at] = out[at - 1];
        out[at] = share;
    }
    return count;
}

/* ---- Before any work ---- */

static clipspan_status check_arguments(cli_explain_job *j, clipspan_error *err)
{
    const cli_explain_settings *x = j->x;
    CS_TRY(cli_check_precision(&x->encoder, err));
    if (x->out.output) CS_TRY(cli_ending_check(x->out.output, ".html", "explain", "a page", err));
    if (x->out.output) CS_TRY(cli_target_check(j->session, x->out.output, j->x->out.force, err));
    for (size_t i = 0; i < x->figure.count; i++) {
        const char *path = x->figure.items[i];
        if (!cli_ends_in(path, ".png") && !cli_ends_in(path, ".svg"))
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "--figure: expected FILE.png or FILE.svg, found \"%s\"", path);
        CS_TRY(cli_target_check(j->session, path, j->x->out.force, err));
    }
    if (x->figure.count && !x->run)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--figure shows the texts that a run's atlas found for heads: name it with "
                       "--run (clipspan atlas makes one)");
    if (cs_path_kind(j->image) == 2)
        return cs_fail_at(err, CLIPSPAN_E_ARGUMENT, j->image,
                          "is a folder; explain takes one image");
    return CLIPSPAN_OK;
}

static clipspan_status open_run(cli_explain_job *j, clipspan_error *err)
{
    cli_session *s = j->session;
    clipspan_progress progress = {cli_progress_step, s};
    clipspan_error found;
    clipspan_status status;
    CS_TRY(clipspan_run_open(&j->run, j->x->run, err));
    cli_progress_begin(s, "bytes");
    status = clipspan_run_open_model(&j->model, j->run, s->arguments.items[0], &progress, err);
    cli_progress_end(s);
    CS_TRY(status);
    status = clipspan_atlas_open(&j->atlas, j->run, NULL, &found);
    if (status == CLIPSPAN_E_NOT_FOUND && !j->x->figure.count) {
        cli_note(s, "%s has no atlas, so heads stay without roles; clipspan span %s makes one",
                 j->x->run, j->x->run);
        return CLIPSPAN_OK;
    }
    if (status != CLIPSPAN_OK && err) *err = found;
    return status;
}

static clipspan_status check_count(const cli_explain_job *j, clipspan_error *err)
{
    const size_t count = clipspan_texts_get_count(j->texts);
    if (count > TEXTS)
        return cs_fail(err, CLIPSPAN_E_LIMIT,
                       "%zu texts were given; at most %d are explained together", count, TEXTS);
    if (j->x->out.output && count > PAGED)
        return cs_fail(err, CLIPSPAN_E_LIMIT,
                       "%zu texts were given; a page has room for %d: give fewer, or no -o", count,
                       PAGED);
    return CLIPSPAN_OK;
}

static clipspan_status prepare(cli_explain_job *j, clipspan_error *err)
{
    static const int contrasts[] = {CLI_CONTRAST_AUTO, CLI_CONTRAST_NONE, CLI_CONTRAST_MEAN,
                                    CLI_CONTRAST_RUNNER_UP};
    cli_session *s = j->session;
    const cli_explain_settings *x = j->x;
    int contrast = contrasts[x->contrast];
    j->image = j->session->arguments.items[1];
    j->top = x->top ? (size_t)x->top : TOP;
    CS_TRY(check_arguments(j, err));
    CS_TRY(cli_texts_open(&j->texts, s, &x->texts, err));
    CS_TRY(cli_templates_open(&j->templates, x->texts.templates, "none", err));
    CS_TRY(check_count(j, err));
    CS_TRY(cli_contrast_resolve(&contrast, clipspan_texts_get_count(j->texts), err));
    j->contrast = contrast == CLI_CONTRAST_MEAN        ? CLIPSPAN_CONTRAST_MEAN
                  : contrast == CLI_CONTRAST_RUNNER_UP ? CLIPSPAN_CONTRAST_RUNNER_UP
                                                       : CLIPSPAN_CONTRAST_NONE;
    CS_TRY(x->run ? open_run(j, err)
                  : cli_model_open(&j->model, s, s->arguments.items[0], &x->load, err));
    j->info = clipspan_model_get_info(j->model);
    if (!j->info->has_text)
        return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, j->info->name,
                          "has no text encoder, so it cannot be asked about texts");
    if (x->heads)
        CS_TRY(cli_heads_read(&j->heads, &j->head_count, x->heads, j->info->image->layers,
                              j->info->image->heads, err));
    return cli_texts_check(j->model, j->texts, err);
}

/* ---- The work ---- */

static clipspan_status take_apart(cli_explain_job *j, clipspan_error *err)
{
    clipspan_maps_options o = CLIPSPAN_MAPS_OPTIONS_INIT;
    clipspan_maps *maps = NULL;
    clipspan_status status;
    CS_TRY(cli_bank_open(&j->bank, j->session, j->model, j->texts, j->templates,
                         j->x->encoder.precision, err));
    CS_TRY(cli_image_encoder(&j->encoder, j->session, j->model, 1, &j->x->encoder, &j->x->images,
                             err));
    o.each = 1;
    o.kinds = CLIPSPAN_MAP_MLPS;
    status = clipspan_maps_new(&maps, j->encoder, j->bank, &o, err);
    if (status == CLIPSPAN_OK) status = clipspan_maps_run_files(maps, NULL, &j->image, 1, err);
    if (status == CLIPSPAN_OK)
        status = clipspan_explanation_new(&j->explanation, maps, 0, j->bank, j->contrast, err);
    clipspan_maps_free(&maps);
    j->facts = clipspan_explanation_get_info(j->explanation);
    cli_stage(j->session, "image decomposed");
    return status;
}

clipspan_status cli_explain_view(clipspan_view **out, const cli_explain_job *j, int edge,
                                 clipspan_error *err)
{
    clipspan_image_options options = CLIPSPAN_IMAGE_OPTIONS_INIT;
    options.exif_orient = j->x->images.exif_orient;
    options.max_pixels = j->x->images.max_pixels;
    return clipspan_view_new(out, j->model, j->image, edge, &options, err);
}

static clipspan_status write_page(cli_explain_job *j, clipspan_error *err)
{
    const cli_explain_settings *x = j->x;
    clipspan_explain_options o = CLIPSPAN_EXPLAIN_OPTIONS_INIT;
    clipspan_view *view = NULL;
    clipspan_status status;
    struct stat found;
    o.atlas = j->atlas;
    o.model = j->info->name;
    o.image = j->image;
    o.top = (int)j->top;
    o.replace = x->out.force;
    status = cli_explain_view(&view, j, x->size ? (int)x->size : SIZE, err);
    if (status == CLIPSPAN_OK)
        status = clipspan_explanation_write(x->out.output, j->explanation, view, &o, err);
    clipspan_view_free(&view);
    CS_TRY(status);
    if (stat(x->out.output, &found) == 0) j->bytes = (double)found.st_size;
    cli_stage(j->session, "page written");
    return CLIPSPAN_OK;
}

static clipspan_status explain(cli_explain_job *j, clipspan_error *err)
{
    const cli_explain_settings *x = j->x;
    CS_TRY(prepare(j, err));
    if (x->out.dry_run) return cli_explain_show(j, err);
    CS_TRY(take_apart(j, err));
    if (x->out.output) CS_TRY(write_page(j, err));
    CS_TRY(cli_explain_figures(j, err));
    return cli_explain_show(j, err);
}

static clipspan_status run_command(cli_session *s, const void *given, clipspan_error *err)
{
    cli_explain_job j = {.session = s, .x = given};
    clipspan_status status = explain(&j, err);
    cs_free(j.heads);
    cs_free(j.rows);
    clipspan_explanation_free(&j.explanation);
    clipspan_bank_free(&j.bank);
    clipspan_encoder_free(&j.encoder);
    clipspan_texts_free(&j.templates);
    clipspan_texts_free(&j.texts);
    clipspan_atlas_free(&j.atlas);
    clipspan_model_close(&j.model);
    clipspan_run_close(&j.run);
    return status;
}

typedef cli_explain_settings settings;

static const cli_option options[] = {
    CLI_OPT_TEXTS,
    CLI_OPT_TEXT_TEMPLATES,
    CLI_TEXT("Parts", "run", 0, "RUN",
             "a run of the same model, whose atlas says what heads are about", run),
    CLI_CHOICE(
        "Parts", "contrast", 0, "auto|none|mean|runner-up",
        "what is decomposed: the similarity itself (none; auto with one text); minus the mean of "
        "all texts (auto, with several); minus that of the other text most similar to the image",
        contrast),
    CLI_WHOLE("Parts", "top", 0, "N",
              "heads and patches that are listed for a text, the strongest first (default 5)", top,
              1, 64),
    CLI_LIST("Parts", "figure", 0, "FILE.png|FILE.svg",
             "draw heads by their own texts of the run's atlas: where in the image each head finds "
             "each of the texts that this image has most of; may be repeated",
             figure),
    CLI_TEXT(
        "Parts", "heads", 0, "L22.H11,...",
        "heads of --figure (default: the four strongest for the text most similar to the image)",
        heads),
    CLI_WHOLE("Parts", "size", 0, "N",
              "pixels of the longer side of the image in a page (default 640)", size, 16, 4096),
    CLI_OPT_EXIF_ORIENT,
    CLI_OPT_MAX_PIXELS,
    CLI_OPT_PRECISION,
    CLI_OPT_THREADS,
    CLI_OPT_MODEL_FILES,
    CLI_TEXT("Output", "output", 'o', "FILE.html",
             "the page about all of it; without, only the table is printed", out.output),
    CLI_OPT_WRITES,
    CLI_OPT_FORM,
};

const cli_command cli_explain = {
    .name = "explain",
    .usage = "MODEL IMAGE --text TEXT... [--run RUN] [-o FILE.html]",
    .summary = "which layers, heads, patches and MLPs make an image like a text",
    .about =
        "Decomposes the similarity of one image with each text into everything that the model adds "
        "to it: layers, heads, MLPs, the class token's input, and every patch through every head. "
        "The parts add up to the similarity, within 1e-5 (bf16: 1e-2). They are direct effects: "
        "what later layers make of a part is counted with those.\n"
        "With several texts, what is decomposed is by how much a text stands above the others "
        "(--contrast). With --run, heads have the roles and texts that the run's atlas found.\n"
        "FILE.html is one page that loads nothing: choose a text, a head or a layer and see where "
        "in the image it finds it, drawn on the whole image.",
    .examples =
        "clipspan explain MODEL photo.jpg --text \"a dog\" --text \"a cat\" -o why.html\tthe page\n"
        "clipspan explain MODEL photo.jpg --text \"a dog\" --run run --figure joint.svg\theads by "
        "their own texts\n"
        "clipspan explain MODEL photo.jpg --text \"a dog\" --tsv >parts.tsv\tevery number",
    .arguments = {"MODEL", "IMAGE"},
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .run = run_command,
};
