# SPDX-License-Identifier: MIT
"""Effects through later layers: include/clipspan/paths.h, docs/paths.md.

What later layers make of a head's output, an MLP's, a neuron's or a token's is counted with what it writes into the
embedding directly; attention weights, the scales of LayerNorms and the gates of MLPs are held as they were."""
from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from . import _native as native
from ._arrays import address, numpy, take, view
from ._models import Bank, Encoder, list_images
from ._native import ArgumentError, Options, Owner, call, encode_list, get, read_enum
from ._progress import Progress, start_progress
from ._records import Head
from ._tables import Table

if TYPE_CHECKING:
    import numpy as np

TEXTS, MARGIN, RANDOM = (read_enum("clipspan_paths_direction", word) for word in ("texts", "margin", "random"))


class Neuron(NamedTuple):
    """Hidden number `neuron` of a layer's MLP, and its effect."""

    layer: int
    neuron: int
    effect: float


class PathEffects:
    """Of one image, for T directions. Arrays are NumPy's own, float64 unless said.

    names: [T] the texts; with "margin" the one that is most similar and the next one, as "A over B".
    off: the largest error of the identity that effects add up by, over all layers and directions.
    embedding: [P] float32; direction: [T, P] float32; similarity: [T], direction . embedding.
    head, head_direct: [T, L, H] through later layers, the direct effect included, and that alone.
    mlp, mlp_direct: [T, L]; bias: [T, L] of attention's output bias; token: [T, N] as tokens enter layer 0.
    constant: [T, L + 1] what belongs to no component, from each layer on.
    ablated, ablated_direct: [T, L, H] change when the head mixes `means` everywhere; None without means.
    neuron: [T, L, M] float32, None without `neurons`; map: [T, L, H, N] float32 by the token that a head reads, None
    without `maps`."""

    ARRAYS = {"embedding": ("P",), "direction": ("T", "P"), "similarity": ("T",), "head": ("T", "L", "H"),
              "head_direct": ("T", "L", "H"), "mlp": ("T", "L"), "mlp_direct": ("T", "L"), "bias": ("T", "L"),
              "token": ("T", "N"), "constant": ("T", "L+1"), "ablated": ("T", "L", "H"),
              "ablated_direct": ("T", "L", "H"), "neuron": ("T", "L", "M"), "map": ("T", "L", "H", "N")}

    embedding: "np.ndarray"
    direction: "np.ndarray"
    similarity: "np.ndarray"
    head: "np.ndarray"
    head_direct: "np.ndarray"
    mlp: "np.ndarray"
    mlp_direct: "np.ndarray"
    bias: "np.ndarray"
    token: "np.ndarray"
    constant: "np.ndarray"
    ablated: Optional["np.ndarray"]
    ablated_direct: Optional["np.ndarray"]
    neuron: Optional["np.ndarray"]
    map: Optional["np.ndarray"]

    def __init__(self, found: Any, sizes: dict[str, int], texts: list[str], kind: int) -> None:
        """found: clipspan_paths_result, which the next run overwrites: everything is copied."""
        kinds = dict(native.declared.STRUCTS["clipspan_paths_result"])
        for name, shape in self.ARRAYS.items():
            read = view(getattr(found, name), [sizes[item] for item in shape], native.plain_name(kinds[name]), None)
            setattr(self, name, None if read is None else read.copy())
        self.off: float = found.off
        self.best: Optional[int] = found.best if kind == MARGIN else None
        self.second: Optional[int] = found.second if kind == MARGIN else None
        if kind == TEXTS:
            self.names = texts
        elif kind == MARGIN:
            self.names = [f"{texts[found.best]} over {texts[found.second]}"]
        else:
            self.names = [f"random {i}" for i in range(sizes["T"])]

    def neurons(self, direction: int = 0, count: int = 10) -> list[Neuron]:
        """The strongest of one direction by size of their effect, of equal ones the earlier (made with neurons=True)."""
        if self.neuron is None:
            raise ArgumentError("neurons were not kept: paths(..., neurons=True)", "CLIPSPAN_E_ARGUMENT")
        effects = self.neuron[direction]
        order = numpy().argsort(-abs(effects), axis=None, kind="stable")[:count]
        wide = effects.shape[1]
        return [Neuron(int(at) // wide, int(at) % wide, float(effects.flat[at])) for at in order]

    @property
    def table(self) -> Table:
        """Heads and MLPs of every text, by size: text, component, effect, direct, later (what later layers pass on)."""
        rows = []
        for t, text in enumerate(self.names):
            layers, heads = self.head.shape[1:]
            found = [(str(Head(layer, head)), self.head[t, layer, head], self.head_direct[t, layer, head])
                     for layer in range(layers) for head in range(heads)]
            found += [(f"L{layer}.MLP", self.mlp[t, layer], self.mlp_direct[t, layer]) for layer in range(layers)]
            found.sort(key=lambda item: -abs(item[1]))
            rows += [{"text": text, "component": name, "effect": float(effect), "direct": float(direct),
                      "later": float(effect - direct)} for name, effect, direct in found]
        return Table.of(rows, ["text", "component", "effect", "direct", "later"])

    def _repr_html_(self) -> str:
        return self.table._repr_html_()

    def __repr__(self) -> str:
        return f"<clipspan.PathEffects on {', '.join(self.names)}>"


class Paths(Owner):
    """Effects on similarities with texts, on the margin between an image's two most similar ones, or on random
    directions. Costs about a pass a text beside the pass; once per object the encoder's matrices are turned round, about
    5/6 of its memory. float32 encoders only; heads that Encoder.ablate took out stay out."""

    _free = "clipspan_paths_free"

    def __init__(self, encoder: Encoder, bank: Optional[Bank] = None, direction: str = "texts", together: int = 0,
                 neurons: bool = False, maps: bool = False, random: int = 0, means: Any = None) -> None:
        """direction: "texts", "margin" (two texts or more) or "random" (`random` unit vectors an image; no bank).
        together: images of one call into the library, 1 to 32, 0: one; memory grows with them.
        means: [L, H, K] float32 what heads mix on average, or a Run whose coefficients are kept, for `ablated`. Errors: ArgumentError, Error (bf16)."""
        info = encoder.model.info
        image = info.image
        kind = read_enum("clipspan_paths_direction", direction)
        if means is not None:
            means = read_means(means, (image.layers, image.heads, image.head_width))
        options = Options("clipspan_paths_options", direction=kind, images=together, neurons=int(neurons),
                          maps=int(maps), random=random, means=means)
        super().__init__(native.new("clipspan_paths_new", encoder._at, bank._at if bank is not None else None,
                                    options.reference), (encoder,))
        self.encoder, self.kind, self.texts = encoder, kind, bank.names if bank is not None else []
        self.together = together or 1
        self._sizes = {"T": 0, "P": info.embed_width, "L": image.layers, "L+1": image.layers + 1, "H": image.heads,
                       "N": info.tokens, "M": image.mlp_width}

    def run(self, images: Any, progress: Progress = None) -> list[PathEffects]:
        """[B] of image files, or of pixels [B, input_height, input_width, 3] uint8."""
        made: list[PathEffects] = []
        info = self.encoder.model.info
        pixels = hasattr(images, "__array_interface__")
        given = (take(images, "uint8_t", (None, info.input_height, info.input_width, 3), "images") if pixels
                 else list_images(images))
        bar = start_progress(progress, "images")
        try:
            for first in range(0, len(given), self.together):
                piece = given[first:first + self.together]
                with self.encoder._lock:
                    if pixels:
                        call("clipspan_paths_run_pixels", self._at, address(piece), len(piece))
                    else:
                        call("clipspan_paths_run_files", self._at, None, encode_list(piece), len(piece))
                    made += [self._read(i) for i in range(len(piece))]
                bar.update(len(made), len(given))
        finally:
            bar.close()
        return made

    def _read(self, image: int) -> PathEffects:
        found = native.make_struct("clipspan_paths_result").from_address(get("clipspan_paths_get", self._at, image))
        return PathEffects(found, {**self._sizes, "T": found.directions}, self.texts, self.kind)

    def strongest(self, image: int = 0, direction: int = 0, count: int = 10) -> list[Neuron]:
        """The strongest neurons of an image of the last call into the library, as it finds them."""
        room = (native.make_struct("clipspan_neuron") * max(count, 1))()
        found = get("clipspan_paths_get_neurons", ctypes.byref(room), count, self._at, image, direction)
        return [Neuron(item.layer, item.neuron, item.effect) for item in room[:found]]


def read_means(means: Any, shape: tuple[int, int, int]) -> Any:
    """[L, H, K] float32 of an array or of a run."""
    if hasattr(means, "mean_outputs"):
        heads = [Head(layer, head) for layer in range(shape[0]) for head in range(shape[1])]
        means = means.mean_outputs(heads, progress=False).reshape(shape)
    return take(means, "float", shape, "means")
