# SPDX-License-Identifier: MIT
"""Lists of images and runs: include/clipspan/run.h and span.h."""
from __future__ import annotations

import ctypes
import os
from typing import TYPE_CHECKING, Any, Iterator, Optional, Sequence, Union

from . import _native as native
from ._arrays import address, numpy, output, take, view
from ._models import Bank, Images, Model, PathLike, find_image, read_texts, shares_arrays
from ._native import ArgumentError, Options, Owner, call, call_long, decode, encode, get, read_enum
from ._progress import Progress
from ._records import Head, Record, head_array, read_array, read_head, record
from ._tables import Table

if TYPE_CHECKING:
    import numpy as np

    from ._atlases import Atlas
    from ._studies import Evaluation, Hits

CHUNK = 32


class Inputs(Owner):
    """A list of images: files, folders, CSV or TSV tables. Images are not opened."""

    _free = "clipspan_inputs_close"

    def __init__(self, sources: Images, labels: Optional[str] = None, groups: Optional[str] = None,
                 root: Optional[PathLike] = None, path_column: Optional[str] = None, where: Sequence[str] = (),
                 columns: Optional[str] = None) -> None:
        """labels: "folder" or a column; groups: columns joined by commas, whose product is the group; where:
        "COLUMN=VALUE" of rows to take; columns: further ones to keep, "*" all. "demo/look.csv" is the demo's."""
        listed = [sources] if isinstance(sources, (str, os.PathLike)) else list(sources)
        options = Options("clipspan_inputs_options", root=root, path_column=path_column, labels=labels, groups=groups,
                          where=native.encode_list(where) if where else None, where_count=len(where), columns=columns)
        super().__init__(native.new("clipspan_inputs_open", native.encode_list(listed), len(listed), options.reference))

    def __len__(self) -> int:
        return get("clipspan_inputs_get_count", self._at)

    @property
    def paths(self) -> list[str]:
        found = get("clipspan_inputs_get_paths", self._at)
        return [decode(item) or "" for item in (ctypes.c_char_p * len(self)).from_address(found)]

    @property
    def labels(self) -> list[str]:
        return [decode(get("clipspan_inputs_get_label", self._at, i)) or "" for i in range(len(self))]

    @property
    def groups(self) -> list[str]:
        return [decode(get("clipspan_inputs_get_group", self._at, i)) or "" for i in range(len(self))]

    @property
    def table(self) -> Table:
        """path, label, group and the further columns that were kept."""
        count = get("clipspan_inputs_get_columns", self._at)
        names = [decode(get("clipspan_inputs_get_column", self._at, c)) or "" for c in range(count)]
        kept = {name: [decode(get("clipspan_inputs_get_value", self._at, i, c)) or "" for i in range(len(self))]
                for c, name in enumerate(names)}
        return Table({"path": self.paths, "label": self.labels, "group": self.groups, **kept})


def read_inputs(images: Any, **options: Any) -> Inputs:
    return images if isinstance(images, Inputs) else Inputs(images, **options)


def scan(model: Union[Model, PathLike], images: Any, folder: PathLike, labels: Optional[str] = None,
         groups: Optional[str] = None, root: Optional[PathLike] = None, columns: Optional[str] = None,
         coefficients: str = "f32", precision: str = "f32", layers: Optional[tuple[int, int]] = None,
         exif_orient: bool = False, max_pixels: int = 0, replace: bool = False, progress: Progress = None,
         **scanning: Any) -> "Run":
    """Plans, scans and merges a run in `folder`, as `clipspan scan`: one forward pass per image, exact statistics and
    coefficients of every head. The same call again resumes what was interrupted; Ctrl-C stops behind the chunks that are
    in progress. layers: (first, count) whose coefficients are kept; scanning: as clipspan.resume, shard of shards among them.
    Errors: OutputExistsError (another run there) unless `replace`."""
    opened = model if isinstance(model, Model) else Model(model)
    inputs = read_inputs(images, labels=labels, groups=groups, root=root, columns=columns)
    image = Options("clipspan_image_options", exif_orient=int(exif_orient), max_pixels=max_pixels)
    first, count = layers or (0, 0)
    plan = Options("clipspan_plan_options", coefficients=coefficients, precision=precision, image=image,
                   replace=int(replace), first_layer=first, layer_count=count)
    call_long("clipspan_run_plan", None, encode(folder), opened._at, inputs._at, plan.reference, progress=progress,
              what="bytes")
    return resume(folder, opened, progress=progress, **scanning)


