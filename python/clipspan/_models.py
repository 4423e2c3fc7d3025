# SPDX-License-Identifier: MIT
"""Models, encoders, texts, banks of vectors, decompositions: include/clipspan/model.h, encode.h, decompose.h, classify.h.

Shapes as there: B images, T texts, L layers, H heads, N tokens (class token first), K head width, P width of the joint
image-text embedding space, C context length."""
from __future__ import annotations

import ctypes
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Iterable, NamedTuple, Optional, Sequence, Union

from . import _native as native
from ._arrays import address, numpy, output, take, view
from ._native import ArgumentError, Error, Options, Owner, call, call_long, collect_text, decode, encode, get
from ._progress import Progress, start_progress
from ._records import Head, Record, head_array, record
from ._tables import Table

if TYPE_CHECKING:
    import numpy as np

    from ._atlases import Atlas
    from ._paths import PathEffects
    from ._runs import Run
    from ._visuals import Explanation, Heatmap, SegmentationResult

PathLike = Union[str, "os.PathLike[str]"]
Images = Union[PathLike, Sequence[PathLike]]
PIECE = 64  # images of one call into the library per thread, between which Ctrl-C is looked at


def find_data(name: str) -> Path:
    """The path of a file that comes with clipspan: "demo/look.csv", "imagenet_classes.txt". Errors: NotFoundError."""
    room = ctypes.create_string_buffer(4096)
    call("clipspan_data_find", room, len(room), encode(name))
    return Path(os.fsdecode(room.value))


def find_image(path: PathLike) -> str:
    """A path; "demo/look/0000.png" is, where there is no such file, the demo's."""
    text = os.fspath(path)
    return str(find_data(text)) if text.startswith("demo/") and not os.path.exists(text) else text


def list_images(images: Images) -> list[str]:
    many = [images] if isinstance(images, (str, os.PathLike)) else images
    return [find_image(path) for path in many]


class Texts(Owner):
    """A list of texts, each with an optional key (a category, a label)."""

    _free = "clipspan_texts_free"

    def __init__(self, texts: Union[str, PathLike, Iterable[Any], "Texts"], keys: Optional[Sequence[str]] = None) -> None:
        """texts: a sequence of strings, or of (key, text) pairs; or, as one string, a file or a set that comes with
        clipspan ("general", "control", "demo", "openai", "none"; clipspan_texts_open)."""
        if isinstance(texts, (str, os.PathLike)):
            super().__init__(native.new("clipspan_texts_open", encode(texts)))
            return
        listed = list(texts)
        if keys is None and listed and isinstance(listed[0], tuple):
            keys = [item[0] for item in listed]
            listed = [item[1] for item in listed]
        array = native.encode_list(listed)
        super().__init__(native.new("clipspan_texts_new", array, None if keys is None else native.encode_list(keys),
                                    len(listed)))

    def __len__(self) -> int:
        return get("clipspan_texts_get_count", self._at)

    def __getitem__(self, index: int) -> str:
        count = len(self)
        if not -count <= index < count:
            raise IndexError(index)
        return decode(get("clipspan_texts_get_text", self._at, index % count)) or ""

    @property
    def keys(self) -> list[str]:
        """[T] "" where a text has none."""
        return [decode(get("clipspan_texts_get_key", self._at, i)) or "" for i in range(len(self))]

    def __repr__(self) -> str:
        return f"<clipspan.Texts of {len(self)}>"


def read_texts(texts: Any) -> Texts:
    return texts if isinstance(texts, Texts) else Texts(texts)


def read_classes(classes: Any) -> Texts:
    """Texts; "dog,cat,horse" as on the command line, and files of classes."""
    if isinstance(classes, str) and "," in classes and not os.path.exists(classes):
        return Texts([item.strip() for item in classes.split(",")])
    if classes == "imagenet":
        return Texts(find_data("imagenet_classes.txt"))
    return read_texts(classes)


