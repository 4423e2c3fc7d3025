/* SPDX-License-Identifier: MIT */
/* A configuration that says by itself what is known of a checkpoint from its name, its architecture
 * or the caller's options. */
#ifndef CLIPSPAN_SRC_MODEL_CONFIG_WRITE_H
#define CLIPSPAN_SRC_MODEL_CONFIG_WRITE_H

#include <jansson.h>

#include "model/config.h"

/* Brings *root, a configuration file of the layout's kind, to say all that `config` does: the
 * activation, OpenCLIP's model_cfg and preprocess_cfg where they are missing. *root NULL: made from
 * nothing. *changed, when anything had to be. Errors: NOMEM; *root then stays to be given back. */
clipspan_status cs_config_complete(json_t **root, int *changed, const cs_config *config,
                                   clipspan_error *err);

/* The object of a configuration that the image encoder's numbers stand in. */
json_t *cs_config_image_object(json_t *root);

#endif
