/* SPDX-License-Identifier: MIT */
/* What roles leaves to a command that goes on with the atlas. */
#ifndef CLIPSPAN_CLI_ATLAS_COMMAND_H
#define CLIPSPAN_CLI_ATLAS_COMMAND_H

#include "session.h"

/* The run that is the first argument and its atlas: what span or atlas left last when no option
 * asks for anything else, made when there is none. Both are the caller's, also after a failure. */
clipspan_status cli_atlas_open(clipspan_run **run, clipspan_atlas **atlas, cli_session *session,
                               clipspan_error *err);

#endif
