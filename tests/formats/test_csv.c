/* SPDX-License-Identifier: MIT */
/* CSV and TSV: RFC 4180, its usual deviations, and the CSV items of group I of the list of bad
 * inputs (i12 … i18; the others of that group are in model/test_config.c). */
#define _XOPEN_SOURCE 700
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "formats/csv.h"
#include "tiny.h"

static char *folder, *path;

static int setup(void **state)
{
    (void)state;
    folder = cs_tiny_folder();
    path = cs_tiny_path(folder, "f.csv");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cs_tiny_remove(&folder);
    free(path);
    return 0;
}

/* Reads everything; fields are joined by '|', records by '\n'. */
static clipspan_status read_all(char *out, size_t room, const void *bytes, size_t size,
                                char separator, clipspan_error *err)
{
    clipspan_status status;
    const char *const *fields;
    size_t count, used = 0, i;
    cs_csv *csv;
    cs_tiny_write(folder, "f.csv", bytes, size);
    assert_int_equal(cs_csv_open(&csv, path, separator, err), CLIPSPAN_OK);
    out[0] = '\0';
    while ((status = cs_csv_next(&fields, &count, csv, err)) == CLIPSPAN_OK && count) {
        for (i = 0; i < count; i++)
            used += (size_t)snprintf(out + used, room - used, "%s%s", i ? "|" : "", fields[i]);
        used += (size_t)snprintf(out + used, room - used, "\n");
    }
    cs_csv_close(&csv);
    assert_null(csv);
    return status;
}

static void expect(const char *bytes, const char *want)
{
    char out[1024];
    clipspan_error err;
    assert_int_equal(read_all(out, sizeof out, bytes, strlen(bytes), ',', &err), CLIPSPAN_OK);
    assert_string_equal(out, want);
}

static void refuse(const char *bytes, size_t size, clipspan_status code, const char *word)
{
    char out[1024];
    clipspan_error err;
    assert_int_equal(read_all(out, sizeof out, bytes, size, ',', &err), code);
    if (!strstr(err.message, word)) fail_msg("\"%s\" not in: %s", word, err.message);
    assert_non_null(strstr(err.message, "f.csv: "));
}

static void records_of_rfc_4180(void **state)
{
    (void)state;
    expect("path,label\na.jpg,cat\nb.jpg,dog\n", "path|label\na.jpg|cat\nb.jpg|dog\n");
    expect("a,b", "a|b\n");
    expect("a,\n,b\n", "a|\n|b\n");
    expect("\"a\",\"b,c\"\n\"\",\"say \"\"hi\"\"\"\n", "a|b,c\n|say \"hi\"\n");
    expect("", "");
    expect("\n\n\n", "");
    expect("a,b\n\n1,2\n\n", "a|b\n1|2\n");
    expect("5\" disk,b\n", "5\" disk|b\n");
    expect("\"\"\n", "\n");
}

static void a_tsv_has_no_quotes(void **state)
{
    char out[256];
    clipspan_error err;
    const char *text = "path\tlabel\n\"a\tb, c\n";
    (void)state;
    assert_int_equal(read_all(out, sizeof out, text, strlen(text), '\t', &err), CLIPSPAN_OK);
    assert_string_equal(out, "path|label\n\"a|b, c\n");
}

static void i12_byte_order_mark_is_skipped(void **state)
{
    (void)state;
    expect("\xEF\xBB\xBFpath,x\n\xEF\xBB\xBFy,z\n", "path|x\n\xEF\xBB\xBFy|z\n");
}

static void i13_crlf_and_cr_end_lines(void **state)
{
    (void)state;
    expect("a,b\r\n1,2\r\n\r\n3,4\r5,6", "a|b\n1|2\n3|4\n5|6\n");
    expect("\"a\"\r\n\"b\"\r\n", "a\nb\n");
    refuse("a\r\nb\r\nc,d\r\n", 11, CLIPSPAN_E_FORMAT, "line 3: 2 fields");
}

static void i14_quoted_line_ends_belong_to_the_field(void **state)
{
    const char *const *fields;
    size_t count;
    clipspan_error err;
    cs_csv *csv;
    (void)state;
    expect("a,\"x\ny\r\nz\"\nb,c\n", "a|x\ny\r\nz\nb|c\n");
    /* Later lines are still counted right. */
    cs_tiny_write_text(folder, "f.csv", "a,\"x\ny\nz\"\n\nb,c\n");
    assert_int_equal(cs_csv_open(&csv, path, ',', &err), CLIPSPAN_OK);
    assert_int_equal(cs_csv_next(&fields, &count, csv, &err), CLIPSPAN_OK);
    assert_int_equal(cs_csv_line(csv), 1);
    assert_int_equal(cs_csv_next(&fields, &count, csv, &err), CLIPSPAN_OK);
    assert_int_equal(cs_csv_line(csv), 5);
    assert_string_equal(fields[0], "b");
    cs_csv_close(&csv);
}

static void i15_missing_last_quote_names_the_line_where_it_opens(void **state)
{
    const char *text = "a,b\n1,2\n3,\"4\n5,6\n7,8\n";
    (void)state;
    refuse(text, strlen(text), CLIPSPAN_E_FORMAT, "line 3: a quote opens here");
}

