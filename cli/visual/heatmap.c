/* SPDX-License-Identifier: MIT */
/* clipspan heatmap: where in images texts are, and through which heads. */
#include "cli/visual/heatmap.h"
#include "base/memory.h"
#include "cli/frame/command.h"
#include "cli/in/classifier.h"
#include "cli/in/images.h"
#include "cli/in/texts.h"
#include "cli/out/json_out.h"
#include "cli/out/numbers.h"
#include "cli/out/rows.h"
#include "cli/out/table.h"
#include "cli/out/target.h"
#include "cli/visual/map_contrast.h"
#include "cli/visual/map_folder.h"
#include "cli/visual/map_options.h"

#include <clipspan/clipspan.h>
#include <string.h>

#define MOST_AT_ONCE 8
#define TOP_HEADS    4

static const clipspan_map_kind kinds[] = {CLIPSPAN_MAP_HEADS, CLIPSPAN_MAP_ATTENTION,
                                          CLIPSPAN_MAP_ROLLOUT, CLIPSPAN_MAP_PATCHES,
                                          CLIPSPAN_MAP_VALUES};
static const char *const method_names[] = {"clipspan", "attention", "rollout", "patch", "value"};

const char *cli_heatmap_method(const cli_heatmap_job *j)
{
    return method_names[j->method];
}

static clipspan_status make_names(cli_heatmap_job *j, clipspan_error *err)
{
    j->names = cs_alloc_zero(j->rows_of_maps, sizeof *j->names, "names of maps", err);
    if (!j->names) return CLIPSPAN_E_NOMEM;
    for (size_t row = 0; row < j->rows_of_maps; row++) {
        size_t a, b, room;
        const char *first, *second;
        if (j->textless) {
            j->names[row] = cs_strdup(cli_heatmap_method(j), err);
        } else {
            clipspan_map_contrast_get_pair(&a, &b, j->contrast, j->T, row);
            first = clipspan_texts_get_text(j->texts, a);
            second = clipspan_texts_get_text(j->texts, b);
            room = strlen(first) + strlen(second) + 8;
            j->names[row] = cs_alloc(room, 1, "names of maps", err);
            if (j->names[row] && a == b) snprintf(j->names[row], room, "%s", first);
            if (j->names[row] && a != b) snprintf(j->names[row], room, "%s - %s", first, second);
        }
        if (!j->names[row]) return CLIPSPAN_E_NOMEM;
    }
    return CLIPSPAN_OK;
}

static clipspan_status draw_window(cli_heatmap_job *j, size_t image, size_t at, clipspan_error *err)
{
    const cli_heatmap_scores scores = {.at = at,
                                       .sum = clipspan_maps_get(j->maps, at, j->kind) +
                                              j->info->class_token,
                                       .stride = j->N,
                                       .rows = j->info->grid_height,
                                       .columns = j->info->grid_width};
    return cli_heatmap_draw(j, image, &scores, err);
}

static clipspan_status map_windows(cli_heatmap_job *j, size_t first, size_t count,
                                   clipspan_error *errors, clipspan_error *err)
{
    CS_TRY(clipspan_maps_run_files(j->maps, errors, clipspan_inputs_get_paths(j->inputs) + first,
                                   count, err));
    cli_progress_hide(j->session);
    for (size_t i = 0; i < count; i++)
        if (errors[i].code == CLIPSPAN_OK) CS_TRY(draw_window(j, first + i, i, err));
    return CLIPSPAN_OK;
}

static clipspan_status map_piece(void *context, size_t first, size_t count, clipspan_error *errors,
                                 clipspan_error *err)
{
    cli_heatmap_job *j = context;
    const size_t most = j->tiled ? 1 : j->at_once;
    for (size_t done = 0; done < count;) {
        size_t some = count - done < most ? count - done : most;
        CS_TRY(j->tiled ? cli_heatmap_tiles(j, first + done, &errors[done], err)
                        : map_windows(j, first + done, some, errors + done, err));
        for (size_t i = done; i < done + some; i++)
            if (errors[i].code != CLIPSPAN_OK)
                CS_TRY(cli_heatmap_skip(j, first + i, &errors[i], err));
        done += some;
        CS_TRY(cli_keep_going(j->session, err));
    }
    return CLIPSPAN_OK;
}

