#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""read_example.py DOC RUN   Runs the Python of docs/run-format.md on a run, and checks what it reads: contributions of
all heads and MLPs of an image add up to its embedding, which has length 1."""
import pathlib
import re
import sys

doc, folder = pathlib.Path(sys.argv[1]), sys.argv[2]
(code,) = re.findall(r"```python\n(.*?)```", doc.read_text(encoding="utf-8"), re.S)
names = {}
exec(compile(code.replace('"RUN"', repr(folder)), str(doc), "exec"), names)
L, H, P, pack, row, slot = (names[n] for n in ("L", "H", "P", "pack", "row", "slot"))
shape, embeddings = pack["embedding"]
assert shape[1:] == [32, P], shape
assert pack["z"][0][1:] == [L, H, 1, 32, names["K"]], pack["z"][0]
embedding = embeddings[(row * 32 + slot) * P :][:P]
total = [0.0] * P
for layer in range(L):
    for head in range(H):
        total = [t + c for t, c in zip(total, names["contribution"](layer, head))]
for component in range(L + 1):
    at = ((row * (L + 1) + component) * 32 + slot) * P
    total = [t + c for t, c in zip(total, pack["mlp"][1][at : at + P])]
worst = max(abs(t - e) for t, e in zip(total, embedding))
length = sum(e * e for e in embedding)
print(f"{names['path']}: contributions differ from the embedding by at most {worst:.2g}, its length is {length**0.5:.7f}")
sys.exit(not (worst < 1e-5 and abs(length - 1) < 1e-5))
