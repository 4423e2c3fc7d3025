#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""remedies.py BUILD [-o FOLDER] [-n A_GROUP] [SEED...]   The claim that a recommended remedy is never worse than leaving the model
as it is, on fresh scenes of the demo's world: draws A_GROUP (6,000) birds of every group and 8,000 scenes without birds, scans
them once with BUILD/cli/clipspan, and runs the cases of tests/claims/remedies.c with every SEED (2 and 3; 1 served to set the
bounds of src/study/remedy_choice.c). Every second scene serves statistics, the others figures. Needs NumPy; exit 77 without."""
import getopt
import os
import struct
import subprocess
import sys
import tempfile
import zlib

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "demo"))
sys.dont_write_bytecode = True
FACTORS = ("bird", "background", "size", "texture", "count")
STEP = 500


def png(pixels):
    """A PNG file's bytes, quickly: pixels uint8 [h, w, 3]"""
    h, w, _ = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b""))


def draw(folder, a_group):
    """Scenes and their list."""
    import numpy as np
    import scenes
    parts = [(81001 + g, a_group, {"kinds": (0, 0, 1), "group": group}) for g, group in
             enumerate([(0, 0), (0, 1), (1, 0), (1, 1)])] + [(81011, a_group * 4 // 3, {"kinds": (1, 0, 0)})]
    number = 0
    with open(os.path.join(folder, "scenes.csv"), "w", encoding="utf-8") as out:
        out.write("path,kind," + ",".join(FACTORS) + "\n")
        for seed, count, how in parts:
            for first in range(0, count, STEP):
                s = scenes.sample(seed, np.arange(first, min(first + STEP, count)), **how)
                pixels, _ = scenes.draw(s)
                for i, image in enumerate(pixels):
                    with open(os.path.join(folder, f"{number:06}.png"), "wb") as file:
                        file.write(png(image))
                    values = [scenes.FACTORS[f][s[f][i]] if s[f][i] >= 0 else "" for f in FACTORS]
                    out.write(f"{number:06}.png,{scenes.KINDS[s['kind'][i]]}," + ",".join(values) + "\n")
                    number += 1


def main():
    try:
        options, rest = getopt.gnu_getopt(sys.argv[1:], "o:n:h", ["help"])
        options = dict(options)
        a_group, seeds = int(options.get("-n", "6000")), [int(seed) for seed in rest[1:]] or [2, 3]
    except (getopt.GetoptError, ValueError) as e:
        sys.exit(f"remedies.py: {e}; --help says more")
    if "-h" in options or "--help" in options or not rest:
        sys.exit(print(__doc__))
    try:
        import numpy  # noqa: F401
    except ImportError:
        print("remedies.py: NumPy is not installed")
        sys.exit(77)
    program, demo = os.path.join(rest[0], "cli", "clipspan"), os.path.join(ROOT, "data", "demo")
    with tempfile.TemporaryDirectory() as made:
        folder = options.get("-o", made)
        os.makedirs(folder, exist_ok=True)
        run = os.path.join(folder, "run")
        if not os.path.exists(run):
            draw(folder, a_group)
            subprocess.run([program, "scan", os.path.join(demo, "model"), os.path.join(folder, "scenes.csv"), "--groups",
                            "kind," + ",".join(FACTORS), "-o", run], check=True, stdout=subprocess.DEVNULL)
        failed = 0
        for seed in seeds:
            failed |= subprocess.run([os.path.join(rest[0], "tests", "claims", "claims_remedies"), os.path.join(demo, "model"),
                                      run, os.path.join(demo, "classes"), str(seed)]).returncode
    sys.exit(failed)


if __name__ == "__main__":
    main()