/* ---- All of them ---- */

static clipspan_status check_arguments(const cli_heatmap_job *j, clipspan_error *err)
{
    const cli_session *s = j->session;
    const cli_heatmap_settings *x = j->x;
    CS_TRY(cli_check_precision(&x->encoder, err));
    if (!j->x->out.output)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "heatmap writes images and arrays: give a folder with -o FOLDER");
    return cli_map_folder_check(s, &x->out, err);
}

static clipspan_status prepare(cli_heatmap_job *j, clipspan_error *err)
{
    cli_session *s = j->session;
    const cli_heatmap_settings *x = j->x;
    size_t most;
    CS_TRY(check_arguments(j, err));
    CS_TRY(cli_texts_open(&j->texts, s, &x->texts, err));
    CS_TRY(cli_templates_open(&j->templates, x->texts.templates, "none", err));
    CS_TRY(cli_model_open(&j->model, s, s->arguments.items[0], &x->load, err));
    j->info = clipspan_model_get_info(j->model);
    if (!j->info->has_text)
        return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, j->info->name,
                          "has no text encoder, so it cannot map a text");
    CS_TRY(cli_texts_check(j->model, j->texts, err));
    CS_TRY(cli_heads_open(&j->heads, &j->head_count, x->heads, x->layers, j->info, err));
    CS_TRY(cli_images_open(&j->inputs, s, 1, &x->images, err));
    j->T = clipspan_texts_get_count(j->texts);
    j->N = (size_t)j->info->tokens;
    j->method = x->method;
    j->kind = kinds[j->method];
    j->textless = j->kind == CLIPSPAN_MAP_ATTENTION || j->kind == CLIPSPAN_MAP_ROLLOUT;
    if (j->method != 0 && (x->heads || x->layers))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--heads and --layers choose heads of --method clipspan; %s has none",
                       cli_heatmap_method(j));
    if (!j->textless) CS_TRY(cli_contrast_resolve(&j->contrast, x->contrast, j->T, err));
    j->rows_of_maps = j->textless ? 1 : clipspan_map_contrast_get_rows(j->contrast, j->T);
    j->top = x->top ? (size_t)x->top : x->heads ? j->head_count : TOP_HEADS;
    if (j->top > CLI_TOP_MOST) j->top = CLI_TOP_MOST;
    if (j->method != 0) j->top = 0;
    j->tiled = x->tiles || x->tile_size;
    most = j->tiled ? CLIPSPAN_DECOMPOSITION_MOST : MOST_AT_ONCE;
    j->at_once = (size_t)cli_threads(s) < most ? (size_t)cli_threads(s) : most;
    return make_names(j, err);
}

static clipspan_status make_maps(cli_heatmap_job *j, clipspan_error *err)
{
    cli_session *s = j->session;
    clipspan_maps_options o = CLIPSPAN_MAPS_OPTIONS_INIT;
    const size_t count = clipspan_inputs_get_count(j->inputs);
    CS_TRY(
        cli_bank_open(&j->bank, s, j->model, j->texts, j->templates, j->x->encoder.precision, err));
    CS_TRY(cli_image_encoder(&j->encoder, s, j->model, j->tiled ? j->at_once : count,
                             &j->x->encoder, &j->x->images, err));
    o.heads = j->heads;
    o.head_count = j->head_count;
    o.each = j->top > 0;
    o.kinds = (unsigned)j->kind;
    o.images = (int)j->at_once;
    return clipspan_maps_new(&j->maps, j->encoder, j->bank, &o, err);
}

