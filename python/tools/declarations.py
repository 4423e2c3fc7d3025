#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""declarations.py [--check] [--c]   Writes python/clipspan/_declarations.py from include/clipspan/*.h.

--check writes nothing and fails when that file is not what the headers say.
--c     prints a C program that prints the size of every struct and the offset and size of every member, which
        tests/python/test_declarations.py compares with what ctypes makes of the same declarations.

The headers are regular: enums, structs, handles, functions and numeric macros, one declaration each. Whatever is none of
these is an error here, so that a header cannot grow in a way that goes unseen."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEADERS = ROOT / "include" / "clipspan"
OUTPUT = ROOT / "python" / "clipspan" / "_declarations.py"
SCALARS = {"int", "unsigned", "size_t", "float", "double", "uint8_t", "uint16_t", "uint32_t", "uint64_t", "int32_t",
           "int64_t", "char", "void"}


class Declarations:
    def __init__(self):
        self.constants, self.enums, self.structs, self.functions, self.handles = {}, {}, {}, {}, set()
        self.defaults, self.inits = {}, {}


def fail(message):
    sys.exit(f"declarations.py: {message}")


def read_headers():
    """Names and texts of the headers, without comments, in the order in which clipspan.h would include them."""
    found = []
    for path in sorted(HEADERS.glob("*.h")):
        text = re.sub(r"/\*.*?\*/", " ", path.read_text(encoding="utf-8"), flags=re.S)
        found.append((path.name, text.replace("\\\n", " ")))
    return found


def read_macros(text, into):
    """Numeric macros become constants, ..._INIT macros the non-zero defaults of an options struct."""
    rest = []
    for line in text.split("\n"):
        match = re.match(r"\s*#\s*define\s+(CLIPSPAN_\w+)\s+(.*)", line)
        if not match:
            rest.append(line if not line.lstrip().startswith("#") else "")
            continue
        name, value = match.group(1), match.group(2).strip()
        if name.endswith("_INIT"):
            into.inits[name] = [item.strip() for item in value.strip("{} ").split(",")]
        elif re.fullmatch(r"[0-9.]+", value):
            into.constants[name] = float(value) if "." in value else int(value)
        elif value == "((size_t)-1)":
            into.constants[name] = 2**64 - 1  # of 64-bit machines, the only ones that the package is built for
    return "\n".join(rest)


def read_enum(name, body, into):
    members, value = {}, -1
    for item in body.split(","):
        item = item.strip()
        if not item:
            continue
        key, _, given = item.partition("=")
        value = int(given) if given.strip() else value + 1
        members[key.strip()] = value
    into.enums[name] = members


def join_type(words):
    return re.sub(r"\s*\*\s*", " *", " ".join(words.split())).replace("* *", "**").strip()


def split_declarator(text):
    """("const char *name[2]") -> ("name", "const char *[2]")."""
    text = " ".join(text.split())
    array = "".join(re.findall(r"\[[^]]*\]", text))
    text = re.sub(r"\[[^]]*\]", "", text).strip()
    match = re.fullmatch(r"(.*?)\b(\w+)", text)
    if not match or not match.group(1).strip():
        fail(f"cannot read the declarator {text!r}")
    return match.group(2), join_type(match.group(1)) + array


def read_members(name, body):
    members = []
    for item in body.split(";"):
        item = " ".join(item.split())
        if not item:
            continue
        pointer = re.fullmatch(r"(.*?)\(\*(\w+)\)\((.*)\)", item)
        if pointer:
            members.append((pointer.group(2), callback(pointer.group(1), pointer.group(3))))
            continue
        first, *others = [part.strip() for part in item.split(",")]
        key, kind = split_declarator(first)
        base = re.sub(r"[\s*]*(const)?[\s*]*(\[.*)?$", "", kind) if others else ""
        members.append((key, kind))
        for other in others:  # `int a, b;` and `const char *const *a, *const *b;`
            members.append(split_declarator(f"{base} {other}"))
    if not members:
        fail(f"struct {name} has no members")
    return tuple(members)


def callback(returns, arguments):
    kinds = [split_declarator(argument)[1] for argument in arguments.split(",")]
    return f"{join_type(returns)} (*)({', '.join(kinds)})"


def read_arguments(text):
    if text.strip() in ("void", ""):
        return ()
    kinds, depth, item = [], 0, ""
    for letter in text + ",":
        depth += (letter == "(") - (letter == ")")
        if letter != "," or depth:
            item += letter
            continue
        pointer = re.fullmatch(r"\s*(.*?)\(\*(\w+)\)\((.*)\)\s*", item, re.S)
        if pointer:
            kinds.append(callback(pointer.group(1), " ".join(pointer.group(3).split())))
        else:
            kinds.append(re.sub(r"\[[^]]*\]$", " *", split_declarator(item)[1]).replace("  ", " "))
        item = ""
    return tuple(kinds)


