/* SPDX-License-Identifier: MIT */
/* Labels and groups as texts against classes and names by hand. */
#include "base/memory.h"
#include "study/evaluation.h"
#include "study/labels.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 16 };

/* label, group, label, group, … up to NULL. */
static cs_label_texts make_texts(const char *const *pairs)
{
    cs_label_texts t = {calloc(1024, 1), calloc(MOST, sizeof *t.label),
                        calloc(MOST, sizeof *t.group), 0};
    size_t used = 0;
    for (; *pairs; pairs += 2, t.count++) {
        t.label[t.count] = used;
        used += strlen(strcpy(t.text + used, pairs[0])) + 1;
        t.group[t.count] = used;
        used += strlen(strcpy(t.text + used, pairs[1])) + 1;
    }
    return t;
}

static void free_texts(cs_label_texts *t)
{
    free(t->text);
    free(t->label);
    free(t->group);
}

static const char *const keys[] = {"duck", "hen", "swan"};

static void labels_are_places_of_keys(void **state)
{
    static const char *const pairs[] = {"hen", "", "", "", "duck", "", "hen", "", NULL};
    static const int32_t wanted[] = {1, -1, 0, 1};
    cs_label_texts t = make_texts(pairs);
    int32_t labels[MOST];
    uint64_t labelled;
    (void)state;
    assert_int_equal(cs_labels_match(labels, &labelled, &t, keys, 3, NULL), CLIPSPAN_OK);
    assert_memory_equal(labels, wanted, sizeof wanted);
    assert_int_equal(labelled, 3);
    free_texts(&t);
}

static void fails(const char *const *pairs, const char *const *names, clipspan_status wanted,
                  const char *words)
{
    cs_label_texts t = make_texts(pairs);
    int32_t labels[MOST];
    uint64_t labelled;
    clipspan_error err;
    assert_int_equal(cs_labels_match(labels, &labelled, &t, names, 3, &err), wanted);
    if (!strstr(err.message, words)) fail_msg("\"%s\" has no \"%s\"", err.message, words);
    free_texts(&t);
}

static void labels_that_no_class_has_are_listed(void **state)
{
    static const char *const strange[] = {"hen", "", "henn", "", "goose", "", "henn", "", NULL};
    static const char *const missing[] = {"NaN", "", NULL}, *const good[] = {"hen", "", NULL};
    static const char *const twice[] = {"hen", "duck", "hen"};
    (void)state;
    fails(strange, keys, CLIPSPAN_E_ARGUMENT, "\"henn\", \"goose\" (did you mean \"hen\"");
    fails(missing, keys, CLIPSPAN_E_FORMAT, "leave the cell empty");
    fails(good, twice, CLIPSPAN_E_ARGUMENT, "\"hen\" is there twice");
}

static void check_groups(const char *const *pairs, const uint8_t *counted, const int32_t *wanted,
                         size_t count, const char *names)
{
    cs_label_texts t = make_texts(pairs);
    int32_t groups[MOST];
    const char **found;
    size_t some;
    char list[200] = "";
    assert_int_equal(t.count, count);
    assert_int_equal(cs_labels_group(groups, &found, &some, &t, counted, NULL), CLIPSPAN_OK);
    for (size_t i = 0; i < some; i++)
        strcat(strcat(list, found[i]), ";");
    assert_string_equal(list, names);
    assert_memory_equal(groups, wanted, count * sizeof *wanted);
    cs_free(found);
    free_texts(&t);
}

static void groups_are_in_order_of_name(void **state)
{
    static const char *const pairs[] = {"hen", "hen/sea",  "duck", "duck/sea", "",  "/sea",
                                        "",    "hen/wood", "duck", "",         NULL};
    static const uint8_t counted[] = {1, 1, 0, 0, 1};
    static const int32_t wanted[] = {1, 0, -1, 2, -1}, all[] = {2, 1, 0, 3, -1};
    (void)state;
    /* An unlabelled image is of no group "/sea"; "hen/wood" stays, though no image counts. */
    check_groups(pairs, counted, wanted, 5, "duck/sea;hen/sea;hen/wood;");
    check_groups(pairs, NULL, all, 5, "/sea;duck/sea;hen/sea;hen/wood;");
}

static void a_group_nan_is_refused(void **state)
{
    static const char *const pairs[] = {"hen", "nan", NULL};
    cs_label_texts t = make_texts(pairs);
    const char **found;
    int32_t groups[MOST];
    size_t some;
    (void)state;
    assert_int_equal(cs_labels_group(groups, &found, &some, &t, NULL, NULL), CLIPSPAN_E_FORMAT);
    cs_free(found);
    free_texts(&t);
}

/* Wilson (1927): 8 of 10 lie between 0.4902 and 0.9433. */
static void shares_have_an_interval(void **state)
{
    const clipspan_share s = cs_share_of(8, 10), none = cs_share_of(0, 0);
    (void)state;
    assert_int_equal(s.images, 10);
    assert_true(s.share == 0.8);
    assert_true(fabs(s.low - 0.49016) < 1e-5 && fabs(s.high - 0.94331) < 1e-5);
    assert_int_equal(none.images, 0);
    assert_true(isnan(none.share) && isnan(none.low) && isnan(none.high));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_are_places_of_keys),
        cmocka_unit_test(labels_that_no_class_has_are_listed),
        cmocka_unit_test(groups_are_in_order_of_name),
        cmocka_unit_test(a_group_nan_is_refused),
        cmocka_unit_test(shares_have_an_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