static void begin_document(cli_heatmap_job *j)
{
    const cli_session *s = j->session;
    cli_json_begin(&j->json, stdout, cli_flat(s), "clipspan.heatmap.v1");
    cli_json_flag(&j->json, "dry_run", j->x->out.dry_run);
    cli_json_flag(&j->json, "tiles", j->tiled);
    cli_json_text(&j->json, "model", j->info->name);
    cli_json_text(&j->json, "output", j->x->out.output);
    cli_json_text(&j->json, "method", cli_heatmap_method(j));
    cli_json_text(&j->json, "contrast", clipspan_map_contrast_get_words(j->contrast));
    cli_json_whole(&j->json, "texts", j->T);
    cli_json_whole(&j->json, "heads", j->head_count);
    cli_json_line(&j->json, "grid");
    cli_json_whole(&j->json, NULL, (uint64_t)j->info->grid_height);
    cli_json_whole(&j->json, NULL, (uint64_t)j->info->grid_width);
    cli_json_end(&j->json);
    if (s->form == CLI_FORM_JSON) cli_json_array(&j->json, "images");
}

static void summarize(cli_heatmap_job *j)
{
    const cli_session *s = j->session;
    if (s->form == CLI_FORM_TABLE) {
        cli_say(s, "%s%s: %zu image%s, %zu map%s each over %d x %d patches%s (%s; %s)",
                j->x->out.dry_run ? "would write " : "", j->x->out.output, j->written,
                j->written == 1 ? "" : "s", j->rows_of_maps, j->rows_of_maps == 1 ? "" : "s",
                j->info->grid_height, j->info->grid_width, j->tiled ? " a window" : "",
                cli_heatmap_method(j), clipspan_map_contrast_get_words(j->contrast));
        cli_say(s, "%s/rows.csv: what each file is; NNN-name-sheet.png shows everything at once",
                j->x->out.output);
        if (j->tiled)
            cli_say(s, "%llu window%s", (unsigned long long)j->windows, j->windows == 1 ? "" : "s");
        return;
    }
    if (s->form == CLI_FORM_JSON) cli_json_end(&j->json);
    if (j->tiled) cli_json_whole(&j->json, "windows", j->windows);
    cli_json_whole(&j->json, "written", j->written);
    cli_json_whole(&j->json, "skipped", s->skipped);
    cli_json_finish(&j->json);
}

static clipspan_status heatmap(cli_heatmap_job *j, clipspan_error *err)
{
    cli_session *s = j->session;
    CS_TRY(prepare(j, err));
    if (j->x->out.dry_run) {
        j->written = clipspan_inputs_get_count(j->inputs);
        if (j->tiled) CS_TRY(cli_heatmap_windows(&j->windows, j, err));
        if (s->form != CLI_FORM_TABLE) begin_document(j);
        summarize(j);
        return CLIPSPAN_OK;
    }
    CS_TRY(make_maps(j, err));
    CS_TRY(cli_map_folder_open(
        &j->rows, s, &j->x->out,
        "path|status|text|similarity|sum|highest|row|column|limit|file|error", err));
    if (s->form != CLI_FORM_TABLE) begin_document(j);
    CS_TRY(cli_images_run(s, j->inputs, cli_threads(s), map_piece, j, err));
    CS_TRY(cli_rows_finish(j->rows, err));
    cli_stage(s, "images mapped and drawn");
    summarize(j);
    return CLIPSPAN_OK;
}

static clipspan_status run_command(cli_session *s, const void *given, clipspan_error *err)
{
    cli_heatmap_job j = {.session = s, .x = given};
    clipspan_status status = heatmap(&j, err);
    cli_rows_close(&j.rows);
    for (size_t i = 0; j.names && i < j.rows_of_maps; i++)
        cs_free(j.names[i]);
    cs_free(j.names);
    cs_free(j.work);
    cs_free(j.blend);
    cs_free(j.pixels);
    cs_free(j.heads);
    clipspan_maps_free(&j.maps);
    clipspan_bank_free(&j.bank);
    clipspan_encoder_free(&j.encoder);
    clipspan_inputs_close(&j.inputs);
    clipspan_texts_free(&j.templates);
    clipspan_texts_free(&j.texts);
    clipspan_model_close(&j.model);
    return status;
}