class Bank(Owner):
    """Named unit vectors [T, P], such as a zero-shot classifier."""

    _free = "clipspan_bank_free"

    @classmethod
    def from_vectors(cls, names: Any, vectors: "np.ndarray") -> "Bank":
        """vectors: [T, P] float, copied; names: T texts with or without keys (Texts). Errors: NaN or infinity in them."""
        texts = read_texts(names)
        array = take(vectors, "float", (len(texts), None), "vectors")
        return cls(native.new("clipspan_bank_new_vectors", texts._at, address(array), array.shape[1]))

    @classmethod
    def read(cls, path: PathLike, classes: Any) -> "Bank":
        """A classifier as the published programs keep it: .npy [P, classes], one class per column."""
        return cls(native.new("clipspan_bank_read", encode(path), read_classes(classes)._at))

    def write(self, path: PathLike, replace: bool = False) -> None:
        """float32 .npy [P, classes], one class per column. Errors: OutputExistsError unless `replace`."""
        call("clipspan_bank_write", encode(path), self._at, int(replace))

    def __len__(self) -> int:
        return get("clipspan_bank_get_count", self._at)

    @property
    def width(self) -> int:
        """P"""
        return get("clipspan_bank_get_width", self._at)

    @property
    def names(self) -> list[str]:
        return [decode(get("clipspan_bank_get_name", self._at, i)) or "" for i in range(len(self))]

    @property
    def keys(self) -> list[str]:
        return [decode(get("clipspan_bank_get_key", self._at, i)) or "" for i in range(len(self))]

    @property
    def vectors(self) -> "np.ndarray":
        """[T, P] float32, a read-only view."""
        return view(get("clipspan_bank_get_vectors", self._at), (len(self), self.width), "float", self._handle)

    def scores(self, embeddings: "np.ndarray", out: Optional["np.ndarray"] = None) -> "np.ndarray":
        """[B, T] cosines, -1 to 1, of unit vectors [B, P] with every vector."""
        array = take(embeddings, "float", (None, self.width), "embeddings")
        made = output(out, (len(array), len(self)), "float")
        call("clipspan_bank_run_scores", address(made), self._at, address(array), len(array))
        return made

    def __repr__(self) -> str:
        return f"<clipspan.Bank of {len(self)} vectors of {self.width}>"


class Embeddings(NamedTuple):
    """What embed_images gives when images may be skipped: vectors [B, P], zeros where `errors` has an image's number."""

    vectors: Any
    errors: dict[int, str]


