# SPDX-License-Identifier: MIT
"""Studies of a run: evaluation, effects, ablation, remedies for a spurious cue, search, edits, pruning
(include/clipspan/study.h, remedy.h, search.h, edit.h). What is computed is kept in the run for its report, as the program
does; `json` of a result is the document that the program prints."""
from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Iterable, Optional, Sequence, Union

from . import _native as native
from ._arrays import address, take, view
from ._atlases import Atlas, frame_page, read_page
from ._models import Bank, Encoder, Images, Model, PathLike, Texts, find_image, read_classes, read_texts
from ._native import ArgumentError, Error, Options, Owner, call, call_long, collect_text, decode, encode, get, read_enum
from ._progress import Progress
from ._records import Head, Record, head_array, read_array, read_head, record
from ._tables import Table

if TYPE_CHECKING:
    import numpy as np

    from ._runs import Run

COMPARED = ["name", "images", "before", "after", "change", "change_low", "change_high"]


def compare_row(name: str, found: Optional[Record]) -> dict[str, Any]:
    if found is None:
        return {"name": name}
    return {"name": name, "images": found.before.images, "before": found.before.share, "after": found.after.share,
            "change": found.change, "change_low": found.change_low, "change_high": found.change_high}


def keep(name: str, result: Owner, run: "Run", means: Optional["Run"]) -> None:
    """In the run, and in the one whose means took part, for their reports. A run that may not be written keeps nothing,
    which is said."""
    for one, other in ((run, means), (means, run)):
        if one is None:
            continue
        try:
            call(name, result._at, one._at, other._at if other is not None else None)
        except Error as error:
            native.warn(f"not kept for the run's report: {error}")


class Study(Owner):
    """A result with a JSON document: `json` as text, to the byte what the program prints; `document` as a dict."""

    _json = ""

    @property
    def json(self) -> str:
        return collect_text(lambda put: get(self._json, self._at, put, None))

    @property
    def document(self) -> dict[str, Any]:
        return json.loads(self.json)


