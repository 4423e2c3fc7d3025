/* SPDX-License-Identifier: MIT */
/* Restricted Damerau-Levenshtein distance over short ASCII names. */
#include "base/nearest.h"

#include <string.h>

#define LONGEST 64

static int lower(int c)
{
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t distance(const char *a, size_t n, const char *b, size_t m)
{
    size_t d[LONGEST + 1][LONGEST + 1], i, j;
    for (i = 0; i <= n; i++)
        d[i][0] = i;
    for (j = 0; j <= m; j++)
        d[0][j] = j;
    for (i = 1; i <= n; i++)
        for (j = 1; j <= m; j++) {
            size_t change = lower(a[i - 1]) != lower(b[j - 1]);
            d[i][j] = least(least(d[i - 1][j], d[i][j - 1]) + 1, d[i - 1][j - 1] + change);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                lower(a[i - 2]) == lower(b[j - 1]))
                d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
        }
    return d[n][m];
}

const char *cs_nearest(const char *word, const char *const *names, size_t count)
{
    size_t n = strlen(word), best = n / 3 + 2, i;
    const char *found = NULL;
    if (n == 0 || n >= LONGEST) return NULL;
    for (i = 0; i < count; i++) {
        size_t m = strlen(names[i]), far;
        if (m == 0 || m >= LONGEST) continue;
        far = distance(word, n, names[i], m);
        if (far < best) {
            best = far;
            found = names[i];
        }
    }
    return found;
}
