"""How many planted false equations `false_equations` finds, and how often it raises a false alarm.

    .venv/bin/python benchmarks/arithmetic.py ../shared/data/math.parquet [TRACES.parquet] [--show N]

True equations of the reference solutions (column `solution`) are found by a simple pattern of this program's
own, and the last number of one is changed by a little. `--show N` prints the first N alarms on the unchanged
texts, to be read by eye: some are errors of the data. TRACES adds the alarms on right thinking traces.
"""

import argparse
import random
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import pyarrow.parquet as pq

from drp.grading.arithmetic.check import false_equations

NUMBER = r"\d{1,9}(?:\.\d{1,6})?"
OPERAND = rf"(?:{NUMBER}|\\[dt]?frac\{{{NUMBER}\}}\{{{NUMBER}\}})"
OPERATOR = r"\s?(?:[-+*/×]|\\times|\\cdot|\\div)\s?"
# `12 + 4 \times 2 = 20`, `3 \cdot 4 = 12 = 24/2`: no variable, bracket or unit; bounded everywhere.
PLAIN_EQUATION = re.compile(
    rf"(?<![\w.,)}}\]^_+\-*/=\\(&])(?<![\w.,)}}\]^_+\-*/=\\(&]\s){OPERAND}(?:{OPERATOR}{OPERAND}){{1,12}}"
    rf"(?:\s?&?=\s?{OPERAND}(?:{OPERATOR}{OPERAND}){{0,12}}){{1,6}}"
    rf"(?=[.,;]?(?:\s|\$|\\\)|\\\]|$))(?!\s*(?:\\[a-z(]|[-+*/^=!&<\w(]))"
)
FRACTION = re.compile(rf"\\[dt]?frac\{{({NUMBER})\}}\{{({NUMBER})\}}")
LAST_NUMBER = re.compile(rf"{NUMBER}(?=\}}?$)")
SYMBOLS = {"\\times": "*", "\\cdot": "*", "×": "*", "\\div": "/"}


def value(side: str) -> Fraction:
    """Exact value of a side that PLAIN_EQUATION took."""
    side = FRACTION.sub(r"(\1/\2)", side.strip(" &"))
    for symbol, python in SYMBOLS.items():
        side = side.replace(symbol, python)
    # Only digits, dots, brackets and + - * / are left of what the pattern allows.
    return Fraction(eval(re.sub(NUMBER, r"Fraction('\g<0>')", side), {"Fraction": Fraction}))  # noqa: S307


def true_equations(text: str) -> Iterator[re.Match[str]]:
    """Equations of `text` that hold, as this program's own pattern sees them."""
    for match in PLAIN_EQUATION.finditer(text):
        try:
            values = {value(side) for side in match.group().split("=")}
        except (ZeroDivisionError, SyntaxError):
            continue
        if len(values) == 1:
            yield match


def spoil(equation: str, rng: random.Random) -> str | None:
    """`equation` with its last number changed by 1 to 3 units of its last place."""
    last = LAST_NUMBER.search(equation)
    if last is None:
        return None
    places = len(last.group().partition(".")[2])
    number = Fraction(last.group()) + rng.choice((-3, -2, -1, 1, 2, 3)) * Fraction(1, 10**places)
    spoiled = equation[: last.start()] + f"{float(number):.{places}f}" + equation[last.end() :]
    return spoiled if number > 0 and value(spoiled.split("=")[-1]) != value(equation.split("=")[-1]) else None


def kinds(equation: str) -> set[str]:
    """The groups that recall is reported for."""
    found = {"chain"} if equation.count("=") > 1 else set()
    marks = {"\\times": "\\times", "\\cdot": "\\cdot", "fraction": "frac", "decimal": "."}
    return found | {kind for kind, mark in marks.items() if mark in equation} or {"plain"}


def recall(texts: Sequence[str], seed: int) -> None:
    """Plant one false equation in every text that has a true one, and print the share that is found."""
    rng = random.Random(seed)  # noqa: S311
    planted: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for text in texts:
        candidates = list(true_equations(text))
        if not candidates:
            continue
        match = rng.choice(candidates)
        equation = spoil(match.group(), rng)
        if equation is None:
            continue
        changed = text[: match.start()] + equation + text[match.end() :]
        end = match.start() + len(equation)
        hit = any(e.span[0] < end and e.span[1] > match.start() for e in false_equations(changed))
        for kind in kinds(equation) | {"all"}:
            planted[kind] += 1
            found[kind] += hit
    for kind, count in planted.most_common():
        print(f"planted false equations found, {kind}: {found[kind]} of {count} = {found[kind] / count:.3f}")


def alarms(name: str, texts: Sequence[str], show: int) -> None:
    """Print the share of unchanged texts with an alarm, the speed, and the first alarms."""
    start = time.process_time()
    flagged = [(text, found) for text in texts if (found := false_equations(text))]
    seconds = time.process_time() - start
    size = sum(map(len, texts)) / 1e6
    print(f"{name}: {len(flagged)} of {len(texts)} with an alarm = {100 * len(flagged) / len(texts):.2f} %")
    print(
        f"{name}: {size:.1f} million characters in {seconds:.1f} s of processor time, "
        f"{size / seconds:.1f} million a second"
    )
    for text, found in flagged[:show]:
        start_at, end = found[0].span
        print(f"    {found[0].left!r} = {found[0].right!r}   in {text[max(0, start_at - 60) : end + 40]!r}")


def main() -> None:
    """Run on the files named on the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("math", type=Path, help="Parquet file with the column solution")
    parser.add_argument("traces", type=Path, nargs="?", help="Parquet file with thinking and boxed_match")
    parser.add_argument("--show", type=int, default=0, help="how many alarms to print")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    solutions = pq.read_table(arguments.math, columns=["solution"])["solution"].to_pylist()
    recall(solutions, arguments.seed)
    alarms("reference solutions", solutions, arguments.show)
    if arguments.traces:
        rows = pq.read_table(arguments.traces, columns=["thinking", "boxed_match"]).to_pylist()
        alarms("right traces", [row["thinking"] for row in rows if row["boxed_match"]], arguments.show)


if __name__ == "__main__":
    main()