def resume(folder: PathLike, model: Optional[Model] = None, threads: int = 0, shard: int = 0, shards: int = 0,
           verify_sum: bool = False, scan_root: Optional[PathLike] = None, images_anywhere: bool = False,
           retries: int = 0, retry_skipped: bool = False, progress: Progress = None) -> "Run":
    """Scans what a planned run lacks and, unless a shard was asked for, merges it. Run.scanned is then what this did.

    model: None: the run's own. shard of shards, from 1: that part only, not merged. verify_sum: for every image, whether
    its contributions add up. scan_root: where relative paths of images start, None: where they did when planned.
    images_anywhere: what a run of someone else lists is opened, wherever it is. retries: how often an image that is away
    for a moment is tried again, after waits of 0.5, 2, 8 … seconds; 0: 3 times, -1: never. retry_skipped: those that were
    skipped are tried again."""
    opened = model if model is not None else Run(folder).open_model(progress=progress)
    options = Options("clipspan_scan_options", threads=threads, shard=shard, shards=shards, verify_sum=int(verify_sum),
                      root=scan_root, images_anywhere=int(images_anywhere), retries=retries,
                      retry_skipped=int(retry_skipped))
    result = native.make_struct("clipspan_scan_result")()
    call_long("clipspan_run_scan", ctypes.byref(result), encode(folder), opened._at, options.reference,
              progress=progress, what="images")
    if not shards:
        merge(folder, progress)
    made = Run(folder)
    made.scanned = Record(ctypes.addressof(result), "clipspan_scan_result", result)
    return made


def merge(folder: PathLike, progress: Progress = None) -> None:
    """Merges the shards of a run, all of which are scanned."""
    call_long("clipspan_run_merge", encode(folder), progress=progress, what="chunks")


def extend(folder: PathLike, model: Model, images: Any, progress: Progress = None, **inputs: Any) -> "Run":
    """Adds images to a merged run and scans them. inputs: as Inputs."""
    listed = read_inputs(images, **inputs)
    call_long("clipspan_run_extend", encode(folder), model._at, listed._at, progress=progress, what="bytes")
    return resume(folder, model, progress=progress)


