/* SPDX-License-Identifier: MIT */
/* Working through a list of images. */
#include "cli/in/images.h"
#include "base/memory.h"
#include "cli/frame/signals.h"
#include "cli/out/numbers.h"
#include "cli/out/target.h"

#include <clipspan/clipspan.h>
#include <string.h>

#define PIECE_SECONDS 2.0
#define PIECE_MOST    ((size_t)4096)
#define LISTED        20 /* skipped images that are named on standard error */

clipspan_status cli_images_open(clipspan_inputs **out, cli_session *s, size_t first,
                                const cli_image_settings *settings, clipspan_error *err)
{
    return cli_images_list(out, s, s->arguments.items + first, s->arguments.count - first, settings,
                           err);
}

clipspan_status cli_images_list(clipspan_inputs **out, cli_session *s, const char *const *sources,
                                size_t source_count, const cli_image_settings *settings,
                                clipspan_error *err)
{
    clipspan_inputs_options options = CLIPSPAN_INPUTS_OPTIONS_INIT;
    char count[CLI_NUMBER_ROOM], twice[CLI_NUMBER_ROOM];
    size_t duplicates, left_out, thumbnails;
    options.root = settings->root;
    options.path_column = settings->path_column;
    options.labels = settings->labels;
    options.groups = settings->groups;
    options.where = settings->where.items;
    options.where_count = settings->where.count;
    CS_TRY(clipspan_inputs_open(out, sources, source_count, &options, err));
    duplicates = clipspan_inputs_get_duplicates(*out);
    cli_format_count(count, clipspan_inputs_get_count(*out));
    cli_format_count(twice, duplicates);
    if (duplicates)
        cli_note(s, "of %s images, %s %s listed before; kept", count, twice,
                 duplicates == 1 ? "was" : "were");
    left_out = clipspan_inputs_get_left_out(*out);
    if (left_out)
        cli_note(s,
                 "left out: %zu file%s in a format that is not read (GIF, BMP, TIFF, HEIC, AVIF or "
                 "another); JPEG, PNG and WebP are",
                 left_out, left_out == 1 ? "" : "s");
    thumbnails = clipspan_inputs_get_thumbnails(*out);
    if (thumbnails)
        cli_note(s, "left out: %zu folder%s of a network drive's own (@eaDir, #recycle or such)",
                 thumbnails, thumbnails == 1 ? "" : "s");
    cli_stage(s, "images listed");
    return CLIPSPAN_OK;
}

size_t cli_piece_most(int threads)
{
    size_t most = 64 * (size_t)threads;
    return most < PIECE_MOST ? most : PIECE_MOST;
}

/* A multiple of the thread count, so that all threads end a piece together. */
static size_t next_piece(size_t count, double seconds, int threads)
{
    double wanted = seconds > 0 ? (double)count * PIECE_SECONDS / seconds : 2 * (double)count;
    size_t most = cli_piece_most(threads), piece;
    if (wanted > 4 * (double)count) wanted = 4 * (double)count;
    piece = wanted > (double)most ? most : (size_t)wanted;
    piece -= piece % (size_t)threads;
    return piece ? piece : (size_t)threads;
}

static void report(cli_session *s, const char *const *paths, const clipspan_error *errors,
                   size_t count, clipspan_error *first)
{
    for (size_t i = 0; i < count; i++) {
        clipspan_error error = errors[i];
        if (error.code == CLIPSPAN_OK) continue;
        if (error.code == CLIPSPAN_E_NOMEM) /* the one reason that does not name its image */
            cs_fail_at(&error, error.code, paths[i], "%s", errors[i].message);
        if (s->skipped++ == 0) *first = error;
        if (s->skipped <= LISTED) cli_note(s, "skipped: %s", error.message);
    }
}

clipspan_status cli_images_run(cli_session *s, const clipspan_inputs *inputs, int threads,
                               cli_piece_work work, void *context, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    const size_t total = clipspan_inputs_get_count(inputs);
    size_t piece = 2 * (size_t)threads, done = 0;
    clipspan_error first = {0};
    clipspan_error *errors =
        cs_alloc_zero(cli_piece_most(threads), sizeof *errors, "reasons for skipping", err);
    if (!errors) return CLIPSPAN_E_NOMEM;
    cli_progress_begin(s, "images");
    while (done < total) {
        double start = cli_seconds();
        size_t count = piece < total - done ? piece : total - done;
        memset(errors, 0, count * sizeof *errors);
        CS_TRY_DONE(work(context, done, count, errors, err));
        report(s, clipspan_inputs_get_paths(inputs) + done, errors, count, &first);
        done += count;
        cli_progress_step(s, done, total);
        CS_TRY_DONE(cli_keep_going(s, err));
        piece = next_piece(count, cli_seconds() - start, threads);
    }
    if (s->skipped > LISTED)
        cli_note(s, "skipped: %zu more, %zu of %zu in all", s->skipped - LISTED, s->skipped, total);
    if (s->skipped == total)
        status = cs_fail(err, CLIPSPAN_E_FORMAT, "no usable image among %zu; the first: %s%s",
                         total, first.message,
                         first.code == CLIPSPAN_E_NOT_FOUND
                             ? "; --root says where the paths of a CSV or list start"
                             : "");
done:
    cli_progress_end(s);
    cs_free(errors);
    return status;
}

clipspan_status cli_check_precision(const cli_encoder_settings *settings, clipspan_error *err)
{
    if (settings->precision != CLIPSPAN_BF16 || clipspan_has_bf16()) return CLIPSPAN_OK;
    return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                   "--precision bf16: this CPU or build has no bf16 products; use f32");
}

clipspan_status cli_image_encoder(clipspan_encoder **out, cli_session *s, clipspan_model *model,
                                  size_t count, const cli_encoder_settings *settings,
                                  const cli_image_settings *images, clipspan_error *err)
{
    clipspan_encoder_options options = CLIPSPAN_ENCODER_OPTIONS_INIT;
    clipspan_image_options image = CLIPSPAN_IMAGE_OPTIONS_INIT;
    char weights[CLI_NUMBER_ROOM], workspace[CLI_NUMBER_ROOM], threads[CLI_NUMBER_ROOM];
    options.modality = CLIPSPAN_IMAGE;
    options.precision = settings->precision ? CLIPSPAN_BF16 : CLIPSPAN_F32;
    options.threads = (int)s->threads;
    options.single =
        settings->single == CLI_SINGLE_YES || (settings->single == CLI_SINGLE_AUTO && count == 1);
    options.raw = settings->raw;
    image.exif_orient = images->exif_orient;
    image.max_pixels = images->max_pixels;
    options.image = &image;
    CS_TRY(clipspan_encoder_new(out, model, &options, err));
    cli_stage(s, "image encoder read and packed");
    cli_format_bytes(weights, (double)clipspan_encoder_get_weights(*out));
    cli_format_bytes(workspace, (double)clipspan_encoder_get_workspace(*out));
    cli_count_of(threads, (uint64_t)cli_threads(s), "thread");
    cli_detail(s, "%s of packed weights, %s of workspace, %s kernels, %s, %s%s", weights, workspace,
               clipspan_cpu_level(), clipspan_product_name(), threads,
               options.single ? " inside each image" : "");
    return CLIPSPAN_OK;
}
