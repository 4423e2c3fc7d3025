/* SPDX-License-Identifier: MIT */
/* Numbers of tables and messages: those of the pages, as texts of a fixed room. */
#include "cli/out/numbers.h"
#include "base/number_text.h"

#include <math.h>
#include <stdio.h>

static void copy(char out[CLI_NUMBER_ROOM], cs_number number)
{
    snprintf(out, CLI_NUMBER_ROOM, "%.*s", CLI_NUMBER_ROOM - 1, number.text);
}

void cli_format_count(char out[CLI_NUMBER_ROOM], uint64_t value)
{
    copy(out, cs_number_count(value));
}

void cli_format_real(char out[CLI_NUMBER_ROOM], double value)
{
    const double size = fabs(value);
    copy(out, size >= 99.95 ? cs_number_digits(value, 3)
                            : cs_number_fixed(value, size >= 9.995 ? 1 : 2));
}

void cli_count_of(char out[CLI_NUMBER_ROOM], uint64_t value, const char *noun)
{
    copy(out, cs_number_of(value, noun));
}

void cli_format_bytes(char out[CLI_NUMBER_ROOM], double bytes)
{
    copy(out, cs_number_bytes(bytes));
}

void cli_format_millions(char out[CLI_NUMBER_ROOM], double value)
{
    copy(out, cs_number_millions(value));
}

void cli_format_duration(char out[CLI_NUMBER_ROOM], double seconds)
{
    copy(out, cs_number_duration(seconds));
}

void cli_format_percent(char out[CLI_NUMBER_ROOM], double share)
{
    copy(out, cs_number_percent(share));
}
