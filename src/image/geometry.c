/* SPDX-License-Identifier: MIT */
/* Sizes and crops to the last rounding, as the reference transforms compute them.
 *
 * OpenCLIP (open_clip/transform.py and torchvision):
 *   shortest, square target S   short edge S, long edge int(S * long / short)
 *   shortest, other target      both edges divided by the smaller of h / H and w / W, rounded half
 *                               to even; always bicubic, whatever kernel is configured
 *   squash                      the target itself
 *   longest                     both edges divided by the larger ratio, rounded half to even
 *   crop                        offset (size - target) / 2 rounded half to even; padding before an
 *                               image that is too small rounds down
 * Hugging Face (CLIPImageProcessor): shortest edge `crop_to`, or the larger edge of the crop where
 * it is 0; crop offset and padding round towards the top left corner, so padding rounds up.
 *
 * An edge that rounds to 0 (mode longest, 1 x 10,000 pixels; the references fail there) is 1. */
#include "image/geometry.h"

#include <limits.h>
#include <math.h>

#define MAX_TARGET 4096

static void crop(cs_span *span, int want, int round_down)
{
    int room = span->out - want;
    span->want = want;
    span->first = 0;
    span->at = 0;
    if (room >= 0) {
        span->count = want;
        span->first = room / 2;
        /* x.5 goes to the even neighbour */
        if (!round_down && room % 2 == 1 && span->first % 2 == 1) span->first++;
    } else {
        span->count = span->out;
        span->at = round_down ? (1 - room) / 2 : -room / 2;
    }
}

/* round(x / ratio) of Python, at least 1. */
static double divide(int size, double ratio)
{
    double rounded = rint((double)size / ratio);
    return rounded < 1.0 ? 1.0 : rounded;
}

clipspan_status cs_geometry_plan(cs_plan *plan, const cs_preprocess *preprocess, int width,
                                 int height, clipspan_error *err)
{
    const int want_w = preprocess->width, want_h = preprocess->height;
    const double ratio_w = (double)width / want_w, ratio_h = (double)height / want_h;
    double out_w = want_w, out_h = want_h;
    if (want_w < 1 || want_h < 1 || want_w > MAX_TARGET || want_h > MAX_TARGET ||
        preprocess->crop_to < 0 || preprocess->crop_to > MAX_TARGET || width < 1 || height < 1)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "the tower's image must have 1 to %d pixels a side, not %d x %d (resized "
                       "to %d before the crop)",
                       MAX_TARGET, want_w, want_h, preprocess->crop_to);
    plan->kernel = preprocess->kernel;
    switch (preprocess->resize) {
    case CLIPSPAN_SHORTEST:
        if (want_w != want_h && preprocess->crop_to == 0 && !preprocess->convert_first) {
            const double ratio = ratio_w < ratio_h ? ratio_w : ratio_h;
            out_w = divide(width, ratio);
            out_h = divide(height, ratio);
            plan->kernel = CLIPSPAN_BICUBIC;
        } else {
            const int larger = want_w > want_h ? want_w : want_h;
            const int edge = preprocess->crop_to ? preprocess->crop_to : larger;
            out_w = out_h = edge;
            if (width <= height)
                out_h = floor((double)((long long)edge * height) / width);
            else
                out_w = floor((double)((long long)edge * width) / height);
        }
        break;
    case CLIPSPAN_SQUASH: break;
    case CLIPSPAN_LONGEST: {
        const double ratio = ratio_w > ratio_h ? ratio_w : ratio_h;
        out_w = divide(width, ratio);
        out_h = divide(height, ratio);
        break;
    }
    default:
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "unknown resize mode %d", (int)preprocess->resize);
    }
    if (out_w > INT_MAX || out_h > INT_MAX)
        return cs_fail(err, CLIPSPAN_E_LIMIT,
                       "an image of %d x %d pixels would be resized to %.0f x %.0f", width, height,
                       out_w, out_h);
    plan->x.in = width;
    plan->x.out = (int)out_w;
    plan->y.in = height;
    plan->y.out = (int)out_h;
    crop(&plan->x, want_w, preprocess->floor_crop);
    crop(&plan->y, want_h, preprocess->floor_crop);
    return CLIPSPAN_OK;
}

/* ---- What the tower sees ---- */

/* First and last of the image's pixels, along one side, that the tower sees in a patch. */
static void window_of(double *from, double *to, const cs_span *span, int used)
{
    const double step = (double)span->in / (double)span->out;
    int last = span->at + span->count < used ? span->at + span->count : used;
    *from = (double)span->first * step;
    *to = (double)(span->first + last - span->at) * step;
    if (*from < 0.0) *from = 0.0;
    if (*to > (double)span->in) *to = (double)span->in;
    if (*to < *from) *to = *from;
}

void cs_geometry_window(double window[4], const cs_plan *plan, int width, int height)
{
    window_of(&window[0], &window[2], &plan->x, width);
    window_of(&window[1], &window[3], &plan->y, height);
}
