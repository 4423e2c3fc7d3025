/* SPDX-License-Identifier: MIT */
/* Numbers as people read them, for the program and the pages alike. No number is rounded to one
 * that means something else: "100 %" is all of it and "0 %" none of it. What is not a finite number
 * is "–". The text is plain: "-" for minus, a blank before the unit, "." as the decimal point
 * whatever the locale. Printed at once: cs_number_percent(x).text */
#ifndef CLIPSPAN_SRC_BASE_NUMBER_TEXT_H
#define CLIPSPAN_SRC_BASE_NUMBER_TEXT_H

#include <stdint.h>

typedef struct cs_number {
    char text[48];
} cs_number;

cs_number cs_number_count(uint64_t count); /* "1,234,567" */

/* A count with its noun, of 18 characters at most, in the plural unless it is 1: "1 image",
 * "1,234 images", "2 classes". */
cs_number cs_number_of(uint64_t count, const char *noun);

/* A share of 1 with one decimal, more where one would mislead: "83.1 %", "99.96 %", "0.04 %",
 * "<0.01 %", ">99.99 %", "100 %", "0 %". */
cs_number cs_number_percent(double share);

/* The same with three significant digits: "3.12 %", "0.0412 %". */
cs_number cs_number_share(double share);

/* The ends of an interval of shares, "69.3 to 81.9 %"; "" when one is not finite. */
cs_number cs_number_interval(double low, double high);

/* A change of a share in points of a hundred, with its sign: "-12.3", "+0.04", "<0.01", "0". */
cs_number cs_number_points(double change);

/* `digits` significant ones, 1 to 9: "0.412", "2.31", "12,345", "1.30e-05", "0". Integers from
 * `digits` digits on keep all of theirs. */
cs_number cs_number_digits(double value, int digits);

/* So many decimals, 0 to 9, without "-0.00"; beyond 1e15 as cs_number_digits. With cs_number_signed
 * a "+" before what is above zero as printed. */
cs_number cs_number_fixed(double value, int decimals);
cs_number cs_number_signed(double value, int decimals);

cs_number cs_number_bytes(double bytes);      /* "599 MB" */
cs_number cs_number_millions(double value);   /* "86.2 M" */
cs_number cs_number_duration(double seconds); /* "18 min" */

#endif
