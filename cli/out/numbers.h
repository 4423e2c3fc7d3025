/* SPDX-License-Identifier: MIT */
/* Numbers for people: three significant digits, units, thousands separated. The C locale's decimal
 * point always. */
#ifndef CLIPSPAN_CLI_NUMBERS_H
#define CLIPSPAN_CLI_NUMBERS_H

#include <stdint.h>

#define CLI_NUMBER_ROOM 40

void cli_format_count(char out[CLI_NUMBER_ROOM], uint64_t value);               /* 1,234,567 */
void cli_count_of(char out[CLI_NUMBER_ROOM], uint64_t value, const char *noun); /* 1 image */
void cli_format_bytes(char out[CLI_NUMBER_ROOM], double bytes);                 /* 599 MB */
void cli_format_millions(char out[CLI_NUMBER_ROOM], double value);              /* 86.2 M */
void cli_format_real(char out[CLI_NUMBER_ROOM], double value);                  /* 45.3 */
void cli_format_duration(char out[CLI_NUMBER_ROOM], double seconds);            /* 18 min */
void cli_format_percent(char out[CLI_NUMBER_ROOM], double share);               /* 83.1 % */

#endif
