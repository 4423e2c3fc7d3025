/* SPDX-License-Identifier: MIT */
/* What effects found, as a table with charts, rows or a document. */
#ifndef CLIPSPAN_CLI_EFFECTS_OUT_H
#define CLIPSPAN_CLI_EFFECTS_OUT_H

#include <clipspan/clipspan.h>

#include "cli/frame/session.h"

clipspan_status cli_effects_show(const cli_session *session, const clipspan_effects_table *table,
                                 clipspan_error *err);

#endif
