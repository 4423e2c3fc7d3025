/* SPDX-License-Identifier: MIT */
/* The command line: words end with a line break. */
#define _POSIX_C_SOURCE 200809L
#include "cli/frame/command.h"
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#define WORDS 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char program[] = "clipspan", *words[WORDS + 1] = {program}, *text = malloc(size + 1),
         *at = text;
    int count = 1;
    cli_session *session = calloc(1, sizeof *session);
    clipspan_error err = {0};
    fuzz_check(text && session, "memory");
    if (size) memcpy(text, data, size);
    text[size] = '\0';
    while (*at && count < WORDS) {
        char *end = strchr(at, '\n');
        words[count++] = at;
        if (!end) break;
        *end = '\0';
        at = end + 1;
    }
    if (cli_session_read(session, count, words, &err) == CLIPSPAN_OK) {
        if (session->command) (void)cli_arguments_check(session, &err);
    } else {
        fuzz_check(err.code == CLIPSPAN_E_ARGUMENT && err.message[0], "a usage error says what");
    }
    cli_session_fini(session);
    free(session);
    free(text);
    return 0;
}
