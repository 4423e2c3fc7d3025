/* SPDX-License-Identifier: MIT */
/* clipspan segment: zero-shot masks, and how good they are beside those of other methods. */
#include "cli/visual/segment.h"
#include "base/file.h"
#include "base/memory.h"
#include "cli/frame/command.h"
#include "cli/in/classifier.h"
#include "cli/in/images.h"
#include "cli/in/texts.h"
#include "cli/out/numbers.h"
#include "cli/out/target.h"
#include "cli/visual/map_contrast.h"
#include "cli/visual/map_folder.h"
#include "cli/visual/map_options.h"

#include <clipspan/clipspan.h>
#include <stdlib.h>
#include <string.h>

#define MOST_AT_ONCE 8

static clipspan_status check_arguments(const cli_segment_job *j, clipspan_error *err)
{
    const cli_session *s = j->session;
    const cli_segment_settings *x = j->x;
    const int sentences = x->target.count + x->against.count > 0;
    CS_TRY(cli_check_precision(&x->encoder, err));
    if (sentences && (x->classes.list || x->classes.names.count || x->images.labels))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--target fills sentences from columns and --classes compares classes: give "
                       "one of them");
    if (sentences && !x->target.count)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--against is subtracted from --target; give --target as well");
    if (x->contrast == CLI_CONTRAST_PAIRS)
        return cs_fail(
            err, CLIPSPAN_E_ARGUMENT,
            "--contrast: expected auto, none, mean or runner-up; pairs make several maps");
    if (x->multi && (sentences || !x->out.output || x->method > 1))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--multi writes the masks of --classes: it needs -o FOLDER, and goes with "
                       "neither --target nor another --method");
    return x->out.output ? cli_map_folder_check(s, &x->out, err) : CLIPSPAN_OK;
}

/* Where masks are, and which of their values counts. */
static clipspan_status open_masks(cli_segment_job *j, clipspan_error *err)
{
    const cli_segment_settings *x = j->x;
    const char *value = x->mask_value;
    if (!x->masks && !x->out.output)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "segment evaluates masks or writes them: give ground-truth masks with "
                       "--masks FOLDER|COLUMN, or a folder to write to with -o FOLDER");
    if (value && !x->masks) return cs_fail(err, CLIPSPAN_E_ARGUMENT, "--mask-value needs --masks");
    j->has_masks = x->masks != NULL;
    if (!j->has_masks) return CLIPSPAN_OK;
    if (cs_path_kind(x->masks) != 2)
        CS_TRY(cli_segment_column(&j->mask_inputs, j, NULL, x->masks, err));
    if (!value) return CLIPSPAN_OK;
    if (strspn(value, "0123456789") != strlen(value) || !*value)
        return cli_segment_column(&j->value_inputs, j, value, NULL, err);
    if (strlen(value) > 5 || strtol(value, NULL, 10) < 1 || strtol(value, NULL, 10) > 65535)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--mask-value: expected a number from 1 to 65535 or a column, found \"%s\"",
                       value);
    j->mask_value = (uint16_t)strtol(value, NULL, 10);
    return CLIPSPAN_OK;
}

static clipspan_status prepare(cli_segment_job *j, clipspan_error *err)
{
    cli_session *s = j->session;
    const cli_segment_settings *x = j->x;
    const int sentences = x->target.count > 0;
    CS_TRY(check_arguments(j, err));
    if (!sentences) CS_TRY(cli_classes_open(&j->classes, &x->classes, err));
    CS_TRY(cli_templates_open(&j->templates, x->classes.templates, sentences ? "none" : "openai",
                              err));
    CS_TRY(cli_segment_open(j, err));
    CS_TRY(cli_images_list(&j->inputs, s, j->sources, j->source_count, &x->images, err));
    CS_TRY(open_masks(j, err));
    CS_TRY(cli_segment_targets(j, err));
    if (x->multi && clipspan_texts_get_count(j->classes) > 255)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "--multi: a mask has room for 255 classes, not %zu",
                       clipspan_texts_get_count(j->classes));
    CS_TRY(cli_texts_check(j->model, j->texts ? j->texts : j->classes, err));
    j->at_once = (size_t)cli_threads(s) < MOST_AT_ONCE ? (size_t)cli_threads(s) : MOST_AT_ONCE;
    return CLIPSPAN_OK;
}

