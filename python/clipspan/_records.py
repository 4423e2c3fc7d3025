# SPDX-License-Identifier: MIT
"""Result structs of the library as objects whose attributes are read when asked for: texts as str, heads as Head, numbers
as they are, enumerators as small words, structs behind pointers as further records, arrays as read-only NumPy views.
A record keeps what it reads from alive."""
from __future__ import annotations

import ctypes
import math
from typing import Any, Iterator, NamedTuple, Optional, Union

from . import _declarations as declared
from ._arrays import TYPES, view
from ._native import (ArgumentError, decode, enum_words, make_struct, make_type, plain_name,
                      split_array)


class Head(NamedTuple):
    """An attention head of the image encoder, numbered from 0; str() gives the program's name of it, "L22.H11"."""

    layer: int
    head: int

    def __str__(self) -> str:
        return f"L{self.layer}.H{self.head}"


# Lengths of arrays behind pointers, as members of the same struct (or numbers): whatever is not here is one struct.
# tests/python/test_declarations.py fails for a member of a result that is in neither list.
ARRAYS: dict[str, dict[str, tuple[Union[str, int], ...]]] = {
    "clipspan_atlas_head": {"basis_text": ("basis_texts",), "top": ("top_count",), "bottom": ("bottom_count",)},
    "clipspan_atlas_info": {"counts": ("count_kinds",)},
    "clipspan_basis_text": {"runner_up": ("runners_up",), "near_duplicate": ("near_duplicates",)},
    "clipspan_edit_check_info": {"reasons": ("reason_count",)},
    "clipspan_edit_check_row": {"heads": ("count",)},
    "clipspan_head_set": {"heads": ("count",)},
    "clipspan_evaluation_info": {"class_names": ("classes",), "group_names": ("groups",)},
    "clipspan_explanation_info": {
        "names": ("texts",), "order": ("texts",), "similarity": ("texts",), "value": ("texts",),
        "attention": ("texts", "layers"), "class_self_attention": ("texts", "layers"), "mlp": ("texts", "layers+1"),
        "head": ("texts", "layers", "heads"), "token": ("texts", "tokens"),
        "map": ("texts", "layers", "heads", "tokens")},
    "clipspan_finding": {"head": ("heads",), "role": ("roles",), "patch": ("patches",)},
    "clipspan_hits_row": {"contributions": ("contribution_count",)},
    "clipspan_joint_row": {"cell": ("cells",)},
    "clipspan_prediction": {"likely": ("count",)},
    "clipspan_query_group": {"heads": ("head_count",)},
    "clipspan_random_sets": {"heads": ("sets", "heads_of_set"), "accuracy": ("sets",), "worst": ("sets",),
                             "best_heads": ("heads_of_set",)},
}
SINGLES = {
    "clipspan_ablation_info": ["evaluation"],
    "clipspan_atlas_basis_text": ["basis_text"],
    "clipspan_atlas_head": ["variance_share", "role"],
    "clipspan_atlas_info": ["run", "input"],
    "clipspan_atlas_layer": ["attention", "class_self_attention", "mlp"],
    "clipspan_classification_info": ["accuracy", "top5"],
    "clipspan_classification_row": ["accuracy"],
    "clipspan_comparison": ["before", "after"],
    "clipspan_edit_check_info": ["before"],
    "clipspan_edit_check_row": ["predicted", "network"],
    "clipspan_effects_table_info": ["evaluation"],
    "clipspan_finding": ["highest"],
    "clipspan_finding_head": ["known"],
    "clipspan_model_info": ["image", "text"],
    "clipspan_prune_forecast": ["predicted", "network", "direct"],
    "clipspan_random_sets": ["overall", "worst_group", "best_overall", "best_worst"],
    "clipspan_remedy_info": ["evaluation", "cue"],
    "clipspan_remedy_pair": ["decision"],
    "clipspan_remedy_row": ["overall", "worst"],
    "clipspan_remedy_side": ["overall"],
}
# Of the caller's, and whose arrays need a length that the struct does not have: left out of records, given by methods.
ELSEWHERE = {
    "clipspan_classification_batch": None, "clipspan_edit": None, "clipspan_run_arrays": None, "clipspan_tensor": None,
    "clipspan_weight_change": None, "clipspan_progress": None, "clipspan_segmentation_last": ["grid", "map"],
    "clipspan_joint_cell": ["map"], "clipspan_finding": ["every"], "clipspan_paths_result": None,
}
FLAGS = {"has_text", "has_ln_pre", "merged", "has_labels", "has_groups", "minor", "removed", "agreement", "surgery",
         "leaning", "counteracts", "eligible", "against_rest", "found", "first_side", "whole", "kept", "is_text",
         "has_region", "concentrated", "of_run", "last_layer", "labelled", "convert_first", "floor_crop", "class_token", "has_logit_bias", "own",
         "sigmoid", "exif_orient"}
# Members of these names that are counts or numbers elsewhere.
COUNTS = {("clipspan_remedy_forecast", "kept"), ("clipspan_remedy_side", "kept"), ("clipspan_atlas_info", "removed"),
          ("clipspan_atlas_info", "leaning"), ("clipspan_atlas_info", "minor"), ("clipspan_atlas_layer", "leaning"),
          ("clipspan_atlas_info", "last_layer"), ("clipspan_run_info", "last_layer"),
          ("clipspan_edit_check_info", "labelled"), ("clipspan_random_figure", "kept")}


