/* SPDX-License-Identifier: MIT */
/* The form of embed that makes a classifier. */
#ifndef CLIPSPAN_CLI_EMBED_CLASSES_H
#define CLIPSPAN_CLI_EMBED_CLASSES_H

#include <clipspan/clipspan.h>

#include "cli/frame/session.h"
#include "cli/frame/settings.h"

typedef struct cli_embed_settings {
    cli_model_settings load;
    cli_image_settings images;
    cli_encoder_settings encoder;
    cli_text_settings texts;
    cli_class_settings classes;
    cli_output_settings out;
} cli_embed_settings;

clipspan_status cli_embed_classes(cli_session *session, const cli_embed_settings *given,
                                  clipspan_error *err);

#endif
