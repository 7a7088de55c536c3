"""Detect questions that belong to a benchmark, because evaluation questions must never be trained on.

    LeakIndex().leak(question)        # None, or a description: "math500, the same text"

A question is a leak if one of these rules matches, tried in this order:

1. Split: its split is one of `EVALUATION_SPLITS`.
2. Exact: its normalised text equals that of a benchmark question. Case, white space, punctuation, `$`, the
kind
   of fraction (`\\dfrac`, `\\tfrac`), spacing and font commands, and Asymptote figures are ignored; words,
   numbers and operators are compared. A question that consists almost only of a figure keeps its figure.
3. Overlap: it shares any window of 13 words, not counting operators, with a benchmark question. Boilerplate
   windows, which occur in two training problems of GSM8K or MATH or in two benchmark questions, are not
   evidence and were excluded from the fingerprints. Questions with fewer than 13 words are only compared
   exactly.

The index covers GSM8K test, MATH500, AIME24, AIME25 and AMC23, stored as 64-bit hashes without any text
(`benchmark_fingerprints.bin`, made by `python -m drp.gates.make_benchmark_fingerprints`), and the evaluation
questions passed by the caller.
"""

import hashlib
import json
import re
import struct
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import resources
from typing import NamedTuple, TypeAlias

from drp.core import Question, TerminalError

EVALUATION_SPLITS = frozenset(
    {"test", "testing", "validation", "valid", "val", "dev", "development", "eval", "evaluation", "holdout"}
)
"""Names of evaluation splits in lower case."""

WINDOW = 13
"""Number of words in an overlap window."""

RULE = 1
"""Version of the normalisation; fingerprints of another version are rejected."""

FINGERPRINTS = "benchmark_fingerprints.bin"

Hashes: TypeAlias = dict[int, str]

# An Asymptote figure: drawing code that is full of boilerplate. The end may be missing.
_FIGURE = re.compile(r"\[asy\].*?(?:\[/asy\]|\Z)", re.DOTALL | re.IGNORECASE)
# A thousands separator: a plain comma or one in LaTeX notation.
_THOUSANDS = re.compile(r"(?<=\d)(?:,\\!|\{,\}|\\,|,)(?=\d{3}(?!\d))")
# The kinds of fraction and binomial.
_KINDS = re.compile(r"\\[dtc](?=frac|binom)")
# Spacing, and commands that change the appearance of mathematics but not its meaning.
_APPEARANCE = re.compile(
    r"\\[,;:!]|\\(?:begin|end)\{[a-z]{1,20}\*?\}"
    r"|\\(?:left|right|[bB]igg?[lrm]?|(?:display|text)style|limits|text(?:bf|it|rm|tt|normal)?|[mh]box"
    r"|boldsymbol|math(?:rm|bf|it|sf|tt|cal|bb|frak)|operatorname|q?quad|hline)(?![a-zA-Z])"
)
# One spelling for symbols with several. A minus is not a token: in prose it is a hyphen.
_SPELLINGS = (
    (re.compile(r"\\(?:times|cdot|ast)(?![a-zA-Z])|[×·⋅∗]"), "*"),
    (re.compile(r"\\div(?![a-zA-Z])|÷"), "/"),
    (re.compile(r"\\leq?(?:slant)?(?![a-zA-Z])|≤"), "<="),
    (re.compile(r"\\geq?(?:slant)?(?![a-zA-Z])|≥"), ">="),
    (re.compile(r"\^?\{?(?:\\circ(?![a-zA-Z])|°)\}?"), " degrees "),
)
# Words (letters and digits), and operators.
_TOKEN = re.compile(r"[^\W_]+|[+*/=<>^!%|]")


class Words(NamedTuple):
    """A normalised question: all tokens as one text, and its words without the operators."""

    text: str
    words: list[str]


def normalise(question: str) -> Words:
    """Return the tokens of a question independent of its typesetting; takes linear time."""
    without_figure = _tokens(_FIGURE.sub(" ", question))
    tokens = without_figure if len(without_figure) >= WINDOW else _tokens(question)
    return Words(" ".join(tokens), [token for token in without_figure if token[0].isalnum()])


