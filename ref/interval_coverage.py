# SPDX-License-Identifier: MIT
"""How often the program's 95 % intervals hold the truth, on the demo's shortcut: figures of docs/evidence.md.

usage: interval_coverage.py [--draws N] FOLDER       (numpy; FOLDER as compare_erasure.py left it)

The truth is that of 10,000 test scenes, 2,500 a group. From each group n of them are drawn, as if they were all that somebody
had; every interval is made as the program makes it (Wilson's for a share, 1,000 resamples of the images within their groups
for a change: src/decompose/compare.c) and held against the truth, before and after L3.H7 is mean-ablated."""
import getopt
import os
import sys

import numpy as np

from compare_erasure import GRASS, read

RESAMPLES, SKIP = 1000, 25


def wilson(good, n, z=1.959963984540054):
    p = good / n
    middle, half = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


def holds(low, high, truth):
    return low - 1e-12 <= truth <= high + 1e-12


def main():
    try:
        options, rest = getopt.gnu_getopt(sys.argv[1:], "h", ["draws=", "help"])
    except getopt.GetoptError as e:
        sys.exit(f"interval_coverage.py: {e}; --help says more")
    options = dict(options)
    if "-h" in options or "--help" in options:
        print(__doc__.strip())
        return
    if len(rest) != 1:
        sys.exit("interval_coverage.py: a folder is needed; --help says more")
    folder, draws, rng = rest[0], int(options.get("--draws", 1000)), np.random.default_rng(0)
    w = np.load(os.path.join(folder, "bird.npy")).astype(np.float64)
    mean = read(folder, "general")[0][:, 31].mean(0)
    heads, whole, facts = read(folder, "test")
    bird, group = facts["bird"], facts["bird"] * 2 + (facts["background"] == GRASS)
    before = (whole @ w).argmax(1) == bird
    after = ((whole - heads[:, 31] + mean) @ w).argmax(1) == bird
    outcome = 2 * before + after
    share = [np.bincount(outcome[group == g], minlength=4) / (group == g).sum() for g in range(4)]
    right = np.array([[s[2] + s[3], s[1] + s[3]] for s in share])
    truth = {"change of the worst group": right[:, 1].min() - right[:, 0].min(), "change over all": np.diff(right.mean(0))[0]}
    print("truth: " + ", ".join(f"{100 * a:.1f} to {100 * b:.1f} %" for a, b in right))
    for n in (44, 200, 1000):
        held = {"share of a group": 0, "share of the lowest group": 0, "change of a group": 0, "change over all": 0,
                "change of the worst group": 0}
        off = 0.0
        for _ in range(draws):
            drawn = np.stack([rng.multinomial(n, s) for s in share])
            shares = (drawn[:, 2] + drawn[:, 3]) / n
            low, high = wilson(drawn[:, 2] + drawn[:, 3], n)
            held["share of a group"] += np.mean([holds(low[g], high[g], right[g, 0]) for g in range(4)])
            g = int(shares.argmin())
            held["share of the lowest group"] += holds(low[g], high[g], right[:, 0].min())
            off += shares.min() - right[:, 0].min()
            again = np.stack([rng.multinomial(n, d / n, RESAMPLES) for d in drawn], 1) / n  # [R, 4, outcomes]
            was, now = again[..., 2] + again[..., 3], again[..., 1] + again[..., 3]
            for name, changes, real in (
                    *(("change of a group", (now - was)[:, g], right[g, 1] - right[g, 0]) for g in range(4)),
                    ("change over all", (now - was).mean(1), truth["change over all"]),
                    ("change of the worst group", now.min(1) - was.min(1), truth["change of the worst group"])):
                changes = np.sort(changes)
                held[name] += holds(changes[SKIP], changes[-1 - SKIP], real) * (0.25 if name == "change of a group" else 1)
        print(f"{n} images a group: " + ", ".join(f"{k} {100 * v / draws:.1f} %" for k, v in held.items()) +
              f"; the lowest share lies {100 * off / draws:+.2f} points off")


if __name__ == "__main__":
    main()
