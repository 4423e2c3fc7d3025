# SPDX-License-Identifier: MIT
"""Progress of long calls: a bar of tqdm where that is installed, a line on a terminal where not, or a function."""
from __future__ import annotations

import sys
import time
from typing import Any, Callable, Union

# None: a bar as soon as a call takes longer than half a second. False: nothing. A function gets (done, total), and what
# it raises stops the call.
Progress = Union[None, bool, Callable[[int, int], Any]]
DELAY = 0.5


class NoBar:
    def update(self, done: int, total: int) -> None:
        pass

    def close(self) -> None:
        pass


class FunctionBar(NoBar):
    def __init__(self, function: Callable[[int, int], Any]) -> None:
        self.function = function

    def update(self, done: int, total: int) -> None:
        self.function(done, total)


class LateBar(NoBar):
    """Nothing for DELAY seconds, then a bar."""

    def __init__(self, what: str, at_once: bool) -> None:
        self.what = what
        self.start = time.monotonic() - (DELAY if at_once else 0.0)
        self.bar: Any = None
        self.shown = ""

    def open_bar(self, total: int) -> Any:
        try:
            from tqdm.auto import tqdm
        except ImportError:
            return False
        return tqdm(total=total, desc=self.what or None, leave=False)

    def update(self, done: int, total: int) -> None:
        if self.bar is None:
            if time.monotonic() - self.start < DELAY:
                return
            self.bar = self.open_bar(total)
        if self.bar is False:
            self.write_line(done, total)
        else:
            self.bar.total = total
            self.bar.update(done - self.bar.n)

    def write_line(self, done: int, total: int) -> None:
        line = f"{self.what} {done} of {total}"
        if sys.stderr is not None and sys.stderr.isatty() and line != self.shown:
            self.shown = line
            print(f"\r{line}", end="", file=sys.stderr, flush=True)

    def close(self) -> None:
        if self.bar is not None and self.bar is not False:
            self.bar.close()
        elif self.shown:
            print(f"\r{' ' * len(self.shown)}\r", end="", file=sys.stderr, flush=True)
        self.bar, self.shown = None, ""


def start_progress(progress: Progress, what: str) -> Any:
    if progress is False:
        return NoBar()
    if callable(progress):
        return FunctionBar(progress)
    return LateBar(what, progress is True)