class Evaluation(Owner):
    """A run's used images with classes, labels and groups, and what the model predicts. Figures are shares from 0 to 1
    with Wilson's 95 % intervals; where no image has a label, agreement with the unedited model."""

    _free = "clipspan_evaluation_free"

    def __init__(self, run: "Run", classes: Any, templates: Any = "openai", means: Optional["Run"] = None,
                 inputs: Any = None, labels: Any = None, groups: Any = None,
                 group_names: Sequence[str] = (), source: Optional[str] = None, model: Optional[Model] = None,
                 cue: Optional[str] = None, threads: int = 0, progress: Progress = None) -> None:
        """classes: a Bank, or what Model.classifier takes, with `templates`. means: the run whose means stand for
        components. inputs: Inputs whose labels and groups are taken, matched by path; or labels, groups: [used images]
        int, -1 for unknown. cue: "T1|T2;T3|T4", for Evaluation.remedy."""
        self.run, self.means, self._model = run, means, model
        self._threads = threads
        self.bank = classes if isinstance(classes, Bank) else self.model.classifier(classes, templates, progress, threads)
        self.cues = Cues(cue, self.model.encoder("text", threads=threads), self.bank) if cue else None
        directions = self.cues.directions if self.cues is not None else None
        effects = Options("clipspan_effects_options", cues=directions, cue_count=1 if cue else 0, threads=threads)
        count = run.info.used
        if labels is not None:
            labels = take(labels, "int32_t", (count,), "labels")
        if groups is not None:
            groups = take(groups, "int32_t", (count,), "groups")
        options = Options("clipspan_evaluation_options", means=means, inputs=inputs, labels=labels, groups=groups,
                          group_names=native.encode_list(group_names) if group_names else None,
                          group_count=len(group_names), source=source, effects=effects)
        at = native.new_long("clipspan_evaluation_new", run._at, self.bank._at, options.reference, progress=progress,
                             what="chunks")
        super().__init__(at, (run, *([means] if means is not None else [])))
        self.info: Record = record(get("clipspan_evaluation_get_info", self._at), "clipspan_evaluation_info",
                                   self._handle)

    @property
    def model(self) -> Model:
        """The run's model, opened when it is first needed."""
        if self._model is None:
            self._model = self.run.open_model()
        return self._model

    def _array(self, what: str, kind: str) -> "np.ndarray":
        return view(get(f"clipspan_evaluation_get_{what}", self._at), (self.info.images,), kind, self._handle)

    @property
    def labels(self) -> "np.ndarray":
        """[used images] int32 class, -1 for unknown (the predictions where none is known); a read-only view."""
        return self._array("labels", "int32_t")

    @property
    def groups(self) -> "np.ndarray":
        """[used images] int32 group, -1 for none; a read-only view."""
        return self._array("groups", "int32_t")

    @property
    def predicted(self) -> "np.ndarray":
        """[used images] uint32 class that the unedited model predicts; a read-only view."""
        return self._array("predicted", "uint32_t")

    @property
    def accuracy(self) -> Record:
        """images, correct, share, low, high."""
        return record(get("clipspan_evaluation_get_accuracy", self._at), "clipspan_share", self._handle)

    def _rows(self, what: str, names: Sequence[str]) -> Table:
        rows = [record(get(f"clipspan_evaluation_get_{what}", self._at, i), "clipspan_share", self._handle)
                for i in range(len(names))]
        return Table.of([{"name": name, **row.as_dict()} for name, row in zip(names, rows)],
                        ["name", "images", "correct", "share", "low", "high"])

    @property
    def by_class(self) -> Table:
        return self._rows("class", self.info.class_names)

    @property
    def by_group(self) -> Table:
        return self._rows("group", self.info.group_names)

    @property
    def worst_group(self) -> Optional[str]:
        """The group with the lowest accuracy; None without groups."""
        index = get("clipspan_evaluation_get_worst_group", self._at)
        return self.info.group_names[index] if index >= 0 else None

    def effects(self, pool: Optional[Bank] = None, pool_name: Optional[str] = None,
                layers: Optional[tuple[int, int]] = None, texts_per_head: int = 0, sequence_only: bool = False,
                progress: Progress = None) -> "Effects":
        """Accuracy with components mean-ablated: the published sequence, then one by one."""
        first, count = layers or (0, 0)
        options = Options("clipspan_effects_table_options", pool=pool, pool_name=pool_name, first_layer=first,
                          layers=count, texts_per_head=texts_per_head, threads=self._threads,
                          sequence_only=int(sequence_only))
        made = Effects(native.new_long("clipspan_effects_table_new", self._at, options.reference, progress=progress,
                                       what="edits"))
        keep("clipspan_effects_table_keep", made, self.run, self.means)
        return made

    def ablate(self, heads: Any = (), role: Optional[str] = None, mlps: bool = False, before: int = 0,
               random_sets: int = 0, resamples: int = 0, seed: int = 0, published: bool = False,
               progress: Progress = None) -> "Ablation":
        """Accuracy before and after mean-ablation of heads ("L3.H1,L3.H2", Head, pairs) or of those with a role, beside
        random sets of heads. before: heads of earlier layers too; random_sets, resamples: 0 default, -1 none."""
        array, count = self._read_changes(heads)
        atlas = Atlas.open(self.means if self.means is not None else self.run) if role else None
        options = Options("clipspan_ablation_options", changes=array, change_count=count, atlas=atlas, role=role,
                          mlps=int(mlps), before=before, random_sets=random_sets, resamples=resamples, seed=seed,
                          published=int(published))
        made = Ablation(native.new_long("clipspan_ablation_new", self._at, options.reference, progress=progress,
                                        what="random sets"))
        keep("clipspan_ablation_keep", made, self.run, self.means)
        return made

    @staticmethod
    def _read_changes(heads: Any) -> tuple[Any, int]:
        found, count = head_array(heads)
        array = (native.make_struct("clipspan_change") * max(count, 1))()
        for slot, head in zip(array, found[:count]):
            slot.layer, slot.head = head.layer, head.head
        return array, count

    def remedy(self, random_sets: int = 0, resamples: int = 0, seed: int = 0, published: bool = False,
               progress: Progress = None) -> "Remedy":
        """Heads that carry the cue, what is recommended without labels, and the accuracy with it: `clipspan shortcut`.
        The evaluation was made with `cue`."""
        if self.cues is None:
            raise ArgumentError('a remedy is for a spurious cue: evaluate(classes, cue="water;grass")',
                                "CLIPSPAN_E_ARGUMENT")
        options = Options("clipspan_remedy_options", cues=self.cues, random_sets=random_sets, resamples=resamples,
                          seed=seed, published=int(published))
        made = Remedy(native.new_long("clipspan_remedy_new", self._at, options.reference, progress=progress,
                                      what="pairs"))
        keep("clipspan_remedy_keep", made, self.run, self.means)
        return made

    def __repr__(self) -> str:
        share = self.accuracy
        return (f"<clipspan.Evaluation of {self.info.counted} images, {self.info.classes} classes: "
                f"{100 * share.share:.1f} % {'kept' if self.info.agreement else 'right'}>")

    def _repr_html_(self) -> str:
        return (self.by_group if self.info.groups else self.by_class)._repr_html_()


