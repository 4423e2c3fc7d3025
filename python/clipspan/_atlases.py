# SPDX-License-Identifier: MIT
"""Atlases: basis texts and roles of a run's heads (include/clipspan/atlas.h), shown in a notebook as in the report."""
from __future__ import annotations

import base64
import ctypes
import html
import os
import tempfile
from typing import TYPE_CHECKING, Any, Iterator, Optional, Union

from . import _native as native
from ._models import Model, PathLike, Texts, read_texts
from ._native import Options, Owner, call, call_long, encode, get
from ._progress import Progress
from ._records import Head, HeadLike, Record, read_array, read_head, record
from ._tables import Table, format_cell

if TYPE_CHECKING:
    from ._runs import Run


def frame_page(page: str, height: int = 640) -> str:
    """A whole HTML page inside a notebook's output, apart from the notebook's own style."""
    return (f'<iframe srcdoc="{html.escape(page, quote=True)}" width="100%" height="{height}" '
            'style="border:1px solid #ccc" sandbox="allow-scripts"></iframe>')


def read_page(write: Any) -> str:
    """The text of a page that write(path) writes."""
    with tempfile.TemporaryDirectory(prefix="clipspan") as folder:
        path = os.path.join(folder, "page.html")
        write(path)
        with open(path, encoding="utf-8") as file:
            return file.read()


class AtlasHead:
    """One head of an atlas: everything of clipspan_atlas_head, and its texts as words."""

    def __init__(self, atlas: "Atlas", found: Record) -> None:
        self.atlas = atlas
        self.record = found

    def __getattr__(self, name: str) -> Any:
        return getattr(self.record, name)

    @property
    def head(self) -> Head:
        return self.record.head

    @property
    def outcome(self) -> str:
        """"role", "leaning", "ambiguous", "none" or "too_few_images"."""
        return self.record.role.outcome

    @property
    def category(self) -> Optional[str]:
        """What its role is, or what it leans to; None for neither."""
        return self.record.role.category[0] if self.outcome in ("role", "leaning") else None

    @property
    def texts(self) -> Table:
        """Its basis texts: text, category, share of the head's variance, cumulated, and that of control texts."""
        texts = self.atlas.texts
        rows = []
        for item in self.record.basis_text:
            index = item.basis_text.text
            rows.append({"text": texts["text"][index], "category": texts["category"][index],
                         "share": item.basis_text.share, "cumulated": item.cumulated,
                         "control": item.control_cumulated, "stability": item.basis_text.any_place})
        return Table.of(rows, ["text", "category", "share", "cumulated", "control", "stability"], str(self.head))

    def extremes(self, which: str = "top") -> Table:
        """Images at the top or bottom of the first basis text: path, label, projection."""
        images = self.atlas.images
        return Table.of([{**{name: images[name][item.image] for name in ("path", "label", "run_index")},
                          "projection": item.projection} for item in getattr(self.record, which)],
                        ["path", "label", "projection", "run_index"])

    def _sentence(self) -> str:
        role = self.record.role
        if self.category is None:
            return {"ambiguous": "categories stand out, and two of them alike", "none": "no category stands out",
                    "too_few_images": "too few images to tell"}.get(self.outcome, self.outcome)
        verb = "role" if self.outcome == "role" else "leans to"
        return (f"{verb} {self.category}: its texts explain {100 * role.explained_variance[0]:.0f} % of the head's variance, "
                f"control texts {100 * max(role.control_variance, 0):.0f} %; q = {role.q:.2g}")

    def _thumbnails(self, which: str) -> str:
        cells = []
        for row in self.extremes(which):
            picture = draw_thumbnail(self.atlas.path_of(row["path"]))
            name = html.escape(os.path.basename(row["path"] or ""))
            cells.append(f'<img src="{picture}" title="{name}" width="64">' if picture else name)
        return f"<p>{which}: {' '.join(cells)}</p>" if cells else ""

    def _repr_html_(self) -> str:
        return (f"<h4>{self.head}</h4><p>{html.escape(self._sentence())}</p>"
                + self._thumbnails("top") + self._thumbnails("bottom") + self.texts[:10]._repr_html_())

    def __repr__(self) -> str:
        return f"<{self.head}: {self._sentence()}>"


def draw_thumbnail(path: str) -> str:
    """An image file as a data address; "" where it is gone or no format that pages show."""
    kinds = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp"}
    kind = kinds.get(os.path.splitext(path)[1].lower())
    if not kind or not os.path.isfile(path) or os.path.getsize(path) > 4 << 20:
        return ""
    with open(path, "rb") as file:
        return f"data:image/{kind};base64,{base64.b64encode(file.read()).decode()}"


