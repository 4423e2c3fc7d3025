/* SPDX-License-Identifier: MIT */
/* json_at PATH < DOCUMENT   Prints the value at PATH ("predictions.0.label"; "#" at the end: how
 * many items); exit 1 when the input is not exactly one JSON document, has a key twice, or nothing
 * at PATH. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    json_error_t error;
    json_t *document = json_loadf(stdin, JSON_REJECT_DUPLICATES, &error), *value = document;
    char *step, *text;
    if (!document || argc != 2) {
        fprintf(stderr, "json_at: line %d: %s\n", error.line, error.text);
        return 1;
    }
    for (step = strtok(argv[1], "."); step && value; step = strtok(NULL, ".")) {
        if (strcmp(step, "#") == 0) {
            printf("%zu\n",
                   json_is_array(value) ? json_array_size(value) : json_object_size(value));
            json_decref(document);
            return 0;
        }
        value = json_is_array(value) ? json_array_get(value, strtoul(step, NULL, 10))
                                     : json_object_get(value, step);
    }
    if (!value) {
        fprintf(stderr, "json_at: nothing there\n");
        json_decref(document);
        return 1;
    }
    text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(9));
    puts(json_is_string(value) ? json_string_value(value) : text);
    free(text);
    json_decref(document);
    return 0;
}
