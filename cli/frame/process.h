/* SPDX-License-Identifier: MIT */
/* Settings of the whole process. */
#ifndef CLIPSPAN_CLI_PROCESS_H
#define CLIPSPAN_CLI_PROCESS_H

#include "base/error.h"

/* One thread inside OpenBLAS, oneDNN at the level of CLIPSPAN_CPU, and stacks that are large enough
 * for what threads compute. Called once, first. Errors: NOMEM, where the stack may not be so
 * large. */
clipspan_status cli_process_start(clipspan_error *err);

#endif
