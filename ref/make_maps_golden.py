#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What maps and parts of the checkpoints in tests/golden must be: writes tests/decompose/data/maps-NAME.npy and
parts-NAME.npy.

    make_maps_golden.py [--check]

Each is float64 [2 + 3 T, N] of the checkpoint's first image, by clip_maps.py: last attention, rollout, then T rows
each of heads, patches and values, for T = 3 texts that are no texts: unit vectors of cos(1 + i P + p). Parts are
float64 [T, 1 + L H + L + 1 + L] of the same: the similarity, then by clip_decompose.py the heads', the MLP contributions' and
the class token's parts of it. --check compares with what lies there, to 1e-12.
"""
import argparse
import os
import sys

import numpy as np

import clip_decompose
import clip_forward
import clip_maps

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests")
CASES = ("openclip-odd", "openclip-quick-custom", "hf-quick-sharded", "image-no-ln-pre", "openclip-wide")


def settle(path, rows, check):
    if not check:
        np.save(path, np.ascontiguousarray(rows))
    elif np.abs(np.load(path) - rows).max() > 1e-12:
        sys.exit(f"{path}: differs")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    check = parser.parse_args().check
    for name in CASES:
        folder = os.path.join(ROOT, "golden", name)
        model = clip_forward.Model(folder)
        width = model.w["visual.proj"].shape[1]
        texts = np.cos(1 + np.arange(3 * width)).reshape(3, width)
        texts /= np.linalg.norm(texts, axis=1, keepdims=True)
        pixels = np.load(os.path.join(folder, "pixels.npy"))[:1]
        answer = clip_maps.maps(model, pixels, texts)
        rows = np.concatenate([answer["attention"], answer["rollout"]] +
                              [answer[n][0] for n in ("heads", "patches", "values")])
        terms = clip_decompose.decompose(model, pixels)
        parts = np.concatenate([terms["embedding"]] + [terms[n][0].reshape(-1, width) for n in
                                                       ("heads", "mlps", "class_self_attention")]) @ texts.T
        settle(os.path.join(ROOT, "decompose", "data", f"maps-{name}.npy"), rows, check)
        settle(os.path.join(ROOT, "decompose", "data", f"parts-{name}.npy"), parts.T, check)
        print(f"{name}: {rows.shape}, {parts.T.shape}")


if __name__ == "__main__":
    main()
