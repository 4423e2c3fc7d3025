/* SPDX-License-Identifier: MIT */
/* Texts from outside, as terminals, logs, tables and spreadsheets may have them. A name can hold
 * codes that move a cursor or set a title (C0, DEL, C1, which open CSI and OSC sequences), marks
 * that turn the words around it (bidirectional embeddings, overrides, isolates and marks), ends of
 * lines (U+2028, U+2029 too) and bytes that are no UTF-8: each is shown as its escape. */
#ifndef CLIPSPAN_SRC_BASE_ESCAPE_H
#define CLIPSPAN_SRC_BASE_ESCAPE_H

#include <stddef.h>

/* Bytes of the well-formed UTF-8 character at p (Unicode, table 3-7); 0 where there is none, and at
 * the end of the text. */
size_t cs_character(const char *p);

/* Whether the character at p is a bidirectional control: U+061C, U+200E, U+200F, U+202A to U+202E,
 * U+2066 to U+2069. */
int cs_is_bidi_control(const char *p);

#define CS_ESCAPE_ROOM 8

/* The escape of what stands at p, which must not be the end: \t \n \r, \uNNNN for a character,
 * \xNN for a byte that is no UTF-8. Returns its length, and 0 with nothing in `out` where the
 * character stands for itself; *taken: bytes at p. */
size_t cs_escape(char out[CS_ESCAPE_ROOM], const char *p, size_t *taken);

/* Puts the text with its escapes. cell: a backslash is doubled as well, so that the text can be
 * read back from a cell of tab-separated values. */
void cs_escape_put(void (*put)(void *to, const char *text, size_t size), void *to, const char *text,
                   int cell);

/* Whether a spreadsheet could take the text for a formula: it begins with = + - @, a tab or the end
 * of a line, and is no number. Such a cell gets an apostrophe in front. */
int cs_is_formula(const char *text);

#endif
