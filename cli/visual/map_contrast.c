/* SPDX-License-Identifier: MIT */
/* From a choice of --contrast to the library's. */
#include "cli/visual/map_contrast.h"
#include "base/error.h"

clipspan_status cli_contrast_resolve(clipspan_map_contrast *out, int choice, size_t T,
                                     clipspan_error *err)
{
    static const clipspan_map_contrast meant[] = {
        [CLI_CONTRAST_NONE] = CLIPSPAN_MAP_CONTRAST_NONE,
        [CLI_CONTRAST_MEAN] = CLIPSPAN_MAP_CONTRAST_MEAN,
        [CLI_CONTRAST_RUNNER_UP] = CLIPSPAN_MAP_CONTRAST_RUNNER_UP,
        [CLI_CONTRAST_PAIRS] = CLIPSPAN_MAP_CONTRAST_PAIRS};
    if (choice == CLI_CONTRAST_AUTO) choice = T > 1 ? CLI_CONTRAST_MEAN : CLI_CONTRAST_NONE;
    *out = meant[choice];
    if (clipspan_map_contrast_get_rows(*out, T)) return CLIPSPAN_OK;
    return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                   "--contrast needs at least two texts; with one there is nothing to subtract");
}
