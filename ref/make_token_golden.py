#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write tests/text/data: token ids of open_clip's tokenizer for tricky strings and whole lists.

usage: ref/make_token_golden.py [POOL_FOLDER]

POOL_FOLDER: folder with image_descriptions_general.txt, the published pool, whose lines are hashed
too. Needs: pip install open_clip_torch ftfy regex. Regenerate only on purpose.

tokens.tsv   a line a string: its bytes (printable ASCII as it is, the rest and "\\" as \\xHH), a tab,
             the ids from the start token to the end token, context 77, with spaces between
lists.tsv    a line a list: file name, lines, FNV-1a (64 bits) of all ids as little-endian int32
"""
import os
import random
import struct
import sys

import ftfy
from open_clip.tokenizer import SimpleTokenizer

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
OUT = os.path.join(ROOT, "tests", "text", "data")

STRINGS = """a photo of a cat.
A PHOTO OF THE DOG'S TAIL
don't we'll they've I'm you'd she's they're 'tis o'clock rock'n'roll 'LL 'RE 'S
'ſ it'ſ don'T ſ's <ſtart_of_text>
<start_of_text> <end_of_text> <|startoftext|> <|endoftext|> <END_OF_TEXT>
x<end_of_text>y!<start_of_text>
1984 3.14159 1,000,000 50% $9.99 2nd 0x7f ½ ² Ⅷ ④ ٣ ५
e-mail: someone@example.com http://example.com/?a=1&b=2#c
C++ x=y+z a_b_c __init__ -- --- ... !!! ?! (a) [b] {c}
“quoted” ‘single’ ‚low’ „low“ «guillemets» ʼapostrophe l’été
ﬁre oﬀice ﬂoor suﬃx waﬄe ﬆone ﬅ Ǆungla ǅ ǆ ŉ Ĳsland ĳs Ǳ ǲ ǳ Ǉ ǈ ǉ Ǌ ǋ ǌ
ＦＵＬＬ　ｗｉｄｔｈ １２３ ﾊﾝｶｸ ｶﾞ ￣ ￥ ￦ ＆ａｍｐ； ＜ ＞
&amp; &amp;amp; &amp;amp;amp;amp;lt; &lt;b&gt; &quot; &apos; &nbsp; &copy; &hellip; &Jscr; &nGt;
&notit; &notin; &not &notx &copy &eacute &EACUTE; &SZLIG; &FFILIG; &NAPOS; &amp &ampamp; &ampx;
< &amp; &EACUTE; &lt; &amp;amp;amp; &copy &hellip;
&#39; &#x27; &#150; &#x96; &#0; &#xD800; &#1114112; &#x1F600; &#59; &#x3b; &#38;amp; &#12ab; &#xZZ; &#; &#x;
&amp&semi;&semi; &#x37E; &amp&#x37E;lt&#x37e; &#xFF06;amp; &#xFEFF; &am&#x1;p;
&verylongnamethatisnoentityatallbutlong; &CounterClockwiseContourIntegral;
İstanbul ISPARTA ıi Iİ ß ẞ Ⓐ Ⅷ ǅ
ΟΔΟΣ ΣΊΣΥΦΟΣ Σ ΑΣ. ΑΣ'Α ΑΣ.Α Α.Σ 'Σ aΣ1 1Σ
é é Å Å Å ñ ñ ạ̈ ạ̈ ǭ ḹ q̣̇ ộ 각 각 각ᆨ ㄱ
क़ ড় ਸ਼ ⫝̸ שּׁ 𝅗𝅥 יִ ̈́ ΐ ;
ͅ aͅb !ͅ! ᾳ
北京 東京タワー がぎぐ ゕ 한국어 한글 กรุงเทพ हिन्दी नमस्ते தமிழ் ქართული Հայերեն
עִבְרִית שלום العربية مَرْحَبًا فارسی‌ها Ελλάδα Москва Київ ትግርኛ ᏣᎳᎩ Ꭰ ꭰ
👍 👩‍👩‍👧‍👦 🏳️‍🌈 🇩🇪 👋🏽 ✈️ ☃ ☺️ 1️⃣ 🏴󠁧󠁢󠁷󠁬󠁳󠁿 🫠 🫨
™ © ® … – — • · ′ ″ € £ ¥ ° ± × ÷ ≠ ≤ ∞ √ ∑ ∂ → ← ↔ ■ ● ★ ♥ ♫
ᲀ ᲈ Ა Ꟛ Ɤ 𐐀 𐒰 𝒜 𝟘 𞤀 𑄶 🄀 𐞁
ೝ ଵ 𖫀 𑽁 𞓬 𐻽 ꟑ ꟓ ꟕ ꟲ 𐖗 𑼂 𞄀
Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore
pneumonoultramicroscopicsilicovolcanoconiosis antidisestablishmentarianism donaudampfschifffahrt""".split("\n")

RAW = [b"", b" ", b" \t\n\r\x0b\x0c ", b"\0", b"a\0b", b"a\x08b\x1fc\x7fd", b"\x1b[31mred\x1b[0m \x1b[",
       b"a\x1b[1;2mb\x1b[12", b"\xef\xbb\xbfbom", b"a\r\nb\rc\nd\xe2\x80\xa8e\xe2\x80\xa9f",
       b"a\x85b\x92c\x9fd", b"\x80", b"a\x80b", b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf",
       b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xed\xa0\xbd\xed\xb8\x80", b"\xf4\x90\x80\x80",
       b"\xf7\xbf\xbf\xbf", b"\xff\xfe", b"\xe2\x82", b"\xf0\x9f\x98", b"a\xe2\x82b", b"a\xf0\x9fb",
       b"\xe2(\xa1", b"caf\xe9", b"\xc3", "a\u0080b\u0092c\u0085d".encode(), "a\u00a0b\u200bc\u200dd\u3000e\u180ef\u1680g".encode(),
       "\ufeff\ufff9\ufffa\ufffb\ufffc\ufffd\u206a\u206f\u2060\u202e\ufe0fx".encode(),
       "one\u001ctwo\u001fthree".encode(), b"<\n&amp;amp;", b"&amp;amp;\n<\n&amp;amp;"]


def fnv(ids, value=0xCBF29CE484222325):
    for byte in struct.pack("<%di" % len(ids), *ids):
        value = ((value ^ byte) * 0x100000001B3) & (2**64 - 1)
    return value


def spelled(data):
    return "".join(chr(b) if 32 <= b < 127 and b != 92 else "\\x%02x" % b for b in data)


def main():
    if sys.argv[1:2] in (["-h"], ["--help"]):
        print(__doc__.strip())
        return 0
    tokenizer = SimpleTokenizer()

    def encode(text):
        ids = [tokenizer.sot_token_id] + tokenizer.encode(text) + [tokenizer.eot_token_id]
        return ids if len(ids) <= 77 else ids[:76] + [tokenizer.eot_token_id]

    rng = random.Random(8)
    texts = list(RAW) + [s.encode() for s in STRINGS]
    texts += [w.encode() for s in STRINGS for w in s.split(" ") if not w.isascii() or "&" in w]
    for size in (74, 75, 76, 998):
        texts.append(b"cat " * size)
    for _ in range(80):
        texts.append("".join(chr(rng.choice((rng.randrange(32, 0x250), rng.randrange(0x250, 0xD800),
                                             rng.randrange(0xE000, 0x20000), 32)))
                             for _ in range(rng.randrange(1, 24))).encode())
    lines, seen = [], set()
    for data in texts:
        text = data.decode("utf-8", errors="replace")
        if data in seen or ftfy.fix_text(text) != ftfy.fix_text(text, fix_encoding=False):
            continue
        seen.add(data)
        lines.append("%s\t%s\n" % (spelled(data), " ".join(map(str, encode(text)))))
    os.makedirs(OUT, exist_ok=True)
    with open(os.path.join(OUT, "tokens.tsv"), "w", encoding="ascii") as file:
        file.writelines(lines)
    lists = [os.path.join(ROOT, "data", "templates_openai.txt"),
             os.path.join(ROOT, "data", "imagenet_classes.txt")]
    if len(sys.argv) > 1:
        lists.append(os.path.join(sys.argv[1], "image_descriptions_general.txt"))
    with open(os.path.join(OUT, "lists.tsv"), "w", encoding="ascii") as file:
        for path in lists:
            with open(path, encoding="utf-8") as text:
                rows = [r for r in text.read().split("\n") if r]
            ids = [i for row in rows for i in encode(row)]
            file.write("%s\t%d\t%016x\n" % (os.path.basename(path), len(rows), fnv(ids)))
    print("%d strings" % len(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
