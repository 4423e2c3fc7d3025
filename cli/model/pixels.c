/* SPDX-License-Identifier: MIT */
/* clipspan pixels: what the image encoder sees, as one array or as PNG files. */
#include "base/file.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "cli/frame/command.h"
#include "cli/frame/signals.h"
#include "cli/in/images.h"
#include "cli/out/numbers.h"
#include "cli/out/rows.h"
#include "cli/out/table.h"
#include "cli/out/target.h"

#include <clipspan/clipspan.h>
#include <string.h>

typedef struct {
    cli_model_settings load;
    cli_image_settings images;
    cli_output_settings out;
} settings;

typedef struct job {
    const settings *x;
    cli_session *session;
    clipspan_model *model;
    const clipspan_model_info *info;
    clipspan_inputs *inputs;
    clipspan_npy *array; /* NULL: PNG files in a folder */
    cli_rows *rows;
    char *rows_path;
    int digits;      /* of the number in front of a PNG's name */
    uint8_t *pixels; /* [piece, size] */
    size_t size;     /* bytes of one image */
    size_t written;
} job;

typedef struct piece {
    const job *job;
    size_t first;
    clipspan_error *errors;
} piece;

static void read_one(void *context, size_t index, int lane)
{
    const piece *p = context;
    const job *j = p->job;
    clipspan_image_options options = CLIPSPAN_IMAGE_OPTIONS_INIT;
    (void)lane;
    options.exif_orient = j->x->images.exif_orient;
    options.max_pixels = j->x->images.max_pixels;
    clipspan_pixels_read(j->pixels + index * j->size, j->model,
                         clipspan_inputs_get_paths(j->inputs)[p->first + index], &options,
                         &p->errors[index]);
}

/* "0012-name.png" in the folder: the row and the image's own name without its ending. */
static clipspan_status write_png(const job *j, const char *path, const uint8_t *pixels,
                                 clipspan_error *err)
{
    const settings *x = j->x;
    const char *name = cs_path_name(path), *dot = strrchr(name, '.');
    size_t length = dot && dot != name ? (size_t)(dot - name) : strlen(name);
    char file[256], *target;
    clipspan_status status;
    if (length > 180) length = 180;
    snprintf(file, sizeof file, "%0*zu-%.*s.png", j->digits, j->written, (int)length, name);
    target = cs_path_join(x->out.output, file, err);
    if (!target) return CLIPSPAN_E_NOMEM;
    status = clipspan_png_write(target, pixels, j->info->input_height, j->info->input_width,
                                x->out.force, err);
    if (status == CLIPSPAN_OK) cli_rows_text(j->rows, file);
    cs_free(target);
    return status;
}

static clipspan_status write_one(job *j, size_t index, const uint8_t *pixels,
                                 const clipspan_error *error, clipspan_error *err)
{
    const char *path = clipspan_inputs_get_paths(j->inputs)[index];
    int good = error->code == CLIPSPAN_OK;
    if (good)
        cli_rows_whole(j->rows, j->written);
    else
        cli_rows_text(j->rows, "");
    cli_rows_text(j->rows, path);
    cli_rows_text(j->rows, clipspan_inputs_get_label(j->inputs, index));
    cli_rows_text(j->rows, clipspan_inputs_get_group(j->inputs, index));
    cli_rows_text(j->rows, good ? "ok" : "skipped");
    cli_rows_text(j->rows, error->message);
    if (good && j->array)
        CS_TRY(clipspan_npy_write(j->array, pixels, 1, err));
    else if (good)
        CS_TRY(write_png(j, path, pixels, err));
    else if (!j->array)
        cli_rows_text(j->rows, "");
    j->written += (size_t)good;
    j->session->keeps_files = j->written && !j->array;
    return cli_rows_next(j->rows, err);
}

static clipspan_status pixels_piece(void *context, size_t first, size_t count,
                                    clipspan_error *errors, clipspan_error *err)
{
    job *j = context;
    piece p = {j, first, errors};
    cs_parallel_for(count, cli_threads(j->session), read_one, &p);
    for (size_t i = 0; i < count; i++)
        CS_TRY(write_one(j, first + i, j->pixels + i * j->size, &errors[i], err));
    return CLIPSPAN_OK;
}

/* -o names a folder: it is one, or has no suffix of a file. */
static int wants_folder(const char *output)
{
    return cs_path_kind(output) == 2 || (cs_path_kind(output) == 0 && !cli_names_file(output));
}

static clipspan_status check_output(job *j, clipspan_error *err)
{
    const cli_session *s = j->session;
    const char *output = j->x->out.output;
    if (!output)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "pixels writes files: say where with -o FILE.npy or -o FOLDER");
    if (wants_folder(output)) {
        j->rows_path = cs_path_join(output, "rows.csv", err);
        if (!j->rows_path) return CLIPSPAN_E_NOMEM;
        return cs_path_kind(output) ? cli_target_check(s, j->rows_path, j->x->out.force, err)
                                    : CLIPSPAN_OK;
    }
    if (!cli_ends_in(output, ".npy"))
        return cs_fail(
            err, CLIPSPAN_E_ARGUMENT,
            "--output: pixels writes an array, FILE.npy, or a folder of PNGs, found \"%s\"",
            output);
    CS_TRY(cli_rows_path(&j->rows_path, output, err));
    CS_TRY(cli_target_check(s, output, j->x->out.force, err));
    return cli_target_check(s, j->rows_path, j->x->out.force, err);
}

