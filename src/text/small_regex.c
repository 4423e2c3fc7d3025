/* SPDX-License-Identifier: MIT */
/* A program of steps, run on all alternatives at once in the order of their priority (Pike), so
 * that no pattern takes exponential time. */
#include "text/small_regex.h"
#include "base/memory.h"
#include "text/codepoints.h"
#include "text/foreign_unicode.h"

#include <string.h>

enum { CLASS, SPLIT, JUMP, AHEAD, MATCH };

struct cs_regex_step {
    int op, x, y; /* class; first and second way; way; class and whether it must not come */
};
struct cs_regex_item {
    uint32_t low, high;
    int property, negated; /* property -1: the range */
};
struct cs_regex_class {
    size_t first, count;
    int negated;
};

#define STEPS_MOST 2000
#define DEEP       16

struct parser {
    cs_regex *out;
    const char *pattern, *path;
    const uint32_t *at, *end;
    int depth;
};

void cs_regex_fini(cs_regex *regex)
{
    cs_free(regex->steps);
    cs_free(regex->items);
    cs_free(regex->classes);
    memset(regex, 0, sizeof *regex);
}

static clipspan_status refuse(const struct parser *p, const char *what, clipspan_error *err)
{
    return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, p->path,
                      "pattern `%.200s` of tokenizer.json is not known: %s", p->pattern, what);
}

static clipspan_status emit(struct parser *p, int op, int x, int y, clipspan_error *err)
{
    cs_regex *r = p->out;
    if (r->count >= STEPS_MOST) return refuse(p, "it is too long", err);
    CS_TRY(cs_grow(&r->steps, &r->room, r->count + 1, sizeof *r->steps, "a pattern", err));
    r->steps[r->count].op = op;
    r->steps[r->count].x = x;
    r->steps[r->count++].y = y;
    return CLIPSPAN_OK;
}

static clipspan_status add_item(struct parser *p, uint32_t low, uint32_t high, int property,
                                int negated, clipspan_error *err)
{
    cs_regex *r = p->out;
    struct cs_regex_item item = {low, high, property, negated};
    CS_TRY(cs_grow(&r->items, &r->item_room, r->item_count + 1, sizeof item, "a pattern", err));
    r->items[r->item_count++] = item;
    return CLIPSPAN_OK;
}

/* Ends the class whose items start at `first`; its number is class_count - 1 then. */
static clipspan_status end_class(struct parser *p, size_t first, int negated, clipspan_error *err)
{
    cs_regex *r = p->out;
    CS_TRY(cs_grow(&r->classes, &r->class_room, r->class_count + 1, sizeof *r->classes, "a pattern",
                   err));
    r->classes[r->class_count].first = first;
    r->classes[r->class_count].count = r->item_count - first;
    r->classes[r->class_count++].negated = negated;
    return CLIPSPAN_OK;
}

static int digit_of(uint32_t code)
{
    if (code >= '0' && code <= '9') return (int)code - '0';
    code |= 0x20;
    return code >= 'a' && code <= 'f' ? (int)code - 'a' + 10 : -1;
}

/* Hexadecimal digits behind \x and \u: in braces, or just so many. */
static clipspan_status parse_hex(uint32_t *out, struct parser *p, int digits, clipspan_error *err)
{
    int braces = p->at < p->end && *p->at == '{', count = 0;
    p->at += braces;
    *out = 0;
    while (p->at < p->end && digit_of(*p->at) >= 0 && count < (braces ? 6 : digits)) {
        *out = *out * 16 + (uint32_t)digit_of(*p->at++);
        count++;
    }
    if (count == 0 || *out > 0x10ffff || (braces && (p->at == p->end || *p->at++ != '}')))
        return refuse(p, "its \\x", err);
    return CLIPSPAN_OK;
}

