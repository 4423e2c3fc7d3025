/* SPDX-License-Identifier: MIT */
/* Settings of the whole process. */
#ifndef CLIPSPAN_CLI_PROCESS_H
#define CLIPSPAN_CLI_PROCESS_H

/* One thread inside OpenBLAS, and oneDNN at the level of CLIPSPAN_CPU. Called once, first. */
void cli_process_start(void);

#endif
