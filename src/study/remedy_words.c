/* SPDX-License-Identifier: MIT */
/* A decision in a sentence, the same on the terminal, in documents and on pages. */
#include "study/remedy.h"

#include <math.h>
#include <stdio.h>

const char *cs_verdict_name(clipspan_verdict verdict)
{
    static const char *const names[] = {"remedy", "class", "leans",  "one_kind",
                                        "clear",  "weak",  "no_gain"};
    return names[verdict];
}

#define LEAVE "no remedy is better than leaving the model as it is: "

static void say_remedy(char *out, size_t room, const clipspan_decision *d,
                       const clipspan_candidate *c)
{
    char what[64];
    if (c->remedy == CLIPSPAN_REMEDY_PROJECT)
        snprintf(what, sizeof what, "projecting the text direction out");
    else
        snprintf(what, sizeof what, "cue surgery in %d head%s", c->heads, c->heads == 1 ? "" : "s");
    snprintf(out, room,
             "recommended: %s; predicted gain of the worse group against the cue %+.1f points "
             "(%+.1f to %+.1f)",
             what, 100 * d->gain, 100 * d->gain_low, 100 * d->gain_high);
}

void cs_decision_words(char *out, size_t room, const clipspan_decision *d,
                       const clipspan_candidate *chosen)
{
    switch (d->verdict) {
    case CLIPSPAN_VERDICT_REMEDY: say_remedy(out, room, d, chosen); return;
    case CLIPSPAN_VERDICT_CLASS:
        snprintf(out, room,
                 "refused: the cue is the class itself, or nearly (cosine %.2f of its direction "
                 "with that from one class to the other); what it explains is nothing spurious",
                 d->lean);
        return;
    case CLIPSPAN_VERDICT_LEANS:
        snprintf(out, room,
                 LEAVE "the cue leans to the classes (cosine %.2f), too much to be taken from "
                       "heads and too little to be taken from the embedding",
                 d->lean);
        return;
    case CLIPSPAN_VERDICT_ONE_KIND:
        snprintf(out, room,
                 LEAVE "%.0f %% of the images of the statistics get one answer, so what the cue "
                       "does to the other is not seen; give images of both",
                 100 * (1 - d->answers));
        return;
    case CLIPSPAN_VERDICT_CLEAR:
        snprintf(out, room,
                 LEAVE "answers are too clear for the cue to turn them (the margin lies %.1f "
                       "standard deviations from 0)",
                 d->clear);
        return;
    case CLIPSPAN_VERDICT_WEAK:
        snprintf(out, room,
                 LEAVE "the decision depends too little on the cue (it explains %.0f %% of the "
                       "margin inside an answer; correlation %.2f, inside an answer %.2f)",
                 100 * d->explained, d->follows, d->inside);
        return;
    case CLIPSPAN_VERDICT_NO_GAIN: break;
    }
    snprintf(out, room,
             LEAVE "the predicted gain of the best, %+.1f points (%+.1f to %+.1f), is %s",
             100 * d->gain, 100 * d->gain_low, 100 * d->gain_high,
             d->gain_low > 0 ? "too small for surgery in heads, of which at least 10 are asked"
                             : "not above its uncertainty");
}

clipspan_status cs_remedy_decide(cs_remedy *r, cs_remedy_pair *p, const clipspan_decision *d,
                                 clipspan_error *err)
{
    char words[400];
    p->decision = *d;
    p->pair.decision = &p->decision;
    p->pair.chosen = d->chosen;
    cs_decision_words(words, sizeof words, d, &p->candidates[d->chosen]);
    return cs_facts_keep(&p->pair.why, &r->facts, words, err);
}
