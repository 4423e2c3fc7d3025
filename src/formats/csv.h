/* SPDX-License-Identifier: MIT */
/* CSV (RFC 4180) and TSV, a record at a time in constant memory. Accepted beyond the RFC: a byte
 * order mark, LF, CR and CRLF as line ends, empty lines (skipped), quotes inside an unquoted field.
 * A TSV has no quotes: every byte but tab and line end is itself. */
#ifndef CLIPSPAN_SRC_FORMATS_CSV_H
#define CLIPSPAN_SRC_FORMATS_CSV_H

#include "base/error.h"

typedef struct cs_csv cs_csv;

#define CS_CSV_FIELD   ((size_t)1 << 20) /* bytes of the longest field */
#define CS_CSV_COLUMNS 4096

/* separator: ',' or '\t' (TSV). Errors: NOT_FOUND, IO, NOMEM. */
clipspan_status cs_csv_open(cs_csv **out, const char *path, char separator, clipspan_error *err);
void cs_csv_close(cs_csv **csv);

/* Reads the next record. *count becomes its number of fields, 0 at the end of the file; fields[i]
 * are NUL-terminated and live until the next call. Errors: FORMAT (with its line: a quote that is
 * not closed, text behind a closing quote, a NUL byte, a record with more or fewer fields than the
 * first), LIMIT (a field over 1 MiB, a record over 16 MiB or 4,096 fields), IO, NOMEM. */
clipspan_status cs_csv_next(const char *const **fields, size_t *count, cs_csv *csv,
                            clipspan_error *err);

/* Line, from 1, on which the record that was read last began. */
uint64_t cs_csv_line(const cs_csv *csv);

#endif
