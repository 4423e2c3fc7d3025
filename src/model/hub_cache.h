/* SPDX-License-Identifier: MIT */
/* Look-up in the local Hugging Face cache (hub-docs, local-cache.md): names to snapshot folders. No
 * network. */
#ifndef CLIPSPAN_SRC_MODEL_HUB_CACHE_H
#define CLIPSPAN_SRC_MODEL_HUB_CACHE_H

#include "base/error.h"

/* The cache folder: $HF_HUB_CACHE, $HUGGINGFACE_HUB_CACHE, $HF_HOME/hub,
 * $XDG_CACHE_HOME/huggingface/hub, ~/.cache/huggingface/hub; the first that is set and not empty.
 * Given back with cs_free. Errors: NOT_FOUND when not even HOME is set, NOMEM. */
clipspan_status cs_hub_cache(char **out, clipspan_error *err);

/* 1 for "org/repo" and "org/repo@revision" of allowed characters. */
int cs_hub_is_name(const char *name);

/* Finds the snapshot of a name. *snapshot stays NULL when the cache has no such repository;
 * *repository is its folder, below which every link must stay. A repository that is there without
 * the revision is an error that lists those it has. Errors: NOT_FOUND, FORMAT (a reference that is
 * no commit), IO, NOMEM. */
clipspan_status cs_hub_find(char **snapshot, char **repository, const char *name,
                            clipspan_error *err);

/* The cached repository whose name is nearest, as "org/repo"; "" when none is near. */
void cs_hub_nearest(char out[128], const char *name);

/* 1 when the cache notes that the snapshot's repository has no file `name`. */
int cs_hub_known_absent(const char *snapshot, const char *repository, const char *name);

#endif
