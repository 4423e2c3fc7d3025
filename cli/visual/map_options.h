/* SPDX-License-Identifier: MIT */
/* Rows of options that commands about maps share; they fill contrast, heads and layers of the
 * command's settings. */
#ifndef CLIPSPAN_CLI_MAP_OPTIONS_H
#define CLIPSPAN_CLI_MAP_OPTIONS_H

#include "cli/frame/option_rows.h"

#define CLI_OPT_MAP_CONTRAST                                                                       \
    CLI_CHOICE("Maps", "contrast", 0, "auto|none|mean|runner-up|pairs",                            \
               "what is subtracted from a text's map: nothing (none; auto with one text); the "    \
               "mean over all texts (mean; auto with several); the strongest other text at each "  \
               "patch (runner-up); or each other text in turn (pairs)",                            \
               contrast)
#define CLI_OPT_MAP_HEADS                                                                          \
    CLI_TEXT("Maps", "heads", 0, "L22.H11,...", "contributions of these heads only", heads)
#define CLI_OPT_MAP_LAYERS                                                                         \
    CLI_TEXT("Maps", "layers", 0, "all|last4|A-B",                                                 \
             "contributions of the heads in these layers only", layers)

#endif
