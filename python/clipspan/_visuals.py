# SPDX-License-Identifier: MIT
"""Heatmaps, explanations and zero-shot segmentation: include/clipspan/decompose.h, draw.h, explain.h, segment.h."""
from __future__ import annotations

import base64
import ctypes
import html
import json
import os
import tempfile
from typing import TYPE_CHECKING, Any, Optional, Sequence, Union

from . import _native as native
from ._arrays import address, numpy, output, view
from ._atlases import Atlas, frame_page, read_page
from ._models import Bank, Images, Model, PathLike, find_image, list_images
from ._native import ArgumentError, Options, Owner, call, collect_text, encode, get, read_enum
from ._progress import Progress, start_progress
from ._records import Record, head_array, record
from ._tables import Table

if TYPE_CHECKING:
    import numpy as np

MAP_HEADS, MAP_MLPS = 1, 32


def read_bank(model: Model, texts: Any, templates: Any = "none") -> Bank:
    if isinstance(texts, Bank):
        return texts
    return model.classifier([texts] if isinstance(texts, str) and not os.path.exists(texts) else texts, templates, False)


class Maps(Owner):
    """The library's maps of one image or a few, run once."""

    _free = "clipspan_maps_free"

    def __init__(self, model: Model, paths: Sequence[str], bank: Bank, heads: Any = None, each: bool = False,
                 kinds: int = 0, threads: int = 0) -> None:
        array, count = head_array(heads) if heads is not None else (None, 0)
        encoder = model.encoder("image", threads=threads)
        options = Options("clipspan_maps_options", heads=array, head_count=count, each=int(each), kinds=kinds,
                          images=len(paths))
        super().__init__(native.new("clipspan_maps_new", encoder._at, bank._at, options.reference), (encoder,))
        with encoder._lock:
            call("clipspan_maps_run_files", self._at, None, native.encode_list(paths), len(paths))


class View(Owner):
    _free = "clipspan_view_free"

    def __init__(self, model: Model, path: str, edge: int = 0) -> None:
        super().__init__(native.new("clipspan_view_new", model._at, encode(path), edge, None))
        self.info: Record = record(get("clipspan_view_get_info", self._at), "clipspan_view_info", self._handle)


def write_png(path: PathLike, pixels: "np.ndarray", replace: bool = False) -> None:
    """pixels: [height, width, 3] uint8."""
    array = numpy().ascontiguousarray(pixels, "uint8")
    call("clipspan_png_write", encode(path), address(array), array.shape[0], array.shape[1], int(replace))


def make_png(pixels: "np.ndarray") -> bytes:
    with tempfile.TemporaryDirectory(prefix="clipspan") as folder:
        path = os.path.join(folder, "image.png")
        write_png(path, pixels)
        with open(path, "rb") as file:
            return file.read()