class Cues(Owner):
    """Directions of a spurious cue, "T1|T2;T3|T4"."""

    _free = "clipspan_cues_free"

    def __init__(self, words: str, encoder: Encoder, classes: Optional[Bank] = None) -> None:
        with encoder._lock:
            super().__init__(native.new("clipspan_cues_new", encode(words), encoder._at,
                                        classes._at if classes is not None else None))
        self._width = encoder.model.info.embed_width
        self.info: Record = record(get("clipspan_cues_get_info", self._at), "clipspan_cues_info", self._handle)

    @property
    def directions(self) -> "np.ndarray":
        """[count, P] float32, a read-only view."""
        return view(get("clipspan_cues_get_directions", self._at), (self.info.count, self._width), "float", self._handle)


class Effects(Study):
    """Accuracy with components mean-ablated, one row each; drops are against the first row."""

    _free = "clipspan_effects_table_free"
    _json = "clipspan_effects_table_write_json"

    @classmethod
    def open(cls, run: "Run") -> "Effects":
        """What the run keeps. Errors: NotFoundError."""
        return cls(native.new("clipspan_effects_table_open", run._at))

    @property
    def info(self) -> Record:
        return record(get("clipspan_effects_table_get_info", self._at), "clipspan_effects_table_info", self._handle)

    @property
    def table(self) -> Table:
        names = ["kind", "name", "layer", "head", "accuracy", "low", "high", "accuracy_drop", "margin", "margin_drop",
                 "worst", "worst_drop", "share", "variance", "correct", "texts_per_head", "texts"]
        rows = [record(get("clipspan_effects_table_get_row", self._at, i), "clipspan_effect", self._handle).as_dict()
                for i in range(self.info.rows)]
        return Table.of(rows, names)

    def _repr_html_(self) -> str:
        return self.table._repr_html_()


class Ablation(Study):
    """Accuracy before and after, with paired bootstrap intervals, beside random sets of heads."""

    _free = "clipspan_ablation_free"
    _json = "clipspan_ablation_write_json"

    @classmethod
    def open(cls, run: "Run") -> "Ablation":
        return cls(native.new("clipspan_ablation_open", run._at))

    @property
    def info(self) -> Record:
        return record(get("clipspan_ablation_get_info", self._at), "clipspan_ablation_info", self._handle)

    def _comparison(self, what: str, *index: int) -> Optional[Record]:
        return record(get(f"clipspan_ablation_get_{what}", self._at, *index), "clipspan_comparison", self._handle)

    @property
    def overall(self) -> Record:
        return self._comparison("overall")  # type: ignore[return-value]

    @property
    def worst(self) -> Optional[Record]:
        """Of the worst groups before and after; None without groups."""
        return self._comparison("worst")

    @property
    def random(self) -> Optional[Record]:
        """clipspan_random_sets, or None."""
        return record(get("clipspan_ablation_get_random", self._at), "clipspan_random_sets", self._handle)

    @property
    def table(self) -> Table:
        """All images, the worst group, every class and every group."""
        evaluation = self.info.evaluation
        rows = [compare_row("all images", self.overall), compare_row("worst group", self.worst)]
        rows += [compare_row(name, self._comparison("class", i)) for i, name in enumerate(evaluation.class_names)]
        rows += [compare_row(name, self._comparison("group", i)) for i, name in enumerate(evaluation.group_names)]
        return Table.of(rows, COMPARED)

    def _repr_html_(self) -> str:
        return self.table._repr_html_()


