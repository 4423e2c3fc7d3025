/* SPDX-License-Identifier: MIT */
/* Whether a page is well-formed, complete in itself, and usable without seeing it. */
#ifndef CLIPSPAN_TESTS_PAGE_CHECK_H
#define CLIPSPAN_TESTS_PAGE_CHECK_H

#include <stddef.h>

/* Fails the test, with the place, unless
 *   every tag that is opened is closed in order, those apart whose end HTML leaves to be guessed;
 *   attributes are quoted or hold no blank, no name comes twice in a tag;
 *   ids are unique, and every address in the page is the id of something in it, or data;
 *   every image (role=img) has a name, every <img> an alt, and every table cell that heads
 *   something a scope;
 *   one block holds the page's data, and it reads as JSON;
 *   outside of attributes, style and script no & or < stands by itself. */
void page_check(const char *page, size_t size);

/* How often `words` stand in the page. */
size_t page_count(const char *page, const char *words);

#endif