def read_header(name, text, into):
    text = read_macros(text, into)
    text = re.sub(r'extern "C" \{', "", text)
    place = 0
    rules = [
        (re.compile(r"\s*typedef enum (\w+) \{(.*?)\} \w+;", re.S), lambda m: read_enum(m[1], m[2], into)),
        (re.compile(r"\s*typedef struct (\w+) \{(.*?)\} \w+;", re.S),
         lambda m: into.structs.__setitem__(m[1], read_members(m[1], m[2]))),
        (re.compile(r"\s*typedef struct (\w+) \w+;"), lambda m: into.handles.add(m[1])),
        (re.compile(r"\s*CLIPSPAN_API\s+([\w\s*]*?)\b(clipspan_\w+)\((.*?)\);", re.S),
         lambda m: into.functions.__setitem__(m[2], (join_type(m[1]), read_arguments(m[3])))),
        (re.compile(r"\s*(\}|#.*)?\s*\Z"), lambda m: None),
        (re.compile(r"\s*\}(?=\s)"), lambda m: None),
    ]
    while place < len(text):
        for pattern, take in rules:
            match = pattern.match(text, place)
            if match:
                take(match)
                place = match.end()
                break
        else:
            fail(f"{name}: cannot read: {' '.join(text[place:place + 120].split())}")


def finish(into):
    """Defaults that are not zero, and types that are known."""
    into.handles -= set(into.structs)
    flat = {key: value for members in into.enums.values() for key, value in members.items()}
    for macro, values in into.inits.items():
        struct = macro.lower().removesuffix("_init")
        if struct not in into.structs:
            fail(f"{macro} is of no struct")
        members = into.structs[struct]
        if len(values) != len(members):
            fail(f"{macro} has {len(values)} values, {struct} {len(members)} members")
        given = {}
        for (key, _), value in list(zip(members, values))[1:]:
            number = 0 if value == "NULL" else flat.get(value, value)
            if float(number) != 0:
                given[key] = int(number)
        if given:
            into.defaults[struct] = given
    known = SCALARS | set(into.enums) | set(into.structs) | into.handles
    kinds = [kind for members in into.structs.values() for _, kind in members]
    kinds += [kind for returns, arguments in into.functions.values() for kind in (returns, *arguments)]
    for kind in kinds:
        for word in re.findall(r"[A-Za-z_]\w*", re.sub(r"\[\w+\]", "", kind)):
            if word not in known and word != "const":
                fail(f"unknown type {word!r} in {kind!r}")


def read_all():
    into = Declarations()
    for name, text in read_headers():
        read_header(name, text, into)
    finish(into)
    return into


def number_arrays(kind, constants):
    """Lengths of arrays that are named by a macro, as numbers."""
    return re.sub(r"\[([A-Z]\w*)\]", lambda m: f"[{constants[m[1]]}]", kind)


def format_module(into):
    lines = ["# SPDX-License-Identifier: MIT",
             '"""What include/clipspan/*.h declare, written by python/tools/declarations.py: not to be edited."""',
             "# fmt: off", "CONSTANTS = {"]
    lines += [f"    {key!r}: {value!r}," for key, value in sorted(into.constants.items())]
    lines += ["}", "ENUMS = {"]
    for name, members in sorted(into.enums.items()):
        lines.append(f"    {name!r}: {members!r},")
    lines += ["}", "HANDLES = frozenset(("]
    lines += [f"    {name!r}," for name in sorted(into.handles)]
    lines += ["))", "STRUCTS = {"]
    for name, members in sorted(into.structs.items()):
        lines.append(f"    {name!r}: (")
        lines += [f"        ({key!r}, {number_arrays(kind, into.constants)!r})," for key, kind in members]
        lines.append("    ),")
    lines += ["}", "DEFAULTS = {"]
    lines += [f"    {name!r}: {given!r}," for name, given in sorted(into.defaults.items())]
    lines += ["}", "FUNCTIONS = {"]
    for name, (returns, arguments) in sorted(into.functions.items()):
        lines.append(f"    {name!r}: ({returns!r}, {arguments!r}),")
    return "\n".join(lines + ["}", ""])


def format_program(into):
    lines = ["#include <clipspan/clipspan.h>", "#include <stdio.h>", "int main(void)", "{"]
    for name, members in sorted(into.structs.items()):
        lines.append(f'    printf("{name} %zu %zu\\n", sizeof({name}), (size_t)0);')
        for key, _ in members:
            lines.append(f'    printf("{name}.{key} %zu %zu\\n", sizeof((({name} *)0)->{key}), offsetof({name}, {key}));')
    return "\n".join(lines + ["    return 0;", "}", ""])


def main():
    into = read_all()
    text = format_module(into)
    if "--c" in sys.argv[1:]:
        sys.stdout.write(format_program(into))
    elif "--check" in sys.argv[1:]:
        if not OUTPUT.exists() or OUTPUT.read_text(encoding="utf-8") != text:
            sys.exit("python/clipspan/_declarations.py is not what the headers say; run python/tools/declarations.py")
        print(f"python/clipspan/_declarations.py: {len(into.functions)} functions, {len(into.structs)} structs")
    else:
        OUTPUT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
