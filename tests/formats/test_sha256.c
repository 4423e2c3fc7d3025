/* SPDX-License-Identifier: MIT */
/* SHA-256 against the examples of FIPS 180-4 and NIST's long-message vector. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "formats/sha256.h"

/* With the CPU's instructions where it has them, and without. */
static void expect(const void *data, size_t size, size_t step, const char *want)
{
    unsigned char digest[32];
    const unsigned char *p = data;
    cs_sha256 hash;
    char text[65];
    size_t at;
    for (int plain = 0; plain < 2; plain++) {
        cs_sha256_init(&hash);
        if (plain) hash.extension = 0;
        for (at = 0; at < size; at += step)
            cs_sha256_add(&hash, p + at, size - at < step ? size - at : step);
        cs_sha256_end(digest, &hash);
        cs_sha256_print(text, digest);
        assert_string_equal(text, want);
    }
}

static void nist_vectors_give_their_digests(void **state)
{
    static const char two[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    static const char four[] =
        "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopq"
        "klmnopqrlmnopqrsmnopqrstnopqrstu";
    (void)state;
    expect("", 0, 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect("abc", 3, 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect(two, strlen(two), 56,
           "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    expect(four, strlen(four), 112,
           "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
}

static void a_million_letters_in_pieces_of_any_size(void **state)
{
    static const size_t steps[] = {1, 63, 64, 65, 127, 4096, 1000000};
    char *text = malloc(1000000);
    size_t i;
    (void)state;
    assert_non_null(text);
    memset(text, 'a', 1000000);
    for (i = 0; i < sizeof steps / sizeof *steps; i++)
        expect(text, 1000000, steps[i],
               "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(text);
}

/* Every length around the padding's edges: pieces of one byte and one piece agree. */
static void lengths_around_a_block_agree(void **state)
{
    unsigned char data[200], a[32], b[32];
    size_t size, i;
    cs_sha256 x, y;
    (void)state;
    memset(data, 0x5A, sizeof data);
    for (size = 0; size < sizeof data; size++) {
        cs_sha256_init(&x);
        cs_sha256_init(&y);
        y.extension = 0;
        cs_sha256_add(&x, data, size);
        for (i = 0; i < size; i++)
            cs_sha256_add(&y, data + i, 1);
        cs_sha256_end(a, &x);
        cs_sha256_end(b, &y);
        assert_memory_equal(a, b, 32);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nist_vectors_give_their_digests),
        cmocka_unit_test(a_million_letters_in_pieces_of_any_size),
        cmocka_unit_test(lengths_around_a_block_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
