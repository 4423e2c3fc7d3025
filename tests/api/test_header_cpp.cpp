/* SPDX-License-Identifier: MIT */
/* The public header alone, as C++17: see test_header.c. */
#include <clipspan/clipspan.h>

int main()
{
    clipspan_model_options model = CLIPSPAN_MODEL_OPTIONS_INIT;
    clipspan_image_options image = CLIPSPAN_IMAGE_OPTIONS_INIT;
    clipspan_encoder_options encoder = CLIPSPAN_ENCODER_OPTIONS_INIT;
    clipspan_inputs_options inputs = CLIPSPAN_INPUTS_OPTIONS_INIT;
    clipspan_model *none = nullptr;
    clipspan_error err{};
    int faults = 0;
    faults += model.struct_size != sizeof model;
    faults += image.struct_size != sizeof image;
    faults += encoder.image != nullptr;
    faults += inputs.struct_size != sizeof inputs;
    faults += clipspan_model_open(&none, "/nowhere/at/all", &model, &err) != CLIPSPAN_E_NOT_FOUND;
    faults += none != nullptr || err.code != CLIPSPAN_E_NOT_FOUND;
    return faults;
}
