"""Which questions belong to a benchmark: what is measured on must never be trained on.

    LeakIndex().leak(question)        # None, or a sentence: "math500, the same text"

The rule, in this order:

1. The row says so itself: its split is one of `EVALUATION_SPLITS`.
2. Exact: the normalised text is that of a benchmark question. Case, white space, punctuation, `$`, the sort
   of fraction (`\\dfrac`, `\\tfrac`), spacing and font commands and Asymptote figures do not matter;
   words, numbers and operators do. A question of which a figure is nearly all keeps its figure.
3. Overlap: any window of 13 words, counted without operators, that a benchmark question has too. Windows
   that are boilerplate (two training problems of GSM8K or MATH have them, or two benchmark questions) are
   no evidence and were left out when the fingerprints were made. Questions of fewer than 13 words are
   compared exactly only.

Known are GSM8K test, MATH500, AIME24, AIME25 and AMC23, as 64-bit hashes without a word of text
(`fingerprints.bin`, made by `python -m drp.gates.make_fingerprints`), and the evaluation questions that the
caller hands over.
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
"""Names of splits that are measured on, lower case."""

WINDOW = 13
"""Words of an overlap window."""

RULE = 1
"""Version of the normalisation: fingerprints of another version are refused."""

FINGERPRINTS = "fingerprints.bin"

Hashes: TypeAlias = dict[int, str]

# An Asymptote figure: its code is drawing, and full of boilerplate. The end may be missing.
_FIGURE = re.compile(r"\[asy\].*?(?:\[/asy\]|\Z)", re.DOTALL | re.IGNORECASE)
# A separator of thousands: a comma, bare or as LaTeX writes it.
_THOUSANDS = re.compile(r"(?<=\d)(?:,\\!|\{,\}|\\,|,)(?=\d{3}(?!\d))")
# The sorts of fraction and binomial.
_SORTS = re.compile(r"\\[dtc](?=frac|binom)")
# Spacing, and commands that change how mathematics looks and not what it says.
_LOOKS = re.compile(
    r"\\[,;:!]|\\(?:begin|end)\{[a-z]{1,20}\*?\}"
    r"|\\(?:left|right|[bB]igg?[lrm]?|(?:display|text)style|limits|text(?:bf|it|rm|tt|normal)?|[mh]box"
    r"|boldsymbol|math(?:rm|bf|it|sf|tt|cal|bb|frak)|operatorname|q?quad|hline)(?![a-zA-Z])"
)
# One spelling for what has several. A minus is no token: in prose it joins words.
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
    """Tokens of a question that do not depend on how it is typeset; time is linear in its length."""
    without = _tokens(_FIGURE.sub(" ", question))
    tokens = without if len(without) >= WINDOW else _tokens(question)
    return Words(" ".join(tokens), [token for token in without if token[0].isalnum()])


def _tokens(text: str) -> list[str]:
    text = _LOOKS.sub(" ", _SORTS.sub(r"\\", _THOUSANDS.sub("", text)))
    for pattern, spelling in _SPELLINGS:
        text = pattern.sub(spelling, text)
    return _TOKEN.findall(unicodedata.normalize("NFKC", text).lower())


def exact_hash(normalised: Words) -> int:
    """64-bit hash of the whole question."""
    return _hash(normalised.text)


def window_hashes(normalised: Words) -> Iterator[int]:
    """64-bit hashes of every window of 13 words, in order; none for a shorter question."""
    words = normalised.words
    for start in range(len(words) - WINDOW + 1):
        yield _hash(" ".join(words[start : start + WINDOW]))


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


class BadFingerprintsError(TerminalError):
    """The shipped fingerprints are damaged or were made by another rule."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"the fingerprints of the benchmarks {problem}",
            state="No question was checked and nothing was written",
            next_command="install drp again, or python -m drp.gates.make_fingerprints FOLDER_OF_BENCHMARKS",
        )


def pack(exact: dict[str, list[int]], windows: dict[str, list[int]]) -> bytes:
    """The file: a JSON line with counts by benchmark, then the hashes in that order, little-endian uint64."""
    counts = {name: [len(exact[name]), len(windows[name])] for name in exact}
    header = json.dumps({"rule": RULE, "window": WINDOW, "counts": counts}, separators=(",", ":"))
    numbers = [number for name in exact for number in (*exact[name], *windows[name])]
    return header.encode() + b"\n" + struct.pack(f"<{len(numbers)}Q", *numbers)


def unpack(blob: bytes) -> tuple[Hashes, Hashes]:
    """Exact hashes and window hashes, each with the benchmark that it is from.

    Raises:
        BadFingerprintsError: a damaged file, or one of another rule.
    """
    head, _, body = blob.partition(b"\n")
    try:
        header = json.loads(head)
        numbers = iter(struct.unpack(f"<{len(body) // 8}Q", body))
        if sum(map(sum, header["counts"].values())) * 8 != len(body):
            raise ValueError("cut off")
    except (ValueError, KeyError, TypeError, struct.error) as error:
        raise BadFingerprintsError("are damaged") from error
    if (header["rule"], header["window"]) != (RULE, WINDOW):
        raise BadFingerprintsError(f"are of rule {header['rule']}, and rule {RULE} reads them")
    exact: Hashes = {}
    windows: Hashes = {}
    for name, (n_exact, n_windows) in header["counts"].items():
        exact.update((next(numbers), name) for _ in range(n_exact))
        windows.update((next(numbers), name) for _ in range(n_windows))
    return exact, windows


@cache
def _shipped() -> tuple[Hashes, Hashes]:
    return unpack(resources.files("drp.gates").joinpath(FINGERPRINTS).read_bytes())


class LeakIndex:
    """Knows the questions of the benchmarks; made once a stage, then `leak` costs microseconds a word.

    Args:
        evaluation_questions: texts of further questions that are measured on, such as imported ones.
    """

    def __init__(self, evaluation_questions: Iterable[str] = ()) -> None:
        self._exact, self._windows = (dict(hashes) for hashes in _shipped())
        for text in evaluation_questions:
            normalised = normalise(text)
            self._exact.setdefault(exact_hash(normalised), "imported evaluation set")
            for number in window_hashes(normalised):
                self._windows.setdefault(number, "imported evaluation set")

    def leak(self, question: Question) -> str | None:
        """How the question is known to an evaluation set, for a reader, or None."""
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
