/* SPDX-License-Identifier: MIT */
/* Texts from a table with a header. */
#ifndef CLIPSPAN_SRC_TEXT_TEXT_TABLE_H
#define CLIPSPAN_SRC_TEXT_TEXT_TABLE_H

#include "text/text_list.h"

/* ',' or '\t' for a file whose name ends in .csv or .tsv, 0 for any other. */
char cs_text_table_separator(const char *path);

/* The texts of the column text, name or class, the first that is there, with the keys of the column
 * key, label or category. Errors: ARGUMENT (none of these columns, with those there are), FORMAT
 * (an empty text, no record, no UTF-8, with the line), and what formats/csv.h lists. */
clipspan_status cs_texts_read_table(struct clipspan_texts **out, const char *path, char separator,
                                    clipspan_error *err);

#endif
