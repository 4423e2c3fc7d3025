/* SPDX-License-Identifier: MIT */
/* From what the user calls a model to the files it consists of: a folder, a .safetensors file, a
 * name in the Hugging Face cache, "demo". */
#ifndef CLIPSPAN_SRC_MODEL_LOCATE_H
#define CLIPSPAN_SRC_MODEL_LOCATE_H

#include "model/architectures.h"

#include "base/error.h"

typedef struct cs_location {
    char *path;   /* the folder or file */
    char *folder; /* the folder itself, or the one that the file lies in */
    int is_file;  /* a bare weights file */
    char *fence;  /* a repository of the cache: links must stay below it; NULL: anywhere */
    const cs_known_checkpoint *known; /* the published checkpoint that it is, or NULL */
} cs_location;

/* Errors: NOT_FOUND with the places looked at and what is near, UNSUPPORTED (a file of another
 * kind), FORMAT, IO, NOMEM. `out` is to be given back with cs_location_fini in any case. */
clipspan_status cs_locate(cs_location *out, const char *name, clipspan_error *err);
void cs_location_fini(cs_location *location);

/* Path of a file in the location's folder; *out NULL when it is not there. Errors: UNSUPPORTED (a
 * link that leaves the fence), NOT_FOUND (a link to nothing: an unfinished download), NOMEM. */
clipspan_status cs_location_file(char **out, const cs_location *location, const char *name,
                                 clipspan_error *err);

/* The weight files: one, or the shards of an index. Errors: NOT_FOUND (with what is there instead),
 * UNSUPPORTED, FORMAT, LIMIT, IO, NOMEM. */
typedef struct cs_weight_files {
    char **paths;
    size_t count, room;
    char *index; /* the file that lists shards, or NULL */
} cs_weight_files;
clipspan_status cs_location_weights(cs_weight_files *out, const cs_location *location,
                                    clipspan_error *err);
void cs_weight_files_fini(cs_weight_files *files);

#endif