static void i16_field_of_10_megabytes_is_refused(void **state)
{
    size_t size = (size_t)10 << 20;
    char *text = malloc(size + 8);
    (void)state;
    assert_non_null(text);
    memset(text, 'x', size);
    memcpy(text, "a\n", 2);
    refuse(text, size, CLIPSPAN_E_LIMIT, "line 2: a field is longer than 1 MiB");
    text[2] = '"';
    refuse(text, size, CLIPSPAN_E_LIMIT, "longer than 1 MiB");
    free(text);
}

/* Ten million rows, in a file that is not kept in memory: the reader needs a few hundred kilobytes.
 * A build with a sanitizer reads a hundredth. */
static void i18_ten_million_rows_in_constant_memory(void **state)
{
    size_t rows = cs_tiny_sanitized() ? 100000 : 10000000, seen = 0, count, i;
    FILE *file = fopen(path, "wb");
    struct rusage before, after;
    const char *const *fields;
    clipspan_error err;
    cs_csv *csv;
    (void)state;
    assert_non_null(file);
    for (i = 0; i < rows; i++)
        fputs("a,b\n", file);
    fclose(file);
    getrusage(RUSAGE_SELF, &before);
    assert_int_equal(cs_csv_open(&csv, path, ',', &err), CLIPSPAN_OK);
    while (cs_csv_next(&fields, &count, csv, &err) == CLIPSPAN_OK && count)
        seen += fields[1][0] == 'b';
    cs_csv_close(&csv);
    getrusage(RUSAGE_SELF, &after);
    assert_int_equal(seen, rows);
    if (!cs_tiny_sanitized()) assert_true(after.ru_maxrss - before.ru_maxrss < 4096);
}

static void text_behind_a_quote_is_refused(void **state)
{
    (void)state;
    refuse("a\n\"b\"c\n", 8, CLIPSPAN_E_FORMAT, "line 2: text behind a closing quote");
}

static void nul_byte_is_refused(void **state)
{
    (void)state;
    refuse("a\nb\0c\n", 6, CLIPSPAN_E_FORMAT, "line 2: holds a NUL byte");
}

static void uneven_records_are_refused(void **state)
{
    (void)state;
    refuse("a,b\n1,2\n1,2,3\n", 14, CLIPSPAN_E_FORMAT,
           "line 3: 3 fields, where the first line has 2");
    refuse("a,b\n1\n", 6, CLIPSPAN_E_FORMAT, "line 2: 1 field");
}

static void too_many_fields_and_too_long_records_are_refused(void **state)
{
    size_t size = (size_t)18 << 20, i;
    char *text = malloc(size);
    (void)state;
    assert_non_null(text);
    memset(text, ',', size);
    refuse(text, 5000, CLIPSPAN_E_LIMIT, "more than 4096 fields");
    for (i = 0; i < size; i++)
        text[i] = i % 500000 == 499999 ? ',' : 'x';
    refuse(text, size, CLIPSPAN_E_LIMIT, "a record is longer than 16 MiB");
    free(text);
}

static void fields_may_cross_the_chunks_that_are_read(void **state)
{
    size_t n = 200000, i, count;
    char *text = malloc(n + 16);
    const char *const *fields;
    clipspan_error err;
    cs_csv *csv;
    (void)state;
    assert_non_null(text);
    for (i = 0; i < n; i++)
        text[i] = (char)('a' + i % 26);
    memcpy(text + n, ",\"q\"\r\nx,y\r\n", 11);
    cs_tiny_write(folder, "f.csv", text, n + 11);
    assert_int_equal(cs_csv_open(&csv, path, ',', &err), CLIPSPAN_OK);
    assert_int_equal(cs_csv_next(&fields, &count, csv, &err), CLIPSPAN_OK);
    assert_int_equal(count, 2);
    assert_int_equal(strlen(fields[0]), n);
    assert_memory_equal(fields[0], text, n);
    assert_string_equal(fields[1], "q");
    assert_int_equal(cs_csv_next(&fields, &count, csv, &err), CLIPSPAN_OK);
    assert_string_equal(fields[1], "y");
    cs_csv_close(&csv);
    free(text);
}

static void file_that_became_shorter_is_an_error(void **state)
{
    const char *const *fields;
    size_t count, size = 300000;
    char *text = malloc(size);
    clipspan_error err;
    cs_csv *csv;
    (void)state;
    assert_non_null(text);
    memset(text, 'x', size);
    cs_tiny_write(folder, "f.csv", text, size);
    assert_int_equal(cs_csv_open(&csv, path, ',', &err), CLIPSPAN_OK);
    assert_int_equal(truncate(path, 100), 0);
    assert_int_equal(cs_csv_next(&fields, &count, csv, &err), CLIPSPAN_E_FORMAT);
    cs_csv_close(&csv);
    assert_int_equal(cs_csv_open(&csv, "/nonexistent.csv", ',', &err), CLIPSPAN_E_NOT_FOUND);
    assert_null(csv);
    free(text);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(records_of_rfc_4180),
        T(a_tsv_has_no_quotes),
        T(i12_byte_order_mark_is_skipped),
        T(i13_crlf_and_cr_end_lines),
        T(i14_quoted_line_ends_belong_to_the_field),
        T(i15_missing_last_quote_names_the_line_where_it_opens),
        T(i16_field_of_10_megabytes_is_refused),
        T(i18_ten_million_rows_in_constant_memory),
        T(text_behind_a_quote_is_refused),
        T(nul_byte_is_refused),
        T(uneven_records_are_refused),
        T(too_many_fields_and_too_long_records_are_refused),
        T(fields_may_cross_the_chunks_that_are_read),
        T(file_that_became_shorter_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
