/* SPDX-License-Identifier: MIT */
/* Random sets of shortcut. */
#include "cli/effects/ablate_out.h"

#include <clipspan/clipspan.h>

size_t cli_best_trial(const cli_evaluation *ev, const cli_ablation *a)
{
    size_t best = 0;
    for (size_t t = 1; t < a->trial_count; t++) {
        const cli_trial *x = &a->trials[t], *y = &a->trials[best];
        const double one = ev->group_count ? x->worst.after.share : x->overall.after.share;
        const double other = ev->group_count ? y->worst.after.share : y->overall.after.share;
        if (one > other) best = t;
    }
    return best;
}