class Encoder(Owner):
    """An image or text encoder with its workspace. Threads may share it: one call runs at a time."""

    _free = "clipspan_encoder_free"

    def __init__(self, model: "Model", modality: str = "image", precision: str = "f32", threads: int = 0,
                 single: bool = False, raw: bool = False, exif_orient: bool = False, max_pixels: int = 0) -> None:
        image = Options("clipspan_image_options", exif_orient=int(exif_orient), max_pixels=max_pixels)
        options = Options("clipspan_encoder_options", modality=modality, precision=precision, threads=threads,
                          single=int(single), raw=int(raw), image=image)
        super().__init__(native.new("clipspan_encoder_new", model._at, options.reference), (model,))
        self.model, self.modality = model, modality
        self.threads = threads or get("clipspan_default_threads")
        self._lock = threading.RLock()

    @property
    def workspace(self) -> int:
        """Bytes of its workspace."""
        return get("clipspan_encoder_get_workspace", self._at)

    @property
    def weights(self) -> int:
        """Bytes of packed weights, which encoders of one model share."""
        return get("clipspan_encoder_get_weights", self._at)

    def embed_pixels(self, pixels: "np.ndarray", out: Optional["np.ndarray"] = None) -> "np.ndarray":
        """[B, P] float32 of pixels [B, input_height, input_width, 3] uint8 as Model.pixels gives them. A row's bytes
        depend on its image alone. A dense array is read where it lies. One call into the library: Ctrl-C waits for it."""
        info = self.model.info
        array = take(pixels, "uint8_t", (None, info.input_height, info.input_width, 3), "pixels")
        made = output(out, (len(array), info.embed_width), "float")
        with self._lock:
            call("clipspan_encoder_run_pixels", address(made), self._at, address(array), len(array))
        return made

    def embed_files(self, paths: Images, skip: bool = False, progress: Progress = None) -> Any:
        """[B, P] float32 of image files. skip: images that cannot be used leave a row of zeros, and the result is
        Embeddings(vectors, errors); otherwise the first of them raises."""
        listed = list_images(paths)
        made = output(None, (len(listed), self.model.info.embed_width), "float")
        errors: dict[int, str] = {}
        piece = PIECE * self.threads
        bar = start_progress(progress, "images")
        try:
            for first in range(0, len(listed), piece):
                self._embed_piece(made[first:first + piece], listed[first:first + piece], first,
                                  errors if skip else None)
                bar.update(min(first + piece, len(listed)), len(listed))
        finally:
            bar.close()
        return Embeddings(made, errors) if skip else made

    def _embed_piece(self, made: Any, paths: list[str], first: int, errors: Optional[dict[int, str]]) -> None:
        slots = (native.make_struct("clipspan_error") * len(paths))() if errors is not None else None
        with self._lock:
            call("clipspan_encoder_run_files", address(made), slots, self._at, native.encode_list(paths), len(paths))
        for i, slot in enumerate(slots or ()):
            if slot.code and errors is not None:
                errors[first + i] = slot.message.decode("utf-8", "replace")

    def embed_tokens(self, tokens: "np.ndarray", progress: Progress = None) -> "np.ndarray":
        """[T, P] float32 of token ids [T, C] int32 as Model.tokens gives them."""
        array = take(tokens, "int32_t", (None, self.model.info.context_length), "tokens")
        made = output(None, (len(array), self.model.info.embed_width), "float")
        with self._lock:
            call_long("clipspan_encoder_run_tokens", address(made), self._at, address(array), len(array),
                      progress=progress, what="texts")
        return made

    def embed_texts(self, texts: Any, progress: Progress = None) -> "np.ndarray":
        """[T, P] float32 of texts."""
        listed = read_texts(texts)
        made = output(None, (len(listed), self.model.info.embed_width), "float")
        with self._lock:
            call_long("clipspan_encoder_run_texts", address(made), self._at, listed._at, progress=progress, what="texts")
        return made

    def ablate(self, heads: Any = (), z: Optional["np.ndarray"] = None) -> None:
        """From now on embed_pixels and embed_files mean-ablate these heads. z: [heads, K], what they mix instead
        (Run.mean_outputs). Without heads: the model as it is."""
        array, count = head_array(heads)
        given = None
        if count:
            given = take(z, "float", (count, self.model.info.image.head_width), "z")
        with self._lock:
            call("clipspan_encoder_set_heads", self._at, array if count else None, address(given), count)


