/* SPDX-License-Identifier: MIT */
/* Wilson's interval of a share (Wilson 1927, "Probable inference, the law of succession, and
 * statistical inference"). */
#include "base/wilson.h"

#include <math.h>

void cs_wilson(double *low, double *high, uint64_t good, uint64_t all)
{
    const double z = 1.959963984540054;
    double n = (double)all, p, middle, half;
    *low = 0.0;
    *high = 1.0;
    if (all == 0) return;
    p = (double)good / n;
    middle = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
    half = z / (1.0 + z * z / n) * sqrt(p * (1.0 - p) / n + z * z / (4.0 * n * n));
    *low = good > 0 && middle - half > 0.0 ? middle - half : 0.0;
    *high = good < all && middle + half < 1.0 ? middle + half : 1.0;
}
