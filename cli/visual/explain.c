/* SPDX-License-Identifier: MIT */
/* clipspan explain: what an image's similarities with texts are made of. */
#include "cli/visual/explain.h"
#include "base/datadir.h"
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
#include <string.h>
#include <sys/stat.h>

#define SIZE  640  /* pixels of the image in a page */
#define TEXTS 1000 /* at a time */
#define PAGED 100  /* in a page, which has all maps of all heads for each */

void cli_explain_role(char out[64], const char *role, int leaning)
{
    snprintf(out, 64, "%.40s%s", role ? role : "", role && leaning ? ", leaning" : "");
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
    if (x->through && x->encoder.precision == CLIPSPAN_BF16)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--through computes in f32; leave out --precision bf16");
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
        cli_note(s, "%s has no atlas, so heads have no roles here; clipspan roles %s makes one",
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
    /* --contrast of explain has no pairs, and else the choices of the commands about maps */
    static const clipspan_contrast contrasts[] = {
        [CLIPSPAN_MAP_CONTRAST_NONE] = CLIPSPAN_CONTRAST_NONE,
        [CLIPSPAN_MAP_CONTRAST_MEAN] = CLIPSPAN_CONTRAST_MEAN,
        [CLIPSPAN_MAP_CONTRAST_RUNNER_UP] = CLIPSPAN_CONTRAST_RUNNER_UP};
    cli_session *s = j->session;
    const cli_explain_settings *x = j->x;
    clipspan_map_contrast contrast;
    j->image = j->session->arguments.items[1];
    CS_TRY(cs_data_demo(&j->demo_image, j->image, err));
    if (j->demo_image) j->image = j->demo_image;
    CS_TRY(check_arguments(j, err));
    CS_TRY(cli_texts_open(&j->texts, s, &x->texts, err));
    CS_TRY(cli_templates_open(&j->templates, x->texts.templates, "none", err));
    CS_TRY(check_count(j, err));
    CS_TRY(cli_contrast_resolve(&contrast, x->contrast, clipspan_texts_get_count(j->texts), err));
    j->contrast = contrasts[contrast];
    CS_TRY(x->run ? open_run(j, err)
                  : cli_model_open(&j->model, s, s->arguments.items[0], &x->load, err));
    j->info = clipspan_model_get_info(j->model);
    if (!j->info->has_text)
        return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, j->info->name,
                          "has no text encoder, so it cannot be asked about texts");
    if (x->heads)
        CS_TRY(cli_heads_read(&j->heads, &j->head_count, x->heads, j->info->split_layers,
                              j->info->split_heads, err));
    return cli_texts_check(j->model, j->texts, err);
}

/* ---- The work ---- */

static clipspan_status decompose(cli_explain_job *j, clipspan_error *err)
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
    CS_TRY(status);
    j->facts = clipspan_explanation_get_info(j->explanation);
    cli_stage(j->session, "image decomposed");
    return clipspan_findings_new(&j->findings, j->explanation, j->atlas, (int)j->x->top, err);
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
    o.top = (int)x->top;
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
    CS_TRY(decompose(j, err));
    if (x->through) CS_TRY(cli_explain_through(j, err));
    if (x->out.output) CS_TRY(write_page(j, err));
    CS_TRY(cli_explain_figures(j, err));
    return cli_explain_show(j, err);
}

static clipspan_status run_command(cli_session *s, const void *given, clipspan_error *err)
{
    cli_explain_job j = {.session = s, .x = given};
    clipspan_status status = explain(&j, err);
    cs_free(j.heads);
    clipspan_joint_free(&j.joint);
    clipspan_paths_free(&j.paths);
    clipspan_findings_free(&j.findings);
    clipspan_explanation_free(&j.explanation);
    clipspan_bank_free(&j.bank);
    clipspan_encoder_free(&j.encoder);
    clipspan_texts_free(&j.templates);
    clipspan_texts_free(&j.texts);
    clipspan_atlas_free(&j.atlas);
    clipspan_model_close(&j.model);
    clipspan_run_close(&j.run);
    cs_free(j.demo_image);
    return status;
}

typedef cli_explain_settings settings;

