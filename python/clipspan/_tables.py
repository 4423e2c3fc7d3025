# SPDX-License-Identifier: MIT
"""Tables: named columns of one length, which print as text and in a notebook, and become a pandas DataFrame."""
from __future__ import annotations

import html
import math
from typing import Any, Iterable, Iterator, Mapping, Sequence, Union

SHOWN = 60  # rows of a longer table that are displayed


def format_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.4g}"
    return str(value)


class Table:
    """Columns by name. table["column"] is a list, table[3] a dict, len() the number of rows."""

    def __init__(self, columns: Mapping[str, Sequence[Any]], title: str = "") -> None:
        self._columns = {name: list(values) for name, values in columns.items()}
        self.title = title
        if len({len(values) for values in self._columns.values()}) > 1:
            raise ValueError("columns of a table have one length")

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]], names: Sequence[str], title: str = "") -> "Table":
        listed = list(rows)
        return cls({name: [row.get(name) for row in listed] for name in names}, title)

    @property
    def columns(self) -> list[str]:
        return list(self._columns)

    def __len__(self) -> int:
        return len(next(iter(self._columns.values()), []))

    def __getitem__(self, key: Union[str, int, slice]) -> Any:
        if isinstance(key, str):
            return self._columns[key]
        if isinstance(key, slice):
            return Table({name: values[key] for name, values in self._columns.items()}, self.title)
        return {name: values[key] for name, values in self._columns.items()}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self[i] for i in range(len(self)))

    def to_pandas(self) -> Any:
        """A pandas.DataFrame; pandas is imported here and is needed for nothing else."""
        import pandas
        return pandas.DataFrame(self._columns)

    def __repr__(self) -> str:
        rows = [self.columns] + [[format_cell(self._columns[name][i]) for name in self.columns]
                                 for i in range(min(len(self), SHOWN))]
        widths = [max(len(row[i]) for row in rows) for i in range(len(self.columns))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
        if len(self) > SHOWN:
            lines.append(f"... {len(self)} rows in all")
        return "\n".join(([self.title] if self.title else []) + lines)

    def _repr_html_(self) -> str:
        def row(cells: Iterable[str], tag: str) -> str:
            return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

        body = "".join(row((format_cell(self._columns[name][i]) for name in self.columns), "td")
                       for i in range(min(len(self), SHOWN)))
        more = f"<p>{len(self)} rows in all</p>" if len(self) > SHOWN else ""
        title = f"<caption>{html.escape(self.title)}</caption>" if self.title else ""
        return f"<table>{title}<thead>{row(self.columns, 'th')}</thead><tbody>{body}</tbody></table>{more}"
