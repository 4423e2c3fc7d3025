/* SPDX-License-Identifier: MIT */
#include "page_check.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#define MOST_DEEP  64
#define MOST_NAMES 20000
#define NAME_ROOM  64
#define VALUE_ROOM 8192 /* longer ones are data */

typedef struct page_state {
    const char *page, *at, *end;
    char open[MOST_DEEP][NAME_ROOM];
    size_t deep;
    char (*ids)[NAME_ROOM], (*links)[NAME_ROOM]; /* [MOST_NAMES] */
    size_t id_count, link_count;
} page_state;

static void wrong(const page_state *p, const char *what)
{
    const char *from = p->at - 80 < p->page ? p->page : p->at - 80;
    print_error("%s at byte %zu: ...%.*s\n", what, (size_t)(p->at - p->page), 160, from);
    fail();
}

static int is_one_of(const char *name, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(name, *list) == 0) return 1;
    return 0;
}

/* Elements that have no content, and those whose end may be left out. */
static int is_void(const char *name)
{
    static const char *const list[] = {"meta", "link", "input", "br", "img", NULL};
    return is_one_of(name, list);
}

static int is_guessed(const char *name)
{
    static const char *const list[] = {"li", "td", "th",   "tr",   "tbody", "thead",
                                       "dt", "dd", "html", "body", NULL};
    return is_one_of(name, list);
}

/* What a tag that begins ends without saying so. */
static void begin(page_state *p, const char *name)
{
    static const char *const cells[] = {"td", "th", NULL}, *const rows[] = {"td", "th", "tr", NULL};
    static const char *const parts[] = {"td", "th", "tr", "thead", NULL};
    static const char *const items[] = {"li", NULL}, *const words[] = {"dt", "dd", NULL};
    static const char *const none[] = {NULL};
    const char *const *ends = is_one_of(name, cells)       ? cells
                              : strcmp(name, "tr") == 0    ? rows
                              : strcmp(name, "tbody") == 0 ? parts
                              : strcmp(name, "li") == 0    ? items
                              : is_one_of(name, words)     ? words
                                                           : none;
    while (p->deep && is_one_of(p->open[p->deep - 1], ends))
        p->deep--;
    if (p->deep == MOST_DEEP) wrong(p, "too deep");
    strcpy(p->open[p->deep++], name);
}

static void finish(page_state *p, const char *name)
{
    while (p->deep && strcmp(p->open[p->deep - 1], name) != 0 && is_guessed(p->open[p->deep - 1]))
        p->deep--;
    if (!p->deep || strcmp(p->open[p->deep - 1], name) != 0) wrong(p, "an end without beginning");
    p->deep--;
}

static void read_name(page_state *p, char *name)
{
    size_t size = 0;
    while (p->at < p->end && (isalnum((unsigned char)*p->at) || *p->at == '-') &&
           size < NAME_ROOM - 1)
        name[size++] = *p->at++;
    name[size] = '\0';
    if (!size) wrong(p, "a name was expected");
}

/* The value of an attribute, "" without one; what is too long is cut. */
static void read_value(page_state *p, char *value)
{
    size_t size = 0;
    char quote = 0;
    value[0] = '\0';
    if (*p->at != '=') return;
    p->at++;
    if (*p->at == '"') quote = *p->at++;
    for (; p->at < p->end && (quote ? *p->at != quote : *p->at != '>' && !isspace(*p->at));
         p->at++) {
        if (*p->at == '<' || (!quote && strchr("\"'=`", *p->at))) wrong(p, "a damaged attribute");
        if (size < VALUE_ROOM - 1) value[size++] = *p->at;
    }
    if (quote) p->at++;
    value[size] = '\0';
}

static void take_name(page_state *p, char (*list)[NAME_ROOM], size_t *count, const char *name)
{
    if (*count == MOST_NAMES || strlen(name) >= NAME_ROOM) wrong(p, "too many names");
    strcpy(list[(*count)++], name);
}

typedef struct tag_facts {
    int image, named, scope, alt;
} tag_facts;

static void attribute(page_state *p, const char *name, const char *value, tag_facts *facts)
{
    static const char *const addresses[] = {"href", "src", "action", "srcset", "xlink:href", NULL};
    if (strncmp(name, "on", 2) == 0) wrong(p, "a script in an attribute");
    if (strcmp(name, "role") == 0 && strcmp(value, "img") == 0) facts->image = 1;
    if (strcmp(name, "aria-label") == 0 && *value) facts->named = 1;
    if (strcmp(name, "scope") == 0) facts->scope = 1;
    if (strcmp(name, "alt") == 0) facts->alt = 1;
    if (strcmp(name, "id") == 0) take_name(p, p->ids, &p->id_count, value);
    if (strcmp(name, "for") == 0) take_name(p, p->links, &p->link_count, value);
    if (!is_one_of(name, addresses)) return;
    if (*value == '#')
        take_name(p, p->links, &p->link_count, value + 1);
    else if (strncmp(value, "data:,", 6) != 0 && strncmp(value, "data:image/jpeg;base64,", 23) != 0)
        wrong(p, "an address outside of the page");
}