def _tokens(text: str) -> list[str]:
    text = _APPEARANCE.sub(" ", _KINDS.sub(r"\\", _THOUSANDS.sub("", text)))
    for pattern, spelling in _SPELLINGS:
        text = pattern.sub(spelling, text)
    return _TOKEN.findall(unicodedata.normalize("NFKC", text).lower())


def exact_hash(normalised: Words) -> int:
    """Return the 64-bit hash of the whole question."""
    return _hash(normalised.text)


def window_hashes(normalised: Words) -> Iterator[int]:
    """Yield the 64-bit hash of every window of 13 words, in order; nothing for a shorter question."""
    words = normalised.words
    for start in range(len(words) - WINDOW + 1):
        yield _hash(" ".join(words[start : start + WINDOW]))


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


class BadFingerprintsError(TerminalError):
    """The bundled fingerprints are damaged or of another version."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"the fingerprints of the benchmarks {problem}",
            state="No question was checked and nothing was written",
            next_command="reinstall drp, or run: "
            "python -m drp.gates.make_benchmark_fingerprints FOLDER_OF_BENCHMARKS",
        )


def pack(exact: dict[str, list[int]], windows: dict[str, list[int]]) -> bytes:
    """Return the file content: a JSON line with counts by benchmark, then little-endian uint64 hashes."""
    counts = {name: [len(exact[name]), len(windows[name])] for name in exact}
    header = json.dumps({"rule": RULE, "window": WINDOW, "counts": counts}, separators=(",", ":"))
    numbers = [number for name in exact for number in (*exact[name], *windows[name])]
    return header.encode() + b"\n" + struct.pack(f"<{len(numbers)}Q", *numbers)


def unpack(blob: bytes) -> tuple[Hashes, Hashes]:
    """Return exact hashes and window hashes, each with its benchmark.

    Raises:
        BadFingerprintsError: the file is damaged or of another version.
    """
    head, _, body = blob.partition(b"\n")
    try:
        header = json.loads(head)
        numbers = iter(struct.unpack(f"<{len(body) // 8}Q", body))
        if sum(map(sum, header["counts"].values())) * 8 != len(body):
            raise ValueError("truncated")
    except (ValueError, KeyError, TypeError, struct.error) as error:
        raise BadFingerprintsError("are damaged") from error
    if (header["rule"], header["window"]) != (RULE, WINDOW):
        raise BadFingerprintsError(f"have version {header['rule']}, but version {RULE} is needed")
    exact: Hashes = {}
    windows: Hashes = {}
    for name, (n_exact, n_windows) in header["counts"].items():
        exact.update((next(numbers), name) for _ in range(n_exact))
        windows.update((next(numbers), name) for _ in range(n_windows))
    return exact, windows


@cache
def _bundled() -> tuple[Hashes, Hashes]:
    return unpack(resources.files("drp.gates").joinpath(FINGERPRINTS).read_bytes())


class LeakIndex:
    """An index of evaluation questions. Create it once per stage; `leak` then takes microseconds per word.

    Args:
        evaluation_questions: texts of further evaluation questions, such as imported ones.
    """

    def __init__(self, evaluation_questions: Iterable[str] = ()) -> None:
        self._exact, self._windows = (dict(hashes) for hashes in _bundled())
        for text in evaluation_questions:
            self.add(text)

    def add(self, evaluation_question: str) -> None:
        """Add the text of one more evaluation question."""
        normalised = normalise(evaluation_question)
        self._exact.setdefault(exact_hash(normalised), "imported evaluation set")
        for number in window_hashes(normalised):
            self._windows.setdefault(number, "imported evaluation set")

    def leak(self, question: Question) -> str | None:
        """Describe how the question matches an evaluation set, or return None."""
        if question.split.strip().lower() in EVALUATION_SPLITS:
            return f"split {question.split.strip()}"
        normalised = normalise(question.question)
        if name := self._exact.get(exact_hash(normalised)):
            return f"{name}, the same text"
        for start, number in enumerate(window_hashes(normalised)):
            if name := self._windows.get(number):
                shared = " ".join(normalised.words[start : start + WINDOW])
                return f"{name}, {WINDOW} words in common: {shared}"
        return None
