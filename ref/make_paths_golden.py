#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What effects through later layers of the checkpoints in tests/golden must be: writes
tests/model/data/paths/NAME.npy.

    make_paths_golden.py [--check]

float64 [T, ...] of the checkpoint's first image, by clip_paths.py, for T = 3 directions cos(1 + i P + p) of unit
length and heads' means 0.1 cos(i): one row a direction, its numbers in the order of PARTS. --check compares with
what lies there, to 1e-11.
"""
import argparse
import os
import sys

import numpy as np

import clip_forward
import clip_paths

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests")
CASES = ("openclip-odd", "openclip-quick-custom", "hf-quick-sharded", "image-no-ln-pre", "openclip-wide")
PARTS = ("similarity", "head", "head_direct", "mlp", "mlp_direct", "bias", "token", "constant", "ablated",
         "ablated_direct", "neuron", "map")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    check = parser.parse_args().check
    for name in CASES:
        folder = os.path.join(ROOT, "golden", name)
        model = clip_forward.Model(folder)
        d, width = model.w["visual.proj"].shape
        texts = np.cos(1 + np.arange(3 * width)).reshape(3, width)
        texts /= np.linalg.norm(texts, axis=1, keepdims=True)
        count = sum(n.startswith("visual.") and n.endswith(".ln_1.weight") for n in model.w)
        heads = model.image.heads
        means = 0.1 * np.cos(np.arange(count * d)).reshape(count, heads, d // heads).astype(np.float32)
        answer = clip_paths.sweep(model, np.load(os.path.join(folder, "pixels.npy"))[:1], texts.astype(np.float32),
                                  means)
        rows = np.concatenate([answer[part].reshape(3, -1) for part in PARTS], 1)
        path = os.path.join(ROOT, "model", "data", "paths", name + ".npy")
        if not check:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            np.save(path, np.ascontiguousarray(rows))
        elif np.abs(np.load(path) - rows).max() > 1e-11:
            sys.exit(f"{path}: differs")
        print(f"{name}: {rows.shape}")


if __name__ == "__main__":
    main()
