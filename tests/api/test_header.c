/* SPDX-License-Identifier: MIT */
/* The public header alone, as C11 (here) and C++17 (test_header_cpp.cpp), linked with the shared
 * library: nothing else is needed, frozen values are what they were, options know their size. */
#include <clipspan/clipspan.h>

#include <string.h>

_Static_assert(CLIPSPAN_OK == 0 && CLIPSPAN_E_INTERNAL == -1 && CLIPSPAN_E_ARGUMENT == -2 &&
                   CLIPSPAN_E_NOMEM == -3 && CLIPSPAN_E_LIMIT == -4 && CLIPSPAN_E_IO == -5 &&
                   CLIPSPAN_E_WRITE == -6 && CLIPSPAN_E_EXISTS == -7 && CLIPSPAN_E_FORMAT == -8 &&
                   CLIPSPAN_E_UNSUPPORTED == -9 && CLIPSPAN_E_SHAPE == -10 &&
                   CLIPSPAN_E_NOT_FOUND == -11 && CLIPSPAN_E_INTERRUPTED == -12 &&
                   CLIPSPAN_E_NUMBERS == -13,
               "status values are frozen");

int main(void)
{
    clipspan_model_options model = CLIPSPAN_MODEL_OPTIONS_INIT;
    clipspan_image_options image = CLIPSPAN_IMAGE_OPTIONS_INIT;
    clipspan_encoder_options encoder = CLIPSPAN_ENCODER_OPTIONS_INIT;
    clipspan_inputs_options inputs = CLIPSPAN_INPUTS_OPTIONS_INIT;
    int faults = 0;
    faults += model.struct_size != sizeof model;
    faults += image.struct_size != sizeof image;
    faults += encoder.struct_size != sizeof encoder;
    faults += encoder.image != NULL;
    faults += encoder.modality != CLIPSPAN_IMAGE || encoder.precision != CLIPSPAN_F32;
    faults += inputs.struct_size != sizeof inputs;
    faults += strcmp(clipspan_version(), CLIPSPAN_VERSION) != 0;
    faults += strcmp(clipspan_status_name(CLIPSPAN_E_LIMIT), "CLIPSPAN_E_LIMIT") != 0;
    return faults;
}
