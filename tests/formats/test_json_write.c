/* SPDX-License-Identifier: MIT */
/* JSON as it is written: layouts to the byte, escapes, numbers that read back, and everything read
 * again by jansson. */
#include "formats/json_write.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

typedef struct written {
    char text[8192];
    size_t size;
} written;

static void take(void *to, const char *text, size_t size)
{
    written *w = to;
    assert_true(w->size + size < sizeof w->text);
    memcpy(w->text + w->size, text, size);
    w->size += size;
    w->text[w->size] = '\0';
}

/* Every kind of container and value. */
static const char *write_all(written *w, cs_json_form form)
{
    cs_json_writer j;
    w->size = 0;
    cs_json_begin(&j, take, w, form, "test.v1");
    cs_json_put_text(&j, "name", "a\tb");
    cs_json_put_text(&j, "nobody", NULL);
    cs_json_put_array(&j, "list");
    cs_json_put_whole(&j, NULL, UINT64_MAX);
    cs_json_put_row(&j, NULL);
    cs_json_put_integer(&j, "x", -3);
    cs_json_put_line(&j, "y");
    cs_json_put_flag(&j, NULL, 1);
    cs_json_put_flag(&j, NULL, 0);
    cs_json_put_end(&j);
    cs_json_put_end(&j);
    cs_json_put_end(&j);
    cs_json_put_object(&j, "inner");
    cs_json_put_real(&j, "nan", (double)NAN);
    cs_json_put_single(&j, "inf", INFINITY);
    cs_json_put_digits(&j, "pi", 3.14159265358979, 3);
    cs_json_put_end(&j);
    cs_json_put_array(&j, "empty");
    cs_json_put_end(&j);
    cs_json_put_base64(&j, "bytes", (const unsigned char *)"foob", 4);
    cs_json_finish(&j);
    return w->text;
}

static void layouts(void **state)
{
    written w;
    (void)state;
    assert_string_equal(write_all(&w, CS_JSON_INDENTED), "{\n"
                                                         "  \"schema\": \"test.v1\",\n"
                                                         "  \"name\": \"a\\u0009b\",\n"
                                                         "  \"nobody\": null,\n"
                                                         "  \"list\": [\n"
                                                         "    18446744073709551615,\n"
                                                         "    {\"x\": -3, \"y\": [true, false]}\n"
                                                         "  ],\n"
                                                         "  \"inner\": {\n"
                                                         "    \"nan\": null,\n"
                                                         "    \"inf\": null,\n"
                                                         "    \"pi\": 3.14\n"
                                                         "  },\n"
                                                         "  \"empty\": [],\n"
                                                         "  \"bytes\": \"Zm9vYg==\"\n"
                                                         "}\n");
    assert_string_equal(write_all(&w, CS_JSON_FLAT), "schema\ttest.v1\n"
                                                     "name\ta\\tb\n"
                                                     "nobody\t\n"
                                                     "list.0\t18446744073709551615\n"
                                                     "list.1.x\t-3\n"
                                                     "list.1.y.0\ttrue\n"
                                                     "list.1.y.1\tfalse\n"
                                                     "inner.nan\t\n"
                                                     "inner.inf\t\n"
                                                     "inner.pi\t3.14\n"
                                                     "bytes\tZm9vYg==\n");
    assert_string_equal(write_all(&w, CS_JSON_PAGE),
                        "{\n"
                        "\"schema\":\"test.v1\",\n"
                        "\"name\":\"a\\u0009b\",\n"
                        "\"nobody\":null,\n"
                        "\"list\":[\n18446744073709551615,\n{\"x\":-3,\"y\":[true,false]}\n],\n"
                        "\"inner\":{\n\"nan\":null,\n\"inf\":null,\n\"pi\":3.14\n},\n"
                        "\"empty\":[],\n"
                        "\"bytes\":\"Zm9vYg==\"\n"
                        "}\n");
}