class Remedy(Study):
    """Heads that carry a spurious cue into a decision, what is recommended, and the accuracy with it."""

    _free = "clipspan_remedy_free"

    @classmethod
    def open(cls, run: "Run") -> "Remedy":
        return cls(native.new("clipspan_remedy_open", run._at))

    @property
    def json(self) -> str:
        return collect_text(lambda put: get("clipspan_remedy_write_json", self._at, 0, put, None))

    @property
    def info(self) -> Record:
        return record(get("clipspan_remedy_get_info", self._at), "clipspan_remedy_info", self._handle)

    def pair(self, pair: int = 0) -> Record:
        """clipspan_remedy_pair: classes, decision, and `why`, a sentence that says what is recommended."""
        found = record(get("clipspan_remedy_get_pair", self._at, pair), "clipspan_remedy_pair", self._handle)
        if found is None:
            raise IndexError(pair)
        return found

    def heads(self, pair: int = 0) -> Table:
        """The ranking: head, variance and the part that the cue explains, ratio, counteracts."""
        rows = [record(get("clipspan_remedy_get_head", self._at, pair, i), "clipspan_shortcut_head",
                       self._handle).as_dict() for i in range(self.pair(pair).heads)]
        return Table.of(rows, ["head", "variance", "explained", "ratio", "counteracts"])

    def remedies(self, pair: int = 0) -> Table:
        """What was tried: accuracy over all images and of the worst group, before and after."""
        rows = []
        for i in range(self.pair(pair).rows):
            row = record(get("clipspan_remedy_get_row", self._at, pair, i), "clipspan_remedy_row", self._handle)
            worst = row.worst
            rows.append({"name": row.name, "heads": row.heads, "correlation": row.correlation,
                         "accuracy": row.overall.after.share, "worst": worst.after.share if worst else None,
                         "worst_low": worst.after.low if worst else None,
                         "worst_high": worst.after.high if worst else None})
        return Table.of(rows, ["name", "heads", "correlation", "accuracy", "worst", "worst_low", "worst_high"])

    def _repr_html_(self) -> str:
        return "".join(f"<p>{self.pair(i).why}</p>{self.remedies(i)._repr_html_()}" for i in range(self.info.pairs))


# ---- Search ----

class Hits(Study):
    """The nearest images, the highest score first."""

    _free = "clipspan_hits_free"

    @property
    def json(self) -> str:
        return collect_text(lambda put: call("clipspan_hits_write_json", self._at, 0, put, None))

    @property
    def info(self) -> Record:
        return record(get("clipspan_hits_get_info", self._at), "clipspan_hits_info", self._handle)

    def __len__(self) -> int:
        return self.info.hits

    def __getitem__(self, index: int) -> Record:
        found = record(get("clipspan_hits_get_row", self._at, index), "clipspan_hits_row", self._handle)
        if found is None or index < 0:
            raise IndexError(index)
        return found

    @property
    def table(self) -> Table:
        names = ["score", "path", "label", "group", "index", "file", "why"]
        return Table.of([self[i].as_dict() for i in range(len(self))], names)

    def write(self, path: PathLike, replace: bool = False) -> None:
        """A contact sheet as one HTML file."""
        call("clipspan_hits_write", encode(path), self._at, int(replace))

    def _repr_html_(self) -> str:
        return frame_page(read_page(self.write))


def weigh(items: Any, weight: float) -> list[tuple[Any, float]]:
    """A query's items with their weights: one, several, or {item: weight}."""
    if isinstance(items, dict):
        return [(item, weight * value) for item, value in items.items()]
    many = [items] if isinstance(items, (str, int, os.PathLike)) or hasattr(items, "__array_interface__") else items
    return [(item, weight) for item in many]


