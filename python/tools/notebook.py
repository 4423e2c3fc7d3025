#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""notebook.py [--write] FILE.ipynb   Runs a notebook without Jupyter, in a scratch folder, in this Python.

Every code cell runs in one namespace; what it prints and what its last expression shows (_repr_html_, else repr) is compared
with the outputs in the file, all digits left out: figures differ in their last places between machines, words and shapes do not.
--write puts them there instead. A page or image of more than MOST bytes is written as its repr. A cell whose metadata has the
tag "optional" may say something else where a library is missing; an exception of any cell is an error."""
import ast
import contextlib
import io
import json
import os
import re
import sys
import tempfile
import traceback
from pathlib import Path

MOST = 40_000


def evaluate(source, names, number):
    """(what was printed, the value of the last expression or None)"""
    tree = ast.parse(source, f"cell {number}")
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, f"cell {number}", "exec"), names)
        value = eval(compile(ast.Expression(last.value), f"cell {number}", "eval"), names) if last else None
    return printed.getvalue(), value


def split(text):
    return text.splitlines(keepends=True)


def make_outputs(printed, value, number):
    outputs = []
    if printed:
        outputs.append({"name": "stdout", "output_type": "stream", "text": split(printed)})
    if value is not None:
        data = {"text/plain": split(repr(value))}
        page = value._repr_html_() if hasattr(value, "_repr_html_") else None
        if page and len(page) <= MOST:
            data["text/html"] = split(page)
        outputs.append({"data": data, "execution_count": number, "metadata": {}, "output_type": "execute_result"})
    return outputs


def read_words(outputs):
    """The text of outputs without digits, signs and the spaces that align them."""
    texts = ["".join(item.get("text") or item["data"]["text/plain"]) for item in outputs]
    return re.sub(r"[-+−]?[0-9.]+(e[-+]?[0-9]+)?|\s+", " ", "\n".join(texts)).split()


def run(notebook):
    """New outputs of all code cells."""
    names, made, number = {"__name__": "__main__"}, [], 0
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        number += 1
        try:
            printed, value = evaluate("".join(cell["source"]), names, number)
        except BaseException:
            traceback.print_exc()
            sys.exit(f"notebook.py: cell {number} failed")
        made.append((cell, number, make_outputs(printed, value, number)))
    return made


def main():
    write = "--write" in sys.argv[1:]
    path = Path([item for item in sys.argv[1:] if item != "--write"][0]).resolve()
    notebook = json.loads(path.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        made = run(notebook)
        os.chdir("/")
    for cell, number, outputs in made:
        expected, found = read_words(cell["outputs"]), read_words(outputs)
        if write:
            cell["execution_count"], cell["outputs"] = number, outputs
        elif found != expected and "optional" not in cell["metadata"].get("tags", []):
            sys.exit(f"notebook.py: cell {number} says\n{' '.join(found)}\nwhere {path.name} has\n{' '.join(expected)}\n"
                     "(python/tools/notebook.py --write writes what it says now)")
    if write:
        path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{path.name}: {len(made)} cells")


if __name__ == "__main__":
    main()