typedef cli_heatmap_settings settings;

static const cli_option options[] = {
    CLI_OPT_TEXTS,
    CLI_OPT_TEXT_TEMPLATES,
    CLI_OPT_MAP_CONTRAST,
    CLI_CHOICE("Maps", "method", 0, "clipspan|attention|rollout|patch|value",
               "how maps are made: contributions of heads by patch (clipspan, default); or, for "
               "comparison, the last layer's attention, attention rollout, or cosines with the "
               "final patch tokens or the last layer's values",
               method),
    CLI_OPT_MAP_HEADS,
    CLI_OPT_MAP_LAYERS,
    CLI_WHOLE("Maps", "top", 0, "N",
              "heads shown on a sheet, strongest first (default 4; all of them with --heads)", top,
              1, 64),
    CLI_FLAG("Maps", "tiles", 0,
             "map large images at full resolution: windows of the model's input size that overlap "
             "by half, each encoded alone, blended into one map. This finds small objects, but not "
             "what needs the whole scene",
             tiles),
    CLI_WHOLE("Maps", "tile-size", 0, "N",
              "side of a window in pixels of the image (default: the model's input size); smaller "
              "windows find smaller objects, larger ones are fewer; implies --tiles",
              tile_size, 1, 65536),
    CLI_WHOLE("Maps", "size", 0, "N",
              "longest side of an overlay in pixels, at most (default 1024)", size, 16, 4096),
    CLI_OPT_IMAGES,
    CLI_OPT_PRECISION,
    CLI_OPT_SINGLE,
    CLI_OPT_THREADS,
    CLI_OPT_MODEL_FILES,
    CLI_OPT_ALLOW_NONFINITE,
    CLI_TEXT("Output", "output", 'o', "FOLDER",
             "folder for drawings and arrays, with rows.csv among them", out.output),
    CLI_OPT_WRITES,
    CLI_OPT_FORM,
};

const cli_command cli_heatmap = {
    .name = "heatmap",
    .usage = "MODEL IMAGE... --text TEXT... -o FOLDER",
    .summary = "heatmaps of texts over an image, by head",
    .about =
        "Draws, for every text, what each image patch contributes to the similarity through the "
        "attention heads, overlaid on the original, uncropped image: orange raises the similarity, "
        "blue lowers it, and regions that the model does not see are hatched. The colour scale is "
        "printed on every drawing and shared by all texts of an image.\n"
        "With several texts each is shown against the others (--contrast): minus the mean over "
        "texts, as published; minus the runner-up at each patch, which best separates two objects "
        "in one image; or pair by pair.\n"
        "Each image gets one overlay per text, a sheet of texts by heads (the strongest heads, or "
        "those of --heads), and NAME.npy, the scores without contrast, float32 [texts, grid "
        "height, grid width].\n"
        "--tiles maps large images at full resolution: windows of the model's input size that "
        "overlap by at least half are mapped one by one and blended with weights that add up to "
        "one. The scale is the same everywhere, but the model sees each window alone: a patch's "
        "value is its contribution to the similarity of the text with the windows around it, and "
        "the sum over the image is not a similarity. A 12-megapixel image takes about 900 windows "
        "of 224 pixels; the limit is 4,096, and maps may use a quarter of memory.",
    .examples =
        "clipspan heatmap MODEL photo.jpg --text \"a dog\" --text \"a cat\" -o maps\ttwo texts\n"
        "clipspan heatmap MODEL photo.jpg --text \"a dog\" --heads L11.H3,L10.H0 -o maps\ttwo "
        "heads\n"
        "clipspan heatmap MODEL street.jpg --text \"a road sign\" --text \"a tree\" --tiles -o "
        "maps\tsmall objects in a large image\n"
        "clipspan heatmap demo look.csv --texts things.txt --contrast runner-up -o maps\tmany "
        "images",
    .arguments = {"MODEL", "IMAGE..."},
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .run = run_command,
};
