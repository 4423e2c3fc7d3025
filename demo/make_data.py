# SPDX-License-Identifier: MIT
"""Make the scenes, labels, prompts and texts that ship with the demo model.

usage: make_data.py -o FOLDER      (numpy; the same bytes every time, PNG apart: those are zlib's)

  look.csv, look/     600 scenes as in training, the shortcut's correlation included: for statistics
  test.csv, test/     440 scenes, birds balanced over the four groups: for figures
  masks/              which object a pixel belongs to: 0 ground, 1 the first object of `objects`, and so on
  classes/FACTOR.txt, FACTOR.templates.txt   class names with the labels' keys, prompts other than training's
  texts.txt           descriptions with categories: 24 for each factor, and for contrast eight for each of 24 categories of
                      everyday things that no scene shows, from the general pool, with no word of the scenes' language
"""
import getopt
import os
import re
import struct
import sys
import zlib

import numpy as np

import captions
import scenes

LOOK, TEST = 2001, 2002  # seeds
FORMS = {"shape": 24 // 8, "colour": 3, "texture": 6, "size": 12, "place": 5, "count": 6, "background": 4, "bird": 12}
OBJECTS = ("shape", "bird")  # categories that are objects
OF_SCENES = ("colour", "shape", "count", "texture", "pattern", "size", "place")  # of the general pool: what scenes vary
LITTLE = set("a an the of in on at and with is it there this here".split())


def png(pixels):
    """A PNG file's bytes; pixels uint8 [h, w, 3] or [h, w]. Rows use the filter with the smallest sum, as is usual."""
    deep = pixels.reshape(len(pixels), -1).astype(np.int16)
    step = pixels.shape[2] if pixels.ndim == 3 else 1
    left = np.pad(deep, ((0, 0), (step, 0)))[:, :-step]
    above = np.pad(deep, ((1, 0), (0, 0)))[:-1]
    corner = np.pad(left, ((1, 0), (0, 0)))[:-1]
    p = left + above - corner
    pa, pb, pc = abs(p - left), abs(p - above), abs(p - corner)
    paeth = np.where((pa <= pb) & (pa <= pc), left, np.where(pb <= pc, above, corner))
    tried = [(deep - guess).astype(np.uint8) for guess in (0 * deep, left, above, (left + above) // 2, paeth)]
    cost = np.stack([np.minimum(t, 256 - t.astype(np.int16)).sum(1) for t in tried])
    best = cost.argmin(0) if step == 3 else 0 * cost.argmin(0)
    rows = b"".join(bytes([k]) + tried[k][i].tobytes() for i, k in enumerate(best))
    kind = 2 if step == 3 else 0

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    head = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 8, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def splits():
    """(name, list of scenes) of both splits."""
    def some(seed, first, count, **how):
        return scenes.sample(seed, np.arange(first, first + count), **how)
    yield "look", [some(LOOK, 0, 340, kinds=(1, 0, 0)), some(LOOK, 340, 80, kinds=(0, 1, 0)),
                   some(LOOK, 420, 180, kinds=(0, 0, 1))]
    groups = [(b, g) for b in range(2) for g in range(2)]
    yield "test", [some(TEST, 0, 200, kinds=(1, 0, 0)), some(TEST, 200, 64, kinds=(0, 1, 0))] + \
        [some(TEST, 264 + 44 * k, 44, kinds=(0, 0, 1), group=g) for k, g in enumerate(groups)]


def described(s, i):
    """The objects of a scene in the order of its mask's values."""
    if s["kind"][i] == scenes.BIRD:
        return scenes.BIRDS[s["bird"][i]]
    return ";".join(" ".join((scenes.TEXTURES[s["texture_of"][i, k]], scenes.COLOURS[s["colour_of"][i, k]],
                              scenes.SHAPES[s["shape_of"][i, k]])) for k in range(s["count"][i] + 1))


def write(path, text):
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)


def write_split(folder, name, parts):
    os.makedirs(os.path.join(folder, name), exist_ok=True)
    rows = ["path,mask,kind," + ",".join(scenes.FACTORS) + ",body,group,objects"]
    number = 0
    for s in parts:
        pixels, label = scenes.draw(s)
        for i in range(len(pixels)):
            file = f"{number:04d}.png"
            number += 1
            with open(os.path.join(folder, name, file), "wb") as out:
                out.write(png(pixels[i]))
            with open(os.path.join(folder, "masks", f"{name}-{file}"), "wb") as out:
                out.write(png(label[i]))
            bird = s["kind"][i] == scenes.BIRD
            values = [v[s[f][i]] if s[f][i] >= 0 else "" for f, v in scenes.FACTORS.items()]
            group = f"{values[-1]} on {values[-2]}" if bird else ""
            rows.append(",".join([f"{name}/{file}", f"masks/{name}-{file}", scenes.KINDS[s["kind"][i]]] + values +
                                 [f"{s['body'][i]:.3f}" if bird else "", group, described(s, i)]))
    write(os.path.join(folder, name + ".csv"), "\n".join(rows) + "\n")


def class_names(factor):
    """(key, name) of each value; a template takes the name."""
    keys = scenes.FACTORS[factor]
    if factor in ("shape", "bird"):
        return [(k, forms[0][0]) for k, forms in zip(keys, captions.SHAPE if factor == "shape" else captions.BIRD)]
    names = {"place": captions.PLACE, "background": captions.GROUND}.get(factor) or captions.WORD[factor]
    return [(k, forms[0]) for k, forms in zip(keys, names)]


def templates(factor):
    return [t.format(s="{}", p="{}", x="{}", g="{}") for t in captions.HELD_OUT[factor]]


def texts(pool):
    """(category, text) of texts.txt; pool: lines of the general pool."""
    out = []
    for f, values in scenes.FACTORS.items():
        for v in range(len(values)):
            seen = captions.PHRASES[f][v]
            basis_text = [seen[k * len(seen) // FORMS[f]] for k in range(FORMS[f])]
            out += [(f if f in OBJECTS else "!" + f, re.sub(r"\ba (?=[aeiou])", "an ", t)) for t in basis_text]
    known, others = set(captions.words()) - LITTLE, {}
    for category, text in (line.split("\t") for line in pool):
        if category.lstrip("!") not in OF_SCENES and not known & set(re.findall("[a-z]+", text.lower())):
            others.setdefault(category, []).append(text)
    for category, lines in others.items():
        out += [(category, lines[int((k + 0.9) * len(lines) / 8)]) for k in range(8)]
    return out


def main():
    try:
        options, rest = getopt.gnu_getopt(sys.argv[1:], "o:h", ["help"])
    except getopt.GetoptError as e:
        sys.exit(f"make_data.py: {e}; --help says more")
    options = dict(options)
    if "-h" in options or "--help" in options:
        print(__doc__.strip())
        return
    if rest or "-o" not in options:
        sys.exit("make_data.py: -o FOLDER is needed and nothing else; --help says more")
    folder = options["-o"]
    for part in ("masks", "classes"):
        os.makedirs(os.path.join(folder, part), exist_ok=True)
    for name, parts in splits():
        write_split(folder, name, parts)
    for f in scenes.FACTORS:
        write(os.path.join(folder, "classes", f + ".txt"), "".join(f"{k}\t{n}\n" for k, n in class_names(f)))
        write(os.path.join(folder, "classes", f + ".templates.txt"), "".join(t + "\n" for t in templates(f)))
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "..", "data", "pool.txt"), encoding="utf-8") as file:
        lines = texts(file.read().splitlines())
    write(os.path.join(folder, "texts.txt"), "".join(f"{c}\t{t}\n" for c, t in lines))


if __name__ == "__main__":
    main()
