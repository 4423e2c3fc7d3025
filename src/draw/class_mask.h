/* SPDX-License-Identifier: MIT */
/* All classes of an image in one mask: at each pixel the number, from 1, of the class whose map,
 * less the mean over all classes, is highest there; 0 where that is not above the class's own
 * threshold, or the model sees nothing. */
#ifndef CLIPSPAN_SRC_DRAW_CLASS_MASK_H
#define CLIPSPAN_SRC_DRAW_CLASS_MASK_H

#include "draw/view.h"

/* mask : [height, width] of the view   maps : [T, N], 2 to 255 classes, the patches from token
 * `first` on
 * height, width: what the model sees. Errors: NOMEM. */
clipspan_status cs_class_mask(uint8_t *mask, const cs_view *view, int height, int width,
                              const float *maps, size_t T, size_t N, size_t first,
                              clipspan_threshold threshold, clipspan_error *err);

#endif
