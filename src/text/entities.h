/* SPDX-License-Identifier: MIT */
/* HTML character references ("&amp;"), as Python's html.unescape and as ftfy read them. */
#ifndef CLIPSPAN_SRC_TEXT_ENTITIES_H
#define CLIPSPAN_SRC_TEXT_ENTITIES_H

#include "text/codepoints.h"

/* html.unescape, in place: every reference of HTML5, with or without its semicolon where HTML knows
 * it so, the longest name first; numbers as HTML5 repairs them (Windows-1252 for 128 to 159, U+FFFD
 * for surrogates and beyond U+10FFFF, nothing for noncharacters and controls). Left out: Python
 * raises an error for decimal numbers of more than 4,300 digits; here they read as U+FFFD. */
void cs_entities_unescape(cs_codes *text);

/* ftfy's unescape_html, in place: only references that end in a semicolon, and also their upper
 * case spellings ("&EACUTE;"). */
void cs_entities_fix(cs_codes *text);

/* What cs_entities_fix gives when it is repeated until nothing changes, with `plain` applied to
 * what each reference stands for before it meets its neighbours. One pass, linear.
 * plain(out, code): up to 8 code points that `code` becomes, returns how many. */
void cs_entities_fix_all(cs_codes *text, size_t (*plain)(uint32_t out[8], uint32_t code));

#endif