class Decomposition(Owner):
    """What adds up to the embeddings of up to 32 images, or of one image by token (docs/math.md)."""

    _free = "clipspan_decomposition_free"

    def __init__(self, encoder: Encoder, images: Any, tokens: bool = False, layers: bool = False) -> None:
        """images: paths, or pixels [B, input_height, input_width, 3] uint8. tokens: of one image, for by_token. layers: of
        one image of a model with an attention pool, for the methods whose names begin with through_pool."""
        options = Options("clipspan_decomposition_options", tokens=int(tokens), layers=int(layers))
        super().__init__(native.new("clipspan_decomposition_new", encoder._at, options.reference), (encoder,))
        self.model = encoder.model
        info = self.model.info
        with encoder._lock:
            if hasattr(images, "__array_interface__"):
                array = take(images, "uint8_t", (None, info.input_height, info.input_width, 3), "images")
                call("clipspan_decomposition_run_pixels", self._at, address(array), len(array))
            else:
                paths = list_images(images)
                call("clipspan_decomposition_run_files", self._at, None, native.encode_list(paths), len(paths))

    def __len__(self) -> int:
        return get("clipspan_decomposition_get_count", self._at)

    @property
    def embeddings(self) -> "np.ndarray":
        """[B, P] unit vectors, a read-only view."""
        return view(get("clipspan_decomposition_get_embeddings", self._at), (len(self), self.model.info.embed_width),
                    "float", self._handle)

    def contributions(self, image: int = 0) -> dict[str, "np.ndarray"]:
        """Of one image: heads [L, H, P], layers [L, P], mlps [L + 1, P] (the class token as it enters the first layer,
        then the layers' MLPs), class_self_attention [L, P]. heads and mlps add up to the embedding. Where an attention
        pool reads the embedding, L and H are 1 and its heads (info.split_layers, split_heads)."""
        made = contribution_arrays(self.model.info)
        call("clipspan_decomposition_run_contributions", *[address(array) for array in made.values()], self._at, image)
        return made

    def by_token(self, layer: int, head: int) -> "np.ndarray":
        """[N, P] one head's contribution by the token that it reads, of the only image."""
        made = output(None, (self.model.info.tokens, self.model.info.embed_width), "float")
        call("clipspan_decomposition_run_tokens", address(made), self._at, layer, head)
        return made

    # ---- Through an attention pool: info.readout is "pool", made with layers=True ----

    def through_pool(self, gate: bool = False) -> dict[str, "np.ndarray"]:
        """Of the only image: heads [L, H, P] of all layers of the image encoder, and mlps [L + 2, P] (what enters the
        first layer, the layers' MLPs, the pool's), which add up to the embedding. The pool's attention and all
        LayerNorms are as they were for the image. gate: everything goes through the pool's MLP with its gates as they were,
        and its own part is what its biases leave; else that MLP is one opaque part. Errors: Error without a pool."""
        info = self.model.info
        layers, width = info.image.layers, info.embed_width
        made = {"heads": output(None, (layers, info.image.heads, width), "float"),
                "mlps": output(None, (layers + 2, width), "float")}
        call("clipspan_decomposition_run_layers", *[address(array) for array in made.values()], self._at, int(gate))
        return made

    def through_pool_by_token(self, layer: int, head: int, gate: bool = False) -> "np.ndarray":
        """[N, P] one head's part of through_pool by the patch that it comes from."""
        made = output(None, (self.model.info.tokens, self.model.info.embed_width), "float")
        call("clipspan_decomposition_run_layer_tokens", address(made), self._at, layer, head, int(gate))
        return made

    def through_pool_scores(self, direction: "np.ndarray", gate: bool = False) -> dict[str, "np.ndarray"]:
        """Inner products with a direction [P], such as a text's unit vector: heads [L, H, N] by source patch, and mlps
        [L + 2]; they add up to the similarity. Far cheaper than the vectors."""
        info = self.model.info
        layers = info.image.layers
        given = take(direction, "float", (info.embed_width,), "direction")
        made = {"heads": output(None, (layers, info.image.heads, info.tokens), "float"),
                "mlps": output(None, (layers + 2,), "float")}
        call("clipspan_decomposition_run_layer_scores", *[address(array) for array in made.values()], self._at,
             address(given), int(gate))
        return made

    @property
    def pool_mlp_share(self) -> float:
        """Squared length of what the pool's MLP adds, as a part of the embedding's."""
        share = ctypes.c_double()
        call("clipspan_decomposition_run_pool_mlp", ctypes.byref(share), self._at)
        return share.value

    def check(self, image: int = 0) -> float:
        """The largest difference between the sum of all contributions and the embedding: at most 1e-5 in float32."""
        off = ctypes.c_double()
        call("clipspan_decomposition_run_check", ctypes.byref(off), self._at, image)
        return off.value


