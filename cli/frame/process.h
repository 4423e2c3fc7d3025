/* SPDX-License-Identifier: MIT */
/* Settings of the whole process, and how it ends where a library ends it. */
#ifndef CLIPSPAN_CLI_PROCESS_H
#define CLIPSPAN_CLI_PROCESS_H

#include "base/error.h"

/* One thread inside OpenBLAS, oneDNN at the level of CLIPSPAN_CPU, and stacks that are large enough
 * for what threads compute. Called once, first. Errors: NOMEM, where the stack may not be so
 * large. */
clipspan_status cli_process_start(clipspan_error *err);

/* Called last: an exit from here on is the program's own. Before, it is that of a library that ran
 * out of memory or threads, and becomes exit code 7 with advice. */
void cli_process_finish(void);

#endif
