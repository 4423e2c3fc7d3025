#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""make_seeds.py SOURCE OUT: seeds of the fuzz targets, a folder each, the same bytes every time.

Small files of every kind that a parser accepts, made here or taken from the tests' data, and some that it refuses.
A folder of images holds what follows the bytes that fuzz_image.c puts before its input.
"""
import gzip
import json
import os
import pathlib
import shutil
import struct
import sys

source, out = map(pathlib.Path, sys.argv[1:])


def put(target, name, data):
    folder = out / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)


def safetensors():
    def file(header, data=b"", pad=b""):
        text = (header if isinstance(header, bytes) else json.dumps(header).encode()) + pad
        return struct.pack("<Q", len(text)) + text + data

    one = {"a": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}}
    put("safetensors", "one", file(one, bytes(range(16))))
    put("safetensors", "padded", file(one, bytes(16), b"   "))
    put("safetensors", "none", file({}))
    put("safetensors", "note", file({"__metadata__": {"format": "pt"}, **one}, bytes(16)))
    types = {"F16": 2, "BF16": 2, "F64": 8, "I64": 8, "U8": 1, "BOOL": 1, "F8_E4M3": 1}
    table, at = {}, 0
    for i, (name, size) in enumerate(types.items()):
        table[f"t{i}"] = {"dtype": name, "shape": [3], "data_offsets": [at, at + 3 * size]}
        at += 3 * size
    put("safetensors", "types", file(table, bytes(at)))
    scalar = {"s": {"dtype": "F32", "shape": [], "data_offsets": [0, 4]},
              "z": {"dtype": "F32", "shape": [0], "data_offsets": [4, 4]}}
    put("safetensors", "scalar", file(scalar, bytes(4)))
    hole = {"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}
    put("safetensors", "hole", file(hole, bytes(8)))
    wide = {"a": {"dtype": "F32", "shape": [1 << 62, 8], "data_offsets": [0, 16]}}
    put("safetensors", "overflow", file(wide, bytes(16)))
    put("safetensors", "long", struct.pack("<Q", 1 << 63) + b"{}")
    put("safetensors", "twice", file(b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},'
                                     b'"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', bytes(4)))
    put("safetensors", "shape", file({"a": {"dtype": "F32", "shape": [-1, 1.5], "data_offsets": ["0", 4]}}, bytes(4)))
    put("safetensors", "list", file(b"[]"))


def npy():
    def file(header, data, version=(1, 0)):
        text = header.encode("utf-8")
        text += b" " * (-(len(text) + 11) % 64) + b"\n"
        length = struct.pack("<H" if version[0] == 1 else "<I", len(text))
        return b"\x93NUMPY" + bytes(version) + length + text + data

    for descr, size in (("<f4", 4), (">f4", 4), ("<f2", 2), ("<f8", 8), ("|u1", 1), ("<i4", 4), (">i8", 8), ("|b1", 1)):
        put("npy", descr[1:] + str(ord(descr[0])),
            file(f"{{'descr': '{descr}', 'fortran_order': False, 'shape': (2, 3), }}", bytes(6 * size)))
    put("npy", "fortran", file("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", bytes(range(24))))
    put("npy", "fortran1", file("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 2), }", bytes(range(12))))
    put("npy", "scalar", file("{'descr': '<f4', 'fortran_order': False, 'shape': (), }", bytes(4)))
    put("npy", "row", file("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", bytes(12)))
    put("npy", "empty", file("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 3), }", b""))
    put("npy", "v2", file("{'shape': (1,), 'descr': '<f4', 'fortran_order': False}", bytes(4), (2, 0)))
    put("npy", "v3", file("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", bytes(4), (3, 0)))
    put("npy", "v9", file("{}", b"", (9, 9)))
    put("npy", "object", file("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", bytes(8)))
    put("npy", "structure", file("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", bytes(4)))
    put("npy", "call", file("{'descr': __import__('os'), 'fortran_order': False, 'shape': (1,), }", bytes(4)))
    put("npy", "overflow", file(f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({1 << 62}, 8), }}", bytes(4)))
    put("npy", "negative", file("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", bytes(4)))
    put("npy", "tail", file("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", bytes(9)))


def configurations():
    for path in sorted(source.glob("tests/golden/*/*onfig.json")):
        if "preprocessor" in path.name:
            continue
        data = path.read_bytes()
        preprocessor = path.parent / "preprocessor_config.json"
        put("config", path.parent.name, data)
        if preprocessor.exists():
            put("config", path.parent.name + "-both", data + b"\0" + preprocessor.read_bytes())
    bare = {"embed_dim": 8, "vision_cfg": {"image_size": [32, 32], "layers": 2, "width": 64, "head_width": 16,
            "patch_size": 8, "mlp_ratio": 4.0, "heads_per_layer": [[0, 1], [3]]},
            "text_cfg": {"context_length": 77, "vocab_size": 520, "width": 64, "heads": 4, "layers": 1}}
    put("config", "bare", json.dumps(bare))
    put("config", "nested", '{"vision_cfg": {"layers": 1e9, "width": "64"}, "text_cfg": [[]], "embed_dim": null}')
    for name, text in {"object": '{"a": [1, 2.5, -3e2, true, false, null], "b": {"c": "\\u00e9\\ud83d\\ude00"}}',
                       "twice": '{"a": 1, "a": 2}', "lone": '["\\ud800"]', "number": "12", "nan": "[NaN, Infinity]",
                       "deep": "[" * 40 + "]" * 40, "mark": "\ufeff{}", "tail": "{} {}", "cut": '{"a": "b',
                       "comma": "[1,2,]", "wide": "[" + "0," * 30 + "0]", "control": '["a\tb"]'}.items():
        put("json", name, text)
        put("config", "json-" + name, text)


def tables():
    for name, text in {"plain": "path,label,place\na.png,duck,water\nb.png,hen,land\n",
                       "quoted": 'path,label,place\n"a,""b"".png","du\nck",water\n', "crlf": "path,label,place\r\nx,y,water\r\n",
                       "cr": "path,label,place\rx,y,water\r", "mark": "\ufeffimage\nq.png\n", "open": 'path\n"a.png\n',
                       "behind": 'path\n"a"b\n', "ragged": "path,label\na\nb,c,d\n", "nul": "path\na\0b\n", "empty": "",
                       "lines": "\n\npath\n\n\nx.png\n", "tabs": "path\tlabel\tplace\nx\ty\twater\n",
                       "wide": ",".join(f"c{i}" for i in range(40)) + "\n", "twice": "path,path\na,b\n",
                       "bytes": "path,label,place\n\udcff.png,x,water\n", "up": "path,label,place\n../../x,/etc/y,water\n"}.items():
        data = text.encode("utf-8", "surrogateescape")
        put("csv", name, data)
        put("lists", name, data)
    for name, text in {"lines": "a photo of a dog\na photo of a cat\n", "keys": "dog\ta photo of a dog\n!x\ty\n",
                       "table": "text,key\na dog,x\n", "names": "name\tclass\na\tb\n", "blank": "\n\n", "key": "dog\t\n",
                       "crlf": "a\r\nb\r\n", "mark": "\ufeffa\n", "bad": "a\udcff\n", "nul": "a\0b\n", "last": "a\nb"}.items():
        put("texts", name, text.encode("utf-8", "surrogateescape"))


def texts():
    for name, text in {"words": "the abc of it", "entity": "&amp;amp; &notit; &#x41; &#0;", "case": "\u0130 \u03a3 \u017f 'S 'LL",
                       "compat": "\ufb01 \uff21 \u2019", "combining": "e\u0301 \u0344 \u1100\u1161", "emoji": "\U0001f468\u200d\U0001f469",
                       "special": "<|endoftext|><end_of_text>", "spaces": " \t\n\u3000 ", "numbers": "12 3\u00bd \u2155",
                       "bytes": "\udcc3(\udcf0\udc9f", "moji": "\u00e2\u20ac\u2122 \u00c3\u00a9", "long": "a b " * 60,
                       "nul": "a\0b", "hangul": "\uac00\ub098", "marks": "!!! ... #1"}.items():
        put("tokens", name, text.encode("utf-8", "surrogateescape"))
    merges = "#version: 0.2\na b\nab c</w>\nt h\nth e</w>\n"
    put("merges", "plain", b"\x04" + merges.encode())
    put("merges", "none", b"\x00" + b"#version: 0.2\n")
    put("merges", "gzip", b"\x04" + gzip.compress(merges.encode(), mtime=0))
    put("merges", "cut", b"\x04" + gzip.compress(merges.encode(), mtime=0)[:30])
    put("merges", "few", b"\x09" + merges.encode())
    put("merges", "three", b"\x02a b c\nd\n")
    model = {"model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": ["a b", "ab c</w>"], "end_of_word_suffix": "</w>"}}
    put("merges", "json", b"\x02" + json.dumps(model).encode())
    model["model"]["merges"] = [["a", "b"], ["ab", "c</w>"]]
    put("merges", "pairs", b"\x02" + json.dumps(model).encode())
    model["model"]["type"] = "WordPiece"
    put("merges", "other", b"\x02" + json.dumps(model).encode())


def images():
    kinds = {".jpg": ("jpeg", 3), ".png": ("png", 8), ".webp": ("webp", 4)}
    for path in sorted((source / "tests/image/data").iterdir()):
        if path.suffix not in kinds or path.stat().st_size > 20000:
            continue
        target, magic = kinds[path.suffix]
        data = path.read_bytes()[magic:]
        put(target, path.stem, data)
        put(target, path.stem + "-cut", data[:len(data) // 2])


def options():
    lines = ["embed\nMODEL\npics\n-o\na.npy\n-j2", "scan\nm\ni\n-o\nr\n--force\n--progress=none", "help\nembed", "--version",
             "classify\n--classes\na,b\nm\n--\n-x", "emebd", "embed\n--outp\nx", "embed\n-fqo\na.npy\nm\np", "info\nm\n--json\n--tsv",
             "search\nr\n--like\nx\n--top\n99999999999999999999", "roles\nr\n--fdr\n0.05", "heatmap\nm\np\n--text\n\n--text\nb", "-h",
             "tokens\nm\n--text\n\x1b[2J", "a\nb\nc\nd", "plan\n--max-pixels\n-1", "embed\n--force=yes"]
    for i, line in enumerate(lines):
        put("options", f"{i:02}", line)


def runs():
    put("run", "whole", b"")
    for file in range(12):
        for kind, at, value in ((0, 8, 255), (1, 40, 0), (2, 100, 0xFFFFFF), (3, 24, 5), (255, 0, 0)):
            put("run", f"{file:02}-{kind}", bytes([file, kind]) + at.to_bytes(3, "little") + value.to_bytes(3, "little"))


shutil.rmtree(out, ignore_errors=True)
os.makedirs(out)
for make in (safetensors, npy, configurations, tables, texts, images, options, runs):
    make()
