# SPDX-License-Identifier: MIT
"""Sizes and offsets of every struct as C has them; every member of a result is read as something."""
import ast
import ctypes
import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from clipspan import _declarations as declared
from clipspan import _native as native
from clipspan import _records as records

ROOT = Path(__file__).resolve().parents[2]


class Declarations(unittest.TestCase):
    def test_package_is_written_in_the_oldest_python(self):
        for path in sorted(ROOT.glob("python/clipspan/*.py")):
            ast.parse(path.read_text(encoding="utf-8"), str(path), feature_version=(3, 9))

    def test_module_is_what_headers_say(self):
        subprocess.run(["python3", ROOT / "python/tools/declarations.py", "--check"], check=True, capture_output=True)

    def test_sizes_and_offsets_are_those_of_c(self):
        program = subprocess.run(["python3", ROOT / "python/tools/declarations.py", "--c"], check=True,
                                 capture_output=True, text=True).stdout
        with tempfile.TemporaryDirectory() as folder:
            source, binary = Path(folder, "sizes.c"), Path(folder, "sizes")
            source.write_text(program)
            subprocess.run([os.environ.get("CC", "cc").split()[0], "-I", ROOT / "include", source, "-o", binary],
                           check=True)
            lines = subprocess.run([binary], check=True, capture_output=True, text=True).stdout.splitlines()
        self.assertGreater(len(lines), 500)
        for line in lines:
            name, size, offset = line.split()
            struct, _, member = name.partition(".")
            made = native.make_struct(struct)
            if member:
                field = getattr(made, member)
                self.assertEqual((field.size, field.offset), (int(size), int(offset)), name)
            else:
                self.assertEqual(ctypes.sizeof(made), int(size), name)

    def test_every_function_is_exported(self):
        for name in declared.FUNCTIONS:
            self.assertTrue(hasattr(native.library().handle, name), name)

    def test_every_pointer_of_a_result_is_read(self):
        for struct, members in declared.STRUCTS.items():
            if re.search(r"_(options|document)$", struct) or records.ELSEWHERE.get(struct, ()) is None:
                continue
            for member, kind in members:
                if not kind.endswith("*") or kind == "const char *" or "(*)" in kind:
                    continue
                places = [member in records.ARRAYS.get(struct, {}), member in records.SINGLES.get(struct, []),
                          member in (records.ELSEWHERE.get(struct) or [])]
                self.assertEqual(sum(places), 1, f"{struct}.{member} is an array, one struct, or left out: say which")


if __name__ == "__main__":
    unittest.main()
