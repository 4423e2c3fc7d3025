/* SPDX-License-Identifier: MIT */
/* Rows of options that commands about maps share; they fill contrast, heads and layers of the
 * command's settings. */
#ifndef CLIPSPAN_CLI_MAP_OPTIONS_H
#define CLIPSPAN_CLI_MAP_OPTIONS_H

#include "cli/frame/option_rows.h"

#define CLI_OPT_MAP_CONTRAST                                                                       \
    CLI_CHOICE(                                                                                    \
        "Maps", "contrast", 0, "auto|none|mean|runner-up|pairs",                                   \
        "what a text is shown against: nothing; the mean of all texts (auto, with several); the "  \
        "strongest other text at each patch; or every other text, pair by pair",                   \
        contrast)
#define CLI_OPT_MAP_HEADS                                                                          \
    CLI_TEXT("Maps", "heads", 0, "L22.H11,...", "the components of these heads only", heads)
#define CLI_OPT_MAP_LAYERS                                                                         \
    CLI_TEXT("Maps", "layers", 0, "all|last4|A-B", "the components of these layers' heads only",   \
             layers)

#endif
