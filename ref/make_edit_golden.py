#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes tests/model/data/silent: what the small checkpoints of tests/golden say when some of their heads are mean-ablated.

    make_edit_golden.py [--check]

Silent are all heads of layer 0 but the first, and the first head of the last layer (with one layer: all). For each:

    NAME.z.npy      float32 [heads, K]   what stands for them, in that order: their mean over the checkpoint's pixels.npy
    NAME.npy        float64 [B, P]       embeddings before normalisation (ref/clip_edit.py)

--check makes everything anew and compares. Needs NumPy only.
"""
import argparse
import os

import numpy as np

import clip_edit
import clip_forward

GOLDEN = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests", "golden")
NAMES = ["hf-gelu-eos", "hf-quick-sharded", "image-no-ln-pre", "openclip-f64-unaligned", "openclip-odd",
         "openclip-quick-custom", "openclip-wide"]


def make(name):
    model = clip_forward.Model(os.path.join(GOLDEN, name))
    pixels = np.load(os.path.join(GOLDEN, name, "pixels.npy"))
    means = clip_edit.mean_z(model, pixels)
    chosen = [(0, h) for h in range(1, model.image.heads)] + [(len(means) - 1, 0)]
    z = {h: means[h] for h in chosen}
    answers = clip_edit.silent(model, pixels, z)
    by_weights = clip_forward.Model(os.path.join(GOLDEN, name))
    by_weights.w = clip_edit.edit(by_weights.w, z)
    same = np.abs(clip_forward.encode_pixels(by_weights, pixels) - answers).max()
    moved = np.linalg.norm(clip_forward.encode_pixels(model, pixels) - answers, axis=-1)
    moved = (moved / np.linalg.norm(answers, axis=-1)).min()
    assert same < 1e-12 < 1e-3 < moved, (name, same, moved)
    return {f"{name}.z.npy": np.stack([z[h] for h in chosen]).astype(np.float32), f"{name}.npy": answers}, moved


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    check, folder = parser.parse_args().check, os.path.join(os.path.dirname(GOLDEN), "model", "data", "silent")
    os.makedirs(folder, exist_ok=True)
    for name in NAMES:
        files, moved = make(name)
        for file, array in files.items():
            path = os.path.join(folder, file)
            if not check:
                np.save(path, array)
            else:
                off = np.abs(np.load(path).astype(np.float64) - array).max()
                print(f"{file:32}{off:.1e}")
                assert off < 1e-12 or array.dtype == np.float32 and off < 1e-7, file
        print(f"{name:32}least change of a row, relative: {moved:.2e}")


if __name__ == "__main__":
    main()
