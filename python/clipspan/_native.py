# SPDX-License-Identifier: MIT
"""The shared library: found, loaded at the first use, its functions and structs made from _declarations.py.

Nothing happens at import. A call that computes releases the GIL (ctypes does), stops when Ctrl-C is pressed and the
library offers to stop (its progress callback), and raises what it says as an exception with the same sentence."""
from __future__ import annotations

import ctypes
import functools
import os
import re
import sys
import threading
from pathlib import Path
from typing import Any, Callable, Iterable, Optional

from . import _declarations as declared
from ._progress import start_progress

SCALARS = {
    "int": ctypes.c_int, "unsigned": ctypes.c_uint, "size_t": ctypes.c_size_t, "float": ctypes.c_float,
    "double": ctypes.c_double, "uint8_t": ctypes.c_uint8, "uint16_t": ctypes.c_uint16, "uint32_t": ctypes.c_uint32,
    "uint64_t": ctypes.c_uint64, "int32_t": ctypes.c_int32, "int64_t": ctypes.c_int64, "char": ctypes.c_char,
    "void": None,
}
# What starts no threads and opens no database, so that a forked child may call it whatever its parent did.
WITHOUT_THREADS = re.compile(r"clipspan_(pixels|tokens|texts|png|data|mask|inputs)_|clipspan_model_(open|close|get)|"
                             r"clipspan_texts_(open|new|free)$")


class Error(Exception):
    """What the library refused or could not do: its own sentence, which names the file, tensor or option.

    status: the code's name, such as "CLIPSPAN_E_NOT_FOUND"."""

    def __init__(self, message: str, status: str = "CLIPSPAN_E_INTERNAL") -> None:
        super().__init__(message)
        self.status = status


class ArgumentError(Error, ValueError):
    """An argument or option is out of range (CLIPSPAN_E_ARGUMENT)."""


class NotFoundError(Error, FileNotFoundError):
    """No such file, model, tensor or name (CLIPSPAN_E_NOT_FOUND)."""

    __str__ = Exception.__str__


class OutputExistsError(Error, FileExistsError):
    """The output already exists and replace was not given (CLIPSPAN_E_EXISTS)."""

    __str__ = Exception.__str__


class OutOfMemoryError(Error, MemoryError):
    """CLIPSPAN_E_NOMEM."""


class FileError(Error, OSError):
    """A file could not be read or written (CLIPSPAN_E_IO, CLIPSPAN_E_WRITE)."""

    __str__ = Exception.__str__


KINDS = {"CLIPSPAN_E_ARGUMENT": ArgumentError, "CLIPSPAN_E_NOT_FOUND": NotFoundError,
         "CLIPSPAN_E_EXISTS": OutputExistsError, "CLIPSPAN_E_NOMEM": OutOfMemoryError, "CLIPSPAN_E_IO": FileError,
         "CLIPSPAN_E_WRITE": FileError}
STATUS_NAMES = {value: key for key, value in declared.ENUMS["clipspan_status"].items()}
INTERRUPTED = declared.ENUMS["clipspan_status"]["CLIPSPAN_E_INTERRUPTED"]


# ---- Types ----

def split_array(kind: str) -> tuple[str, int]:
    match = re.fullmatch(r"(.*?)\s*\[(\d+)\]", kind)
    return (match.group(1), int(match.group(2))) if match else (kind, 0)


def plain_name(kind: str) -> str:
    """"const clipspan_share *" -> "clipspan_share"."""
    return re.sub(r"\bconst\b|[*\s]", "", kind)


@functools.lru_cache(maxsize=None)
def make_type(kind: str) -> Any:
    """The ctypes type of a C type. Pointers are void pointers, but for const char *."""
    kind, length = split_array(kind)
    if "(*)" in kind:
        made: Any = ctypes.c_void_p
    elif kind == "const char *":
        made = ctypes.c_char_p
    elif kind.endswith("*") or kind.endswith("* const"):
        made = ctypes.c_void_p
    elif kind in declared.ENUMS:
        made = ctypes.c_int
    elif kind in declared.STRUCTS:
        made = make_struct(kind)
    else:
        made = SCALARS[kind]
    return made * length if length else made


