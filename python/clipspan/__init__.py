# SPDX-License-Identifier: MIT
"""clipspan: CLIP's image representation, decomposed exactly. docs/python.md begins with an example.

    model = clipspan.open("demo")
    run = model.scan("demo/look.csv", "run", labels="shape")
    run.atlas("demo").table

Objects are thin over the library's handles (include/clipspan/*.h, which describe every member of their records); arrays
are NumPy's, read-only views where that is safe. Nothing is loaded before the first call."""
from __future__ import annotations

__version__ = "0.1.0"

from ._atlases import Atlas, AtlasHead
from ._models import (Bank, Classification, Decomposition, Embeddings, Encoder, Model, Stats, Texts, find_data)
from ._models import open_model as open  # noqa: A004 - clipspan.open reads as it is meant
from ._native import (ArgumentError, Error, FileError, NotFoundError, OutOfMemoryError, OutputExistsError)
from ._paths import Neuron, PathEffects, Paths
from ._records import Head, Record
from ._runs import Inputs, Run, Span, extend, merge, resume, scan
from ._studies import Ablation, EditCheck, Effects, Evaluation, Hits, Prune, Remedy
from ._tables import Table
from ._torch import from_torch
from ._visuals import Explanation, Heatmap, SegmentationResult


def cpu_level() -> str:
    """The kernels in use: "generic", "avx2" or "avx512"."""
    from ._native import get
    return get("clipspan_cpu_level").decode()


def product_name() -> str:
    """The matrix product in use, such as "oneDNN 2.6.3"."""
    from ._native import get
    return get("clipspan_product_name").decode()


def has_bf16() -> bool:
    """Whether this CPU and build compute in bf16."""
    from ._native import get
    return bool(get("clipspan_has_bf16"))


def default_threads() -> int:
    """Threads where an option says 0."""
    from ._native import get
    return get("clipspan_default_threads")


__all__ = [
    "Ablation", "ArgumentError", "Atlas", "AtlasHead", "Bank", "Classification", "Decomposition", "EditCheck", "Effects",
    "Embeddings", "Encoder", "Error", "Evaluation", "Explanation", "FileError", "Head", "Heatmap", "Hits", "Inputs", "Model",
    "Neuron", "NotFoundError", "OutOfMemoryError", "OutputExistsError", "PathEffects", "Paths", "Prune", "Record", "Remedy",
    "Run", "SegmentationResult", "Span", "Stats", "Table", "Texts", "cpu_level", "default_threads", "extend", "find_data",
    "from_torch", "has_bf16", "merge", "open", "product_name", "resume", "scan",
]