static clipspan_status parse_property(int *property, int *negated, struct parser *p,
                                      clipspan_error *err)
{
    static const struct {
        uint32_t name;
        cs_foreign property;
    } known[] = {{'L', CS_FOREIGN_REGEX_LETTER},
                 {'N', CS_FOREIGN_REGEX_NUMBER},
                 {'P', CS_FOREIGN_REGEX_PUNCT}};
    if (p->end - p->at < 3 || p->at[0] != '{') return refuse(p, "its \\p", err);
    p->at++;
    if (*p->at == '^') {
        *negated = !*negated;
        p->at++;
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (p->end - p->at >= 2 && p->at[0] == known[i].name && p->at[1] == '}') {
            *property = (int)known[i].property;
            p->at += 2;
            return CLIPSPAN_OK;
        }
    return refuse(p, "only \\p{L}, \\p{N} and \\p{P} are", err);
}

/* What follows a backslash: a character, or a property. */
static clipspan_status parse_escape(uint32_t *code, int *property, int *negated, struct parser *p,
                                    clipspan_error *err)
{
    static const char controls[] = "ntrfvae", values[] = "\n\t\r\f\v\a\x1b";
    uint32_t c;
    const char *control;
    *property = -1;
    *negated = 0;
    if (p->at == p->end) return refuse(p, "it ends in a backslash", err);
    *code = c = *p->at++;
    *negated = c == 'S' || c == 'D' || c == 'W' || c == 'P';
    if (c == 's' || c == 'S') *property = CS_FOREIGN_SPACE;
    if (c == 'd' || c == 'D') *property = CS_FOREIGN_REGEX_DIGIT;
    if (c == 'w' || c == 'W') *property = CS_FOREIGN_REGEX_WORD;
    if (*property >= 0) return CLIPSPAN_OK;
    if (c == 'p' || c == 'P') return parse_property(property, negated, p, err);
    if (c == 'x') return parse_hex(code, p, 2, err);
    if (c == 'u') return parse_hex(code, p, 4, err);
    control = c < 0x80 ? strchr(controls, (int)c) : NULL;
    if (control && *control) {
        *code = (unsigned char)values[control - controls];
        return CLIPSPAN_OK;
    }
    if (digit_of(c) >= 0 || (c < 0x80 && (c | 0x20) >= 'a' && (c | 0x20) <= 'z'))
        return refuse(p, "one of its escapes", err);
    return CLIPSPAN_OK;
}

static clipspan_status parse_class(struct parser *p, clipspan_error *err)
{
    size_t first = p->out->item_count;
    int negated = p->at < p->end && *p->at == '^', property, other;
    const uint32_t *start = p->at += negated;
    while (p->at < p->end && (*p->at != ']' || p->at == start)) {
        uint32_t low = *p->at++, high;
        property = -1;
        other = 0;
        if (low == '[' || (low == '&' && p->at < p->end && *p->at == '&'))
            return refuse(p, "a class inside a class", err);
        if (low == '\\') CS_TRY(parse_escape(&low, &property, &other, p, err));
        high = low;
        if (property < 0 && p->end - p->at >= 2 && p->at[0] == '-' && p->at[1] != ']') {
            int none;
            p->at++;
            high = *p->at++;
            if (high == '\\')
                CS_TRY(parse_escape(&high, &none, &other, p, err));
            else
                none = -1;
            if (none >= 0 || high < low) return refuse(p, "one of its ranges", err);
        }
        CS_TRY(add_item(p, low, high, property, other, err));
    }
    if (p->at == p->end) return refuse(p, "a class does not end", err);
    p->at++;
    return end_class(p, first, negated, err);
}

/* One character, class or escape, as the class class_count - 1. */
static clipspan_status parse_single(struct parser *p, clipspan_error *err)
{
    size_t first = p->out->item_count;
    uint32_t code = *p->at++;
    int property = -1, negated = 0;
    if (code == '[') return parse_class(p, err);
    if (code == '.') {
        CS_TRY(add_item(p, '\n', '\n', -1, 0, err));
        return end_class(p, first, 1, err);
    }
    if (code == '^' || code == '$') return refuse(p, "^ and $ are not", err);
    if (code < 0x80 && code && strchr("*+?{)", (int)code))
        return refuse(p, "a sign without what it applies to", err);
    if (code == '\\') CS_TRY(parse_escape(&code, &property, &negated, p, err));
    CS_TRY(add_item(p, code, code, property, negated, err));
    return end_class(p, first, 0, err);
}

static clipspan_status parse_choice(struct parser *p, clipspan_error *err);

static clipspan_status parse_group(struct parser *p, clipspan_error *err)
{
    if (p->end - p->at >= 2 && p->at[0] == '?') {
        uint32_t kind = p->at[1];
        p->at += 2;
        if (kind == '!' || kind == '=') {
            if (p->at == p->end) return refuse(p, "a group does not end", err);
            CS_TRY(parse_single(p, err));
            if (p->at == p->end || *p->at++ != ')')
                return refuse(p, "looking ahead at more than one character", err);
            return emit(p, AHEAD, (int)p->out->class_count - 1, kind == '!', err);
        }
        if (kind != ':') return refuse(p, "one of its groups", err);
    }
    if (p->depth >= DEEP) return refuse(p, "it is nested too deep", err);
    p->depth++;
    CS_TRY(parse_choice(p, err));
    p->depth--;
    if (p->at == p->end || *p->at++ != ')') return refuse(p, "a group does not end", err);
    return CLIPSPAN_OK;
}

/* {m}, {m,}, {m,n}; most -1: without end. */
static clipspan_status parse_counts(int *least, int *most, struct parser *p, clipspan_error *err)
{
    int numbers[2] = {0, -1}, which = 0, digits = 0;
    for (; p->at < p->end && *p->at != '}'; p->at++) {
        if (*p->at == ',' && which == 0) {
            which = 1;
            digits = 0;
        } else if (*p->at >= '0' && *p->at <= '9' && digits++ < 3) {
            numbers[which] = (numbers[which] < 0 ? 0 : numbers[which] * 10) + (int)(*p->at - '0');
        } else {
            return refuse(p, "one of its {…}", err);
        }
    }
    if (p->at == p->end) return refuse(p, "one of its {…}", err);
    p->at++;
    *least = numbers[0];
    *most = which ? numbers[1] : numbers[0];
    return *most >= 0 && *most < *least ? refuse(p, "one of its {…}", err) : CLIPSPAN_OK;
}

/* Appends a copy of steps, whose ways are moved with it. */
static clipspan_status append(struct parser *p, const struct cs_regex_step *steps, size_t count,
                              size_t home, clipspan_error *err)
{
    int move = (int)p->out->count - (int)home;
    for (size_t i = 0; i < count; i++) {
        int ways = steps[i].op == SPLIT || steps[i].op == JUMP;
        CS_TRY(emit(p, steps[i].op, steps[i].x + (ways ? move : 0), steps[i].y + (ways ? move : 0),
                    err));
    }
    return CLIPSPAN_OK;
}

/* Repeats the steps from `start` on. */
static clipspan_status repeat(struct parser *p, size_t start, int least, int most, int lazy,
                              clipspan_error *err)
{
    cs_regex *r = p->out;
    size_t count = r->count - start;
    struct cs_regex_step *part = cs_alloc(count, sizeof *part, "a pattern", err);
    clipspan_status status = CLIPSPAN_OK;
    int i;
    if (!part) return CLIPSPAN_E_NOMEM;
    memcpy(part, r->steps + start, count * sizeof *part);
    r->count = start;
    for (i = 0; i < least; i++)
        CS_TRY_DONE(append(p, part, count, start, err));
    for (; i < most || most < 0; i++) {
        int at = (int)r->count, into = at + 1, past = at + 1 + (int)count + (most < 0);
        CS_TRY_DONE(emit(p, SPLIT, lazy ? past : into, lazy ? into : past, err));
        CS_TRY_DONE(append(p, part, count, start, err));
        if (most >= 0) continue;
        CS_TRY_DONE(emit(p, JUMP, at, 0, err));
        break;
    }
done:
    cs_free(part);
    return status;
}

static clipspan_status parse_sequence(struct parser *p, clipspan_error *err)
{
    while (p->at < p->end && *p->at != '|' && *p->at != ')') {
        size_t start = p->out->count;
        int least = 1, most = 1, lazy = 0;
        uint32_t sign;
        if (*p->at == '(') {
            p->at++;
            CS_TRY(parse_group(p, err));
        } else {
            CS_TRY(parse_single(p, err));
            CS_TRY(emit(p, CLASS, (int)p->out->class_count - 1, 0, err));
        }
        sign = p->at < p->end ? *p->at : 0;
        if (sign != '*' && sign != '+' && sign != '?' && sign != '{') continue;
        p->at++;
        least = sign == '+';
        most = sign == '?' ? 1 : -1;
        if (sign == '{') CS_TRY(parse_counts(&least, &most, p, err));
        if (p->at < p->end && *p->at == '?') {
            lazy = 1;
            p->at++;
        }
        if (p->at < p->end && (*p->at == '+' || *p->at == '*' || *p->at == '{'))
            return refuse(p, "a quantifier behind a quantifier", err);
        CS_TRY(repeat(p, start, least, most, lazy, err));
    }
    return CLIPSPAN_OK;
}

static clipspan_status parse_choice(struct parser *p, clipspan_error *err)
{
    size_t start = p->out->count, count;
    CS_TRY(parse_sequence(p, err));
    if (p->at == p->end || *p->at != '|') return CLIPSPAN_OK;
    /* SPLIT before what is there, JUMP behind it over the rest. */
    count = p->out->count - start;
    CS_TRY(repeat(p, start, 0, 1, 0, err));
    CS_TRY(emit(p, JUMP, 0, 0, err));
    p->out->steps[start].y = (int)p->out->count;
    p->at++;
    CS_TRY(parse_choice(p, err));
    p->out->steps[start + 1 + count].x = (int)p->out->count;
    return CLIPSPAN_OK;
}

clipspan_status cs_regex_compile(cs_regex *out, const char *pattern, int literal, const char *path,
                                 clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    cs_codes codes = {0};
    struct parser p = {out, pattern, path, NULL, NULL, 0};
    CS_TRY_DONE(cs_codes_decode(&codes, pattern, strlen(pattern), err));
    p.at = codes.at;
    p.end = codes.at + codes.count;
    if (codes.count > STEPS_MOST) {
        status = refuse(&p, "it is too long", err);
        goto done;
    }
    for (; literal && p.at < p.end; p.at++) {
        CS_TRY_DONE(add_item(&p, *p.at, *p.at, -1, 0, err));
        CS_TRY_DONE(end_class(&p, out->item_count - 1, 0, err));
        CS_TRY_DONE(emit(&p, CLASS, (int)out->class_count - 1, 0, err));
    }
    if (!literal) CS_TRY_DONE(parse_choice(&p, err));
    if (p.at < p.end) {
        status = refuse(&p, "a bracket closes that was not open", err);
        goto done;
    }
    CS_TRY_DONE(emit(&p, MATCH, 0, 0, err));
done:
    cs_codes_fini(&codes);
    if (status != CLIPSPAN_OK) cs_regex_fini(out);
    return status;
}

/* ---- Matching ---- */

struct thread {
    int step;
    size_t start;
};
struct list {
    struct thread *at;
    size_t count;
};
struct machine {
    const cs_regex *regex;
    const uint32_t *codes;
    size_t count;
    struct list now, next;
    size_t *mark; /* [steps] the position + 1 that a step was last listed for */
    int *stack;   /* [2 steps + 2] */
};

static int in_class(const cs_regex *r, int number, uint32_t code)
{
    const struct cs_regex_class *class = &r->classes[number];
    for (size_t i = class->first; i < class->first + class->count; i++) {
        const struct cs_regex_item *item = &r->items[i];
        int hit = item->property < 0 ? code >= item->low && code <= item->high
                                     : cs_foreign_is((cs_foreign)item->property, code);
        if (hit != item->negated) return !class->negated;
    }
    return class->negated;
}

/* Lists a step and all that it leads to without a character. */
static void list_steps(struct list *list, struct machine *m, int step, size_t start, size_t at)
{
    size_t depth = 0;
    m->stack[depth++] = step;
    while (depth > 0) {
        const struct cs_regex_step *s;
        step = m->stack[--depth];
        s = &m->regex->steps[step];
        if (m->mark[step] == at + 1) continue;
        m->mark[step] = at + 1;
        if (s->op == JUMP) {
            m->stack[depth++] = s->x;
        } else if (s->op == SPLIT) {
            m->stack[depth++] = s->y;
            m->stack[depth++] = s->x;
        } else if (s->op == AHEAD) {
            int there = at < m->count && in_class(m->regex, s->x, m->codes[at]);
            if (there != s->y) m->stack[depth++] = step + 1;
        } else {
            list->at[list->count].step = step;
            list->at[list->count++].start = start;
        }
    }
}

static int advance(size_t *first, size_t *last, struct machine *m, size_t at)
{
    for (size_t i = 0; i < m->now.count; i++) {
        const struct cs_regex_step *s = &m->regex->steps[m->now.at[i].step];
        if (s->op == MATCH) {
            *first = m->now.at[i].start;
            *last = at;
            return 1;
        }
        if (at < m->count && in_class(m->regex, s->x, m->codes[at]))
            list_steps(&m->next, m, m->now.at[i].step + 1, m->now.at[i].start, at + 1);
    }
    return 0;
}

clipspan_status cs_regex_find(size_t *first, size_t *last, const cs_regex *regex,
                              const uint32_t *codes, size_t count, size_t from, uint64_t *work,
                              clipspan_error *err)
{
    struct machine m = {regex, codes, count, {NULL, 0}, {NULL, 0}, NULL, NULL};
    clipspan_status status = CLIPSPAN_E_NOMEM;
    int found = 0;
    *first = count + 1;
    m.now.at = cs_alloc(regex->count, sizeof *m.now.at, "matching", err);
    m.next.at = cs_alloc(regex->count, sizeof *m.next.at, "matching", err);
    m.mark = cs_alloc_zero(regex->count, sizeof *m.mark, "matching", err);
    m.stack = cs_alloc(2 * regex->count + 2, sizeof *m.stack, "matching", err);
    if (!m.now.at || !m.next.at || !m.mark || !m.stack) goto done;
    status = CLIPSPAN_OK;
    for (size_t at = from; at <= count; at++) {
        struct list swap;
        if (!found) list_steps(&m.now, &m, 0, at, at);
        if (*work < m.now.count + 1) {
            status = cs_fail(err, CLIPSPAN_E_LIMIT,
                             "a pattern of the tokenizer takes too long on a text");
            goto done;
        }
        *work -= m.now.count + 1;
        m.next.count = 0;
        found |= advance(first, last, &m, at);
        swap = m.now;
        m.now = m.next;
        m.next = swap;
        if (found && m.now.count == 0) break;
    }
done:
    cs_free(m.now.at);
    cs_free(m.next.at);
    cs_free(m.mark);
    cs_free(m.stack);
    return status;
}