class Run(Owner):
    """A run folder, opened for reading. Threads may share it."""

    _free = "clipspan_run_close"
    scanned: Optional[Record] = None  # clipspan_scan_result of the scan that made this object

    def __init__(self, folder: PathLike) -> None:
        """Errors: NotFoundError, Error (damaged, another version of the format)."""
        super().__init__(native.new("clipspan_run_open", encode(folder)))
        self._start()

    @classmethod
    def from_arrays(cls, z: "np.ndarray", scale: "np.ndarray", embeddings: "np.ndarray", mlp: "np.ndarray",
                    class_attention: "np.ndarray", output_maps: "np.ndarray", paths: Optional[Sequence[str]] = None,
                    labels: Optional[Sequence[str]] = None, groups: Optional[Sequence[str]] = None,
                    model: Optional[str] = None, model_hash: Optional[str] = None, tokens: int = 0) -> "Run":
        """A run without a folder: z [L, H, B, K], scale [B, 3] float64, embeddings [B, P], mlp [L + 1, B, P],
        class_attention [L, B, P], output_maps [L, H, K + 3, P], as docs/run-format.md has them. Dense arrays of those
        types are borrowed, not copied, and kept alive; they must not change."""
        np = numpy()
        z = take(z, "float", (None,) * 4, "z")
        layers, heads, images, width = z.shape
        embeddings = take(embeddings, "float", (images, None), "embeddings")
        wide = embeddings.shape[1]
        arrays = {"z": z, "scale": take(scale, "double", (images, 3), "scale"), "embeddings": embeddings,
                  "mlp": take(mlp, "float", (layers + 1, images, wide), "mlp"),
                  "class_attention": take(class_attention, "float", (layers, images, wide), "class_attention"),
                  "output_maps": take(output_maps, "float", (layers, heads, width + 3, wide), "output_maps")}
        lists = {name: native.encode_list(values) for name, values in
                 (("paths", paths), ("labels", labels), ("groups", groups)) if values is not None}
        options = Options("clipspan_run_arrays", layers=layers, heads=heads, head_width=width, embed_width=wide,
                          tokens=tokens, images=images, model=model, model_hash=model_hash, **arrays, **lists)
        made = cls.__new__(cls)
        Owner.__init__(made, native.new("clipspan_run_new_arrays", options.reference), (options, np))
        made._start()
        return made

    def _start(self) -> None:
        self.info: Record = record(get("clipspan_run_get_info", self._at), "clipspan_run_info", self._handle)

    @property
    def folder(self) -> str:
        return self.info.path

    # ---- What it holds ----

    @property
    def images(self) -> Table:
        """All images in the run's order: run_index, list_index, path, label, group, status ("ok", or why it was
        skipped), error, and further columns of the list as JSON."""
        kinds = ["run_index", "list_index", "path", "label", "group", "bytes", "duplicate_of", "status", "error",
                 "columns"]
        rows: list[dict[str, Any]] = []
        struct = native.make_struct("clipspan_run_image")

        def take_image(_user: Any, at: int) -> int:
            image = struct.from_address(at)
            rows.append({name: decode(value) if isinstance(value, bytes) else value
                         for name, value in ((name, getattr(image, name)) for name in kinds)})
            return 0

        each = native.make_callback(native.EACH)(take_image)
        call("clipspan_run_read_images", self._at, 0, self.info.images, each, None)
        return Table.of(rows, kinds)

    def read_progress(self, shards: int = 1, first: int = 1, count: Optional[int] = None,
                      progress: Progress = None) -> Table:
        """How far shards first … first + count - 1, from 1, of `shards` are, whoever scans them: shard, images, used,
        skipped, left, chunks, chunks_done, and the skipped by reason. From the run's files, before, during and after the
        scan; no lock is taken."""
        asked = max(shards - first + 1, 0) if count is None else count
        found = (native.make_struct("clipspan_shard_progress") * max(asked, 1))()
        call_long("clipspan_run_read_progress", found, first, asked, shards, self._at, progress=progress, what="shards")
        reasons = [(decode(get("clipspan_skip_reason", i)) or "").replace(" ", "_")
                   for i in range(native.declared.CONSTANTS["CLIPSPAN_SKIP_REASONS"])]
        rows = []
        for i, item in enumerate(found[:asked]):
            skipped = list(item.skipped)
            rows.append({"shard": first + i, "images": item.images, "used": item.used, "skipped": sum(skipped),
                         "left": item.images - item.used - sum(skipped), "chunks": item.chunks,
                         "chunks_done": item.chunks_done, **dict(zip(reasons, skipped))})
        return Table.of(rows, ["shard", "images", "used", "skipped", "left", "chunks", "chunks_done", *reasons])

    def statistics(self, layer: int, head: int, block: int = -1) -> dict[str, Any]:
        """Of one head's coefficients: count, mean [K + 3], covariance [K + 3, K + 3] float64. block -1: all images."""
        wide = self.info.head_width + 3
        count = ctypes.c_double()
        mean, covariance = output(None, (wide,), "double"), output(None, (wide, wide), "double")
        call("clipspan_run_read_head", ctypes.byref(count), address(mean), address(covariance), self._at, block, layer,
             head)
        return {"count": count.value, "mean": mean, "covariance": covariance}

    def output_map(self, layer: int, head: int) -> "np.ndarray":
        """[K + 3, P] float32 A of a head: its contribution to an image is coefficients @ A."""
        made = output(None, (self.info.head_width + 3, self.info.embed_width), "float")
        call("clipspan_run_read_output_map", address(made), self._at, layer, head)
        return made

    def _chunks(self, function: str, width: int, kind: str, tail: tuple[Any, ...]) -> tuple[Any, Any]:
        made = output(None, (self.info.used, width), kind)
        indices = output(None, (self.info.used,), "uint64_t")
        room, rows = output(None, (CHUNK, width), kind), output(None, (CHUNK,), "uint64_t")
        count, done = ctypes.c_size_t(), 0
        for chunk in range(self.info.chunks):
            call(function, address(room), address(rows), ctypes.byref(count), self._at, chunk, *tail)
            made[done:done + count.value] = room[:count.value]
            indices[done:done + count.value] = rows[:count.value]
            done += count.value
        return made[:done], indices[:done]

    def coefficients(self, layer: int, head: int) -> "np.ndarray":
        """[used images, K + 3] float64 of one head, in the run's order (used_indices)."""
        return self._chunks("clipspan_run_read_coefficients", self.info.head_width + 3, "double",
                            (layer, head))[0]

    def contributions(self, layer: int, head: int) -> "np.ndarray":
        """[used images, P] float32 what one head adds to the embeddings: coefficients @ output_map."""
        np = numpy()
        return (self.coefficients(layer, head) @ self.output_map(layer, head).astype(np.float64)).astype(np.float32)

    def vectors(self, kind: str = "embedding", index: int = 0) -> "np.ndarray":
        """[used images, P] float32: "embedding"; "mlp", index 0 what enters, l + 1 that of layer l;
        "class_self_attention", index l."""
        return self._chunks("clipspan_run_read_vectors", self.info.embed_width, "float",
                            (read_enum("clipspan_vectors", kind), index))[0]

    @property
    def used_indices(self) -> "np.ndarray":
        """[used images] uint64 their indices in the run, rising: rows of arrays are theirs."""
        return self._chunks("clipspan_run_read_vectors", self.info.embed_width, "float", (0, 0))[1]

    def mean_outputs(self, heads: Any, progress: Progress = None) -> "np.ndarray":
        """[heads, K] float32 means of the heads' attention-weighted values, for Encoder.ablate and Model.write."""
        array, count = head_array(heads)
        made = output(None, (count, self.info.head_width), "float")
        call_long("clipspan_run_read_mixed", address(made), self._at, array, count, progress=progress, what="chunks")
        return made

    def variance_shares(self) -> dict[str, "np.ndarray"]:
        """Shares of the embedding's variance, as Stats.variance_shares."""
        made = shares_arrays(self.info.layers, self.info.heads)
        call("clipspan_run_read_variance_shares", *[address(array) for array in made.values()], self._at)
        return made

    # ---- What is computed from it ----

    def open_model(self, name: Optional[PathLike] = None, progress: Progress = None) -> Model:
        """The run's model, from where it was or from `name`, checked to be the same."""
        return Model._of(native.new_long("clipspan_run_open_model", self._at, encode(name), progress=progress,
                                         what="bytes"))

    def atlas(self, texts: Any = None, name: Optional[str] = None, **options: Any) -> "Atlas":
        """Basis texts and roles of all heads: clipspan.Atlas."""
        from ._atlases import Atlas
        return Atlas(self, texts, name, **options)

    def span(self, heads: Any, bank: Bank, basis_texts: int = 0, rank: int = 0, resamples: int = 0, seed: int = 0,
             threads: int = 0, progress: Progress = None) -> list["Span"]:
        """TEXTSPAN of some heads with a bank of texts (Model.bank). As many spans as heads."""
        array, count = head_array(heads)
        options = Options("clipspan_span_options", basis_texts=basis_texts, rank=rank, resamples=resamples, seed=seed,
                          threads=threads)
        out = (ctypes.c_void_p * max(count, 1))()
        call_long("clipspan_span_new_run", out, self._at, array, count, bank._at, options.reference, progress=progress,
                  what="heads")
        return [Span(at, (self, bank), bank) for at in out[:count]]

    def evaluate(self, classes: Any, **options: Any) -> "Evaluation":
        """Accuracy by class and group, and what studies are made of: clipspan.Evaluation."""
        from ._studies import Evaluation
        return Evaluation(self, classes, **options)

    def search(self, like: Any = (), unlike: Any = (), text: Any = (), **options: Any) -> "Hits":
        """The nearest images by some heads, a role or the whole embedding: clipspan.Hits."""
        from ._studies import search
        return search(self, like, unlike, text, **options)

    def edit(self, heads: Any, **options: Any) -> Any:
        """The network with heads mean-ablated beside its direct-effect prediction: clipspan.EditCheck."""
        from ._studies import EditCheck
        return EditCheck(self, heads, **options)

    def prune(self, fraction: float = 0.25, **options: Any) -> Any:
        """Which heads the model can do without: clipspan.Prune."""
        from ._studies import Prune
        return Prune(self, fraction, **options)

    def report(self, path: PathLike, name: Optional[str] = None, **options: Any) -> None:
        """One HTML page of the run's main atlas (or that of the pool `name`) and of its kept studies. options: as
        Atlas.report."""
        from ._atlases import Atlas
        Atlas.open(self, name).report(path, **options)

    def export_official(self, folder: PathLike, dataset: Optional[str] = None, model: Optional[str] = None,
                        replace: bool = False, threads: int = 0, progress: Progress = None) -> None:
        """Contributions in the published program's files (clipspan_run_export)."""
        options = Options("clipspan_export_options", dataset=dataset, model=model, threads=threads, replace=int(replace))
        call_long("clipspan_run_export", encode(folder), self._at, options.reference, progress=progress, what="images")

    def __len__(self) -> int:
        return self.info.images

    def __repr__(self) -> str:
        return (f"<clipspan.Run {self.info.path}: {self.info.images} images, {self.info.model_name}, "
                f"{self.info.layers} layers of {self.info.heads} heads>")


