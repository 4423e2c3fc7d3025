#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""From a decoded image to the uint8 pixels that the image encoder sees, in NumPy: the specification.

    preprocess.py IMAGE... -o pixels.npy [--size H[,W]] [--resize shortest] [--kernel bicubic] [--family openclip]

Restates Pillow's Resample.c (8-bit path) and Geometry.c (nearest), torchvision's and transformers' crop rounding.
Exact: integers throughout, but for the kernel, which Pillow too has in double before it is rounded to 22 bits.
Modes 1, P, L, LA, RGB and RGBA. Decoding alone is Pillow's (command line only).

Two things depend on versions. Pillow up to 12 resizes columns before rows (12.2: but not when an image is more
than 100 times as high as wide); 13 begins with the rows when the height shrinks by more than twice what the width
shrinks by, and since what lies between is rounded, pixels differ by one here and there. Family hf is transformers 4,
which drops alpha; 5 lays the image on white.
"""
import argparse

import numpy as np

BITS = 32 - 8 - 2  # fraction bits of a coefficient


def bilinear(x):
    return max(0.0, 1.0 - abs(x))


def bicubic(x, a=-0.5):
    x = abs(x)
    if x < 1.0:
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1
    return (((x - 5) * x + 8) * x - 4) * a if x < 2.0 else 0.0


KERNELS = {"bilinear": (bilinear, 1.0), "bicubic": (bicubic, 2.0)}


def coefficients(n_in, n_out, kernel):
    """For every output position: first input position and integer weights. Shrinking widens the kernel."""
    f, support = KERNELS[kernel]
    scale = n_in / n_out
    stretch = max(scale, 1.0)
    support *= stretch
    for i in range(n_out):
        centre = (i + 0.5) * scale
        first = max(int(centre - support + 0.5), 0)
        last = min(int(centre + support + 0.5), n_in)
        w = [f((j - centre + 0.5) * (1.0 / stretch)) for j in range(first, last)]
        total = 0.0
        for v in w:  # in this order: the sum rounds
            total += v
        w = [v / total if total != 0.0 else v for v in w]
        yield first, np.array([int(v * (1 << BITS) + (-0.5 if v < 0 else 0.5)) for v in w], np.int64)


def resample_rows(x, n_out, kernel):
    """One pass along axis 0 of a uint8 array; rounds to uint8."""
    if x.shape[0] == n_out:
        return x
    out = np.empty((n_out,) + x.shape[1:], np.uint8)
    for i, (first, w) in enumerate(coefficients(x.shape[0], n_out, kernel)):
        acc = np.tensordot(w, x[first:first + len(w)].astype(np.int64), 1) + (1 << (BITS - 1))
        out[i] = np.clip(acc >> BITS, 0, 255)
    return out


def rows_first(h, w, height, width, pillow):
    """Whether this major version of Pillow begins with the vertical pass."""
    return pillow >= 13 and h > height and h - height > 2 * (w - width)


def resize(x, height, width, kernel, pillow):
    """x : uint8 [h, w, channels]. Two passes, uint8 in between."""
    if rows_first(*x.shape[:2], height, width, pillow):
        x = resample_rows(x, height, kernel)
    x = resample_rows(x.swapaxes(0, 1), width, kernel).swapaxes(0, 1)
    return resample_rows(x, height, kernel)


def resize_nearest(x, height, width):
    """What Pillow does to palette and bilevel images whatever it is asked; positions add up in double."""
    def places(n_in, n_out):
        step = n_in / n_out
        return np.cumsum([step * 0.5] + [step] * (n_out - 1)).astype(np.int64)
    return x[places(x.shape[0], height)][:, places(x.shape[1], width)]


def resize_mode(x, mode, height, width, kernel, pillow):
    """Pillow's Image.resize: alpha is multiplied in before and divided out after."""
    if x.shape[:2] == (height, width):
        return x
    if mode in ("1", "P"):
        return resize_nearest(x, height, width)
    if mode not in ("LA", "RGBA"):
        return resize(x, height, width, kernel, pillow)
    t = x[..., :-1].astype(np.int64) * x[..., -1:] + 128
    x = np.concatenate([((t >> 8) + t) >> 8, x[..., -1:]], -1).astype(np.uint8)
    x = resize(x, height, width, kernel, pillow)
    colour, alpha = x[..., :-1].astype(np.int64), x[..., -1:].astype(np.int64)
    divided = np.clip(255 * colour // np.maximum(alpha, 1), 0, 255)
    colour = np.where((alpha == 0) | (alpha == 255), colour, divided)
    return np.concatenate([colour, alpha], -1).astype(np.uint8)


def to_rgb(x, mode, palette=None):
    """Alpha is dropped, not composited. palette : uint8 [256, 3] of a P image."""
    if mode == "P":
        return palette[x[..., 0]]
    if mode == "1":
        x = np.where(x, 255, 0).astype(np.uint8)
    return np.repeat(x[..., :1], 3, -1) if mode in ("1", "L", "LA") else x[..., :3]


def target_size(h, w, size, rule):
    """Height and width to resize to. size : (height, width) of the tower."""
    if rule == "squash":
        return size
    if rule == "shortest" and size[0] == size[1]:
        s = size[0]
        return (s, int(s * w / h)) if h <= w else (int(s * h / w), s)
    ratios = (h / size[0], w / size[1])
    ratio = min(ratios) if rule == "shortest" else max(ratios)
    return round(h / ratio), round(w / ratio)


def crop_or_pad(x, size, floor, fill):
    for axis in (0, 1):
        extra = x.shape[axis] - size[axis]
        if extra < 0:
            pad = [(0, 0)] * 3
            pad[axis] = (-extra // 2, (-extra + 1) // 2)
            inside = np.pad(np.ones(x.shape[:2] + (1,), bool), pad)
            x = np.where(inside, np.pad(x, pad), np.asarray(fill, np.uint8))
        else:
            first = extra // 2 if floor else round(extra / 2.0)  # Python rounds half to even, as both do
            x = np.take(x, range(first, first + size[axis]), axis)
    return x


def preprocess(x, mode, size, rule="shortest", kernel="bicubic", family="openclip", palette=None, fill=0,
               pillow=13):
    """x : uint8 [h, w, channels] in a Pillow mode -> uint8 [height, width, 3]."""
    if family == "hf":  # converts before resizing, and rounds the crop down
        x, mode = to_rgb(x, mode, palette), "RGB"
    if rule == "shortest" and size[0] != size[1]:
        kernel = "bicubic"  # open_clip drops the wish there
    x = resize_mode(x, mode, *target_size(*x.shape[:2], size, rule), kernel, pillow)
    return to_rgb(crop_or_pad(x, size, family == "hf", fill), mode, palette)  # a P image pads with an index


def from_pillow(im):
    """Array, mode and palette of a decoded image."""
    x = np.asarray(im)
    palette = None
    if im.mode == "P":
        palette = np.zeros((256, 3), np.uint8)
        colours = np.asarray(im.getpalette("RGB"), np.uint8).reshape(-1, 3)
        palette[:len(colours)] = colours
    return x.reshape(x.shape[0], x.shape[1], -1).astype(np.uint8), im.mode, palette


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", nargs="+", metavar="IMAGE")
    parser.add_argument("-o", "--output", required=True, metavar="FILE")
    parser.add_argument("--size", default="224", help="side, or height,width (default %(default)s)")
    parser.add_argument("--resize", default="shortest", choices=["shortest", "squash", "longest"])
    parser.add_argument("--kernel", default="bicubic", choices=sorted(KERNELS))
    parser.add_argument("--family", default="openclip", choices=["openclip", "hf"])
    parser.add_argument("--pillow", type=int, default=13, help="major version to equal (default %(default)s)")
    args = parser.parse_args()
    from PIL import Image
    size = tuple(int(s) for s in args.size.split(","))
    size = size * 2 if len(size) == 1 else size
    out = []
    for path in args.images:
        x, mode, palette = from_pillow(Image.open(path))
        out.append(preprocess(x, mode, size, args.resize, args.kernel, args.family, palette,
                              pillow=args.pillow))
    np.save(args.output, np.stack(out))


if __name__ == "__main__":
    main()
