/* SPDX-License-Identifier: MIT */
/* Counts, shares, intervals, significant digits, sizes and durations as text. */
#include "base/number_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NONE  "\xE2\x80\x93" /* an en dash */
#define ROOM  40             /* of a number without sign and unit */
#define LARGE 1e15           /* from here on numbers have an exponent */

/* A point where the locale has a comma. */
static void set_point(char *text)
{
    char *comma = strchr(text, ',');
    if (comma) *comma = '.';
}

/* The size of a number with so many decimals. */
static void print_fixed(char *out, double size, int decimals)
{
    if (size >= LARGE)
        snprintf(out, ROOM, "%.2e", size);
    else
        snprintf(out, ROOM, "%.*f", decimals, size);
    set_point(out);
}

cs_number cs_number_count(uint64_t count)
{
    cs_number number;
    char digits[24];
    const int length = snprintf(digits, sizeof digits, "%" PRIu64, count);
    char *to = number.text;
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0) *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return number;
}

cs_number cs_number_of(uint64_t count, const char *noun)
{
    const size_t length = strlen(noun);
    const char *end = count == 1 ? "" : length > 1 && noun[length - 1] == 's' ? "es" : "s";
    cs_number number;
    /* 2^64 has 26 characters */
    snprintf(number.text, sizeof number.text, "%.26s %.18s%s", cs_number_count(count).text, noun,
             end);
    return number;
}

/* ---- Shares ---- */

/* A percentage near 100 that is not 100, or near none that is not none. Returns 0 where ordinary
 * decimals tell the truth. */
static int print_near_end(char out[48], double size, int negative)
{
    if (size < 0.01)
        strcpy(out, negative ? ">-0.01" : "<0.01");
    else if (size < 99.95 || size >= 100.05)
        return 0;
    else if (size >= 99.995 && size < 100)
        strcpy(out, negative ? "<-99.99" : ">99.99");
    else if (size > 100 && size < 100.005)
        strcpy(out, negative ? "<-100" : ">100");
    else {
        out[0] = '-';
        print_fixed(out + negative, size, 2);
    }
    return 1;
}

/* Decimals of a percentage: one, or what makes `digits` significant ones. */
static int choose_decimals(double size, int three_digits)
{
    if (size >= 100.5) return 0;
    if (size >= 9.995) return 1;
    if (!three_digits) return size < 0.095 ? 2 : 1;
    return size < 0.0995 ? 4 : size < 0.9995 ? 3 : 2;
}

/* A percentage without its unit; 100 as far as double arithmetic can tell is 100. */
static void print_percent(char out[48], double share, int three_digits)
{
    const double size = fabs(100 * share);
    const int negative = share < 0;
    if (!isfinite(share))
        strcpy(out, NONE);
    else if (size == 0)
        strcpy(out, "0");
    else if (fabs(size - 100) < 1e-10)
        strcpy(out, negative ? "-100" : "100");
    else if (!print_near_end(out, size, negative)) {
        out[0] = '-';
        if (size >= 999.5 && size < LARGE)
            strcpy(out + negative, cs_number_count((uint64_t)(size + 0.5)).text);
        else
            print_fixed(out + negative, size, choose_decimals(size, three_digits));
    }
}

static cs_number percent(double share, int three_digits)
{
    cs_number number;
    print_percent(number.text, share, three_digits);
    if (isfinite(share)) strcat(number.text, " %");
    return number;
}

cs_number cs_number_percent(double share)
{
    return percent(share, 0);
}

cs_number cs_number_share(double share)
{
    return percent(share, 1);
}

cs_number cs_number_interval(double low, double high)
{
    cs_number number = {""};
    char from[48], to[48];
    if (!isfinite(low) || !isfinite(high)) return number;
    print_percent(from, low, 0);
    print_percent(to, high, 0);
    snprintf(number.text, sizeof number.text, "%.16s to %.16s %%", from, to);
    return number;
}

cs_number cs_number_points(double change)
{
    const double size = fabs(100 * change);
    cs_number number;
    if (!isfinite(change)) {
        strcpy(number.text, NONE);
    } else if (size == 0) {
        strcpy(number.text, "0");
    } else if (size < 0.01) {
        strcpy(number.text, change < 0 ? ">-0.01" : "<0.01");
    } else {
        number.text[0] = change < 0 ? '-' : '+';
        print_fixed(number.text + 1, size, size < 0.095 ? 2 : 1);
    }
    return number;
}

/* ---- Other numbers ---- */

cs_number cs_number_digits(double value, int digits)
{
    const double size = fabs(value);
    const int negative = value < 0;
    char scientific[48];
    cs_number number;
    int exponent;
    if (!isfinite(value) || value == 0) {
        strcpy(number.text, value == 0 ? "0" : NONE);
        return number;
    }
    snprintf(scientific, sizeof scientific, "%.*e", digits - 1, size); /* rounds as shown */
    set_point(scientific);
    exponent = (int)strtol(strchr(scientific, 'e') + 1, NULL, 10);
    number.text[0] = '-';
    if (exponent < -4 || size >= LARGE)
        strcpy(number.text + negative, scientific);
    else if (exponent >= digits - 1)
        strcpy(number.text + negative, cs_number_count((uint64_t)(size + 0.5)).text);
    else
        print_fixed(number.text + negative, size, digits - 1 - exponent);
    return number;
}

static cs_number fixed(double value, int decimals, const char *above)
{
    cs_number number = {NONE};
    char size[48];
    int zero;
    if (!isfinite(value)) return number;
    print_fixed(size, fabs(value), decimals);
    zero = strspn(size, "0.") == strlen(size);
    snprintf(number.text, sizeof number.text, "%s%.40s", zero ? "" : value < 0 ? "-" : above, size);
    return number;
}

cs_number cs_number_fixed(double value, int decimals)
{
    return fixed(value, decimals, "");
}

cs_number cs_number_signed(double value, int decimals)
{
    return fixed(value, decimals, "+");
}

static cs_number scaled(double value, const char *const *units, int count)
{
    cs_number number = {NONE};
    int unit = 0;
    if (!isfinite(value) || value < 0) return number;
    while (unit < count - 1 && value >= 999.5) {
        value /= 1000;
        unit++;
    }
    if (unit == 0)
        number = cs_number_count((uint64_t)value);
    else
        number = cs_number_digits(value, 3);
    strcat(number.text, units[unit]);
    return number;
}

cs_number cs_number_bytes(double bytes)
{
    static const char *const units[] = {" bytes", " kB", " MB", " GB", " TB"};
    return scaled(bytes, units, 5);
}

cs_number cs_number_millions(double value)
{
    static const char *const units[] = {"", " k", " M", " G"};
    return scaled(value, units, 4);
}

cs_number cs_number_duration(double seconds)
{
    cs_number number = {NONE};
    if (!isfinite(seconds)) return number;
    if (seconds < 100)
        snprintf(number.text, sizeof number.text, "%.0f s", seconds);
    else if (seconds < 100.0 * 60)
        snprintf(number.text, sizeof number.text, "%.0f min", seconds / 60);
    else
        snprintf(number.text, sizeof number.text, "%.1f h", seconds / 3600);
    set_point(number.text);
    return number;
}
