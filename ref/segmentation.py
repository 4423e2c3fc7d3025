#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""From maps to masks and their published figures, in NumPy: the executable specification of src/study/segmentation.c.

    segmentation.py MAPS.npy TRUTH.npy [--no-clip] [--otsu]     float32 and uint8 [B, height, width]

prints pixel accuracy, mIoU and mAP. Accuracy and the two intersections over unions are of the pixels of all images
together, average precision is a mean over images, of background and foreground together.
"""
import argparse

import numpy as np


def scale(x, clip=True):
    """0 to 1; a flat map is 0 everywhere."""
    x = np.where(np.isnan(x), np.float32(0), x.astype(np.float32))
    if clip:
        x = np.maximum(x, np.float32(0))
    low, high = x.min(), x.max()
    return (x - low) / (high - low) if high > low else np.zeros_like(x)


def otsu(r):
    """Upper edge of the lower class, of 256 equal bins; the first of equally good ones."""
    count = np.bincount(np.minimum((r.ravel() * np.float32(256)).astype(int), 255), minlength=256).astype(float)
    middle = np.arange(256) + 0.5
    best, cut = -1.0, 0.0
    for i in range(255):
        a, b = count[:i + 1].sum(), count[i + 1:].sum()
        if a and b:
            d = (count[:i + 1] @ middle[:i + 1]) / a - (count[i + 1:] @ middle[i + 1:]) / b
            if a * b * d * d > best * (1 + 1e-12):
                best, cut = a * b * d * d, (i + 1) / 256
    return cut


def average_precision(scores, labels):
    """Sum of (R[k] - R[k-1]) P[k] over distinct scores from above; 0 without a positive label."""
    positives = labels.sum()
    if not positives:
        return 0.0
    distinct = np.unique(scores)[::-1]
    order = np.argsort(-scores, kind="stable")
    found = np.concatenate([[0], np.cumsum(labels[order])])
    ends = np.searchsorted(-scores[order], -distinct, side="right")
    recall = found[ends] / positives
    return float((np.diff(np.concatenate([[0], recall])) * found[ends] / ends).sum())


def score(maps, truth, clip=True, use_otsu=False):
    """Pixel accuracy, mIoU, mAP."""
    right = pixels = 0
    both, either, precision = np.zeros(2), np.zeros(2), []
    for x, t in zip(maps, truth):
        r, t = scale(x, clip), t != 0
        said = r > (otsu(r) if use_otsu else r.astype(float).mean())
        right, pixels = right + (said == t).sum(), pixels + t.size
        for c in (0, 1):
            both[c] += ((said == c) & (t == c)).sum()
            either[c] += ((said == c) | (t == c)).sum()
        precision.append(average_precision(np.concatenate([1 - r.ravel(), r.ravel()]),
                                           np.concatenate([~t.ravel(), t.ravel()])))
    return right / pixels, np.divide(both, either, out=np.zeros(2), where=either > 0).mean(), np.mean(precision)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("maps")
    parser.add_argument("truth")
    parser.add_argument("--no-clip", action="store_true")
    parser.add_argument("--otsu", action="store_true")
    args = parser.parse_args()
    print(*score(np.load(args.maps), np.load(args.truth), not args.no_clip, args.otsu))


if __name__ == "__main__":
    main()