class Span(Owner):
    """TEXTSPAN of one head: basis texts, the directions that they stand for."""

    _free = "clipspan_span_free"

    def __init__(self, at: Optional[int], parents: Any, bank: Bank) -> None:
        super().__init__(at, parents)
        self.info: Record = record(get("clipspan_span_get_info", self._at), "clipspan_span_info", self._handle)
        self._names = bank.names

    @property
    def head(self) -> Head:
        return self.info.head

    @property
    def basis_texts(self) -> Table:
        """text, share of the head's variance (0 to 1), variance, stability at this rank and at any (-1: not tested)."""
        rows = read_array(get("clipspan_span_get_basis_texts", self._at), "clipspan_basis_text", self.info.basis_texts,
                          self._handle)
        return Table.of([{"text": self._names[row.text], "share": row.share, "variance": row.variance,
                          "same_place": row.same_place, "any_place": row.any_place} for row in rows],
                        ["text", "share", "variance", "same_place", "any_place"], str(self.head))

    @property
    def directions(self) -> "np.ndarray":
        """[basis texts, P] float32, orthonormal; a read-only view."""
        return view(get("clipspan_span_get_directions", self._at), (self.info.basis_texts, self.info.embed_width),
                    "float", self._handle)

    @property
    def readers(self) -> "np.ndarray":
        """[basis texts, K + 3] float64: (coefficients - mean) @ reader is the projection; a read-only view."""
        return view(get("clipspan_span_get_readers", self._at), (self.info.basis_texts, self.info.head_width + 3),
                    "double", self._handle)

    def _repr_html_(self) -> str:
        return self.basis_texts._repr_html_()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.basis_texts)
