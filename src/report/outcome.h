/* SPDX-License-Identifier: MIT */
/* A head's outcome on pages: chips, names of outcomes, a sentence with the numbers that decide. */
#ifndef CLIPSPAN_SRC_REPORT_OUTCOME_H
#define CLIPSPAN_SRC_REPORT_OUTCOME_H

#include "report/section.h"

/* 1 when the head has a role; when it has one or leans to a category; when it leans to one whose
 * texts explain no more of it than control texts, which takes the colour away. */
int cs_has_role(const clipspan_atlas_head *head);
int cs_is_claimed(const clipspan_atlas_head *head);
int cs_is_below_control(const clipspan_atlas_head *head);

/* "role", "leaning", "ambiguous", "none", "too few images" or "pruned". */
const char *cs_outcome_word(const clipspan_atlas_head *head);

/* In plain words, for titles: "colour", "leans to colour", "ambiguous: colour or shape", "no
 * category stands out", "too few images to tell", "pruned". */
void cs_outcome_text(cs_html *html, const clipspan_atlas_head *head);

/* The same with the category of a role as a coloured chip, pale for a leaning. */
void cs_outcome_chip(cs_html *html, const cs_report_facts *facts, const clipspan_atlas_head *head);

/* A bound of the rule as it is written, "20 %" or "0.5 %". */
cs_figure cs_outcome_bound(double share);

/* The sentence. */
void cs_outcome_say(cs_html *html, const cs_report_facts *facts, const clipspan_atlas_head *head);

/* "Of 23 claims at most 1.15 are expected to be false, at a false discovery rate of 5 %."; nothing
 * when there are none. */
void cs_outcome_say_false(cs_html *html, const clipspan_atlas_info *info);

/* Where nothing is claimed, and rotations were too few for a claim of one head alone, how many
 * heads the test can claim at least: the smallest p is 1 / (rotations + 1), and k claims need one
 * of fdr k / tested at most. */
void cs_outcome_say_resolution(cs_html *html, const clipspan_atlas_info *info);

/* "Too few images to tell: 24, and roles take 481 or more." */
void cs_outcome_say_few(cs_html *html, const clipspan_atlas_info *info);

#endif