static void start_tag(page_state *p)
{
    static char value[VALUE_ROOM];
    char name[NAME_ROOM], key[NAME_ROOM], seen[16][NAME_ROOM];
    tag_facts facts = {0, 0, 0, 0};
    size_t keys = 0, i;
    int closed = 0;
    read_name(p, name);
    while (p->at < p->end && *p->at != '>') {
        if (isspace((unsigned char)*p->at)) {
            p->at++;
        } else if (*p->at == '/') {
            p->at++;
            closed = 1;
        } else {
            read_name(p, key);
            for (i = 0; i < keys; i++)
                if (strcmp(seen[i], key) == 0) wrong(p, "an attribute twice");
            if (keys == 16) wrong(p, "too many attributes");
            strcpy(seen[keys++], key);
            read_value(p, value);
            attribute(p, key, value, &facts);
        }
    }
    p->at++;
    if (facts.image && !facts.named && strncmp(p->at, "<title>", 7) != 0)
        wrong(p, "an image without a name");
    if (strcmp(name, "img") == 0 && !facts.alt) wrong(p, "an image without words in its place");
    if (strcmp(name, "th") == 0 && !facts.scope) wrong(p, "a heading of a table without scope");
    if (is_void(name) || closed) return;
    begin(p, name);
    if (strcmp(name, "style") == 0 || strcmp(name, "script") == 0) {
        const char *end = strstr(p->at, "</");
        if (!end) wrong(p, "no end of style or script");
        p->at = end;
    }
}

/* A character reference, or fails. */
static void reference(page_state *p)
{
    static const char *const list[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;", NULL};
    size_t i;
    for (i = 0; list[i]; i++)
        if (strncmp(p->at, list[i], strlen(list[i])) == 0) {
            p->at += strlen(list[i]);
            return;
        }
    wrong(p, "an & by itself");
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void check_names(page_state *p)
{
    size_t i;
    qsort(p->ids, p->id_count, NAME_ROOM, by_name);
    for (i = 1; i < p->id_count; i++)
        if (strcmp(p->ids[i - 1], p->ids[i]) == 0) fail_msg("id %s comes twice", p->ids[i]);
    for (i = 0; i < p->link_count; i++)
        if (!bsearch(p->links[i], p->ids, p->id_count, NAME_ROOM, by_name))
            fail_msg("nothing has the id %s", p->links[i]);
}

/* One block of data, which reads as JSON. */
static void check_data(const char *page)
{
    static const char start[] = "<script type=\"application/json\" id=data>";
    const char *block = strstr(page, start), *end;
    json_error_t error;
    json_t *data;
    if (!block || strstr(block + 1, start)) fail_msg("not one block of data");
    block += strlen(start);
    end = strstr(block, "</script>");
    assert_non_null(end);
    data = json_loadb(block, (size_t)(end - block), JSON_REJECT_DUPLICATES, &error);
    if (!data) fail_msg("data, line %d: %s", error.line, error.text);
    assert_non_null(json_object_get(data, "schema"));
    json_decref(data);
}

void page_check(const char *page, size_t size)
{
    static const char doctype[] = "<!doctype html>";
    page_state *p = calloc(1, sizeof *p);
    char name[NAME_ROOM];
    assert_non_null(p);
    p->ids = calloc(MOST_NAMES, NAME_ROOM);
    p->links = calloc(MOST_NAMES, NAME_ROOM);
    assert_true(p->ids && p->links);
    assert_int_equal(strncmp(page, doctype, strlen(doctype)), 0);
    p->page = page;
    p->at = page + strlen(doctype);
    p->end = page + size;
    while (p->at < p->end) {
        if (strncmp(p->at, "</", 2) == 0) {
            p->at += 2;
            read_name(p, name);
            finish(p, name);
            if (*p->at++ != '>') wrong(p, "an end tag that does not end");
        } else if (*p->at == '<') {
            p->at++;
            start_tag(p);
        } else if (*p->at == '&') {
            reference(p);
        } else
            p->at++;
    }
    if (p->deep) wrong(p, "not everything is closed");
    check_names(p);
    check_data(page);
    free(p->ids);
    free(p->links);
    free(p);
}

size_t page_count(const char *page, const char *words)
{
    size_t count = 0;
    for (; (page = strstr(page, words)); page += strlen(words))
        count++;
    return count;
}
