/* SPDX-License-Identifier: MIT */
/* Heads of a run's atlas by the role that they carry, and outcomes as words. */
#ifndef CLIPSPAN_CLI_ROLE_HEADS_H
#define CLIPSPAN_CLI_ROLE_HEADS_H

#include <clipspan/clipspan.h>

#include "base/error.h"

/* "too few images" for readers, "too_few_images" for programs. */
const char *cli_outcome_word(clipspan_role_outcome outcome);
const char *cli_outcome_key(clipspan_role_outcome outcome);

/* A role, neither a leaning nor anything less. */
int cli_role_carried(const clipspan_role *role);

/* Heads whose role is `name`, in order; *out is given back with cs_free. Errors: ARGUMENT, with
 * the roles that there are. */
clipspan_status cli_role_heads(clipspan_head **out, size_t *count, const clipspan_atlas *atlas,
                               const char *name, clipspan_error *err);

/* Roles that heads carry, in the order of their first heads, at most `most`: names live as long as
 * the atlas. Returns how many. */
size_t cli_role_names(const char **names, size_t most, const clipspan_atlas *atlas);

#endif
