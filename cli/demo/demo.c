/* SPDX-License-Identifier: MIT */
/* clipspan demo: opens what the chapters need, and goes through them. */
#define _XOPEN_SOURCE 700
#include "cli/demo/demo.h"
#include "base/datadir.h"
#include "base/file.h"
#include "base/memory.h"
#include "cli/frame/command.h"
#include "cli/frame/signals.h"
#include "cli/in/images.h"
#include "cli/out/numbers.h"
#include "cli/out/target.h"

#include <clipspan/clipspan.h>
#include <dirent.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_WIDTH 80 /* of paragraphs, on terminals that have it */

const char *const cli_demo_factors[CLI_DEMO_FACTORS] = {"shape", "colour", "texture",    "size",
                                                        "place", "count",  "background", "bird"};

static const cli_demo_chapter chapters[] = {
    {"world", "Synthetic scenes",
     "Scenes in rows, one row per factor, its values from left to right.", cli_demo_sheet_commands,
     "The model, and what it sees of the scenes", cli_demo_sheet},
    {"sight", "What the model sees",
     "Each test scene is compared with the values of a factor, named with prompts other than "
     "training's; the nearest one is the answer.",
     cli_demo_sight_commands, NULL, cli_demo_sight},
    {"shortcut", "A shortcut",
     "Ducks and hens look alike here, and most ducks of the training scenes are on water, most "
     "hens on grass. In the test scenes all four pairings are equally many.",
     cli_demo_shortcut_commands, NULL, cli_demo_shortcut},
    {"scan", "Images decomposed",
     "Each look scene goes through the model once. What every attention head adds to its "
     "embedding is kept, and statistics of it over all scenes.",
     cli_demo_scan_commands, NULL, cli_demo_scan},
    {"atlas", "Roles of heads",
     "For every head the texts are found along which its output varies most; a category that is "
     "clearly ahead is the head's role. Since the scenes' factors are known, the role is then "
     "compared with the truth: the factor that explains the largest share of what the head writes.",
     cli_demo_atlas_commands, "The roles; what truly explains a head is known of scenes alone",
     cli_demo_atlas},
    {"remedy", "The shortcut removed",
     "Changing what single heads wrote needs no image again. The birds of the test scenes are "
     "classified once more with the background's heads mean-ablated (means of the look scenes), "
     "and "
     "with what clipspan chooses for the cue \"water;grass\" from the look scenes, without labels.",
     cli_demo_remedy_commands, NULL, cli_demo_remedy},
    {"maps", "Where in the image",
     "In scenes with two objects one is named, and every patch says how much it adds to that name "
     "through the heads, above the strongest other name. Its peak should lie at the named object.",
     cli_demo_maps_commands, "The first scene's map; the counts over all scenes are the demo's own",
     cli_demo_maps},
    {"segment", "Where things are",
     "The map of a scene's colour, cut at a threshold, is a mask of its objects, and the right "
     "masks are known. Beside it stand masks from attention, which knows nothing of colours.",
     cli_demo_segment_commands, NULL, cli_demo_segment},
    {"search", "Images by one property",
     "For each test scene the ten nearest look scenes are found twice: by whole embeddings, and by "
     "what the heads of one role wrote. Counted is how many of the ten are alike in that property.",
     cli_demo_search_commands,
     "What the first scene finds; the shares over all scenes are the demo's own", cli_demo_search},
    {"explain", "One image in full",
     "What a scene has of a name is a sum over heads, patches and MLPs. Its own name is set "
     "against one that differs in the colour only, and one that differs in the shape only.",
     cli_demo_explain_commands, "The page; the shares over 32 scenes are the demo's own",
     cli_demo_explain},
    {"report", "One page of it all",
     "The map of all heads, what they do for telling ducks from hens, the shortcut with every "
     "remedy beside its baselines, and a card for each head: its texts, how stable they are, and "
     "the scenes at both ends.",
     cli_demo_report_commands, "The page", cli_demo_report},
};
#define CHAPTERS (sizeof chapters / sizeof *chapters)

