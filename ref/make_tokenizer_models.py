#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Train small tokenizers of every kind that clipspan reads, and write ids that are expected of them.

usage: ref/make_tokenizer_models.py FOLDER [--large]

Needs: pip install tokenizers==0.23.3 sentencepiece==0.2.3. Trained on this repository's own text: the
pools and lists of data/, captions made of them, the strings of ref/make_token_golden.py and noise of
all of Unicode. --large: larger vocabularies, for scripts/parity-tokens, and no ids. Files in FOLDER:

unigram.model, unigram.json     SentencePiece Unigram (nmt_nfkc), as T5's and SigLIP's; the same as a
                                tokenizer.json with Precompiled and Metaspace
xlm.json                        the same pieces as XLM-R's: Sequence, byte fallback, <s> and </s>
siglip.json                     the same with the normalizers of transformers' SiglipTokenizer
bpe.model, gemma.json           SentencePiece BPE with byte fallback and symbols, as Gemma's; the same as
                                a tokenizer.json with merges
wordpiece.json, vocab.txt       BERT's
bytes.json                      byte-level BPE, as CLIP's and GPT-2's tokenizer.json
forms.json                      the remaining normalizers and pre-tokenizers, one after the other
ids.tsv                         a line a text (spelled as in tests/text/data/tokens.tsv), its ids by each
"""
import base64
import io
import json
import os
import random
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, os.path.join(ROOT, "ref"))
SYMBOLS = ["<start_of_turn>", "\n\n", "▁▁", "▁▁▁", "<h1>", "🙂🙂"]

# Of the small model's charsmap; the whole of NFKC would be ten times the rest of the file.
RULES = [("\t", " "), ("\n", " "), ("\r", " "), ("\u00a0", " "), ("\u3000", " "), ("\u200b", ""), ("\u200d", " "), ("ﬁ", "fi"),
         ("ﷺ", "صلى الله عليه وسلم"), ("①", "1"), ("e\u0301", "é"), ("ｅ", "e"), ("…", "..."), ("\u0600", ""), ("ﾊ", "ハ"),
         ("ﾊﾟ", "パ"), ("Ａ", "A"), ("Ｂ", "B"), ("１", "1")]


def field(data, number):
    """Values of a field of a protocol buffer: bytes, or ints of varints."""
    def varint(at):
        value = shift = 0
        while True:
            value |= (data[at] & 0x7F) << shift
            shift += 7
            at += 1
            if data[at - 1] < 0x80:
                return value, at

    at, out = 0, []
    while at < len(data):
        key, at = varint(at)
        if key & 7 == 0:
            value, at = varint(at)
        else:
            size, at = varint(at) if key & 7 == 2 else (4 if key & 7 == 5 else 8, at)
            value = data[at:at + size]
            at += size
        if key >> 3 == number:
            out.append(value)
    return out


def pieces_of(model):
    import struct
    return [(field(p, 1)[0].decode(), struct.unpack("<f", (field(p, 2) or [bytes(4)])[0])[0]) for p in field(model, 1)]


def random_text(rng):
    kind = rng.random()
    if kind < 0.2:
        return "".join(chr(rng.choice((rng.randrange(32, 0x250), rng.randrange(0x250, 0xD800), 32,
                                       rng.randrange(0xE000, 0x20000)))) for _ in range(rng.randrange(1, 24)))
    words = []
    for _ in range(rng.choice((1, 2, 3, 5, 8, 13, 30))):
        words.append(rng.choice(POOL))
        if rng.random() < 0.2:
            words.append(rng.choice(NOISE))
        if rng.random() < 0.8:
            words.append(rng.choice((" ", " ", " ", "  ", "\n", "\t", "\u3000", "\r\n", "\u00a0", "_", "-")))
    text = "".join(words)
    if kind > 0.95:
        text = " " * rng.randrange(4) + text + " " * rng.randrange(4)
    if kind > 0.99:
        text = text * 20
    return text


def read_lines():
    import make_token_golden
    lines = []
    for name in ("pool.txt", "pool_control.txt", "imagenet_classes.txt", "templates_openai.txt"):
        with open(os.path.join(ROOT, "data", name), encoding="utf-8") as file:
            lines += [line.strip() for line in file if line.strip() and not line.startswith("#")]
    return lines, make_token_golden.STRINGS


LINES, STRINGS = read_lines()
POOL = sorted({w for line in LINES for w in line.split()} | {w for s in STRINGS for w in s.split()} |
              {w.upper() for line in LINES[::7] for w in line.split()})
NOISE = SYMBOLS + ["</s>", "<s>", "<unk>", "<pad>", "[CLS]", "[SEP]", "[MASK]", "<0x41>", "<mask>", "▁", "▁a", "##ing",
                   "e\u0301", "ｅ\u0301", "ﬁ\u0301", "\r\n", "\u200d", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪", "क्षि", "한\u0301", "각", "\u0600a",
                   "\ufeff", "\u00ad", "\u200b", "\u2028", "\x1c", "\x00", "\x85", "Ǆ", "İ", "ΑΣ", "ΟΔΟΣ.", "ẞ", "ﷺ", "㍿", "①", "ﾊﾟ",
                   "ＡＢＣ", "１２３", "…", "“q”", "a\u0316\u0301", "\u0345\u0316", "가\u11a8", "\u1112\u1161\u11ab", "漢字", "'s", "'LL",
                   "<h1", "<start_of_turn", "~`!@#$%^&*()-=+[]{}\\|;:'\",.<>/?", "\U0001f1e6", "\U0010ffff", "ꟲ", "𐞁", "㋿"]


def train_sentencepiece(lines, **options):
    import sentencepiece
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=model, minloglevel=2, hard_vocab_limit=False, num_threads=1,
        pad_id=0, eos_id=1, unk_id=2, bos_id=-1, **options)
    return model.getvalue()


def varint(value):
    out = b""
    while value > 0x7F:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def with_unused(model):
    """A SentencePiece model in which every third long piece is marked as not used."""
    out = b""
    for i, piece in enumerate(field(model, 1)):
        if len(field(piece, 1)[0].decode()) > 2 and i % 3 == 0 and not field(piece, 3):
            piece += b"\x18\x05"
        out += b"\x0a" + varint(len(piece)) + piece
    for number in (2, 3):
        part = field(model, number)[0]
        out += bytes([number * 8 + 2]) + varint(len(part)) + part
    return out


def token(content, number, **flags):
    return dict({"id": number, "content": content, "single_word": False, "lstrip": False, "rstrip": False,
                 "normalized": False, "special": True}, **flags)


def template(before, after):
    items = [(t, i) for t, i in before + after]
    return {"type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": t, "type_id": 0}} for t, _ in before] +
                      [{"Sequence": {"id": "A", "type_id": 0}}] +
                      [{"SpecialToken": {"id": t, "type_id": 0}} for t, _ in after],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {t: {"id": t, "ids": [i], "tokens": [t]} for t, i in items}}


def document(model, normalizer, pre_tokenizer, post, added):
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": normalizer,
            "pre_tokenizer": pre_tokenizer, "post_processor": post, "decoder": None, "model": model}


def unigrams(model):
    """tokenizer.json files with the pieces of a SentencePiece Unigram."""
    pieces = pieces_of(model)
    charsmap = {"type": "Precompiled",
                "precompiled_charsmap": base64.b64encode(field(field(model, 3)[0], 2)[0]).decode()}
    metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    end = template([], [("</s>", 1)])
    added = [token("<pad>", 0), token("</s>", 1), token("<unk>", 2)]
    unigram = {"type": "Unigram", "unk_id": 2, "vocab": pieces, "byte_fallback": False}
    spaces = [{"type": "Strip", "strip_left": False, "strip_right": True},
              {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "▁"}]
    yield "unigram.json", document(unigram, {"type": "Sequence", "normalizers": [charsmap] + spaces},
                                   dict(metaspace, prepend_scheme="first"), end, added)
    xlm = [("<s>", 0.0)] + pieces + [("<0x%02X>" % b, -20.0) for b in range(256)]
    yield "xlm.json", document(
        {"type": "Unigram", "unk_id": 3, "vocab": xlm, "byte_fallback": True}, charsmap,
        {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"},
                                               {"type": "Metaspace", "replacement": "▁", "add_prefix_space": True}]},
        template([("<s>", 0)], [("</s>", 2)]),
        [token("<s>", 0), token("<pad>", 1), token("</s>", 2), token("<unk>", 3),
         token("<mask>", len(xlm), lstrip=True), token("photo", len(xlm) + 1, special=False, normalized=True,
                                                        single_word=True, rstrip=True)])
    punctuation = r"""[!"\#\$%\&'\(\)\*\+,\-\./:;<=>\?@\[\\\]\^_`\{\|\}\~]"""
    yield "siglip.json", document(unigram, {"type": "Sequence", "normalizers": [
        {"type": "Lowercase"}, {"type": "Replace", "pattern": {"Regex": punctuation}, "content": ""},
        {"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": " "},
        {"type": "Strip", "strip_left": True, "strip_right": True}, charsmap] + spaces}, metaspace, end, added)


def gemma(model):
    """The merges that make a SentencePiece BPE's pieces, in the order of their scores."""
    pieces = pieces_of(model)
    ids = {p: i for i, (p, _) in enumerate(pieces)}
    merges = []
    for piece, score in pieces:
        for cut in range(1, len(piece)):
            if piece[:cut] in ids and piece[cut:] in ids and score < 0:
                merges.append((-score, ids[piece[:cut]], ids[piece[cut:]], piece[:cut], piece[cut:]))
    merges.sort()
    added = [token("<pad>", 0), token("</s>", 1), token("<unk>", 2)]
    added += [token(s, ids[s], special=False) for s in SYMBOLS if s in ids]
    return document({"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
                     "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
                     "vocab": ids, "merges": [[a, b] for *_, a, b in merges]},
                    {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
                    {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False},
                    template([], [("</s>", 1)]), added)


def trained(lines, size):
    """WordPiece and byte-level BPE, trained by tokenizers itself, and a chain of what is left."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer()
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.train_from_iterator(lines, trainers.WordPieceTrainer(
        vocab_size=size, special_tokens=specials, limit_alphabet=size // 8))
    t.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    yield "wordpiece.json", json.loads(t.to_str())
    t = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    t.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    t.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"), "removed", True),
        pre_tokenizers.ByteLevel(add_prefix_space=False)])
    t.train_from_iterator(lines, trainers.BpeTrainer(
        vocab_size=size, special_tokens=["<s>", "</s>"], end_of_word_suffix="</w>",
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    t.post_processor = processors.RobertaProcessing(("</s>", 1), ("<s>", 0))
    yield "bytes.json", json.loads(t.to_str())
    t = Tokenizer(models.BPE(unk_token="<unk>", continuing_subword_prefix="##"))
    t.normalizer = normalizers.Sequence([normalizers.NFKD(), normalizers.StripAccents(), normalizers.NFKC(),
                                         normalizers.Replace("ll", "l"), normalizers.Prepend("x")])
    t.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Whitespace(), pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.Punctuation("contiguous"),
        pre_tokenizers.Split(Regex(r"(?:ab|b+?)(?!c)"), "merged_with_next")])
    t.train_from_iterator(lines, trainers.BpeTrainer(vocab_size=size // 2, special_tokens=["<unk>"],
                                                     continuing_subword_prefix="##", limit_alphabet=120))
    yield "forms.json", json.loads(t.to_str())


def spelled(data):
    return "".join(chr(b) if 32 <= b < 127 and b != 92 else "\\x%02x" % b for b in data)


def make(folder, large):
    """Writes all files and returns {name: function from text to ids}, with end tokens as the file says."""
    from tokenizers import Tokenizer
    import sentencepiece
    rng = random.Random(5)
    lines = LINES + [random_text(rng) for _ in range(6000)]
    lines = [line.replace("\0", "").replace("\n", " ") for line in lines]
    rng.shuffle(lines)
    lines = lines if large else lines[:4000]
    os.makedirs(folder, exist_ok=True)
    rules = os.path.join(folder, "rules.tsv")
    with open(rules, "w", encoding="ascii") as file:
        for key, value in RULES:
            file.write("%s\t%s\n" % tuple(" ".join("%X" % ord(c) for c in t) for t in (key, value)))
    unigram = train_sentencepiece(lines, vocab_size=8000 if large else 500, model_type="unigram",
                                  character_coverage=0.995 if large else 0.98, user_defined_symbols=["<h2>", "🙂🙂"],
                                  **({"normalization_rule_name": "nmt_nfkc"} if large else {"normalization_rule_tsv": rules}))
    bpe = train_sentencepiece(lines, vocab_size=8000 if large else 900, model_type="bpe", byte_fallback=True,
                              normalization_rule_name="identity", add_dummy_prefix=False,
                              remove_extra_whitespaces=False, user_defined_symbols=SYMBOLS,
                              character_coverage=0.995 if large else 0.98, split_digits=True)
    files = dict(list(unigrams(unigram)) + [("gemma.json", gemma(bpe))] + list(trained(lines, 6000 if large else 500)))
    encode = {}
    os.remove(rules)
    models = [("unigram.model", unigram), ("bpe.model", bpe)]
    if large:
        models += [("unigram-unused.model", with_unused(unigram)), ("bpe-unused.model", with_unused(bpe))]
    for name, model in models:
        with open(os.path.join(folder, name), "wb") as file:
            file.write(model)
        p = sentencepiece.SentencePieceProcessor(model_proto=model)
        encode[name] = lambda text, p=p: p.encode(text) + [1]
    for name, tree in files.items():
        path = os.path.join(folder, name)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(tree, file, ensure_ascii=False, separators=(",", ":"))
        t = Tokenizer.from_file(path)
        encode[name] = lambda text, t=t: t.encode(text).ids
    with open(os.path.join(folder, "vocab.txt"), "w", encoding="utf-8") as file:
        vocab = files["wordpiece.json"]["model"]["vocab"]
        file.writelines(p + "\n" for p in sorted(vocab, key=vocab.get))
    encode["vocab.txt"] = encode["wordpiece.json"]
    return encode


def main():
    large = "--large" in sys.argv
    arguments = [a for a in sys.argv[1:] if not a.startswith("-")]
    if len(arguments) != 1:
        print(__doc__.strip())
        return 0 if "-h" in sys.argv or "--help" in sys.argv else 2
    encode = make(arguments[0], large)
    if large:
        return 0
    rng = random.Random(7)
    texts = ["", " ", "  \t\n", "a", " a", "a ", "x" * 300] + NOISE + STRINGS[:15] + [random_text(rng) for _ in range(25)]
    texts = [t for t in dict.fromkeys(texts) if len(t) < 160 or t[0] == "x"]
    names = sorted(n for n in encode if n != "vocab.txt")
    with open(os.path.join(arguments[0], "ids.tsv"), "w", encoding="ascii") as file:
        file.write("\t".join(["text"] + names) + "\n")
        for text in texts:
            ids = [" ".join(map(str, encode[name](text))) for name in names]
            file.write("\t".join([spelled(text.encode())] + ids) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
