/* SPDX-License-Identifier: MIT */
/* JSON (RFC 8259) on a stream. */
#include "cli/out/json_out.h"

#define DIGITS 9 /* of a real number */

static void write_text(void *to, const char *text, size_t size)
{
    if (to) fwrite(text, 1, size, to); /* a failure is seen when the stream is closed */
}

void cli_json_begin(cli_json *j, FILE *out, int flat, const char *schema)
{
    j->copy = NULL;
    cs_json_begin(&j->writer, write_text, out, cs_json_form_of(flat), schema);
}

void cli_json_finish(cli_json *j)
{
    cs_json_finish(&j->writer);
    if (j->copy) cs_json_finish(j->copy);
}

void cli_json_object(cli_json *j, const char *key)
{
    cs_json_put_object(&j->writer, key);
    if (j->copy) cs_json_put_object(j->copy, key);
}

void cli_json_row(cli_json *j, const char *key)
{
    cs_json_put_row(&j->writer, key);
    if (j->copy) cs_json_put_row(j->copy, key);
}

void cli_json_array(cli_json *j, const char *key)
{
    cs_json_put_array(&j->writer, key);
    if (j->copy) cs_json_put_array(j->copy, key);
}

void cli_json_line(cli_json *j, const char *key)
{
    cs_json_put_line(&j->writer, key);
    if (j->copy) cs_json_put_line(j->copy, key);
}

void cli_json_end(cli_json *j)
{
    cs_json_put_end(&j->writer);
    if (j->copy) cs_json_put_end(j->copy);
}

void cli_json_text(cli_json *j, const char *key, const char *value)
{
    cs_json_put_text(&j->writer, key, value);
    if (j->copy) cs_json_put_text(j->copy, key, value);
}

void cli_json_whole(cli_json *j, const char *key, uint64_t value)
{
    cs_json_put_whole(&j->writer, key, value);
    if (j->copy) cs_json_put_whole(j->copy, key, value);
}

void cli_json_real(cli_json *j, const char *key, double value)
{
    cs_json_put_digits(&j->writer, key, value, DIGITS);
    if (j->copy) cs_json_put_digits(j->copy, key, value, DIGITS);
}

void cli_json_single(cli_json *j, const char *key, float value)
{
    cs_json_put_single(&j->writer, key, value);
    if (j->copy) cs_json_put_single(j->copy, key, value);
}

void cli_json_flag(cli_json *j, const char *key, int value)
{
    cs_json_put_flag(&j->writer, key, value);
    if (j->copy) cs_json_put_flag(j->copy, key, value);
}