/* ---- What chapters share ---- */

static int text_width(const cli_demo_job *d)
{
    return d->session->columns < TEXT_WIDTH ? d->session->columns : TEXT_WIDTH;
}

void cli_demo_say(const cli_demo_job *d, const char *format, ...)
{
    char text[2000];
    va_list arguments;
    if (!d->tells) return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    cli_print_wrapped(stdout, text, 0, 0, text_width(d));
}

void cli_demo_table(const cli_demo_job *d, const cli_table *table)
{
    cli_table_print(table, d->session, stdout);
    putchar('\n');
}

clipspan_status cli_demo_output(char **path, const cli_demo_job *d, const char *name,
                                clipspan_error *err)
{
    *path = cs_path_join(d->out, name, err);
    return *path ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

clipspan_status cli_demo_data(char **path, const cli_demo_job *d, const char *name,
                              clipspan_error *err)
{
    *path = cs_path_join(d->data, name, err);
    return *path ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

void cli_demo_scene(char out[64], const cli_demo_job *d, const char *path)
{
    snprintf(out, 64, "demo%.58s", path + strlen(d->data));
}

static clipspan_status open_table(clipspan_inputs **out, const cli_demo_job *d, const char *table,
                                  const clipspan_inputs_options *options, clipspan_error *err)
{
    clipspan_status status;
    const char *source;
    char *path;
    *out = NULL;
    CS_TRY(cli_demo_data(&path, d, table, err));
    source = path;
    status = clipspan_inputs_open(out, &source, 1, options, err);
    cs_free(path);
    return status;
}

clipspan_status cli_demo_inputs(clipspan_inputs **out, const cli_demo_job *d, const char *table,
                                const char *labels, const char *groups, clipspan_error *err)
{
    clipspan_inputs_options options = CLIPSPAN_INPUTS_OPTIONS_INIT;
    options.labels = labels;
    options.groups = groups;
    return open_table(out, d, table, &options, err);
}

clipspan_status cli_demo_masks(clipspan_inputs **out, const cli_demo_job *d, const char *table,
                               clipspan_error *err)
{
    clipspan_inputs_options options = CLIPSPAN_INPUTS_OPTIONS_INIT;
    options.path_column = "mask";
    return open_table(out, d, table, &options, err);
}

static clipspan_status open_texts(clipspan_texts **out, const cli_demo_job *d, const char *factor,
                                  const char *ending, clipspan_error *err)
{
    char name[64], *path;
    clipspan_status status;
    snprintf(name, sizeof name, "classes/%s%s", factor, ending);
    CS_TRY(cli_demo_data(&path, d, name, err));
    status = clipspan_texts_open(out, path, err);
    cs_free(path);
    return status;
}

clipspan_status cli_demo_bank(clipspan_bank **out, cli_demo_job *d, const char *factor,
                              clipspan_error *err)
{
    clipspan_encoder_options options = CLIPSPAN_ENCODER_OPTIONS_INIT;
    clipspan_texts *classes = NULL, *templates = NULL;
    clipspan_status status;
    *out = NULL;
    options.modality = CLIPSPAN_TEXT;
    options.threads = (int)d->session->threads;
    if (!d->texts) CS_TRY(clipspan_encoder_new(&d->texts, d->model, &options, err));
    status = open_texts(&classes, d, factor, ".txt", err);
    if (status == CLIPSPAN_OK) status = open_texts(&templates, d, factor, ".templates.txt", err);
    if (status == CLIPSPAN_OK)
        status = clipspan_bank_new_classes(out, d->texts, classes, templates, NULL, err);
    clipspan_texts_free(&classes);
    clipspan_texts_free(&templates);
    return status;
}

typedef struct embedding {
    cli_demo_job *demo;
    clipspan_inputs *inputs;
    clipspan_encoder *encoder;
} embedding;

static clipspan_status embed_piece(void *context, size_t first, size_t count,
                                   clipspan_error *errors, clipspan_error *err)
{
    embedding *e = context;
    return clipspan_encoder_run_files(
        e->demo->embeddings + first * (size_t)e->demo->info->embed_width, errors, e->encoder,
        clipspan_inputs_get_paths(e->inputs) + first, count, err);
}

clipspan_status cli_demo_embed(cli_demo_job *d, clipspan_error *err)
{
    clipspan_encoder_options options = CLIPSPAN_ENCODER_OPTIONS_INIT;
    embedding e = {.demo = d};
    clipspan_status status;
    if (d->embeddings) return CLIPSPAN_OK;
    options.threads = (int)d->session->threads;
    CS_TRY(cli_demo_inputs(&e.inputs, d, "test.csv", NULL, NULL, err));
    d->test_count = clipspan_inputs_get_count(e.inputs);
    d->embeddings = cs_alloc(d->test_count * (size_t)d->info->embed_width, sizeof *d->embeddings,
                             "embeddings", err);
    status = d->embeddings ? clipspan_encoder_new(&e.encoder, d->model, &options, err)
                           : CLIPSPAN_E_NOMEM;
    if (status == CLIPSPAN_OK)
        status =
            cli_images_run(d->session, e.inputs, cli_threads(d->session), embed_piece, &e, err);
    if (status == CLIPSPAN_OK && d->session->skipped)
        status = cs_fail_at(err, CLIPSPAN_E_FORMAT, d->data,
                            "%zu scenes of test.csv cannot be read; install the demo anew",
                            d->session->skipped);
    clipspan_encoder_free(&e.encoder);
    clipspan_inputs_close(&e.inputs);
    return status;
}

/* ---- The frame ---- */

static void heading(const cli_demo_job *d, const char *text)
{
    const int bold = d->session->bold_out;
    printf("\n\n%s%s%s\n\n", bold ? "\033[1m" : "", text, bold ? "\033[0m" : "");
}

/* Bytes of FOLDER/demo.json; the first failure is told at the end. */
static void write_story(void *to, const char *text, size_t size)
{
    cli_demo_job *d = to;
    if (d->unwritten.code == CLIPSPAN_OK) cs_output_write(d->file, text, size, &d->unwritten);
}

static clipspan_status begin_document(cli_demo_job *d, clipspan_error *err)
{
    static const char schema[] = "clipspan.demo.v1";
    clipspan_status status;
    char *path;
    cli_json_begin(&d->json, d->tells ? NULL : stdout, cli_flat(d->session), schema);
    if (!d->x->dry_run) {
        CS_TRY(cli_demo_output(&path, d, "demo.json", err));
        status = cs_output_open(&d->file, path, d->x->force, err);
        cs_free(path);
        CS_TRY(status);
        cs_json_begin(&d->story, write_story, d, CS_JSON_INDENTED, schema);
        d->json.copy = &d->story;
    }
    cli_json_flag(&d->json, "dry_run", d->x->dry_run);
    cli_json_text(&d->json, "model", d->info->path);
    cli_json_text(&d->json, "scenes", d->data);
    cli_json_text(&d->json, "output", d->out);
    cli_json_whole(&d->json, "layers", (uint64_t)d->info->image->layers);
    cli_json_whole(&d->json, "heads_per_layer", (uint64_t)d->info->image->heads);
    cli_json_whole(&d->json, "parameters", d->info->image->parameters + d->info->text->parameters);
    return CLIPSPAN_OK;
}

static clipspan_status end_document(cli_demo_job *d, double seconds, clipspan_error *err)
{
    cli_json_text(&d->json, "page", d->page);
    cli_json_real(&d->json, "seconds", seconds);
    cli_json_finish(&d->json);
    if (!d->file) return CLIPSPAN_OK;
    if (d->unwritten.code != CLIPSPAN_OK)
        return cs_fail(err, d->unwritten.code, "%s", d->unwritten.message);
    return cs_output_commit(d->file, err);
}

static void introduce(const cli_demo_job *d)
{
    char parameters[CLI_NUMBER_ROOM], bytes[CLI_NUMBER_ROOM];
    if (!d->tells) return;
    cli_format_millions(parameters,
                        (double)(d->info->image->parameters + d->info->text->parameters));
    cli_format_bytes(bytes, (double)d->info->bytes);
    cli_demo_say(
        d,
        "A small CLIP (%d layers of %d heads, %s parameters, %s) and synthetic scenes of which "
        "everything is known. The model has seen such scenes only and knows nothing of "
        "photographs, and its training encouraged heads to specialise: what follows shows that "
        "clipspan finds what is there, not how CLIP is made. Both are in",
        d->info->image->layers, d->info->image->heads, parameters, bytes);
    puts(d->data);
}

static clipspan_status go_through(cli_demo_job *d, clipspan_error *err)
{
    cli_session *s = d->session;
    cli_json_array(&d->json, "chapters");
    for (size_t i = 0; i < CHAPTERS; i++) {
        const cli_demo_chapter *c = &chapters[i];
        if (d->tells) {
            heading(d, c->title);
            cli_demo_say(d, "%s", c->about);
            putchar('\n');
        }
        cli_json_object(&d->json, NULL);
        cli_json_text(&d->json, "name", c->name);
        cli_json_text(&d->json, "title", c->title);
        CS_TRY(cli_keep_going(s, err));
        if (!d->x->dry_run) CS_TRY(c->run(d, err));
        cli_stage(s, c->title);
        cli_demo_commands(d, c);
        cli_json_end(&d->json);
    }
    cli_json_end(&d->json);
    return cli_keep_going(s, err);
}

static void conclude(const cli_demo_job *d, double seconds)
{
    char took[CLI_NUMBER_ROOM];
    if (!d->tells) return;
    heading(d, "To go on");
    if (d->x->dry_run) {
        cli_demo_say(d, "Nothing was computed; everything would go to %s.", d->out);
        return;
    }
    cli_format_duration(took, seconds);
    cli_demo_say(d,
                 "All that took %s and is in %s, every figure of it in demo.json there. The "
                 "commands take a model and images of your own in place of demo, demo/look.csv and "
                 "demo/test.csv, class names or a file of them in place of demo/shape, and the "
                 "general text pool when --texts is left out. The page to open in a browser:",
                 took, d->out);
    puts(d->page);
}

/* Whether FOLDER holds anything; hidden files count. */
static int holds_something(const char *path)
{
    const struct dirent *entry;
    int found = 0;
    DIR *stream = opendir(path);
    while (stream && !found && (entry = readdir(stream)) != NULL)
        found = strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    if (stream) closedir(stream);
    return found;
}

static clipspan_status check_output(const cli_demo_job *d, clipspan_error *err)
{
    const cli_output_settings *x = d->x;
    int kind;
    if (!x->output)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "say where everything goes with -o FOLDER");
    CS_TRY(cli_folder_check(x->output, "demo", "a run, drawings and pages", err));
    kind = cs_path_kind(x->output);
    if (kind == 2 && !x->force && holds_something(x->output))
        return cs_fail_at(err, CLIPSPAN_E_EXISTS, x->output,
                          "already exists and is not empty; choose another folder, or replace the "
                          "demo's files in it with --force");
    return CLIPSPAN_OK;
}

static clipspan_status demo(cli_demo_job *d, clipspan_error *err)
{
    cli_session *s = d->session;
    double start = cli_seconds(), seconds;
    char *file, *real;
    CS_TRY(check_output(d, err));
    d->out = d->x->output;
    d->tells = s->form == CLI_FORM_TABLE;
    CS_TRY(cs_data_path(&file, "demo/look.csv", err));
    real = realpath(file, NULL);
    d->data = cs_path_folder(real ? real : file, err);
    free(real);
    cs_free(file);
    if (!d->data) return CLIPSPAN_E_NOMEM;
    CS_TRY(clipspan_model_open(&d->model, "demo", NULL, err));
    d->info = clipspan_model_get_info(d->model);
    if (!d->x->dry_run) {
        cli_signals_hold();
        CS_TRY(cs_make_folder(d->out, err));
    }
    CS_TRY(begin_document(d, err));
    introduce(d);
    CS_TRY(go_through(d, err));
    seconds = cli_seconds() - start;
    CS_TRY(end_document(d, seconds, err));
    conclude(d, seconds);
    return CLIPSPAN_OK;
}

typedef struct {
    cli_output_settings out;
} settings;

static clipspan_status run_command(cli_session *s, const void *given, clipspan_error *err)
{
    const settings *x = given;
    cli_demo_job d = {.session = s, .x = &x->out};
    clipspan_status status = demo(&d, err);
    clipspan_atlas_free(&d.atlas);
    clipspan_texts_free(&d.pool);
    clipspan_run_close(&d.run);
    clipspan_encoder_free(&d.texts);
    clipspan_model_close(&d.model);
    cs_output_close(&d.file);
    cs_free(d.embeddings);
    cs_free(d.page);
    cs_free(d.data);
    return status;
}

static const cli_option options[] = {
    CLI_OPT_THREADS,
    CLI_TEXT("Output", "output", 'o', "FOLDER", "the folder that gets everything; new, or empty",
             out.output),
    CLI_OPT_WRITES,
    CLI_OPT_FORM,
};

const cli_command cli_demo = {
    .name = "demo",
    .usage = "-o FOLDER",
    .summary = "every analysis on a small CLIP and synthetic scenes of known content",
    .about =
        "Goes through what clipspan can do, on a small CLIP and 1,040 synthetic scenes that come "
        "with "
        "the program: what it does, what it finds, and the commands that give the same figures, "
        "to be pasted. FOLDER gets a sheet of scenes, runs, a report to open, and every figure "
        "in demo.json.\n"
        "Everything about the scenes is known, so that findings can be compared with it. The "
        "model knows scenes only, no photographs, and its heads were encouraged in training to "
        "specialise: it shows that clipspan finds what is there, not how CLIP is made.\n"
        "Model, texts and images go by name in every command, from any folder: MODEL demo, --texts "
        "demo, --classes demo/shape --templates demo/shape.templates (also colour, texture, size, "
        "place, count, background and bird), INPUT demo/look.csv, demo/test.csv or "
        "demo/test/0000.png.",
    .examples =
        "clipspan demo -o demo\tthe story, in a few seconds\n"
        "clipspan demo -o demo --json\tits figures for a program\n"
        "clipspan embed demo --text \"three red stars\" -o star.npy\tthe model in another command",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .run = run_command,
    .columns =
        "row, factor, values\tof the sheet: a factor of the scenes and its values\n"
        "factor, scenes, right, 95 % interval, chance\tzero-shot accuracy on the factor's "
        "scenes, with "
        "Wilson's 95 % interval, beside guessing\n"
        "bird, right on grass, right on water\taccuracy of a class by background\n"
        "role, heads, strongest\theads with the role, and that which the role explains best\n"
        "its first text\tof that head's basis texts\n"
        "factor (ANOVA)\tthe factor that explains most of the head's variance (analysis of "
        "variance on the true values)\n"
        "changed, right, worst group, 95 %, which\ta remedy: accuracy, that of the worst group "
        "with its "
        "interval, and which group that is\n"
        "mask from; mIoU, mean; mIoU, Otsu; highest pixel inside\tmethod: intersection over union "
        "at both "
        "thresholds, and share of maps whose peak lies in the object\n"
        "same, whole embedding, heads of the role, chance\tshare of nearest images that agree "
        "in the factor",
};
