#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The published TEXTSPAN in NumPy beside ours, on the same random heads: times, basis texts, reconstructions.

    bench/span_numpy.py [--bench build/bench/bench_span] [--heads 48] [--images 2000] [--float64]

Runs bench_span first, which writes its data and basis texts, then ref/textspan.py on the contributions of all images,
formed in full. In float32, which the published program runs in, its basis texts may differ where two texts are level to
the last digits; --float64 is the comparison. Its time grows in proportion to the number of images; ours starts
from statistics, so the number of images does not show. Set OPENBLAS_NUM_THREADS=1 and use one core (taskset) for
both.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "ref"))
import textspan  # noqa: E402


def compare(folder, kind):
    """Seconds, heads with identical lists, largest difference of a reconstruction where they are."""
    load = {name: np.load(folder / f"{name}.npy") for name in ("basis", "coefficients", "texts", "basis_texts", "directions")}
    texts = load["texts"].astype(kind)
    seconds, same, worst = 0.0, 0, 0.0
    for head, (basis, coefficients, ours) in enumerate(zip(load["basis"], load["coefficients"], load["basis_texts"])):
        data = (coefficients.astype(np.float64) @ basis.astype(np.float64)).astype(kind)
        start = time.perf_counter()
        chosen, _, _, made, _ = textspan.textspan(data, texts, min(coefficients.shape), len(ours))
        seconds += time.perf_counter() - start
        t = load["directions"][head].astype(np.float64)
        mean = data.mean(axis=0)
        if (chosen == ours).all():
            same += 1
            worst = max(worst, np.abs(mean + (data - mean) @ t.T @ t - made).max())
        else:
            k = int(np.argmax(chosen != ours))
            print(f"head {head}: basis_text {k} is {chosen[k]}, ours {ours[k]}")
    return seconds, same, worst


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", default=ROOT / "build/bench/bench_span", metavar="PROGRAM")
    parser.add_argument("--heads", type=int, default=48)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--float64", action="store_true")
    options = parser.parse_args()
    kind = np.float64 if options.float64 else np.float32
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([options.bench, "--heads", str(options.heads), "--images", str(options.images), "--dump",
                        folder], check=True)
        seconds, same, worst = compare(pathlib.Path(folder), kind)
    print(f"published algorithm in NumPy, {np.dtype(kind).name}, {options.heads} heads, {options.images} images:\n"
          f"    {1e3 * seconds:.0f} ms; by the number of images, {seconds * 50000 / options.images / 3600:.2f} h for "
          f"50,000\n    lists identical in {same} of {options.heads} heads, reconstructions within {worst:.1e}")
    return same != options.heads


if __name__ == "__main__":
    sys.exit(main())
