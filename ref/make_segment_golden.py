#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Maps, masks and their figures: writes tests/image/data/segment-{maps,truth,figures}.npy.

    make_segment_golden.py [--check]

48 images of 60 pixels, float32 [48, 60] and uint8 [48, 60]: noise, few levels (ties), all below zero, flat, with empty,
full and one-pixel masks. figures: float64 [48, 6] by segmentation.py, an image each: accuracy, mIoU, mAP, the first two
with Otsu's threshold, mAP without clipping. Where scikit-learn is installed its average precision must agree to 1e-12.
--check compares with what lies there, to 1e-12.
"""
import argparse
import os
import sys

import numpy as np

import segmentation

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "image", "data")


def cases():
    rng = np.random.default_rng(11)
    maps = rng.standard_normal((48, 60)).astype(np.float32)
    maps[12:24] = np.round(maps[12:24] * 2) / 2
    maps[24:28] = -np.abs(maps[24:28])
    maps[28:32] = 0.25
    maps[32:36, :30] = np.nan
    truth = (rng.random((48, 60)) < rng.random((48, 1))).astype(np.uint8)
    truth[::7] = 0
    truth[3::7] = 1
    truth[5::7] = 0
    truth[5::7, 41] = 1
    return maps, truth


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    check = parser.parse_args().check
    maps, truth = cases()
    rows = []
    for x, t in zip(maps, truth):
        one = x[None], t[None]
        rows.append([*segmentation.score(*one), *segmentation.score(*one, use_otsu=True)[:2],
                     segmentation.score(*one, clip=False)[2]])
    figures = np.array(rows)
    try:
        from sklearn.metrics import average_precision_score
    except ImportError:
        print("scikit-learn is not here: not compared with it")
    else:
        for x, t, row in zip(maps, truth != 0, rows):
            r = segmentation.scale(x)
            right = average_precision_score(np.concatenate([~t, t]), np.concatenate([1 - r, r]))
            assert abs(right - row[2]) < 1e-12, (right, row[2])
        print("average precision agrees with scikit-learn")
    for name, x in (("maps", maps), ("truth", truth), ("figures", figures)):
        path = os.path.join(FOLDER, f"segment-{name}.npy")
        if not check:
            np.save(path, x)
        elif not np.allclose(np.load(path), x, rtol=0, atol=1e-12, equal_nan=True):
            sys.exit(f"{path}: differs")


if __name__ == "__main__":
    main()