class Heatmap:
    """Where in an image is what texts describe: scores of every token in units of the similarity; over tokens and heads
    they add up to what attention contributes to it. They can be negative: the patch lowers the similarity."""

    def __init__(self, model: Model, image: PathLike, texts: Any, heads: Any = None, role: Optional[str] = None,
                 atlas: Optional[Atlas] = None, each: bool = False, templates: Any = "none", threads: int = 0) -> None:
        """heads: whose scores are summed, or a role of an atlas; None: all. each: keep every head's own (by_head)."""
        if role is not None:
            if atlas is None:
                raise ArgumentError("a role is one of an atlas: give atlas=", "CLIPSPAN_E_ARGUMENT")
            heads = atlas.find_heads(role)
        self.model, self.path = model, find_image(image)
        self.bank = read_bank(model, texts, templates)
        self.texts = self.bank.names
        self._maps = Maps(model, [self.path], self.bank, heads, each, 0, threads)

    @property
    def tokens(self) -> "np.ndarray":
        """[T, N] float32, the class token first where there is one; a read-only view."""
        return view(get("clipspan_maps_get", self._maps._at, 0, MAP_HEADS), (len(self.texts), self.model.info.tokens),
                    "float", self._maps._handle)

    @property
    def maps(self) -> "np.ndarray":
        """[T, grid_height, grid_width] float32 of the patches; a read-only view."""
        info = self.model.info
        return self.tokens[:, int(info.class_token):].reshape(len(self.texts), info.grid_height, info.grid_width)

    def by_head(self, layer: int, head: int) -> "np.ndarray":
        """[T, N] of one head (made with each=True)."""
        found = get("clipspan_maps_get_head", self._maps._at, 0, layer, head)
        if not found:
            raise ArgumentError("its own map was not kept: heatmap(..., each=True), with this head among heads",
                                "CLIPSPAN_E_ARGUMENT")
        return view(found, (len(self.texts), self.model.info.tokens), "float", self._maps._handle)

    @property
    def embedding(self) -> "np.ndarray":
        """[P] unit vector, a read-only view."""
        return view(get("clipspan_maps_get_embeddings", self._maps._at), (1, self.model.info.embed_width), "float",
                    self._maps._handle)[0]

    def draw(self, text: int = 0, limit: Optional[float] = None, drawing: str = "overlay", edge: int = 0) -> "np.ndarray":
        """[height, width, 3] uint8: blue for -limit, orange for limit, over the image in grey ("overlay"), alone ("map"),
        or the image itself ("image"). limit: the largest size in all texts' maps."""
        shown = View(self.model, self.path, edge)
        maps = numpy().ascontiguousarray(self.maps[text])
        most = limit if limit is not None else float(abs(self.maps).max()) or 1.0
        made = output(None, (shown.info.height, shown.info.width, 3), "uint8_t")
        call("clipspan_view_run_draw", address(made), shown._at, address(maps), read_enum("clipspan_drawing", drawing),
             most, 1)
        return made

    def write(self, path: PathLike, text: int = 0, replace: bool = False, **drawing: Any) -> None:
        """A PNG of draw()."""
        write_png(path, self.draw(text, **drawing), replace)

    def _repr_html_(self) -> str:
        cells = []
        for i, text in enumerate(self.texts):
            data = base64.b64encode(make_png(self.draw(i, edge=320))).decode()
            cells.append(f'<figure style="display:inline-block;margin:4px"><img src="data:image/png;base64,{data}">'
                         f"<figcaption>{html.escape(text)}</figcaption></figure>")
        return "".join(cells)


class Findings(Owner):
    _free = "clipspan_findings_free"


class Explanation(Owner):
    """An image's similarities with texts, decomposed into layers, heads, MLPs and patches. Contributions to every text
    add up to its value within 1e-5 (`info.off` is by how much they do not)."""

    _free = "clipspan_explanation_free"

    def __init__(self, model: Model, image: PathLike, texts: Any, contrast: str = "none", atlas: Optional[Atlas] = None,
                 templates: Any = "none", threads: int = 0) -> None:
        """contrast: "none", "mean" (minus the mean over texts) or "runner_up". atlas: of a run of the same model, for
        roles."""
        self.model, self.path, self.atlas = model, find_image(image), atlas
        self.bank = read_bank(model, texts, templates)
        maps = Maps(model, [self.path], self.bank, None, True, MAP_MLPS, threads)
        super().__init__(native.new("clipspan_explanation_new", maps._at, 0, self.bank._at,
                                    read_enum("clipspan_contrast", contrast)))
        self.info: Record = record(get("clipspan_explanation_get_info", self._at), "clipspan_explanation_info",
                                   self._handle)

    @property
    def texts(self) -> tuple[str, ...]:
        return self.info.names

    @property
    def similarity(self) -> "np.ndarray":
        """[T] float64 cosines; a read-only view, as all of these."""
        return self.info.similarity

    @property
    def value(self) -> "np.ndarray":
        """[T] what the contributions add up to: the similarity after contrast."""
        return self.info.value

    @property
    def heads(self) -> "np.ndarray":
        """[T, L, H]"""
        return self.info.head

    @property
    def mlps(self) -> "np.ndarray":
        """[T, L + 1] the class token as it enters, then the layers' MLPs."""
        return self.info.mlp

    @property
    def attention(self) -> "np.ndarray":
        """[T, L] all heads of a layer."""
        return self.info.attention

    @property
    def tokens(self) -> "np.ndarray":
        """[T, N] all heads together, by token."""
        return self.info.token

    @property
    def maps(self) -> "np.ndarray":
        """[T, L, H, N] float32"""
        return self.info.map

    def findings(self, top: int = 0) -> list[Record]:
        """What stands out, one clipspan_finding per text, the highest similarity first."""
        made = Findings(native.new("clipspan_findings_new", self._at, self.atlas._at if self.atlas is not None else None,
                                   top), [item for item in (self, self.atlas) if item is not None])
        count = get("clipspan_findings_get_count", made._at)
        return [record(get("clipspan_findings_get", made._at, i), "clipspan_finding", made._handle)
                for i in range(count)]

    @property
    def table(self) -> Table:
        """The texts: similarity, value, and the heads that contribute most."""
        rows = [{"text": found.name, "similarity": found.similarity, "value": found.value, "attention": found.attention,
                 "mlps": found.mlps, "input": found.input,
                 "heads": ", ".join(f"{item.head} {item.part:+.3f}" for item in found.head)} for found in self.findings()]
        return Table.of(rows, ["text", "similarity", "value", "attention", "mlps", "input", "heads"])

    def write(self, path: PathLike, replace: bool = False, top: int = 0) -> None:
        """One self-contained HTML page."""
        shown = View(self.model, self.path)
        options = Options("clipspan_explain_options", atlas=self.atlas, model=self.model.name,
                          image=os.path.basename(self.path), top=top, replace=int(replace))
        call("clipspan_explanation_write", encode(path), self._at, shown._at, options.reference)

    def _repr_html_(self) -> str:
        return frame_page(read_page(self.write))