def search(run: "Run", like: Any = (), unlike: Any = (), text: Any = (), heads: Any = None, role: Any = None,
           region: Optional[Sequence[float]] = None, top: int = 0, compare: str = "cosine", templates: Any = None,
           model: Optional[Model] = None, threads: int = 0, contributions: int = 0, no_duplicates: bool = False,
           others_only: bool = False, root: Optional[PathLike] = None, images_anywhere: bool = False,
           progress: Progress = None) -> Hits:
    """like, unlike: image files, images of the run by path or "#17", or its list indices as int, or a unit vector [P];
    text: texts. heads: whose contributions are compared; role: a role or {role: weight}; neither: the whole embedding.
    region: left, top, width, height in pixels of a query file. images_anywhere: files that a run of someone else lists are
    named for pages too."""
    items = [*weigh(like, 1.0), *weigh(unlike, -1.0)]
    files = [os.fspath(item) for item, _ in items if isinstance(item, (str, os.PathLike))]
    if model is None and (len(weigh(text, 1.0)) or any(os.path.isfile(find_image(item)) for item in files)):
        model = run.open_model(progress=progress)
    patterns = read_texts(templates) if templates is not None else None
    options = Options("clipspan_query_options", compare=compare, threads=threads, model=model, templates=patterns)
    query = Query(native.new("clipspan_query_new", run._at, options.reference),
                  [item for item in (run, model, patterns) if item is not None])
    if role is not None:
        atlas = Atlas.open(run)
        for name, weight in weigh(role, 1.0):
            call("clipspan_query_add_role", query._at, atlas._at, encode(name), weight)
    if heads is not None:
        array, count = head_array(heads)
        call("clipspan_query_add_heads", query._at, b"heads", array, count, 1.0)
    for item, weight in items:
        query.add(item, weight, region)
    for words, weight in weigh(text, 1.0):
        call("clipspan_query_add_text", query._at, encode(words), weight)
    hits = Options("clipspan_hits_options", top=top, contributions=contributions, no_duplicates=int(no_duplicates),
                   others_only=int(others_only), root=root, images_anywhere=int(images_anywhere))
    return Hits(native.new_long("clipspan_hits_new", query._at, hits.reference, progress=progress, what="chunks"))


class Query(Owner):
    _free = "clipspan_query_free"

    def add(self, item: Any, weight: float, region: Optional[Sequence[float]]) -> None:
        if isinstance(item, int):
            call("clipspan_query_add_stored", self._at, item, weight)
        elif hasattr(item, "__array_interface__"):
            array = take(item, "float", (None,), "vector")
            call("clipspan_query_add_vector", self._at, b"vector", address(array), weight)
        else:
            box = take(region, "double", (4,), "region") if region is not None else None
            call("clipspan_query_add_image", self._at, encode(find_image(item)), address(box), weight)


# ---- Edits ----

def edit_rows(check: int, count: int, owner: Any) -> Table:
    names = ["name", "heads", "distance_mean", "distance_median", "distance_largest", "moved_mean", "predicted",
             "network"]
    rows = []
    for row in read_array(get("clipspan_edit_check_get_rows", check), "clipspan_edit_check_row", count, owner):
        found = {name: getattr(row, name) for name in names}
        found["heads"] = [str(head) for head in found["heads"]]
        for name in ("predicted", "network"):
            found[name] = found[name].share if found[name] is not None else None
        rows.append(found)
    return Table.of(rows, names)


