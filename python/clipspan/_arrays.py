# SPDX-License-Identifier: MIT
"""NumPy arrays in and out, without copies where that is safe. NumPy is imported when it is first needed."""
from __future__ import annotations

from typing import Any, Optional, Sequence

from ._native import ArgumentError

TYPES = {"float": "<f4", "double": "<f8", "uint8_t": "|u1", "uint16_t": "<u2", "uint32_t": "<u4", "uint64_t": "<u8",
         "int32_t": "<i4", "int64_t": "<i8", "size_t": "<u8", "int": "<i4"}


def numpy() -> Any:
    import numpy
    return numpy


class Memory:
    """Memory of the library as NumPy's array interface has it. The array that is made of it refers to this, and this to
    the handle whose memory it is: a view is good as long as it is there, whatever becomes of the rest."""

    __slots__ = ("__array_interface__", "owner")

    def __init__(self, address: int, shape: Sequence[int], kind: str, owner: Any) -> None:
        self.owner = owner
        self.__array_interface__ = {"data": (address, True), "shape": tuple(int(n) for n in shape),
                                    "typestr": TYPES[kind], "version": 3}


def view(address: Optional[int], shape: Sequence[int], kind: str, owner: Any) -> Any:
    """A read-only array over memory of `owner`, a Handle. None where there is none."""
    if not address:
        return None
    np = numpy()
    if 0 in shape:
        return np.empty(shape, TYPES[kind])
    return np.asarray(Memory(address, shape, kind, owner))


def take(array: Any, kind: str, shape: Sequence[Optional[int]], name: str) -> Any:
    """An argument as a dense array of that type; the caller's own where it is one already. None in shape: any length."""
    np = numpy()
    wanted = np.dtype(TYPES[kind])
    array = np.asarray(array)
    if array.dtype != wanted:
        if not np.can_cast(array.dtype, wanted, "same_kind"):
            raise ArgumentError(f"{name}: expected {wanted.name}, found {array.dtype.name}", "CLIPSPAN_E_ARGUMENT")
        array = array.astype(wanted)
    fits = array.ndim == len(shape) and all(n is None or n == m for n, m in zip(shape, array.shape))
    if not fits:
        expected = ", ".join("any" if n is None else str(n) for n in shape)
        raise ArgumentError(f"{name}: expected shape [{expected}], found {list(array.shape)}", "CLIPSPAN_E_ARGUMENT")
    return np.ascontiguousarray(array)


def output(out: Any, shape: Sequence[int], kind: str) -> Any:
    """The caller's array for results, or a new one."""
    np = numpy()
    if out is None:
        return np.empty(tuple(shape), TYPES[kind])
    right = (isinstance(out, np.ndarray) and out.dtype == np.dtype(TYPES[kind]) and out.shape == tuple(shape)
             and out.flags.c_contiguous and out.flags.writeable)
    if not right:
        raise ArgumentError(f"out: expected a dense, writeable {np.dtype(TYPES[kind]).name} array of shape "
                            f"{list(shape)}", "CLIPSPAN_E_ARGUMENT")
    return out


def address(array: Any) -> Optional[int]:
    return None if array is None else array.ctypes.data
