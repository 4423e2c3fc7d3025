#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the published TEXTSPAN gives on small random heads: writes tests/decompose/data/.

    make_span_golden.py [--check] [-o tests/decompose/data]

--check writes nothing: it makes everything anew and compares with what lies there (inputs and basis texts by their bytes,
numbers to 1e-9). Each head is a random low-rank map, a code for every image, and the answers of textspan.py on the
contributions formed in full, in float64. NumPy alone makes them.
"""
import argparse
import os
import platform
import sys

import numpy as np

import textspan

HEADS, CODE, P, IMAGES, TEXTS, PICKS, SHOWN = 6, 9, 16, 30, 40, 6, 3
RANK = [0, 0, 0, 0, 5, 0]  # asked for; 0: the numerical rank
SEED = 2001


def heads(rng):
    basis = rng.standard_normal((HEADS, CODE, P)) * np.array([1.0] * (CODE - 3) + [0.05] * 3)[:, None]
    codes = rng.standard_normal((HEADS, IMAGES, CODE)) / np.sqrt(1 + np.arange(CODE))
    codes += 0.5 * rng.standard_normal((HEADS, 1, CODE))
    basis[2, 3] = basis[2, 1] - basis[2, 0]  # head 2: rows that depend on each other, and none
    basis[2, 5] = 0
    codes[3, :, 4:] = codes[3, :, :5] @ np.eye(5)[:, ::-1]  # head 3: codes of rank 5
    codes[5, 7:] = codes[5, :1]  # head 5: seven different images
    return basis.astype(np.float32), codes.astype(np.float32)


def answers(basis, codes, texts):
    out = {"rank": [], "basis_texts": [], "shares": [], "variances": [], "reconstruction": []}
    for head in range(HEADS):
        data = codes[head].astype(np.float64) @ basis[head].astype(np.float64)
        rank = textspan.numerical_rank(data)
        rank = min(rank, RANK[head]) if RANK[head] else rank
        basis_texts, variances, shares, made, _ = textspan.textspan(data, texts.astype(np.float64), rank, min(PICKS, rank))
        fill = PICKS - len(basis_texts)
        out["rank"].append(rank)
        out["basis_texts"].append(np.pad(basis_texts, (0, fill), constant_values=-1))
        out["shares"].append(np.pad(shares, (0, fill)))
        out["variances"].append(np.pad(variances, (0, fill)))
        out["reconstruction"].append(made[:SHOWN])
    kinds = {"rank": "<i4", "basis_texts": "<i4"}
    return {name: np.array(value).astype(kinds.get(name, "<f8")) for name, value in out.items()}


def make():
    rng = np.random.Generator(np.random.PCG64(SEED))
    basis, codes = heads(rng)
    texts = rng.standard_normal((TEXTS, P))
    texts[17] = texts[5] + 0.1 * rng.standard_normal(P)
    texts /= np.linalg.norm(texts, axis=1, keepdims=True)
    texts = texts.astype(np.float32)
    made = {"basis": basis, "codes": codes, "texts": texts, "asked": np.array(RANK, "<i4")}
    made.update(answers(basis, codes, texts))
    return made


def manifest(made):
    rows = "\n".join(f"| `{name}.npy` | {x.dtype} {list(x.shape)} |" for name, x in made.items())
    return f"""# data of test_span

TEXTSPAN as published, on {HEADS} random heads of {IMAGES} images and {TEXTS} texts. Head 2 has dependent rows in its
basis, head 3 codes of low rank, head 4 is asked for rank {RANK[4]}, head 5 has seven different images.

Made by `python3 ref/make_span_golden.py` with Python {platform.python_version()}, NumPy {np.__version__}. Random
numbers: `numpy.random`, PCG64, seed {SEED}. `--check` makes everything anew and compares.

| file | content |
| --- | --- |
{rows}

`asked` is the rank asked for (0: none), `rank` what it comes to, `reconstruction` that of the first {SHOWN} images
from all basis texts. -1 and zeros stand where a head is used up.

Tolerance: basis texts and ranks identical; shares and variances 1e-9 relative, because both sides compute in float64 and
differ in the order of sums and in the way to the row space; reconstruction 1e-6, because directions are float32.
"""


def main():
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", default=os.path.join(root, "tests", "decompose", "data"), metavar="DIR")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    args = parser.parse_args()
    made, bad = make(), []
    if not args.check:
        os.makedirs(args.output, exist_ok=True)
        for name, x in made.items():
            np.save(os.path.join(args.output, name + ".npy"), x)
        with open(os.path.join(args.output, "MANIFEST.md"), "w") as f:
            f.write(manifest(made))
    else:
        for name, x in made.items():
            kept = np.load(os.path.join(args.output, name + ".npy"))
            same = kept.shape == x.shape and (np.abs(kept - x).max() <= 1e-9 if x.dtype == "f8" else (kept == x).all())
            if not same:
                bad.append(f"{name}.npy: other numbers")
    if bad:
        sys.exit("\n".join(bad))


if __name__ == "__main__":
    main()