static const cli_option options[] = {
    CLI_OPT_TEXTS,
    CLI_OPT_TEXT_TEMPLATES,
    CLI_TEXT("Parts", "run", 0, "RUN",
             "a run of the same model, whose atlas gives the roles of heads", run),
    CLI_CHOICE("Parts", "contrast", 0, "auto|none|mean|runner-up",
               "what is decomposed: the similarity itself (none; auto with one text); minus the "
               "mean over all texts (mean; auto with several); or minus that of the other text "
               "most similar to the image (runner-up)",
               contrast),
    CLI_WHOLE("Parts", "top", 0, "N",
              "heads and patches listed for each text, strongest first (default 5)", top, 1, 64),
    CLI_FLAG("Parts", "through", 0,
             "also what heads, MLPs, neurons and tokens are worth through later layers", through),
    CLI_LIST("Parts", "figure", 0, "FILE.png|FILE.svg",
             "draw heads with their own basis texts from the run's atlas: where in the image each "
             "head finds those of its texts that are strongest in this image; may be repeated",
             figure),
    CLI_TEXT(
        "Parts", "heads", 0, "L22.H11,...",
        "heads of --figure (default: the four strongest for the text most similar to the image)",
        heads),
    CLI_WHOLE("Parts", "size", 0, "N",
              "longer side of the image on the page, in pixels (default 640)", size, 16, 4096),
    CLI_OPT_EXIF_ORIENT,
    CLI_OPT_MAX_PIXELS,
    CLI_OPT_PRECISION,
    CLI_OPT_THREADS,
    CLI_OPT_MODEL_FILES,
    CLI_TEXT("Output", "output", 'o', "FILE.html",
             "the page to write; without it, only the table is printed", out.output),
    CLI_OPT_WRITES,
    CLI_OPT_FORM,
};

const cli_command cli_explain = {
    .name = "explain",
    .usage = "MODEL IMAGE --text TEXT... [--run RUN] [-o FILE.html]",
    .summary = "an image-text similarity decomposed into layers, heads, MLPs and patches",
    .about = "Decomposes the similarity of one image with each text into contributions of layers, "
             "heads, MLPs, the class token's input, and every patch through every head. They add "
             "up to the similarity, within 1e-5 (bf16: 1e-2). They are direct effects: what later "
             "layers do with a component's output counts as theirs. --through adds effects that "
             "count what later layers pass on, with attention, LayerNorm scales and MLP gates of "
             "the image held.\n"
             "With several texts, what is decomposed is a text's similarity relative to the others "
             "(--contrast). With --run, heads are shown with the roles and basis texts of the "
             "run's atlas.\n"
             "FILE.html is one self-contained page: choose a text and a head or layer, and see on "
             "the original image where it finds the text.",
    .examples =
        "clipspan explain MODEL photo.jpg --text \"a dog\" --text \"a cat\" -o why.html\tthe page\n"
        "clipspan explain MODEL photo.jpg --text \"a dog\" --run run --figure joint.svg\theads "
        "with their own basis texts\n"
        "clipspan explain MODEL photo.jpg --text \"a dog\" --tsv >parts.tsv\tevery number",
    .arguments = {"MODEL", "IMAGE"},
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .run = run_command,
    .columns =
        "text\ta text that the image is compared with\n"
        "similarity\tcosine similarity of image and text\n"
        "explained\twhat is decomposed: the similarity, minus what --contrast subtracts\n"
        "attention, MLPs, input\tcontributions of all heads, of all MLPs, and of the class "
        "token as it enters the first layer\n"
        "layer\tcounted from 0\n"
        "of it class token\tof the layer's attention contribution, the part from "
        "class-token self-attention\n"
        "MLP\tcontribution of the layer's MLP\n"
        "head\tlayer and head\n"
        "part\tcontribution to what is decomposed\n"
        "effect, direct, through later layers\twith --through: all that a component is worth; "
        "of it direct; the rest\n"
        "neuron\tlayer and number of a hidden number of an MLP\n"
        "role, first texts\tof the head, in the run's atlas\n"
        "heads\tnumber of heads with the role\n"
        "row, column\tof a patch, counted from 0 at the top left",
};
