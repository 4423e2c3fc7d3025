/* SPDX-License-Identifier: MIT */
/* Paths of a run's images, and whether a list is believed. */
#include "run/image_place.h"
#include "base/file.h"

#include <string.h>

clipspan_status cs_image_place_check(const cs_image_place *place, clipspan_error *err)
{
    if (place->own || place->root || place->anywhere) return CLIPSPAN_OK;
    return cs_fail_at(
        err, CLIPSPAN_E_ARGUMENT, place->run,
        "was not planned by this user on this machine, so the images that it lists are "
        "not opened by their names alone: --root FOLDER says where they are, "
        "--images-anywhere opens whatever it lists");
}

static int leads_out(const char *path)
{
    if (*path == '/') return 1;
    for (const char *part = path; *part; part += strspn(part, "/")) {
        const size_t length = strcspn(part, "/");
        if (length == 2 && part[0] == '.' && part[1] == '.') return 1;
        part += length;
    }
    return 0;
}

clipspan_status cs_image_place_find(char **out, const cs_image_place *place, const char *path,
                                    clipspan_error *err)
{
    *out = NULL;
    CS_TRY(cs_image_place_check(place, err));
    if (!place->own && !place->anywhere && leads_out(path))
        return cs_fail_at(
            err, CLIPSPAN_E_ARGUMENT, path,
            "leads out of the root, and the run that lists it was not planned by this "
            "user on this machine; --images-anywhere opens it all the same");
    *out = cs_path_join(place->root ? place->root : place->folder, path, err);
    return *out ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}
