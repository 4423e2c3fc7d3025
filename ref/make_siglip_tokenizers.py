#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tokenizers of the tiny SigLIP checkpoints, trained on our own texts, and what their libraries make of texts with them.

    make_siglip_tokenizers.py [--check] [-o tests/golden]

siglip-hf gets a SentencePiece Unigram as SigLIP's (`spiece.model`, class SiglipTokenizer, padded with </s>), siglip-timm
byte pairs as Gemma's (`tokenizer.json`, padded with <pad>). texts.tsv of each folder holds texts and their ids: those of
transformers' SiglipTokenizer, and of open_clip's HFTokenizer with clean="canonicalize"; probabilities.npy [3, T] is
sigmoid(scale cos + bias) of the folder's images and these texts, by siglip_forward.py. --check compares and writes nothing.
Needs transformers, open_clip_torch, tokenizers, sentencepiece.
"""
import argparse
import io
import json
import os
import shutil
import sys
import tempfile

import numpy as np

import siglip_forward as ref
from clip_forward import read_weights

VOCAB, CONTEXT = 50, 9
LINES = ["a photo of the red boat", "two green apples on a table", "the sea at night", "a bird that sings in the rain",
         "an old map of the town", "snow on the hill", "five blue cups", "a kite over the quiet beach", "jam and bread",
         "a fox in the zoo", "queens of waxed wood"]
TEXTS = ["a red boat", "the SEA at night", "A_photo, of the &amp; Boat's!", "snow", "", "  two   green\tapples ",
         "the fox \u03a3\u03a3", "rain! rain? (rain)", "a kite over the quiet beach at night", "caf\u00e9", "on-the_hill"]


def write_unigram(folder):
    import sentencepiece
    out = io.BytesIO()
    here, rules = os.getcwd(), "rules.tsv"  # the model keeps this path
    os.chdir(folder)
    with open(rules, "w", encoding="ascii") as file:
        file.write("2581\t20\n9\t20\n")  # of SigLIP's nmt_nfkc what tells here: transformers puts a U+2581 before texts
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(LINES), model_writer=out, minloglevel=2, num_threads=1, model_type="unigram",
        vocab_size=VOCAB, pad_id=0, eos_id=1, unk_id=2, bos_id=-1, normalization_rule_tsv=rules)
    os.remove(rules)
    os.chdir(here)
    with open(os.path.join(folder, "spiece.model"), "wb") as file:
        file.write(out.getvalue())
    write_json(folder, "tokenizer_config.json", dict(
        tokenizer_class="SiglipTokenizer", do_lower_case=True, model_max_length=CONTEXT, eos_token="</s>",
        pad_token="</s>", unk_token="<unk>", additional_special_tokens=[]))


def write_pairs(folder):
    letters = sorted({c for line in LINES for c in line.replace(" ", "\u2581")})
    vocab = {p: i for i, p in enumerate(["<pad>", "<eos>", "<bos>", "<unk>"] + letters)}
    words, merges = [list("\u2581".join(line.split())) for line in LINES], []
    while len(vocab) < VOCAB:
        pairs = {}
        for w in words:
            for pair in zip(w, w[1:]):
                if "\u2581" not in pair[1]:
                    pairs[pair] = pairs.get(pair, 0) + 1
        best = max(pairs, key=lambda p: (pairs[p], p))
        merges.append(list(best))
        vocab["".join(best)] = len(vocab)
        for w in words:
            i = 0
            while i + 1 < len(w):
                if (w[i], w[i + 1]) == best:
                    w[i:i + 2] = ["".join(best)]
                i += 1
    added = [{"id": i, "content": t, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
              "special": True} for i, t in enumerate(["<pad>", "<eos>", "<bos>", "<unk>"])]
    write_json(folder, "tokenizer.json", {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
        "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"},
        "pre_tokenizer": {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "<eos>", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"<eos>": {"id": "<eos>", "ids": [1], "tokens": ["<eos>"]}}},
        "decoder": None,
        "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": False, "ignore_merges": False,
                  "vocab": vocab, "merges": merges}})
    write_json(folder, "tokenizer_config.json", dict(
        tokenizer_class="PreTrainedTokenizerFast", model_max_length=CONTEXT, bos_token="<bos>", eos_token="<eos>",
        pad_token="<pad>", unk_token="<unk>"))


def write_json(folder, name, tree):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        json.dump(tree, file, ensure_ascii=False, indent=1)
        file.write("\n")


def encode(folder, hf):
    """[T, CONTEXT] ids as the model's own library makes them."""
    if hf:
        from transformers import SiglipTokenizer
        tokenizer = SiglipTokenizer.from_pretrained(folder)
        return np.array(tokenizer(TEXTS, padding="max_length", max_length=CONTEXT, truncation=True)["input_ids"])
    from open_clip.tokenizer import HFTokenizer
    return HFTokenizer(folder, context_length=CONTEXT, clean="canonicalize")(TEXTS).numpy()


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def make(folder, golden, hf):
    (write_unigram if hf else write_pairs)(folder)
    ids = encode(folder, hf)
    with open(os.path.join(folder, "texts.tsv"), "w", encoding="ascii") as file:
        for text, row in zip(TEXTS, ids):
            spelled = "".join(chr(b) if 32 <= b < 127 and b != 92 else "\\x%02x" % b for b in text.encode())
            file.write(spelled + "\t" + " ".join(map(str, row)) + "\n")
    model = ref.Model(golden)
    cosines = unit(np.load(os.path.join(golden, "image.npy"))) @ unit(ref.encode_tokens(model, ids)).T
    weights = read_weights(golden)
    scores = np.exp(weights["logit_scale"]).item() * cosines + weights["logit_bias"].item()
    np.save(os.path.join(folder, "probabilities.npy"), 1 / (1 + np.exp(-scores)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "golden")
    parser.add_argument("-o", "--output", default=root)
    args = parser.parse_args()
    for name, hf in (("siglip-timm", 0), ("siglip-hf", 1)):
        with tempfile.TemporaryDirectory() as new:
            make(new, os.path.join(root, name), hf)
            for file in os.listdir(new):
                a, b = os.path.join(new, file), os.path.join(args.output, name, file)
                if not args.check:
                    shutil.copy(a, b)
                elif file.endswith(".npy"):
                    if not np.allclose(np.load(a), np.load(b), rtol=0, atol=1e-12):
                        sys.exit(f"make_siglip_tokenizers: {name}/{file} differs")
                elif open(a, "rb").read() != open(b, "rb").read():
                    sys.exit(f"make_siglip_tokenizers: {name}/{file} differs")


if __name__ == "__main__":
    main()
