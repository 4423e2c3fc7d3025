/* SPDX-License-Identifier: MIT */
/* clipspan extend: more images for a run, behind those that it has. */
#include "base/error.h"
#include "cli/frame/command.h"
#include "cli/in/images.h"
#include "cli/out/json_out.h"
#include "cli/out/numbers.h"
#include "cli/out/table.h"

#include <clipspan/clipspan.h>

typedef struct { /* what the options fill; zero is every default */
    cli_image_settings images;
    cli_output_settings out; /* dry_run alone */
    const char *model;
} settings;

typedef struct extension {
    cli_session *session;
    const settings *x;
    const char *path; /* of the run */
    clipspan_run *run;
    clipspan_model *model;
    clipspan_inputs *inputs;
    uint64_t added, chunks;     /* of this list */
    uint64_t images, lists;     /* of the run, with it */
    uint64_t duplicates_before; /* of the run without it */
} extension;

static uint64_t count_with(uint64_t (*has)(const clipspan_inputs *, size_t),
                           const clipspan_inputs *inputs)
{
    uint64_t count = 0;
    for (size_t i = 0; i < clipspan_inputs_get_count(inputs); i++)
        count += has(inputs, i);
    return count;
}

static uint64_t has_label(const clipspan_inputs *inputs, size_t i)
{
    return *clipspan_inputs_get_label(inputs, i) != '\0';
}

static uint64_t has_group(const clipspan_inputs *inputs, size_t i)
{
    return *clipspan_inputs_get_group(inputs, i) != '\0';
}

/* What the run has and this list lacks is seldom meant. */
static void note_lacking(const extension *e)
{
    const clipspan_run_info *info = clipspan_run_get_info(e->run);
    if (info->has_labels && !count_with(has_label, e->inputs))
        cli_note(e->session, "%s has labels, these images have none: --labels says where they are",
                 e->path);
    if (info->has_groups && !count_with(has_group, e->inputs))
        cli_note(e->session, "%s has groups, these images have none: --groups says where they are",
                 e->path);
}

static clipspan_status add_images(extension *e, clipspan_error *err)
{
    cli_session *s = e->session;
    const clipspan_progress progress = {cli_progress_step, s};
    clipspan_status status;
    cli_progress_begin(s, "bytes");
    status = clipspan_run_open_model(&e->model, e->run, e->x->model, &progress, err);
    if (status == CLIPSPAN_OK)
        status = clipspan_run_extend(e->path, e->model, e->inputs, &progress, err);
    cli_progress_end(s);
    CS_TRY(status);
    cli_stage(s, "weights hashed, images added");
    clipspan_run_close(&e->run);
    return clipspan_run_open(&e->run, e->path, err);
}

static void show_table(const extension *e)
{
    char added[CLI_NUMBER_ROOM], all[CLI_NUMBER_ROOM], lists[CLI_NUMBER_ROOM],
        chunks[CLI_NUMBER_ROOM];
    cli_count_of(added, e->added, "image");
    cli_count_of(chunks, e->chunks, "chunk");
    cli_count_of(all, e->images, "image");
    cli_count_of(lists, e->lists, "list");
    cli_say(e->session, "%s%s: %s more in %s; %s of %s in all",
            e->x->out.dry_run ? "would add to " : "", e->path, added, chunks, all, lists);
    if (e->x->out.dry_run) return;
    cli_say(e->session, "Next:");
    cli_say(e->session, "  clipspan scan %s", e->path);
}

static void show(const extension *e)
{
    const cli_session *s = e->session;
    const clipspan_run_info *info = clipspan_run_get_info(e->run);
    const int dry = e->x->out.dry_run;
    cli_json json;
    if (s->form == CLI_FORM_TABLE) {
        show_table(e);
        return;
    }
    cli_json_begin(&json, stdout, cli_flat(s), "clipspan.extend.v1");
    cli_json_flag(&json, "dry_run", dry);
    cli_json_text(&json, "run", e->path);
    cli_json_text(&json, "model", info->model_name);
    cli_json_text(&json, "sha256", info->model_hash);
    cli_json_whole(&json, "added", e->added);
    if (dry)
        cli_json_text(&json, "duplicates", NULL);
    else
        cli_json_whole(&json, "duplicates", info->duplicates - e->duplicates_before);
    cli_json_whole(&json, "chunks", e->chunks);
    cli_json_whole(&json, "images", e->images);
    cli_json_whole(&json, "lists", e->lists);
    cli_json_finish(&json);
}

static clipspan_status extend(extension *e, clipspan_error *err)
{
    const clipspan_run_info *info;
    CS_TRY(clipspan_run_open(&e->run, e->path, err));
    info = clipspan_run_get_info(e->run);
    CS_TRY(cli_images_open(&e->inputs, e->session, 1, &e->x->images, err));
    e->added = clipspan_inputs_get_count(e->inputs);
    e->chunks = (e->added + 31) / 32;
    e->images = info->images + e->added;
    e->lists = info->segments + 1;
    e->duplicates_before = info->duplicates;
    note_lacking(e);
    if (!e->x->out.dry_run) return add_images(e, err);
    if (info->merged) return CLIPSPAN_OK;
    return cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, e->path,
                      "is not merged yet; images can be added once it is: clipspan scan RUN");
}

static clipspan_status run_command(cli_session *s, const void *given, clipspan_error *err)
{
    extension e = {.session = s, .x = given, .path = s->arguments.items[0]};
    const clipspan_status status = extend(&e, err);
    if (status == CLIPSPAN_OK) show(&e);
    clipspan_run_close(&e.run);
    clipspan_model_close(&e.model);
    clipspan_inputs_close(&e.inputs);
    return status;
}

static const cli_option options[] = {
    CLI_OPT_LABELS, CLI_OPT_GROUPS, CLI_OPT_ROOT,    CLI_OPT_PATH_COLUMN,
    CLI_OPT_WHERE,  CLI_OPT_MODEL,  CLI_OPT_DRY_RUN, CLI_OPT_FORM,
};

const cli_command cli_extend = {
    .name = "extend",
    .usage = "RUN INPUT...",
    .summary = "add images to a run; the next scan processes only these",
    .about = "Appends a list of images to a merged run, in an order of its own. No image is opened "
             "yet; the model must be the run's. How images are read and what is kept of them "
             "(--coefficients, --layers, --precision, --exif-orient, --max-pixels) stays as the "
             "run was planned; labels and groups come from this list.\n"
             "Then scan RUN (or scan RUN --shard I/N and merge RUN, on many machines) passes the "
             "new images through the model, and the run covers both lists. Until then its "
             "statistics cannot be read. Results that earlier commands kept in it (atlas, effects, "
             "...) no longer describe its images and are removed: run those commands again.\n"
             "An image that the run already has is counted again; a list that it already has is "
             "refused.",
    .examples = "clipspan extend run more/ --labels folder\tadd a folder\n"
                "clipspan scan run\tthen decompose its images",
    .arguments = {"RUN", "INPUT..."},
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .run = run_command,
};
