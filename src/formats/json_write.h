/* SPDX-License-Identifier: MIT */
/* One JSON document (RFC 8259), written as it comes so that a million rows need no memory; or the
 * same facts as lines of "path.to.key<TAB>value". Keys come out in the order of the calls. Where
 * the bytes go is the caller's business: a writer is a function and its first argument. */
#ifndef CLIPSPAN_SRC_FORMATS_JSON_WRITE_H
#define CLIPSPAN_SRC_FORMATS_JSON_WRITE_H

#include <stddef.h>
#include <stdint.h>

#define CS_JSON_DEEP 16

typedef enum cs_json_form {
    CS_JSON_INDENTED,    /* a value a line, rows in one */
    CS_JSON_FLAT,        /* lines of path and value */
    CS_JSON_SPREADSHEET, /* the same, texts that a spreadsheet would compute behind an apostrophe */
    CS_JSON_PAGE         /* inside an HTML page: short, and nothing in it can end its element */
} cs_json_form;

typedef struct cs_json_writer {
    void (*put)(void *to, const char *text, size_t size);
    void *to;
    cs_json_form form; /* FLAT for SPREADSHEET too */
    int spreadsheet;
    int depth, row; /* row: depth of the container that is written in one line, or 0 */
    struct {
        const char *key; /* NULL in an array; must last until the level ends */
        size_t count;
        int array;
    } level[CS_JSON_DEEP];
} cs_json_writer;

/* Of the `flat` of public functions: 0 indented, 1 flat, 2 for spreadsheets. */
cs_json_form cs_json_form_of(int flat);

/* Begins the document, an object, with its `schema` member (NULL: none), and ends it. */
void cs_json_begin(cs_json_writer *json, void (*put)(void *to, const char *text, size_t size),
                   void *to, cs_json_form form, const char *schema);
void cs_json_finish(cs_json_writer *json);

/* Containers, each until cs_json_put_end. Keys are NULL for the items of an array. A row is an
 * object in one line, a line an array in one. */
void cs_json_put_object(cs_json_writer *json, const char *key);
void cs_json_put_row(cs_json_writer *json, const char *key);
void cs_json_put_array(cs_json_writer *json, const char *key);
void cs_json_put_line(cs_json_writer *json, const char *key);
void cs_json_put_end(cs_json_writer *json);

/* Text that is not UTF-8 (a file name) has U+FFFD for each byte that does not fit. Quotation marks,
 * backslashes, control characters, U+2028, U+2029 and bidirectional controls are escaped; in a page
 * < > & too. NULL is null. */
void cs_json_put_text(cs_json_writer *json, const char *key, const char *value);

/* Numbers; null when not finite. real, single: the fewest digits that read back as the same double
 * or float. digits: so many significant ones, 1 to 17. */
void cs_json_put_whole(cs_json_writer *json, const char *key, uint64_t value);
void cs_json_put_integer(cs_json_writer *json, const char *key, int64_t value);
void cs_json_put_real(cs_json_writer *json, const char *key, double value);
void cs_json_put_single(cs_json_writer *json, const char *key, float value);
void cs_json_put_digits(cs_json_writer *json, const char *key, double value, int digits);
void cs_json_put_flag(cs_json_writer *json, const char *key, int value);

/* Bytes as a text in base64. */
void cs_json_put_base64(cs_json_writer *json, const char *key, const unsigned char *bytes,
                        size_t size);

#endif