/* The text as it is written, and what jansson reads there. */
static void shows(cs_json_form form, const char *text, const char *wanted, const char *read)
{
    written w = {"", 0};
    char whole[512];
    cs_json_writer j;
    json_t *back;
    cs_json_begin(&j, take, &w, form, NULL);
    cs_json_put_text(&j, "t", text);
    cs_json_finish(&j);
    snprintf(whole, sizeof whole,
             form == CS_JSON_PAGE ? "{\n\"t\":\"%s\"\n}\n" : "{\n  \"t\": \"%s\"\n}\n", wanted);
    assert_string_equal(w.text, whole);
    back = json_loads(w.text, 0, NULL);
    assert_non_null(back);
    assert_string_equal(json_string_value(json_object_get(back, "t")), read);
    json_decref(back);
}

static void escapes(void **state)
{
    const cs_json_form plain = CS_JSON_INDENTED, page = CS_JSON_PAGE;
    (void)state;
    shows(plain, "", "", "");
    shows(plain, "\"\\/", "\\\"\\\\/", "\"\\/");
    shows(plain, "\x01\n\x7F", "\\u0001\\u000a\\u007f", "\x01\n\x7F");
    shows(plain, "\xE2\x80\xA8 \xE2\x80\xA9 \xE2\x80\xA7", "\\u2028 \\u2029 \xE2\x80\xA7",
          "\xE2\x80\xA8 \xE2\x80\xA9 \xE2\x80\xA7");
    shows(plain, "\xC3\xA9\xF0\x9F\x98\x80", "\xC3\xA9\xF0\x9F\x98\x80",
          "\xC3\xA9\xF0\x9F\x98\x80");
    shows(plain, "a\xFFz\xED\xA0\x80", "a\xEF\xBF\xBDz\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD",
          "a\xEF\xBF\xBDz\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
    shows(plain, "cut \xE2\x80", "cut \xEF\xBF\xBD\xEF\xBF\xBD", "cut \xEF\xBF\xBD\xEF\xBF\xBD");
    shows(plain, "</script>&", "</script>&", "</script>&");
    shows(page, "</script><!--&", "\\u003c/script\\u003e\\u003c!--\\u0026", "</script><!--&");
}

static void number(double value, const char *wanted)
{
    written w = {"", 0};
    char whole[80];
    cs_json_writer j;
    json_t *back;
    cs_json_begin(&j, take, &w, CS_JSON_INDENTED, NULL);
    cs_json_put_real(&j, "t", value);
    cs_json_finish(&j);
    back = json_loads(w.text, 0, NULL);
    assert_non_null(back);
    assert_true(json_number_value(json_object_get(back, "t")) == value);
    json_decref(back);
    if (!wanted) return;
    snprintf(whole, sizeof whole, "{\n  \"t\": %s\n}\n", wanted);
    assert_string_equal(w.text, whole);
}

static void numbers_read_back(void **state)
{
    uint32_t random = 1;
    (void)state;
    number(0, "0");
    number(0.1, "0.1");
    number(-2.5, "-2.5");
    number(1.0 / 3, "0.3333333333333333");
    number(0.1 + 0.2, "0.30000000000000004");
    number(1e22, "1e+22");
    number(DBL_MAX, NULL);
    number(DBL_MIN, NULL);
    for (int i = 0; i < 2000; i++) {
        random = random * 1664525 + 1013904223;
        number(ldexp((double)random, (int)(random >> 20) % 200 - 100) / 3, NULL);
    }
}

static void singles_are_short(void **state)
{
    static const float values[] = {0.1F, 1.0F / 3, 16777216.0F, FLT_MAX, -FLT_MIN};
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        written w = {"", 0};
        cs_json_writer j;
        cs_json_begin(&j, take, &w, CS_JSON_FLAT, NULL);
        cs_json_put_single(&j, "t", values[i]);
        cs_json_finish(&j);
        assert_true(strtof(w.text + 2, NULL) == values[i]);
        assert_true(w.size <= 2 + 15 + 1);
        if (i == 0) assert_string_equal(w.text, "t\t0.1\n");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layouts),
        cmocka_unit_test(escapes),
        cmocka_unit_test(numbers_read_back),
        cmocka_unit_test(singles_are_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