@functools.lru_cache(maxsize=None)
def make_struct(name: str) -> Any:
    fields = [(key, make_type(kind)) for key, kind in declared.STRUCTS[name]]
    return type(name, (ctypes.Structure,), {"_fields_": fields, "__slots__": ()})


@functools.lru_cache(maxsize=None)
def make_callback(kind: str) -> Any:
    returns, arguments = re.fullmatch(r"(.*?)\s*\(\*\)\((.*)\)", kind).groups()  # type: ignore[union-attr]
    kinds = [ctypes.c_void_p if item.strip() == "const char *" else make_type(item.strip())
             for item in arguments.split(",")]
    return ctypes.CFUNCTYPE(make_type(returns), *kinds)


STEP = "int (*)(void *, size_t, size_t)"
PUT = "void (*)(void *, const char *, size_t)"
EACH = "int (*)(void *, const clipspan_run_image *)"


# ---- The library ----

def find_library() -> str:
    """CLIPSPAN_LIBRARY, else the one that lies in the package, else what the system's loader finds."""
    asked = os.environ.get("CLIPSPAN_LIBRARY")
    if asked:
        return asked
    beside = Path(__file__).with_name("libclipspan.so.0")
    return str(beside) if beside.exists() else "libclipspan.so.0"


class Library:
    """Functions by name, made when first called."""

    def __init__(self) -> None:
        path = find_library()
        try:
            self.handle = ctypes.CDLL(path)
        except OSError as error:
            raise ImportError(f"clipspan's shared library cannot be loaded: {error}. Install the wheel that "
                              "scripts/build-wheel makes, or set CLIPSPAN_LIBRARY to libclipspan.so.0") from None
        self.path = path
        self.functions: dict[str, Any] = {}
        self.check_version()
        self.limit_products()

    def check_version(self) -> None:
        from . import __version__
        self.handle.clipspan_version.restype = ctypes.c_char_p
        found = self.handle.clipspan_version().decode()
        if found != __version__:
            raise ImportError(f"{self.path} is clipspan {found}, and this package {__version__}: install both anew, "
                              "or unset CLIPSPAN_LIBRARY")

    def limit_products(self) -> None:
        """As the program does: one OpenBLAS thread while the library computes, oneDNN not above CLIPSPAN_CPU."""
        self.blas_set = getattr(self.handle, "openblas_set_num_threads", None)
        self.blas_get = getattr(self.handle, "openblas_get_num_threads", None)
        if os.environ.get("CLIPSPAN_CPU"):
            level = self.get("clipspan_cpu_level")().decode()
            if level != "avx512":
                os.environ["ONEDNN_MAX_CPU_ISA"] = "AVX2" if level == "avx2" else "SSE41"

    def get(self, name: str) -> Any:
        made = self.functions.get(name)
        if made is None:
            returns, arguments = declared.FUNCTIONS[name]
            made = getattr(self.handle, name)
            made.restype = make_type(returns)
            made.argtypes = [make_type(kind) for kind in arguments]
            self.functions[name] = made
        return made


@functools.lru_cache(maxsize=None)
def library() -> Library:
    return Library()


# ---- Processes ----

class Process:
    """Whether this process, or the one that it was forked from, has computed."""
    computed = False
    refused = False
    blas_lock = threading.Lock()
    blas_users = 0
    blas_before = 0


def after_fork() -> None:
    Process.refused = Process.refused or Process.computed
    Process.blas_lock = threading.Lock()
    Process.blas_users = 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=after_fork)

FORKED = ("this process was forked after clipspan had computed, and the library's threads do not follow a fork: start "
          'workers with the "spawn" method (torch.utils.data.DataLoader: multiprocessing_context="spawn"), or call '
          "clipspan in workers only. Reading pixels and token ids works in any worker")


def enter_computation() -> None:
    """OpenBLAS on one thread as long as any thread computes here; NumPy may use the same copy."""
    if Process.refused:
        raise Error(FORKED, "CLIPSPAN_E_UNSUPPORTED")
    Process.computed = True
    loaded = library()
    if loaded.blas_set is None or loaded.blas_get is None:
        return
    with Process.blas_lock:
        Process.blas_users += 1
        if Process.blas_users == 1:
            Process.blas_before = loaded.blas_get()
            if Process.blas_before != 1:
                loaded.blas_set(1)