class Record:
    """A struct of the library. Attributes are its members, which the header of its kind describes."""

    __slots__ = ("_struct", "_kind", "_owner", "_kinds")

    def __init__(self, address: int, kind: str, owner: Any) -> None:
        object.__setattr__(self, "_struct", make_struct(kind).from_address(address))
        object.__setattr__(self, "_kind", kind)
        object.__setattr__(self, "_owner", owner)
        object.__setattr__(self, "_kinds", dict(declared.STRUCTS[kind]))

    def __getattr__(self, name: str) -> Any:
        kind = self._kinds.get(name)
        if kind is None or name in (ELSEWHERE.get(self._kind) or ()):
            raise AttributeError(f"{self._kind} has no member {name!r}; there are {', '.join(self._kinds)}")
        return self._read(name, kind)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("results are read only")

    def _read(self, name: str, kind: str) -> Any:
        value = getattr(self._struct, name)
        base, length = split_array(kind)
        if length:
            if base == "char":
                return value.decode("utf-8", "replace")
            return tuple(decode(item) if base == "const char *" else item for item in value)
        if kind == "const char *":
            return decode(value)
        if kind in declared.ENUMS:
            return enum_words(kind).get(value, value)
        if kind == "clipspan_head":
            return Head(value.layer, value.head)
        if kind in declared.STRUCTS:
            return Record(ctypes.addressof(value), kind, (self._owner, self._struct))
        if kind.endswith("*"):
            return self._follow(name, kind, value)
        if kind == "int" and name in FLAGS and (self._kind, name) not in COUNTS:
            return bool(value)
        return value

    def _follow(self, name: str, kind: str, address: Optional[int]) -> Any:
        base = plain_name(kind)
        if name not in ARRAYS.get(self._kind, {}):
            return Record(address, base, self._owner) if address else None
        shape = [self._length(item) for item in ARRAYS[self._kind][name]]
        if base in TYPES:
            return view(address, shape, base, self._owner)
        if not address:
            return None if kind.endswith("**") else ()
        if kind == "const char *const *":
            return tuple(decode(item) for item in (ctypes.c_char_p * shape[0]).from_address(address))
        items = read_array(address, base, math.prod(shape), self._owner)
        if len(shape) == 2:
            return tuple(tuple(items[i * shape[1]:(i + 1) * shape[1]]) for i in range(shape[0]))
        return items

    def _length(self, item: Union[str, int]) -> int:
        if isinstance(item, int):
            return item
        name, _, more = item.partition("+")
        return int(getattr(self._struct, name)) + int(more or 0)

    def as_dict(self) -> dict[str, Any]:
        """All members, those of structs within as dicts too."""
        return {name: plain(getattr(self, name)) for name in self}

    def __iter__(self) -> Iterator[str]:
        hidden = ELSEWHERE.get(self._kind) or ()
        return (name for name in self._kinds if name not in hidden)

    def __dir__(self) -> list[str]:
        return [*self, "as_dict"]

    def __repr__(self) -> str:
        short = [f"{name}={value!r}" for name, value in ((name, getattr(self, name)) for name in self)
                 if isinstance(value, (str, int, float, bool, Head))]
        return f"{self._kind.replace('clipspan_', '')}({', '.join(short)})"


def plain(value: Any) -> Any:
    if isinstance(value, Record):
        return value.as_dict()
    if isinstance(value, tuple) and not isinstance(value, Head):
        return tuple(plain(item) for item in value)
    return value


def read_array(address: Optional[int], kind: str, count: int, owner: Any) -> tuple[Any, ...]:
    """[count] structs one after the other."""
    if not address:
        return ()
    size = ctypes.sizeof(make_type(kind))
    if kind == "clipspan_head":
        return tuple(Head(item.layer, item.head) for item in (make_struct(kind) * count).from_address(address))
    return tuple(Record(address + i * size, kind, owner) for i in range(count))


def record(address: Optional[int], kind: str, owner: Any) -> Any:
    return Record(address, kind, owner) if address else None


# ---- Heads that callers name ----

HeadLike = Union[Head, tuple, str]


def read_head(value: HeadLike) -> Head:
    """Head(22, 11), (22, 11) or "L22.H11"."""
    if isinstance(value, str):
        layer, dot, head = value.strip().upper().partition(".")
        if not (dot and layer[:1] == "L" and head[:1] == "H" and layer[1:].isdigit() and head[1:].isdigit()):
            raise ArgumentError(f'expected a head such as "L22.H11", found {value!r}', "CLIPSPAN_E_ARGUMENT")
        return Head(int(layer[1:]), int(head[1:]))
    layer, head = value
    return Head(int(layer), int(head))


def head_array(heads: Any) -> tuple[Any, int]:
    """const clipspan_head *, count. "L22.H11,L23.H0" is a list too."""
    if isinstance(heads, str):
        heads = heads.split(",")
    made = [read_head(item) for item in heads]
    array = (make_struct("clipspan_head") * max(len(made), 1))()
    for slot, head in zip(array, made):
        slot.layer, slot.head = head
    return array, len(made)
