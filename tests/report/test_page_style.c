/* SPDX-License-Identifier: MIT */
/* Contrast of everything that is read, light, dark and printed: WCAG's ratio, at least 4.5 to 1. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/section.h"
#include "report/web.h"

static const char *light; /* the rule that holds where no other one does */

/* The value of --NAME in a rule, as red, green and blue from 0 to 1. */
static void colour_of(double rgb[3], const char *rule, const char *name)
{
    char key[24];
    const char *at;
    unsigned value;
    snprintf(key, sizeof key, "--%s: #", name);
    at = strstr(rule, key);
    if (!at) at = strstr(light, key);
    if (!at) fail_msg("no colour %s in %s", name, rule);
    at += strlen(key);
    value = (unsigned)strtoul(at, NULL, 16);
    if (strspn(at, "0123456789abcdef") == 3)
        value = (value >> 8) * 0x110000 + (value >> 4 & 15) * 0x1100 + (value & 15) * 0x11;
    rgb[0] = (value >> 16) / 255.0;
    rgb[1] = (value >> 8 & 255) / 255.0;
    rgb[2] = (value & 255) / 255.0;
}

static double luminance(const double rgb[3])
{
    static const double weight[3] = {0.2126, 0.7152, 0.0722};
    double sum = 0;
    int c;
    for (c = 0; c < 3; c++)
        sum +=
            weight[c] * (rgb[c] <= 0.03928 ? rgb[c] / 12.92 : pow((rgb[c] + 0.055) / 1.055, 2.4));
    return sum;
}

static double contrast(const double a[3], const double b[3])
{
    const double x = luminance(a), y = luminance(b);
    return (fmax(x, y) + 0.05) / (fmin(x, y) + 0.05);
}

static void check_rule(const char *rule)
{
    static const char *const read[] = {"ink", "soft", "link"};
    double bg[3], ink[3], hue[3], mixed[3];
    char name[8];
    int i, c, step;
    colour_of(bg, rule, "bg");
    colour_of(ink, rule, "ink");
    for (i = 0; i < 3; i++) {
        colour_of(hue, rule, read[i]);
        if (contrast(hue, bg) < 4.5) fail_msg("%s is too pale in %s", read[i], rule);
    }
    for (i = 0; i < CS_HUES; i++) { /* letters on every depth of a hue */
        snprintf(name, sizeof name, "h%d", i);
        colour_of(hue, rule, name);
        for (step = 0; step <= 10; step++) {
            for (c = 0; c < 3; c++)
                mixed[c] = bg[c] + (hue[c] - bg[c]) * step / 10;
            if (contrast(ink, mixed) < 4.5) fail_msg("%s at %d/10 in %s", name, step, rule);
        }
    }
}

static void everything_can_be_read(void **state)
{
    static char style[1 << 16];
    const char *const *line;
    char *rule;
    size_t used = 0;
    int rules = 0;
    (void)state;
    for (line = cs_web_base_css; *line; line++) {
        assert_true(used + strlen(*line) < sizeof style);
        strcpy(style + used, *line);
        used += strlen(*line);
    }
    for (rule = strstr(style, ":root {"); rule; rule = strstr(rule, ":root {")) {
        char *end = strchr(rule, '}');
        assert_non_null(end);
        *end = '\0';
        if (rules == 0) light = rule;
        check_rule(rule);
        rule = end + 1;
        rules++;
    }
    assert_int_equal(rules, 3); /* light, dark, print */
}

static void nothing_is_loaded_or_ends_its_element(void **state)
{
    static const char *const *const files[] = {cs_web_base_css,   cs_web_explain_css,
                                               cs_web_explain_js, cs_web_hits_css,
                                               cs_web_report_css, cs_web_report_js};
    const char *const *line;
    size_t i;
    (void)state;
    for (i = 0; i < sizeof files / sizeof *files; i++)
        for (line = files[i]; *line; line++) {
            assert_null(strstr(*line, "url("));
            assert_null(strstr(*line, "@import"));
            assert_null(strstr(*line, "fetch"));
            assert_null(strstr(*line, "</"));
            assert_null(strstr(*line, "SPDX")); /* comments stay at home */
            assert_int_equal((*line)[strlen(*line) - 1], '\n');
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_can_be_read),
        cmocka_unit_test(nothing_is_loaded_or_ends_its_element),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