def leave_computation() -> None:
    loaded = library()
    if loaded.blas_set is None or loaded.blas_get is None:
        return
    with Process.blas_lock:
        Process.blas_users -= 1
        if Process.blas_users == 0 and Process.blas_before != 1:
            loaded.blas_set(Process.blas_before)


# ---- Calls ----

def raise_error(error: Any, status: int) -> None:
    name = STATUS_NAMES.get(status, "CLIPSPAN_E_INTERNAL")
    message = bytes(error.message).decode("utf-8", "replace")
    raise KINDS.get(name, Error)(message, name)


def get(name: str, *arguments: Any) -> Any:
    """A call that cannot fail."""
    return library().get(name)(*arguments)


def call(name: str, *arguments: Any) -> None:
    """A call that returns a status; the error struct is its last argument and is given here."""
    error = make_struct("clipspan_error")()
    function = library().get(name)
    if WITHOUT_THREADS.match(name):
        status = function(*arguments, ctypes.byref(error))
    else:
        enter_computation()
        try:
            status = function(*arguments, ctypes.byref(error))
        finally:
            leave_computation()
    if status:
        raise_error(error, status)


class Step:
    """A progress callback: `clipspan_progress` for the library, a bar or a function for people. What is raised inside,
    KeyboardInterrupt above all, stops the library and is raised again behind it."""

    def __init__(self, progress: Any, what: str) -> None:
        self.bar = start_progress(progress, what)
        self.raised: Optional[BaseException] = None
        self.function = make_callback(STEP)(self.step)
        self.struct = make_struct("clipspan_progress")()
        self.struct.step = ctypes.cast(self.function, ctypes.c_void_p).value

    def step(self, _user: Any, done: int, total: int) -> int:
        try:
            self.bar.update(done, total)
        except BaseException as error:  # noqa: B902 - KeyboardInterrupt is no Exception
            self.raised = error
            return -1
        return 0


def call_long(name: str, *arguments: Any, progress: Any = None, what: str = "") -> None:
    """As call, for one whose last arguments are progress and error."""
    step = Step(progress, what)
    try:
        call(name, *arguments, ctypes.byref(step.struct))
    except Error:
        if step.raised is not None:
            raise step.raised from None
        raise
    finally:
        step.bar.close()
    if step.raised is not None:
        raise step.raised


def collect_text(write: Callable[[Any], None]) -> str:
    """What a `..._write_json` hands over piece by piece: write(put)."""
    pieces: list[bytes] = []
    put = make_callback(PUT)(lambda _to, text, size: pieces.append(ctypes.string_at(text, size)))
    write(put)
    return b"".join(pieces).decode("utf-8")


# ---- Arguments ----

def encode(text: Any) -> Optional[bytes]:
    if text is None or isinstance(text, bytes):
        return text
    return os.fsencode(text) if isinstance(text, os.PathLike) else str(text).encode("utf-8", "surrogateescape")


def decode(text: Optional[bytes]) -> Optional[str]:
    return None if text is None else text.decode("utf-8", "surrogateescape")


def encode_list(texts: Iterable[Any]) -> Any:
    """const char *const * of strings or paths."""
    items = [encode(text) for text in texts]
    return (ctypes.c_char_p * max(len(items), 1))(*items)


def read_enum(kind: str, value: Any) -> int:
    """A number, or the end of an enumerator's name in small letters: "bf16" of CLIPSPAN_BF16."""
    if isinstance(value, int):
        return int(value)
    members = declared.ENUMS[kind]
    wanted = re.sub(r"[^a-z0-9]+", "_", str(value).lower()).strip("_")
    wanted = {"float32": "f32", "bfloat16": "bf16", "float16": "f16"}.get(wanted, wanted)
    short = enum_words(kind)
    for number, word in short.items():
        if word == wanted:
            return number
    for name, number in members.items():
        if name.lower().endswith("_" + wanted):
            return number
    raise ArgumentError(f"expected one of {', '.join(short.values())}, found {value!r}", "CLIPSPAN_E_ARGUMENT")


