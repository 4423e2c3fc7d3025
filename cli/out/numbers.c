/* SPDX-License-Identifier: MIT */
/* Formatting of counts, sizes, rates, durations and shares. */
#include "cli/out/numbers.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

void cli_format_count(char out[CLI_NUMBER_ROOM], uint64_t value)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, value), i, at = 0;
    for (i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0) out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
}

void cli_format_real(char out[CLI_NUMBER_ROOM], double value)
{
    double size = fabs(value);
    if (size >= 999.5 && size < 1e15)
        cli_format_count(out, (uint64_t)(size + 0.5));
    else
        snprintf(out, CLI_NUMBER_ROOM,
                 size >= 99.95   ? "%.0f"
                 : size >= 9.995 ? "%.1f"
                                 : "%.2f",
                 value);
}

static void scaled(char out[CLI_NUMBER_ROOM], double value, const char *const *units, int count)
{
    char number[CLI_NUMBER_ROOM];
    int unit = 0;
    while (unit < count - 1 && value >= 999.5) {
        value /= 1000;
        unit++;
    }
    if (unit == 0)
        cli_format_count(number, (uint64_t)value);
    else
        cli_format_real(number, value);
    snprintf(out, CLI_NUMBER_ROOM, "%.20s%s", number, units[unit]);
}

void cli_count_of(char out[CLI_NUMBER_ROOM], uint64_t value, const char *noun)
{
    char count[CLI_NUMBER_ROOM];
    const size_t length = strlen(noun);
    cli_format_count(count, value);
    snprintf(out, CLI_NUMBER_ROOM, "%.20s %.15s%s", count, noun,
             value == 1                              ? ""
             : length > 1 && noun[length - 1] == 's' ? "es"
                                                     : "s");
}

void cli_format_bytes(char out[CLI_NUMBER_ROOM], double bytes)
{
    static const char *const units[] = {" bytes", " kB", " MB", " GB", " TB"};
    scaled(out, bytes, units, 5);
}

void cli_format_millions(char out[CLI_NUMBER_ROOM], double value)
{
    static const char *const units[] = {"", " k", " M", " G"};
    scaled(out, value, units, 4);
}

void cli_format_duration(char out[CLI_NUMBER_ROOM], double seconds)
{
    if (seconds < 100)
        snprintf(out, CLI_NUMBER_ROOM, "%.0f s", seconds);
    else if (seconds < 100 * 60)
        snprintf(out, CLI_NUMBER_ROOM, "%.0f min", seconds / 60);
    else
        snprintf(out, CLI_NUMBER_ROOM, "%.1f h", seconds / 3600);
}

void cli_format_percent(char out[CLI_NUMBER_ROOM], double share)
{
    snprintf(out, CLI_NUMBER_ROOM, share >= 0.9995 ? "%.0f %%" : "%.1f %%", 100 * share);
}

void cli_interval(double *low, double *high, uint64_t good, uint64_t all)
{
    const double z = 1.959963984540054;
    double n = (double)all, p, middle, half;
    *low = 0;
    *high = 1;
    if (all == 0) return;
    p = (double)good / n;
    middle = (p + z * z / (2 * n)) / (1 + z * z / n);
    half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    *low = middle - half > 0 ? middle - half : 0;
    *high = middle + half < 1 ? middle + half : 1;
}