/* All methods that have a meaning for the model where there are masks to compare them on; the first
 * alone writes masks. */
static unsigned choose_methods(const cli_segment_job *j)
{
    const int only = j->x->method;
    unsigned all = (1U << CLI_METHODS) - 1;
    if (only) return 1U << (only - 1);
    if (!j->info->class_token)
        all &= ~(1U << CLIPSPAN_SEGMENT_ROLLOUT | 1U << CLIPSPAN_SEGMENT_PATCHES);
    return j->has_masks ? all : 1U << CLIPSPAN_SEGMENT_HEADS;
}

static clipspan_status open_study(cli_segment_job *j, clipspan_error *err)
{
    static const clipspan_contrast contrasts[] = {[CLI_CONTRAST_AUTO] = CLIPSPAN_CONTRAST_MEAN,
                                                  [CLI_CONTRAST_NONE] = CLIPSPAN_CONTRAST_NONE,
                                                  [CLI_CONTRAST_MEAN] = CLIPSPAN_CONTRAST_MEAN,
                                                  [CLI_CONTRAST_RUNNER_UP] =
                                                      CLIPSPAN_CONTRAST_RUNNER_UP};
    const clipspan_texts *texts = j->texts ? j->texts : j->classes;
    clipspan_segmentation_options o = CLIPSPAN_SEGMENTATION_OPTIONS_INIT;
    CS_TRY(j->x->out.dry_run ? cli_bank_blank(&j->bank, j->model, texts, err)
                             : cli_bank_open(&j->bank, j->session, j->model, texts, j->templates,
                                             j->x->encoder.precision, err));
    o.targets = j->targets;
    o.target_count = j->target_count;
    o.contrast = contrasts[j->x->contrast];
    o.methods = choose_methods(j);
    o.roles = j->roles;
    o.role_count = j->role_count;
    o.pool = j->atlas ? clipspan_atlas_get_info(j->atlas)->pool : NULL;
    o.threads = (int)j->at_once;
    return clipspan_segmentation_new(&j->segmentation, j->model, j->bank, &o, err);
}