class Stats(Owner):
    """Exact statistics of every head's contributions over any number of images, in float64."""

    _free = "clipspan_stats_free"

    def __init__(self, encoder: Encoder) -> None:
        super().__init__(native.new("clipspan_stats_new", encoder._at), (encoder,))
        self.model = encoder.model

    def add(self, decomposition: Decomposition) -> None:
        call("clipspan_stats_add", self._at, decomposition._at)

    def merge(self, other: "Stats") -> None:
        call("clipspan_stats_merge", self._at, other._at)

    def __len__(self) -> int:
        return get("clipspan_stats_get_count", self._at)

    def variance_shares(self) -> dict[str, "np.ndarray"]:
        """Shares of the embedding's variance: heads [L, H, 2], layers [L, 2], mlps [L + 1, 2],
        class_self_attention [L, 2]; the last axis is (share, variance), float64."""
        made = shares_arrays(self.model.info.split_layers, self.model.info.split_heads)
        call("clipspan_stats_run_variance_shares", *[address(array) for array in made.values()], self._at)
        return made

    def means(self) -> dict[str, "np.ndarray"]:
        """Mean contributions, shaped as Decomposition.contributions, and `embedding` [P]."""
        info = self.model.info
        made = {**contribution_arrays(info), "embedding": output(None, (info.embed_width,), "float")}
        call("clipspan_stats_run_means", *[address(array) for array in made.values()], self._at)
        return made

    def along(self, direction: "np.ndarray") -> tuple["np.ndarray", "np.ndarray"]:
        """Mean and variance [L, H] float64 of the inner products of contributions with a direction [P]."""
        info = self.model.info
        given = take(direction, "float", (info.embed_width,), "direction")
        made = [output(None, (info.split_layers, info.split_heads), "double") for _ in range(2)]
        call("clipspan_stats_run_direction", address(made[0]), address(made[1]), self._at, address(given))
        return made[0], made[1]


def contribution_arrays(info: Record) -> dict[str, Any]:
    layers, width = info.split_layers, info.embed_width
    return {"heads": output(None, (layers, info.split_heads, width), "float"),
            "layers": output(None, (layers, width), "float"), "mlps": output(None, (layers + 1, width), "float"),
            "class_self_attention": output(None, (layers, width), "float")}


def shares_arrays(layers: int, heads: int) -> dict[str, Any]:
    return {"heads": output(None, (layers, heads, 2), "double"), "layers": output(None, (layers, 2), "double"),
            "mlps": output(None, (layers + 1, 2), "double"),
            "class_self_attention": output(None, (layers, 2), "double")}


class Classification(Owner):
    """Images against classes: likeliest classes of each, accuracy by class and group with Wilson's 95 % intervals."""

    _free = "clipspan_classification_free"

    def __init__(self, bank: Bank, scale: float = 0.0, top: int = 0, bias: Optional[float] = None) -> None:
        """bias: Model.logit_bias of models whose probabilities are sigmoids, each class by itself."""
        options = Options("clipspan_classification_options", scale=scale, top=top, sigmoid=int(bias is not None),
                          bias=bias or 0.0)
        super().__init__(native.new("clipspan_classification_new", bank._at, options.reference), (bank,))
        self.bank = bank
        self.predictions = Table({name: [] for name in ("path", "label", "group", "class", "probability", "score",
                                                        "error")})

    def add(self, embeddings: "np.ndarray", paths: Optional[Sequence[str]] = None,
            labels: Optional[Sequence[str]] = None, groups: Optional[Sequence[str]] = None,
            errors: Optional[dict[int, str]] = None) -> None:
        """embeddings: [B, P] unit vectors; the others: [B], labels are keys or names of classes, "" for none."""
        array = take(embeddings, "float", (None, self.bank.width), "embeddings")
        slots = (native.make_struct("clipspan_error") * len(array))()
        for index, message in (errors or {}).items():
            slots[index].code, slots[index].message = -8, (encode(message) or b"")[:1500]
        lists = {name: native.encode_list(values) for name, values in
                 (("paths", paths), ("labels", labels), ("groups", groups)) if values is not None}
        batch = Options("clipspan_classification_batch", count=len(array), embeddings=array,
                        errors=slots if errors else None, **lists)
        call("clipspan_classification_add", self._at, batch.reference)
        rows = [self._row(i) for i in range(len(array))]
        self.predictions = Table.of([*self.predictions, *rows], self.predictions.columns)

    def _row(self, index: int) -> dict[str, Any]:
        found = record(get("clipspan_classification_get_prediction", self._at, index), "clipspan_prediction",
                       self._handle)
        best = found.likely[0] if found.likely else None
        return {"path": found.path, "label": found.label, "group": found.group, "error": found.error,
                "class": self.bank.names[best.index] if best else None,
                "probability": best.probability if best else None, "score": best.score if best else None}

    @property
    def info(self) -> Record:
        """clipspan_classification_info: images, accuracy, top5, class_mean, worst_group. It lives until the next add."""
        return record(get("clipspan_classification_get_info", self._at), "clipspan_classification_info", self._handle)

    def _rows(self, function: str, count: int) -> Table:
        rows = [record(get(function, self._at, i), "clipspan_classification_row", self._handle) for i in range(count)]
        return Table.of([{"name": row.name, **row.accuracy.as_dict()} for row in rows],
                        ["name", "images", "correct", "share", "low", "high"])

    @property
    def by_class(self) -> Table:
        return self._rows("clipspan_classification_get_class", self.info.classes)

    @property
    def by_group(self) -> Table:
        return self._rows("clipspan_classification_get_group", self.info.groups)

    def _repr_html_(self) -> str:
        return self.predictions._repr_html_()