class EditCheck(Study):
    """The network with heads mean-ablated, beside the direct-effect prediction, over images of the run."""

    _free = "clipspan_edit_check_free"

    def __init__(self, run: "Run", heads: Any, classes: Optional[Bank] = None, images: int = 0, inputs: Any = None,
                 root: Optional[PathLike] = None, folder: Optional[PathLike] = None, remove: bool = False,
                 replace: bool = False, model: Optional[Model] = None, threads: int = 0, images_anywhere: bool = False,
                 progress: Progress = None) -> None:
        """heads: one set, or {name: heads}. folder: also writes the checkpoint of the first set there, and measures that.
        images: at most so many, 0: 256. images_anywhere: what a run of someone else lists is opened, wherever it is."""
        self._folder = folder
        opened = model if model is not None else run.open_model(progress=progress)
        sets = heads if isinstance(heads, dict) else {"heads": heads}
        arrays = {name: head_array(value) for name, value in sets.items()}
        structs = (native.make_struct("clipspan_head_set") * len(arrays))()
        for slot, (name, (array, count)) in zip(structs, arrays.items()):
            slot.name, slot.heads, slot.count = encode(name), native.ctypes.addressof(array), count
        options = Options("clipspan_edit_check_options", bank=classes, inputs=inputs, root=root, images=images,
                          threads=threads, images_anywhere=int(images_anywhere))
        at = native.new_long("clipspan_edit_check_new", opened._at, run._at, structs, len(structs), options.reference,
                             progress=progress, what="chunks")
        super().__init__(at, [item for item in (opened, run, classes, options) if item is not None])
        if folder is not None:
            write = Options("clipspan_write_options", remove=int(remove), replace=int(replace))
            call_long("clipspan_edit_check_write", self._at, encode(folder), write.reference, progress=progress,
                      what="bytes")
        call_long("clipspan_edit_check_run", self._at, encode(folder), progress=progress, what="images")

    @property
    def json(self) -> str:
        return collect_text(lambda put: call("clipspan_edit_check_write_json", self._at, encode(self._folder), 0, put,
                                             None))

    @property
    def info(self) -> Record:
        return record(get("clipspan_edit_check_get_info", self._at), "clipspan_edit_check_info", self._handle)

    @property
    def table(self) -> Table:
        return edit_rows(self._at, self.info.sets, self._handle)

    def _repr_html_(self) -> str:
        return self.table._repr_html_()


class Prune(Study):
    """Which heads the model can do without; `heads` go first."""

    _free = "clipspan_prune_free"

    def __init__(self, run: "Run", fraction: float = 0.25, order: str = "network", of_parameters: bool = False,
                 ranked: int = 0, images: int = 0, classes: Optional[Bank] = None, folder: Optional[PathLike] = None,
                 replace: bool = False, model: Optional[Model] = None, threads: int = 0, root: Optional[PathLike] = None,
                 images_anywhere: bool = False, progress: Progress = None) -> None:
        """fraction: of the heads, or of the image encoder's parameters. order: "network", "direct" or "path". folder: where
        the smaller checkpoint goes; None: none is written. root, images_anywhere: as EditCheck."""
        self._folder = folder
        opened = model if model is not None else run.open_model(progress=progress)
        check = Options("clipspan_edit_check_options", bank=classes, images=images, threads=threads, root=root,
                        images_anywhere=int(images_anywhere))
        options = Options("clipspan_prune_options", order=order, fraction=fraction, of_parameters=int(of_parameters),
                          ranked=ranked, check=check)
        super().__init__(native.new("clipspan_prune_new", opened._at, run._at, options.reference),
                         [item for item in (opened, run, classes, options) if item is not None])
        call_long("clipspan_prune_run", self._at, progress=progress, what="images")
        checked = get("clipspan_prune_get_check", self._at)
        if folder is not None:
            write = Options("clipspan_write_options", remove=1, replace=int(replace))
            call_long("clipspan_edit_check_write", checked, encode(folder), write.reference, progress=progress,
                      what="bytes")
        call_long("clipspan_edit_check_run", checked, encode(folder), progress=progress, what="images")
        if classes is not None:
            call("clipspan_prune_run_forecasts", self._at)

    @property
    def json(self) -> str:
        return collect_text(lambda put: call("clipspan_prune_write_json", self._at, encode(self._folder), 0, put, None))

    @property
    def info(self) -> Record:
        return record(get("clipspan_prune_get_info", self._at), "clipspan_prune_info", self._handle)

    @property
    def heads(self) -> list[Head]:
        """Those that go, first things first."""
        rows = read_array(get("clipspan_prune_get_rows", self._at), "clipspan_prune_row", self.info.chosen, self._handle)
        return [row.head for row in rows]

    @property
    def table(self) -> Table:
        return edit_rows(get("clipspan_prune_get_check", self._at), self.info.sets, self._handle)

    def _repr_html_(self) -> str:
        return self.table._repr_html_()