@functools.lru_cache(maxsize=None)
def enum_words(kind: str) -> dict[int, str]:
    """{value: word}: the enumerators without what they all begin with, in small letters."""
    members = declared.ENUMS[kind]
    prefix = os.path.commonprefix([name if len(members) > 1 else "CLIPSPAN_" for name in members])
    prefix = prefix[:prefix.rfind("_") + 1]
    return {value: name[len(prefix):].lower() for name, value in members.items()}


class Options:
    """An options struct: `struct`, and what it points to for as long as this lives."""

    def __init__(self, struct: str, /, **given: Any) -> None:
        self.kept: list[Any] = []
        self.struct = make_struct(struct)()
        self.struct.struct_size = ctypes.sizeof(self.struct)
        kinds = dict(declared.STRUCTS[struct])
        for key, value in {**declared.DEFAULTS.get(struct, {}), **given}.items():
            if key not in kinds:
                raise TypeError(f"{struct} has no member {key}; there are {', '.join(list(kinds)[1:])}")
            if value is not None:
                setattr(self.struct, key, self.convert(kinds[key], value))

    def convert(self, kind: str, value: Any) -> Any:
        if kind == "const char *":
            return encode(value)
        if kind in declared.ENUMS:
            return read_enum(kind, value)
        if not kind.endswith("*"):
            return value
        self.kept.append(value)
        if isinstance(value, Options):
            return value.address
        if isinstance(value, (list, tuple)):
            value = encode_list(value)
            self.kept.append(value)
        if hasattr(value, "_handle"):
            self.kept.append(value._handle)
            return value._handle.address
        if hasattr(value, "__array_interface__"):
            return value.__array_interface__["data"][0]
        return ctypes.addressof(value) if isinstance(value, (ctypes.Structure, ctypes.Array)) else value

    @property
    def address(self) -> int:
        return ctypes.addressof(self.struct)

    @property
    def reference(self) -> Any:
        return ctypes.byref(self.struct)


# ---- Handles ----

class Handle:
    """What a constructor of the library gave, freed when nothing refers to it any more. parents: other handles that
    must outlive it, whatever their owners' close() says."""

    __slots__ = ("address", "free", "parents", "__weakref__")

    def __init__(self, address: int, free: str, parents: Iterable[Any] = ()) -> None:
        self.address = address
        self.free = library().get(free)
        self.parents = tuple(getattr(parent, "_handle", parent) for parent in parents)

    def __del__(self) -> None:
        if self.address and not Process.refused:
            self.free(ctypes.byref(ctypes.c_void_p(self.address)))
        self.address = 0


class Owner:
    """An object of this package that stands for a handle. Methods are called on its `_handle`."""

    _free = ""

    def __init__(self, address: Optional[int], parents: Iterable[Any] = ()) -> None:
        self._held: Optional[Handle] = Handle(address or 0, self._free, parents)

    @property
    def _handle(self) -> Handle:
        if self._held is None:
            raise ArgumentError(f"this {type(self).__name__} is closed", "CLIPSPAN_E_ARGUMENT")
        return self._held

    @property
    def _at(self) -> int:
        return self._handle.address

    def close(self) -> None:
        """Gives the handle back; it is freed as soon as nothing else needs it. Calling this is never necessary."""
        self._held = None

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


def new(name: str, *arguments: Any) -> Optional[int]:
    """A constructor without progress: the handle's address."""
    out = ctypes.c_void_p()
    call(name, ctypes.byref(out), *arguments)
    return out.value


def new_long(name: str, *arguments: Any, progress: Any = None, what: str = "") -> Optional[int]:
    out = ctypes.c_void_p()
    call_long(name, ctypes.byref(out), *arguments, progress=progress, what=what)
    return out.value


def is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def warn(message: str) -> None:
    import warnings
    warnings.warn(message, stacklevel=3)


def to_text(value: Any) -> str:
    return value if isinstance(value, str) else str(value)


if sys.maxsize < 2**63 - 1:
    raise ImportError("clipspan is built for 64-bit machines only")
