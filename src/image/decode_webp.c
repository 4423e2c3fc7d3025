/* SPDX-License-Identifier: MIT */
/* WebP to pixels: the first frame on the file's canvas, transparent black where the frame does not
 * reach, as libwebp's animation decoder gives it to Pillow. The image is RGBA when the file says
 * that it has alpha, else RGB. */
#include <string.h>

#include <webp/decode.h>
#include <webp/demux.h>

#include "image/raster.h"

static clipspan_status damaged(const cs_image_source *source, const char *what, clipspan_error *err)
{
    return cs_fail_at(err, CLIPSPAN_E_FORMAT, source->name, "the WebP file is %s (%zu bytes)", what,
                      source->size);
}

static clipspan_status decode_frame(cs_raster *raster, const WebPIterator *frame,
                                    const cs_image_source *source, clipspan_error *err)
{
    WebPDecoderConfig config;
    VP8StatusCode code;
    size_t stride = (size_t)raster->width * 4;
    size_t start = (size_t)frame->y_offset * stride + (size_t)frame->x_offset * 4;
    if (!WebPInitDecoderConfig(&config))
        return cs_fail(err, CLIPSPAN_E_INTERNAL, "libwebp is of another version than its header");
    if (frame->width <= 0 || frame->height <= 0 || frame->x_offset < 0 || frame->y_offset < 0 ||
        frame->x_offset > raster->width - frame->width ||
        frame->y_offset > raster->height - frame->height)
        return damaged(source, "damaged: its first frame is larger than its canvas", err);
    config.output.colorspace = MODE_RGBA;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = raster->data + start;
    config.output.u.RGBA.stride = (int)stride;
    config.output.u.RGBA.size = stride * (size_t)raster->height - start;
    code = WebPDecode(frame->fragment.bytes, frame->fragment.size, &config);
    WebPFreeDecBuffer(&config.output);
    switch (code) {
    case VP8_STATUS_OK: return CLIPSPAN_OK;
    case VP8_STATUS_OUT_OF_MEMORY:
        return cs_fail(err, CLIPSPAN_E_NOMEM, "out of memory while decoding %s", source->name);
    case VP8_STATUS_SUSPENDED:
    case VP8_STATUS_NOT_ENOUGH_DATA: return damaged(source, "cut short", err);
    default: return damaged(source, "damaged", err);
    }
}

clipspan_status cs_webp_decode(cs_raster *raster, const cs_image_source *source,
                               clipspan_error *err)
{
    WebPData data = {source->bytes, source->size};
    WebPBitstreamFeatures features;
    WebPDemuxState state;
    WebPDemuxer *demuxer;
    WebPIterator frame;
    clipspan_status status;
    VP8StatusCode code = WebPGetFeatures(source->bytes, source->size, &features);
    memset(raster, 0, sizeof *raster);
    if (code != VP8_STATUS_OK)
        return damaged(source, code == VP8_STATUS_NOT_ENOUGH_DATA ? "cut short" : "damaged", err);
    demuxer = WebPDemuxPartial(&data, &state);
    if (!demuxer || state != WEBP_DEMUX_DONE) {
        WebPDemuxDelete(demuxer);
        return damaged(source, state == WEBP_DEMUX_PARSE_ERROR ? "damaged" : "cut short", err);
    }
    memset(&frame, 0, sizeof frame);
    status = cs_raster_init(raster, features.has_alpha ? CS_MODE_RGBA : CS_MODE_RGB,
                            WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_WIDTH),
                            WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_HEIGHT), source, err);
    if (status == CLIPSPAN_OK) {
        if (WebPDemuxGetFrame(demuxer, 1, &frame)) {
            /* The canvas around the first frame is empty. */
            if (frame.width != raster->width || frame.height != raster->height)
                memset(raster->data, 0, (size_t)raster->width * (size_t)raster->height * 4);
            status = decode_frame(raster, &frame, source, err);
        } else {
            status = damaged(source, "damaged: it holds no frame", err);
        }
    }
    WebPDemuxReleaseIterator(&frame);
    WebPDemuxDelete(demuxer);
    return status;
}
