#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""power.py RUN POOL LIST.csv [--least N]   Holds the roles that a run of the demo's scenes has for POOL against the truth.

The truth of a head: the factors of the scenes (columns of LIST.csv) that explain the most and the second most of the
variance of its contributions over scenes of one kind of object (kind "alike"), by one-way analysis of variance. A role
is right when its category is one of the two. Ends with 1 when fewer than N roles are right or more than one is wrong."""
import argparse
import csv
import json
import pathlib
import sqlite3
import struct
import sys

FACTORS = ["shape", "colour", "texture", "size", "place", "count", "background"]
OUTCOMES = ["too few images", "none", "ambiguous", "leaning", "role"]


def load(path):
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    kinds, arrays = {"F64": ("d", 8), "F32": ("f", 4), "F16": ("e", 2), "U8": ("B", 1)}, {}
    for name, array in json.loads(data[8 : 8 + size]).items():
        if name != "__metadata__":
            (code, width), (begin, end) = kinds[array["dtype"]], array["data_offsets"]
            arrays[name] = array["shape"], struct.unpack(f"<{(end - begin) // width}{code}", data[8 + size + begin : 8 + size + end])
    return arrays


def images(run, scenes):
    """Coefficients of the scenes of one kind, with their factors: a list of (function of layer and head, row)."""
    index = sqlite3.connect(f"file:{run}/index.sqlite?immutable=1", uri=True)
    packs = {}
    for segment, chunk, slot, path in index.execute("SELECT segment, chunk, slot, path FROM images WHERE status = 'ok'"):
        row = scenes.get(path.rsplit("/", 1)[-1])
        if not row or row["kind"] != "alike":
            continue
        key = segment, chunk // 1024
        if key not in packs:
            packs[key] = load(run / f"segments/{segment:03}/packs/10-{chunk // 1024:08}.safetensors")
        pack, at = packs[key], chunk % 1024
        (_, layers, H, _, _, K), z = pack["z"]
        scale = pack["scale"][1][(at * 32 + slot) * 3 :][:3]

        def coefficients(layer, head, z=z, at=at, slot=slot, scale=scale):
            start = (((at * layers + layer) * H + head) * 32 + slot) * K
            return [v * scale[0] for v in z[start : start + K]] + list(scale)

        yield coefficients, row


def explained(rows, factors, gram):
    """Share of the variance between the values of each factor. rows: coefficients; gram: A A^T"""
    C, n = len(gram), len(rows)

    def square(y):
        return sum(y[i] * sum(gram[i][j] * y[j] for j in range(C)) for i in range(C))

    mean = [sum(y[c] for y in rows) / n for c in range(C)]
    total = sum(square([a - b for a, b in zip(y, mean)]) for y in rows)
    shares = {}
    for f in FACTORS:
        groups = {}
        for y, row in zip(rows, factors):
            groups.setdefault(row[f], []).append(y)
        shares[f] = sum(len(g) * square([sum(y[c] for y in g) / len(g) - mean[c] for c in range(C)]) for g in groups.values()) / total
    return shares


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=pathlib.Path)
    parser.add_argument("pool")
    parser.add_argument("list", type=pathlib.Path)
    parser.add_argument("--least", type=int, default=16)
    options = parser.parse_args()
    with open(options.list, encoding="utf-8", newline="") as file:
        scenes = {row["path"].rsplit("/", 1)[-1]: row for row in csv.DictReader(file)}
    (_, H, C, P), maps = load(options.run / "output_maps.safetensors")["output_maps"]
    found = list(images(options.run, scenes))
    heads = json.loads((options.run / "results" / f"atlas-{options.pool}.json").read_text())["heads"]
    right = wrong = 0
    for head in heads:
        layer, number = head["head"]
        A = [maps[((layer * H + number) * C + c) * P :][:P] for c in range(C)]
        gram = [[sum(x * y for x, y in zip(a, b)) for b in A] for a in A]
        shares = explained([y(layer, number) for y, _ in found], [row for _, row in found], gram)
        first, second = sorted(FACTORS, key=lambda f: -shares[f])[:2]
        role = head["role"]
        is_role = OUTCOMES[role["outcome"]] == "role"
        good = role["category"][0] in (first, second)
        right += is_role and good
        wrong += is_role and not good
        print(f"L{layer}.H{number}  {OUTCOMES[role['outcome']]:9} {role['category'][0] or '':11} q {role['p'][1]:6.4f}   "
              f"{first} {shares[first]:.2f}, {second} {shares[second]:.2f}{'' if good else '   not the truth'}")
    print(f"{right} roles are right, {wrong} wrong; at least {options.least} right and at most one wrong are demanded")
    sys.exit(right < options.least or wrong > 1)


if __name__ == "__main__":
    main()
