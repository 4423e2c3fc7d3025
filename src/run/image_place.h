/* SPDX-License-Identifier: MIT */
/* Which files a run's list of images may make a program open: what the list says where the run is
 * the user's own (run/own.h); else what lies below a folder that the caller names, or, with a yes,
 * whatever is listed. */
#ifndef CLIPSPAN_SRC_RUN_IMAGE_PLACE_H
#define CLIPSPAN_SRC_RUN_IMAGE_PLACE_H

#include "base/error.h"

/* Where the images of a run are looked for. */
typedef struct cs_image_place {
    const char *run;    /* its path, for messages */
    const char *folder; /* recorded: where relative paths start */
    const char *root;   /* where they start now, or NULL */
    int own, anywhere;  /* planned by this user; the list is believed as it is */
} cs_image_place;

/* ARGUMENT unless images may be opened at all: the run is the user's, or there is a root or a
 * yes. */
clipspan_status cs_image_place_check(const cs_image_place *place, clipspan_error *err);

/* The path of an image by the run's list, for cs_free. Errors: as above; ARGUMENT too for a path of
 * a run of someone else that leads out of the root (absolute, or with ".."); NOMEM. */
clipspan_status cs_image_place_find(char **out, const cs_image_place *place, const char *path,
                                    clipspan_error *err);

#endif
