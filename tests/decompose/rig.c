/* SPDX-License-Identifier: MIT */
#include "rig.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

void cs_rig_init(cs_rig *rig, const char *folder, const cs_simd *simd, clipspan_precision precision,
                 cs_coefficient_format format, size_t room, int lanes)
{
    clipspan_error err;
    memset(rig, 0, sizeof *rig);
    rig->simd = simd;
    rig->lanes = lanes;
    if (cs_checkpoint_open(&rig->checkpoint, folder, NULL, &err)) fail_msg("%s", err.message);
    rig->config = cs_checkpoint_config(rig->checkpoint);
    rig->shape = cs_shape_get(rig->config);
    rig->pixels = 3 * (size_t)rig->config->input_height * (size_t)rig->config->input_width;
    if (cs_tower_load(&rig->tower, rig->checkpoint, CLIPSPAN_IMAGE, precision, 0, 1, simd, &err) ||
        cs_image_pass_new(&rig->pass, rig->tower, rig->config, 1, simd, &err) ||
        cs_output_map_new(&rig->output_map, rig->checkpoint, precision, 2, simd, &err) ||
        cs_coder_new(&rig->coder, rig->output_map, rig->tower, room, format, lanes, simd, &err) ||
        cs_head_counter_new(&rig->counter, rig->output_map, room, lanes, simd, &err) ||
        cs_coefficients_new(&rig->coefficients, rig->shape, room, &err) ||
        cs_trace_init(&rig->trace, rig->config, &err) ||
        cs_token_record_init(&rig->record, rig->shape, &err))
        fail_msg("%s", err.message);
}

void cs_rig_fini(cs_rig *rig)
{
    cs_token_record_fini(&rig->record);
    cs_trace_fini(&rig->trace);
    cs_coefficients_free(&rig->coefficients);
    cs_head_counter_free(&rig->counter);
    cs_coder_free(&rig->coder);
    cs_output_map_free(&rig->output_map);
    cs_image_pass_free(&rig->pass);
    cs_tower_free(&rig->tower);
    cs_checkpoint_close(&rig->checkpoint);
}

void cs_rig_put(cs_rig *rig, size_t slot, const uint8_t *pixels)
{
    clipspan_error err;
    cs_layer_sink sink = cs_token_record_sink(&rig->record);
    int lane = (int)(slot % (size_t)rig->lanes);
    if (cs_image_pass_trace(&rig->trace, rig->pass, pixels, &sink, &err) ||
        cs_coder_put(rig->coder, lane, rig->coefficients, slot, &rig->trace, &err))
        fail_msg("%s", err.message);
}

void cs_rig_run(cs_rig *rig, const uint8_t *pixels, size_t count)
{
    clipspan_error err;
    size_t i;
    cs_coefficients_clear(rig->coefficients);
    for (i = 0; i < count; i++)
        cs_rig_put(rig, i, pixels + i * rig->pixels);
    if (cs_coder_finish(rig->coder, rig->coefficients, rig->lanes, &err))
        fail_msg("%s", err.message);
}

void cs_rig_paint(const cs_rig *rig, uint8_t *pixels, size_t number)
{
    uint32_t state = 2463534242u + (uint32_t)number * 7919u;
    size_t i;
    for (i = 0; i < rig->pixels; i++) {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        pixels[i] =
            (uint8_t)((number * 37 * (1 + i % 3) + i * (number % 5) * 11 + state % 64) & 255);
    }
}