static clipspan_status open_output(job *j, clipspan_error *err)
{
    const settings *x = j->x;
    uint64_t shape[3] = {(uint64_t)j->info->input_height, (uint64_t)j->info->input_width, 3};
    cli_signals_hold();
    if (wants_folder(x->out.output)) {
        CS_TRY(cs_make_folder(x->out.output, err));
        cs_output_tidy(x->out.output);
        for (size_t n = clipspan_inputs_get_count(j->inputs); n; n /= 10)
            j->digits++;
    } else {
        CS_TRY(clipspan_npy_open(&j->array, x->out.output, CLIPSPAN_UINT8, shape, 3, x->out.force,
                                 err));
    }
    CS_TRY(cli_rows_open(&j->rows, j->session, j->rows_path, x->out.force, err));
    return cli_rows_header(j->rows,
                           j->array ? "row|path|label|group|status|error"
                                    : "row|path|label|group|status|error|file",
                           err);
}

static void summarize(const job *j)
{
    const cli_session *s = j->session;
    const char *times = s->unicode ? "\xC3\x97" : "x";
    char count[CLI_NUMBER_ROOM];
    cli_json json;
    if (s->form == CLI_FORM_TABLE) {
        cli_format_count(count, j->written);
        cli_say(s, "%s%s: %s image%s of %d %s %d pixels, %s",
                j->x->out.dry_run ? "would write " : "", j->x->out.output, count,
                j->written == 1 ? "" : "s", j->info->input_height, times, j->info->input_width,
                wants_folder(j->x->out.output) ? "PNG" : "uint8");
        cli_say(s, "%s: what each is", j->rows_path);
        return;
    }
    cli_json_begin(&json, stdout, cli_flat(s), "clipspan.pixels.v1");
    cli_json_flag(&json, "dry_run", j->x->out.dry_run);
    cli_json_text(&json, "model", j->info->name);
    cli_json_text(&json, "output", j->x->out.output);
    cli_json_text(&json, "rows", j->rows_path);
    cli_json_line(&json, "shape");
    cli_json_whole(&json, NULL, j->written);
    cli_json_whole(&json, NULL, (uint64_t)j->info->input_height);
    cli_json_whole(&json, NULL, (uint64_t)j->info->input_width);
    cli_json_whole(&json, NULL, 3);
    cli_json_end(&json);
    cli_json_whole(&json, "skipped", s->skipped);
    cli_json_whole(&json, "duplicates", clipspan_inputs_get_duplicates(j->inputs));
    cli_json_finish(&json);
}

static clipspan_status pixels(job *j, clipspan_error *err)
{
    cli_session *s = j->session;
    CS_TRY(check_output(j, err));
    CS_TRY(cli_model_open(&j->model, s, s->arguments.items[0], &j->x->load, err));
    j->info = clipspan_model_get_info(j->model);
    j->size = (size_t)j->info->input_height * (size_t)j->info->input_width * 3;
    CS_TRY(cli_images_open(&j->inputs, s, 1, &j->x->images, err));
    if (j->x->out.dry_run) {
        j->written = clipspan_inputs_get_count(j->inputs);
    } else {
        j->pixels = cs_alloc(cli_piece_most(cli_threads(s)), j->size, "pixels", err);
        if (!j->pixels) return CLIPSPAN_E_NOMEM;
        CS_TRY(open_output(j, err));
        CS_TRY(cli_images_run(s, j->inputs, cli_threads(s), pixels_piece, j, err));
        if (j->array) {
            CS_TRY(cli_rows_lead(j->rows, j->x->out.output, err));
            CS_TRY(clipspan_npy_finish(j->array, err));
            cli_rows_settle(j->rows);
        } else {
            CS_TRY(cli_rows_finish(j->rows, err));
        }
        cli_stage(s, "images decoded and written");
    }
    summarize(j);
    return CLIPSPAN_OK;
}

static clipspan_status run_command(cli_session *s, const void *given, clipspan_error *err)
{
    job j = {.session = s, .x = given};
    clipspan_status status = pixels(&j, err);
    clipspan_npy_close(&j.array);
    cli_rows_close(&j.rows);
    clipspan_inputs_close(&j.inputs);
    clipspan_model_close(&j.model);
    cs_free(j.pixels);
    cs_free(j.rows_path);
    return status;
}

static const cli_option options[] = {
    CLI_OPT_IMAGES,
    CLI_OPT_THREADS,
    CLI_OPT_MODEL_FILES,
    CLI_TEXT(
        "Output", "output", 'o', "FILE.npy|FOLDER",
        "one array, with FILE.rows.csv beside it; or one PNG per image, with rows.csv among them",
        out.output),
    CLI_OPT_WRITES,
    CLI_OPT_FORM,
};

const cli_command cli_pixels = {
    .name = "pixels",
    .usage = "MODEL INPUT... -o FILE.npy|FOLDER",
    .summary = "the image encoder's input: pixels after resize and crop",
    .about = "Writes uint8 [N, height, width, 3], before normalisation by mean and standard "
             "deviation, or one PNG per image.",
    .examples = "clipspan pixels MODEL photo.jpg -o seen\ta PNG to look at\n"
                "clipspan pixels MODEL photos/ -o pixels.npy\tan array to compare",
    .arguments = {"MODEL", "INPUT..."},
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .settings_size = sizeof(settings),
    .run = run_command,
};
