#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The published TEXTSPAN in NumPy on the data of `bench_span --dump FOLDER`: its time, and whether it picks the same.

    bench/span_numpy.py FOLDER [--float32]

Float64 to compare picks and reconstructions (first difference by head), --float32 (what the published program runs
in) to time. The published algorithm's time grows in proportion to the number of pictures.
"""
import argparse
import pathlib
import sys
import time

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "ref"))
import textspan  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--float32", action="store_true")
    parser.add_argument("--rank", type=int, default=0, help="as bench_span --rank; 0: numerical rank")
    options = parser.parse_args()
    load = {name: np.load(options.folder / f"{name}.npy") for name in ("basis", "codes", "texts", "picks", "directions")}
    kind = np.float32 if options.float32 else np.float64
    texts = load["texts"].astype(kind)
    seconds, same, worst, smallest = 0.0, 0, 0.0, np.inf
    for head, (basis, codes, ours) in enumerate(zip(load["basis"], load["codes"], load["picks"])):
        data = (codes.astype(np.float64) @ basis.astype(np.float64)).astype(kind)
        rank = min(codes.shape[1], len(codes))
        if options.rank:
            rank = min(rank, options.rank)
        start = time.perf_counter()
        chosen, _, _, made, _ = textspan.textspan(data, texts, rank, len(ours))
        seconds += time.perf_counter() - start
        t = load["directions"][head].astype(np.float64)
        mean = data.mean(axis=0)
        here = mean + (data - mean) @ t.T @ t
        equal = (chosen == ours).all()
        same += equal
        if equal:
            worst = max(worst, np.abs(here - made).max())
        else:
            k = int(np.argmax(chosen != ours))
            print(f"head {head}: pick {k} is {chosen[k]}, ours {ours[k]}")
    pictures = load["codes"].shape[1]
    print(f"NumPy {np.dtype(kind).name}, {len(load['picks'])} heads, {pictures} pictures: {1e3 * seconds:.0f} ms; "
          f"lists identical in {same} heads; reconstruction within {worst:.1e} of the published one")
    return same != len(load["picks"])


if __name__ == "__main__":
    sys.exit(main())