class Model(Owner):
    """A checkpoint. Weights are read when the first encoder is made. Threads may share it."""

    _free = "clipspan_model_close"

    def __init__(self, name: PathLike, config: Optional[str] = None, quick_gelu: int = 0,
                 allow_nonfinite: bool = False) -> None:
        """name: a folder, a .safetensors file, a name in the local Hugging Face cache, or "demo"
        (clipspan_model_open). Errors: NotFoundError with the places looked at, Error."""
        options = Options("clipspan_model_options", config=config, quick_gelu=quick_gelu,
                          allow_nonfinite=int(allow_nonfinite))
        super().__init__(native.new("clipspan_model_open", encode(name), options.reference))
        self._start()

    @classmethod
    def _of(cls, at: Optional[int], kept: Any = None) -> "Model":
        made = cls.__new__(cls)
        Owner.__init__(made, at, () if kept is None else (kept,))
        made._start()
        return made

    def _start(self) -> None:
        self.info: Record = record(get("clipspan_model_get_info", self._at), "clipspan_model_info", self._handle)
        self._encoders: dict[Any, Encoder] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        self._encoders.clear()
        super().close()

    # ---- Facts ----

    @property
    def name(self) -> str:
        return self.info.name

    @property
    def tensors(self) -> Table:
        """Name, type, shape and bytes of every tensor."""
        rows = []
        for i in range(self.info.tensors):
            found = native.make_struct("clipspan_tensor_info")()
            call("clipspan_model_get_tensor", ctypes.byref(found), self._at, i)
            rows.append({"name": decode(found.name), "dtype": decode(found.dtype),
                         "shape": list(found.shape[:found.rank]), "bytes": found.bytes})
        return Table.of(rows, ["name", "dtype", "shape", "bytes"])

    @property
    def logit_scale(self) -> float:
        """exp of the checkpoint's logit_scale, by which cosines are multiplied before the softmax."""
        out = ctypes.c_float()
        call("clipspan_model_read_logit_scale", ctypes.byref(out), self._at)
        return out.value

    @property
    def logit_bias(self) -> Optional[float]:
        """The probability that an image and a text belong together is 1 / (1 + exp(-(logit_scale cosine + logit_bias))),
        where scores are sigmoids (SigLIP); None elsewhere."""
        if not self.info.has_logit_bias:
            return None
        out = ctypes.c_float()
        call("clipspan_model_read_logit_bias", ctypes.byref(out), self._at)
        return out.value

    def check(self, progress: Progress = None) -> dict[str, Any]:
        """Reads every weight: values, nan, inf, denormal (counts) and first_bad, the name of a tensor or ""."""
        found = native.make_struct("clipspan_model_check")()
        call_long("clipspan_model_run_check", ctypes.byref(found), self._at, progress=progress, what="bytes")
        return {"values": found.values, "nan": found.nan, "inf": found.inf, "denormal": found.denormal,
                "first_bad": decode(found.first_bad)}

    def hash(self, file: int = 0, progress: Progress = None) -> str:
        """SHA-256 of a weight file, 64 hexadecimal digits."""
        out = ctypes.create_string_buffer(65)
        call_long("clipspan_model_run_hash", out, self._at, file, progress=progress, what="bytes")
        return out.value.decode()

    def has_head(self, layer: int, head: int) -> bool:
        return bool(get("clipspan_model_has_head", self._at, layer, head))

    # ---- Inputs of encoders ----

    def pixels(self, images: Images, exif_orient: bool = False) -> "np.ndarray":
        """[B, input_height, input_width, 3] uint8: what the image encoder takes, resized and cropped as the checkpoint's
        family does. Works in forked workers too."""
        paths = list_images(images)
        options = Options("clipspan_image_options", exif_orient=int(exif_orient))
        made = output(None, (len(paths), self.info.input_height, self.info.input_width, 3), "uint8_t")
        for row, path in zip(made, paths):
            call("clipspan_pixels_read", address(row), self._at, encode(path), options.reference)
        return made

    def decode_pixels(self, data: bytes, name: str = "image") -> "np.ndarray":
        """[input_height, input_width, 3] uint8 of a whole JPEG, PNG or WebP file in memory. name: for messages."""
        made = output(None, (self.info.input_height, self.info.input_width, 3), "uint8_t")
        call("clipspan_pixels_decode", address(made), self._at, data, len(data), encode(name), None)
        return made

    def tokens(self, texts: Union[str, Iterable[str]]) -> "np.ndarray":
        """[T, C] int32 token ids, as open_clip's tokenizer gives them. Works in forked workers too."""
        listed = [texts] if isinstance(texts, str) else list(texts)
        made = output(None, (len(listed), self.info.context_length), "int32_t")
        for row, text in zip(made, listed):
            data = encode(text) or b""
            call("clipspan_tokens_encode", address(row), None, None, self._at, data, len(data))
        return made

    # ---- Encoders ----

    def encoder(self, modality: str = "image", precision: str = "f32", threads: int = 0, single: bool = False,
                raw: bool = False, exif_orient: bool = False) -> Encoder:
        """An encoder, made at the first call with these options and kept. precision: "f32" or "bf16"; threads 0: those
        of this process; single: all threads on one image; raw: embeddings before they are made unit vectors."""
        key = (modality, precision, threads, single, raw, exif_orient)
        with self._lock:
            if key not in self._encoders:
                made = Encoder.__new__(Encoder)
                Encoder.__init__(made, Model._same(self), *key)
                self._encoders[key] = made
            return self._encoders[key]

    @classmethod
    def _same(cls, model: "Model") -> "Model":
        """Another object for the same handle, so that a model and its encoders do not refer to each other."""
        made = cls.__new__(cls)
        made._held, made.info, made._encoders, made._lock = model._handle, model.info, {}, threading.Lock()
        return made

    def embed_images(self, images: Any, skip: bool = False, progress: Progress = None, **options: Any) -> Any:
        """[B, P] float32 unit vectors of image files, or of pixels [B, input_height, input_width, 3] uint8. options: as
        encoder(); skip: as Encoder.embed_files."""
        encoder = self.encoder("image", **options)
        if hasattr(images, "__array_interface__"):
            return encoder.embed_pixels(images)
        return encoder.embed_files(images, skip, progress)

    def embed_texts(self, texts: Any, progress: Progress = None, **options: Any) -> "np.ndarray":
        """[T, P] float32 unit vectors of texts (anything that Texts takes)."""
        return self.encoder("text", **options).embed_texts(texts, progress)

    def classifier(self, classes: Any, templates: Any = "openai", progress: Progress = None, threads: int = 0) -> Bank:
        """A zero-shot classifier as published: every class in every template, averaged. classes: names, "a,b,c", a file,
        (key, name) pairs or "imagenet"; templates: "openai" (80), "none", a file or a list with {}."""
        texts, patterns = read_classes(classes), read_texts(templates)
        encoder = self.encoder("text", threads=threads)
        with encoder._lock:
            return Bank(native.new_long("clipspan_bank_new_classes", encoder._at, texts._at, patterns._at,
                                        progress=progress, what="texts"))

    def bank(self, texts: Any, progress: Progress = None) -> Bank:
        """The vectors of texts under their names and keys, without templates."""
        return self.classifier(read_texts(texts), "none", progress)

    def classify(self, images: Images, classes: Any, templates: Any = "openai", labels: Optional[Sequence[str]] = None,
                 groups: Optional[Sequence[str]] = None, top: int = 0, progress: Progress = None) -> Classification:
        """Zero-shot classification of image files; those that cannot be read are counted and have their error."""
        bank = classes if isinstance(classes, Bank) else self.classifier(classes, templates, progress)
        paths = list_images(images)
        found = self.embed_images(paths, skip=True, progress=progress)
        made = Classification(bank, self.logit_scale, top, self.logit_bias)
        made.add(found.vectors, paths, labels, groups, found.errors)
        return made

    def decompose(self, images: Any, tokens: bool = False, layers: bool = False, **options: Any) -> Decomposition:
        """The contributions to the embeddings of up to 32 images (one with `tokens` or `layers`)."""
        return Decomposition(self.encoder("image", **options), images, tokens, layers)

    def paths(self, images: Any, texts: Any = None, direction: str = "texts", templates: Any = "none", threads: int = 0,
              progress: Progress = None, **options: Any) -> list["PathEffects"]:
        """Effects through later layers on similarities with texts, of image files or pixels: clipspan.PathEffects, one an
        image. options: as clipspan.Paths, which is the thing to keep for more calls. direction="random" needs no texts."""
        from ._paths import Paths
        from ._visuals import read_bank
        bank = read_bank(self, texts, templates) if texts is not None else None
        return Paths(self.encoder("image", threads=threads), bank, direction, **options).run(images, progress)

    # ---- What other modules compute ----

    def scan(self, images: Any, folder: PathLike, **options: Any) -> "Run":
        """Plans, scans and merges a run: clipspan.scan with this model."""
        from ._runs import scan
        return scan(self, images, folder, **options)

    def heatmap(self, image: PathLike, texts: Any, **options: Any) -> "Heatmap":
        """Where in the image is what the texts describe: clipspan.Heatmap."""
        from ._visuals import Heatmap
        return Heatmap(self, image, texts, **options)

    def explain(self, image: PathLike, texts: Any, **options: Any) -> "Explanation":
        """Why the image is similar to the texts: clipspan.Explanation."""
        from ._visuals import Explanation
        return Explanation(self, image, texts, **options)

    def segment(self, images: Images, masks: Images, texts: Any, **options: Any) -> "SegmentationResult":
        """Zero-shot masks beside ground truth: clipspan.SegmentationResult."""
        from ._visuals import SegmentationResult
        return SegmentationResult(self, images, masks, texts, **options)

    def write(self, folder: PathLike, heads: Any, z: "np.ndarray", remove: bool = False, replace: bool = False,
              progress: Progress = None) -> None:
        """The checkpoint with these heads mean-ablated in the weights. z: [heads, K] (Run.mean_outputs); remove: leaves
        them out of the tensors (clipspan_model_write)."""
        array, count = head_array(heads)
        given = take(z, "float", (count, self.info.image.head_width), "z")
        options = Options("clipspan_write_options", remove=int(remove), replace=int(replace))
        call_long("clipspan_model_write", encode(folder), self._at, array, address(given), count, options.reference,
                  progress=progress, what="bytes")

    def __repr__(self) -> str:
        image = self.info.image
        return f"<clipspan.Model {self.info.name}: {image.layers} layers of {image.heads} heads, P = {self.info.embed_width}>"


def open_model(name: PathLike, **options: Any) -> Model:
    """Opens a checkpoint: clipspan.Model."""
    return Model(name, **options)
