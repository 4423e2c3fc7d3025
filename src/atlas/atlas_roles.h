/* SPDX-License-Identifier: MIT */
/* Heads of an atlas by the role that they carry: a role is carried by heads that have it and
 * by those that lean to it. */
#ifndef CLIPSPAN_SRC_ATLAS_ATLAS_ROLES_H
#define CLIPSPAN_SRC_ATLAS_ATLAS_ROLES_H

#include <clipspan/atlas.h>

#include "base/error.h"

int cs_atlas_role_carried(const clipspan_role *role);

/* names : [most] roles that some head carries, in order of heads; returns how many. They live as
 * long as the atlas. */
size_t cs_atlas_role_names(const char **names, size_t most, const clipspan_atlas_head *heads,
                           size_t count);

/* out : the heads that carry the role, in order, for cs_free. Errors: ARGUMENT (no head does; says
 * which roles there are), NOMEM. */
clipspan_status cs_atlas_role_heads(clipspan_head **out, size_t *found,
                                    const clipspan_atlas_head *heads, size_t count,
                                    const char *name, clipspan_error *err);

#endif