static clipspan_status make_maps(cli_segment_job *j, clipspan_error *err)
{
    static const unsigned kinds[CLI_METHODS] = {0, CLIPSPAN_MAP_ATTENTION, CLIPSPAN_MAP_ROLLOUT,
                                                CLIPSPAN_MAP_PATCHES, CLIPSPAN_MAP_VALUES};
    const size_t pixels = (size_t)j->info->input_height * (size_t)j->info->input_width;
    clipspan_maps_options o = CLIPSPAN_MAPS_OPTIONS_INIT;
    CS_TRY(cli_image_encoder(&j->encoder, j->session, j->model,
                             clipspan_inputs_get_count(j->inputs), &j->x->encoder, &j->x->images,
                             err));
    for (size_t i = 0; i < CLI_METHODS; i++)
        if (choose_methods(j) & 1U << i) o.kinds |= kinds[i];
    o.groups = j->groups;
    o.group_count = j->role_count;
    o.heads = j->heads;
    o.head_count = j->head_count;
    o.back = (int)j->x->back;
    o.images = (int)j->at_once;
    CS_TRY(clipspan_maps_new(&j->maps, j->encoder, j->bank, &o, err));
    j->chosen = cs_alloc(j->target_count, sizeof *j->chosen, "texts of an image", err);
    j->values[0] = cs_alloc(pixels, sizeof *j->values[0], "masks", err);
    j->values[1] = cs_alloc(pixels, sizeof *j->values[1], "masks", err);
    return j->chosen && j->values[0] && j->values[1] ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

static clipspan_status segment_piece(void *context, size_t first, size_t count,
                                     clipspan_error *errors, clipspan_error *err)
{
    cli_segment_job *j = context;
    for (size_t done = 0; done < count;) {
        size_t some = count - done < j->at_once ? count - done : j->at_once;
        CS_TRY(clipspan_maps_run_files(j->maps, errors + done,
                                       clipspan_inputs_get_paths(j->inputs) + first + done, some,
                                       err));
        for (size_t i = done; i < done + some; i++) {
            if (errors[i].code == CLIPSPAN_OK)
                CS_TRY(cli_segment_image(j, first + i, i - done, &errors[i], err));
            if (errors[i].code != CLIPSPAN_OK && j->rows)
                CS_TRY(cli_map_folder_skip(j->rows, clipspan_inputs_get_paths(j->inputs)[first + i],
                                           5, &errors[i], err));
        }
        done += some;
        CS_TRY(cli_keep_going(j->session, err));
    }
    return CLIPSPAN_OK;
}

clipspan_status cli_segment_run(cli_segment_job *j, clipspan_error *err)
{
    cli_session *s = j->session;
    char left_out[CLI_NUMBER_ROOM];
    uint64_t count;
    CS_TRY(prepare(j, err));
    CS_TRY(open_study(j, err));
    if (j->x->out.dry_run) {
        j->written = clipspan_inputs_get_count(j->inputs);
        return CLIPSPAN_OK;
    }
    CS_TRY(make_maps(j, err));
    if (j->x->out.output)
        CS_TRY(cli_map_folder_open(&j->rows, s, &j->x->out,
                                   "path|status|text|accuracy|miou|map|file|error", err));
    CS_TRY(cli_images_run(s, j->inputs, cli_threads(s), segment_piece, j, err));
    if (j->rows) CS_TRY(cli_rows_finish(j->rows, err));
    cli_stage(s, "images segmented");
    count = clipspan_segmentation_get_info(j->segmentation)->left_out;
    cli_count_of(left_out, count, "image");
    if (count)
        cli_note(s, "left out: %s without a class or a value in the columns of --target", left_out);
    return clipspan_segmentation_run(j->segmentation, err);
}

void cli_segment_fini(cli_segment_job *j)
{
    cli_rows_close(&j->rows);
    cli_segment_targets_free(j);
    cs_free(j->chosen);
    cs_free(j->values[0]);
    cs_free(j->values[1]);
    clipspan_segmentation_free(&j->segmentation);
    cs_free(j->heads);
    cs_free(j->groups);
    clipspan_atlas_free(&j->atlas);
    clipspan_run_close(&j->run);
    clipspan_maps_free(&j->maps);
    clipspan_bank_free(&j->bank);
    clipspan_encoder_free(&j->encoder);
    clipspan_inputs_close(&j->value_inputs);
    clipspan_inputs_close(&j->mask_inputs);
    clipspan_inputs_close(&j->inputs);
    clipspan_texts_free(&j->texts);
    clipspan_texts_free(&j->templates);
    clipspan_texts_free(&j->classes);
    clipspan_model_close(&j->model);
}

static clipspan_status run_command(cli_session *s, const void *given, clipspan_error *err)
{
    cli_segment_job j = {.session = s,
                         .x = given,
                         .model_path = s->arguments.items[0],
                         .sources = s->arguments.items + 1,
                         .source_count = s->arguments.count - 1};
    clipspan_status status = cli_segment_run(&j, err);
    if (status == CLIPSPAN_OK) status = cli_segment_show(&j, err);
    cli_segment_fini(&j);
    return status;
}

typedef cli_segment_settings settings;

static const cli_option options[] = {
    CLI_OPT_MAP_CONTRAST,
    CLI_LIST(
        "Maps", "target", 0, "SENTENCE",
        "what to look for, with columns of the list in braces, such as \"a {colour} {shape}\"; may "
        "be repeated: maps are added, each contrasted with the sentence's other fillings",
        target),
    CLI_LIST("Maps", "against", 0, "SENTENCE",
             "a sentence like --target whose map is subtracted; may be repeated", against),
    CLI_CHOICE("Maps", "method", 0, "all|clipspan|attention|rollout|patch|value",
               "use one method only (default: all; masks are written with the first)", method),
    CLI_WHOLE("Maps", "attention-back", 0, "N",
              "use the attention of the Nth layer before the last (default 0: the last)", back, 0,
              1000),
    CLI_OPT_MAP_HEADS,
    CLI_OPT_MAP_LAYERS,
    CLI_TEXT("Maps", "run", 0, "RUN",
             "a run of this model whose heads have roles: also report figures for the "
             "contributions of each role's heads alone",
             run),
    CLI_TEXT("Maps", "role", 0, "NAME",
             "with --run: contributions of the heads with this role only, as with --heads", role),
    CLI_TEXT("Masks", "masks", 0, "FOLDER|COLUMN",
             "the ground-truth masks: a folder with NAME.png for each image, or the list's column "
             "with their paths; PNG of the image's size, with one channel or a palette",
             masks),
    CLI_TEXT("Masks", "mask-value", 0, "N|COLUMN",
             "the mask value that is foreground, or the list's column with it (default: all but 0)",
             mask_value),
    CLI_FLAG("Masks", "multi", 0,
             "write all classes into one mask: the number, from 1, of the class with the highest "
             "value; 0 where no class is above its threshold",
             multi),
    CLI_CHOICE("Masks", "threshold", 0, "mean|otsu",
               "threshold of the masks that -o writes: the map's mean, as published, or Otsu's; "
               "figures are given for both",
               threshold),
    CLI_OPT_CLASSES,
    CLI_OPT_IMAGES,
    CLI_OPT_PRECISION,
    CLI_OPT_SINGLE,
    CLI_OPT_THREADS,
    CLI_OPT_MODEL_FILES,
    CLI_OPT_ALLOW_NONFINITE,
    CLI_TEXT("Output", "output", 'o', "FOLDER",
             "folder for masks, with rows.csv among them, which describes each and has its figures",
             out.output),
    CLI_OPT_WRITES,
    CLI_OPT_FORM,
};

const cli_command cli_segment = {
    .name = "segment",
    .usage = "MODEL INPUT --classes LIST|FILE [--labels COLUMN] --masks FOLDER|COLUMN\n"
             "MODEL LIST.csv --target SENTENCE [--against SENTENCE] --masks COLUMN\n"
             "MODEL INPUT --classes LIST|FILE -o FOLDER",
    .summary = "zero-shot segmentation; pixel accuracy, mIoU and mAP, compared with other methods",
    .about = "Makes a mask of each image from the heatmap of its class, which --labels gives or "
             "the model predicts, and compares it with the ground truth: pixel accuracy, mIoU and "
             "mAP as published. Ground-truth masks are resized and cropped with the image "
             "(aligned) and, as in the published program, squashed whole (published); the "
             "threshold is the map's mean or Otsu's. Baselines are the last layer's attention, "
             "attention rollout, and cosines with final patch tokens and with values. With --run "
             "RUN the contributions of each role's heads alone are evaluated too.\n"
             "--target looks for a sentence instead, with columns of the list in braces; maps of "
             "several are added, and those of --against subtracted. With -o masks are written as "
             "PNG of the image's size: 255 where the class is, or with --multi the number of the "
             "class with the highest value at each pixel.",
    .examples = "clipspan segment MODEL coco.csv --classes names.txt --labels category --masks "
                "mask\taccuracy, mIoU and mAP\n"
                "clipspan segment demo test.csv --target \"{colour}\" --target \"{shape}\" --masks "
                "mask\ttexts from columns\n"
                "clipspan segment demo test.csv --target \"a {colour} {shape}\" --masks mask --run "
                "run\teach role's heads too\n"
                "clipspan segment MODEL photos/ --classes \"dog,cat,bird\" -o masks\tmasks",
    .arguments = {"MODEL", "INPUT..."},
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .run = run_command,
    .columns =
        "method\thow the heatmap is made: contributions of heads by patch (clipspan), attention of "
        "the last layer, rollout, cosines with final patch tokens or values\n"
        "masks\taligned: resized and cropped with the image; published: squashed to a square\n"
        "threshold\tthe map's mean, or Otsu's\n"
        "accuracy\tpixel accuracy, over all images\n"
        "mIoU\tintersection over union, mean of object and background\n"
        "mAP\taverage precision of the map's values, mean over images\n"
        "highest pixel inside\tpercentage of images whose highest value lies in the mask (pointing "
        "game)",
};