class Segmentation(Owner):
    _free = "clipspan_segmentation_free"


class SegmentationResult:
    """Zero-shot masks of images beside ground truth: pixel accuracy, mIoU and mAP by method, threshold, and both ways in
    which a mask gets to the model's pixels."""

    METHODS = ("heads", "attention", "rollout", "patches", "values")
    KINDS = {"heads": 0, "attention": 2, "rollout": 4, "patches": 8, "values": 16}

    def __init__(self, model: Model, images: Images, masks: Images, texts: Any, chosen: Optional[Sequence[int]] = None,
                 methods: Sequence[str] = ("heads",), contrast: str = "mean", heads: Any = None, value: int = 0,
                 templates: Any = "openai", threads: int = 0, progress: Progress = None) -> None:
        """masks: as many PNG files of the images' sizes; value: that is foreground, 0: any but 0. texts: classes or a
        Bank; chosen: [images] the text of each, None: the likeliest. heads: whose maps are added up."""
        paths, truths = list_images(images), list_images(masks)
        if len(paths) != len(truths) or (chosen is not None and len(chosen) != len(paths)):
            raise ArgumentError(f"expected as many masks and chosen texts as images: {len(paths)} images, "
                                f"{len(truths)} masks", "CLIPSPAN_E_ARGUMENT")
        self.bank = texts if isinstance(texts, Bank) else model.classifier(texts, templates, progress, threads)
        bits = sum(1 << self.METHODS.index(name) for name in methods)
        kinds = sum(self.KINDS[name] for name in methods)
        options = Options("clipspan_segmentation_options", contrast=contrast, methods=bits, threads=threads)
        self._made = Segmentation(native.new("clipspan_segmentation_new", model._at, self.bank._at, options.reference),
                                  (model,))
        bar = start_progress(progress, "images")
        try:
            for i, (path, mask) in enumerate(zip(paths, truths)):
                maps = Maps(model, [path], self.bank, heads, False, kinds, threads)
                self._add(model, maps, path, mask, None if chosen is None else int(chosen[i]), value)
                bar.update(i + 1, len(paths))
        finally:
            bar.close()
        call("clipspan_segmentation_run", self._made._at)

    def _add(self, model: Model, maps: Maps, path: str, mask: str, text: Optional[int], value: int) -> None:
        values = []
        for protocol in (0, 1):
            room = output(None, (model.info.input_height, model.info.input_width), "uint16_t")
            call("clipspan_mask_read", address(room), model._at, encode(mask), encode(path), protocol, None)
            values.append(room)
        chosen = (ctypes.c_size_t * 1)(text) if text is not None else None
        call("clipspan_segmentation_add", self._made._at, maps._at, 0, chosen, address(values[0]), address(values[1]),
             value)

    @property
    def table(self) -> Table:
        info = record(get("clipspan_segmentation_get_info", self._made._at), "clipspan_segmentation_info",
                      self._made._handle)
        rows = [record(get("clipspan_segmentation_get_row", self._made._at, i), "clipspan_segmentation_row",
                       self._made._handle).as_dict() for i in range(info.rows)]
        return Table.of(rows, ["method", "text", "protocol", "threshold", "images", "accuracy", "miou", "map",
                               "pointing"])

    @property
    def json(self) -> str:
        return collect_text(lambda put: call("clipspan_segmentation_write_json", self._made._at, None, 0, put, None))

    @property
    def document(self) -> dict[str, Any]:
        return json.loads(self.json)

    def _repr_html_(self) -> str:
        return self.table._repr_html_()
