/* SPDX-License-Identifier: MIT */
/* Lists of images, worked through some at a time, with progress; what was skipped is named. */
#ifndef CLIPSPAN_CLI_IMAGES_H
#define CLIPSPAN_CLI_IMAGES_H

#include <clipspan/clipspan.h>

#include "cli/frame/session.h"
#include "cli/frame/settings.h"
#include "cli/out/json_out.h"

/* Lists the images of the arguments from number `first` on, or of these sources. */
clipspan_status cli_images_open(clipspan_inputs **out, cli_session *session, size_t first,
                                const cli_image_settings *settings, clipspan_error *err);
clipspan_status cli_images_list(clipspan_inputs **out, cli_session *session,
                                const char *const *sources, size_t count,
                                const cli_image_settings *settings, clipspan_error *err);

/* The most images that a piece has. */
size_t cli_piece_most(int threads);

/* Works on images [first, first + count) and fills errors[0 … count) (code 0: it worked). */
typedef clipspan_status (*cli_piece_work)(void *context, size_t first, size_t count,
                                          clipspan_error *errors, clipspan_error *err);

/* Calls work on piece after piece of the list; a piece takes about two seconds, so that signals are
 * heeded soon. Counts what was skipped in the session. Errors: those of work; INTERRUPTED; FORMAT
 * with the first image's reason when none could be used. */
clipspan_status cli_images_run(cli_session *session, const clipspan_inputs *inputs, int threads,
                               cli_piece_work work, void *context, clipspan_error *err);

/* An image encoder as the options say, for a list of `count` images. */
clipspan_status cli_image_encoder(clipspan_encoder **out, cli_session *session,
                                  clipspan_model *model, size_t count,
                                  const cli_encoder_settings *settings,
                                  const cli_image_settings *images, clipspan_error *err);

/* BF16 was asked for and this machine lacks it: ARGUMENT. */
clipspan_status cli_check_precision(const cli_encoder_settings *settings, clipspan_error *err);

#endif
