# SPDX-License-Identifier: MIT
"""Text compared with its numbers within tolerances: what other kernels, libraries and compilers may change.

Integers are counts and are compared exactly; words too. Runs of spaces and bars are not compared, as columns move with
the width of numbers. A number with a point may differ by two units of its last printed place (rounding borders), or by
what `tolerances` allows it: float32 sums in another order."""
import re

BARS = re.compile("[█▉▊▋▌▍▎▏#]+")
NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:e[-+]?\d+)?(?![\w])")
REAL = re.compile(r"[.e]")


def read_rules(path):
    """Lines CASES, tab, PATTERN of lines, tab, absolute, tab, relative, tab, reason; the first that fits counts."""
    rules = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = line.split("\t")
        if len(fields) != 5 or not fields[4]:
            raise SystemExit(f"tolerances:{number}: CASES, PATTERN, ABSOLUTE, RELATIVE and REASON expected, tabs between")
        rules.append((re.compile(fields[0]), re.compile(fields[1]), float(fields[2]), float(fields[3])))
    return rules


def unit(text):
    """What the last printed place of a number is worth."""
    mantissa, _, power = text.partition("e")
    places = len(mantissa.partition(".")[2])
    return 10.0 ** (int(power or 0) - places)


def near(wanted, found, absolute, relative):
    if wanted == found:
        return True
    a, b = float(wanted.replace(",", "")), float(found.replace(",", ""))
    if not REAL.search(wanted) and not REAL.search(found):
        return absolute >= 1 and abs(a - b) <= absolute  # counts, unless a rule is about integers
    printed = 2.0000001 * max(unit(wanted), unit(found))
    # Full precision is no rounding to two units: nine digits are what a float32 has and more.
    if len(re.sub(r"e.*|\D", "", wanted).lstrip("0")) > 6:
        printed = 0
    return abs(a - b) <= max(printed, absolute, relative * max(abs(a), abs(b)))


def signed(text):
    return text.lstrip("+-") if re.fullmatch(r"[+-]0(\.0+)?", text) else text


def difference(wanted, found, name, rules):
    """Says where two texts differ by more than they may, or None."""
    first, second = wanted.splitlines(), found.splitlines()
    for number, (a, b) in enumerate(zip(first, second), 1):
        if a == b:
            continue
        if [piece.split() for piece in NUMBER.split(BARS.sub(" ", a))] != \
                [piece.split() for piece in NUMBER.split(BARS.sub(" ", b))]:
            return f"line {number}: text differs"
        absolute, relative = next(((rule[2], rule[3]) for rule in rules
                                   if rule[0].fullmatch(name) and rule[1].search(a)), (0, 0))
        for x, y in zip(NUMBER.findall(BARS.sub(" ", a)), NUMBER.findall(BARS.sub(" ", b))):
            if not near(signed(x), signed(y), absolute, relative):
                return f"line {number}: expected {x}, found {y}"
    if len(first) != len(second):
        return f"expected {len(first)} lines, found {len(second)}"
    return None