class Atlas(Owner):
    """What a run's heads are about, for one text pool. Kept in the run, so that it is computed once."""

    _free = "clipspan_atlas_free"

    def __init__(self, run: "Run", texts: Any = None, name: Optional[str] = None, model: Any = None,
                 layers: Optional[tuple[int, int]] = None, basis_texts: int = 0, rank: int = 0, resamples: int = 0,
                 seed: int = 0, threads: int = 0, again: bool = False, as_main: bool = False, fdr: float = 0.0,
                 rotations: int = 0, control_texts: Any = None, control_pools: int = 0, progress: Progress = None) -> None:
        """texts: the pool, a set such as "demo" or a file or (category, text) pairs; None: "general". name: what it is
        called in the run. model: the run's, where it was moved or is open. layers: (first, count). The rest as
        clipspan_atlas_options."""
        pool = read_texts(texts) if texts is not None else None
        control = read_texts(control_texts) if control_texts is not None else None
        if name is None and isinstance(texts, (str, os.PathLike)):
            name = os.path.splitext(os.path.basename(os.fspath(texts)))[0]
        opened = model if isinstance(model, Model) else None
        first, count = layers or (0, 0)
        options = Options("clipspan_atlas_options", name=name, texts=pool, control_texts=control, opened=opened,
                          model=None if opened else model, first_layer=first, layers=count, basis_texts=basis_texts,
                          rank=rank, resamples=resamples, seed=seed, threads=threads, again=int(again),
                          as_main=int(as_main), fdr=fdr, rotations=rotations, control_pools=control_pools)
        at = native.new_long("clipspan_atlas_new", run._at, options.reference, progress=progress, what="texts and heads")
        self._start(at, run)

    @classmethod
    def open(cls, run: "Run", name: Optional[str] = None) -> "Atlas":
        """What the run keeps under that name of a pool; None: its main pool. Errors: NotFoundError with the names."""
        made = cls.__new__(cls)
        made._start(native.new("clipspan_atlas_open", run._at, encode(name)), run)
        return made

    def _start(self, at: Optional[int], run: "Run") -> None:
        Owner.__init__(self, at, (run,))
        self.run = run
        self.info: Record = record(get("clipspan_atlas_get_info", self._at), "clipspan_atlas_info", self._handle)
        self._tables: dict[str, Table] = {}

    def _array(self, what: str, kind: str, count: int) -> tuple[Any, ...]:
        return read_array(get(f"clipspan_atlas_get_{what}", self._at), kind, count, self._handle)

    @property
    def heads(self) -> list[AtlasHead]:
        """By layer, then head."""
        return [AtlasHead(self, found) for found in self._array("heads", "clipspan_atlas_head", self.info.heads)]

    @property
    def layers(self) -> tuple[Record, ...]:
        return self._array("layers", "clipspan_atlas_layer", self.info.run.layers)

    @property
    def texts(self) -> Table:
        """Texts that some basis text names: text, category, heads, best."""
        if "texts" not in self._tables:
            rows = [row.as_dict() for row in self._array("texts", "clipspan_atlas_text", self.info.texts)]
            self._tables["texts"] = Table.of(rows, ["text", "category", "heads", "best", "best_head"])
        return self._tables["texts"]

    @property
    def images(self) -> Table:
        """Images at some basis text's end: run_index, list_index, path, file, label."""
        if "images" not in self._tables:
            rows = [row.as_dict() for row in self._array("images", "clipspan_atlas_image", self.info.images)]
            self._tables["images"] = Table.of(rows, ["run_index", "list_index", "path", "file", "label"])
        return self._tables["images"]

    def path_of(self, path: str) -> str:
        return path if os.path.isabs(path) else os.path.join(self.info.folder or "", path)

    def __getitem__(self, head: HeadLike) -> AtlasHead:
        wanted = read_head(head)
        for found in self.heads:
            if found.head == wanted:
                return found
        raise KeyError(f"{wanted} is not in this atlas, which has layers {self.info.first_layer} to "
                       f"{self.info.last_layer} of {self.info.run.heads} heads")

    def __iter__(self) -> Iterator[AtlasHead]:
        return iter(self.heads)

    def __len__(self) -> int:
        return self.info.heads

    @property
    def table(self) -> Table:
        """head, outcome, category, explained (variance, 0 to 1), control, q, share (of the embedding's variance), weight,
        text (the first basis text), by weight."""
        rows = []
        for found in sorted(self.heads, key=lambda item: -item.record.weight):
            role, first = found.record.role, found.texts["text"][:1]
            rows.append({"head": str(found.head), "outcome": found.outcome, "category": found.category,
                         "explained": role.explained_variance[0], "control": role.control_variance, "q": role.q,
                         "share": found.record.variance_share.share, "weight": found.record.weight,
                         "text": first[0] if first else None})
        return Table.of(rows, ["head", "outcome", "category", "explained", "control", "q", "share", "weight", "text"])

    def find_heads(self, role: str, leanings: bool = False) -> list[Head]:
        """The heads whose role it is; with leanings those too that lean to it. Errors: ArgumentError with the roles."""
        count = ctypes.c_size_t()
        heads = (native.make_struct("clipspan_head") * max(self.info.heads, 1))()
        call("clipspan_atlas_find_heads", heads, ctypes.byref(count), len(heads), self._at, encode(role), int(leanings))
        return [Head(item.layer, item.head) for item in heads[:count.value]]

    def report(self, path: PathLike, replace: bool = False, images: bool = True, note: Optional[str] = None,
               root: Optional[PathLike] = None, images_anywhere: bool = False, paths: bool = False, threads: int = 0,
               progress: Progress = None) -> None:
        """One self-contained HTML page, with what the run keeps of studies. root: where relative paths of images start
        now; images_anywhere: what a run of someone else lists is opened, wherever it is; paths: absolute paths are
        in the page, which without them may be passed on."""
        options = Options("clipspan_report_options", root=root, no_images=int(not images), replace=int(replace),
                          threads=threads, note=note, run=self.run, images_anywhere=int(images_anywhere),
                          paths=int(paths))
        call_long("clipspan_report_write", encode(path), self._at, options.reference, progress=progress, what="images")

    def export_texts(self, path: PathLike, replace: bool = False) -> None:
        """The published program's list of basis texts (clipspan_atlas_export)."""
        options = Options("clipspan_export_options", replace=int(replace))
        call("clipspan_atlas_export", encode(path), None, self._at, options.reference)

    def _repr_html_(self) -> str:
        return frame_page(read_page(lambda path: self.report(path, progress=False)))

    def __repr__(self) -> str:
        info = self.info
        return (f"<clipspan.Atlas of {info.heads} heads by {info.pool}: {info.role} roles, {info.leaning} leanings, at most "
                f"{info.expected_false_claims:.2f} of them false>")
