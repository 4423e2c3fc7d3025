/* SPDX-License-Identifier: MIT */
/* timm's vision transformers by their names, as far as they are supported. */
#ifndef CLIPSPAN_SRC_MODEL_CONFIG_TIMM_H
#define CLIPSPAN_SRC_MODEL_CONFIG_TIMM_H

#include "model/config_read.h"

/* Fills the image encoder of a vision_cfg that has a timm_model_name. The name gives what the keys
 * layers, width, head_width, patch_size, mlp_ratio and image_size leave open. Errors: UNSUPPORTED
 * naming what the model would need, FORMAT. */
clipspan_status cs_config_read_timm(cs_config *out, const cs_json *vision, clipspan_error *err);

#endif
