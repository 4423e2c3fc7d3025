/* SPDX-License-Identifier: MIT */
/* CSV and TSV: records of one width, lines that rise. */
#include "formats/csv.h"
#include "fuzz.h"

#include <string.h>

static void read(const char *path, char separator)
{
    const char *const *fields;
    size_t count, width = 0;
    uint64_t line = 0;
    cs_csv *csv;
    if (cs_csv_open(&csv, path, separator, NULL) != CLIPSPAN_OK) return;
    while (cs_csv_next(&fields, &count, csv, NULL) == CLIPSPAN_OK && count) {
        fuzz_check(!width || count == width, "records have one width");
        fuzz_check(cs_csv_line(csv) > line, "lines rise");
        width = count;
        line = cs_csv_line(csv);
        for (size_t i = 0; i < count; i++)
            fuzz_check(strlen(fields[i]) <= CS_CSV_FIELD, "a field has a ceiling");
    }
    cs_csv_close(&csv);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = fuzz_file("table.csv", data, size);
    read(path, ',');
    read(path, '\t');
    return 0;
}
