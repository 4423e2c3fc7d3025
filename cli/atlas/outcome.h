/* SPDX-License-Identifier: MIT */
/* What can be said of a head's role, in words. */
#ifndef CLIPSPAN_CLI_OUTCOME_H
#define CLIPSPAN_CLI_OUTCOME_H

#include <clipspan/clipspan.h>

#include "cli/out/numbers.h"

#define CLI_OUTCOME_ROOM 640

/* One sentence with the numbers that decide, about a head of the atlas; a second one where the
 * first basis text is of another category than the claim. */
void cli_outcome_say(char out[CLI_OUTCOME_ROOM], const clipspan_atlas *atlas,
                     const clipspan_atlas_head *head);

/* "Of 23 claims at most 1.15 are expected to be false, at a false discovery rate of 5 %."; "" when
 * nothing is claimed. */
void cli_outcome_say_false(char out[CLI_OUTCOME_ROOM], const clipspan_atlas_info *info);

/* Where nothing is claimed, and rotations were too few for a claim of one head alone: how many
 * heads the test can claim at least, and how many rotations it takes; "" otherwise. */
void cli_outcome_say_resolution(char out[CLI_OUTCOME_ROOM], const clipspan_atlas_info *info);

/* "Too few images to tell: 24, and roles take 481 or more." */
void cli_outcome_say_few(char out[CLI_OUTCOME_ROOM], const clipspan_atlas_info *info);

/* A probability: "0.012", "<0.001". */
void cli_format_p(char out[CLI_NUMBER_ROOM], double p);

/* "role", ..., "pruned" for a head that writes nothing; for programs. */
const char *cli_head_outcome_key(const clipspan_atlas_head *head);

#endif
